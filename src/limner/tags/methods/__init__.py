"""Methods: how each kind of definition becomes a Query of (ix, value)."""
