"""Verbs of journeys, and what moves those that run: who enters and leaves by what happened, and what is done."""

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
from limner.accounts.model import LOCAL, Caller, Role, sees_personal
from limner.audiences import evaluate
from limner.bitmap import Bitmap
from limner.campaigns import journey_text, positions
from limner.campaigns import text as campaign_text
from limner.campaigns.arms import held_out
from limner.campaigns.journey import (
    END,
    Branch,
    Give,
    Happening,
    Journey,
    Send,
    Split,
    Step,
    Task,
    Until,
    Wait,
    WaitFor,
    Webhook,
    WhenDated,
    WhenDone,
    WhenDue,
    WhenMember,
    ways,
)
from limner.campaigns.model import Campaign, best_of
from limner.campaigns.policy import Asked, decide, spoken, zone_of
from limner.campaigns.positions import NOBODY, RUNNING, Called, Running, Standing
from limner.campaigns.scene import Scene
from limner.campaigns.stepping import chosen, due, on_clocks
from limner.consents.ledger import standings
from limner.consents.model import NOBODY_ASKED, address_hash
from limner.errors import LimnerError, NotFoundError, UsageError
from limner.events.load import loads
from limner.expressions import check, parse, parse_value, where
from limner.expressions.compile import values as values_of
from limner.feedback import report as reports
from limner.portraits import finding
from limner.tags.document import Document
from limner.tags.graph import build
from limner.touches import drawing, entries, letter, wanting
from limner.touches.journeys import Moved, advance, besides
from limner.types import Json, naive, silent
from limner.workspace import (
    definitions,
    giving,
    holding,
    knowing,
    policing,
    posting,
    reaching,
    recipients,
    scenes,
)
from limner.workspace.catalog import known
from limner.workspace.runs import said
from limner.workspace.schedule import moments
from limner.workspace.workspace import Workspace

AUTHOR = Caller("journey", "", "a journey", Role.OPERATOR)
"""Who gives the values of tags that a step gives."""

_A_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)


# reading


def saved(workspace: Workspace, name: str) -> Journey:
    """The journey as its file says it. Raises NotFoundError with the nearest name."""
    paths = {path.stem: path for path in (workspace.paths.folder / "journeys").glob("*.yml")}
    return journey_text.read_file(paths[known(sorted(paths), name, "journey")])


