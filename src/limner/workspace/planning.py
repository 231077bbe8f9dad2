"""Verbs of planning: campaigns before they are sent, what they can show, and who approves them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from limner.accounts.model import LOCAL, Caller
from limner.campaigns import approvals, arms, power
from limner.campaigns import text as campaign_text
from limner.campaigns.approvals import Approval
from limner.campaigns.model import Campaign, Goal, by_channel, channel_text
from limner.campaigns.policy import once_at, quiet_until
from limner.consents.model import MARKETING
from limner.errors import LimnerError, NotFoundError, UsageError, did_you_mean
from limner.expressions import parse
from limner.feedback.effects import ENOUGH
from limner.tags import catalogue, publish
from limner.tags.document import Document
from limner.tags.graph import build
from limner.touches import drawing, entries, letter
from limner.touches.model import Entry
from limner.touches.values import Missing
from limner.types import Json, naive, utc
from limner.workspace import (
    approving,
    content,
    definitions,
    knowing,
    policing,
    previewing,
    reaching,
    scenes,
    writing,
)
from limner.workspace.paging import cursor_of, place_of, size_of
from limner.workspace.schedule import moments
from limner.workspace.workspace import Workspace

SHARES = tuple(n / 100 for n in (*range(1, 21), *range(25, 91, 5)))
"""The holdouts whose power is told at once, so that a slider needs not ask."""
SAMPLE = 50
"""So many people's messages are tried before a campaign is called ready."""
NEXT = 3
SHOWN_ENTRIES = 50
FRESH = timedelta(days=2)
"""A tag computed longer ago than this is worth a word before people are chosen by it."""
STATUSES = ("draft", "scheduled", "missed", "running", "paused", "stopped", "done", "broken")


def campaign_list(
    workspace: Workspace, q: str = "", status: str = "", limit: int = 50, cursor: str = ""
) -> Json:
    """All campaigns, how their last sending stands and when the next is; also those whose file is wrong."""
    size_of(limit)
    if status and status not in STATUSES:
        raise UsageError(f"unknown status '{status}'", where="status", hint=did_you_mean(status, STATUSES))
    latest: dict[str, Entry] = {}
    begun: dict[str, set[str]] = {}
    for entry in entries.entries(workspace.records):
        latest.setdefault(entry.campaign, entry)
        begun.setdefault(entry.campaign, set()).add(entry.entry)
    rows = []
    for name, (item, problem) in definitions.campaign_files(workspace).items():
        last = latest.get(name)
        state = _state(workspace, item, last, begun.get(name, set()))
        row = _listed(workspace, name, item, last, state, problem)
        words = " ".join((name, row["audience"] or "", row["owner"], *row["titles"].values())).casefold()
        if status in ("", row["status"]) and q.casefold() in words:
            rows.append(row)
    after = place_of(cursor, 1)[0] if cursor else ""
    left = [row for row in rows if row["name"] > after]
    shown = left[:limit]
    for row in shown:
        row["people"] = _people(workspace, row)
    return {
        "campaigns": shown,
        "next": cursor_of(shown[-1]["name"]) if len(left) > limit else None,
        "as_of": workspace.clock().isoformat(),
        "zone": workspace.config.zone,
    }


def _listed(
    workspace: Workspace,
    name: str,
    item: Campaign | None,
    last: Entry | None,
    state: Json,
    problem: Json | None,
) -> Json:
    counted = entries.counts(workspace.records, name, last.entry) if last else None
    return {
        "name": name,
        "titles": dict(item.title) if item else {},
        "status": state["status"],
        "reason": last.reason if last and state["status"] == last.status else "",
        "audience": item.audience if item else None,
        "channel": channel_text(item) if item else None,
        "class": item.message_class if item else None,
        "holdout": item.holdout if item else None,
        "schedule": item.schedule if item else "",
        "next_at": state["next"][0] if state["next"] else None,
        "entry": last.entry if last else None,
        "started_at": last.started_at.isoformat() if last else None,
        "people": counted.audience if counted else None,
        "sent": counted.sent if counted else 0,
        "waiting": counted.waiting if counted else 0,
        "goal": bool(item and item.goal),
        "owner": item.owner if item else "",
        "problem": problem["message"] if problem else None,
    }


