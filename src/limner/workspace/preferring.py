"""The preference centre: how somebody's settings stand, and what becomes of what they say. A look changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import blake2b

from limner.accounts.model import Caller, Role
from limner.channels.kinds import KINDS
from limner.consents import ledger, preferences
from limner.consents.model import (
    COMPLAINED,
    MARKETING,
    NOBODY_ASKED,
    UNSUBSCRIBED,
    Consent,
    State,
    address_hash,
    objection,
)
from limner.consents.preferences import Preference
from limner.errors import LimnerError
from limner.feedback import receipts
from limner.feedback.receipts import Touched
from limner.forms.model import said
from limner.forms.preferring import OFTEN, Belief, Settings, centre
from limner.forms.words import LANGUAGES, language_of, word
from limner.identity import people
from limner.portraits.person import exact
from limner.tags.model import Given, Method, Tag
from limner.touches.links import Leaving
from limner.types import Json, ValueType, silent
from limner.workspace import definitions, giving, knowing, policing, reaching, recipients, sending
from limner.workspace.workspace import Workspace

PAUSE = timedelta(days=30)
CHANGED = "Preferences Changed"
LANGUAGE = "language"
"""The attribute that holds in which language a person wants to be written to."""

_RIGHTED = (Method.OBSERVED, Method.MANUAL, Method.IMPORTED)
"""Tags of these methods were told by somebody, so the person may tell them better."""


@dataclass(frozen=True)
class Centre:
    """Whose preference centre it is. `ix` None: the person is not known any more; `addresses`: hashes by channel."""

    token: str
    leaving: Leaving
    about: Touched | None
    ix: int | None
    person: str
    language: str
    lang: str
    addresses: Mapping[str, str]


def page(workspace: Workspace, token: str, *, lang: str, accepts: str) -> str | None:
    """The page; None for a token that we did not make."""
    found = _found(workspace, token, lang, accepts)
    return None if found is None else _page(workspace, found)


def changed(
    workspace: Workspace, token: str, posted: Mapping[str, Sequence[str]], *, lang: str, accepts: str
) -> str | None:
    """The page after what was said is kept, which holds from the next message on; None for a token of nobody's."""
    found = _found(workspace, token, lang, accepts)
    if found is None:
        return None
    if "leave" in posted:
        _leave(workspace, found, set(found.addresses))
        _tell(workspace, found, {"left": True})
        return _page(workspace, found, done="left")
    if "save" not in posted:
        return _page(workspace, found)
    wrong = _righted(workspace, found, posted)
    _channels(workspace, found, posted)
    told: Json = {"channels": ", ".join(sorted(posted.get("channel", ())))}
    if found.ix is not None:
        told |= _wishes(workspace, found, posted)
        language = (posted.get("language") or [""])[0]
        if language in LANGUAGES:
            told["language"] = language
    _tell(workspace, found, told)
    return _page(workspace, found, done="" if wrong else "saved", wrong=wrong)


def _found(workspace: Workspace, token: str, lang: str, accepts: str) -> Centre | None:
    leaving = reaching.links(workspace).preferring(token)
    if leaving is None:
        return None
    workspace.load()
    about = receipts.touched(workspace.records, leaving.message_id)
    keys = workspace.config.strong_keys
    ix = (
        people.find(workspace.engine, f"person:{about.person}", keys=keys) if about and about.person else None
    )
    person = "" if ix is None else people.person_id(workspace.engine, ix)
    addresses = {leaving.channel: leaving.address_hash}
    spoken = ""
    if person:
        for kind in KINDS:
            known = recipients.recipients(
                workspace.engine,
                [person],
                address=sending.address(workspace.config, kind),
                keys=keys,
                attributes=[LANGUAGE],
                tags=(),
                columns=None,
                now=workspace.clock(),
            )[person]
            spoken = str(known.person.get(LANGUAGE) or "")
            if known.address and kind not in addresses:
                addresses[kind] = address_hash(workspace.secret, kind, known.address)
    return Centre(
        token,
        leaving,
        about,
        ix,
        person,
        language_of(lang or spoken, accepts),
        spoken,
        dict(sorted(addresses.items())),
    )


