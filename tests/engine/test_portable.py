"""What the language says and the cluster does not: it is refused before anything is computed, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from limner.engine.portable import NotPortableError, spark
from limner.engine.seam import Query
from limner.expressions import parse, people
from tests.builders import Names, engine

AT = datetime(2026, 3, 1, tzinfo=UTC)
REFUSED = (
    "SELECT STRPTIME(rest, '%Y') AS value FROM events", "SELECT ts - INTERVAL 1 DAY AS value FROM events",
    "SELECT CAST(TO_JSON(LIST(rest ORDER BY ts DESC)) AS VARCHAR) AS value FROM events",
    "SELECT TIMEZONE('Asia/Tokyo', TIMEZONE('Asia/Seoul', ts)) AS value FROM events",
)  # fmt: skip
SAID = (
    "gap(visit) > 2", "share(visit where (weekday >= 6)) > 0.5", "usual_hour(visit at least 2 times) = 9",
    "usual_weekday(visit) = 1", "delay(visit to search) < 3", "most_frequent(category of visit, 2) = 'tea'",
    "streak(visit by day) > 2", "current_streak(visit by week) > 2", "streak(visit by month) > 1",
    "current_streak(visit by year) = 1", "age(person.birthday) > 18",
    "anniversary(person.birthday) in next 7 days", "top(3, category of visit) includes 'tea'",
    "count(visit) / count(search) > 0.5", "did visit since last search", "recency(visit before first search) > 1",
)  # fmt: skip


@pytest.mark.parametrize("sql", REFUSED)
def test_what_differs_on_a_cluster_is_refused(sql: str) -> None:
    with pytest.raises(NotPortableError, match="cannot be asked of Spark"):
        spark(Query((), sql))


@pytest.mark.parametrize("text", SAID)
def test_what_does_not_differ_is_said(text: str) -> None:
    assert "SELECT" in spark(people(parse(text), Names(engine(1), {}, {}), AT)).sql


def test_a_local_time_is_borrowed_and_lists_keep_their_order() -> None:
    asked = spark(people(parse("anniversary(person.birthday) in next 7 days"), Names(engine(1)), AT))
    assert any("TIMEZONE('UTC', TIMEZONE($zone, c0))" in one.sql for one in asked.borrowed.values())
    listed = spark(
        people(parse("top(3, category of visit) includes 'tea'"), Names(engine(1)), AT)
    ).sql.lower()
    assert "to_json((sort_array(collect_list(named_struct('place', place, 'value', value)))).value)" in listed