def _people(workspace: Workspace, row: Json) -> int | None:
    """How many people the last sending was for; before the first, how many it would be for now."""
    if row["entry"] is not None or row["audience"] is None:
        found: int | None = row["people"]
        return found
    try:
        return len(knowing.members(workspace, row["audience"], workspace.clock()))
    except LimnerError:
        return None


def states(workspace: Workspace) -> dict[str, Json]:
    """Of each campaign file its status, the next scheduled instants, and the one that passed without being sent."""
    latest: dict[str, Entry] = {}
    begun: dict[str, set[str]] = {}
    for entry in entries.entries(workspace.records):
        latest.setdefault(entry.campaign, entry)
        begun.setdefault(entry.campaign, set()).add(entry.entry)
    return {
        name: _state(workspace, item, latest.get(name), begun.get(name, set()))
        for name, (item, _) in definitions.campaign_files(workspace).items()
    }


def _state(workspace: Workspace, item: Campaign | None, last: Entry | None, begun: set[str]) -> Json:
    """status, the next scheduled instants, and the one that passed without being sent."""
    now, zone = workspace.clock(), workspace.config.tz
    following: list[str] = []
    missed = None
    if item is not None and item.schedule:
        following = [at.isoformat() for at in islice(moments(item.schedule, zone, now), NEXT)]
        once = once_at(item.schedule, zone)
        if once is not None and once <= now and entry_at(once) not in begun:
            missed = once.isoformat()
    if last is not None and last.status in ("running", "paused", "stopped"):
        status = last.status
    elif item is None:
        status = "broken"
    elif following:
        status = "scheduled"
    elif missed:
        status = "missed"
    else:
        status = last.status if last else "draft"
    return {"status": status, "next": following, "missed_at": missed}


def entry_at(at: datetime) -> str:
    """The entry's name of a scheduled instant."""
    return utc(at).strftime("%Y%m%dT%H%M%SZ")


def campaign_show(workspace: Workspace, name: str) -> Json:
    """One campaign: its fields and text, each sending with where everybody is, and when the next one is."""
    path = writing.path_of(workspace, "campaigns", name)
    text = writing.read_text(path)
    found = entries.entries(workspace.records, campaign=name)
    if text is None and not found:
        known = [item.stem for item in path.parent.glob("*.yml")]
        raise NotFoundError(f"there is no campaign '{name}'", hint=did_you_mean(name, known))
    form = (
        campaign_form(workspace, name, text)
        if text is not None
        else {"name": name, "fields": None, "problems": [], "next": []}
    )
    item = None if form["fields"] is None else campaign_text.read(text or "", name)
    state = _state(workspace, item, found[0] if found else None, {entry.entry for entry in found})
    return {
        "name": name,
        "titles": dict(item.title) if item else {},
        "text": text,
        "etag": None if text is None else writing.etag_of(text),
        "fields": form["fields"],
        "problems": form["problems"],
        **state,
        "zone": workspace.config.zone,
        "approval_people": workspace.config.approval_people,
        "entries": [_entry(workspace, entry) for entry in found[:SHOWN_ENTRIES]],
        "entries_total": len(found),
        "read_only": workspace.config.definitions == "read-only",
    }


def _entry(workspace: Workspace, entry: Entry) -> Json:
    return {
        "entry": entry.entry,
        "status": entry.status,
        "reason": entry.reason,
        "started_at": entry.started_at.isoformat(),
        "ended_at": None if entry.ended_at is None else entry.ended_at.isoformat(),
        "as_of": entry.as_of.isoformat(),
        "holdout": entry.holdout_share,
        "exact": entries.counts(workspace.records, entry.campaign, entry.entry).exact,
        **reaching.where_everybody_is(workspace, entry.campaign, entry.entry),
    }


