"""What messages cost and what was spent, sends that hold themselves, and how large audiences were each night."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE touches ADD COLUMN cost INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE touches ADD COLUMN month TEXT NOT NULL DEFAULT ''",
    "CREATE TABLE spendings (campaign TEXT NOT NULL, month TEXT NOT NULL, cost INTEGER NOT NULL,"
    " PRIMARY KEY (campaign, month)) WITHOUT ROWID",
    # The sum follows every message in its own transaction, so it can never be another than what the messages cost.
    "CREATE TRIGGER touches_spent AFTER UPDATE OF cost ON touches WHEN NEW.cost <> OLD.cost BEGIN"
    " INSERT INTO spendings (campaign, month, cost) VALUES (NEW.campaign, NEW.month, NEW.cost - OLD.cost)"
    " ON CONFLICT (campaign, month) DO UPDATE SET cost = cost + excluded.cost; END",
    "CREATE INDEX touches_left ON touches (campaign, entry) WHERE unsubscribed_at IS NOT NULL",
    "CREATE INDEX suppressions_complained ON suppressions (address_hash) WHERE reason = 'complained'",
    "CREATE TABLE holds (id INTEGER PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('campaign', 'journey')),"
    " name TEXT NOT NULL, entry TEXT NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL, finding TEXT NOT NULL,"
    " ended_at INTEGER, ended_by TEXT NOT NULL DEFAULT '', why TEXT NOT NULL DEFAULT '')",
    "CREATE INDEX holds_of ON holds (name, entry)",
    "CREATE TABLE audience_sizes (audience TEXT NOT NULL, at INTEGER NOT NULL, people INTEGER NOT NULL,"
    " PRIMARY KEY (audience, at)) WITHOUT ROWID",
)


def upgrade() -> None:
    """Makes the tables."""
    for statement in STATEMENTS:
        op.execute(statement)