def _page(
    workspace: Workspace, found: Centre, *, done: str = "", wrong: Mapping[str, str] | None = None
) -> str:
    now = workspace.clock()
    channels = {}
    with workspace.records.read() as connection:
        for kind, hashed in found.addresses.items():
            standing = ledger.standings(connection, kind, [hashed]).get(hashed, NOBODY_ASKED)
            channels[kind] = not objection(standing, MARKETING)
    wish = _wish(workspace, found)
    paused = wish.paused_until if wish.paused_until is not None and wish.paused_until > now else None
    topics = policing.policy(workspace).topics
    often = next((key for key, days in OFTEN.items() if days and wish.per == timedelta(days=days)), "any")
    settings = Settings(
        channels=channels,
        topics=[
            (one.name, said(one.title, found.language, one.name), one.name not in wish.without)
            for one in topics
        ],
        often=often if wish.messages is not None else "any",
        paused_until="" if paused is None else paused.astimezone(workspace.config.tz).date().isoformat(),
        language=found.lang if found.lang in LANGUAGES else "",
        unprofiled=wish.unprofiled,
        beliefs=_beliefs(workspace, found),
        known=found.ix is not None,
    )
    other = "zh" if found.language == "en" else "en"
    return centre(
        workspace.config.name,
        settings,
        language=found.language,
        action=f"/p/{found.token}?lang={found.language}",
        other=f"/p/{found.token}?lang={other}",
        done=done,
        wrong=wrong,
    )


def _wish(workspace: Workspace, found: Centre) -> Preference:
    now = workspace.clock()
    if found.ix is None:
        return Preference(now)
    former = recipients.recipients(
        workspace.engine, [found.person], address="", keys=(), attributes=(), tags=(), columns=None, now=now
    )[found.person].former
    with workspace.records.read() as connection:
        everybody = (found.person, *former)
        return preferences.latest(preferences.of(connection, everybody), everybody) or Preference(now)


def _wishes(workspace: Workspace, found: Centre, posted: Mapping[str, Sequence[str]]) -> Json:
    """Keeps how often, about what, chosen by what, and the pause; what is told of it."""
    now = workspace.clock()
    before = _wish(workspace, found)
    days = OFTEN.get((posted.get("often") or ["any"])[0])
    running = before.paused_until if before.paused_until is not None and before.paused_until > now else None
    paused = (running or now + PAUSE) if "pause" in posted else None
    topics = {one.name for one in policing.policy(workspace).topics}
    off = frozenset(topics - set(posted.get("topic", ())))
    wish = replace(
        before,
        at=now,
        messages=None if days is None else 1,
        per=None if days is None else timedelta(days=days),
        paused_until=paused,
        without=off | (before.without - topics),
        unprofiled="unprofiled" in posted,
        proof=f"message {found.leaving.message_id}",
    )
    preferences.keep(workspace.records, found.person, wish)
    return {
        "days_between": days,
        "paused_until": None if paused is None else paused.isoformat(),
        "without": ", ".join(sorted(off)),
        "unprofiled": wish.unprofiled,
    }


def _channels(workspace: Workspace, found: Centre, posted: Mapping[str, Sequence[str]]) -> None:
    """Turns the channels that the page showed on and off."""
    shown = set(posted.get("shown", ())) & set(found.addresses)
    on = set(posted.get("channel", ()))
    _leave(workspace, found, shown - on)
    now = workspace.clock()
    with workspace.records.read() as connection:
        stand = {
            kind: ledger.standings(connection, kind, [found.addresses[kind]]).get(
                found.addresses[kind], NOBODY_ASKED
            )
            for kind in shown & on
        }
    agreed = []
    for kind, standing in stand.items():
        if standing.suppressed in (UNSUBSCRIBED, COMPLAINED):
            ledger.lift(workspace.records, kind, found.addresses[kind])
        elif standing.suppressed or standing.consented:
            continue
        agreed.append(
            Consent(
                person=found.person,
                channel=kind,
                address_hash=found.addresses[kind],
                state=State.GRANTED,
                at=now,
                source="preference centre",
                proof=f"message {found.leaving.message_id}: {word(f'channel_{kind}', found.language)}",
            )
        )
    ledger.record(workspace.records, agreed)


