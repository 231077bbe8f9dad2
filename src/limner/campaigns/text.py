"""A campaign's file → Campaign, each mistake with file:line:column; and its fields as a form shows them.

Knows no catalogue and no template.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from limner.campaigns.model import (
    CHANNELS,
    EMAIL,
    Campaign,
    Cap,
    Goal,
    Hold,
    Quiet,
    Variant,
    channel_text,
)
from limner.campaigns.policy import once_at, spoken
from limner.consents.model import CLASSES, MARKETING
from limner.content.text import asks_of, picks_of
from limner.errors import DefinitionError, ExpressionError, did_you_mean
from limner.expressions.build import Scope
from limner.expressions.parse import parse
from limner.tags.document import Document, Step, dumped, in_order
from limner.types import MONEY_SCALE, Json

KEYS = (
    "title", "scene", "audience", "holdout", "channel", "template", "templates", "subject", "text", "subject_prefix",
    "class", "goal", "cap", "quiet_hours", "schedule", "when", "within", "response_value", "hold", "from", "seed",
    "variants", "picks", "owner", "why",
)  # fmt: skip
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
MAX_HOLDOUT = 0.9
TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_LOOKS_ELSE = re.compile(r"\d+[:-]\d")
"""Older readers of YAML take such a text for a number or a date."""
_LONGEST = timedelta(days=3660)
# CronSim wants a start; only whether it can be read matters here.
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_ZONE = ZoneInfo("UTC")


@lru_cache(maxsize=1_000)  # the same text is the same campaign, and a campaign never changes
def read(text: str, name: str, *, file: str | None = None) -> Campaign:
    """The campaign that the text defines. Raises DefinitionError at the place that is wrong."""
    document = Document(text, where=file or f"campaigns/{name}.yml")
    if not NAME.fullmatch(name):
        raise DefinitionError(
            f"'{name}' is no campaign name", where=document.where, hint="use [a-z][a-z0-9_]*, at most 64"
        )
    document.known_keys(KEYS)
    channels = channels_of(document, "channel")
    several = len(channels) > 1
    variants, scene = variants_of(document, "variants", channels=channels), scene_of(document)
    template, subject = texts_of(document, variants, several=several)
    if EMAIL in channels and not subject.strip():
        raise document.error("an e-mail needs a subject", code="missing", hint="subject: …")
    seed = document.value("seed")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, str | int)):
        raise document.error("'seed' is a text", "seed")
    return Campaign(
        name=name,
        title=document.titles("title") or {"": name},
        audience=document.string("audience", required=not scene),
        channel=channels[0],
        template=template,
        subject=subject,
        text=document.string("text"),
        subject_prefix=document.string("subject_prefix"),
        message_class=choice(document, "class", among=CLASSES, default=MARKETING),
        holdout=holdout_of(document),
        goal=goal_of(document),
        cap=cap_of(document, "cap"),
        quiet=quiet_of(document, "quiet_hours"),
        schedule=schedule_of(document, "schedule"),
        hold=hold_of(document, "hold"),
        sender=document.string("from"),
        seed="" if seed is None else str(seed),
        owner=document.string("owner"),
        why=document.string("why"),
        variants=variants,
        scene=scene,
        picks=picks_of(document, "picks"),
        channels=channels if several else (),
        templates=templates_of(document, "templates", channels=channels),
        best_hour=best_hour_of(document),
        response_value=money_of(document, "response_value"),
        definition=text,
    )


def read_file(path: Path) -> Campaign:
    """The campaign of a file; the file's name is its name."""
    place = f"campaigns/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DefinitionError("the file is not UTF-8", where=place) from error
    return read(text, path.stem, file=place)


def read_folder(folder: Path) -> dict[str, Campaign]:
    """Every campaign of `folder/*.yml`, by name. Raises DefinitionError for the first file that is wrong."""
    if not folder.is_dir():
        return {}
    return {path.stem: read_file(path) for path in sorted(folder.glob("*.yml"))}


def choice(document: Document, *path: Step, among: tuple[str, ...], default: str) -> str:
    """The word at the path, which is one of some. Raises DefinitionError."""
    given = document.string(*path) or default
    if given not in among:
        raise document.error(
            f"'{path[-1]}' is one of {', '.join(among)}, not '{given}'",
            *path,
            hint=did_you_mean(given, among),
        )
    return given


def holdout_of(document: Document) -> float:
    """The share of people who get nothing, so that the others can be compared with them."""
    given = document.value("holdout")
    if given is None:
        return 0.1
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= MAX_HOLDOUT:
        raise document.error(f"'holdout' is a share from 0 to {MAX_HOLDOUT}", "holdout", hint="holdout: 0.1")
    return float(given)


