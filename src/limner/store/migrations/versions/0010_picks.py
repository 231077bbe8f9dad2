"""What was picked for each message, and why."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.execute("ALTER TABLE touches ADD COLUMN picks TEXT NOT NULL DEFAULT ''")
