"""`policy.yml` → Policy, each mistake with file:line:column. Knows no campaign and no journey."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from limner.campaigns import text as campaign_text
from limner.campaigns.model import CHANNELS, Hold
from limner.campaigns.rules import (
    NO_POLICY,
    Budget,
    Days,
    GlobalHoldout,
    Harm,
    Hours,
    Limit,
    Policy,
    Response,
    Topic,
    WarmUp,
)
from limner.consents.model import CLASSES, MARKETING
from limner.tags.document import Document
from limner.tags.document import Step as At

FILE = "policy.yml"
KEYS = (
    "caps",
    "quiet_hours",
    "holidays",
    "quiet_for",
    "costs",
    "budgets",
    "priority",
    "hold",
    "harm",
    "holdout",
    "quotas",
    "hours",
    "response",
    "warm_up",
    "topics",
)
_PER_DAY = re.compile(r"(\d{1,12}) per day")
_AN_HOUR = timedelta(hours=1)
_TO = re.compile(r"(\d{4}-\d{2}-\d{2}) to (\d{4}-\d{2}-\d{2})")


@lru_cache(maxsize=100)  # the same text is the same policy, and a policy never changes
def read(text: str) -> Policy:
    """The policy that the text says. Raises DefinitionError at the place that is wrong."""
    document = Document(text, where=FILE)
    document.known_keys(KEYS)
    return Policy(
        caps=tuple(_cap(document, *at) for at in _items(document, "caps")),
        quiet=campaign_text.quiet_of(document, "quiet_hours"),
        holidays=tuple(_days(document, *at) for at in _items(document, "holidays")),
        quiet_for=_classes(document),
        costs=_costs(document),
        budgets=tuple(_budget(document, *at) for at in _items(document, "budgets")),
        priority=_priority(document),
        hold=campaign_text.hold_of(document, "hold") or Hold(),
        harm=_harm(document),
        holdout=_holdout(document),
        quotas=_quotas(document),
        hours=_hours(document),
        response=_response(document),
        warm_up=_warm_up(document),
        topics=_topics(document),
    )


def read_folder(folder: Path) -> Policy:
    """The policy of a workspace's folder; no rules when it has none. Raises DefinitionError."""
    path = folder / FILE
    if not path.is_file():
        return NO_POLICY
    text = path.read_text(encoding="utf-8", errors="replace")
    return read(text) if text.strip() else NO_POLICY


def _topics(document: Document) -> tuple[Topic, ...]:
    given = document.value("topics")
    if given is None:
        return ()
    if not isinstance(given, dict):
        raise document.error(
            "'topics' is a mapping of name: topic", "topics", hint="news: {title: News, of: [spring]}"
        )
    found = []
    for name in given:
        if not isinstance(name, str) or not campaign_text.NAME.fullmatch(name):
            raise document.error(f"'{name}' is no name of a topic", "topics", name, of_key=True)
        _mapping(document, "topics", name, keys=("title", "of"))
        found.append(
            Topic(
                name,
                document.titles("topics", name, "title") or {"": name},
                document.strings("topics", name, "of"),
            )
        )
    return tuple(found)


def _items(document: Document, key: str) -> list[tuple[At, ...]]:
    """The place of each item of the list; none when there is no list."""
    given = document.value(key)
    if given is None:
        return []
    if not isinstance(given, list):
        raise document.error(f"'{key}' is a list", key)
    return [(key, number) for number in range(len(given))]


def _mapping(document: Document, *at: At, keys: tuple[str, ...]) -> None:
    if not isinstance(document.value(*at), dict):
        raise document.error(f"it holds {', '.join(keys)}", *at)
    document.known_keys(keys, *at)


def _cap(document: Document, *at: At) -> Limit:
    _mapping(document, *at, keys=("messages", "per", "class", "channel", "of", "apart"))
    plain = campaign_text.counted_of(document, *at)
    apart = document.value(*at, "apart")
    if apart is not None and not isinstance(apart, bool):
        raise document.error("'apart' is true or false", *at, "apart")
    if apart and document.value(*at, "of") is not None:
        raise document.error("one campaign or journey is apart already", *at, "apart")
    return Limit(
        plain.messages,
        plain.per,
        message_class=_one_of(document, *at, "class", among=CLASSES),
        channel=_one_of(document, *at, "channel", among=CHANNELS),
        of=_name(document, *at, "of"),
        apart=bool(apart),
    )


