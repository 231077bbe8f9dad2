"""What the language says and the cluster does not: it is refused before anything is computed, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from limner.engine.portable import NotPortableError, spark
from limner.expressions import parse, people
from tests.builders import Names, engine

AT = datetime(2026, 3, 1, tzinfo=UTC)
REFUSED = (
    "streak(visit by day) > 2", "current_streak(visit by week) > 2", "age(person.birthday) > 18",
    "anniversary(person.birthday) in next 7 days", "top(3, category of visit) includes 'tea'",
)  # fmt: skip
SAID = (
    "gap(visit) > 2", "share(visit where (weekday >= 6)) > 0.5", "usual_hour(visit at least 2 times) = 9",
    "usual_weekday(visit) = 1", "delay(visit to search) < 3", "most_frequent(category of visit, 2) = 'tea'",
    "count(visit) / count(search) > 0.5", "did visit since last search", "recency(visit before first search) > 1",
)  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_differs_on_a_cluster_is_refused(text: str) -> None:
    names = Names(engine(1), {}, {})
    with pytest.raises(NotPortableError, match="cannot be asked of Spark"):
        spark(people(parse(text), names, AT))


@pytest.mark.parametrize("text", SAID)
def test_what_does_not_differ_is_said(text: str) -> None:
    assert "SELECT" in spark(people(parse(text), Names(engine(1), {}, {}), AT)).sql