def campaign_form(workspace: Workspace, name: str, text: str) -> Json:
    """A campaign's text as the fields of a form (null when it cannot be read), and what is wrong in it."""
    problems = writing.problems_of(workspace, "campaigns", name, text)
    if problems:
        document = None
        with suppress(LimnerError):
            document = Document(text, where=f"campaigns/{name}.yml")
        problems = writing.with_paths(problems, document)
    try:
        item = campaign_text.read(text, name)
    except LimnerError:
        return {"name": name, "fields": None, "problems": problems, "next": []}
    return {
        "name": name,
        "fields": campaign_text.fields_of(item),
        "problems": problems,
        "next": _state(workspace, item, None, set())["next"],
    }


def campaign_text_of(workspace: Workspace, name: str, fields: dict[str, Any], text: str = "") -> Json:
    """The text with these fields changed; its comments stay, fields that are not named stay as they are."""
    made = campaign_text.written(text, fields, name=name)
    return {**campaign_form(workspace, name, made), "text": made}


def campaign_clone(workspace: Workspace, name: str, to: str, caller: Caller = LOCAL) -> Json:
    """A new draft with the same texts: without the schedule, and with a holdout of its own."""
    item = definitions.campaign(workspace, name)
    made = campaign_text.written(item.definition, {"schedule": "", "seed": ""}, name=to)
    campaign_text.read(made, to)
    writing.replace(workspace, "campaigns", to, made, base=writing.NEW, caller=caller, action="save")
    return {"name": to, "from": name, "etag": writing.etag_of(made)}


def campaign_power(
    workspace: Workspace,
    audience: str = "",
    people: int = -1,
    holdout: float = 0.1,
    baseline: float = -1.0,
    days: int = 14,
    event: str = "",
    where: str = "",
    channel: str = "",
    message_class: str = MARKETING,
    metric: str = "",
) -> Json:
    """The smallest true difference in conversions that a holdout can show (80 % power, 95 % confidence).

    `audience` (a name or an expression) or `people` (-1: count the audience); with `channel`, of them those who may
    be written to. The baseline is given (-1: it is not), or the share of those who were in the
    audience `days` days ago and had the goal's event since, or what its `metric` counts.
    """
    workspace.load()
    if metric:
        goal = definitions.goal_said(workspace, Goal(event, where, metric=metric))
        event, where = goal.event, goal.where
    now = workspace.clock()
    if not 0 <= holdout <= campaign_text.MAX_HOLDOUT:
        raise UsageError(
            f"'holdout' is a share from 0 to {campaign_text.MAX_HOLDOUT}",
            where="holdout",
            code="out_of_range",
        )
    if not 1 <= days <= 366:
        raise UsageError("'days' is 1 to 366", where="days", code="out_of_range")
    if people < 0 and not audience:
        raise UsageError("'audience' or 'people' is needed", where="audience", code="missing")
    counted = eligible = people
    if people < 0:
        if channel:
            item = Campaign("power", {}, audience, channel, "", message_class=message_class, holdout=0.0)
            table = reaching.audience_table(workspace, item, now)
            drawn = drawing.preview(
                workspace.records,
                campaign=item,
                people=table,
                seed="",
                secret=workspace.secret,
                now=now,
                policy=policing.policy(workspace),
            )
            counted, eligible = drawn.audience, drawn.waiting
        else:
            counted = eligible = len(knowing.members(workspace, audience, now))
    known = _baseline(workspace, audience, baseline, days, event, where, now)
    out = round(eligible * holdout)
    answer = power.smallest_difference(eligible - out, out, known["share"])
    return {
        "people": counted,
        "eligible": eligible,
        "holdout": holdout,
        "days": days,
        "baseline": known,
        **_shows(answer),
        "curve": [
            {"holdout": share, **_shows(item)}
            for share, item in power.curve(eligible, known["share"], SHARES)
        ],
        "level": power.LEVEL,
        "power": power.POWER,
        "enough": ENOUGH,
        "as_of": now.isoformat(),
    }


