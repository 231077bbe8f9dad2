"""Touches: a message rendered for one person, claimed, sent once, and recorded."""
