"""Verbs of reaching people: consents, templates, campaigns, their reports."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limner.accounts import keys
from limner.accounts.model import LOCAL, Caller
from limner.audiences import evaluate
from limner.campaigns import arms, positions
from limner.campaigns import text as campaign_text
from limner.campaigns.model import Campaign, Goal, by_channel, channel_text
from limner.campaigns.scene import Scene
from limner.channels.kinds import KINDS
from limner.consents import ledger
from limner.consents.model import Consent, State, address_hash
from limner.consents.permissions import Permission, give
from limner.content.model import Ask
from limner.errors import (
    ConflictError,
    InputError,
    LimnerError,
    NotFoundError,
    TemplateError,
    UsageError,
    did_you_mean,
)
from limner.events.frames import Record
from limner.expressions import check, parse, where
from limner.feedback import harm, receipts
from limner.feedback import report as reports
from limner.identity import people
from limner.referrals import codes
from limner.tags.graph import build
from limner.touches import drawing, entries, letter, outbox, wanting
from limner.touches.letter import Composer
from limner.touches.links import Links
from limner.touches.model import Counts, Entry, Recipient, Worked
from limner.touches.render import Names
from limner.types import Json, Progress, ValueType, silent, utc
from limner.workspace import (
    approving,
    definitions,
    knowing,
    oneself,
    policing,
    recipients,
    scenes,
    sending,
    timing,
    unprofiled,
)
from limner.workspace.picking import Picker, within
from limner.workspace.workspace import Workspace

ONCE = "once"
"""The entry of a campaign that is sent by hand without a name: it reaches nobody twice."""

TELL = 1_000


def links(workspace: Workspace) -> Links:
    """The signed links of this workspace's messages."""
    return Links(workspace.secret, workspace.public_url)


def template_names(workspace: Workspace) -> Names:
    """What templates may name here."""
    catalog = definitions.catalog(workspace)
    attributes = {*catalog.attribute_names(), "name"}
    return Names(
        person=frozenset(attributes),
        tag=frozenset(definitions.tags(workspace)),
        form=_files(workspace, "forms"),
        referral=_files(workspace, "referrals"),
    )


def _files(workspace: Workspace, kind: str) -> frozenset[str]:
    return frozenset(path.stem for path in (workspace.paths.folder / kind).glob("*.yml"))


def consent_import(workspace: Workspace, progress: Progress, file: str) -> Json:
    """A CSV of consents: user_id (or id as kind:value), channel, address, state, at, source."""
    workspace.load(progress)
    path = Path(file)
    wrong: list[Json] = []
    words: list[Consent] = []
    n = 0
    with _opened(path) as rows:
        columns = set(rows.fieldnames or ())
        missing = {"channel", "address", "state"} - columns
        if missing or not columns & {"user_id", "id"}:
            raise InputError(
                f"{path.name} has no column {', '.join(sorted(missing)) or 'user_id'}",
                hint="user_id,channel,address,state,at,source",
            )
        listed = list(rows)
        known = people.person_ids_of(
            workspace.engine,
            [row.get("user_id") or row.get("id") or "" for row in listed],
            keys=workspace.config.strong_keys,
        )
        for n, row in enumerate(listed, start=1):
            who = row.get("user_id") or row.get("id") or ""
            try:
                words.append(_consent(workspace, row, known.get(who), path.name, n + 1))
            except (UsageError, NotFoundError) as error:
                wrong.append({"line": n + 1, "code": error.code, "message": error.message})
            if n % 1000 == 0:
                progress("consents", n, len(listed))
    stored = ledger.record(workspace.records, words)
    return {
        "received": n,
        "stored": stored,
        "duplicate": len(words) - stored,
        "rejected": len(wrong),
        "lines": wrong[:100],
    }


