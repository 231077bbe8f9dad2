"""The engine's file is replaced under the feet of those who read, and none of them notices."""

from __future__ import annotations

import threading
from pathlib import Path

from limner.engine.duckdb import DuckDB


def test_readers_see_the_old_file_or_the_new_one_and_never_neither(tmp_path: Path) -> None:
    engine = DuckDB(tmp_path / "engine.duckdb")
    with engine.write() as tx:
        tx.execute("CREATE TABLE kept (n BIGINT)")
        tx.execute("INSERT INTO kept SELECT range FROM range(10000)")
    seen: list[int] = []
    failed: list[Exception] = []
    enough = threading.Event()

    def read() -> None:
        while not enough.is_set():
            try:
                found = engine.read("SELECT COUNT(*) AS n FROM kept a JOIN kept b ON a.n % 100 = b.n % 100")
                seen.append(found.column("n")[0].as_py())
            except Exception as error:
                failed.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for turn in range(20):
        fresh = tmp_path / f"{turn}.fresh"
        engine.rewrite(fresh)
        engine.replace(fresh)
    enough.set()
    for reader in readers:
        reader.join()
    assert failed == []
    assert set(seen) == {1_000_000}
    assert engine.read("SELECT COUNT(*) AS n FROM kept").column("n")[0].as_py() == 10_000
    engine.close()


def test_closing_breaks_off_a_read_that_does_not_end(tmp_path: Path) -> None:
    engine = DuckDB(tmp_path / "engine.duckdb", patience=0.1)
    begun = threading.Event()
    said: list[str] = []

    def read() -> None:
        begun.set()
        try:
            engine.read("SELECT SUM(a.range * b.range) AS n FROM range(1000000) a, range(1000000) b")
        except Exception as error:
            said.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    begun.wait()
    engine.close()
    reader.join(60)
    assert not reader.is_alive()
    assert len(said) == 1
