"""Sends that hold themselves before they begin, why, and the verbs by which somebody lets them go on knowingly."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, time, timedelta
from itertools import takewhile

from sqlalchemy import text

from limner.accounts.keys import instant, micros
from limner.accounts.model import LOCAL, Caller
from limner.audiences import snapshot
from limner.campaigns import holding, journey_text, positions
from limner.campaigns.holding import Age, Finding, Size
from limner.campaigns.journey import Journey, WhenDated, WhenDue, WhenMember
from limner.campaigns.model import Campaign, Hold
from limner.errors import LimnerError, NotFoundError, UsageError
from limner.expressions import parse, parse_value
from limner.expressions.tree import Expr
from limner.feedback import harm
from limner.tags import publish
from limner.tags.model import Given
from limner.touches import entries, history
from limner.types import Json, utc
from limner.workspace import approving, definitions, knowing, policing, reaching, scenes
from limner.workspace.schedule import moments
from limner.workspace.workspace import Workspace

OVERNIGHT = timedelta(hours=6)
"""A size is compared with the last that is at least so old, so that what a refresh just did is seen."""

KEPT = timedelta(days=60)

_CAMPAIGN, _JOURNEY = "campaign", "journey"


def holds_campaign(workspace: Workspace, name: str, entry: str) -> bool:
    """Whether this sending of a campaign waits until somebody lets it go on."""
    item = definitions.campaign(workspace, name)
    now = workspace.clock()
    found = [
        *_out_of_scene(workspace, item, now),
        *_found(workspace, [item.audience], [], item.hold, now),
        *_harmful(workspace, name, now),
    ]
    return _kept(workspace, _CAMPAIGN, name, entry, found, now)


def holds_journey(workspace: Workspace, journey: Journey, *, now: datetime) -> bool:
    """Whether nobody enters the journey until somebody lets it go on, for the rest of the day, or it is well again."""
    watched: list[str] = []
    trees: list[Expr] = [parse(journey.only)] if journey.only else []
    match journey.start:
        case WhenMember(audience, _) | WhenDue(_, audience):
            watched.append(audience)
        case WhenDated(value=value):
            trees.append(parse_value(value))
    found = _found(workspace, watched, trees, journey.hold, now)
    if not found:
        _end(workspace, journey.name, by="", why="what it was held for is over", now=now)
        return False
    return _kept(workspace, _JOURNEY, journey.name, "", found, now)


def _out_of_scene(workspace: Workspace, item: Campaign, now: datetime) -> list[Finding]:
    """That now lies outside the dates of the campaign's scene."""
    scene = scenes.of(workspace, item.scene)
    why = "" if scene is None else scenes.outside(workspace, scene, now)
    return [Finding(f"scene {item.scene}", f"it is {why}")] if why else []


def _found(
    workspace: Workspace, watched: Sequence[str], trees: Sequence[Expr], own: Hold | None, now: datetime
) -> list[Finding]:
    """What speaks against choosing people now by these audiences and expressions."""
    bounds = own or policing.policy(workspace).hold
    zone = workspace.config.tz
    keys = definitions.tags_behind(workspace, watched, trees)
    found = holding.stale(_ages(workspace, keys, now), bounds, now=now, zone=zone)
    if bounds.moved is not None:
        found += holding.moved(_sizes(workspace, watched, now), bounds, zone=zone)
    return found


def _ages(workspace: Workspace, keys: Collection[str], now: datetime) -> list[Age]:
    tags = definitions.tags(workspace)
    applied = publish.applied(workspace.engine)
    found = []
    for key in sorted(keys):
        if isinstance(tags[key].definition, Given):
            continue  # what people give does not grow old by itself
        state = applied.get(key)
        if state is None:
            found.append(Age(key, None))
            continue
        cron = tags[key].refresh or workspace.config.refresh
        missed = (
            takewhile(lambda at: at <= now, moments(cron, workspace.config.tz, state.as_of)) if cron else ()
        )
        found.append(
            Age(key, state.as_of, state.expires_at, [at for at, _ in zip(missed, range(1), strict=False)])
        )
    return found


def _sizes(workspace: Workspace, watched: Iterable[str], now: datetime) -> list[Size]:
    """The size of each audience a night ago and now; one of which nothing is known is left out."""
    found = []
    for name in watched:
        before = _before(workspace, name, now - OVERNIGHT)
        if before is not None:
            at, people = before
            found.append(Size(name, at, people, len(knowing.members(workspace, name, now))))
    return found


def _before(workspace: Workspace, name: str, until: datetime) -> tuple[datetime, int] | None:
    with workspace.records.read() as connection:
        row = connection.execute(
            text(
                "SELECT at, people FROM audience_sizes WHERE audience = :name AND at <= :until"
                " ORDER BY at DESC LIMIT 1"
            ),
            {"name": name, "until": micros(until)},
        ).first()
    noted = [] if row is None else [(instant(row[0]), int(row[1]))]
    last = snapshot.state(workspace.engine, name)
    if last is not None and last.as_of <= until:
        noted.append((last.as_of, last.people))
    return max(noted, default=None)