def problems(workspace: Workspace, journey: Journey) -> list[Json]:
    """What is wrong with a journey here: names that nobody knows, texts that cannot be sent."""
    found: list[LimnerError] = []
    names = definitions.catalog(workspace)
    audiences = definitions.saved_audiences(workspace)
    tags = definitions.tags(workspace)

    def tried(what: str, work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except LimnerError as error:
            error.where = f"journeys/{journey.name}.yml: {what}"
            found.append(error)

    def condition(what: str, source: str) -> None:
        tried(what, lambda: check(parse(source), names, kind="person"))

    def happening(what: str, asked: Happening) -> None:
        if asked.where:
            tried(what, lambda: check(parse(asked.where, scope="event"), names, kind="event"))

    match journey.start:
        case WhenDone(asked):
            happening("start", asked)
        case WhenMember(audience, _) | WhenDue(_, audience):
            tried("start", lambda: known(audiences, audience, "audience"))
        case WhenDated(value=value):
            tried("start", lambda: values_of(parse_value(value), names, workspace.clock()))
    if journey.only:
        condition("only", journey.only)
    for leave in journey.leaves:
        if leave.happening is None:
            condition(f"leave {leave.name}", leave.when)
        else:
            happening(f"leave {leave.name}", leave.happening)
    if journey.name in definitions.campaign_files(workspace):
        found.append(
            UsageError(
                f"a campaign is called '{journey.name}', too", where=f"journeys/{journey.name}.yml",
                hint="messages are counted by this name: give one of them another",
            )
        )  # fmt: skip
    found += definitions.scene_problems(workspace, journey)
    for name, step in journey.steps.items():
        for case in getattr(step, "cases", ()):
            condition(f"steps.{name}", case.when)
        if isinstance(getattr(step, "happening", None), Happening):
            happening(f"steps.{name}", step.happening)  # type: ignore[union-attr]
        if isinstance(step, Give):
            tried(f"steps.{name}", lambda step=step: known(tags, step.tag, "tag"))
        if isinstance(step, Send):
            tried(f"steps.{name}", lambda step=step: content_of(workspace, journey, step))
            place = f"journeys/{journey.name}.yml: steps.{name}"
            found += definitions.problems_of_picks(workspace, step.picks, place)
        if isinstance(step, Webhook):
            tried(f"steps.{name}", lambda step=step: posting.parts_of(workspace, step))
    return [said(error) for error in found]


def campaign_of(journey: Journey, step: Send) -> Campaign:
    """The message of a step, as a campaign that goes to whoever comes there."""
    made = Campaign(
        name=journey.name,
        title=journey.title,
        audience=f"journey {journey.name}",
        channel=step.channel,
        template=step.template,
        subject=step.subject,
        text=step.text,
        subject_prefix=step.subject_prefix,
        message_class=step.message_class,
        holdout=0.0,
        cap=step.cap,
        quiet=step.quiet,
        sender=step.sender,
        variants=step.variants,
        scene=journey.scene,
        picks=step.picks,
        channels=step.channels,
        templates=step.templates,
        best_hour=step.best_hour,
        response_value=step.response_value,
    )
    text_of = campaign_text.written("", campaign_text.fields_of(made), name=journey.name)
    return campaign_text.read(text_of, journey.name)


def content_of(workspace: Workspace, journey: Journey, step: Send) -> tuple[Campaign, str]:
    """The step's message, and its checked texts frozen. Raises TemplateError and ConfigError."""
    item = campaign_of(journey, step)
    texts = reaching.texts_of(workspace, item)
    reaching.composers_of(workspace, item, texts)
    return item, letter.freeze(texts)


# what moves them


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
                item = campaign_of(self._journey, what)
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
        may = set(_whom_it_may_reach(workspace, scene, entering.people, now))
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


def _whom_it_may_reach(
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


# the verbs


def journey_list(workspace: Workspace) -> Json:
    """Every journey: its file, whether it runs, and how many are in it."""
    running = {item.journey: item for item in positions.running(workspace.records)}
    held = holding.reasons(workspace)
    rows = []
    for name, (journey, wrong) in definitions.journey_files(workspace).items():
        state = running.get(name)
        flow = positions.flow(workspace.records, name) if state else None
        rows.append(
            {
                "name": name,
                "titles": dict(journey.title) if journey else {},
                "error": wrong,
                "status": state.status if state else "not started",
                "reason": (state.reason or held.get(name, "")) if state else "",
                "entered": flow.entered if flow else 0,
                "inside": sum(flow.at.values()) if flow else 0,
                "finished": flow.ended.get(END, 0) if flow else 0,
                "left": sum(flow.ended.values()) - flow.ended.get(END, 0) if flow else 0,
                "changed": bool(state and journey and state.definition != journey.definition),
            }
        )
    return {"journeys": rows}


def journey_show(workspace: Workspace, name: str) -> Json:
    """One journey: its steps, how many stand at each and passed each way, and where its messages are."""
    running = positions.running(workspace.records, name)
    journey = journey_text.read(running[0].definition, name) if running else saved(workspace, name)
    filed, wrong = definitions.journey_files(workspace).get(name, (None, None))
    flow = positions.flow(workspace.records, name)
    steps = []
    for step_name, step in journey.steps.items():
        sent = None
        if isinstance(step, Send) and running:
            sent = reaching.counted(entries.counts(workspace.records, name, step_name))
        steps.append(
            {
                "name": step_name,
                "kind": type(step).__name__.lower(),
                "says": said_of(step),
                "place": list(journey.layout[step_name]) if step_name in journey.layout else None,
                "here": flow.at.get(step_name, 0),
                "ways": [
                    {"name": way.name, "next": way.next, "people": flow.passed.get((step_name, way.name), 0)}
                    for way in ways(step)
                ],
                "messages": sent,
                "variants": reports.by_variant(workspace.records, name, step_name)
                if isinstance(step, Send) and step.variants and running
                else [],
            }
        )
    return {
        "name": name,
        "titles": dict(journey.title),
        "start": start_of(journey),
        "status": running[0].status if running else "not started",
        "reason": (running[0].reason or holding.reasons(workspace).get(name, "")) if running else "",
        "started_at": running[0].started_at.isoformat() if running else None,
        "version": len(positions.versions(workspace.records, name)),
        "entered": flow.entered,
        "held_out": flow.held_out,
        "inside": sum(flow.at.values()),
        "ended": dict(sorted(flow.ended.items())),
        "steps": steps,
        "fields": journey_text.plain(Document(journey.definition, where=f"journeys/{name}.yml").root),
        "changed": bool(running and filed and filed.definition != journey.definition),
        "error": wrong,
    }


def said_of(step: Step) -> str:
    """What the step says, in few words of its own text."""
    match step:
        case Wait():
            return spoken(step.length)
        case Until():
            return step.at.strftime("%H:%M")
        case WaitFor():
            return f"{step.happening.event} ({spoken(step.at_most)})"
        case Branch():
            return " · ".join(case.when for case in step.cases)
        case Split():
            return " · ".join(f"{share.name} {share.percent:g} %" for share in step.shares)
        case Send():
            by = best_of(step.channels) if step.channels else step.channel
            return f"{by}: {step.subject or step.template or next(iter(step.templates.values()))}"
        case Give():
            return f"{step.tag} = {step.value}"
        case Task():
            return step.text
        case Webhook():
            return step.url


def start_of(journey: Journey) -> str:
    """Who enters, in few words of the journey's own text."""
    match journey.start:
        case WhenDone(happening):
            return happening.event
        case WhenMember(audience, entering):
            return f"{'→' if entering else '←'} {audience}"
        case WhenDated(value=value, before=before):
            return f"{value} {'−' if before >= timedelta(0) else '+'} {spoken(abs(before))}"
        case WhenDue(schedule, audience):
            return f"{schedule}: {audience}"


def journey_check(workspace: Workspace, name: str) -> Json:
    """What is wrong with the journey: empty when it can be started."""
    return {"name": name, "problems": problems(workspace, saved(workspace, name))}


MOST_STEPS_TRIED = 100


def journey_try(workspace: Workspace, name: str, person: str) -> Json:
    """What would happen to one person who entered now, if nothing else happened meanwhile; nothing is kept.

    Conditions are answered as of now, waits pass at once, and an event that is waited for does not come. A message says
    whether it could be sent now.
    """
    workspace.load()
    journey = saved(workspace, name)
    running = positions.running(workspace.records, name)
    seed = running[0].seed if running else seed_of(journey)
    now = workspace.clock()
    here = Here(workspace, now)
    found = recipients.person_ids(workspace.engine, [knowing.person_ix(workspace, person)])
    if not found:
        raise NotFoundError(f"there is no person '{person}'")
    who = found[0]
    (zone,) = here.zones([who])
    stood = [row for row in positions.of_person(workspace.records, who) if row["journey"] == name]
    may = may_code = ""
    if any(row["ended_at"] is None for row in stood):
        may, may_code = "is in the journey already", "inside"
    elif stood and not journey.again.ever:
        may, may_code = "was in the journey before, and may not come again", "before"
    elif stood and max(row["entered_at"] for row in stood) + journey.again.after > now:  # type: ignore[type-var,operator]
        may, may_code = "was in the journey too short a time ago", "soon"
    elif journey.only and not here.true(journey.only, [who])[0]:
        may, may_code = f"is not one of whom this is true: {journey.only}", "only"
    scene = scenes.of(workspace, journey.scene)
    if not may and scene is not None:
        why = scenes.outside(workspace, scene, now)
        if why:
            may, may_code = f"it is {why}", "scene_dates"
        elif not _whom_it_may_reach(workspace, scene, [who], now):
            may, may_code = f"is outside the audience of scene {scene.name}", "scene_audience"
    path: list[Json] = []
    at, step_name = now, journey.first
    while step_name != END and len(path) < MOST_STEPS_TRIED:
        step = journey.steps[step_name]
        then = due(step, at, zone)
        way = int(
            chosen(
                step,
                [who],
                np.array([len(stood) + 1], dtype=np.int64),
                seed=f"{seed}\0{step_name}",
                came=np.array([False]),
                true=lambda condition: here.true(condition, [who]),
            )[0]
        )
        went = ways(step)[way]
        path.append(
            {
                "step": step_name,
                "kind": type(step).__name__.lower(),
                "at": then.isoformat(),
                "way": went.name,
                "next": went.next,
                "why": _why(workspace, journey, step, way, who, then, zone),
            }
        )
        at, step_name = then, went.next
    return {
        "name": name,
        "person": who,
        "may": may,
        "may_code": may_code,
        "held_out": bool(held_out([who], seed=seed, share=journey.holdout)[0]) or _held_by_scene(scene, who),
        "path": path,
        "ends": step_name == END,
    }


def _held_by_scene(scene: Scene | None, who: str) -> bool:
    return scene is not None and bool(held_out([who], seed=scene.draws_by, share=scene.holdout)[0])


def _why(
    workspace: Workspace, journey: Journey, step: Step, way: int, who: str, at: datetime, zone: ZoneInfo
) -> str:
    """What decides, at a step, for one person; of a message whether it could be sent now."""
    match step:
        case Branch() if way < len(step.cases):
            return step.cases[way].when
        case Branch():
            return "no condition is true"
        case WaitFor():
            return f"“{step.happening.event}” does not come"
        case Send():
            return _sendable(workspace, journey, step, who, at, zone)
        case _:
            return ""


def _sendable(
    workspace: Workspace, journey: Journey, step: Send, who: str, at: datetime, zone: ZoneInfo
) -> str:
    """Why the message could not be sent to the person, as far as it is known now; '' when it could."""
    item, content = content_of(workspace, journey, step)
    composers = reaching.composers_of(workspace, item, letter.thaw(content))
    reasons = {
        channel: _sendable_by(workspace, composer, journey, step, who, at, zone)
        for channel, composer in composers.items()
    }
    if "" in reasons.values():
        return ""
    alone = len(reasons) == 1 or len(set(reasons.values())) == 1
    return reasons[step.channel] if alone else "; ".join(f"{by}: {why}" for by, why in reasons.items())


def _sendable_by(
    workspace: Workspace,
    composer: letter.Composer,
    journey: Journey,
    step: Send,
    who: str,
    at: datetime,
    zone: ZoneInfo,
) -> str:
    channel = composer.campaign.channel
    recipient = reaching.recipients_of(workspace, composer, [who]).get(who)
    if recipient is None or not recipient.address:
        return "no address"
    hashed = address_hash(workspace.secret, channel, recipient.address)
    with workspace.records.read() as connection:
        standing = standings(connection, channel, [hashed], message_class=step.message_class)
    decision = decide(
        Asked(journey.name, step.message_class, channel, quiet=step.quiet),
        standing=standing.get(hashed, NOBODY_ASKED),
        policy=policing.policy(workspace),
        now=at,
        zone=zone,
    )
    return "" if decision.allowed else decision.reason


def seed_of(journey: Journey) -> str:
    """What lots and the holdout are drawn by."""
    return journey.seed or f"journey:{journey.name}"


def waiting_at(workspace: Workspace, name: str, step: str) -> int:
    """How many messages of a step wait to be sent."""
    try:
        return entries.counts(workspace.records, name, step).waiting
    except NotFoundError:
        return 0


def journey_report(workspace: Workspace, name: str) -> Json:
    """What the journey changed: who entered against who entered and was held out, each within the goal's time.

    Everybody counts from the first time that they entered; who entered lately has had less time, in both arms alike.
    """
    workspace.load()
    running = positions.running(workspace.records, name)
    if not running:
        raise NotFoundError(f"'{name}' was never started", hint=f"limner journey start {name}")
    journey = journey_text.read(running[0].definition, name)
    now = workspace.clock()
    answer: Json = {
        "name": name,
        "titles": dict(journey.title),
        "started_at": running[0].started_at.isoformat(),
        "as_of": now.isoformat(),
        "goal": None,
        "converted": None,
        "incremental": None,
        "money": None,
        "enough_data": False,
        "message": "the journey has no goal",
        "why_not": "no_goal",
    }
    outcome = outcome_of(workspace, running[0], journey, now)
    if outcome is None or journey.goal is None:
        return answer
    goal = journey.goal
    return {
        **answer,
        "goal": {
            "event": goal.event,
            "where": goal.where,
            "money": goal.money,
            "within": spoken(goal.within),
        },
        **reports.changed(outcome, currency=workspace.config.currency, money=bool(goal.money)),
    }


def outcome_of(
    workspace: Workspace, running: Running, journey: Journey, now: datetime
) -> reports.Outcome | None:
    """What both arms of a journey did, each person within the goal's time since they entered; None without a goal."""
    if journey.goal is None:
        return None
    return reports.outcome(
        workspace.engine,
        after_entering(
            journey,
            _besides_holdout(
                workspace, reports.arms_in_journey(workspace.records, workspace.engine, running.journey)
            ),
        ),
        reaching.goal_events(workspace, journey.goal, now),
        start=running.started_at,
        end=now,
        within=journey.goal.within,
    )


def after_entering(journey: Journey, arms: pa.Table) -> pa.Table:
    """The arms, each from the instant on at which the goal may be reached: the event that lets in is not the goal."""
    if journey.goal is None or not besides(journey, Happening(journey.goal.event)):
        return arms
    since = pa.array(arms["since"].to_numpy() + 1)
    return arms.set_column(arms.schema.get_field_index("since"), "since", since)


def _besides_holdout(workspace: Workspace, arms: pa.Table) -> pa.Table:
    """The arms without those who get no marketing at all: in both they are drawn by chance."""
    holdout = policing.policy(workspace).holdout
    if holdout is None or not arms.num_rows:
        return arms
    people = workspace.engine.read(
        "SELECT p.person_id FROM arms AS a JOIN persons AS p ON p.ix = a.ix ORDER BY a.ix",
        given={"arms": arms},
    )
    out = held_out(people["person_id"].to_pylist(), seed=holdout.seed, share=holdout.share)
    return arms.filter(pa.array(~out))


def journey_pause(workspace: Workspace, name: str, caller: Caller = LOCAL) -> Json:
    """Nobody moves and no message leaves until it is started again."""
    return _halt(workspace, name, positions.PAUSED, caller)


def journey_stop(workspace: Workspace, name: str, caller: Caller = LOCAL) -> Json:
    """Nobody moves and no message leaves any more; whoever is in it stays where they are."""
    return _halt(workspace, name, positions.STOPPED, caller)


def _halt(workspace: Workspace, name: str, status: str, caller: Caller) -> Json:
    reaching.halt(workspace, name, status, f"{status} by {caller.name}")
    return journey_show(workspace, name)


def person_journeys(workspace: Workspace, id: str) -> Json:
    """Where one person stands or stood in every journey."""
    person = recipients.person_ids(workspace.engine, [knowing.person_ix(workspace, id)])
    if not person:
        raise NotFoundError(f"there is no person '{id}'")
    rows = positions.of_person(workspace.records, person[0])
    return {
        "person": person[0],
        "journeys": [
            {key: value.isoformat() if isinstance(value, datetime) else value for key, value in row.items()}
            for row in rows
        ],
    }


def _called(workspace: Workspace, people: Sequence[str], caller: Caller) -> dict[str, str]:
    """What people are called, as far as the caller may see it: a name, an identifier, or their outward id."""
    ordinals = Here(workspace, workspace.clock()).ordinals(people).tolist()
    there = sorted({ix for ix in ordinals if ix >= 0})
    rows = finding.rows(
        workspace.engine,
        there,
        now=workspace.clock(),
        personal=workspace.config.personal,
        mask=not sees_personal(caller.role),
    )
    return {row["person"]: row["name"] or (row["id"] or {}).get("value") or row["person"] for row in rows}


def journey_people(
    workspace: Workspace, name: str, step: str = "", limit: int = 200, caller: Caller = LOCAL
) -> Json:
    """Who is in the journey now, at one step or anywhere: whoever moves first comes first, at most `limit`."""
    running = positions.running(workspace.records, name)
    journey = journey_text.read(running[0].definition, name) if running else saved(workspace, name)
    if step:
        known(list(journey.steps), step, "step")
    here = positions.flow(workspace.records, name).at
    rows = positions.present(workspace.records, name, step=step, limit=limit)
    called = _called(workspace, [row.person for row in rows], caller)
    return {
        "name": name,
        "step": step,
        "total": here.get(step, 0) if step else sum(here.values()),
        "people": [
            {
                "person": row.person,
                "called": called.get(row.person, row.person),
                "step": row.step,
                "arm": row.arm,
                "entered_at": row.entered_at.isoformat(),
                "arrived_at": row.arrived_at.isoformat(),
                "due_at": row.due_at.isoformat(),
            }
            for row in rows
        ],
    }


def journey_tasks(workspace: Workspace, limit: int = 200, caller: Caller = LOCAL) -> Json:
    """What journeys ask members of staff to do, the oldest first: for whom, what, and until when."""
    steps: dict[str, Mapping[str, Step]] = {
        item.journey: journey_text.read(item.definition, item.journey).steps
        for item in positions.running(workspace.records)
    }
    rows = []
    charges = positions.open_charges(workspace.records, limit=limit)
    called = _called(workspace, [item.person for item in charges], caller)
    for item in charges:
        step = steps[item.journey].get(item.step)
        if isinstance(step, Task):
            until = None if step.within is None else item.at + step.within
            rows.append(
                {
                    "id": item.id,
                    "journey": item.journey,
                    "person": item.person,
                    "called": called.get(item.person, item.person),
                    "text": step.text,
                    "to": step.to,
                    "since": item.at.isoformat(),
                    "until": None if until is None else until.isoformat(),
                    "late": until is not None and until < workspace.clock(),
                }
            )
    return {"tasks": rows}


def journey_done(workspace: Workspace, id: int, note: str = "", caller: Caller = LOCAL) -> Json:
    """A task of a journey is done; what is to be remembered of it."""
    positions.done(workspace.records, id, by=caller.name, note=note, now=workspace.clock())
    return {"id": id, "note": note}
