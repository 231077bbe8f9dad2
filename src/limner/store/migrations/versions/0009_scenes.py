"""Who is measured in each scene, and for whom which variant of a message was."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE arms ADD COLUMN variant TEXT NOT NULL DEFAULT ''",
    "CREATE TABLE scenes (scene TEXT PRIMARY KEY, began_at INTEGER NOT NULL, seed TEXT NOT NULL,"
    " share REAL NOT NULL, everybody INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE scene_people (scene TEXT NOT NULL, person TEXT NOT NULL,"
    " PRIMARY KEY (scene, person)) WITHOUT ROWID",
    "CREATE INDEX scene_people_of ON scene_people (person)",
)


def upgrade() -> None:
    """Makes the tables."""
    for statement in STATEMENTS:
        op.execute(statement)
