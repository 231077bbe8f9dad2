"""Feedback: what became of messages, written as events, and what a campaign changed."""
