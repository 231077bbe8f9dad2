"""Known-answer cases: neutral rule trees as Limner's text, and a driver that asks a session who belongs.

A case holds users with events, one rule and checkpoints: at an instant, with so many events received, the
listed people must be in and the others out. The driver knows no workspace: it is given a way to open one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from limner.expressions.printer import name_text, string_text
from limner.types import Json

_COMPARED = {"eq": "=", "neq": "!=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_COUNTED = {"eq": "exactly", "gte": "at least", "lte": "at most", "lt": "fewer than", "gt": "more than"}
_UNITS = (("week", 604_800), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


class Session(Protocol):
    """A fresh place that takes Segment-shaped calls and answers expressions."""

    def collect(self, calls: list[Json], received_at: datetime) -> None:
        """Takes the calls as if they arrived at that instant."""

    def set_audience(self, name: str, definition: str | list[str]) -> None:
        """Defines an audience by an expression or by the user ids of its members."""

    def people(self, expression: str, as_of: datetime) -> set[str]:
        """The user ids for whom the expression is true at the instant."""


@dataclass(frozen=True)
class Translation:
    """A rule as text, with the audiences that it names (an expression or user ids), in the order of need."""

    text: str
    audiences: Mapping[str, str | list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """A checkpoint that did not come out as the case says."""

    case: str
    now_s: float
    text: str
    missing: tuple[str, ...]
    extra: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{self.case} at {self.now_s} s: {self.text}\n  missing {self.missing}, not expected {self.extra}"
        )


def translate(rule: Json, t0: datetime) -> Translation:
    """The neutral rule tree as Limner's text. `t0`: what fixed dates in the rule count from.

    Raises ValueError for an operator that the language has no words for.
    """
    audiences: dict[str, str | list[str]] = {}
    return Translation(_rule(rule, t0, audiences), audiences)


def _rule(rule: Json, t0: datetime, audiences: dict[str, str | list[str]]) -> str:
    op = rule["op"]
    event = name_text_of(rule.get("event"))
    match op:
        case "and" | "or":
            return f" {op} ".join(f"({_rule(arg, t0, audiences)})" for arg in rule["args"])
        case "not":
            return f"not ({_rule(rule['arg'], t0, audiences)})"
        case "trait":
            return _trait(rule)
        case "did":
            return f"did {event}{_times(rule)}{_window(rule, t0)}{_where(rule)}"
        case "first_time":
            return f"first did {event}{_window(rule, t0)}{_where(rule)}"
        case "regularly":
            return (
                f"did {event}{_times(rule)} in at least {rule['min_periods']} of the last "
                f"{rule['total_periods']} periods of {_span(rule['period_s'])}{_where(rule)}"
            )
        case "sequence":
            then = name_text_of(rule["then"])
            return f"did {event}{_window(rule, t0)}{_where(rule)} then {then} within {_span(rule['gap_s'])}"
        case "restarted":
            far, near = _span(rule["gap_from_s"]), _span(rule["gap_to_s"])
            return (
                f"did {event} in last {near} and not did {event} between {far} and {near} ago "
                f"and did {event} more than {far} ago"
            )
        case "stopped":
            within, quiet = _span(rule["within_s"]), _span(rule["quiet_s"])
            return f"did {event} in last {within} and not did {event} in last {quiet}"
        case "last_event":
            return f"last {event}{_where(rule)} has ({_conditions(rule['has'])})"
        case "member_of":
            members = rule.get("static_members")
            audiences[rule["name"]] = _rule(rule["rule"], t0, audiences) if members is None else list(members)
            return f"in audience {name_text(rule['name'])}"
    raise ValueError(f"no words for the operator {op!r}")


def name_text_of(event: Any) -> str:
    """The name of an event, which a rule gives bare or as {event, where}."""
    if event is None:
        return ""
    name = event["event"] if isinstance(event, dict) else event
    return name if name == "*" else name_text(name)


def _trait(rule: Json) -> str:
    value = "person." + ".".join(name_text(step) for step in rule["path"].split("."))
    match rule["cmp"]:
        case "within_last":
            return f"{value} in last {_span(rule['seconds'])}"
        case "after_abs":
            return f"{value} >= {rule['value']}"
        case "has_been":
            longer = "less than" if rule["dir"] == "lt" else "at least"
            return f"{value} = {_literal(rule['value'])} for {longer} {_span(rule['seconds'])}"
    return _comparison(value, rule["cmp"], rule.get("value"))


def _comparison(value: str, compared: str, with_value: Any) -> str:
    match compared:
        case "exists":  # an empty string counts as nothing
            return f"(known({value}) and not {value} = '')"
        case "not_exists":
            return f"not (known({value}) and not {value} = '')"
        case "neq":  # somebody without the value differs too
            return f"not {value} = {_literal(with_value)}"
        case "includes" | "contains":
            return f"{value} {compared} {_literal(with_value)}"
    return f"{value} {_COMPARED[compared]} {_literal(with_value)}"


def _conditions(conditions: Iterable[Json]) -> str:
    return " and ".join(_comparison(name_text(c["path"]), c["cmp"], c.get("value")) for c in conditions)


def _where(rule: Json) -> str:
    event = rule.get("event")
    conditions = [
        *(rule.get("where") or ()),
        *((event.get("where") or ()) if isinstance(event, dict) else ()),
    ]
    return f" where ({_conditions(conditions)})" if conditions else ""


def _times(rule: Json) -> str:
    count = rule.get("count")
    if count is None or (count["cmp"], count["n"]) == ("gte", 1):
        return ""
    return f" {_COUNTED[count['cmp']]} {count['n']} times"


def _window(rule: Json, t0: datetime) -> str:
    if "within_s" in rule:
        return f" in last {_span(rule['within_s'])}"
    if "since_s" in rule:
        since = t0 + timedelta(seconds=rule["since_s"])
        return f" since {since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return ""


def _span(seconds: int) -> str:
    """A whole number of the longest unit that fits, such as `1 week`."""
    unit, size = next((unit, size) for unit, size in _UNITS if seconds % size == 0)
    n = int(seconds) // size
    return f"{n} {unit}{'' if n == 1 else 's'}"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return string_text(value) if isinstance(value, str) else repr(value)


# --- the driver -----------------------------------------------------------------------------------


def run(file: Path, open_session: Callable[[], AbstractContextManager[Session]]) -> tuple[int, int]:
    """How many cases passed and failed; prints each failure and ends with `N passed, M failed`.

    Each case has a session of its own.
    """
    passed = failed = 0
    for case in load(file):
        with open_session() as session:
            failures = check_case(case, session)
        for failure in failures:
            print(f"FAILED {failure}")
        passed, failed = passed + (not failures), failed + bool(failures)
    print(f"{passed} passed, {failed} failed")
    return passed, failed


def load(file: Path) -> list[Json]:
    """The cases of a file."""
    return list(json.loads(file.read_text(encoding="utf-8"))["cases"])


def check_case(case: Json, session: Session) -> list[Failure]:
    """The checkpoints of the case that did not come out."""
    t0 = datetime.fromisoformat(case["t0"].replace("Z", "+00:00"))
    translation = translate(case["rule"], t0)
    waiting = sorted(_calls(case, t0), key=lambda item: item[0])
    failures = []
    for name, definition in translation.audiences.items():
        if isinstance(definition, str):
            session.set_audience(name, definition)
    for checkpoint in case["checkpoints"]:
        now = t0 + timedelta(seconds=checkpoint["now_s"])
        limit = checkpoint.get("n_events")
        arrived = [call for seq, call in waiting if limit is None or seq < limit]
        waiting = [item for item in waiting if limit is not None and item[0] >= limit]
        if arrived:
            session.collect(arrived, now)
        for name, definition in translation.audiences.items():
            if not isinstance(definition, str):
                session.set_audience(name, definition)
        found = session.people(translation.text, now)
        missing = tuple(sorted(set(checkpoint["members"]) - found))
        extra = tuple(sorted(set(checkpoint["non_members"]) & found))
        if missing or extra:
            failures.append(Failure(case["id"], checkpoint["now_s"], translation.text, missing, extra))
    return failures


def _calls(case: Json, t0: datetime) -> Iterable[tuple[int, Json]]:
    """Each call with its place in the order of arrival; what is known of a user beforehand comes first."""
    for user in case["users"]:
        events = user["events"]
        earliest = min([event["at_s"] for event in events], default=0.0) - 1.0
        if user["properties"] or not events:
            yield -1, _call(case, user["id"], -1, "identify", t0, earliest, traits=user["properties"])
        for i, event in enumerate(events):
            seq = event.get("seq", i)
            if event.get("kind") == "identify":
                yield seq, _call(case, user["id"], i, "identify", t0, event["at_s"], traits=event["traits"])
            else:
                more = {"event": event["event"], "properties": event.get("properties", {})}
                yield seq, _call(case, user["id"], i, "track", t0, event["at_s"], **more)


def _call(case: Json, user: str, i: int, kind: str, t0: datetime, at_s: float, **more: Any) -> Json:
    at = (
        (t0 + timedelta(seconds=at_s))
        .astimezone(UTC)
        .isoformat(timespec="microseconds")
        .replace("+00:00", "Z")
    )
    return {"type": kind, "userId": user, "timestamp": at, "messageId": f"{case['id']}/{user}/{i}", **more}
