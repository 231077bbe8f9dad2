"""A workspace whose tags a cluster computes: run, erase, and a cluster that is gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from limner.config import Cluster
from limner.engine.duckdb import DuckDB
from limner.errors import EngineError, UsageError
from limner.testing.session import WorkspaceSession
from limner.types import ValueType, silent
from limner.workspace import comparing, keeping, knowing
from tests.spark.cluster import free_port

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
TAG = "nature: fact\nmethod: statistic\ntype: number\nstatistic: count(* in last 30 days)\nvalidity: 2 days\n"


@pytest.fixture
def session(spark: Any, tmp_path: Path) -> Iterator[WorkspaceSession]:
    with WorkspaceSession() as made:
        config = made.workspace.config
        made.workspace.config = replace(
            config, engine="spark", spark=Cluster(master=spark.master, folder=str(tmp_path / "shared"))
        )
        (made.workspace.paths.folder / "tags" / "orders.yml").write_text(TAG)
        made.collect([_track("ann", n) for n in range(3)] + [_track("bob", 9)], NOON)
        yield made


def _track(user: str, n: int) -> dict[str, Any]:
    at = f"2025-05-2{n}T10:00:00Z"
    return {
        "type": "track",
        "event": "Order Paid",
        "userId": user,
        "messageId": f"{user}{n}",
        "timestamp": at,
        "properties": {},
    }


def _values(session: WorkspaceSession) -> dict[str, float]:
    rows = session.workspace.engine.read(
        "SELECT i.value AS user, t.value FROM tag_orders AS t JOIN identifiers AS i ON i.ix = t.ix AND i.kind = 'user'"
        " WHERE t.value > 0"
    ).to_pylist()
    return {row["user"]: row["value"] for row in rows}


def test_a_run_on_a_cluster_publishes_as_any_other(session: WorkspaceSession, tmp_path: Path) -> None:
    answer = knowing.tag_run(session.workspace, silent)
    assert answer["carried"] is None
    assert [tag["tag"] for tag in answer["tags"]] == ["orders"]
    assert _values(session) == {"ann": 3, "bob": 1}
    assert session.workspace.columns is not None
    assert "orders" in session.workspace.columns

    keeping.person_erase(session.workspace, silent, "user:ann")
    assert list((tmp_path / "shared").rglob("*.parquet")) == []
    knowing.tag_run(session.workspace, silent)
    assert _values(session) == {"bob": 1}
    shared = b"".join(path.read_bytes() for path in (tmp_path / "shared").rglob("*") if path.is_file())
    assert b"ann" not in shared


def test_comparing_counts_what_differs_and_publishes_nothing(session: WorkspaceSession) -> None:
    answer = comparing.tag_compare(session.workspace, silent)
    assert answer["differ"] == 0
    assert answer["tags"] == [{"tag": "orders", "people": 2, "differ": 0}]
    assert session.workspace.columns is None
    session.workspace.config = replace(session.workspace.config, engine="duckdb")
    with pytest.raises(UsageError, match="nothing to compare"):
        comparing.tag_compare(session.workspace, silent)


@pytest.mark.parametrize(
    ("kind", "one", "other", "wanted"),
    [
        (ValueType.TEXT, {1: "a", 2: "b"}, {1: "a", 2: "B"}, 1),
        (ValueType.TEXT, {1: "a", 2: "b"}, {1: "a", 3: "b"}, 2),
        (ValueType.NUMBER, {1: 1.0, 2: 1.0}, {1: 1.0 + 1e-13, 2: 1.0 + 1e-11}, 1),
        (ValueType.NUMBER, {1: 0.0, 2: 1e300}, {1: -0.0, 2: 1e300}, 0),
        (ValueType.MONEY, {1: 10**15}, {1: 10**15 + 1}, 1),
        (ValueType.FLAG, {1: True, 2: False}, {1: True, 2: False}, 0),
    ],
)
def test_a_value_differs_when_it_is_another_or_on_one_side_only(
    kind: ValueType, one: dict[int, Any], other: dict[int, Any], wanted: int
) -> None:
    engine = DuckDB(None, threads=1)
    tables = [pa.table({"ix": list(side), "value": list(side.values())}) for side in (one, other)]
    assert comparing.differ(engine, *tables, kind) == wanted


def test_a_cluster_that_is_gone_leaves_everything_as_it_was(session: WorkspaceSession) -> None:
    knowing.tag_run(session.workspace, silent)
    before = session.workspace.columns
    config = session.workspace.config
    session.workspace.config = replace(
        config, spark=replace(config.spark, master=f"spark://127.0.0.1:{free_port()}")
    )
    with pytest.raises(EngineError, match="does not answer"):
        knowing.tag_run(session.workspace, silent)
    assert session.workspace.columns is before
    assert _values(session) == {"ann": 3, "bob": 1}
