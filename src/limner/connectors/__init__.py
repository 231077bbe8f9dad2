"""Connectors read files from outside as Arrow tables. They know no event, tag or person."""
