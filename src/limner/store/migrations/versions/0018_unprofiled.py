"""Who wants nothing chosen for them by what is computed of them."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.execute("ALTER TABLE preferences ADD COLUMN unprofiled INTEGER NOT NULL DEFAULT 0")
