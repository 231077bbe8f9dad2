"""Why a message goes when and by what; waits of one channel of several; what a channel sent in a day."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE touches ADD COLUMN choice TEXT NOT NULL DEFAULT ''",
    "CREATE TABLE entry_channels (campaign TEXT NOT NULL, entry TEXT NOT NULL, channel TEXT NOT NULL,"
    " not_before INTEGER NOT NULL DEFAULT 0, errors INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '',"
    " PRIMARY KEY (campaign, entry, channel)) WITHOUT ROWID",
    "DROP INDEX touches_due",
    "CREATE INDEX touches_due ON touches (campaign, entry, channel, due_at) WHERE status = 'waiting'",
    "CREATE INDEX touches_channel ON touches (channel, claimed_at) WHERE claimed_at IS NOT NULL",
)


def upgrade() -> None:
    """Makes the tables."""
    for statement in STATEMENTS:
        op.execute(statement)
