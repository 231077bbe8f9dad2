"""Journeys that run, where everybody in them stands, how many passed which way, and what is to be done for whom."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE journeys (
  journey TEXT PRIMARY KEY,
  status TEXT NOT NULL CHECK (status IN ('running', 'paused', 'stopped')),
  reason TEXT NOT NULL DEFAULT '', definition TEXT NOT NULL, content TEXT NOT NULL, seed TEXT NOT NULL,
  holdout_share REAL NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER,
  load_i INTEGER NOT NULL, advanced_at INTEGER NOT NULL, members BLOB
) WITHOUT ROWID;
CREATE TABLE positions (
  journey TEXT NOT NULL, person TEXT NOT NULL, entry INTEGER NOT NULL,
  arm TEXT NOT NULL CHECK (arm IN ('treated', 'held_out')), step TEXT NOT NULL,
  entered_at INTEGER NOT NULL, arrived_at INTEGER NOT NULL, due_at INTEGER NOT NULL,
  ended_at INTEGER, ended TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (journey, person, entry)
) WITHOUT ROWID;
CREATE INDEX positions_due ON positions (journey, step, due_at) WHERE ended_at IS NULL;
CREATE INDEX positions_person ON positions (person);
CREATE TABLE passed (
  journey TEXT NOT NULL, step TEXT NOT NULL, way TEXT NOT NULL, people INTEGER NOT NULL,
  PRIMARY KEY (journey, step, way)
) WITHOUT ROWID;
CREATE TABLE charges (
  id INTEGER PRIMARY KEY, journey TEXT NOT NULL, step TEXT NOT NULL, person TEXT NOT NULL, entry INTEGER NOT NULL,
  at INTEGER NOT NULL, done_at INTEGER, done_by TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '',
  UNIQUE (journey, step, person, entry)
);
CREATE INDEX charges_open ON charges (id) WHERE done_at IS NULL;
ALTER TABLE campaign_entries ADD COLUMN kind TEXT NOT NULL DEFAULT 'campaign';
ALTER TABLE touches ADD COLUMN useful_until INTEGER
"""


def upgrade() -> None:
    """Makes the tables."""
    for statement in STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
