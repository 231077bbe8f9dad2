"""Edits of a live journey: the plan's counts are what then happens, nobody is lost, nobody passes anything twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.accounts.keys import instant, micros
from limner.campaigns import positions
from limner.campaigns.editing import LEAVES, MOVES, STAYS, WAITS, edit, fates
from limner.campaigns.journey import END, Give, Happening, Journey, Step, Until, Wait, WaitFor, WhenDone
from limner.touches.journeys import advance, planned, rearrange
from tests.touches.test_journeys import PEOPLE, START, Village, called, instants, opened, started, villages

NAMES = [f"s{number}" for number in range(6)]
lengths = st.sampled_from([timedelta(hours=1), timedelta(days=1), timedelta(days=4)])


def chain(names: list[str], draw: st.DrawFn) -> dict[str, Step]:
    """Steps one after the other, so that whoever passes one twice was sent back."""
    steps: dict[str, Step] = {}
    for name, following in zip(names, [*names[1:], END], strict=True):
        kind = draw(st.sampled_from(["wait", "until", "for", "give"]))
        match kind:
            case "wait":
                steps[name] = Wait(draw(lengths), following)
            case "until":
                steps[name] = Until(draw(st.sampled_from([time(2, 30), time(10)])), (), following)
            case "for":
                steps[name] = WaitFor(Happening("paid"), draw(lengths), following, following)
            case _:
                steps[name] = Give(name, True, following)
    return steps


@st.composite
def edits(draw: st.DrawFn) -> tuple[Journey, Journey]:
    """A journey, and another text of it: steps are gone, new, of another kind or length; some are said to go on."""
    before = NAMES[: draw(st.integers(1, 6))]
    old = Journey(
        "road",
        {"": "road"},
        WhenDone(Happening("came")),
        chain(before, draw),
        holdout=draw(st.sampled_from([0, 0.3])),
    )
    kept = [name for name in before if draw(st.booleans())]
    names = kept + [f"t{number}" for number in range(draw(st.integers(0 if kept else 1, 2)))]
    fresh = chain(names, draw)
    steps = {
        name: replace(old.steps[name], **_leads(old.steps[name], fresh[name]))
        if name in kept and draw(st.booleans())
        else step
        for name, step in fresh.items()
    }
    gone = [name for name in before if name not in steps]
    # those who stand at a step that is gone are only ever sent to a new one: nobody is sent back
    ahead = [name for name in names if name not in kept]
    moved = {name: draw(st.sampled_from([*ahead, END])) for name in gone if draw(st.booleans())}
    return old, replace(old, steps=steps, moved=moved, definition="new")


def _leads(step: Step, like: Step) -> dict[str, str]:
    to = like.next  # type: ignore[union-attr]
    return {"next": to, "missed": to} if isinstance(step, WaitFor) else {"next": to}


@pytest.mark.parametrize("_", ["any edit"])
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(both=edits(), village=villages, looks=st.lists(instants, min_size=2, max_size=6, unique=True))
def test_what_is_planned_is_what_happens(
    _: str, tmp_path: Path, both: tuple[Journey, Journey], village: Village, looks: list[datetime]
) -> None:
    old, new = both
    looks = sorted(looks)
    at = looks[len(looks) // 2]
    village.acted.clear()
    with opened(tmp_path) as records:
        started(records, old)
        then = START
        for load, now in enumerate(looks, 1):
            village.now = now
            journey = old if now <= at else new
            advance(
                records, journey, seed="seed", world=village, doing=village, now=now, load_i=load,
                called=called(village, then, now),
            )  # fmt: skip
            then = now
            if now != at:
                continue
            before = {person: positions.of_person(records, person) for person in PEOPLE}
            stood = {
                person: rows[0] for person, rows in before.items() if rows and rows[0]["ended_at"] is None
            }
            acted = list(village.acted)
            with records.read() as connection:
                plan = planned(connection, old, new, world=village, now=now)
            assert {person: positions.of_person(records, person) for person in PEOPLE} == before
            with records.begin() as connection:
                again = planned(connection, old, new, world=village, now=now)
                rearrange(connection, "road", again, doing=village, now=now)
            assert village.acted == acted  # a change of the text does nothing by itself
            planned_of = {
                person: (change.fate, int(due))
                for change in plan
                for person, due in zip(change.people.people, change.people.due.tolist(), strict=True)
            }
            assert planned_of.keys() == stood.keys()
            for person, row in stood.items():
                (after,) = [
                    item for item in positions.of_person(records, person) if item["entry"] == row["entry"]
                ]
                fate, due = planned_of[person]
                assert fate.step == row["step"]
                assert (after["arm"], after["entered_at"]) == (row["arm"], row["entered_at"])
                match fate.kind:
                    case "stays":
                        assert after == row
                    case "waits":
                        assert (after["step"], after["arrived_at"]) == (row["step"], row["arrived_at"])
                        assert after["due_at"] == instant(due) >= now
                    case "moves":
                        assert (after["step"], after["arrived_at"]) == (fate.to, now)
                        assert after["due_at"] == instant(due) >= now
                    case "leaves":
                        assert (after["ended_at"], fate.to) == (now, END)
        flow = positions.flow(records, "road")
        assert flow.entered == sum(flow.at.values()) + sum(flow.ended.values())
        assert set(flow.at) <= set(new.steps if looks[-1] >= at else old.steps)
        entered = {
            (person, row["entry"]) for person in PEOPLE for row in positions.of_person(records, person)
        }
        passes = Counter((person, step) for person, step, _at in village.acted)
        assert all(
            times <= len([one for one in entered if one[0] == person])
            for (person, _), times in passes.items()
        )


def test_each_rule_of_an_edit() -> None:
    day, week = timedelta(days=1), timedelta(days=7)
    steps: dict[str, Step] = {
        "a": Wait(day, "b"),
        "b": Wait(day, "c"),
        "c": Wait(day, "d"),
        "d": Wait(day, END),
    }
    old = Journey("road", {}, WhenDone(Happening("came")), steps)
    new = replace(
        old,
        steps={
            "a": Wait(day, "b"),
            "b": Wait(week, "c"),
            "c": Until(time(9), (), END),
            "x": Give("t", True, END),
        },
        moved={"d": "x"},
        holdout=0.5,
    )
    assert {name: (fate.kind, fate.to) for name, fate in fates(old, new).items()} == {
        "a": (STAYS, "a"),
        "b": (WAITS, "b"),
        "c": (MOVES, "c"),
        "d": (MOVES, "x"),
    }
    found = fates(old, replace(new, moved={}))["d"]
    assert (found.kind, found.reason) == (LEAVES, "the step d is gone")
    ended = fates(old, replace(new, moved={"d": END}))["d"]
    assert (ended.kind, ended.reason) == (LEAVES, END)
    differs = edit(old, new)
    assert (differs.added, differs.gone, differs.changed, differs.other) == (
        ("x",),
        ("d",),
        ("b", "c"),
        ("holdout",),
    )


def test_nobody_is_due_before_the_change(tmp_path: Path) -> None:
    """Who came five days ago into a wait of ten, which is now of three, goes on at the change, not two days before."""
    old = Journey("road", {}, WhenDone(Happening("came")), {"a": Wait(timedelta(days=10), END)}, holdout=0)
    new = replace(old, steps={"a": Wait(timedelta(days=3), END)})
    longer = replace(old, steps={"a": Wait(timedelta(days=30), END)})
    village = Village([(PEOPLE[0], "came", START)], {})
    village.now = START + timedelta(days=5)
    with opened(tmp_path) as records:
        started(records, old)
        advance(
            records, old, seed="seed", world=village, doing=village, now=village.now, load_i=1,
            called=called(village, START, village.now),
        )  # fmt: skip
        with records.read() as connection:
            (change,) = planned(connection, old, new, world=village, now=village.now)
            (other,) = planned(connection, old, longer, world=village, now=village.now)
    assert (change.people.due.tolist(), change.due_by(village.now)) == ([micros(village.now)], 1)
    assert other.people.due.tolist() == [micros(START + timedelta(days=30))]
