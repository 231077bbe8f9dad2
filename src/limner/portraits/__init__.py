"""Portraits: everything that is known of one person, and how a crowd differs from everybody."""
