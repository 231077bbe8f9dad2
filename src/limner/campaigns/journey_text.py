"""A journey's file → Journey, each mistake with file:line:column. Knows no catalogue and no template."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from limner.campaigns import text as campaign_text
from limner.campaigns.journey import (
    END,
    Again,
    Branch,
    Case,
    Give,
    Happening,
    Journey,
    Leave,
    Send,
    Share,
    Split,
    Start,
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
    waits,
)
from limner.campaigns.model import EMAIL
from limner.campaigns.stepping import reached
from limner.campaigns.text import NAME, url_of
from limner.consents.model import CLASSES, MARKETING
from limner.content.text import picks_of
from limner.errors import DefinitionError, ExpressionError, did_you_mean
from limner.expressions import parse_value
from limner.expressions.tree import Attribute, Name
from limner.tags.document import Document, dumped, in_order
from limner.tags.document import Step as At

KEYS = (
    "title", "scene", "start", "only", "again", "leave", "steps", "moved", "goal", "holdout", "play", "hold", "seed",
    "owner",
    "why", "layout",
)  # fmt: skip
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MOST_STEPS = 200
MESSAGE = (
    "channel", "template", "templates", "subject", "text", "subject_prefix", "class", "cap", "quiet_hours", "when",
    "within", "response_value", "from", "variants", "picks", "useful",
)  # fmt: skip
STARTS = {
    "event": ("event", "where"),
    "enters": ("enters",),
    "leaves": ("leaves",),
    "date": ("date", "before", "after", "at", "yearly"),
    "schedule": ("schedule", "audience"),
}


@lru_cache(maxsize=1_000)  # the same text is the same journey, and a journey never changes
def read(text: str, name: str, *, file: str | None = None) -> Journey:
    """The journey that the text defines. Raises DefinitionError at the place that is wrong."""
    document = Document(text, where=file or f"journeys/{name}.yml")
    if not NAME.fullmatch(name):
        raise DefinitionError(
            f"'{name}' is no journey name", where=document.where, hint="use [a-z][a-z0-9_]*, at most 64"
        )
    document.known_keys(KEYS)
    steps = _steps(document)
    journey = Journey(
        name=name,
        title=document.titles("title") or {"": name},
        start=_start(document),
        steps=steps,
        only=campaign_text.condition(document, "person", "only"),
        again=_again(document),
        leaves=_leaves(document),
        goal=campaign_text.goal_of(document),
        holdout=campaign_text.holdout_of(document),
        play=document.string("play"),
        scene=campaign_text.scene_of(document),
        hold=campaign_text.hold_of(document, "hold"),
        seed=document.string("seed"),
        owner=document.string("owner"),
        why=document.string("why"),
        moved=_moved(document, steps),
        layout=_layout(document, steps),
        definition=text,
    )
    _sound(document, journey)
    return journey


def read_file(path: Path) -> Journey:
    """The journey of a file; the file's name is its name."""
    place = f"journeys/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DefinitionError("the file is not UTF-8", where=place) from error
    return read(text, path.stem, file=place)