def _leave(workspace: Workspace, found: Centre, kinds: set[str]) -> None:
    """No more advertising by these channels, at once."""
    now = workspace.clock()
    for kind in sorted(kinds):
        ledger.unsubscribe(
            workspace.records,
            channel=kind,
            address_hash=found.addresses[kind],
            person=found.person,
            now=now,
            proof=f"message {found.leaving.message_id}",
        )
    if found.leaving.channel in kinds and found.about is not None:
        receipts.note(workspace.records, receipts.UNSUBSCRIBED, found.leaving.message_id, now)
        call = receipts.unsubscribed(found.about, at=now)
        if call is not None:
            reaching.keep_calls(workspace, [call])


def _tell(workspace: Workspace, found: Centre, told: Json) -> None:
    """What was said as an event, and the language as an attribute."""
    if found.about is None:
        return
    now = workspace.clock()
    said_now = {key: value for key, value in told.items() if value is not None}
    what = blake2b(f"{now.isoformat()}{sorted(said_now.items())}".encode(), digest_size=6).hexdigest()
    call = receipts.call(CHANGED, found.about, at=now, properties=said_now, what=what)
    if call is None:
        return
    calls = [call]
    if "language" in told and told["language"] != found.lang:
        whose: Json = {key: call[key] for key in ("userId", "anonymousId", "context") if key in call}
        calls.append(
            {
                **whose,
                "type": "identify",
                "messageId": f"{call['messageId']}.language",
                "timestamp": now.isoformat(),
                "traits": {LANGUAGE: told["language"]},
            }
        )
    reaching.keep_calls(workspace, calls)
    workspace.load()


def _beliefs(workspace: Workspace, found: Centre) -> list[Belief]:
    """The visible tags of the person; those that can be put right also when there is no value yet."""
    if found.ix is None:
        return []
    columns = knowing.live(workspace)
    listed = []
    for tag in definitions.tags(workspace).values():
        if not tag.visible:
            continue
        column = None if columns is None else columns.column(tag.key)
        value = None if column is None else column.label_at(found.ix)
        text = "" if value is None else _text(exact(value, tag.type), found.language)
        raw = (
            ""
            if value is None
            else str(exact(value, tag.type)).lower()
            if tag.type is ValueType.FLAG
            else text
        )
        righted = tag.method in _RIGHTED
        if not text and not righted:
            continue
        listed.append(
            Belief(
                key=tag.key,
                title=said(tag.title, found.language, tag.key),
                value=raw if righted and tag.type is ValueType.FLAG else text,
                choices=_choices(tag, found.language) if righted else {},
                open=righted and tag.type in (ValueType.TEXT, ValueType.NUMBER),
            )
        )
    return listed


def _choices(tag: Tag, language: str) -> dict[str, str]:
    if tag.type is ValueType.FLAG:
        return {"true": word("yes", language), "false": word("no", language)}
    if isinstance(tag.definition, Given):
        return {str(exact(value, tag.type)): str(exact(value, tag.type)) for value in tag.definition.values}
    return {}


def _text(value: object, language: str) -> str:
    if isinstance(value, bool):
        return word("yes" if value else "no", language)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _righted(workspace: Workspace, found: Centre, posted: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Puts right what the person says is another value; what is wrong with a value, by tag."""
    wrong: dict[str, str] = {}
    if found.ix is None:
        return wrong
    author = Caller("preferences", "", "preference centre", Role.OPERATOR)
    there = {one.key: one for one in _beliefs(workspace, found) if one.choices or one.open}
    for key, one in there.items():
        new = (posted.get(f"tag.{key}") or [""])[0].strip()
        was = (posted.get(f"was.{key}") or [""])[0]
        if not new or new == was or new == one.value:
            continue
        try:
            giving.tag_correct(workspace, silent, key, f"person:{found.person}", value=new, caller=author)
        except LimnerError:
            wrong[key] = "bad_value"
    return wrong
