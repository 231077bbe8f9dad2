"""The versions of journeys that ran: each text, since when, by whom, and what it did to those who were inside."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE journey_versions (
  journey TEXT NOT NULL, version INTEGER NOT NULL, definition TEXT NOT NULL, at INTEGER NOT NULL,
  by TEXT NOT NULL, moved TEXT NOT NULL, PRIMARY KEY (journey, version)
) WITHOUT ROWID;
INSERT INTO journey_versions (journey, version, definition, at, by, moved)
  SELECT journey, 1, definition, started_at, '', '[]' FROM journeys;
CREATE INDEX positions_entered ON positions (journey, entered_at)
"""


def upgrade() -> None:
    """Makes the table; what runs is the first version of each."""
    for statement in STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
