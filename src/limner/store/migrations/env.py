"""Alembic asks for this file; the connection is handed in by `Records.migrate`."""
