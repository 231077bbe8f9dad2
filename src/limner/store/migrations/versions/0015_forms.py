"""What people answered in forms, how often they want to be written to, whose code invited whom, and what for."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE preferences (
  person TEXT PRIMARY KEY, messages INTEGER, per INTEGER, paused_until INTEGER, topics TEXT NOT NULL DEFAULT '[]',
  at INTEGER NOT NULL, proof TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE submissions (
  id TEXT PRIMARY KEY, form TEXT NOT NULL, person TEXT NOT NULL, at INTEGER NOT NULL, recognized INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX submissions_form ON submissions (form, at);
CREATE INDEX submissions_person ON submissions (person);
CREATE TABLE referral_codes (
  code TEXT PRIMARY KEY, referral TEXT NOT NULL, person TEXT NOT NULL, at INTEGER NOT NULL, UNIQUE (referral, person)
) WITHOUT ROWID;
CREATE INDEX referral_codes_person ON referral_codes (person);
CREATE TABLE referral_rewards (
  id INTEGER PRIMARY KEY, referral TEXT NOT NULL, friend TEXT NOT NULL, depth INTEGER NOT NULL, person TEXT NOT NULL,
  at INTEGER NOT NULL, done_at INTEGER, UNIQUE (referral, friend, depth)
);
CREATE INDEX referral_rewards_person ON referral_rewards (person);
CREATE INDEX referral_rewards_open ON referral_rewards (id) WHERE done_at IS NULL
"""


def upgrade() -> None:
    """Makes the tables."""
    for statement in STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
