"""Spark's SQL, and what is said when there is no cluster to speak it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from limner.config import Config
from limner.engine.portable import NotPortableError, spark
from limner.engine.seam import Query
from limner.errors import ConfigError, EngineError
from tests.spark.cluster import free_port


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT soundex(name) FROM people",
        "SELECT DATE_DIFF('day', a, b) FROM t",
        "SELECT QUANTILE_CONT(x, 0.5) FROM t",
        "SELECT LIST(value ORDER BY n) FROM t",
        "SELECT MODE(x) FROM t",
        "SELECT HASH(x) FROM t",
        "SELECT CAST(x AS HUGEINT) FROM t",
        "SELECT TRY_CAST(x AS DATE) FROM t",
        "SELECT a FROM t WHERE b LIKE 'x%'",
        "SELECT STRFTIME(ts, '%Y') FROM t",
        "SELECT EXTRACT(DOW FROM ts) FROM t",
        "SELECT x FROM t ORDER BY RANDOM()",
    ],
)
def test_what_has_no_form_on_spark_is_refused(sql: str) -> None:
    with pytest.raises(NotPortableError, match="the same answer"):
        spark(Query((), sql))


def test_values_are_bound_and_never_written_into_the_sql() -> None:
    asked = Query(
        (), "SELECT ix FROM events WHERE p_1 = $v0 AND ix < $v1", {"v0": "x' OR 'a'='a", "v1": 2**40}
    )
    found = spark(asked)
    assert found.sql == "SELECT ix FROM events WHERE p_1 = :v0 AND ix < CAST(:v1 AS BIGINT)"
    assert found.values == asked.values
    assert found.tables == {"events"}


def test_what_reads_text_is_borrowed_of_duckdb() -> None:
    found = spark(Query((), "SELECT TRY_CAST(p_1 AS DOUBLE) AS n FROM events"))
    ((name, lent),) = found.borrowed.items()
    assert (lent.sql, lent.type) == ("TRY_CAST(c0 AS DOUBLE)", "DOUBLE")
    assert name.upper() in found.sql.upper()


def test_a_cluster_that_does_not_answer_is_named() -> None:
    from limner.engine.spark import Spark

    port = free_port()
    with (
        pytest.raises(EngineError, match=f"spark://127.0.0.1:{port} does not answer") as told,
        Spark(f"spark://127.0.0.1:{port}") as nobody,
    ):
        _ = nobody.session
    assert told.value.exit_code == 1
    assert "spark.master" in (told.value.hint or "")


@pytest.mark.parametrize("master", ["", "local[2]", "10.0.0.5:7077", "spark://host", "yarn"])
def test_a_master_is_an_address(master: str) -> None:
    from limner.engine.spark import Spark

    with pytest.raises(ConfigError, match="spark://HOST:PORT"), Spark(master) as nobody:
        _ = nobody.session


def test_java_is_needed_here_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from limner.engine import spark as module

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(EngineError, match="needs Java"):
        module._java()


@pytest.mark.parametrize(
    ("module", "lacks"), [("limner.engine.spark", "pyspark"), ("limner.engine.portable", "sqlglot")]
)
def test_without_the_extra_it_says_what_to_install(
    module: str, lacks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, module, raising=False)
    for name in [
        name for name in sys.modules if name.split(".")[0] in (lacks, "py4j" if lacks == "pyspark" else lacks)
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, lacks, None)
    with pytest.raises(EngineError, match=f"needs {lacks}") as told:
        importlib.import_module(module)
    assert "limner[spark]" in (told.value.hint or "")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('engine = "hive"', "'engine' is duckdb or spark"),
        ('engine = "spark"', "needs 'spark.master' and 'spark.folder'"),
        ('[spark]\nmister = "x"', "unknown setting 'spark.mister'"),
    ],
)
def test_settings_that_name_no_engine_are_refused(text: str, wrong: str, tmp_path: Path) -> None:
    (tmp_path / "limner.toml").write_text(text)
    with pytest.raises(ConfigError, match=wrong):
        Config.load(tmp_path)


def test_an_engine_is_chosen_in_the_settings(tmp_path: Path) -> None:
    assert Config().engine == "duckdb"
    (tmp_path / "limner.toml").write_text(
        'engine = "spark"\n[spark]\nmaster = "spark://a:7077"\nfolder = "shared"\n'
    )
    found: Any = Config.load(tmp_path)
    assert (found.engine, found.spark.master, found.spark.folder) == ("spark", "spark://a:7077", "shared")
