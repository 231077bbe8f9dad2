"""A simulated year: the messages are those of an independent oracle, person by person, day and minute."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from tests.workspace.year import OUTAGE, Outcome, expected, lived, looks, members

PEOPLE = 160


@pytest.mark.timeout(900)  # a year takes half a minute where nobody else works
@pytest.mark.proves("U1")
@pytest.mark.proves("U2")
@pytest.mark.proves("U3")
def test_a_year_of_members_gets_exactly_the_oracles_messages(tmp_path: Path) -> None:
    people = members(PEOPLE, seed=11)
    moments = looks(every=timedelta(hours=71), near=timedelta(hours=4))
    wanted = sorted(outcome for member in people for outcome in expected(member, moments))
    kinds = Counter((outcome.journey, outcome.step, outcome.what) for outcome in wanted)
    for journey, step in (("expiry", "first"), ("expiry", "last"), ("silence", "write"), ("recall", "first")):
        assert kinds[journey, step, "sent"] >= 10
    assert {what for _, _, what in kinds} >= {"sent", "too late", "task"}
    assert any(outcome.what == "too late" and OUTAGE[0] < outcome.due < OUTAGE[1] for outcome in wanted)
    with lived(tmp_path / "shop", people, moments) as year:
        found = year.outcomes()
        # a task is seen at the look at which it is due, which the records do not keep
        assert [_without(outcome) for outcome in found] == [_without(outcome) for outcome in wanted]
        sent = Counter(mail.to.partition("@")[0] for mail in year.mail.messages())
    assert sent == Counter(outcome.person for outcome in wanted if outcome.what == "sent")


def _without(outcome: Outcome) -> tuple[object, ...]:
    seen = None if outcome.what == "task" else outcome.at
    return outcome.person, outcome.journey, outcome.step, outcome.due, outcome.what, seen
