"""Campaigns: the definition of one send, who gets it, who is held out, and when it may go."""