def _one_of(document: Document, *at: At, among: tuple[str, ...]) -> str:
    return campaign_text.choice(document, *at, among=among, default="") if document.string(*at) else ""


def _name(document: Document, *at: At) -> str:
    name = document.string(*at)
    if name and not campaign_text.NAME.fullmatch(name):
        raise document.error(f"'{name}' is no name of a campaign or journey", *at)
    return name


def _days(document: Document, *at: At) -> Days:
    given: Any = document.value(*at)
    hint = "2026-10-01, or 2026-10-01 to 2026-10-07"
    if isinstance(given, date) and not isinstance(given, datetime):
        return Days(given, given)
    found = _TO.fullmatch(given) if isinstance(given, str) else None
    try:
        first, last = (
            map(date.fromisoformat, found.groups()) if found else (date.fromisoformat(str(given)),) * 2
        )
    except ValueError:
        raise document.error(f"'{given}' is no day and no range of days", *at, hint=hint) from None
    if last < first:
        raise document.error("these days end before they begin", *at, hint=hint)
    return Days(first, last)


def _classes(document: Document) -> tuple[str, ...]:
    if document.value("quiet_for") is None:
        return (MARKETING,)
    given = document.strings("quiet_for")
    for number in range(len(given)):
        campaign_text.choice(document, "quiet_for", number, among=CLASSES, default="")
    return given


def _costs(document: Document) -> dict[tuple[str, str], int]:
    given = document.value("costs")
    if given is None:
        return {}
    _mapping(document, "costs", keys=CHANNELS)
    found: dict[tuple[str, str], int] = {}
    for channel, said in given.items():
        if isinstance(said, dict):
            document.known_keys(CLASSES, "costs", channel)
            for message_class in said:
                found[channel, message_class] = _money(document, "costs", channel, message_class)
        else:
            cost = _money(document, "costs", channel)
            found |= {(channel, message_class): cost for message_class in CLASSES}
    return found


def _money(document: Document, *at: At) -> int:
    """The amount in 1/10,000 of the currency unit."""
    if document.value(*at) is None:
        raise document.error("it is an amount of money, 0 or more", *at, hint="0.05")
    return campaign_text.money_of(document, *at) or 0


def _budget(document: Document, *at: At) -> Budget:
    _mapping(document, *at, keys=("most", "of", "per"))
    if document.value(*at, "most") is None:
        raise document.error("'most' is missing", *at, code="missing", hint="most: 500")
    monthly = bool(_one_of(document, *at, "per", among=("month",)))
    of = _name(document, *at, "of")
    if not of and not monthly:
        raise document.error("a budget is of one campaign or journey, or per month", *at, hint="per: month")
    return Budget(_money(document, *at, "most"), of, monthly)


def _priority(document: Document) -> tuple[str, ...]:
    if document.value("priority") is None:
        return ()
    given = document.strings("priority")
    for number, name in enumerate(given):
        _name(document, "priority", number)
        if name in given[:number]:
            raise document.error(f"'{name}' stands here twice", "priority", number)
    return given


def _harm(document: Document) -> Harm:
    if document.value("harm") is None:
        return Harm()
    _mapping(document, "harm", keys=("unsubscribed", "complained", "least", "effect"))
    least = document.value("harm", "least")
    if least is not None and (isinstance(least, bool) or not isinstance(least, int) or least < 1):
        raise document.error("'least' is a whole number, 1 or more", "harm", "least")
    return Harm(
        unsubscribed=campaign_text.share_of(document, "harm", "unsubscribed"),
        complained=campaign_text.share_of(document, "harm", "complained"),
        least=100 if least is None else int(least),
        effect=campaign_text.share_of(document, "harm", "effect", lowest=-1.0, highest=0.0),
    )


