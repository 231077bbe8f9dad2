"""Mails that came back, and how many messages of a channel were handed over since an instant."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE returned_mails (
  digest TEXT PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, message_id TEXT NOT NULL,
  address_hash TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, raw BLOB
) WITHOUT ROWID;
CREATE INDEX returned_mails_of ON returned_mails (message_id);
CREATE INDEX returned_mails_at ON returned_mails (at);
CREATE INDEX touches_handed ON touches (channel, claimed_at) WHERE claimed_at IS NOT NULL
"""


def upgrade() -> None:
    """Makes the tables."""
    for statement in STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
