"""The HTTP doors: the collector, the links in messages, and the management API. Knows verbs, not journeys."""
