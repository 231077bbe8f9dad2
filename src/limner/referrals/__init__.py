"""Referrals: who invited whom, what does not count and why, and what each is given for it, once."""
