"""What an entry must leave behind, as far as it can be seen from outside; the rest is "not checkable"."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from limner.testing import exchanges
from limner.testing.client import Server, Source
from limner.testing.exchanges import Exchange
from limner.types import Json

Check = Callable[["_Seen"], Sequence[str]]

SETTLE_SECONDS = 5.0
MB = 1_000_000


class _Seen:
    """One entry with its answers, and ways to look at what it left behind."""

    def __init__(self, server: Server, source: Source, entry: Json, exchange: Exchange) -> None:
        self.server, self.source, self.entry, self.exchange = server, source, entry, exchange
        self.answer = exchange.answers[-1]
        self.effect: str = entry["expected"]["effect"]

    def counts(self, **expected: int) -> list[str]:
        """Whether the source's counters become these; refusals are counted a moment after their answer."""
        until = time.monotonic() + SETTLE_SECONDS
        while True:
            found = self.server.counters(self.source)
            wrong = {name: found[name] for name, n in expected.items() if found[name] != n}
            if not wrong:
                return []
            if time.monotonic() > until:
                return [f"counters {wrong}, expected {expected}"]
            time.sleep(0.05)

    def warned(self, code: str, times: int = 1) -> list[str]:
        """Whether that many more warnings of the code are counted."""
        more = self.server.warnings().get(code, 0) - self.source.warned.get(code, 0)
        return [] if more >= times else [f"{more} warnings {code}, expected {times}"]

    def events(self, person: str, as_of: str = "") -> list[Json]:
        """The person's events from this entry."""
        return self.server.events(self.source, person, as_of)

    def property(self, person: str, name: str, value: Any) -> list[str]:
        """Whether the latest event of the person has this property."""
        found = [item["properties"].get(name) for item in self.events(person)]
        return [] if found[:1] == [value] else [f"{name} of {person} is {found[:1]}, expected {value!r}"]

    def attribute(self, person: str, name: str) -> Any:
        """The person's attribute, or None."""
        held = (self.server.person(person) or {}).get("attributes", [])
        return next((item["value"] for item in held if item["name"] == name), None)


def problems(server: Server, source: Source, entry: Json, exchange: Exchange) -> list[str]:
    """What is missing or wrong in what the entry left behind."""
    seen = _Seen(server, source, entry, exchange)
    checks = [check for pattern, check in PATTERNS if re.search(pattern, seen.effect)]
    special = SPECIAL.get(entry["id"])
    if special is not None:
        checks.append(special)
    if not seen.effect and not checks:
        return []
    if not checks:
        return [f"not checkable: {seen.effect}"]
    return [problem for check in checks for problem in check(seen)]


def _numbers(seen: _Seen, pattern: str) -> list[int]:
    found = re.search(pattern, seen.effect)
    return [int(item) for item in found.groups()] if found else []


def _refused(seen: _Seen) -> list[str]:
    return seen.counts(stored=0, quarantined=0, rejected=1)


def _stored(seen: _Seen) -> list[str]:
    return seen.counts(stored=1, rejected=0, quarantined=0)


def _split(seen: _Seen) -> list[str]:
    stored, aside = _numbers(seen, r"(\d+) stored, (\d+) in quarantine")
    return seen.counts(stored=stored, quarantined=aside, duplicate=0)


def _aside(seen: _Seen) -> list[str]:
    return seen.counts(quarantined=_numbers(seen, r"^(\d+) in quarantine")[0], stored=0)


def _repeated(seen: _Seen) -> list[str]:
    stored, duplicate = _numbers(seen, r"(\d+) stored, (?:duplicates counter )?(\d+)")
    return seen.counts(stored=stored, duplicate=duplicate)


def _closed(seen: _Seen) -> list[str]:
    return [] if all(answer.closed for answer in seen.exchange.answers) else ["the connection stays open"]


def _memory(seen: _Seen) -> list[str]:
    """The same once more: by how much it grows the server's memory."""
    allowed = _numbers(seen, r"memory growth < (\d+) MB")[0]
    before = seen.server.memory()
    exchanges.performed(seen.server, seen.source, seen.entry)
    after = seen.server.memory()
    if before is None or after is None:
        return ["not checkable: memory (no process_resident_memory_bytes in /metrics)"]
    grown = (after - before) / MB
    return [] if grown < allowed else [f"memory grew by {grown:.1f} MB, allowed {allowed}"]


