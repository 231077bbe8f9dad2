"""Versions of the record store's tables, applied in order by alembic."""
