"""The first tables."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE sources (
  source_i INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
  write_key_hash TEXT NOT NULL UNIQUE, write_key_tail TEXT NOT NULL, created_at INTEGER NOT NULL,
  enabled INTEGER NOT NULL
);
CREATE TABLE api_keys (
  id TEXT PRIMARY KEY, role TEXT NOT NULL, key_hash TEXT NOT NULL UNIQUE, tail TEXT NOT NULL,
  created_at INTEGER NOT NULL, note TEXT NOT NULL
);
CREATE TABLE runs (
  id TEXT PRIMARY KEY, what TEXT NOT NULL, subject TEXT NOT NULL, started_at INTEGER NOT NULL,
  ended_at INTEGER, status TEXT NOT NULL, detail TEXT NOT NULL
);
CREATE TABLE exports (
  id TEXT PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, path TEXT NOT NULL,
  people INTEGER NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE schedules_done (
  what TEXT NOT NULL, due_at INTEGER NOT NULL, run TEXT NOT NULL, PRIMARY KEY (what, due_at)
);
CREATE TABLE imports (
  digest TEXT PRIMARY KEY, name TEXT NOT NULL, source_i INTEGER NOT NULL, at INTEGER NOT NULL,
  status TEXT NOT NULL, report TEXT NOT NULL
);
CREATE TABLE alerts (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, what TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TABLE consents (
  id INTEGER PRIMARY KEY, person TEXT NOT NULL, channel TEXT NOT NULL, address_hash TEXT NOT NULL,
  class TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('granted', 'withdrawn')), at INTEGER NOT NULL,
  source TEXT NOT NULL, proof TEXT NOT NULL,
  UNIQUE (channel, address_hash, class, at, state, source)
);
CREATE INDEX consents_person ON consents (person);
CREATE TABLE suppressions (
  channel TEXT NOT NULL, address_hash TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (channel, address_hash)
) WITHOUT ROWID;
CREATE TABLE campaign_entries (
  campaign TEXT NOT NULL, entry TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('running', 'stopped', 'paused', 'done')),
  reason TEXT NOT NULL DEFAULT '', started_at INTEGER NOT NULL, ended_at INTEGER, as_of INTEGER NOT NULL,
  seed TEXT NOT NULL, audience_text TEXT NOT NULL, definition TEXT NOT NULL, content TEXT NOT NULL,
  people INTEGER NOT NULL, holdout_share REAL NOT NULL, not_before INTEGER NOT NULL DEFAULT 0,
  errors INTEGER NOT NULL DEFAULT 0, judged_from INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (campaign, entry)
) WITHOUT ROWID;
CREATE TABLE arms (
  campaign TEXT NOT NULL, entry TEXT NOT NULL, person TEXT NOT NULL,
  arm TEXT NOT NULL CHECK (arm IN ('treated', 'held_out', 'suppressed')), reason TEXT NOT NULL,
  PRIMARY KEY (campaign, entry, person)
) WITHOUT ROWID;
CREATE INDEX arms_person ON arms (person);
CREATE TABLE touches (
  campaign TEXT NOT NULL, entry TEXT NOT NULL, step TEXT NOT NULL, person TEXT NOT NULL,
  channel TEXT NOT NULL, message_id TEXT NOT NULL UNIQUE, class TEXT NOT NULL, address_hash TEXT NOT NULL,
  identifier_kind TEXT NOT NULL, identifier_value TEXT NOT NULL, variant TEXT NOT NULL,
  status TEXT NOT NULL
    CHECK (status IN ('waiting', 'claimed', 'sent', 'failed', 'in_doubt', 'suppressed')),
  reason TEXT NOT NULL DEFAULT '', due_at INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0,
  claimed_at INTEGER, done_at INTEGER, provider_id TEXT NOT NULL DEFAULT '',
  told INTEGER NOT NULL DEFAULT 0, opened_at INTEGER, clicked_at INTEGER, unsubscribed_at INTEGER,
  PRIMARY KEY (campaign, entry, step, person, channel)
) WITHOUT ROWID;
CREATE INDEX touches_due ON touches (campaign, entry, due_at) WHERE status = 'waiting';
CREATE INDEX touches_person ON touches (person, claimed_at);
CREATE INDEX touches_address ON touches (address_hash, claimed_at);
CREATE INDEX touches_claimed ON touches (campaign, entry) WHERE status = 'claimed';
CREATE INDEX touches_untold ON touches (done_at)
  WHERE told = 0 AND status IN ('sent', 'failed');
CREATE TABLE erased (identifier_hash TEXT PRIMARY KEY, at INTEGER NOT NULL, done_at INTEGER);
"""


def upgrade() -> None:
    """Makes the tables."""
    for statement in STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
