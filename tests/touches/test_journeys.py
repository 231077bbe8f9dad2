"""Moving everybody at once: the same as moving each person alone, whatever the journey and whatever happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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
    Leave,
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
        self.acted += [
            (p, step, instant(at)) for p, at in zip(people.people, people.due.tolist(), strict=True)
        ]

    def left(self, _connection: Any, _journey: str, _people: positions.Called) -> None: ...

    def finish(self, _connection: Any) -> None: ...


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
    st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from((*EVENTS, "came")), instants), max_size=30),
    st.dictionaries(st.tuples(st.sampled_from(CONDITIONS), st.sampled_from(PEOPLE)), instants),
)


def called(village: Village, then: datetime, now: datetime) -> positions.Called:
    """Who came between two moments, and when."""
    found = [(who, micros(when)) for who, what, when in village.did if what == "came" and then <= when < now]
    return positions.Called([who for who, _ in found], np.array([at for _, at in found], dtype=np.int64))


def started(records: Records, journey: Journey) -> None:
    with records.begin() as connection:
        positions.start(connection, journey, content="", seed="seed", load_i=0, now=START)


def moved(records: Records, journey: Journey, village: Village, looks: Sequence[datetime]) -> None:
    """The journey, looked at at these moments."""
    then = START
    for load, now in enumerate(sorted(looks), 1):
        village.now = now
        advance(
            records, journey, seed="seed", world=village, doing=village, now=now, load_i=load,
            called=called(village, then, now),
        )  # fmt: skip
        then = now


@dataclass
class Alone:
    """One person who walks the journey on their own."""

    person: str
    journey: Journey
    village: Village
    stood: list[Position] = field(default_factory=list)
    entered: datetime = START
    over: tuple[str, datetime] | None = None
    visits: list[Visit] = field(default_factory=list)

    def look(self, now: datetime, triggers: Sequence[datetime]) -> None:
        if self.stood and self.over is None:
            self._go(now)
        again = self.journey.again
        for at in sorted(triggers):
            if self.stood:
                if self.over is None or not again.ever:
                    continue
                if at <= self.entered or at < self.over[1] or at < self.entered + again.after:
                    continue
            self.over, self.entered = None, at
            begun = Position(self.person, len(self.stood) + 1, END, at, at)
            self.stood.append(
                arrive(
                    self.journey, begun, self.journey.first, at=at, zone=self.village.zones([self.person])[0]
                )
            )
            self._go(now)

    def _go(self, now: datetime) -> None:
        for leave in self.journey.leaves:
            if leave.happening is not None:
                when = self.village.first(leave.happening.event, self.person, self.entered)
            else:
                when = now if self.village.holds(leave.when, self.person) else None
            if when is not None:
                self.over = (f"left: {leave.name}", when)
                return
        self.stood[-1], passed = walked(
            self.journey,
            self.stood[-1],
            now=now,
            zone=self.village.zones([self.person])[0],
            seed="seed",
            came=lambda step, at: self.village.first(
                self.journey.steps[step].happening.event,  # type: ignore[union-attr]
                self.person,
                at + timedelta(microseconds=1),
            ),
            true=lambda condition: self.village.holds(condition, self.person),
        )
        self.visits += passed
        if self.stood[-1].step == END:
            self.over = ("end", self.stood[-1].arrived)


LEAVES = st.lists(
    st.sampled_from([Leave("left", Happening("clicked")), Leave("woke", when="awake")]),
    max_size=2,
    unique=True,
).map(tuple)


@pytest.mark.parametrize("_", ["any journey"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(journey=journeys(), leaves=LEAVES, village=villages, looks=st.lists(instants, max_size=8, unique=True))
def test_everybody_at_once_is_each_person_alone(
    _: str,
    tmp_path: Path,
    journey: Journey,
    leaves: tuple[Leave, ...],
    village: Village,
    looks: list[datetime],
) -> None:
    journey = replace(journey, leaves=leaves)
    alone = {person: Alone(person, journey, village) for person in PEOPLE}
    then = START
    for now in sorted(looks):
        village.now = now
        new = called(village, then, now)
        for person, one in alone.items():
            one.look(
                now,
                [instant(at) for who, at in zip(new.people, new.at.tolist(), strict=True) if who == person],
            )
        then = now
    with opened(tmp_path) as records:
        started(records, journey)
        moved(records, journey, village, looks)
        for person, one in alone.items():
            found = positions.of_person(records, person)
            assert len(found) == len(one.stood)
            if one.stood:
                (last,) = [row for row in found if row["entry"] == len(one.stood)]
                assert last["entered_at"] == one.entered
                assert (last["ended"], last["ended_at"]) == (one.over or ("", None))
                if one.over is None:
                    mine = one.stood[-1]
                    stands = (last["step"], last["arrived_at"], last["due_at"])
                    assert stands == (mine.step, mine.arrived, mine.due)
        out = dict(zip(PEOPLE, held_out(PEOPLE, seed="seed", share=journey.holdout).tolist(), strict=True))
        flow = positions.flow(records, "road")
        assert flow.entered == sum(len(one.stood) for one in alone.values())
        assert flow.held_out == sum(len(one.stood) for person, one in alone.items() if out[person])
        assert flow.entered == sum(flow.at.values()) + sum(flow.ended.values())
        counted = Counter((visit.step, visit.way) for one in alone.values() for visit in one.visits)
        assert flow.passed == counted
        gave = sorted(
            (person, visit.step, visit.at)
            for person, one in alone.items()
            for visit in one.visits
            if isinstance(journey.steps[visit.step], Give) and not out[person]
        )
        assert gave == sorted(item for item in village.acted if isinstance(journey.steps[item[1]], Give))


@pytest.mark.parametrize("_", ["any journey"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(journey=journeys(), village=villages, looks=st.lists(instants, min_size=1, max_size=8, unique=True))
def test_how_often_somebody_looks_changes_nothing(
    _: str, tmp_path: Path, journey: Journey, village: Village, looks: list[datetime]
) -> None:
    steps = {
        name: Give("seen", True, step.next) if isinstance(step, Branch) else step
        for name, step in journey.steps.items()
    }
    journey = replace(journey, steps=steps)  # a branch asks what is true when somebody looks
    seen = []
    for moments in (looks, [max(looks)]):
        village.acted.clear()
        with opened(tmp_path) as records:
            started(records, journey)
            moved(records, journey, village, moments)
            rows = [
                {"person": person, **row} for person in PEOPLE for row in positions.of_person(records, person)
            ]
            seen.append((rows, positions.flow(records, "road"), sorted(village.acted)))
    assert seen[0] == seen[1]


def test_who_enters_one_journey_of_a_play_leaves_the_other(tmp_path: Path) -> None:
    village = Village([], {})
    steps: dict[str, Step] = {"a": Wait(timedelta(days=9), END)}
    first, second = (
        Journey(name, {}, WhenDone(Happening("came")), steps, holdout=0) for name in ("one", "two")
    )
    with opened(tmp_path) as records:
        for journey in (first, second):
            started(records, journey)
        village.now = START + timedelta(hours=5)
        for journey, who, hour in ((first, PEOPLE[:3], 1), (second, PEOPLE[2:5], 2), (first, PEOPLE[4:6], 1)):
            at = np.full(len(who), micros(START + timedelta(hours=hour)))
            advance(
                records, journey, seed="s", world=village, doing=village, now=village.now, load_i=1,
                called=positions.Called(who, at), rivals=["one"] if journey is second else ["two"],
            )  # fmt: skip
        # whoever was in the first leaves it; who is seen late to have entered it before the second stays in the second
        assert positions.flow(records, "one").ended == {"entered two": 2}
        assert positions.flow(records, "two").at == {"a": 3}


def test_of_two_who_are_one_person_the_first_entry_goes_on(tmp_path: Path) -> None:
    village = Village([], {})
    steps: dict[str, Step] = {"a": Wait(timedelta(days=9), END)}
    journey = Journey("one", {}, WhenDone(Happening("came")), steps, holdout=0, again=Again(ever=True))
    ann, bob, cho, dee = PEOPLE[:4]
    with opened(tmp_path) as records:
        started(records, journey)
        for hour, who in ((1, [ann]), (2, [bob, cho])):
            village.now = START + timedelta(hours=hour)
            advance(
                records, journey, seed="s", world=village, doing=village, now=village.now, load_i=hour,
                called=positions.Called(who, np.full(len(who), micros(village.now))),
            )  # fmt: skip
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
