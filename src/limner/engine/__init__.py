"""The computing engine: runs queries over tables. Knows no event, tag or person: only SQL and Arrow."""
