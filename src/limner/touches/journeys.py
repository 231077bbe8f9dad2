"""Moves everybody in a journey on to an instant, set by set: who enters, who leaves, who passes which step.

All people who stand at one step are decided and moved together; what has to be known of the world is asked of `World`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from limner.accounts.keys import instant, micros
from limner.campaigns import positions
from limner.campaigns.editing import Fate, fates
from limner.campaigns.journey import (
    END,
    Happening,
    Journey,
    Send,
    Step,
    Until,
    Wait,
    WaitFor,
    WhenDone,
    ways,
)
from limner.campaigns.positions import NOBODY, Called, Standing
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
    """What is done where people pass a step that acts; all of it in the transaction in which they pass it."""

    def act(self, connection: Connection, step: str, what: Step, people: Standing) -> None:
        """Does what the step says, or keeps it in mind, for people who pass it when due; none of them is held out."""

    def left(self, connection: Connection, journey: str, people: Called) -> None:
        """Takes back what waits to be sent to people who left a journey."""

    def finish(self, connection: Connection) -> None:
        """Does what was kept in mind: everybody has moved."""


@dataclass(frozen=True)
class Moved:
    """What one call of `advance` did: who entered, left and passed how many steps, together."""

    entered: int = 0
    left: int = 0
    passed: int = 0


MOST_ROUNDS = 20
"""So many times may one person enter in one call, by what is seen all at once; further triggers count no more."""


def advance(
    records: Records,
    journey: Journey,
    *,
    seed: str,
    world: World,
    doing: Doing,
    now: datetime,
    load_i: int,
    called: Called = NOBODY,
    apart: Collection[str] = (),
    rivals: Sequence[str] = (),
    members: bytes | None = None,
    seen: datetime | None = None,
) -> Moved:
    """Moves the journey on to `now`, in one transaction.

    Everybody lives on their own time: a step is passed at the instant at which it was due, however late that is seen.
    Whoever has left by now passes nothing more. `called`: who fulfils what its start asks for, and when; `apart`: who
    of them is held out anyway; `rivals`: the other journeys of its play. `load_i`, `members`: up to where the events,
    and the audience that it watches, have been seen; `seen`: up to which instant, where that is not `now`.
    """
    with records.begin() as connection:
        move = _Move(connection, journey, seed, world, doing, now)
        left = move.leave(positions.reachable(connection, journey.name)) if journey.leaves else 0
        entered, passed = 0, move.walk()
        for _ in range(MOST_ROUNDS if len(called) else 0):
            some = positions.enter(connection, journey, called, seed=seed, due=move.first_due, apart=apart)
            if not len(some):
                break
            entered += len(some)
            for name, gone in positions.leave_play(connection, journey.name, some, rivals).items():
                doing.left(connection, name, gone)
            left += move.leave(some)
            passed += move.walk()
        doing.finish(connection)
        positions.advanced(connection, journey.name, load_i=load_i, now=seen or now, members=members)
    return Moved(entered, left, passed)


@dataclass(frozen=True)
class _Move:
    """One call of `advance`."""

    connection: Connection
    journey: Journey
    seed: str
    world: World
    doing: Doing
    now: datetime

    def leave(self, some: Called) -> int:
        """How many of these people, who entered at those instants, left by what they did or became."""
        left = 0
        for leave in self.journey.leaves:
            if not len(some):
                break
            if leave.happening is None:
                gone = self.world.true(leave.when, some.people)
                at = np.full(len(some), micros(self.now), dtype=np.int64)
            else:
                at = self.world.came(
                    leave.happening, some.people, some.at + besides(self.journey, leave.happening)
                )
                gone = at >= 0
            out = Called(some.people, at).only(gone)
            if len(out):
                left += positions.end(self.connection, self.journey.name, out, why=f"left: {leave.name}")
                self.doing.left(self.connection, self.journey.name, out)
                some = some.only(~gone)
        return left

    def walk(self) -> int:
        """How many steps were passed until nobody is due any more."""
        passed = 0
        again = True
        while again:  # ends: between two visits of a step somebody has waited
            again = False
            for name, step in self.journey.steps.items():
                some, came = self._ready(name, step)
                if len(some):
                    self._pass(name, step, some, came)
                    passed += len(some)
                    again = True
        return passed

    def _ready(self, name: str, step: Step) -> tuple[Standing, NDArray[np.bool_] | None]:
        """Who passes the step by now, each when due; at one that waits for an event, who of them did it in time."""
        if not isinstance(step, WaitFor):
            return positions.standing(self.connection, self.journey.name, name, until=self.now), None
        there = positions.standing(self.connection, self.journey.name, name)
        if not len(there):
            return there, None
        at = self.world.came(step.happening, there.people, there.arrived + 1)
        came = (at >= 0) & (at < there.due)
        ready = came | (there.due <= micros(self.now))
        when = replace(there, due=np.where(came, at, there.due))
        return when.only(ready), came[ready]

    def _pass(self, name: str, step: Step, some: Standing, came: NDArray[np.bool_] | None) -> None:
        """Each goes their way."""
        if some.treated.any():
            self.doing.act(self.connection, name, step, some.only(some.treated))
        way = chosen(
            step,
            some.people,
            some.entries,
            seed=f"{self.seed}\0{name}",
            came=came,
            true=lambda condition: self.world.true(condition, some.people),
        )
        for number, one in enumerate(ways(step)):
            mine = some.only(way == number)
            if len(mine):
                positions.pass_on(
                    self.connection, self.journey.name, mine, step=name, way=one.name, to=one.next,
                    due=due_there(self.journey, one.next, Called(mine.people, mine.due), self.world),
                )  # fmt: skip

    def first_due(self, called: Called) -> NDArray[np.int64]:
        """When those who enter at those instants are due at the first step."""
        return due_there(self.journey, self.journey.first, called, self.world)


def besides(journey: Journey, happening: Happening) -> int:
    """1 where somebody who enters by an event must not leave by that very one, else 0: so much later it has to be."""
    start = journey.start
    return int(isinstance(start, WhenDone) and start.happening.event == happening.event)


def due_there(journey: Journey, step: str, arriving: Called, world: World) -> NDArray[np.int64]:
    """When each of those who arrive at the step is due there, as `stepping.due` says."""
    if step == END or not len(arriving):
        return arriving.at
    there = journey.steps[step]
    match there:
        case Wait(length=length) | WaitFor(at_most=length):
            return arriving.at + int(length / _MICROSECOND)
        case Until():
            zones = world.zones(arriving.people)
            pairs = list(zip(arriving.at.tolist(), zones, strict=True))
            known = {(at, zone): micros(due(there, instant(at), zone)) for at, zone in set(pairs)}
            return np.array([known[pair] for pair in pairs], dtype=np.int64)
        case _:
            return arriving.at


_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, eq=False)
class Changed:
    """Those who stand at a step when the text changes: what becomes of them, and where they stand from then on."""

    fate: Fate
    people: Standing
    due_before: NDArray[np.int64]

    def due_by(self, now: datetime) -> int:
        """How many of them go on at once who would have waited longer."""
        return int(np.count_nonzero((self.people.due <= micros(now)) & (self.due_before > micros(now))))


def planned(
    connection: Connection, old: Journey, new: Journey, *, world: World, now: datetime
) -> list[Changed]:
    """What becomes of everybody who is in the journey when the new text takes the old one's place now; see `fates`."""
    found = []
    for name, fate in fates(old, new).items():
        there = positions.standing(connection, old.name, name)
        if len(there):
            found.append(Changed(fate, _placed(new, fate, there, world, now), there.due))
    return found


