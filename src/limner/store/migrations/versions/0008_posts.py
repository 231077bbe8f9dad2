"""What is posted to other systems, what was told to each of them, and permissions to send one message."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE posts (
  id TEXT PRIMARY KEY, hook TEXT NOT NULL, url TEXT NOT NULL, about TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('waiting', 'sent', 'failed')),
  reason TEXT NOT NULL DEFAULT '', tries INTEGER NOT NULL DEFAULT 0,
  at INTEGER NOT NULL, due_at INTEGER NOT NULL, done_at INTEGER
);
CREATE INDEX posts_due ON posts (due_at) WHERE status = 'waiting';
CREATE INDEX posts_hook ON posts (hook, status);
CREATE TABLE hooks (hook TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE told (
  hook TEXT NOT NULL, subject TEXT NOT NULL, run TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (hook, subject, run, at)
) WITHOUT ROWID;
CREATE TABLE permissions (
  channel TEXT NOT NULL, address_hash TEXT NOT NULL, template TEXT NOT NULL, left INTEGER NOT NULL CHECK (left >= 0),
  PRIMARY KEY (channel, address_hash, template)
) WITHOUT ROWID;
CREATE TABLE permissions_given (proof TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID
"""


def upgrade() -> None:
    """Makes the tables."""
    for statement in STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
