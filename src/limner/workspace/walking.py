"""What moves the journeys that run: who enters and leaves by what happened, and what is done for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection

from limner.accounts.keys import micros
from limner.accounts.model import Caller, Role
from limner.audiences import evaluate
from limner.bitmap import Bitmap
from limner.campaigns import journey_text, positions
from limner.campaigns.journey import (
    Give,
    Happening,
    Journey,
    Send,
    Step,
    Task,
    Webhook,
    WhenDated,
    WhenDone,
    WhenDue,
    WhenMember,
)
from limner.campaigns.model import Campaign
from limner.campaigns.policy import zone_of
from limner.campaigns.positions import NOBODY, RUNNING, Called, Running, Standing
from limner.campaigns.scene import Scene
from limner.campaigns.stepping import on_clocks
from limner.errors import LimnerError
from limner.events.load import loads
from limner.expressions import check, parse, parse_value, where
from limner.expressions.compile import values as values_of
from limner.tags.graph import build
from limner.touches import drawing, wanting
from limner.touches.journeys import Moved, advance
from limner.types import Json, naive, silent
from limner.workspace import (
    definitions,
    giving,
    holding,
    journeys,
    knowing,
    policing,
    posting,
    reaching,
    recipients,
    scenes,
)
from limner.workspace.schedule import moments
from limner.workspace.workspace import Workspace

AUTHOR = Caller("journey", "", "a journey", Role.OPERATOR)
"""Who gives the values of tags that a step gives."""

_A_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)


class Here:
    """What is asked about people in the workspace at one instant; see `World`."""

    def __init__(self, workspace: Workspace, now: datetime) -> None:
        self._workspace, self._now = workspace, now
        self._names = definitions.catalog(workspace)

    def members(self, condition: str) -> Bitmap:
        """Everybody of whom the condition is true."""
        tree = parse(condition)
        check(tree, self._names, kind="person")
        return evaluate.people(
            tree,
            engine=self._workspace.engine,
            catalog=self._names,
            columns=knowing.live(self._workspace),
            as_of=self._now,
            graph=build(definitions.tags(self._workspace), self._names.audience),
        )

    def true(self, condition: str, people: Sequence[str]) -> NDArray[np.bool_]:
        found = self.members(condition)
        ordinals = self.ordinals(people)
        answer = np.zeros(len(people), dtype=np.bool_)
        there = np.flatnonzero(ordinals >= 0)
        answer[there] = np.isin(ordinals[there], found.numpy())
        return answer

    def came(
        self, happening: Happening, people: Sequence[str], since: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        answer = np.full(len(people), -1, dtype=np.int64)
        test, bound = self._happening(happening)
        if test is None:
            return answer
        asked = pa.table({"i": np.arange(len(people)), "ix": self.ordinals(people), "since": since})
        found = self._workspace.engine.read(
            "SELECT s.i, MIN(EPOCH_US(e.ts)) AS ts FROM asked AS s JOIN events AS e ON e.ix = s.ix"
            f" WHERE EPOCH_US(e.ts) >= s.since AND e.ts < $now AND {test} GROUP BY s.i",
            {**bound, "now": naive(self._now)},
            given={"asked": asked},
        )
        answer[found.column("i").to_numpy()] = found.column("ts").to_numpy()
        return answer

    def zones(self, people: Sequence[str]) -> list[ZoneInfo]:
        usual = self._workspace.config.tz
        said = recipients.zones(self._workspace.engine, self.ordinals(people).tolist(), now=self._now)
        return [zone_of(said.get(ix), usual) for ix in self.ordinals(people).tolist()]

    def did(self, happening: Happening, *, after: int, since: datetime, then: datetime) -> Called:
        """Who did it and when, by events that came after a load or are no longer in the future; none before `since`."""
        test, bound = self._happening(happening)
        if test is None:
            return NOBODY
        found = self._workspace.engine.read(
            "SELECT DISTINCT p.person_id AS person, EPOCH_US(e.ts) AS ts FROM events AS e"
            " JOIN persons AS p ON p.ix = e.ix"
            " WHERE p.merged_into IS NULL AND NOT p.erased AND e.ts >= $since AND e.ts < $now"
            f" AND (COALESCE(e.load_i, 0) > $after OR e.ts >= $then) AND {test}",
            {**bound, "now": naive(self._now), "since": naive(since), "then": naive(then), "after": after},
        )
        return Called(found.column("person").to_pylist(), found.column("ts").to_numpy().astype(np.int64))

    def ids(self, members: Bitmap) -> list[str]:
        """The outward ids of the living among them."""
        found = self._workspace.engine.read(
            "SELECT p.person_id AS person FROM persons AS p JOIN asked AS a ON a.ix = p.ix"
            " WHERE p.merged_into IS NULL AND NOT p.erased",
            given={"asked": pa.table({"ix": members.numpy()})},
        )
        return list(found.column("person").to_pylist())

    def dated(self, start: WhenDated, *, then: datetime) -> Called:
        """Who has a date whose instant for them lies after `then`, up to now, and that instant."""
        inner = values_of(parse_value(start.value), self._names, self._now)
        first = (then - _A_DAY * 2 + start.before).date()
        days = ((self._now + start.before).date() - first).days + 3
        near = {first + _A_DAY * number for number in range(days)}
        if start.yearly:
            asked = sorted(
                {day.strftime("%m-%d") for day in near} | ({"02-29"} if _ends_february(near) else set())
            )
            test = "STRFTIME(moment, '%m-%d') IN (SELECT UNNEST($days))"
        else:
            asked = sorted(day.isoformat() for day in near)
            test = "STRFTIME(moment, '%Y-%m-%d') IN (SELECT UNNEST($days))"
        found = self._workspace.engine.read(
            "SELECT p.person_id AS person, moment, timed FROM (SELECT ix, TRY_CAST(value AS TIMESTAMP) AS moment,"
            f" LENGTH(CAST(value AS VARCHAR)) > 10 AS timed FROM ({inner.sql})) AS v JOIN persons AS p ON p.ix = v.ix"
            f" WHERE moment IS NOT NULL AND {test}",
            {**inner.values, "days": asked},
        ).to_pylist()
        zones = self.zones([row["person"] for row in found])
        pairs = [
            (row["person"], micros(instant))
            for row, zone in zip(found, zones, strict=True)
            for instant in _instants(row, start, zone, near)
            if then < instant <= self._now
        ]
        return Called([person for person, _ in pairs], np.array([at for _, at in pairs], dtype=np.int64))

    def ordinals(self, people: Sequence[str]) -> NDArray[np.int64]:
        """Their ordinals; -1 for who is not, or no longer, a person of this id."""
        asked = pa.table({"i": np.arange(len(people)), "person": pa.array(list(people), pa.string())})
        found = self._workspace.engine.read(
            "SELECT a.i, CAST(p.ix AS BIGINT) AS ix FROM asked AS a JOIN persons AS p ON p.person_id = a.person"
            " WHERE p.merged_into IS NULL AND NOT p.erased",
            given={"asked": asked},
        )
        answer = np.full(len(people), -1, dtype=np.int64)
        answer[found.column("i").to_numpy()] = found.column("ix").to_numpy()
        return answer

    def _happening(self, happening: Happening) -> tuple[str | None, Mapping[str, object]]:
        """The event's test over `events` (e), and what it binds; no test where nobody ever did such a thing."""
        codes = self._names.event_codes(happening.event)
        if not codes:
            return None, {}
        condition: str = "TRUE"
        bound: Mapping[str, object] = {}
        if happening.where:
            tree = parse(happening.where, scope="event")
            check(tree, self._names, kind="event")
            condition, bound = where(tree, self._names, self._now)
        return f"e.name_i IN ({', '.join(map(str, codes))}) AND ({condition})", bound


