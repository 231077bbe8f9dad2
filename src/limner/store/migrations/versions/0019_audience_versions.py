"""What each audience said since when: the reasons of a past instant rest on the text of then."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE audience_versions (
  audience TEXT NOT NULL, version INTEGER NOT NULL, text TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (audience, version)
) WITHOUT ROWID;
INSERT INTO audience_versions (audience, version, text, at)
  SELECT name, ROW_NUMBER() OVER (PARTITION BY name ORDER BY at, rowid), after, at FROM edits
  WHERE kind = 'audiences' AND after IS NOT NULL
"""


def upgrade() -> None:
    """Makes the table; the edits that were made through Limner are the first versions."""
    for statement in STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
