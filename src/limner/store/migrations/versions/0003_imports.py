"""Every import has a row of its own: also the second one of the same file, and one that did not end well."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = """
ALTER TABLE imports RENAME TO imports_before;
CREATE TABLE imports (
  id TEXT PRIMARY KEY, digest TEXT NOT NULL, name TEXT NOT NULL, source_i INTEGER NOT NULL, at INTEGER NOT NULL,
  ended_at INTEGER, status TEXT NOT NULL CHECK (status IN ('running', 'done', 'failed', 'cancelled')),
  by TEXT NOT NULL, mapping TEXT NOT NULL, upload TEXT NOT NULL, report TEXT NOT NULL
);
CREATE INDEX imports_at ON imports (at, id);
CREATE INDEX imports_of ON imports (digest, at);
INSERT INTO imports (id, digest, name, source_i, at, ended_at, status, by, mapping, upload, report)
  SELECT lower(hex(randomblob(16))), digest, name, source_i, at, at, 'done', '', '', '', report FROM imports_before;
DROP TABLE imports_before;
"""


def upgrade() -> None:
    """Makes the table anew and keeps what the old one held."""
    for statement in STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
