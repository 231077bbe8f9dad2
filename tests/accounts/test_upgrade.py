"""Records of the first version come along."""

from __future__ import annotations

import importlib
import sqlite3
from contextlib import closing
from pathlib import Path

from limner.accounts import keys, users
from limner.accounts.model import Role, digest
from limner.store.records import Records
from tests.accounts.conftest import NOW


def test_records_of_the_first_version_keep_their_keys_and_gain_the_new_tables(tmp_path: Path) -> None:
    first = importlib.import_module("limner.store.migrations.versions.0001_first")
    path = tmp_path / "records.sqlite"
    with closing(sqlite3.connect(path)) as old:
        old.executescript(first.STATEMENTS)
        old.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        old.execute("INSERT INTO alembic_version VALUES ('0001')")
        old.execute(
            "INSERT INTO api_keys VALUES ('k1', 'operator', ?, '1234', 0, 'before')", (digest("lk_before"),)
        )
        old.commit()
    records = Records(path)
    assert records.migrate() == records.migrate()
    found = keys.caller_of(records, "lk_before", now=NOW)
    assert found is not None
    assert (found.role, found.scopes, found.name) == (Role.OPERATOR, (), "before")
    assert users.first_link(records, now=NOW) is not None
    records.close()
