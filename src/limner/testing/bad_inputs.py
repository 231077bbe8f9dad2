"""Bad inputs against a running server: each must get its status, its code, its words and its effect.

Every entry has a fresh source. What cannot be seen from outside fails as "not checkable", so that nothing is
hidden; surfaces that this driver does not know are counted, not passed. It leaves names and columns behind:
use a server made for it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from limner.testing import effects, exchanges
from limner.testing.client import COUNTERS, Server, Source, basic
from limner.testing.exchanges import Exchange
from limner.types import Json

SURFACES = ("event_http", "event_semantics", "event_batch", "import_csv", "expression", "template")
"""What this driver can run."""

LAST = ("cardinality", '"what": "property"')
"""Entries that say this fill the server with names, last of all with columns; they come at the end."""

WORDS = {"nodes": "terms"}
"""The catalogue's words for which the product has another."""

_FILLER = frozenset(
    (
        "a",
        "an",
        "and",
        "at",
        "for",
        "in",
        "is",
        "it",
        "of",
        "on",
        "only",
        "or",
        "path",
        "reason",
        "t",
        "the",
        "to",
    )
)
_LEAKS = re.compile(r"Traceback|File \"/|sqlite3?\.|duckdb\.|SELECT .* FROM ", re.IGNORECASE)


def run(file: Path, url: str, admin_key: str, *, surfaces: Sequence[str] | None = None) -> tuple[int, int]:
    """How many entries passed and failed; prints each failure and ends with `N passed, M failed`."""
    entries = json.loads(file.read_text(encoding="utf-8"))["entries"]
    wanted = tuple(surfaces) if surfaces else SURFACES
    server = Server(url, admin_key)
    healthy = server.source("health")
    chosen = [entry for entry in entries if entry["surface"] in wanted]
    chosen.sort(key=lambda entry: sum(word in json.dumps(entry["input"]) for word in LAST))
    passed = failed = 0
    for entry in chosen:
        problems = tried(server, entry, healthy)
        if problems:
            failed += 1
            print(f"FAILED {entry['id']} {entry['why']}")
            for problem in problems:
                print(f"  {problem}")
        else:
            passed += 1
    others = Counter(entry["surface"] for entry in entries if entry["surface"] not in wanted)
    if others:
        listed = ", ".join(f"{surface} {n}" for surface, n in sorted(others.items()))
        print(f"not run, other surfaces: {listed}")
    print(f"{passed} passed, {failed} failed")
    return passed, failed


def tried(server: Server, entry: Json, healthy: Source) -> list[str]:
    """What is wrong with how the server took this entry; nothing when all is as it must be."""
    try:
        source = server.source(entry["id"])
        exchange = exchanges.performed(server, source, entry)
        if isinstance(exchange, str):
            return [exchange]
        if exchange.note:
            print(f"NOTE {entry['id']}: {exchange.note}")
        problems = [*_answered(exchange, entry), *effects.problems(server, source, entry, exchange)]
        return problems + _invariants(server, source, exchange, healthy)
    except Exception as error:  # one entry that breaks the driver must not hide the others
        return [f"the driver could not run it: {type(error).__name__}: {error}"]


def _answered(exchange: Exchange, entry: Json) -> list[str]:
    expected = entry["expected"]
    problems: list[str] = []
    for answer in exchange.answers:
        content = answer.json
        if expected["status"] is not None and answer.status != expected["status"]:
            problems.append(f"status {answer.status}, expected {expected['status']}: {answer.text[:160]}")
        code = _code(entry, expected["code"])
        if code and content.get("code") != code:
            problems.append(f"code {content.get('code')!r}, expected {code!r}: {answer.text[:160]}")
        says = expected["message_must_say"]
        if says and not said(says, content, limits=entry["surface"].startswith("event")):
            problems.append(f"does not say {says!r}: {content.get('message', answer.text[:160])!r}")
    return list(dict.fromkeys(problems))


def _code(entry: Json, code: str) -> str:
    """The product's word for the catalogue's: a check saves nothing, so what may be saved is 'ok'."""
    return "ok" if entry["surface"] == "expression" and code == "saved" else code


def said(wanted: str, content: Json, *, limits: bool = True) -> bool:
    """Whether the answer says it: these words, or each of its words somewhere in message, path or details.

    Without `limits` the numbers after "limit" are the product's own: there must be one, not the same.
    """
    if wanted.startswith("rejected"):
        return _rejected(wanted, content)
    given = json.dumps(content, ensure_ascii=False).lower()
    if wanted == "line and column of the first error":
        return re.search(r"line \d+ column \d+", given) is not None
    text = wanted.lower()
    if text in given:
        return True
    words = [word for word in re.findall(r"[\w]+", text) if word not in _FILLER]
    if "limit" in words and not limits:
        words = [WORDS.get(word, word) for word in words if not word.isdigit()] + [r"\d+"]
    stems = [word.removesuffix("s") if len(word) > 4 else word for word in words]
    return bool(stems) and all(re.search(rf"(?<!\w){stem}", given) for stem in stems)


def _rejected(wanted: str, content: Json) -> bool:
    rejected = content.get("rejected", [])
    if "entries" in wanted:
        found = re.search(r"\d+", wanted)
        return found is not None and len(rejected) == int(found[0])
    if "index" in wanted and (named := re.search(r"index (\d+) (\w+)", wanted)):
        return any(item["index"] == int(named[1]) and item["code"] == named[2] for item in rejected)
    return bool(rejected) and all({"index", "code", "path"} <= item.keys() for item in rejected)


def _invariants(server: Server, source: Source, exchange: Exchange, healthy: Source) -> list[str]:
    problems: list[str] = []
    for answer in exchange.answers:
        if _LEAKS.search(answer.text):
            problems.append(f"the answer shows the inside: {answer.text[:160]}")
        if answer.seconds > exchange.patience:
            problems.append(f"answered after {answer.seconds:.1f} s")
    call = {"type": "track", "event": "Health", "userId": "health"}
    after = server.request("POST", "/v1/track", json.dumps(call).encode(), basic(healthy.write_key))
    if after.status != 200 or after.seconds > 1:
        problems.append(f"the next good request: status {after.status} after {after.seconds:.2f} s")
    counted = server.counters(source)
    if counted["received"] != sum(counted[name] for name in COUNTERS[1:]):
        problems.append(f"the counters do not add up: {counted}")
    return problems