def note_sizes(workspace: Workspace) -> None:
    """Writes down how many people are in each audience that a schedule or a journey waits for."""
    now = workspace.clock()
    watched = {
        item.audience for item, _ in definitions.campaign_files(workspace).values() if item and item.schedule
    }
    for running in positions.running(workspace.records):
        start = journey_text.read(running.definition, running.journey).start
        if isinstance(start, WhenMember | WhenDue):
            watched.add(start.audience)
    sizes = []
    for name in sorted(watched):
        try:
            sizes.append(
                {"name": name, "at": micros(now), "people": len(knowing.members(workspace, name, now))}
            )
        except LimnerError:
            continue  # a wrong audience says so where it is used
    with workspace.records.begin() as connection:
        connection.execute(
            text("DELETE FROM audience_sizes WHERE at < :before"), {"before": micros(now - KEPT)}
        )
        if sizes:
            connection.execute(
                text(
                    "INSERT OR REPLACE INTO audience_sizes (audience, at, people) VALUES (:name, :at, :people)"
                ),
                sizes,
            )


def _harmful(workspace: Workspace, name: str, now: datetime) -> list[Finding]:
    """What the campaign's last sending says against another."""
    bounds = policing.policy(workspace).harm
    last = next(iter(entries.entries(workspace.records, campaign=name)), None)
    if last is None:
        return []
    why = ""
    judge = harm.judge(bounds)
    if judge is not None:
        sent = entries.counts(workspace.records, name, last.entry).sent
        with workspace.records.read() as connection:
            why = judge(sent, *history.reacted(connection, name, last.entry))
    if not why and bounds.effect is not None:
        outcome = reaching.outcome_of(workspace, last, now)
        why = "" if outcome is None else harm.loses(outcome.treated, outcome.held_out, bounds)
    return [Finding("harm", f"{last.entry} did {why}")] if why else []


# What is held


def _kept(
    workspace: Workspace, kind: str, name: str, entry: str, found: Sequence[Finding], now: datetime
) -> bool:
    """Whether the send is held for what was found, unless somebody let go of just that; alerted once."""
    if not found:
        return False
    about = {item.about for item in found}
    reason = "; ".join(item.says for item in found)
    today = utc(datetime.combine(now.astimezone(workspace.config.tz).date(), time(), workspace.config.tz))
    with workspace.records.begin() as connection:
        rows = connection.execute(
            text(
                "SELECT id, finding, ended_at FROM holds WHERE name = :name AND entry = :entry"
                " AND (ended_at IS NULL OR (ended_by <> '' AND (ended_at >= :today OR kind = 'campaign')))"
            ),
            {"name": name, "entry": entry, "today": micros(today)},
        ).all()
        if any(ended is not None and about <= set(finding.split("\n")) for _, finding, ended in rows):
            return False
        given = {
            "kind": kind, "name": name, "entry": entry, "at": micros(now), "reason": reason,
            "finding": "\n".join(sorted(about)),
        }  # fmt: skip
        open_ = next((id_ for id_, _, ended in rows if ended is None), None)
        if open_ is None:
            connection.execute(
                text(
                    "INSERT INTO holds (kind, name, entry, at, reason, finding)"
                    " VALUES (:kind, :name, :entry, :at, :reason, :finding)"
                ),
                given,
            )
        else:
            connection.execute(
                text("UPDATE holds SET reason = :reason, finding = :finding WHERE id = :id"),
                {**given, "id": open_},
            )
    if open_ is None:
        workspace.runs.alert("a sending holds itself", {"name": name, "entry": entry, "reason": reason})
    return True


def _end(workspace: Workspace, name: str, *, by: str, why: str, now: datetime, entry: str = "") -> None:
    given = {"name": name, "entry": entry, "by": by, "why": why, "now": micros(now)}
    with workspace.records.read() as connection:
        there = connection.execute(
            text("SELECT 1 FROM holds WHERE name = :name AND entry = :entry AND ended_at IS NULL"), given
        ).first()
    if there is not None:
        with workspace.records.begin() as connection:
            connection.execute(
                text(
                    "UPDATE holds SET ended_at = :now, ended_by = :by, why = :why"
                    " WHERE name = :name AND entry = :entry AND ended_at IS NULL"
                ),
                given,
            )


def reasons(workspace: Workspace) -> dict[str, str]:
    """Why each campaign or journey that is held now is held."""
    return {row["name"]: f"held: {row['reason']}" for row in hold_list(workspace)["holds"]}


def hold_list(workspace: Workspace) -> Json:
    """What holds itself now, the oldest first: which sending of a campaign or which journey, since when and why."""
    with workspace.records.read() as connection:
        rows = connection.execute(
            text("SELECT kind, name, entry, at, reason FROM holds WHERE ended_at IS NULL ORDER BY at, id")
        ).mappings()
        return {
            "holds": [
                {
                    **{key: row[key] for key in ("kind", "name", "entry", "reason")},
                    "since": instant(row["at"]).isoformat(),
                }
                for row in rows
            ]
        }


def hold_release(workspace: Workspace, name: str, why: str, entry: str = "", caller: Caller = LOCAL) -> Json:
    """Lets what is held go on knowingly: a campaign's sending begins, a journey takes entries for the rest of the day.

    `why` stands in the audit with who said it. What is found anew holds it again.
    """
    if not why.strip():
        raise UsageError("say why it may go on", where="why", code="missing")
    held = [
        row for row in hold_list(workspace)["holds"] if row["name"] == name and entry in ("", row["entry"])
    ]
    if not held:
        raise NotFoundError(f"nothing of '{name}' is held", hint="limner hold list")
    for row in held:
        if row["kind"] == _CAMPAIGN:
            reaching.campaign_launch(workspace, name=name, entry=row["entry"], caller=approving.SCHEDULE)
        _end(workspace, name, entry=row["entry"], by=caller.name, why=why, now=workspace.clock())
    first = held[0]
    return {
        "name": name,
        "kind": first["kind"],
        "entry": first["entry"],
        "reason": first["reason"],
        "why": why,
    }
