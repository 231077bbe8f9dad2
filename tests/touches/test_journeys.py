"""Moving everybody at once: the same as moving each person alone, whatever the journey and whatever happens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.accounts.keys import instant, micros
from limner.campaigns import positions
from limner.campaigns.arms import held_out
from limner.campaigns.journey import (
    END,
    Again,
    Branch,
    Case,
    Give,
    Happening,
    Journey,
    Share,
    Split,
    Step,
    Until,
    Wait,
    WaitFor,
    WhenDone,
)
from limner.campaigns.stepping import Position, Visit, arrive, walked
from limner.store.records import Records
from limner.touches.journeys import advance

START = datetime(2026, 3, 27, 9, tzinfo=UTC)
PEOPLE = [f"person-{number}" for number in range(7)]
ZONES = [ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")]
CONDITIONS = ("vip", "awake")
EVENTS = ("paid", "clicked")


@dataclass
class Village:
    """Seven people: what each did when, and of whom what is true from when on. It is `now`."""

    did: list[tuple[str, str, datetime]]
    becomes: dict[tuple[str, str], datetime]
    now: datetime = START
    acted: list[tuple[str, str, datetime]] = field(default_factory=list)

    def holds(self, condition: str, person: str) -> bool:
        since = self.becomes.get((condition, person))
        return since is not None and since < self.now

    def first(self, event: str, person: str, since: datetime) -> datetime | None:
        found = [
            when
            for who, what, when in self.did
            if (who, what) == (person, event) and since <= when < self.now
        ]
        return min(found, default=None)

    # as `World` and `Doing`

    def true(self, condition: str, people: Sequence[str]) -> Any:
        return np.array([self.holds(condition, person) for person in people], dtype=np.bool_)

    def came(self, happening: Happening, people: Sequence[str], since: Any) -> Any:
        found = [
            self.first(happening.event, person, instant(value))
            for person, value in zip(people, since.tolist(), strict=True)
        ]
        return np.array([-1 if when is None else micros(when) for when in found], dtype=np.int64)

    def zones(self, people: Sequence[str]) -> list[ZoneInfo]:
        return [ZONES[PEOPLE.index(person) % len(ZONES)] for person in people]

    def act(self, _connection: Any, step: str, _what: Step, people: positions.Standing) -> None:
        self.acted += [(person, step, self.now) for person in people.people]


@contextmanager
def opened(path: Path) -> Iterator[Records]:
    for name in ("records.sqlite", "records.sqlite-wal", "records.sqlite-shm"):
        (path / name).unlink(missing_ok=True)
    records = Records(path / "records.sqlite")
    try:
        records.migrate()
        yield records
    finally:
        records.close()


lengths = st.sampled_from([timedelta(hours=1), timedelta(hours=9), timedelta(days=1), timedelta(days=3)])


@st.composite
def journeys(draw: st.DrawFn) -> Journey:
    """Whatever leads forward, and back only over a wait."""
    names = [f"s{number}" for number in range(draw(st.integers(1, 6)))]
    steps: dict[str, Step] = {}
    for number, name in enumerate(names):
        ahead = st.sampled_from([*names[number + 1 :], END])
        anywhere = st.sampled_from([*names, END])
        kind = draw(st.sampled_from(["wait", "until", "for", "branch", "split", "give"]))
        match kind:
            case "wait":
                steps[name] = Wait(draw(lengths), draw(anywhere))
            case "until":
                days = tuple(sorted(draw(st.sets(st.integers(1, 7), max_size=3))))
                steps[name] = Until(draw(st.sampled_from([time(2, 30), time(10)])), days, draw(anywhere))
            case "for":
                waited = Happening(draw(st.sampled_from(EVENTS)))
                steps[name] = WaitFor(waited, draw(lengths), draw(anywhere), draw(anywhere))
            case "branch":
                cases = draw(
                    st.lists(st.builds(Case, st.sampled_from(CONDITIONS), ahead), min_size=1, max_size=2)
                )
                steps[name] = Branch(tuple(cases), draw(ahead))
            case "split":
                parts = (Share("a", 30, draw(ahead)), Share("b", 70, draw(ahead)))
                steps[name] = Split(parts, draw(st.booleans()))
            case _:
                steps[name] = Give("seen", True, draw(ahead))
    again = draw(st.sampled_from([Again(), Again(True), Again(True, timedelta(days=2))]))
    return Journey(
        "road", {"": "road"}, WhenDone(Happening("came")), steps, again=again,
        holdout=draw(st.sampled_from([0.0, 0.3])),
    )  # fmt: skip


instants = st.integers(0, 12 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
villages = st.builds(
    Village,
    st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(EVENTS), instants), max_size=20),
    st.dictionaries(st.tuples(st.sampled_from(CONDITIONS), st.sampled_from(PEOPLE)), instants),
)
calls = st.lists(
    st.tuples(instants, st.sets(st.sampled_from(PEOPLE)), st.sets(st.sampled_from(PEOPLE), max_size=2)),
    max_size=8,
)


@pytest.mark.parametrize("_", ["any journey"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(journey=journeys(), village=villages, moves=calls)
def test_everybody_at_once_is_each_person_alone(
    _: str,
    tmp_path: Path,
    journey: Journey,
    village: Village,
    moves: list[tuple[datetime, set[str], set[str]]],
) -> None:
    alone: dict[str, list[Position]] = {person: [] for person in PEOPLE}
    ended: dict[str, str] = {}
    since: dict[str, datetime] = {}
    visits: list[Visit] = []
    with opened(tmp_path) as records:
        with records.begin() as connection:
            positions.start(connection, journey, content="", seed="seed", load_i=0, now=START)
        for load, (now, entering, leaving) in enumerate(sorted(moves, key=lambda move: move[0]), 1):
            village.now = now
            advance(
                records,
                journey,
                seed="seed",
                world=village,
                doing=village,
                now=now,
                load_i=load,
                entering=sorted(entering),
                leaving={"gone": sorted(leaving)},
            )
            for person, stood in alone.items():
                inside = bool(stood) and person not in ended
                if inside and person in leaving:
                    ended[person] = "left: gone"
                    inside = False
                if person in entering and not inside:
                    waited = now - since.get(person, now) >= journey.again.after
                    if not stood or (journey.again.ever and waited):
                        ended.pop(person, None)
                        since[person] = now
                        begun = Position(person, len(stood) + 1, END, now, now)
                        stood.append(
                            arrive(journey, begun, journey.first, now=now, zone=village.zones([person])[0])
                        )
                        inside = True
                if inside:
                    stood[-1], passed = walked(
                        journey,
                        stood[-1],
                        now=now,
                        zone=village.zones([person])[0],
                        seed="seed",
                        came=lambda step, at, person=person: village.first(
                            journey.steps[step].happening.event,
                            person,
                            at,  # type: ignore[union-attr]
                        ),
                        true=lambda condition, person=person: village.holds(condition, person),
                    )
                    visits += passed
                    if stood[-1].step == END:
                        ended[person] = "end"
        for person, stood in alone.items():
            found = positions.of_person(records, person)
            assert len(found) == len(stood)
            if stood:
                (last,) = [row for row in found if row["entry"] == len(stood)]
                assert last["ended"] == ended.get(person, "")
                if person not in ended:
                    mine = stood[-1]
                    assert (last["step"], last["arrived_at"], last["due_at"]) == (
                        mine.step,
                        mine.arrived,
                        mine.due,
                    )
        out = dict(zip(PEOPLE, held_out(PEOPLE, seed="seed", share=journey.holdout).tolist(), strict=True))
        flow = positions.flow(records, "road")
        assert flow.entered == sum(len(stood) for stood in alone.values())
        assert flow.held_out == sum(len(stood) for person, stood in alone.items() if out[person])
        assert flow.entered == sum(flow.at.values()) + sum(flow.ended.values())
        counted: dict[tuple[str, str], int] = {}
        for visit in visits:
            counted[visit.step, visit.way] = counted.get((visit.step, visit.way), 0) + 1
        assert flow.passed == counted
        gives = sum(n for (step, _way), n in counted.items() if isinstance(journey.steps[step], Give))
        assert len([who for who, step, _ in village.acted if isinstance(journey.steps[step], Give)]) <= gives
        assert not [who for who, _, _ in village.acted if out[who]]


def test_who_enters_one_journey_of_a_play_leaves_the_other(tmp_path: Path) -> None:
    village = Village([], {})
    steps: dict[str, Step] = {"a": Wait(timedelta(days=9), END)}
    first, second = (
        Journey(name, {}, WhenDone(Happening("came")), steps, holdout=0) for name in ("one", "two")
    )
    with opened(tmp_path) as records:
        for journey, who in ((first, PEOPLE[:3]), (second, PEOPLE[2:5])):
            with records.begin() as connection:
                positions.start(connection, journey, content="", seed="s", load_i=0, now=START)
            village.now += timedelta(hours=1)
            advance(
                records, journey, seed="s", world=village, doing=village, now=village.now, load_i=1, entering=who,
                rivals=["one"] if journey is second else [],
            )  # fmt: skip
        assert positions.flow(records, "one").ended == {"entered two": 1}
        assert positions.flow(records, "two").at == {"a": 3}


def test_of_two_who_are_one_person_the_first_entry_goes_on(tmp_path: Path) -> None:
    village = Village([], {})
    steps: dict[str, Step] = {"a": Wait(timedelta(days=9), END)}
    journey = Journey("one", {}, WhenDone(Happening("came")), steps, holdout=0, again=Again(ever=True))
    ann, bob, cho, dee = PEOPLE[:4]
    with opened(tmp_path) as records:
        with records.begin() as connection:
            positions.start(connection, journey, content="", seed="s", load_i=0, now=START)
        for hour, who in ((1, [ann]), (2, [bob, cho])):
            village.now = START + timedelta(hours=hour)
            advance(
                records,
                journey,
                seed="s",
                world=village,
                doing=village,
                now=village.now,
                load_i=hour,
                entering=who,
            )
        with records.begin() as connection:
            assert positions.merge(connection, "one", {ann: bob, cho: dee}, now=village.now) == 2
        assert positions.of_person(records, ann) == positions.of_person(records, cho) == []
        stood = [(row["entered_at"], row["ended"]) for row in positions.of_person(records, bob)]
        assert sorted(stood) == [(START + timedelta(hours=1), ""), (START + timedelta(hours=2), "merged")]
        assert [row["ended"] for row in positions.of_person(records, dee)] == [""]
        assert positions.erase(records, bob) == 2
        assert positions.of_person(records, bob) == []
        flow = positions.flow(records, "one")
        assert flow.ended == {"erased": 1, "merged": 1}
        assert flow.entered == 3
