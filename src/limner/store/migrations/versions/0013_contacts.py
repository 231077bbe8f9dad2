"""Staff and their customers at WeCom, group chats, the tags on both sides, channel codes and hand-overs."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE staff (staff TEXT PRIMARY KEY, name TEXT NOT NULL DEFAULT '', left_at INTEGER) WITHOUT ROWID;
CREATE TABLE follows (
  staff TEXT NOT NULL, customer TEXT NOT NULL, since INTEGER NOT NULL,
  ended_at INTEGER, ended TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL DEFAULT '', remark TEXT NOT NULL DEFAULT '',
  tags TEXT NOT NULL DEFAULT '[]', tags_at INTEGER NOT NULL, stale INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (staff, customer)
) WITHOUT ROWID;
CREATE INDEX follows_customer ON follows (customer, since) WHERE ended_at IS NULL;
CREATE INDEX follows_stale ON follows (customer) WHERE stale = 1;
CREATE TABLE chats (
  chat TEXT PRIMARY KEY, name TEXT NOT NULL DEFAULT '', owner TEXT NOT NULL DEFAULT '',
  ended_at INTEGER, stale INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;
CREATE TABLE chat_members (
  chat TEXT NOT NULL, customer TEXT NOT NULL, joined_at INTEGER NOT NULL, PRIMARY KEY (chat, customer)
) WITHOUT ROWID;
CREATE INDEX chat_members_customer ON chat_members (customer);
CREATE TABLE platform_tags (
  platform TEXT NOT NULL, tag TEXT NOT NULL, bunch TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (platform, tag)
) WITHOUT ROWID;
CREATE TABLE platform_marks (
  platform TEXT NOT NULL, staff TEXT NOT NULL, customer TEXT NOT NULL, key TEXT NOT NULL, labels TEXT NOT NULL,
  PRIMARY KEY (platform, staff, customer, key)
) WITHOUT ROWID;
CREATE INDEX platform_marks_customer ON platform_marks (customer);
CREATE TABLE platform_changes (
  id INTEGER PRIMARY KEY, platform TEXT NOT NULL, run TEXT NOT NULL, at INTEGER NOT NULL, staff TEXT NOT NULL,
  customer TEXT NOT NULL, key TEXT NOT NULL, way TEXT NOT NULL CHECK (way IN ('out', 'in')),
  before TEXT NOT NULL, after TEXT NOT NULL, why TEXT NOT NULL
);
CREATE INDEX platform_changes_customer ON platform_changes (customer);
CREATE TABLE stale_things (what TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE codes (
  name TEXT PRIMARY KEY, kind TEXT NOT NULL, made TEXT NOT NULL, url TEXT NOT NULL, digest TEXT NOT NULL,
  made_at INTEGER NOT NULL, ends_at INTEGER
) WITHOUT ROWID;
CREATE TABLE hand_overs (
  giver TEXT NOT NULL, taker TEXT NOT NULL, customer TEXT NOT NULL, at INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('waiting', 'done', 'refused')), reason TEXT NOT NULL DEFAULT '',
  resigned INTEGER NOT NULL, done_at INTEGER, PRIMARY KEY (giver, customer)
) WITHOUT ROWID;
CREATE INDEX hand_overs_customer ON hand_overs (customer);
CREATE INDEX touches_awaiting ON touches (provider_id, address_hash) WHERE status = 'claimed' AND provider_id <> ''
"""


def upgrade() -> None:
    """Makes the tables."""
    for statement in STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