def plain(value: Any) -> Any:
    """What a file says, as JSON: without comments and quotes; dates as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    return str(value)


def written(text: str, changes: Mapping[str, Any], *, name: str) -> str:
    """The file's text with these keys set (None takes one away); what does not change stays as it was written.

    Steps stand in the order that `changes` gives them. Raises DefinitionError for what is no YAML, or an unknown key.
    """
    for key in changes:
        if key not in KEYS:
            raise DefinitionError(
                f"unknown key '{key}'", where=f"journeys/{name}.yml", hint=did_you_mean(key, KEYS)
            )
    if not text.strip():
        return dumped({key: changes[key] for key in KEYS if changes.get(key) is not None})
    document = Document(text, where=f"journeys/{name}.yml")
    steps = changes.get("steps")
    made = document.edited(changes, order=KEYS)
    return made if not isinstance(steps, Mapping) else in_order(made, "steps", list(steps))


def read_folder(folder: Path) -> dict[str, Journey]:
    """Every journey of `folder/*.yml`, by name. Raises DefinitionError for the first file that is wrong."""
    return {path.stem: read_file(path) for path in sorted(folder.glob("*.yml"))} if folder.is_dir() else {}


def _start(document: Document) -> Start:
    given = document.value("start")
    if not isinstance(given, dict):
        raise document.error(
            "'start' says who enters",
            *(("start",) if given is not None else ()),
            code="missing",
            hint="start: {event: Cart Added}, or enters, leaves, date, schedule",
        )
    kinds = [kind for kind in STARTS if kind in given]
    if len(kinds) != 1:
        raise document.error(f"'start' has one of {', '.join(STARTS)}", "start", code="start")
    (kind,) = kinds
    document.known_keys(STARTS[kind], "start")
    match kind:
        case "event":
            return WhenDone(_happening(document, "event", "start"))
        case "enters" | "leaves":
            return WhenMember(document.string("start", kind, required=True), kind == "enters")
        case "date":
            before = campaign_text.duration(document, "start", "before")
            after = campaign_text.duration(document, "start", "after")
            if before is not None and after is not None:
                raise document.error("it is before the date or after it", "start", "after")
            yearly = _truth(document, "start", "yearly")
            return WhenDated(
                value=_of_person(document, "start", "date"),
                before=before or -(after or timedelta(0)),
                at=_time(document, "start", "at"),
                yearly=yearly,
            )
        case _:
            schedule = campaign_text.schedule_of(document, "start", "schedule")
            return WhenDue(schedule, document.string("start", "audience", required=True))


def _of_person(document: Document, *path: At) -> str:
    """A value of the person: a tag, or an attribute (`person.birthday`), that is a date."""
    text = document.string(*path, required=True)
    try:
        tree = parse_value(text)
    except ExpressionError as error:
        raise document.wrapped(error, *path) from error
    if not isinstance(tree, Name | Attribute):
        raise document.error("it is a tag or an attribute of the person", *path, hint="date: person.birthday")
    return text


def _happening(document: Document, key: str, *path: At) -> Happening:
    return Happening(
        document.string(*path, key, required=True),
        campaign_text.condition(document, "event", *path, "where"),
    )


def _again(document: Document) -> Again:
    given = document.value("again")
    if given is None or given is False or given == "never":
        return Again()
    if given is True or given == "always":
        return Again(ever=True)
    after = campaign_text.duration(document, "again")
    assert after is not None  # noqa: S101 - it is there
    return Again(ever=True, after=after)


def _leaves(document: Document) -> tuple[Leave, ...]:
    given = document.value("leave")
    if given is None:
        return ()
    if not isinstance(given, list):
        raise document.error("'leave' is a list", "leave", hint="leave: [{event: Order Paid}]")
    found: list[Leave] = []
    for number, item in enumerate(given):
        at: tuple[At, ...] = ("leave", number)
        if not isinstance(item, dict) or ("event" in item) == ("when" in item):
            raise document.error("who leaves is said by 'event' or by 'when'", *at)
        document.known_keys(("name", "event", "where") if "event" in item else ("name", "when"), *at)
        name = document.string(*at, "name") or str(number + 1)
        if "event" in item:
            found.append(Leave(name, happening=_happening(document, "event", *at)))
        else:
            found.append(Leave(name, when=campaign_text.condition(document, "person", *at, "when")))
    return tuple(found)


# The steps


def _steps(document: Document) -> dict[str, Step]:
    given = document.value("steps")
    if not isinstance(given, dict) or not given:
        raise document.error(
            "'steps' is a mapping of name: step",
            *(("steps",) if given is not None else ()),
            code="missing",
            hint="steps: {hello: {message: {…}}}",
        )
    if len(given) > MOST_STEPS:
        raise document.error(f"a journey has at most {MOST_STEPS} steps", "steps", code="too_complex")
    names = list(given)
    for name in names:
        if not isinstance(name, str) or not NAME.fullmatch(name) or name == END:
            raise document.error(
                f"'{name}' is no name of a step",
                "steps",
                name,
                of_key=True,
                hint="[a-z][a-z0-9_]*, not 'end'",
            )
    following = dict(zip(names, [*names[1:], END], strict=True))
    return {name: _step(document, name, names, following[name]) for name in names}


def _step(document: Document, name: str, names: list[str], following: str) -> Step:
    at: tuple[At, ...] = ("steps", name)
    given = document.value(*at)
    kinds = [kind for kind in _KINDS if isinstance(given, dict) and kind in given]
    if len(kinds) != 1:
        raise document.error(f"a step has one of {', '.join(_KINDS)}", *at, code="step")
    keys, made = _KINDS[kinds[0]]
    document.known_keys((kinds[0], *keys), *at)

    def leads(*path: At) -> str:
        """The step that a `next` names; where it names none, the one that follows in the file."""
        found = document.string(*at, *path)
        if found and found != END and found not in names:
            hint = did_you_mean(found, [*names, END])
            raise document.error(f"there is no step '{found}'", *at, *path, code="not_found", hint=hint)
        return found or following

    return made(document, at, leads)


Leads = Callable[..., str]


def _wait(document: Document, at: tuple[At, ...], leads: Leads) -> Step:
    length = campaign_text.duration(document, *at, "wait")
    if not length:
        raise document.error("it waits for no time", *at, "wait", hint="wait: 3 days")
    return Wait(length, leads("next"))


def _until(document: Document, at: tuple[At, ...], leads: Leads) -> Step:
    given = document.value(*at, "on")
    days = [given] if isinstance(given, str) else list(given or ())
    wrong = [day for day in days if str(day).lower() not in DAYS]
    if wrong:
        raise document.error(f"'{wrong[0]}' is no day", *at, "on", hint="on: [monday, friday]")
    numbers = tuple(sorted({DAYS.index(str(day).lower()) + 1 for day in days}))
    return Until(_time(document, *at, "until"), numbers, leads("next"))


def _wait_for(document: Document, at: tuple[At, ...], leads: Leads) -> Step:
    most = campaign_text.duration(document, *at, "at_most")
    if not most:
        raise document.error("how long does it wait?", *at, code="missing", hint="at_most: 3 days")
    return WaitFor(_happening(document, "wait_for", *at), most, leads("next"), leads("missed"))


def _branch(document: Document, at: tuple[At, ...], leads: Leads) -> Step:
    given = document.value(*at, "branch")
    if not isinstance(given, list) or not given:
        raise document.error(
            "'branch' is a list of cases", *at, "branch", hint="branch: [{when: …, next: …}]"
        )
    cases = []
    for number, item in enumerate(given):
        place: tuple[At, ...] = (*at, "branch", number)
        if not isinstance(item, dict):
            raise document.error("a case has when and next", *place)
        document.known_keys(("when", "next"), *place)
        document.string(*place, "when", required=True)
        document.string(*place, "next", required=True)
        cases.append(
            Case(campaign_text.condition(document, "person", *place, "when"), leads("branch", number, "next"))
        )
    return Branch(tuple(cases), leads("next"))


def _split(document: Document, at: tuple[At, ...], leads: Leads) -> Step:
    given = document.value(*at, "split")
    if not isinstance(given, dict) or len(given) < 2:
        raise document.error(
            "'split' has two or more shares", *at, "split", hint="split: {a: {percent: 50, next: …}, b: …}"
        )
    shares = []
    for name, item in given.items():
        place: tuple[At, ...] = (*at, "split", name)
        if not NAME.fullmatch(str(name)) or not isinstance(item, dict):
            raise document.error("a share has a name, percent and next", *place)
        document.known_keys(("percent", "next"), *place)
        percent = document.value(*place, "percent")
        if isinstance(percent, bool) or not isinstance(percent, int | float) or not 0 < percent <= 100:
            raise document.error("'percent' is a number over 0, up to 100", *place, code="percent")
        document.string(*place, "next", required=True)
        shares.append(Share(str(name), float(percent), leads("split", name, "next")))
    if abs(sum(share.percent for share in shares) - 100) > 1e-9:
        raise document.error("the shares do not add up to 100 percent", *at, "split", code="percent")
    return Split(tuple(shares), _truth(document, *at, "sticky"))


def _message(document: Document, at: tuple[At, ...], leads: Leads) -> Step:
    place: tuple[At, ...] = (*at, "message")
    if not isinstance(document.value(*place), dict):
        raise document.error("a message has a channel and a template", *place)
    document.known_keys(MESSAGE, *place)
    channels = campaign_text.channels_of(document, *place, "channel")
    several = len(channels) > 1
    variants = campaign_text.variants_of(document, *place, "variants", channels=channels)
    template, subject = campaign_text.texts_of(document, variants, *place, several=several)
    if EMAIL in channels and not subject.strip():
        raise document.error("an e-mail needs a subject", *place, code="missing", hint="subject: …")
    return Send(
        channel=channels[0],
        template=template,
        next=leads("next"),
        subject=subject,
        text=document.string(*place, "text"),
        subject_prefix=document.string(*place, "subject_prefix"),
        message_class=campaign_text.choice(document, *place, "class", among=CLASSES, default=MARKETING),
        cap=campaign_text.cap_of(document, *place, "cap"),
        quiet=campaign_text.quiet_of(document, *place, "quiet_hours"),
        sender=document.string(*place, "from"),
        variants=variants,
        picks=picks_of(document, *place, "picks"),
        useful=campaign_text.duration(document, *place, "useful"),
        channels=channels if several else (),
        templates=campaign_text.templates_of(document, *place, "templates", channels=channels),
        best_hour=campaign_text.best_hour_of(document, *place),
        response_value=campaign_text.money_of(document, *place, "response_value"),
    )


def _give(document: Document, at: tuple[At, ...], leads: Leads) -> Step:
    given = document.value(*at)
    value = given.get("value", True)
    if value is not None and not isinstance(value, bool | str | int | float):
        raise document.error("'value' is a text, a number, true, false or null", *at, "value")
    return Give(document.string(*at, "tag", required=True), value, leads("next"))


def _task(document: Document, at: tuple[At, ...], leads: Leads) -> Step:
    return Task(
        text=document.string(*at, "task", required=True),
        to=document.string(*at, "to"),
        within=campaign_text.duration(document, *at, "within"),
        next=leads("next"),
    )


def _webhook(document: Document, at: tuple[At, ...], leads: Leads) -> Step:
    place: tuple[At, ...] = (*at, "webhook")
    if not isinstance(document.value(*place), dict):
        raise document.error("a webhook has a url and perhaps data", *place, hint="webhook: {url: https://…}")
    document.known_keys(("url", "data"), *place)
    data = document.value(*place, "data")
    if data is not None and not isinstance(data, dict):
        raise document.error("'data' is a mapping of key: text", *place, "data")
    for key, value in (data or {}).items():
        if isinstance(value, dict | list) or value is None:
            raise document.error(f"'{key}' is no text", *place, "data", key)
    return Webhook(
        url_of(document, *place, "url"),
        {str(key): str(value) for key, value in (data or {}).items()},
        leads("next"),
    )


_KINDS: Mapping[str, tuple[tuple[str, ...], Callable[[Document, tuple[At, ...], Leads], Step]]] = {
    "wait": (("next",), _wait),
    "until": (("on", "next"), _until),
    "wait_for": (("where", "at_most", "next", "missed"), _wait_for),
    "branch": (("next",), _branch),
    "split": (("sticky",), _split),
    "message": (("next",), _message),
    "tag": (("value", "next"), _give),
    "task": (("to", "within", "next"), _task),
    "webhook": (("next",), _webhook),
}
"""What a step can be: its other keys, and what reads it."""


def _time(document: Document, *path: At) -> time:
    found = campaign_text.TIME.fullmatch(str(document.value(*path) or ""))
    if found is None:
        raise document.error("it is a time of day", *path[:-1], code="missing", hint=f'{path[-1]}: "10:00"')
    return time(int(found[1]), int(found[2]))


def _truth(document: Document, *path: At) -> bool:
    given = document.value(*path)
    if given is not None and not isinstance(given, bool):
        raise document.error(f"'{path[-1]}' is true or false", *path)
    return bool(given)


def _moved(document: Document, steps: Mapping[str, Step]) -> dict[str, str]:
    """Where those go on who stand at a step that is gone, by that step's name."""
    given = document.value("moved")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise document.error(
            "'moved' is a mapping of steps that are gone: step", "moved", hint="moved: {old: new}"
        )
    for old in given:
        to = document.string("moved", old, required=True)
        if old in steps:
            raise document.error(
                f"the step '{old}' is there: nobody is moved from it", "moved", old, of_key=True
            )
        if to != END and to not in steps:
            hint = did_you_mean(to, [*steps, END])
            raise document.error(f"there is no step '{to}'", "moved", old, code="not_found", hint=hint)
    return {str(old): str(to) for old, to in given.items()}


