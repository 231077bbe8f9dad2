"""Records: the small tables that must never be lost (keys, runs, consents, messages). Knows no journey noun."""