def _holdout(document: Document) -> GlobalHoldout | None:
    if document.value("holdout") is None:
        return None
    _mapping(document, "holdout", keys=("share", "since", "seed"))
    share = campaign_text.share_of(document, "holdout", "share", highest=campaign_text.MAX_HOLDOUT)
    if not share:
        raise document.error("'share' is missing, or 0", "holdout", code="missing", hint="share: 0.02")
    given = document.value("holdout", "since")
    if given is None:
        raise document.error("'since' is missing", "holdout", code="missing", hint="since: 2026-06-01")
    since = _days(document, "holdout", "since").first
    return GlobalHoldout(share, since, document.string("holdout", "seed") or GlobalHoldout.seed)


def _quotas(document: Document) -> dict[str, int]:
    given = document.value("quotas")
    if given is None:
        return {}
    _mapping(document, "quotas", keys=CHANNELS)
    found: dict[str, int] = {}
    for channel, said in given.items():
        read_as = _PER_DAY.fullmatch(str(said))
        if read_as is None:
            raise document.error(
                "a quota is so many messages per day", "quotas", channel, hint="100000 per day"
            )
        found[channel] = int(read_as[1])
    return found


def _whole(document: Document, *at: At, least: int, most: int, default: int) -> int:
    given = document.value(*at)
    if given is None:
        return default
    if isinstance(given, bool) or not isinstance(given, int) or not least <= given <= most:
        raise document.error(f"'{at[-1]}' is a whole number from {least} to {most}", *at)
    return int(given)


def _length(document: Document, *at: At, default: timedelta) -> timedelta:
    given = campaign_text.duration(document, *at)
    if given is not None and given < _AN_HOUR:
        raise document.error(f"'{at[-1]}' is an hour or longer", *at)
    return default if given is None else given


def _hours(document: Document) -> Hours:
    if document.value("hours") is None:
        return Hours()
    _mapping(document, "hours", keys=("events", "half_life", "least", "prior", "band", "segment"))
    usual = Hours()
    return Hours(
        events=document.strings("hours", "events") if document.value("hours", "events") is not None else (),
        half_life=_length(document, "hours", "half_life", default=usual.half_life),
        least=_whole(document, "hours", "least", least=1, most=10_000, default=usual.least),
        prior=_whole(document, "hours", "prior", least=0, most=10_000, default=usual.prior),
        band=_whole(document, "hours", "band", least=1, most=12, default=usual.band),
        segment=document.string("hours", "segment"),
    )


def _response(document: Document) -> Response:
    if document.value("response") is None:
        return Response()
    _mapping(document, "response", keys=("within", "last", "goal", "prior"))
    usual = Response()
    return Response(
        within=_length(document, "response", "within", default=usual.within),
        last=_length(document, "response", "last", default=usual.last),
        goal=document.string("response", "goal"),
        prior=_whole(document, "response", "prior", least=1, most=10_000, default=usual.prior),
    )


def _warm_up(document: Document) -> dict[str, WarmUp]:
    given = document.value("warm_up")
    if given is None:
        return {}
    _mapping(document, "warm_up", keys=CHANNELS)
    return {channel: _warming(document, "warm_up", channel) for channel in given}


def _warming(document: Document, *at: At) -> WarmUp:
    _mapping(document, *at, keys=("from", "first_day", "grow", "most"))
    for name, hint in (("from", "from: 2026-06-01"), ("first_day", "first_day: 500")):
        if document.value(*at, name) is None:
            raise document.error(f"'{name}' is missing", *at, code="missing", hint=hint)
    grow: Any = document.value(*at, "grow")
    if grow is not None and (
        isinstance(grow, bool) or not isinstance(grow, int | float) or not 1 < grow <= 10
    ):
        raise document.error("'grow' is more than 1 and at most 10", *at, "grow", hint="grow: 1.5")
    return WarmUp(
        _days(document, *at, "from").first,
        _whole(document, *at, "first_day", least=1, most=10**9, default=1),
        WarmUp.grow if grow is None else float(grow),
        _whole(document, *at, "most", least=1, most=10**9, default=WarmUp.most),
    )