def _section(document: Document, *path: Step, keys: tuple[str, ...]) -> bool:
    """Whether the section is there. Raises DefinitionError when it is no mapping of these keys."""
    given = document.value(*path)
    if given is None:
        return False
    if not isinstance(given, dict):
        raise document.error(f"'{path[-1]}' holds {', '.join(keys)}", *path)
    document.known_keys(keys, *path)
    return True


def goal_of(document: Document) -> Goal | None:
    """What it is for, if that is said."""
    if not _section(document, "goal", keys=("metric", "event", "where", "money", "within")):
        return None
    metric = document.string("goal", "metric")
    return Goal(
        metric=metric,
        event=document.string("goal", "event", required=not metric),
        where=condition(document, "event", "goal", "where"),
        money=document.string("goal", "money"),
        within=duration(document, "goal", "within") or timedelta(days=14),
    )


def cap_of(document: Document, *path: Step) -> Cap | None:
    """How many messages of one class somebody gets in so much time, if that is said."""
    return counted_of(document, *path) if _section(document, *path, keys=("messages", "per")) else None


def counted_of(document: Document, *path: Step) -> Cap:
    """The `messages` and `per` of a mapping. Raises DefinitionError."""
    messages = document.value(*path, "messages")
    if isinstance(messages, bool) or not isinstance(messages, int) or not 1 <= messages <= 1000:
        raise document.error("'messages' is a whole number from 1 to 1000", *path, "messages")
    per = duration(document, *path, "per")
    if per is None:
        raise document.error("'per' is missing", *path, code="missing", hint="per: 7 days")
    return Cap(int(messages), per)


def quiet_of(document: Document, *path: Step) -> Quiet | None:
    """The hours in which nothing is sent, if that is said."""
    given = document.value(*path)
    if given is None:
        return None
    hint = 'quiet_hours: ["21:00", "09:00"]'
    times: list[time] = []
    for item in given if isinstance(given, list) else ():
        found = TIME.fullmatch(str(item))
        if found is not None:
            times.append(time(int(found[1]), int(found[2])))
    if not isinstance(given, list) or len(given) != 2 or len(times) != 2:
        raise document.error("'quiet_hours' are two times of day", *path, hint=hint)
    if times[0] == times[1]:
        raise document.error("these quiet hours never end", *path, hint=hint)
    return Quiet(times[0], times[1])


def share_of(document: Document, *path: Step, lowest: float = 0.0, highest: float = 1.0) -> float | None:
    """The share at the path, within its bounds; None when absent. Raises DefinitionError."""
    given = document.value(*path)
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not lowest <= given <= highest:
        raise document.error(f"'{path[-1]}' is a share from {lowest:g} to {highest:g}", *path)
    return float(given)


def hold_of(document: Document, *path: Step) -> Hold | None:
    """When a send holds itself, if that is said. A size may move by more than all of it."""
    if not _section(document, *path, keys=("older", "moved")):
        return None
    return Hold(
        older=duration(document, *path, "older"),
        moved=share_of(document, *path, "moved", highest=100.0),
    )


def schedule_of(document: Document, *path: Step) -> str:
    """The moments at which it begins: five fields of cron, or one moment; '' when none is said."""
    text = document.string(*path)
    if text and once_at(text, _ZONE) is None:
        try:
            CronSim(text, _ANY_TIME)
        except CronSimError as error:
            raise document.error(
                f"'{text}' is no schedule: {error}", *path, hint='"0 10 * * 1", or "2026-12-01 10:00"'
            ) from error
    return text


BEST_HOUR = "best hour"
AT_ONCE = "at once"
A_DAY = timedelta(hours=24)
_BEST_OF = re.compile(r"best of \[?([a-z, ]+)\]?")
_WITHIN = (timedelta(hours=1), timedelta(days=7))


def channels_of(document: Document, *path: Step) -> tuple[str, ...]:
    """The channel; or those of which each person's best is chosen. Raises DefinitionError."""
    found = _BEST_OF.fullmatch(document.string(*path))
    if found is None:
        return (choice(document, *path, among=CHANNELS, default=EMAIL),)
    named = tuple(word.strip() for word in found[1].split(","))
    for name in named:
        if name not in CHANNELS:
            raise document.error(
                f"'{path[-1]}' is best of some of {', '.join(CHANNELS)}, not '{name}'",
                *path,
                hint=did_you_mean(name, CHANNELS),
            )
    if len(set(named)) < max(len(named), 2):
        raise document.error("the best is chosen of two or more channels, each once", *path)
    return named


def channels_named(text: str) -> tuple[str, ...]:
    """The channels that a campaign's text names, whatever else stands in it. Raises DefinitionError."""
    return channels_of(Document(text, where="message"), "channel")