@contextmanager
def _opened(path: Path) -> Iterator[csv.DictReader[str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            yield csv.DictReader(file)
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {path}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not UTF-8 text") from error


def _consent(workspace: Workspace, row: dict[str, str], person: str | None, file: str, line: int) -> Consent:
    if person is None:
        raise NotFoundError(f"line {line}: there is no such person")
    channel, address, state = row["channel"].strip(), row["address"].strip(), row["state"].strip()
    if channel not in KINDS:
        raise UsageError(f"line {line}: unknown channel '{channel}'", code="unknown_channel")
    if state not in list(State):
        raise UsageError(
            f"line {line}: the state is granted or withdrawn, not '{state}'", code="unknown_state"
        )
    if not address:
        raise UsageError(f"line {line}: there is no address", code="no_address")
    at = row.get("at") or ""
    try:
        said_at = utc(datetime.fromisoformat(at)) if at else workspace.clock()
    except ValueError:
        raise UsageError(f"line {line}: '{at}' is not an instant", code="bad_time") from None
    return Consent(
        person=person,
        channel=channel,
        address_hash=address_hash(workspace.secret, channel, address),
        state=State(state),
        at=said_at,
        source=row.get("source") or file,
        proof=f"{file} line {line}",
    )


def permission_add(workspace: Workspace, permissions: list[Json]) -> Json:
    """Permissions to send messages, each counted once: channel, address, template, proof, and n (1) messages."""
    given = []
    for number, row in enumerate(permissions):
        texts = {key: row.get(key) for key in ("channel", "address", "template", "proof")}
        n = row.get("n", 1)
        empty = [key for key, value in texts.items() if not isinstance(value, str) or not value.strip()]
        if empty:
            raise UsageError(f"permission {number}: '{empty[0]}' is missing", where=empty[0], code="missing")
        channel = str(texts["channel"])
        if channel not in KINDS or not KINDS[channel].permits:
            raise UsageError(
                f"permission {number}: '{channel}' asks for no permissions",
                where="channel",
                hint=", ".join(kind for kind, about in KINDS.items() if about.permits),
            )
        if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= 1_000:
            raise UsageError(f"permission {number}: 'n' is 1 to 1000", where="n", code="out_of_range")
        hashed = address_hash(workspace.secret, channel, str(texts["address"]))
        given.append(Permission(channel, hashed, str(texts["template"]), str(texts["proof"]), n))
    new = give(workspace.records, given, now=workspace.clock())
    return {"received": len(given), "stored": new, "duplicate": len(given) - new}


def permission_import(workspace: Workspace, file: str) -> Json:
    """A CSV of permissions: channel, address, template, proof, n."""
    path = Path(file)
    with _opened(path) as rows:
        missing = {"channel", "address", "template", "proof"} - set(rows.fieldnames or ())
        if missing:
            raise InputError(
                f"{path.name} has no column {', '.join(sorted(missing))}",
                hint="channel,address,template,proof,n",
            )
        try:
            listed: list[Json] = [{**row, "n": int(row.get("n") or 1)} for row in rows]
        except ValueError:
            raise InputError(f"{path.name}: 'n' is a whole number") from None
    return permission_add(workspace, listed)


# -- campaigns


def campaign_send(
    workspace: Workspace,
    progress: Progress,
    name: str,
    dry_run: bool = False,
    entry: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """Sends to the audience except the holdout; the answer says where everybody is.

    To more people than `approval_people` it needs another person's approval: see `approving`.
    """
    entry = entry or ONCE
    if dry_run:
        return {"name": name, "entry": entry, "dry_run": True, **_planned(workspace, progress, name, entry)}
    approval = campaign_launch(workspace, name=name, entry=entry, caller=caller)
    return {**_sent(workspace, progress, name, entry), "approval": approval}


def campaign_ready(workspace: Workspace, name: str, entry: str = "", caller: Caller = LOCAL) -> Json:
    """Whether sending may begin: raises what it would raise, and does nothing."""
    workspace.load()
    entry = entry or ONCE
    if entry not in _begun(workspace, name):
        planned = plan(workspace, definitions.campaign(workspace, name), entry)
        composers_of(workspace, planned["campaign"], letter.thaw(planned["content"]))
        scenes.require_open(workspace, planned["campaign"], planned["now"])
        allowed(workspace, planned, caller)
    return {"name": name, "entry": entry}


def campaign_resume(workspace: Workspace, progress: Progress, name: str, entry: str = "") -> Json:
    """Goes on with an entry that was stopped or paused (default: the last of them); nobody gets it twice."""
    halted = [
        item.entry
        for item in entries.entries(workspace.records, campaign=name)
        if item.status in ("stopped", "paused") and entry in ("", item.entry)
    ]
    if not halted:
        raise ConflictError(f"nothing of '{name}' was stopped", code="nothing_stopped")
    entries.resume(workspace.records, name, halted[0], now=workspace.clock())
    return _sent(workspace, progress, name, halted[0])


def _sent(workspace: Workspace, progress: Progress, name: str, entry: str) -> Json:
    with workspace.runs.run("campaign send", f"{name} {entry}") as detail:
        begun = entries.entry_of(workspace.records, name, entry)
        for channel in channels_of(frozen(begun)):
            worked = _work(workspace, begun, progress, channel)
        where_they_are = where_everybody_is(workspace, name, entry)
        detail.update(where_they_are)
    return {"name": name, "entry": entry, "status": worked.status, "reason": worked.reason, **where_they_are}


def campaign_launch(workspace: Workspace, name: str, entry: str, caller: Caller = LOCAL) -> str:
    """The entry is there with everybody's arm, running; one that was stopped goes on.

    The answer is how it was let through: see `approving.require`.
    """
    workspace.load()
    if entry in _begun(workspace, name):
        state = entries.entry_of(workspace.records, name, entry)
        if state.status in ("stopped", "paused"):
            entries.resume(workspace.records, name, entry, now=workspace.clock())
        return ""
    planned = plan(workspace, definitions.campaign(workspace, name), entry)
    composers_of(workspace, planned["campaign"], letter.thaw(planned["content"]))
    scenes.require_open(workspace, planned["campaign"], planned["now"])
    approval = allowed(workspace, planned, caller)
    scene = scenes.of(workspace, planned["campaign"].scene)
    if scene is not None:
        scenes.begin(workspace, scene, planned["now"])
    with workspace.runs.run("campaign launch", f"{name} {entry}") as detail:
        detail.update(counted(entries.launch(workspace.records, **planned)))
        detail["approval"] = approval
    return approval


def allowed(workspace: Workspace, planned: Json, caller: Caller) -> str:
    """How this launch is let through. Raises ConflictError (`needs_approval`)."""
    item = planned["campaign"]
    if not approving.needs(workspace, planned["people"].num_rows):
        return ""
    return approving.require(
        workspace,
        item.name,
        approving.EVERY if caller.kind == approving.SCHEDULE.kind else planned["entry"],
        approving.digest(workspace, item, planned["content"]),
        drawing.preview(workspace.records, **planned).waiting,
        caller,
    )


def _begun(workspace: Workspace, name: str) -> set[str]:
    return {known.entry for known in entries.entries(workspace.records, campaign=name)}


def _planned(workspace: Workspace, progress: Progress, name: str, entry: str) -> Json:
    workspace.load(progress)
    if entry in _begun(workspace, name):
        return where_everybody_is(workspace, name, entry)
    item = definitions.campaign(workspace, name)
    return counted(drawing.preview(workspace.records, **plan(workspace, item, entry)))


def plan(workspace: Workspace, item: Campaign, entry: str) -> Json:
    """Everything that launching needs. Raises before anything is kept when a text or name is wrong."""
    texts = texts_of(workspace, item)
    for channel in channels_of(item):
        letter.letters(
            by_channel(item, channel), letter.of_channel(item, texts, channel), template_names(workspace)
        )
    for wrong in definitions.problems_of_picks(workspace, item.picks, f"campaigns/{item.name}.yml"):
        raise wrong
    now = workspace.clock()
    return {
        "campaign": item,
        "entry": entry,
        "people": audience_table(workspace, item, now),
        "seed": arms.seed_of(item),
        "secret": workspace.secret,
        "definition": campaign_text.frozen(item),
        "content": letter.freeze(texts),
        "audience_text": _audience_text(workspace, item.audience),
        "as_of": now,
        "now": now,
        "policy": policing.policy(workspace),
        "scene": scenes.rules_of(workspace, item),
        "zone": workspace.config.tz,
        "profiled": unprofiled.of_campaign(workspace, item, scenes.of(workspace, item.scene)),
    }


def texts_of(workspace: Workspace, item: Campaign) -> dict[str, letter.Source]:
    """The texts of a message as its files say them now, with the values of its scene. Raises TemplateError."""
    return letter.sources(item, partial(template_text, workspace), scenes.theme_of(workspace, item))


def audience_table(workspace: Workspace, item: Campaign, now: datetime) -> Any:
    """The audience as its channels see it: one row each with address and identifier, and the variant if there are any;
    when it is due and what each channel is worth, where that is chosen; whether the scene may reach them, if that is
    bounded.
    """
    table = people_table(workspace, item, knowing.members(workspace, item.audience, now).numpy(), now)
    if item.variants:
        table = table.append_column(
            "variant", [variants_of(workspace, item, table.column("person").to_pylist(), now)]
        )
    scene = scenes.of(workspace, item.scene)
    if scene is not None and scene.audience != item.audience:
        asked = scenes.members(workspace, scene, now)
        if asked is not None:
            persons = table.column("person").to_pylist()
            allowed = asked(persons)
            table = table.append_column("in_scene", [[person in allowed for person in persons]])
    return table


def people_table(workspace: Workspace, item: Campaign, ixs: NDArray[np.uint32], now: datetime) -> pa.Table:
    """These people as the campaign's channels see them: see `entries.launch`."""
    tables = {
        channel: recipients.people(
            workspace.engine,
            ixs.tolist(),
            address=sending.address(workspace.config, channel),
            keys=workspace.config.strong_keys,
            now=now,
        )
        for channel in channels_of(item)
    }
    table = tables[item.channel]
    if not item.channels and item.best_hour is None:
        return table
    there = recipients.ordinals(workspace.engine, table.column("person"))
    policy = policing.policy(workspace)
    alike = unprofiled.asking(workspace, item.message_class).ixs
    if item.channels:
        table = table.drop_columns(["address"])
        for channel, one in tables.items():
            table = table.append_column(f"address.{channel}", one.column("address"))
        worths = timing.worths_of(workspace, there, item, policy, now=now, alike=alike)
        for at, channel in enumerate(item.channels):
            table = table.append_column(f"worth.{channel}", pa.array(worths.worth[:, at]))
        table = table.append_column(
            "answers", pa.array([json.dumps(one) for one in worths.listed()], pa.string())
        )
    if item.best_hour is not None:
        dues = timing.dues(workspace, there, item, policy, now=now, within=item.best_hour, alike=alike)
        table = table.append_column("due", pa.array(dues.at))
        table = table.append_column(
            "choice", pa.array([timing.reason(hour=one) for one in dues.listed()], pa.string())
        )
    return table


def channels_of(item: Campaign) -> tuple[str, ...]:
    """By which channels the campaign's messages go."""
    return item.channels or (item.channel,)


def variants_of(workspace: Workspace, item: Campaign, persons: Sequence[str], now: datetime) -> list[str]:
    """The first variant whose condition holds for each person; '' when none does.

    A condition on what is computed of people holds for nobody who asked that nothing is chosen by that.
    """
    names = definitions.catalog(workspace)
    apart = unprofiled.asking(workspace, item.message_class).people
    chosen: dict[str, str] = {}
    rest = letter.BASE
    for variant in item.variants:
        if not variant.when:
            rest = variant.name
            continue
        condition = definitions.meaning(workspace, parse(variant.when))
        left_out = apart if apart and unprofiled.computed(workspace, [condition]) else frozenset[str]()
        who = evaluate.people(
            condition,
            engine=workspace.engine,
            catalog=names,
            columns=knowing.live(workspace),
            as_of=now,
            graph=build(definitions.tags(workspace), names.audience),
        )
        for person in recipients.person_ids(workspace.engine, who.numpy().tolist()):
            if person not in left_out:
                chosen.setdefault(person, variant.name)
    return [chosen.get(person, rest) for person in persons]


def _audience_text(workspace: Workspace, name: str) -> str:
    return workspace.paths.definition("audiences", name).read_text(encoding="utf-8")


def template_text(workspace: Workspace, name: str) -> str:
    """The text of a file in templates/. Raises TemplateError."""
    folder = workspace.paths.folder / "templates"
    path = (folder / name).resolve()
    if folder.resolve() not in path.parents:
        raise TemplateError(f"'{name}' is not in templates/", code="not_found")
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        there = sorted(item.name for item in folder.iterdir()) if folder.is_dir() else []
        raise TemplateError(
            f"there is no template '{name}'", code="not_found", hint=did_you_mean(name, there)
        ) from None


def composer_of(workspace: Workspace, item: Campaign, texts: Any) -> Composer:
    """What makes the campaign's messages out of its texts. Raises TemplateError and ConfigError."""
    return Composer(
        item,
        letter.letters(item, texts, template_names(workspace)),
        links(workspace),
        workspace.secret,
        workspace.config.email.sender if item.channel == "email" else "",
    )


def composers_of(
    workspace: Workspace, item: Campaign, texts: Mapping[str, letter.Source]
) -> dict[str, Composer]:
    """What makes the campaign's messages, by channel. Raises TemplateError and ConfigError."""
    return {
        channel: composer_of(workspace, by_channel(item, channel), letter.of_channel(item, texts, channel))
        for channel in channels_of(item)
    }


def _work(workspace: Workspace, entry: Entry, progress: Progress, kind: str) -> Any:
    """Sends what is due of one entry by a channel, then tells the event log what became of it."""
    whole = frozen(entry)
    item = by_channel(whole, kind)
    key = (entry.campaign, entry.entry)
    composer = composer_of(workspace, item, letter.of_channel(whole, letter.thaw(entry.content), kind))
    picker = Picker(workspace, asked(workspace, composer))
    there = entries.counts(workspace.records, entry.campaign, entry.entry)
    total = there.waiting
    said = 0
    policy = policing.policy(workspace)
    scene = _scene_of(workspace, item, entry)
    if scene is None and item.scene:
        return Worked(status="paused", reason=entries.entry_of(workspace.records, *key).reason)

    def known(person_ids: Sequence[str]) -> dict[str, Recipient]:
        nonlocal said
        said += len(person_ids)
        progress("messages", min(said, total), total)
        found = recipients_of(workspace, composer, person_ids, picker)
        codes.keep(
            workspace.records,
            [(code, name, who) for who, one in found.items() for name, code in one.codes.items()],
            now=workspace.clock(),
        )
        return found

    with workspace.sending.channel(item.channel) as channel:
        worked = outbox.work(
            workspace.records,
            campaign=item,
            entry=entry.entry,
            channel=channel,
            composer=composer,
            recipients=known,
            clock=workspace.clock,
            zone=workspace.config.tz,
            policy=policy,
            judge=harm.judge(policy.harm),
            scene=None if scene is None else scenes.rules(workspace, scene),
            members=None if scene is None else scenes.members(workspace, scene, workspace.clock()),
            currency=workspace.config.currency,
            pace=outbox.Pace(per_second=workspace.sending.rate(item.channel)),
            several=bool(whole.channels),
            stopping=workspace.stopping.is_set,
            stale=picker.stale,
            profiled=unprofiled.of_entry(workspace, entry, item, scene),
        )
    if worked.alarm:
        if worked.harmed:
            halt_harmful(workspace, entry.campaign, worked.alarm)
        tell_halted(workspace, entry.campaign, entry.entry, worked.alarm)
    tell(workspace)
    return worked


def _scene_of(workspace: Workspace, item: Campaign, entry: Entry) -> Scene | None:
    """The scene of a sending. Where its file cannot be read, nothing goes: the sending pauses and says so."""
    try:
        return scenes.of(workspace, item.scene)
    except LimnerError as error:
        reason = f"scene {item.scene}: {error.message}"
        entries.pause(workspace.records, entry.campaign, entry.entry, reason=reason, now=workspace.clock())
        tell_halted(workspace, entry.campaign, entry.entry, reason)
        return None


def tell_halted(workspace: Workspace, name: str, entry: str, reason: str) -> None:
    """Alerts that a sending halted itself."""
    workspace.runs.alert("a sending halted itself", {"name": name, "entry": entry, "reason": reason})


def halt_harmful(workspace: Workspace, name: str, reason: str) -> None:
    """A journey of which a message did harm takes nobody on, and sends no other."""
    running = positions.running(workspace.records, name)
    if running and running[0].status == positions.RUNNING:
        halt(workspace, name, positions.PAUSED, reason)


def halt(workspace: Workspace, name: str, status: str, reason: str) -> None:
    """Nobody in the journey moves and none of its messages leaves until it is started again."""
    now = workspace.clock()
    positions.set_status(workspace.records, name, status, reason=reason, now=now)
    for item in entries.entries(workspace.records, campaign=name, kind=None):
        if item.status in ("running", "done", "paused"):
            wanting.halt_step(workspace.records, name, item.entry, status=status, reason=reason, now=now)


def under(names: set[str], root: str) -> set[str]:
    """The names under person or tag, without that word."""
    return {name.partition(".")[2] for name in names if name.partition(".")[0] == root}


def send_waiting(workspace: Workspace, channel: str) -> None:
    """Goes on with every running entry of a channel that has somebody due; each channel has a thread of its own."""
    for entry in entries.entries(workspace.records, status="running", kind=None):
        item = frozen(entry)
        if channel not in channels_of(item):
            continue
        due = entries.next_due(
            workspace.records, entry.campaign, entry.entry, now=workspace.clock(), channel=channel
        )
        if due is not None:
            _work(workspace, entry, silent, channel)
    tell(workspace)


def tell(workspace: Workspace) -> None:
    """Sent and failed messages become events, each once."""
    while waiting := receipts.untold(workspace.records, limit=TELL):
        calls = [call for _, call in waiting if call is not None]
        if calls:
            keep_calls(workspace, calls)
        receipts.told(workspace.records, [message_id for message_id, _ in waiting])


def keep_calls(workspace: Workspace, calls: Sequence[Json]) -> None:
    """Limner's own calls, durable in the event log when this returns."""
    workspace.log.append_now(own_record(workspace, calls))


def own_record(workspace: Workspace, calls: Sequence[Json]) -> Record:
    """The log's record of Limner's own calls."""
    now = workspace.clock()
    source = keys.ensure_source(workspace.records, receipts.SOURCE, kind="import", now=now)
    return Record(
        batch=workspace.new_id(),
        source_i=source.source_i,
        received_at=keys.micros(now),
        n=len(calls),
        body=json.dumps({"batch": list(calls)}, ensure_ascii=False).encode(),
    )


def campaign_stop(workspace: Workspace, name: str, entry: str = "", caller: Caller = LOCAL) -> Json:
    """No further message leaves, within a second; also when the campaign's file is wrong or gone."""
    now = workspace.clock()
    stopped = [
        entries.stop(workspace.records, name, item.entry, reason=f"stopped by {caller.name}", now=now).entry
        for item in entries.entries(workspace.records, campaign=name)
        if item.status in ("running", "paused") and entry in ("", item.entry)
    ]
    if not stopped:
        raise NotFoundError(f"nothing of '{name}' is being sent", hint=f"limner campaign report {name}")
    return {"name": name, "stopped": stopped}


def _channel_asked(item: Campaign, channel: str) -> str:
    """The channel of the campaign that is meant: its first where none is named. Raises UsageError."""
    known = channels_of(item)
    if channel and channel not in known:
        raise UsageError(
            f"'{item.name}' does not go by {channel}", where="channel", hint=f"one of {', '.join(known)}"
        )
    return channel or known[0]


def campaign_test(workspace: Workspace, name: str, to: str, person: str = "", channel: str = "") -> Json:
    """One message to your own address with a person's data (default: the audience's first), marked and not counted.

    It is the text that this person would get.
    `channel`: of a campaign of several, which (default: the first).
    """
    workspace.load()
    whole = definitions.campaign(workspace, name)
    channel_kind = _channel_asked(whole, channel)
    item = by_channel(whole, channel_kind)
    composer = composer_of(workspace, item, texts_of(workspace, item))
    if person:
        person_id = people.person_id(workspace.engine, knowing.person_ix(workspace, person))
    else:
        who = knowing.members(workspace, item.audience, workspace.clock()).numpy().tolist()
        first = recipients.person_ids(workspace.engine, who[:100])
        if not first:
            raise NotFoundError(f"nobody is in the audience '{item.audience}'")
        person_id = first[0]
    found = recipients_of(workspace, composer, [person_id])
    if person_id not in found:
        raise NotFoundError("there is nobody whose data could fill it", where="person")
    variant = variants_of(workspace, item, [person_id], workspace.clock())[0]
    return oneself.sent(workspace, composer, name, to, found[person_id], variant)


def asked(workspace: Workspace, composer: Composer) -> dict[str, Ask]:
    """The lists of picks that the composer's letters show; of objects only the products of the scene."""
    shown = frozenset[str]().union(*(made.lists for made in composer.letters.values()))
    wanted = {name: ask for name, ask in composer.campaign.picks.items() if name in shown}
    if not wanted:
        return {}
    scene = scenes.of(workspace, composer.campaign.scene)
    return {name: within(workspace, ask, scene) for name, ask in wanted.items()}


def recipients_of(
    workspace: Workspace, composer: Composer, person_ids: Sequence[str], picker: Picker | None = None
) -> dict[str, Recipient]:
    """What the composer's letters need to know of these people, by person id."""
    picker = Picker(workspace, asked(workspace, composer)) if picker is None else picker
    now = workspace.clock()
    wanted = {name for made in composer.letters.values() for part in made.parts for name in part.names}
    found = recipients.recipients(
        workspace.engine,
        person_ids,
        address=sending.address(workspace.config, composer.campaign.channel),
        keys=workspace.config.strong_keys,
        attributes=under(wanted, "person"),
        tags=under(wanted, "tag"),
        columns=knowing.live(workspace),
        now=now,
    )
    found = _known_of(workspace, found, composer.campaign.message_class)
    found = picker.fill(found, now)
    named = sorted(under(wanted, "referral"))
    if not named:
        return found
    return {
        who: replace(one, codes={name: codes.code_of(workspace.secret, name, who) for name in named})
        for who, one in found.items()
    }


def _known_of(workspace: Workspace, found: dict[str, Recipient], message_class: str) -> dict[str, Recipient]:
    """The recipients, without what is computed of those who asked that nothing is chosen by that."""
    apart = unprofiled.asking(workspace, message_class).people & found.keys()
    if not apart:
        return found
    hidden = unprofiled.computed_tags(workspace, {key for who in apart for key in found[who].tag})
    told = {who: {k: v for k, v in found[who].tag.items() if k not in hidden} for who in apart}
    return found | {who: replace(found[who], tag=tag, unprofiled=True) for who, tag in told.items()}


def where_everybody_is(workspace: Workspace, name: str, entry: str) -> Json:
    """Where everybody of the entry is: the parts add up to the audience."""
    return counted(entries.counts(workspace.records, name, entry))


def counted(counted: Counts) -> Json:
    """The counts of an entry as JSON."""
    return {
        "audience": counted.audience,
        "held_out": counted.held_out,
        "suppressed": dict(counted.suppressed),
        "waiting": counted.waiting,
        "sent": counted.sent,
        "failed": counted.failed,
        "in_doubt": counted.in_doubt,
    }


def campaign_report(workspace: Workspace, name: str, entry: str = "", as_of: str = "") -> Json:
    """What it truly changed: incremental buyers and money against the holdout, then the rates."""
    tell(workspace)
    workspace.load()
    at = knowing.instant_of(workspace, as_of)
    found = entries.entries(workspace.records, campaign=name)
    if not found:
        raise NotFoundError(f"'{name}' was never sent", hint=f"limner campaign send {name}")
    chosen = next((item for item in found if item.entry == entry), None) if entry else found[0]
    if chosen is None:
        raise NotFoundError(
            f"'{name}' has no entry '{entry}'", hint=did_you_mean(entry, [e.entry for e in found])
        )
    return {**reported(workspace, chosen, at), "entries": [item.entry for item in found]}


def reported(workspace: Workspace, entry: Entry, at: datetime) -> Json:
    """The report of one entry as of an instant, with what the goal was and who the counted people are."""
    item = frozen(entry)
    start = entry.started_at
    window = start + item.goal.within if item.goal else None
    end = min(at, window) if window else at
    outcome = outcome_of(workspace, entry, at)
    answer = reports.report(
        workspace.records,
        campaign=item,
        entry=entry.entry,
        outcome=outcome,
        currency=workspace.config.currency,
        until=end,
    )
    return {
        **answer,
        "variants": _variants(workspace, item, entry, end),
        "returned": reports.returned(
            answer, cost=reports.spent_on(workspace.records, entry.campaign, entry.entry)
        ),
        "titles": dict(item.title),
        "channel": channel_text(item),
        "goal": campaign_text.fields_of(item)["goal"],
        "window_ends_at": None if window is None else window.isoformat(),
        "more_days": None
        if outcome is None or window is None
        else reports.more_days(outcome, start=start, now=end, end=window),
        "where": reports.conditions(entry.campaign, entry.entry),
    }


def _variants(workspace: Workspace, item: Campaign, entry: Entry, end: datetime) -> list[Json]:
    """What each text did: of those for whom it was, who got it against who was held out. Nothing where there is one."""
    if not item.variants:
        return []
    there = {row["variant"]: row for row in reports.by_variant(workspace.records, item.name, entry.entry)}
    events = goal_events(workspace, item.goal, end) if item.goal else None
    whens = {variant.name: variant.when for variant in item.variants}
    rest = item.variants[-1].when != ""
    found = []
    for name in [*whens, *([letter.BASE] if rest else [])]:
        row = there.get(name, dict.fromkeys(("people", "sent", "opened", "clicked", "unsubscribed"), 0))
        changed: Json = {"converted": None, "incremental": None, "money": None, "enough_data": False}
        changed |= {"message": "the campaign has no goal", "why_not": "no_goal"}
        if item.goal is not None and events is not None:
            outcome = reports.outcome(
                workspace.engine,
                reports.arms_of(workspace.records, workspace.engine, item.name, entry.entry, name),
                events,
                start=entry.started_at,
                end=end,
            )
            changed = reports.changed(
                outcome, currency=workspace.config.currency, money=bool(item.goal.money)
            )
        found.append({**row, "variant": name, "when": whens.get(name, ""), **changed})
    return found


def outcome_of(workspace: Workspace, entry: Entry, at: datetime) -> reports.Outcome | None:
    """What both arms of an entry did within the goal's time, up to an instant; None without a goal."""
    goal = frozen(entry).goal
    if goal is None:
        return None
    end = min(at, entry.started_at + goal.within)
    return reports.outcome(
        workspace.engine,
        reports.arms_of(workspace.records, workspace.engine, entry.campaign, entry.entry),
        goal_events(workspace, goal, end),
        start=entry.started_at,
        end=end,
    )


def frozen(entry: Entry) -> Campaign:
    """The campaign as it was when the entry was launched."""
    return campaign_text.read(entry.definition, name=entry.campaign, file=f"campaigns/{entry.campaign}.yml")


def goal_events(workspace: Workspace, goal: Goal, as_of: datetime) -> reports.GoalEvents:
    """The goal in the engine's terms. Raises UsageError for a money property that is no number."""
    if not goal.event:
        goal = definitions.goal_said(workspace, goal)
    names = definitions.catalog(workspace)
    condition = "TRUE"
    values: Mapping[str, Any] = {}
    if goal.where:
        tree = parse(goal.where, scope="event")
        check(tree, names, kind="event")
        condition, values = where(tree, names, as_of)
    money = names.property(goal.money) if goal.money else None
    if money is not None and money[1] not in (ValueType.MONEY, ValueType.NUMBER):
        raise UsageError(f"the goal's money '{goal.money}' is {money[1]}, not money", where="goal.money")
    return reports.GoalEvents(
        codes=names.event_codes(goal.event), where=condition, values=values, money=money
    )