def _shows(answer: power.Shows | power.ShowsNothing) -> Json:
    difference = answer.difference if isinstance(answer, power.Shows) else None
    return {
        "treated": answer.treated,
        "held_out": answer.held_out,
        "difference": difference,
        "reason": None if isinstance(answer, power.Shows) else answer.reason,
    }


def _baseline(
    workspace: Workspace,
    audience: str,
    given: float,
    days: int,
    event: str,
    where: str,
    now: datetime,
) -> Json:
    """share, and from what: converted of people between two instants; share is null with the reason."""
    nothing: Json = {
        "share": None,
        "source": None,
        "reason": None,
        "people": None,
        "converted": None,
        "from": None,
    }
    nothing["until"] = None
    if given >= 0:
        if given > 1:
            raise UsageError("'baseline' is a share from 0 to 1", where="baseline", code="out_of_range")
        return {**nothing, "share": given, "source": "given"}
    if not event or not audience:
        return {**nothing, "reason": "no_goal"}
    start = now - timedelta(days=days)
    nothing |= {"source": "history", "from": start.isoformat(), "until": now.isoformat()}
    first = workspace.engine.read("SELECT MIN(ts) AS first FROM events").column("first")[0].as_py()
    if first is None or utc(first) > start:
        return {**nothing, "reason": "short_history"}
    goal = reaching.goal_events(workspace, Goal(event, where), now)
    who = knowing.members(workspace, audience, start)
    found = workspace.engine.read(
        "SELECT DISTINCT ix FROM events WHERE name_i IN (SELECT UNNEST($goal_codes)) AND ts >= $goal_start"
        f" AND ts < $goal_end AND ix IS NOT NULL AND ({goal.where})",
        {
            **goal.values,
            "goal_codes": list(goal.codes),
            "goal_start": naive(start),
            "goal_end": naive(now),
        },
    )
    converted = len(who & type(who).of(found.column("ix").to_numpy())) if goal.codes else 0
    people = len(who)
    if people < ENOUGH or converted < ENOUGH:
        return {**nothing, "reason": "little_history", "people": people, "converted": converted}
    return {**nothing, "share": converted / people, "people": people, "converted": converted}


def campaign_check(workspace: Workspace, name: str, entry: str = "") -> Json:
    """What stands between a campaign and its people: each item ok, warn or stop, with its numbers."""
    workspace.load()
    now = workspace.clock()
    items: list[Json] = []

    def say(code: str, state: str, **facts: Any) -> None:
        numbers = {
            key: value for key, value in facts.items() if isinstance(value, int | float) or value is None
        }
        words = {key: value for key, value in facts.items() if isinstance(value, str)}
        items.append({"code": code, "state": state, "numbers": numbers, "words": words})

    found = _definition(workspace, name)
    if isinstance(found, LimnerError):
        say("definition", "stop", message=str(found))
        return _checked(workspace, name, entry, items, None, None, now)
    item = found
    entry = entry or (approving.EVERY if item.schedule else reaching.ONCE)
    try:
        table = reaching.audience_table(workspace, item, now)
    except LimnerError as error:
        say("audience", "stop", audience=item.audience, message=error.message)
        return _checked(workspace, name, entry, items, None, item, now)
    drawn = drawing.preview(
        workspace.records,
        campaign=item,
        people=table,
        seed=arms.seed_of(item),
        secret=workspace.secret,
        now=now,
        policy=policing.policy(workspace),
        scene=scenes.rules_of(workspace, item),
        zone=workspace.config.tz,
    )
    say("audience", "ok" if drawn.audience else "stop", audience=item.audience, people=drawn.audience)
    if item.scene:
        scene = definitions.scene(workspace, item.scene)
        why = "" if item.schedule else scenes.outside(workspace, scene, now)
        say("scene", "stop" if why else "ok", scene=item.scene, message=why)
    if entry in {known.entry for known in entries.entries(workspace.records, campaign=name)}:
        say("entry", "warn", entry=entry)
    for channel in reaching.channels_of(item):
        _check_content(workspace, by_channel(item, channel), table, say)
        _check_channel(workspace, by_channel(item, channel), say)
    _check_reach(item, drawn.audience, drawn.suppressed, say)
    quiet = quiet_until(now, item.quiet, workspace.config.tz)
    if item.quiet is not None:
        say("quiet_hours", "ok", start=f"{item.quiet.start:%H:%M}", end=f"{item.quiet.end:%H:%M}",
            until="" if quiet is None else quiet.isoformat())  # fmt: skip
    elif item.message_class == MARKETING:
        say("quiet_hours", "warn")
    _check_effect(workspace, item, drawn.held_out, drawn.waiting, now, say)
    _check_tags(workspace, item, now, say)
    approval = _check_approval(workspace, item, entry, drawn.waiting, say)
    return {
        **_checked(workspace, name, entry, items, drawn, item, now),
        "approval": approval,
    }


