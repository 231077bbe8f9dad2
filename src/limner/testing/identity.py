"""Known-answer cases of identity: calls go in one after the other, then who is one person is asked.

A case lists operations (set, unset, track, identify, alias, login_in_session_of) and the people that must come
of them. The driver knows no workspace: it is given a way to open one session for each tenant of a case.

How an operation becomes Segment-shaped calls. An id that some operation of the case identifies, aliases or
names as the owner of a session is a user id; every other id is an anonymous one, a device. Properties are
traits of an identify call (`set`), `traitsOnce` (`set_once`) or traits of null (`unset`); the trait `email` is
a declared key. A login in somebody's session is an identify call with only an e-mail address, from the device
of the owner's session.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from limner.types import Json

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_APART = re.compile(r"(\S+) and (\S+) stay two people")
_MARK = "seen_in_session"


class Session(Protocol):
    """A fresh place that takes Segment-shaped calls and knows whose they are; e-mail is a declared key."""

    def collect(self, calls: list[Json], received_at: datetime) -> None:
        """Takes the calls as if they arrived at that instant."""

    def person_of(self, kind: str, value: str) -> str | None:
        """The outward id of the person whom the identifier names now; None when nobody has it."""

    def attributes(self, person: str) -> dict[str, Any]:
        """The person's attributes now."""


@dataclass(frozen=True)
class Failure:
    """Something of a case that did not come out."""

    case: str
    message: str

    def __str__(self) -> str:
        return f"{self.case}: {self.message}"


def run(file: Path, open_session: Callable[[], AbstractContextManager[Session]]) -> tuple[int, list[Failure]]:
    """How many cases of the file pass, and all that failed; prints each failure and the two numbers."""
    passed, failed, failures = 0, 0, []
    for case in json.loads(file.read_text(encoding="utf-8"))["cases"]:
        found = check_case(case, open_session)
        failures.extend(found)
        passed += not found
        failed += bool(found)
    for failure in failures:
        print(failure)
    print(f"{passed} passed, {failed} failed")
    return passed, failures


def check_case(case: Json, open_session: Callable[[], AbstractContextManager[Session]]) -> list[Failure]:
    """What of the case did not come out; every tenant has a session of its own."""
    operations = case["ops"]
    users = {op["id"] for op in operations if op["op"] in ("identify", "alias")}
    users |= {op["session_owner"] for op in operations if "session_owner" in op}
    owners = {op["session_owner"] for op in operations if "session_owner" in op}
    with ExitStack() as stack:
        sessions: dict[str, Session] = {}
        for at, op in enumerate(operations):
            tenant = op.get("tenant", "")
            if tenant not in sessions:
                sessions[tenant] = stack.enter_context(open_session())
            now = BEGIN + timedelta(minutes=at)
            for call in _calls(op, users, owners):
                stamp = now.isoformat().replace("+00:00", "Z")
                named = {"messageId": f"{case['id']}/{at}/{call['type']}", "timestamp": stamp}
                sessions[tenant].collect([{**call, **named}], now)
        return [Failure(case["id"], message) for message in _wrong(case, sessions, users)]


def _calls(op: Json, users: set[str], owners: set[str]) -> Iterator[Json]:
    """The calls of one operation."""
    match op["op"]:
        case "set" | "unset":
            changes = {**op.get("set", {}), **dict.fromkeys(op.get("unset", ()))}
            yield _identify(_who(op["id"], users, owners), changes, op.get("set_once"))
        case "track":
            yield {"type": "track", "event": op["event"], **_who(op["id"], users, owners)}
        case "identify":
            who = {"userId": op["id"], "anonymousId": op["anonymous_id"]}
            yield _identify(who, op.get("set", {}), op.get("set_once"))
        case "alias":
            yield {"type": "alias", "userId": op["id"], "previousId": op["previous_id"]}
        case "login_in_session_of":
            device = {"anonymousId": _session(op["session_owner"])}
            yield _identify(device, {"email": op["email"], _MARK: op["session_owner"]}, None)
        case unknown:
            raise ValueError(f"no call for the operation {unknown!r}")


def _identify(who: Json, traits: Json, once: Json | None) -> Json:
    return {"type": "identify", **who, "traits": traits, **({"traitsOnce": once} if once else {})}


def _who(name: str, users: set[str], owners: set[str]) -> Json:
    """The id in its place: as a user id, with the device of the user's session if the case has one."""
    if name not in users:
        return {"anonymousId": name}
    return {"userId": name, **({"anonymousId": _session(name)} if name in owners else {})}


def _session(owner: str) -> str:
    return f"session of {owner}"


def _wrong(case: Json, sessions: dict[str, Session], users: set[str]) -> Iterator[str]:
    """Each expectation of the case that does not hold."""

    def person(name: str, tenant: str = "") -> str | None:
        return sessions[tenant].person_of("user" if name in users else "device", name)

    if "expected" in case:
        pair = _APART.search(case["expected"])
        if pair is None:
            yield f"cannot read what is expected: {case['expected']}"
            return
        one, other = person(pair[1]), person(pair[2])
        if one is None or other is None or one == other:
            yield f"{pair[1]} is {one} and {pair[2]} is {other}, but {case['expected']}"
    people: dict[tuple[str, str], list[str]] = {}
    for group in case.get("expected_people", ()):
        tenant = group.get("tenant", "")
        found = {name: person(name, tenant) for name in group["ids"]}
        who = next(iter(found.values()))
        if who is None or set(found.values()) != {who}:
            yield f"{', '.join(group['ids'])} should be one person, but are {found}"
            continue
        people.setdefault((tenant, who), []).extend(group["ids"])
        if "properties" in group and sessions[tenant].attributes(who) != group["properties"]:
            held = sessions[tenant].attributes(who)
            yield f"{group['ids'][0]} should have {group['properties']}, but has {held}"
        if group.get("identified") and not any(name in users for name in group["ids"]):
            yield f"{group['ids'][0]} should be identified"
    if len(people) < len({tuple(group["ids"]) for group in case.get("expected_people", ())}):
        yield f"different people should stay apart, but are {sorted(people.values())}"
    yield from _moved(case, sessions, person)


def _moved(
    case: Json, sessions: dict[str, Session], person: Callable[[str, str], str | None]
) -> Iterable[str]:
    """A login in somebody's session by a known e-mail address: its event must be the address's person's."""
    for op in case["ops"]:
        if op["op"] != "login_in_session_of":
            continue
        tenant = op.get("tenant", "")
        known = [each["id"] for each in case["ops"] if each.get("set", {}).get("email") == op["email"]]
        for name in known:
            who, owner = person(name, tenant), person(op["session_owner"], tenant)
            marks = [sessions[tenant].attributes(each).get(_MARK) if each else None for each in (who, owner)]
            if sessions[tenant].person_of("email", op["email"]) != who:
                yield f"{op['email']} should be {name}"
            if marks != [op["session_owner"], None]:
                yield f"the session of {op['session_owner']} should have moved to {name}"