def _quick(seen: _Seen) -> list[str]:
    """The same a few times more: the quickest answer counts, other work may slow the rest."""
    allowed = _numbers(seen, r"< (\d+) ms")[0]
    times = [answer.seconds for answer in seen.exchange.answers]
    for _ in range(3):
        again = exchanges.performed(seen.server, seen.source, seen.entry)
        if isinstance(again, Exchange):
            times += [answer.seconds for answer in again.answers]
    best = min(times) * 1_000
    return [] if best < allowed else [f"took {best:.0f} ms, allowed {allowed}"]


def _exact_text(seen: _Seen) -> list[str]:
    if seen.answer.status == 400:
        return seen.counts(stored=0, rejected=1)
    digits = "123456789012345678901234567890"
    return [*seen.property("user:u", "n", digits), *seen.warned("big_number")]


def _without_nul(seen: _Seen) -> list[str]:
    return [*seen.property("user:u", "s", "ab"), *seen.warned("nul_removed")]


def _slow_body(seen: _Seen) -> list[str]:
    good = seen.exchange.seen["good"]
    slow = good[min(len(good) - 1, int(len(good) * 0.99))]
    said = [] if slow < 0.1 else [f"good requests beside it: p99 {slow * 1000:.0f} ms"]
    return said + ([] if seen.exchange.seen["closed"] else ["connections stay open"])


def _slow_headers(seen: _Seen) -> list[str]:
    after = seen.exchange.seen["after"]
    return [] if 9 <= after <= 12 else [f"closed after {after:.1f} s"]


def _allowed(seen: _Seen) -> list[str]:
    return [] if "POST" in seen.answer.headers.get("allow", "") else ["no Allow header"]


def _once(seen: _Seen) -> list[str]:
    return seen.counts(stored=1, quarantined=0, rejected=0)


def _number_is_text(seen: _Seen) -> list[str]:
    exchanges.track(seen.server, seen.source, {"userId": "12345", "messageId": "s3b"})
    found = seen.events("user:12345")
    return [] if len(found) == 2 else [f"user:12345 has {len(found)} events, expected 2"]


def _digits(seen: _Seen) -> list[str]:
    return [] if seen.events("user:9007199254740993") else ["nobody is called 9007199254740993"]


def _blocked(seen: _Seen) -> list[str]:
    for word in ("undefined", "null", "None", "0", "[object Object]", "anonymous", "guest", "NaN"):
        for device in ("one", "two"):
            call = {"userId": word, "anonymousId": f"s8-{word[:4].strip('[')}-{device}"}
            exchanges.track(seen.server, seen.source, call)
    people = [
        (seen.server.person(f"device:s8-unde-{device}") or {}).get("person") for device in ("one", "two")
    ]
    wrong = [] if None not in people and people[0] != people[1] else [f"the two devices are {people}"]
    return [*wrong, *seen.counts(stored=17), *seen.warned("blocked_identity", 2)]


def _assigned(seen: _Seen) -> list[str]:
    exchanges.performed(seen.server, seen.source, seen.entry)
    said = [] if seen.answer.json.get("messageId") else ["no messageId is returned"]
    return [*said, *seen.counts(stored=2)]


def _conflict(seen: _Seen) -> list[str]:
    return [
        *seen.counts(stored=1, duplicate=1),
        *seen.warned("duplicate_conflict"),
        *seen.property("user:u1", "amount", 1),
    ]


def _utc(seen: _Seen) -> list[str]:
    """Asked with a time that has passed: one in the future is clamped."""
    call = {"userId": "zone", "timestamp": "2025-11-22T08:00:00"}
    exchanges.track(seen.server, seen.source, call)
    found = [item["at"] for item in seen.events("user:zone")]
    return [] if found == ["2025-11-22T08:00:00+00:00"] else [f"read as {found}"]


def _received(seen: _Seen) -> list[str]:
    times = [(item["at"], item["received_at"]) for item in seen.events("user:u1")]
    wrong = [] if times and times[0][0] == times[0][1] else [f"at and received_at: {times}"]
    return [*wrong, *seen.warned("bad_timestamp")]


def _own_day(seen: _Seen) -> list[str]:
    found = [item["at"] for item in seen.events("user:u1", "2025-10-19T00:00:00Z")]
    return [] if found == ["2025-10-18T00:00:00+00:00"] else [f"stored at {found}"]


