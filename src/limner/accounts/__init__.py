"""Who may do what: roles, API keys, and the sources that may send events. Knows no person and no tag."""
