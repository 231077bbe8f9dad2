"""The record store: migrations, all or nothing, durable settings, erased rows."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

from limner.errors import DamagedError
from limner.store.records import MIGRATIONS, Records, newest


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    made = Records(tmp_path / "records.sqlite")
    made.migrate()
    yield made
    made.close()


def _count(records: Records) -> int:
    with records.read() as connection:
        return int(connection.execute(text("SELECT COUNT(*) FROM settings")).scalar_one())


def _put(records: Records, key: str, value: str = "x") -> None:
    with records.begin() as connection:
        connection.execute(text("INSERT INTO settings VALUES (:key, :value)"), {"key": key, "value": value})


def test_migrating_twice_changes_nothing(records: Records) -> None:
    _put(records, "kept")
    assert records.migrate() == records.migrate()
    assert _count(records) == 1


def test_the_newest_revision_is_the_end_of_the_chain_of_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    assert newest() == ScriptDirectory.from_config(config).get_current_head()


def test_a_block_that_raises_leaves_no_row(records: Records) -> None:
    def broken() -> None:
        with records.begin() as connection:
            connection.execute(text("INSERT INTO settings VALUES ('a', 'b')"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert _count(records) == 0


def test_many_threads_write_one_after_the_other(records: Records) -> None:
    threads = [threading.Thread(target=_put, args=(records, f"key {n}")) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _count(records) == 20


def test_every_connection_flushes_each_commit(records: Records) -> None:
    with records.read() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"


def test_a_file_that_is_no_database_is_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    path.write_bytes(b"this is not a database, whatever its name says" * 100)
    with pytest.raises(DamagedError, match="does not open"):
        Records(path)


def test_a_deleted_value_is_in_no_byte_of_the_folder_after_compacting(records: Records) -> None:
    _put(records, "secret", "needle-in-the-haystack")
    with records.begin() as connection:
        connection.execute(text("DELETE FROM settings"))
    records.compact()
    for path in records.path.parent.iterdir():
        assert b"needle-in-the-haystack" not in path.read_bytes(), path


def test_a_backup_is_whole_while_others_write(records: Records, tmp_path: Path) -> None:
    for n in range(50):
        _put(records, f"before {n}")
    records.backup(tmp_path / "copy.sqlite")
    _put(records, "after")
    copy = Records(tmp_path / "copy.sqlite")
    assert _count(copy) == 50
    copy.close()