def _same_in_any_order(seen: _Seen) -> list[str]:
    """Who each visit belongs to, in the world in order and in the other."""
    worlds = []
    for world in ("in", "out"):
        held = {}
        for user in ("a", "b"):
            events = seen.events(f"user:{world}-{user}")
            held[user] = sorted((item["event"], item["at"]) for item in events)
        worlds.append(held)
    return (
        [] if worlds[0] == worlds[1] and worlds[0]["a"] else [f"in order {worlds[0]}, out of it {worlds[1]}"]
    )


def _dropped(seen: _Seen) -> list[str]:
    found = [item["properties"] for item in seen.events("user:u1")]
    wrong = [] if found and "" not in found[0] else [f"properties {found[:1]}"]
    return [*wrong, *seen.counts(stored=1), *seen.warned("empty_key")]


def _drifted(value: Any, flat: str | None = None) -> Check:
    def check(seen: _Seen) -> list[str]:
        found = [item["properties"] for item in seen.events("user:u1")]
        held = found[0] if found else {}
        kept = held.get("amount") == value or (flat is not None and held.get(flat) == value["v"])
        wrong = [] if kept else [f"the raw value is not kept: {held}"]
        return [*wrong, *seen.counts(stored=1), *seen.warned("drift")]

    return check


def _bounded(code: str) -> Check:
    def check(seen: _Seen) -> list[str]:
        before, after = seen.exchange.seen["before"], seen.exchange.seen["after"]
        wrong = seen.warned(code)
        if after is None:
            return [*wrong, "not checkable: memory (no process_resident_memory_bytes in /metrics)"]
        limit = 512 * MB
        if after > limit and after - (before or 0) > limit / 4:
            wrong.append(f"memory {after / MB:.0f} MB")
        return wrong

    return check


def _one_line(seen: _Seen) -> list[str]:
    listed = seen.server.admin("GET", "/api/v1/events?limit=200").body
    wrong = ["a control character comes out raw"] if b"\x1b" in listed else []
    return [
        *wrong,
        *seen.counts(stored=1),
        "not checkable: how the UI shows it (there is none) and its log line",
    ]


def _as_text(seen: _Seen) -> list[str]:
    script = "<script>alert(1)</script>"
    held = seen.attribute("user:u", "name")
    content = {"body": "<p>{{ user.name }}</p>", "user": {"name": held}, "message_class": "service"}
    shown = seen.server.admin("POST", "/api/v1/templates/preview", content)
    wrong = [] if held == script else [f"stored as {held!r}"]
    if shown.status != 200 or script in shown.json.get("rendered", script):
        wrong.append(f"the e-mail preview shows {shown.text[:120]}")
    return [*wrong, "not checkable: how the UI shows it (there is none)"]


def _exact_money(seen: _Seen) -> list[str]:
    for number, amount in enumerate((0.1, 0.2, "900719925474099.01")):
        call = {"userId": "money", "messageId": f"p45-{number}", "properties": {"amount": amount}}
        exchanges.track(seen.server, seen.source, call)
    path = "/api/v1/events/summary?sum=amount&where=event%20%3D%20%27Probe%27%20and%20source%20%3D%20%27"
    answer = seen.server.admin("GET", f"{path}{seen.source.name.replace(' ', '%20')}%27")
    total = str(answer.json.get("sum"))
    wrong = [] if total.startswith("900719925474099.31") else [f"the sum is {total}: {answer.text[:120]}"]
    return [*wrong, *seen.property("user:u1", "amount", "9007199254740993.01")]


def _no_address(seen: _Seen) -> list[str]:
    found = json.dumps(seen.events("user:u1"))
    wrong = ["the forwarded address was believed"] if "10.0.0.1" in found else []
    return [*wrong, *seen.counts(stored=1)]


def _report(**expected: int) -> Check:
    def check(seen: _Seen) -> list[str]:
        report = seen.answer.json
        got = {name: report.get(name) for name in expected}
        return [] if got == expected else [f"report {got}, expected {expected}"]

    return check


def _no_rows(seen: _Seen) -> list[str]:
    stored = seen.answer.json.get("stored", 0)
    return [] if not stored else [f"{stored} rows were stored"]


def _city(value: str) -> Check:
    def check(seen: _Seen) -> list[str]:
        before = seen.attribute("user:1", "city")
        exchanges.performed(seen.server, seen.source, seen.entry)
        after = seen.attribute("user:1", "city")
        return [] if (before, after) == (value, value) else [f"city is {before}, after once more {after}"]

    return check


