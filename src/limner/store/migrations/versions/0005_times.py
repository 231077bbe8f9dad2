"""How long each tag took in each of the last runs, and what the run did to it."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE tag_times (
  tag TEXT NOT NULL, run TEXT NOT NULL, at INTEGER NOT NULL, seconds REAL, together INTEGER NOT NULL,
  carried INTEGER NOT NULL, people INTEGER NOT NULL, entered INTEGER NOT NULL, "left" INTEGER NOT NULL,
  PRIMARY KEY (tag, run)
);
CREATE INDEX runs_what ON runs (what, subject, started_at);
"""


def upgrade() -> None:
    """Makes the table and the index."""
    for statement in STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
