"""Who comes in by which door, what they did there, and what the doors remember."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE users (
  id TEXT PRIMARY KEY, login TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('admin', 'operator', 'viewer')),
  password_hash TEXT NOT NULL DEFAULT '', password_at INTEGER, enabled INTEGER NOT NULL DEFAULT 1,
  language TEXT NOT NULL DEFAULT '', created_at INTEGER NOT NULL, created_by TEXT NOT NULL DEFAULT '',
  seen_at INTEGER
);
CREATE TABLE one_time_links (
  hash TEXT PRIMARY KEY, user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
  purpose TEXT NOT NULL CHECK (purpose IN ('first', 'invite', 'reset')),
  created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, used_at INTEGER
) WITHOUT ROWID;
CREATE INDEX one_time_links_user ON one_time_links (user_id);
CREATE TABLE sessions (
  hash TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL, seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
  address TEXT NOT NULL, agent TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE TABLE attempts (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('account', 'address', 'link')),
  subject TEXT NOT NULL, at INTEGER NOT NULL
);
CREATE INDEX attempts_subject ON attempts (kind, subject, at);
CREATE INDEX attempts_at ON attempts (at);
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, caller_kind TEXT NOT NULL, caller_id TEXT NOT NULL,
  caller_name TEXT NOT NULL, action TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
  detail TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL
);
CREATE INDEX audit_caller ON audit (caller_id, seq);
CREATE INDEX audit_subject ON audit (kind, subject, seq);
CREATE INDEX audit_at ON audit (at, seq);
ALTER TABLE api_keys ADD COLUMN scopes TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN created_by TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER;
CREATE TABLE jobs (
  id TEXT PRIMARY KEY, verb TEXT NOT NULL, subject TEXT NOT NULL, status TEXT NOT NULL
    CHECK (status IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
  by TEXT NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER,
  answer TEXT, error TEXT
);
CREATE INDEX jobs_started ON jobs (started_at, id);
CREATE TABLE idempotency (
  key TEXT NOT NULL, caller TEXT NOT NULL, route TEXT NOT NULL, digest TEXT NOT NULL, status INTEGER,
  answer TEXT, at INTEGER NOT NULL, PRIMARY KEY (key, caller)
) WITHOUT ROWID;
CREATE INDEX idempotency_at ON idempotency (at);
CREATE TABLE edits (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL, by TEXT NOT NULL,
  action TEXT NOT NULL, before TEXT, after TEXT, undone_by TEXT
);
CREATE INDEX edits_of ON edits (kind, name, at);
CREATE TABLE views (
  id TEXT PRIMARY KEY, page TEXT NOT NULL, name TEXT NOT NULL, query TEXT NOT NULL, owner TEXT NOT NULL,
  shared INTEGER NOT NULL DEFAULT 0, at INTEGER NOT NULL
);
CREATE INDEX views_page ON views (page, owner);
CREATE TABLE approvals (
  id TEXT PRIMARY KEY, subject TEXT NOT NULL, digest TEXT NOT NULL, asked_by TEXT NOT NULL,
  asked_at INTEGER NOT NULL, detail TEXT NOT NULL, decided_by TEXT, decided_at INTEGER,
  decision TEXT CHECK (decision IN ('approved', 'refused')), reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX approvals_of ON approvals (subject, digest);
"""


def upgrade() -> None:
    """Makes the tables and widens the keys."""
    for statement in STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