Say = Callable[..., None]


def _definition(workspace: Workspace, name: str) -> Campaign | LimnerError:
    path = writing.path_of(workspace, "campaigns", name)
    text = writing.read_text(path)
    if text is None:
        raise NotFoundError(f"there is no campaign '{name}'")
    try:
        return definitions.in_scene(workspace, campaign_text.read(text, name))
    except LimnerError as error:
        return error


def _checked(
    workspace: Workspace,
    name: str,
    entry: str,
    items: list[Json],
    drawn: Any,
    item: Campaign | None,
    now: datetime,
) -> Json:
    return {
        "name": name,
        "entry": entry,
        "ready": all(one["state"] != "stop" or one["code"] == "approval" for one in items),
        "items": items,
        "counts": None if drawn is None else reaching.counted(drawn),
        "approval": None,
        "approval_people": workspace.config.approval_people,
        "schedule": item.schedule if item else "",
        "as_of": now.isoformat(),
        "zone": workspace.config.zone,
    }


def _check_content(workspace: Workspace, item: Campaign, table: Any, say: Say) -> None:
    try:
        composer = previewing.inert(workspace, item)
    except LimnerError as error:
        say("content", "stop", message=error.message, template=item.template)
        return
    column = f"address.{item.channel}" if f"address.{item.channel}" in table.column_names else "address"
    table = table.filter(table.column(column).is_valid()) if column != "address" else table
    people = table.column("person").to_pylist()[:SAMPLE]
    variants = dict(
        zip(
            people, table.column("variant").to_pylist() if item.variants else [""] * len(people), strict=False
        )
    )
    missing: dict[str, int] = {}
    for who, recipient in reaching.recipients_of(workspace, composer, people).items():
        try:
            composer.message("preview", variants[who] or "", recipient)
        except Missing as reason:
            missing[reason.reason] = missing.get(reason.reason, 0) + 1
    without = sum(missing.values())
    say(
        "content",
        "ok" if not without else "warn" if without < len(people) else "stop",
        template=item.template,
        sample=len(people),
        missing=without,
        message="; ".join(sorted(missing)),
    )


def _check_channel(workspace: Workspace, item: Campaign, say: Say) -> None:
    found = next(row for row in content.channel_list(workspace)["channels"] if row["kind"] == item.channel)
    lacking = [one["key"] for one in found["missing"]]
    say("channel", "stop" if lacking else "ok", channel=item.channel, keys=", ".join(lacking))