def _ends_february(days: set[date]) -> bool:
    return any((day.month, day.day) == (2, 28) for day in days)


def _instants(row: Json, start: WhenDated, zone: ZoneInfo, near: set[date]) -> list[datetime]:
    """When the journey begins for somebody of that date: once, or in each of the years around."""
    day = (
        row["moment"].replace(tzinfo=ZoneInfo("UTC")).astimezone(zone) if row["timed"] else row["moment"]
    ).date()
    days = [day]
    if start.yearly:
        days = []
        for year in {one.year for one in near}:
            leap = (day.month, day.day) == (2, 29) and not _leap(year)
            days.append(date(year, 2, 28) if leap else day.replace(year=year))
    return [on_clocks(_before(one, start.before), start.at, zone) for one in days]


def _before(day: date, before: timedelta) -> date:
    return (datetime.combine(day, datetime.min.time()) - before).date()


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


class Hands:
    """Does what steps say, in the transaction in which people pass them; see `Doing`."""

    def __init__(self, workspace: Workspace, journey: Journey, now: datetime) -> None:
        self._workspace, self._journey, self._now = workspace, journey, now
        self._asked: list[wanting.Wanted] = []

    def act(self, connection: Connection, step: str, what: Step, people: Standing) -> None:
        match what:
            case Send():
                useful = None if what.useful is None else people.due + int(what.useful / _MICROSECOND)
                item = journeys.campaign_of(self._journey, what)
                self._asked.append(
                    wanting.Wanted(
                        item,
                        step,
                        people.people,
                        people.entries.tolist(),
                        people.due,
                        useful,
                        variants=reaching.variants_of(self._workspace, item, people.people, self._now)
                        if what.variants
                        else (),
                        chosen=self._chosen(connection, item, people.people, what.useful),
                    )
                )
            case Give() | Task() | Webhook():
                positions.charge(connection, self._journey.name, step, people)

    def _chosen(
        self, connection: Connection, item: Campaign, people: Sequence[str], useful: timedelta | None
    ) -> drawing.Chosen | None:
        """When and by what each of them gets the message; None: at once, by its one channel."""
        if not item.channels and item.best_hour is None:
            return None
        if item.best_hour is not None and useful is not None:
            item = replace(item, best_hour=min(item.best_hour, useful))
        workspace = self._workspace
        ixs = Here(workspace, self._now).ordinals(people)
        known = ixs[ixs >= 0].astype(np.uint32)
        found = drawing.ways(
            connection,
            campaign=item,
            people=reaching.people_table(workspace, item, known, self._now),
            secret=workspace.secret,
            now=self._now,
            policy=policing.policy(workspace),
            zone=workspace.config.tz,
        )
        return found.for_people(people, due=self._now, channel=item.channel)

    def left(self, connection: Connection, journey: str, people: Called) -> None:
        wanting.withdraw(connection, journey, people.people, reason=wanting.LEFT, now=self._now)

    def finish(self, connection: Connection) -> None:
        wanting.add(connection, self._asked, secret=self._workspace.secret, now=self._now)


