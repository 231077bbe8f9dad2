"""Indicators that are defined once: what each measures, in the tags that name it, and its number over a period."""
