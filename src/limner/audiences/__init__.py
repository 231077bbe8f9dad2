"""Audiences: who satisfies a condition, or stands in a list; counted, kept as snapshots, exported."""
