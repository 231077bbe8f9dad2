"""What people said and somebody here has dealt with."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE TABLE handled (id TEXT PRIMARY KEY, person TEXT NOT NULL, at INTEGER NOT NULL, by TEXT NOT NULL,"
    " note TEXT NOT NULL DEFAULT '') WITHOUT ROWID",
    "CREATE INDEX handled_person ON handled (person)",
)


def upgrade() -> None:
    """Makes the table."""
    for statement in STATEMENTS:
        op.execute(statement)
