"""The known-answer cases on a real cluster: every question of all of them in a few queries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from limner.engine.portable import spark_union
from limner.engine.seam import Query, Step
from limner.expressions import parse, people
from limner.testing.cases import run
from limner.types import Json
from tests.expressions.world import DirectSession, World


@dataclass
class Asked:
    """The questions of all cases: each with the world in which it was asked, and at last the cluster's answer."""

    queries: list[Query] = field(default_factory=list)
    worlds: list[World] = field(default_factory=list)
    answers: list[set[str]] = field(default_factory=list)
    given: int = 0


class Recorded(DirectSession):
    """First it writes down what is asked, then it gives the cluster's answers."""

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self.asked = asked

    def people(self, expression: str, as_of: datetime) -> set[str]:
        if self.asked.answers:
            self.asked.given += 1
            return self.asked.answers[self.asked.given - 1]
        answer = super().people(expression, as_of)
        self.asked.queries.append(people(parse(expression), self.world.catalog, as_of))
        self.asked.worlds.append(self.world)
        return answer


@pytest.mark.datasets
def test_every_known_answer_comes_out_on_a_cluster(
    datasets: Path, spark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from limner.tags.cluster import copy

    asked = Asked()

    @contextmanager
    def opened() -> Iterator[Recorded]:
        yield Recorded(asked)

    path = datasets / "cases" / "behavioural_cases.json"
    assert run(path, opened) == (40, 0), capsys.readouterr().out
    queries = []
    for number, (query, world) in enumerate(zip(asked.queries, asked.worlds, strict=True)):
        own = []
        for table in ("events", "attributes", "persons"):
            with world.engine.write() as tx:
                copy(
                    spark,
                    tx,
                    tmp_path,
                    f"{table}_{number}",
                    f"SELECT * FROM (SELECT {_columns(world, table)} FROM {table})",
                )
            own.append(Step(table, f"SELECT * FROM {table}_{number}"))
        steps = (*own, *query.steps, Step("asked", query.final))
        queries.append((Query(steps, "SELECT ix, TRUE AS value FROM asked", query.values), "v_flag"))
    found: list[Json] = []
    for first in range(0, len(queries), 20):
        answer = spark.read(spark_union(queries[first : first + 20], {"v_flag": "BOOLEAN"})).to_pylist()
        found += [{"n": row["n"] + first, "ix": row["ix"]} for row in answer]
    for number, world in enumerate(asked.worlds):
        users = {ix: user for user, ix in world.users.items()}
        asked.answers.append({users[row["ix"]] for row in found if row["n"] == number})
    assert run(path, opened) == (40, 0), capsys.readouterr().out
    assert asked.given == len(asked.answers) == 57


def _columns(world: World, table: str) -> str:
    if table == "events":
        return ", ".join(
            ["name_i", "ts", "source_i", "ix", *(f"p_{place}" for place in range(len(world.types)))]
        )
    return {"attributes": "CAST(id AS BIGINT) AS id, ix, name, ts, mode, kind, value"}.get(table, "*")