def _layout(document: Document, steps: Mapping[str, Step]) -> dict[str, tuple[float, float]]:
    """Where the steps stand on the canvas. What is no place, or of no step, is left out: it means nothing."""
    given = document.value("layout")
    found = {}
    for name, place in given.items() if isinstance(given, dict) else ():
        if name in steps and isinstance(place, list) and len(place) == 2:
            with_numbers = [item for item in place if isinstance(item, int | float)]
            if len(with_numbers) == 2:
                found[name] = (float(with_numbers[0]), float(with_numbers[1]))
    return found


def _sound(document: Document, journey: Journey) -> None:
    """Raises DefinitionError when nobody can reach a step, or people would go round without ever waiting."""
    leads = reached(journey)
    seen, ahead = {journey.first}, [journey.first]
    while ahead:
        new = [name for name in leads[ahead.pop()] if name not in seen]
        seen.update(new)
        ahead += new
    for name in journey.steps:
        if name not in seen:
            raise document.error(
                f"nobody ever comes to '{name}'", "steps", name, of_key=True, code="unreached",
                hint="lead some 'next' to it, or take it out",
            )  # fmt: skip
    quick = {name for name, step in journey.steps.items() if not waits(step)}
    for name in journey.steps:
        if name in quick and name in _round(name, leads, quick):
            raise document.error(
                f"from '{name}' one comes back to it without waiting", "steps", name, of_key=True, code="endless",
                hint="put a wait between them",
            )  # fmt: skip


def _round(name: str, leads: Mapping[str, tuple[str, ...]], among: Collection[str]) -> set[str]:
    """The steps that one comes to from a step, over these steps alone."""
    found: set[str] = set()
    ahead = [name]
    while ahead:
        new = [step for step in leads[ahead.pop()] if step in among and step not in found]
        found.update(new)
        ahead += new
    return found