def _placed(new: Journey, fate: Fate, there: Standing, world: World, now: datetime) -> Standing:
    """Since when they stand where they stand then, and until when."""
    moment = np.full(len(there), micros(now), dtype=np.int64)
    match fate.kind:
        case "waits":
            due = due_there(new, fate.to, Called(there.people, there.arrived), world)
            return replace(there, due=np.maximum(due, moment))
        case "moves":
            return replace(
                there, arrived=moment, due=due_there(new, fate.to, Called(there.people, moment), world)
            )
        case _:
            return there


def rearrange(
    connection: Connection, name: str, changes: Sequence[Changed], *, doing: Doing, now: datetime
) -> None:
    """Does what was planned, in the transaction in which the new text takes the old one's place."""
    for change in changes:
        match change.fate.kind:
            case "waits" | "moves":
                positions.stand(connection, name, change.people, step=change.fate.to)
            case "leaves":
                people = change.people.people
                gone = Called(people, np.full(len(people), micros(now), dtype=np.int64))
                why = change.fate.reason if change.fate.reason == END else f"left: {change.fate.reason}"
                positions.end(connection, name, gone, why=why)
                doing.left(connection, name, gone)


def sends(journey: Journey) -> dict[str, Send]:
    """The steps that send a message."""
    return {name: step for name, step in journey.steps.items() if isinstance(step, Send)}


def since(people: Standing) -> list[datetime]:
    """Since when each of them stands there."""
    return [instant(value) for value in people.arrived.tolist()]
