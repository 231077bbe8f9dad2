"""Hosted forms: what is asked, what an answer means, and who is no person."""