def templates_of(
    document: Document, *path: Step, channels: tuple[str, ...], whole: bool = True
) -> dict[str, str]:
    """The file of each channel, where there are several. `whole`: none may be missing. Raises DefinitionError."""
    given = document.value(*path)
    several = len(channels) > 1
    if given is None and not (several and whole):
        return {}
    hint = f"templates: {{{', '.join(f'{name}: …' for name in channels)}}}"
    if not several:
        raise document.error("one channel has one 'template'", *path, hint="template: spring.html")
    if document.value(*path[:-1], "template") is not None:
        raise document.error("several channels have 'templates'", *path[:-1], "template", hint=hint)
    if not isinstance(given, dict):
        place = path if given is not None else path[:-1]
        raise document.error("'templates' names a file for each channel", *place, code="missing", hint=hint)
    document.known_keys(channels, *path)
    missing = [name for name in channels if name not in given]
    if missing and whole:
        raise document.error(f"there is no template for {missing[0]}", *path, code="missing", hint=hint)
    return {name: document.string(*path, name, required=True) for name in given}


def best_hour_of(document: Document, *path: Step) -> timedelta | None:
    """Within how long each person's best hour is looked for; None: it goes at once. Raises DefinitionError."""
    when = choice(document, *path, "when", among=(AT_ONCE, BEST_HOUR), default=AT_ONCE)
    within = duration(document, *path, "within")
    if when == AT_ONCE:
        if within is not None:
            raise document.error(
                "'within' is how long a best hour is looked for", *path, "within", hint=f"when: {BEST_HOUR}"
            )
        return None
    if within is None:
        return A_DAY
    if not _WITHIN[0] <= within <= _WITHIN[1]:
        raise document.error("'within' is 1 hour to 7 days", *path, "within", hint="within: 24 hours")
    return within


def money_of(document: Document, *path: Step) -> int | None:
    """The amount at the path, in 1/10,000 of the currency unit; None when absent. Raises DefinitionError."""
    given: Any = document.value(*path)
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 1e12:
        raise document.error("it is an amount of money, 0 or more", *path, hint="0.05")
    units = Decimal(str(given)) * MONEY_SCALE
    if units != int(units):
        raise document.error("an amount has at most four places", *path)
    return int(units)


def variants_of(document: Document, *path: Step, channels: tuple[str, ...] = (EMAIL,)) -> tuple[Variant, ...]:
    """Other texts for some of the people."""
    given = document.value(*path)
    if given is None:
        return ()
    if not isinstance(given, list):
        raise document.error("'variants' are a list", *path)
    found: list[Variant] = []
    for number, item in enumerate(given):
        at: tuple[Step, ...] = (*path, number)
        if not isinstance(item, dict):
            raise document.error("a variant has name, when and template", *at)
        document.known_keys(("name", "when", "template", "templates", "subject", "text"), *at)
        name = document.string(*at, "name", required=True)
        if not NAME.fullmatch(name) or name in [other.name for other in found]:
            raise document.error("each variant has a name of its own, [a-z][a-z0-9_]*", *at, "name")
        if number + 1 < len(given):
            document.string(*at, "when", required=True)
        found.append(
            Variant(
                name=name,
                when=condition(document, "person", *at, "when"),
                template=document.string(*at, "template", required=len(channels) == 1),
                subject=document.string(*at, "subject"),
                text=document.string(*at, "text"),
                templates=templates_of(document, *at, "templates", channels=channels, whole=False),
            )
        )
    return tuple(found)


def texts_of(
    document: Document, variants: tuple[Variant, ...], *at: Step, several: bool = False
) -> tuple[str, str]:
    """Template and subject of a message; those of its last variant, where that one is for everybody else.

    `several`: it goes by several channels, each with a template of its own.
    """
    rest = variants[-1] if variants and not variants[-1].when else None
    template = document.string(*at, "template", required=rest is None and not several)
    subject = document.string(*at, "subject")
    return (template, subject) if rest is None else (template or rest.template, subject or rest.subject)


def scene_of(document: Document) -> str:
    """The name of the scene that it belongs to, '' when it says none. Raises DefinitionError."""
    name = document.string("scene")
    if name and not NAME.fullmatch(name):
        raise document.error(f"'{name}' is no scene name", "scene", hint="use [a-z][a-z0-9_]*, at most 64")
    return name


def url_of(document: Document, *path: Step) -> str:
    """The URL at the path, which can be posted to. Raises DefinitionError."""
    url = document.string(*path, required=True)
    try:
        parts = urlsplit(url)
        good = (
            parts.scheme in ("http", "https")
            and parts.hostname
            and parts.username is None
            and parts.port != 0
        )
    except ValueError:
        good = False
    if not good or not url.isascii() or not url.isprintable() or " " in url:
        raise document.error(
            "this is no URL that can be posted to", *path, hint="url: https://crm.example/limner"
        )
    return url