LATE = timedelta(days=2)
"""A date that becomes known so much later than its moment still lets people in, as of that moment."""


def called(
    workspace: Workspace, here: Here, journey: Journey, item: Running, now: datetime
) -> tuple[Called, bytes | None]:
    """Who fulfils what the journey's start asks for, and since when; and who is in the audience that it watches."""
    match journey.start:
        case WhenDone(happening):
            return here.did(happening, after=item.load_i, since=item.started_at, then=item.advanced_at), None
        case WhenMember(audience, inwards):
            there = here.members(f'in audience "{audience}"')
            found: list[str] = []
            if item.members is not None:
                before = Bitmap.unpacked(item.members)
                found = here.ids(there - before if inwards else before - there)
            return _at(found, now), there.packed()
        case WhenDated():
            since = item.advanced_at
            if loads(workspace.engine) > item.load_i:  # some of what came may be late
                since = max(item.started_at, min(since, now - LATE))
            dated = here.dated(journey.start, then=since)
            with workspace.records.read() as connection:
                return positions.not_yet(connection, journey.name, dated), None
        case WhenDue(schedule, audience):
            missed = takewhile(
                lambda moment: moment <= now, moments(schedule, workspace.config.tz, item.advanced_at)
            )
            latest = max(missed, default=None)
            if latest is None:
                return NOBODY, None
            return _at(here.ids(here.members(f'in audience "{audience}"')), latest), None


def _at(people: Sequence[str], at: datetime) -> Called:
    return Called(people, np.full(len(people), micros(at), dtype=np.int64))


