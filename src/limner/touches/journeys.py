"""Moves everybody in a journey on to an instant, set by set: who enters, who leaves, who passes which step.

All people who stand at one step are decided and moved together; what has to be known of the world is asked of `World`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from limner.accounts.keys import instant, micros
from limner.campaigns import positions
from limner.campaigns.journey import END, Happening, Journey, Send, Step, Until, WaitFor, ways
from limner.campaigns.positions import Standing
from limner.campaigns.stepping import chosen, due
from limner.store.records import Records


class World(Protocol):
    """What is asked about people, many at once; answers are in their order. Nothing at or after `now` counts."""

    def true(self, condition: str, people: Sequence[str]) -> NDArray[np.bool_]:
        """Of whom the condition is true now."""

    def came(
        self, happening: Happening, people: Sequence[str], since: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """When each first did it from their own instant (microseconds) on; -1: not yet."""

    def zones(self, people: Sequence[str]) -> Sequence[ZoneInfo]:
        """Each one's time zone."""


class Doing(Protocol):
    """What is done where people pass a step that acts."""

    def act(self, connection: Connection, step: str, what: Step, people: Standing) -> None:
        """Does what the step says for these people, none of them held out, in the transaction in which they pass it."""


@dataclass(frozen=True)
class Moved:
    """What one call of `advance` did: who entered, left and passed how many steps, together."""

    entered: int = 0
    left: int = 0
    passed: int = 0


def advance(
    records: Records,
    journey: Journey,
    *,
    seed: str,
    world: World,
    doing: Doing,
    now: datetime,
    load_i: int,
    entering: Sequence[str] = (),
    leaving: Mapping[str, Sequence[str]] | None = None,
    rivals: Sequence[str] = (),
    members: bytes | None = None,
    seen: datetime | None = None,
) -> Moved:
    """Moves the journey on to `now`, in one transaction.

    `entering`: who fulfils what its start asks for, each once; `leaving`: by the name of a reason, who fulfils that;
    `rivals`: the other journeys of its play. `load_i`, `members`: up to where the events, and the audience that it
    watches, have been seen; `seen`: up to which instant, where that is not `now`.
    """
    with records.begin() as connection:
        left = sum(
            positions.end(connection, journey.name, people, why=f"left: {name}", now=now)
            for name, people in (leaving or {}).items()
            if people
        )
        entered = 0
        if entering:
            ordered = sorted(set(entering))
            first = _due(journey, journey.first, ordered, world, now)
            entered = positions.enter(connection, journey, ordered, seed=seed, now=now, due=first)
            if entered and rivals:
                positions.leave_play(connection, journey, rivals, now=now)
        passed = 0
        again = True
        while again:  # ends: between two visits of a step somebody has waited
            again = False
            for name, step in journey.steps.items():
                some = _ready(connection, journey, name, step, world, now)
                if len(some):
                    passed += _pass(connection, journey, name, step, some, seed, world, doing, now)
                    again = True
        positions.advanced(connection, journey.name, load_i=load_i, now=seen or now, members=members)
    return Moved(entered, left, passed)


def _ready(
    connection: Connection, journey: Journey, name: str, step: Step, world: World, now: datetime
) -> _Ready | Standing:
    """Who passes the step now: who is due, and at a step that waits for an event who did it in time."""
    if not isinstance(step, WaitFor):
        return positions.standing(connection, journey.name, name, until=now)
    there = positions.standing(connection, journey.name, name)
    if not len(there):
        return there
    at = world.came(step.happening, there.people, there.arrived)
    came = (at >= 0) & (at < there.due)
    ready = came | (there.due <= micros(now))
    found = there.only(ready)
    return _Ready(found.people, found.entries, found.arrived, found.due, found.treated, came[ready])


@dataclass(frozen=True, eq=False)
class _Ready(Standing):
    """People at a step that waits for an event, and who of them did it in time."""

    came: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))


def _pass(
    connection: Connection,
    journey: Journey,
    name: str,
    step: Step,
    some: Standing,
    seed: str,
    world: World,
    doing: Doing,
    now: datetime,
) -> int:
    """How many passed the step: each goes their way."""
    if some.treated.any():
        doing.act(connection, name, step, some.only(some.treated))
    way = chosen(
        step,
        some.people,
        some.entries,
        seed=f"{seed}\0{name}",
        came=some.came if isinstance(some, _Ready) else None,
        true=lambda condition: world.true(condition, some.people),
    )
    for number, one in enumerate(ways(step)):
        mine = some.only(way == number)
        if len(mine):
            positions.pass_on(
                connection, journey.name, mine, step=name, way=one.name, to=one.next, now=now,
                due=_due(journey, one.next, mine.people, world, now),
            )  # fmt: skip
    return len(some)


def _due(
    journey: Journey, step: str, people: Sequence[str], world: World, now: datetime
) -> NDArray[np.int64]:
    """When each of those who arrive at the step now is due there."""
    if step == END:
        return np.full(len(people), micros(now), dtype=np.int64)
    there = journey.steps[step]
    if not isinstance(there, Until):
        return np.full(len(people), micros(due(there, now, _ANY)), dtype=np.int64)
    zones = world.zones(people)
    known = {zone: micros(due(there, now, zone)) for zone in set(zones)}
    return np.array([known[zone] for zone in zones], dtype=np.int64)


_ANY = ZoneInfo("UTC")
"""For steps at which the zone does not matter."""


def sends(journey: Journey) -> dict[str, Send]:
    """The steps that send a message."""
    return {name: step for name, step in journey.steps.items() if isinstance(step, Send)}


def since(people: Standing) -> list[datetime]:
    """Since when each of them stands there."""
    return [instant(value) for value in people.arrived.tolist()]
