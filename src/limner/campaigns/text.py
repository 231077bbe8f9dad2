"""A campaign's file → Campaign; each mistake with file:line:column. Knows no catalogue and no template."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from cronsim import CronSim, CronSimError

from limner.campaigns.model import CHANNELS, Campaign, Cap, Goal, Quiet, Variant
from limner.consents.model import CLASSES, MARKETING
from limner.errors import DefinitionError, ExpressionError, did_you_mean
from limner.expressions.build import Scope
from limner.expressions.parse import parse
from limner.tags.document import Document, Step

KEYS = (
    "title", "audience", "holdout", "channel", "template", "subject", "text", "subject_prefix", "class",
    "goal", "cap", "quiet_hours", "schedule", "from", "seed", "variants", "owner", "why",
)  # fmt: skip
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
MAX_HOLDOUT = 0.9
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_LONGEST = timedelta(days=3660)
# CronSim wants a start; only whether it can be read matters here.
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def read(text: str, name: str, *, file: str | None = None) -> Campaign:
    """The campaign that the text defines. Raises DefinitionError at the place that is wrong."""
    document = Document(text, where=file or f"campaigns/{name}.yml")
    if not NAME.fullmatch(name):
        raise DefinitionError(
            f"'{name}' is no campaign name", where=document.where, hint="use [a-z][a-z0-9_]*, at most 64"
        )
    document.known_keys(KEYS)
    channel = _choice(document, "channel", CHANNELS, "email")
    subject = document.string("subject")
    if channel == "email" and not subject.strip():
        raise document.error("an e-mail needs a subject", code="missing", hint="subject: …")
    seed = document.value("seed")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, str | int)):
        raise document.error("'seed' is a text", "seed")
    return Campaign(
        name=name,
        title=document.titles("title") or {"": name},
        audience=document.string("audience", required=True),
        channel=channel,
        template=document.string("template", required=True),
        subject=subject,
        text=document.string("text"),
        subject_prefix=document.string("subject_prefix"),
        message_class=_choice(document, "class", CLASSES, MARKETING),
        holdout=_holdout(document),
        goal=_goal(document),
        cap=_cap(document),
        quiet=_quiet(document),
        schedule=_schedule(document),
        sender=document.string("from"),
        seed="" if seed is None else str(seed),
        owner=document.string("owner"),
        why=document.string("why"),
        variants=_variants(document),
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


def _choice(document: Document, key: str, among: tuple[str, ...], default: str) -> str:
    given = document.string(key) or default
    if given not in among:
        raise document.error(
            f"'{key}' is one of {', '.join(among)}, not '{given}'", key, hint=did_you_mean(given, among)
        )
    return given


def _holdout(document: Document) -> float:
    given = document.value("holdout")
    if given is None:
        return 0.1
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= MAX_HOLDOUT:
        raise document.error(f"'holdout' is a share from 0 to {MAX_HOLDOUT}", "holdout", hint="holdout: 0.1")
    return float(given)


def _section(document: Document, key: str, keys: tuple[str, ...]) -> bool:
    """Whether the section is there. Raises DefinitionError when it is no mapping of these keys."""
    given = document.value(key)
    if given is None:
        return False
    if not isinstance(given, dict):
        raise document.error(f"'{key}' holds {', '.join(keys)}", key)
    document.known_keys(keys, key)
    return True


def _goal(document: Document) -> Goal | None:
    if not _section(document, "goal", ("event", "where", "money", "within")):
        return None
    return Goal(
        event=document.string("goal", "event", required=True),
        where=_condition(document, "event", "goal", "where"),
        money=document.string("goal", "money"),
        within=_duration(document, "goal", "within") or timedelta(days=14),
    )


def _cap(document: Document) -> Cap | None:
    if not _section(document, "cap", ("messages", "per")):
        return None
    messages = document.value("cap", "messages")
    if isinstance(messages, bool) or not isinstance(messages, int) or not 1 <= messages <= 1000:
        raise document.error("'messages' is a whole number from 1 to 1000", "cap", "messages")
    per = _duration(document, "cap", "per")
    if per is None:
        raise document.error("'per' is missing", "cap", code="missing", hint="per: 7 days")
    return Cap(int(messages), per)


def _quiet(document: Document) -> Quiet | None:
    given = document.value("quiet_hours")
    if given is None:
        return None
    hint = 'quiet_hours: ["21:00", "09:00"]'
    times: list[time] = []
    for item in given if isinstance(given, list) else ():
        found = _TIME.fullmatch(str(item))
        if found is not None:
            times.append(time(int(found[1]), int(found[2])))
    if not isinstance(given, list) or len(given) != 2 or len(times) != 2:
        raise document.error("'quiet_hours' are two times of day", "quiet_hours", hint=hint)
    if times[0] == times[1]:
        raise document.error("these quiet hours never end", "quiet_hours", hint=hint)
    return Quiet(times[0], times[1])


def _schedule(document: Document) -> str:
    text = document.string("schedule")
    if text:
        try:
            CronSim(text, _ANY_TIME)
        except CronSimError as error:
            raise document.error(
                f"'{text}' is no schedule: {error}", "schedule", hint="for example 0 10 * * 1"
            ) from error
    return text


def _variants(document: Document) -> tuple[Variant, ...]:
    given = document.value("variants")
    if given is None:
        return ()
    if not isinstance(given, list):
        raise document.error("'variants' are a list", "variants")
    found: list[Variant] = []
    for number, item in enumerate(given):
        at: tuple[Step, ...] = ("variants", number)
        if not isinstance(item, dict):
            raise document.error("a variant has name, when and template", *at)
        document.known_keys(("name", "when", "template", "subject", "text"), *at)
        name = document.string(*at, "name", required=True)
        if not NAME.fullmatch(name) or name in [other.name for other in found]:
            raise document.error("each variant has a name of its own, [a-z][a-z0-9_]*", *at, "name")
        document.string(*at, "when", required=True)
        found.append(
            Variant(
                name=name,
                when=_condition(document, "person", *at, "when"),
                template=document.string(*at, "template", required=True),
                subject=document.string(*at, "subject"),
                text=document.string(*at, "text"),
            )
        )
    return tuple(found)


def _condition(document: Document, scope: Scope, *path: Step) -> str:
    text = document.string(*path)
    if text:
        try:
            parse(text, scope)
        except ExpressionError as error:
            raise document.wrapped(error, *path) from error
    return text


def _duration(document: Document, *path: Step) -> timedelta | None:
    length = document.duration(*path)
    if length is not None and length > _LONGEST:
        raise document.error(f"'{path[-1]}' is longer than ten years", *path)
    return length