def move(workspace: Workspace, item: Running, *, now: datetime) -> Moved:
    """Moves one running journey on to now: whoever is due, did something, or became somebody whom it is for."""
    journey = journey_text.read(item.definition, item.journey)
    here = Here(workspace, now)
    load_i = loads(workspace.engine)
    if load_i > item.load_i:
        _merge(workspace, journey.name, now)
    entering, members = called(workspace, here, journey, item, now)
    if len(entering) and journey.only:
        entering = entering.only(here.true(journey.only, entering.people))
    scene = scenes.of(workspace, journey.scene)
    apart: set[str] = set()
    if len(entering) and scene is not None:
        may = set(whom_it_may_reach(workspace, scene, entering.people, now))
        entering = entering.only(np.array([person in may for person in entering.people], dtype=np.bool_))
        out = scenes.rules(workspace, scene).held_out(entering.people)
        apart = {person for person, held in zip(entering.people, out, strict=True) if held}
    held = bool(len(entering)) and holding.holds_journey(workspace, journey, now=now)
    if held:  # what was to be seen is seen when somebody lets it go on
        entering, members, load_i = NOBODY, None, item.load_i
    if len(entering) and scene is not None:
        scenes.begin(workspace, scene, now)
    rivals = [
        other.journey
        for other in positions.running(workspace.records)
        if other.journey != journey.name
        and journey.play
        and journey_text.read(other.definition, other.journey).play == journey.play
    ]
    return advance(
        workspace.records,
        journey,
        seed=item.seed,
        world=here,
        doing=Hands(workspace, journey, now),
        now=now,
        load_i=load_i,
        called=entering,
        apart=apart,
        rivals=rivals,
        members=members,
        seen=item.advanced_at if held else None,
    )


def whom_it_may_reach(
    workspace: Workspace, scene: Scene, people: Sequence[str], now: datetime
) -> Sequence[str]:
    """Who of these people may enter a journey of the scene now: within its dates, whoever is in its audience."""
    if scenes.outside(workspace, scene, now):
        return []
    asked = scenes.members(workspace, scene, now)
    if asked is None:
        return people
    inside = asked(people)
    return [person for person in people if person in inside]


def _merge(workspace: Workspace, name: str, now: datetime) -> None:
    """Whoever in the journey was found to be somebody else goes on as that person."""
    with workspace.records.read() as connection:
        inside = positions.inside(connection, name)
    asked = pa.table({"person": pa.array(inside, pa.string())})
    found = workspace.engine.read(
        "SELECT old.person_id AS old, new.person_id AS new FROM asked AS a JOIN persons AS old"
        " ON old.person_id = a.person JOIN persons AS new ON new.ix = old.merged_into",
        given={"asked": asked},
    )
    if found.num_rows:
        into = dict(zip(found.column("old").to_pylist(), found.column("new").to_pylist(), strict=True))
        with workspace.records.begin() as connection:
            positions.merge(connection, name, into, now=now)


def move_all(workspace: Workspace) -> None:
    """Moves every running journey on, and does what its steps left to be done."""
    now = workspace.clock()
    passed = 0
    for item in positions.running(workspace.records):
        if item.status == RUNNING and now > item.advanced_at and not _without_scene(workspace, item):
            passed += move(workspace, item, now=now).passed
            if passed:
                workspace.queued.ring()
    carry_out(workspace)
    if passed:
        workspace.queued.ring()


def _without_scene(workspace: Workspace, item: Running) -> bool:
    """Whether the journey's scene cannot be read: then it pauses itself and says so."""
    try:
        scenes.of(workspace, journey_text.read(item.definition, item.journey).scene)
    except LimnerError as error:
        reason = f"scene: {error.message}"
        reaching.halt(workspace, item.journey, positions.PAUSED, reason)
        reaching.tell_halted(workspace, item.journey, "", reason)
        return True
    return False


def carry_out(workspace: Workspace) -> int:
    """How many values of tags were given that steps left to be given; what they post is written down, too."""
    done = 0
    for charge in positions.charges(workspace.records):
        running = positions.running(workspace.records, charge.journey)
        step = (
            journey_text.read(running[0].definition, charge.journey).steps.get(charge.step)
            if running
            else None
        )
        if isinstance(step, Webhook):
            posting.queue(workspace, charge, step)
            positions.discharge(workspace.records, charge, now=workspace.clock())
            continue
        if not isinstance(step, Give):
            continue
        if step.value is None:
            giving.tag_take(workspace, silent, step.tag, people=list(charge.people), caller=AUTHOR)
        else:
            giving.tag_give(
                workspace, silent, step.tag, step.value, people=list(charge.people), caller=AUTHOR
            )
        positions.discharge(workspace.records, charge, now=workspace.clock())
        done += len(charge.people)
    return done