def _unchanged(seen: _Seen) -> list[str]:
    before = seen.server.person("user:1")
    exchanges.performed(seen.server, seen.source, seen.entry)
    after = seen.server.person("user:1")
    if before is None or after is None:
        return ["user:1 is not there"]
    same = all(before[name] == after[name] for name in ("attributes", "identities", "timeline"))
    return [] if same else ["the person changed"]


def _no_phone(seen: _Seen) -> list[str]:
    found = seen.attribute("user:1", "phone")
    return [] if found is None else [f"phone is stored as {found!r}"]


def _zeros(seen: _Seen) -> list[str]:
    return [] if seen.server.person("user:007") else ["nobody is called 007"]


def _formula(seen: _Seen) -> list[str]:
    found = seen.attribute("user:1", "n")
    wrong = [] if found == "=cmd|'/c calc'!A0" else [f"n is stored as {found!r}"]
    return [*wrong, "not checkable: exports are not on the HTTP API"]


def _linear(seen: _Seen) -> list[str]:
    long = exchanges.performed(
        seen.server,
        seen.source,
        {**seen.entry, "input": {"expression": f"city ~ '{'a' * 50_000}'"}},
    )
    if isinstance(long, str):
        return [long]
    status = long.answers[0].status
    return [] if status in (413, 422) else [f"a pattern of 50,000 characters: status {status}"]


def _literal(seen: _Seen) -> list[str]:
    count = seen.exchange.seen["count"]
    return [] if count == 1 else [f"{count} people match, expected 1"]


def _deterministic(seen: _Seen) -> list[str]:
    return [] if seen.answer.status == 422 else ["it may differ from run to run"]


def _rendered(seen: _Seen) -> list[str]:
    shown = seen.answer.json.get("rendered", "")
    return [] if "{{ 7*7 }}" in shown else [f"rendered as {shown!r}"]


def _as_refused(seen: _Seen) -> list[str]:
    """What is refused with this status has no other effect."""
    return [] if (seen.answer.status or 500) in range(400, 500) else [f"status {seen.answer.status}"]


def _not_read(seen: _Seen) -> list[str]:
    return ["a file was read"] if "root:" in seen.answer.text else []


PATTERNS: tuple[tuple[str, Check], ...] = (
    (r"^0 events stored, 0 quarantined, rejected counter \+1", _refused),
    (r"(^|, )1 event stored", _stored),
    (r"\d+ stored, \d+ in quarantine", _split),
    (r"^\d+ in quarantine", _aside),
    (r"\d+ stored, (duplicates counter )?\d+( duplicate|$)", _repeated),
    (r"connections? closed$|connection closed,", _closed),
    (r"memory growth < \d+ MB", _memory),
    (r"< \d+ ms($|,|;| CPU)", _quick),
    (r"^0 rows", _no_rows),
    (r"^1 row$", _report(stored=1)),
    (r"^no render|^not saved|^not sendable|^no path returned", _as_refused),
    (r"^no file opened", _not_read),
    (r"^no 500", _as_refused),
)
"""What an effect's words ask for."""

SPECIAL: dict[str, Check] = {
    "EVH010": _exact_text,
    "EVH018": _without_nul,
    "EVH024": _as_refused,
    "EVH034": _slow_body,
    "EVH035": _slow_headers,
    "EVH038": _allowed,
    "EVH039": _once,
    "EVS003": _number_is_text,
    "EVS004": _digits,
    "EVS008": _blocked,
    "EVS013": _assigned,
    "EVS017": _conflict,
    "EVS024": _utc,
    "EVS025": _received,
    "EVS028": _own_day,
    "EVS029": _same_in_any_order,
    "EVS032": _dropped,
    "EVS036": _drifted("N/A"),
    "EVS037": _drifted({"v": 1}, "amount.v"),
    "EVS038": _bounded("too_many_properties"),
    "EVS039": _bounded("too_many_event_names"),
    "EVS043": _one_line,
    "EVS044": _as_text,
    "EVS045": _exact_money,
    "EVS046": _no_address,
    "IMP003": _report(stored=1, rejected=2),
    "IMP005": _report(stored=0),
    "IMP008": _report(stored=2, rejected=1),
    "IMP012": _city("B"),
    "IMP013": _unchanged,
    "IMP014": _no_phone,
    "IMP015": _zeros,
    "IMP017": _formula,
    "IMP018": _as_refused,
    "EXP009": _as_refused,
    "EXP012": _linear,
    "EXP014": _literal,
    "EXP019": _as_refused,
    "EXP020": _deterministic,
    "TPL016": _rendered,
}
"""Entries whose effect needs a look of its own."""
