"""Every text of a tag that was applied is kept; an edit says which person made it, whatever key or name was used."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE tag_versions (
  tag TEXT NOT NULL, version INTEGER NOT NULL, fingerprint TEXT NOT NULL, text TEXT NOT NULL, by TEXT NOT NULL,
  approved_by TEXT NOT NULL, at INTEGER NOT NULL, as_of INTEGER NOT NULL, run TEXT NOT NULL,
  PRIMARY KEY (tag, version)
);
ALTER TABLE edits ADD COLUMN person TEXT NOT NULL DEFAULT '';
"""


def upgrade() -> None:
    """Makes the table and the column."""
    for statement in STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
