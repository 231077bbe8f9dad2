"""The command line: words in, tables or JSON out. Knows the verbs by name; the workspace performs them."""