def _check_reach(item: Campaign, audience: int, suppressed: Mapping[str, int], say: Say) -> None:
    def state(people: int) -> str:
        return "ok" if not people else "stop" if people >= audience else "warn"

    for code, reason in (("consent", "no consent"), ("address", "no address")):
        if code == "consent" and item.message_class != MARKETING:
            continue
        people = suppressed.get(reason, 0)
        say(code, state(people), people=people, audience=audience, channel=item.channel)
    others = {
        reason: people
        for reason, people in suppressed.items()
        if reason not in ("no consent", "no address") and not reason.startswith("cap reached")
    }
    for reason, people in sorted(others.items()):
        say("suppressed", "ok", reason=reason, people=people)
    capped = sum(people for reason, people in suppressed.items() if reason.startswith("cap reached"))
    if item.cap is not None:
        per = campaign_text.fields_of(item)["cap"]["per"]
        say("cap", state(capped), messages=item.cap.messages, per=per, people=capped)
    elif item.message_class == MARKETING:
        say("cap", "warn")


def _check_effect(
    workspace: Workspace, item: Campaign, held_out: int, treated: int, now: datetime, say: Say
) -> None:
    if item.goal is None:
        say("goal", "warn")
        return
    if not item.holdout:
        say("holdout", "warn", holdout=0)
        return
    days = max(1, round(item.goal.within / timedelta(days=1)))
    try:
        known = _baseline(workspace, item.audience, -1, days, item.goal.event, item.goal.where, now)
    except LimnerError as error:
        say("goal", "stop", message=error.message, event=item.goal.event)
        return
    shown = power.smallest_difference(treated, held_out, known["share"])
    say(
        "holdout",
        "ok" if isinstance(shown, power.Shows) else "warn",
        holdout=item.holdout,
        held_out=held_out,
        difference=shown.difference if isinstance(shown, power.Shows) else None,
        baseline=known["share"],
        days=days,
        reason="" if isinstance(shown, power.Shows) else known["reason"] or shown.reason,
    )


def _check_tags(workspace: Workspace, item: Campaign, now: datetime, say: Say) -> None:
    """Whether the tags by which people are chosen, and that the texts read, are computed and recent."""
    tags = definitions.tags(workspace)
    names = definitions.catalog(workspace)
    named = definitions.tags_behind(
        workspace, [item.audience], [parse(variant.when) for variant in item.variants if variant.when]
    )
    try:
        for channel in reaching.channels_of(item):
            composer = previewing.inert(workspace, by_channel(item, channel))
            for made in composer.letters.values():
                for part in made.parts:
                    named |= reaching.under(set(part.names), "tag")
    except LimnerError:
        pass
    used = named & tags.keys()
    if not used:
        return
    listed = catalogue.entries(
        tags,
        publish.applied(workspace.engine),
        knowing.live(workspace),
        fingerprints=build(tags, names.audience).fingerprints,
        now=now,
    )
    states = {one.key: one for one in listed if one.key in used}
    never = sorted(key for key, one in states.items() if one.applied is None)
    expired = sorted(key for key, one in states.items() if one.state == "expired")
    changed = sorted(key for key, one in states.items() if one.state == "changed")
    oldest = min((one.applied.as_of for one in states.values() if one.applied is not None), default=None)
    stale = oldest is not None and now - oldest > FRESH
    say(
        "tags",
        "stop" if never else "warn" if expired or changed or stale else "ok",
        tags=len(used),
        never=", ".join(never),
        expired=", ".join(expired),
        changed=", ".join(changed),
        oldest="" if oldest is None else oldest.isoformat(),
    )


def _check_approval(workspace: Workspace, item: Campaign, entry: str, people: int, say: Say) -> Json | None:
    limit = workspace.config.approval_people
    if not approving.needs(workspace, people):
        say("approval", "ok", people=people, limit=limit, given="not_needed")
        return None
    try:
        content = letter.freeze(reaching.texts_of(workspace, item))
    except LimnerError:
        say("approval", "stop", people=people, limit=limit, given="missing")
        return None
    given = approving.found(workspace, item.name, entry, approving.digest(workspace, item, content))
    decided = given.decision if given else None
    state = "missing" if given is None else decided or "waiting"
    say(
        "approval", "ok" if decided == approvals.APPROVED else "stop", people=people, limit=limit, given=state
    )
    return None if given is None else _approval(given, state, LOCAL, workspace)