def condition(document: Document, scope: Scope, *path: Step) -> str:
    """The condition at the path, which can be read; '' when none is said. Raises DefinitionError."""
    text = document.string(*path)
    if text:
        try:
            parse(text, scope)
        except ExpressionError as error:
            raise document.wrapped(error, *path) from error
    return text


def duration(document: Document, *path: Step) -> timedelta | None:
    """The length at the path, at most ten years. Raises DefinitionError."""
    length = document.duration(*path)
    if length is not None and length > _LONGEST:
        raise document.error(f"'{path[-1]}' is longer than ten years", *path)
    return length


def goal_fields(goal: Goal) -> Json:
    """What the goal says, as JSON; '' where it says nothing."""
    return {
        "metric": goal.metric,
        "event": goal.event,
        "where": goal.where,
        "money": goal.money,
        "within": spoken(goal.within),
    }


def frozen(campaign: Campaign) -> str:
    """The campaign's text as it is kept with a sending: a metric of its goal is spelled out as it measures now."""
    goal = campaign.goal
    if goal is None or not goal.metric:
        return campaign.definition
    document = Document(campaign.definition, where=f"campaigns/{campaign.name}.yml")
    return document.edited({"goal": _plain(goal_fields(goal))}, order=KEYS)


# The form: the same fields as JSON


def fields_of(campaign: Campaign) -> Json:
    """Everything that the campaign's file can say, as a form shows it; null or empty where it says nothing."""
    goal, cap, quiet, hold = campaign.goal, campaign.cap, campaign.quiet, campaign.hold
    return {
        "title": {} if campaign.title == {"": campaign.name} else dict(campaign.title),
        "scene": campaign.scene,
        "audience": campaign.audience,
        "holdout": campaign.holdout,
        "channel": channel_text(campaign),
        "class": campaign.message_class,
        "template": campaign.template,
        "templates": dict(campaign.templates),
        "subject": campaign.subject,
        "text": campaign.text,
        "subject_prefix": campaign.subject_prefix,
        "goal": goal and goal_fields(goal),
        "cap": cap and {"messages": cap.messages, "per": spoken(cap.per)},
        "quiet_hours": quiet and [quiet.start.strftime("%H:%M"), quiet.end.strftime("%H:%M")],
        "schedule": campaign.schedule,
        "when": BEST_HOUR if campaign.best_hour else "",
        "within": spoken(campaign.best_hour) if campaign.best_hour else "",
        "response_value": None if campaign.response_value is None else campaign.response_value / MONEY_SCALE,
        "hold": hold and {"older": hold.older and spoken(hold.older), "moved": hold.moved},
        "from": campaign.sender,
        "seed": campaign.seed,
        "variants": [
            {
                "name": variant.name,
                "when": variant.when,
                "template": variant.template,
                "subject": variant.subject,
                "text": variant.text,
                "templates": dict(variant.templates),
            }
            for variant in campaign.variants
        ],
        "picks": asks_of(campaign.picks),
        "owner": campaign.owner,
        "why": campaign.why,
    }


def written(text: str, fields: Json, *, name: str) -> str:
    """The file's text with these fields; others, comments and the order of lines stay. Empty ones go.

    Raises DefinitionError when the text is no mapping, or a field is not known.
    """
    if not text.strip():
        ordered = {key: _plain(fields[key]) for key in KEYS if key in fields and not _blank(key, fields[key])}
        return dumped(ordered)
    document = Document(text, where=f"campaigns/{name}.yml")
    for key in fields:
        if key not in KEYS:
            raise document.error(f"unknown key '{key}'", hint=did_you_mean(key, KEYS))
    changes = {key: None if _blank(key, value) else _plain(value) for key, value in fields.items()}
    made = document.edited(changes, order=KEYS)
    picks, there = changes.get("picks"), document.value("picks")
    if isinstance(picks, dict) and isinstance(there, dict) and list(picks) != list(there):
        return in_order(made, "picks", list(picks))
    return made


def _blank(key: str, value: Any) -> bool:
    """Whether a field says nothing. A holdout of 0 is said."""
    return value is None or value == "" or (key != "holdout" and value in ([], {}))


def _plain(value: Any) -> Any:
    """The value as the file says it: without empty parts, a title without languages as one text."""
    if isinstance(value, dict):
        if set(value) == {""}:
            return value[""]
        return {key: _plain(item) for key, item in value.items() if item not in (None, "", {}, [])}
    if isinstance(value, list):
        listed = CommentedSeq([_plain(item) for item in value])
        if not any(isinstance(item, dict) for item in value):
            listed.fa.set_flow_style()
        return listed
    if isinstance(value, str) and _LOOKS_ELSE.match(value):
        return DoubleQuotedScalarString(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