def approval_ask(
    workspace: Workspace, name: str, entry: str = "", reason: str = "", caller: Caller = LOCAL
) -> Json:
    """A question to the other operators: may this campaign, as it stands now, go to its people?

    `entry` is the sending's; '*' every scheduled one (the default of a campaign with a schedule).
    """
    workspace.load()
    item = definitions.campaign(workspace, name)
    entry = entry or (approving.EVERY if item.schedule else reaching.ONCE)
    planned = reaching.plan(workspace, item, entry)
    counted = drawing.preview(workspace.records, **planned)
    asked = approvals.ask(
        workspace.records,
        subject=approving.subject_of(name, entry),
        digest=approving.digest(workspace, item, planned["content"]),
        by=approving.person_of(workspace, caller),
        detail={
            "campaign": name,
            "entry": entry,
            "titles": dict(item.title),
            "people": counted.waiting,
            "audience": counted.audience,
            "limit": workspace.config.approval_people,
            "why": reason[:500],
        },
        now=workspace.clock(),
    )
    return _approval(asked, asked.decision or "waiting", caller, workspace)


def approval_list(workspace: Workspace, state: str = "", campaign: str = "", caller: Caller = LOCAL) -> Json:
    """Questions and answers, the latest first. One whose texts were edited since is void."""
    current: dict[tuple[str, str], str | None] = {}
    listed = []
    for item in approvals.listed(workspace.records):
        if "campaign" not in item.detail:
            continue
        name, entry = item.detail["campaign"], item.detail["entry"]
        if campaign not in ("", name):
            continue
        if (name, entry) not in current:
            current[name, entry] = _digest_now(workspace, name)
        row = _approval(item, _approval_state(item, current[name, entry]), caller, workspace)
        if state in ("", row["state"]):
            listed.append(row)
    return {"approvals": listed}


def approval_decide(
    workspace: Workspace, id: str, decision: str, reason: str = "", caller: Caller = LOCAL
) -> Json:
    """The question with its answer: approve or refuse. Raises DeniedError (`same_person`) for whoever asked."""
    if decision not in ("approve", "refuse"):
        raise UsageError("'decision' is approve or refuse", where="decision", code="invalid_type")
    if any(item.id == id and "campaign" not in item.detail for item in approvals.listed(workspace.records)):
        raise NotFoundError(f"there is no approval '{id}' of a campaign", hint="limner tag decide")
    decided = approvals.decide(
        workspace.records,
        id,
        by=approving.person_of(workspace, caller),
        approve=decision == "approve",
        reason=reason[:500],
        now=workspace.clock(),
    )
    return _approval(decided, decided.decision or "waiting", caller, workspace)


def _digest_now(workspace: Workspace, name: str) -> str | None:
    try:
        item = definitions.campaign(workspace, name)
        content = letter.freeze(reaching.texts_of(workspace, item))
        return approving.digest(workspace, item, content)
    except LimnerError:
        return None


def _approval_state(item: Approval, digest: str | None) -> str:
    if item.decision == approvals.REFUSED:
        return "refused"
    if item.digest != digest:
        return "void"
    return "approved" if item.decision else "waiting"


def _approval(item: Approval, state: str, caller: Caller, workspace: Workspace) -> Json:
    mine = approving.person_of(workspace, caller).id == item.asked_by.id
    return {
        "id": item.id,
        "campaign": item.detail["campaign"],
        "titles": item.detail["titles"],
        "entry": item.detail["entry"],
        "state": state,
        "people": item.detail["people"],
        "audience": item.detail["audience"],
        "limit": item.detail["limit"],
        "why": item.detail["why"],
        "asked_by": item.asked_by.name,
        "asked_at": item.asked_at.isoformat(),
        "mine": mine,
        "decided_by": None if item.decided_by is None else item.decided_by.name,
        "decided_at": None if item.decided_at is None else item.decided_at.isoformat(),
        "reason": item.reason,
    }
