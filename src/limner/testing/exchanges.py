"""How an entry's input is sent: plain requests, floods of slow ones, raw sockets, sequences."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from limner.testing import bodies
from limner.testing.client import Answer, Server, Source, basic, parsed
from limner.types import Json

SLOW_CONNECTIONS = 200
NAMES_TRIED = 12_500
"""So many distinct names stand for the millions of the cardinality entries: limits are far lower."""


@dataclass
class Exchange:
    """What was answered. `patience`: seconds in which each answer must come; `seen`: what was measured."""

    answers: list[Answer]
    patience: float = 1.0
    seen: dict[str, Any] = field(default_factory=dict)
    note: str = ""


def performed(server: Server, source: Source, entry: Json) -> Exchange | str:
    """The entry's input sent and answered, or why it cannot be."""
    special = SPECIAL.get(entry["id"])
    if special is not None:
        return special(server, source, entry)
    given = entry["input"]
    if "state" in given or ("sequence" in given and not isinstance(given["sequence"][0], dict)):
        fault = given.get("state") or ", ".join(given["sequence"])
        return f"not checkable from outside: {fault}"
    if entry["surface"] == "expression":
        return Exchange([_check(server, text) for text in _expressions(entry)])
    if "sequence" in given:
        return Exchange([sent(server, source, item) for item in given["sequence"]])
    if given.get("parallel"):
        with ThreadPoolExecutor(given["repeat"]) as pool:
            return Exchange(list(pool.map(lambda _: sent(server, source, given), range(given["repeat"]))))
    return Exchange([sent(server, source, given) for _ in range(given.get("repeat", 1))][-1:])


def sent(server: Server, source: Source, given: Json) -> Answer:
    """One request as described."""
    endpoint = given.get("endpoint", "collect.track")
    headers = dict(given.get("headers", {}))
    content = bodies.body(given)
    if endpoint == "import.csv":
        name = given.get("file", "x.csv")
        path, headers = f"/api/v1/imports/direct?name={name}&map=auto", {**headers, **_bearer(server)}
    elif endpoint.startswith("admin."):
        path, headers = f"/api/v1/{endpoint.removeprefix('admin.')}", {**headers, **_bearer(server)}
    else:
        path, headers = f"/v1/{endpoint.removeprefix('collect.')}", {**headers, **basic(source.write_key)}
    method = given.get("method", "POST")
    if "Content-Length" in headers:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return server.raw(
            f"{method} {path} HTTP/1.1\r\nHost: {server.host}\r\n{lines}\r\n".encode() + (content or b"")
        )
    if headers.pop("Transfer-Encoding", "") == "chunked":
        return server.request(method, path, _chunks(content or b""), headers)
    return server.request(method, path, content, headers)


def track(server: Server, source: Source, call: Json) -> Answer:
    """One more event of the driver's own."""
    body = json.dumps({"type": "track", "event": "Probe", **call}).encode()
    return server.request("POST", "/v1/track", body, basic(source.write_key))


def _bearer(server: Server) -> dict[str, str]:
    name, _, value = server.admin_header.partition(": ")
    return {name: value}


def _chunks(content: bytes) -> Iterator[bytes]:
    for at in range(0, len(content), 65_536):
        yield content[at : at + 65_536]


def _check(server: Server, expression: str) -> Answer:
    return server.admin("POST", "/api/v1/expressions/check", {"expression": expression})


def _expressions(entry: Json) -> list[str]:
    """The entry's expression in this product's words; what stands in place of a long text is made here."""
    text = entry["input"]["expression"]
    if text == "<1 MB>":
        return ["city = '" + "x" * 1_000_000 + "'"]
    if "..." in text:
        return [
            "(" * 5_000 + "true" + ")" * 5_000,
            " and ".join(["true"] * 50_000)[:99_000],
            "not " * 20_000 + "true",
        ]
    text = re.sub(r"^(\w+) ~ ", r"person.\1 matches ", text)
    return [re.sub(r"^(\w+) contains ", r"person.\1 contains ", text)]


def _head(source: Source, length: str) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in basic(source.write_key).items())
    return f"POST /v1/track HTTP/1.1\r\nHost: x\r\n{lines}{length}".encode()


def _slow_body(server: Server, source: Source, _entry: Json) -> Exchange:
    """Many connections that send a byte a second, and good requests beside them."""
    opened: list[socket.socket] = []
    for _ in range(SLOW_CONNECTIONS):
        connection = server.connect()
        connection.sendall(_head(source, "Content-Length: 1000\r\n\r\n"))
        opened.append(connection)
    started = time.monotonic()
    good: list[float] = []
    stop = threading.Event()

    def beside() -> None:
        while not stop.wait(0.05):
            good.append(track(server, source, {"userId": "beside"}).seconds)

    thread = threading.Thread(target=beside)
    thread.start()
    with contextlib.suppress(OSError):
        while time.monotonic() - started < 14:
            for connection in opened:
                connection.sendall(b" ")
            time.sleep(1)
    answers = [_rest(connection) for connection in opened]
    stop.set()
    thread.join()
    seen = {"good": sorted(good), "closed": all(answer.closed for answer in answers)}
    return Exchange(answers, patience=20.0, seen=seen)


def _slow_headers(server: Server, _source: Source, _entry: Json) -> Exchange:
    connection = server.connect()
    started = time.monotonic()
    connection.sendall(b"POST /v1/track HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    with contextlib.suppress(OSError):
        while time.monotonic() - started < 9:
            connection.sendall(b"x")
            time.sleep(1)
    answer = _rest(connection)
    return Exchange([answer], patience=15.0, seen={"after": time.monotonic() - started})


def _rest(connection: socket.socket) -> Answer:
    received, closed = b"", False
    with connection, contextlib.suppress(OSError):
        while part := connection.recv(65_536):
            received += part
        closed = True
    return parsed(received, 0.0, closed)


def _both_lengths(server: Server, source: Source, _entry: Json) -> Exchange:
    lengths = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    return Exchange([server.raw(_head(source, lengths) + b"0\r\n\r\n")])


def _leaves(server: Server, source: Source, _entry: Json) -> Exchange:
    """The whole request, then gone; and the same again as a client would retry."""
    body = json.dumps({"type": "track", "event": "a", "userId": "leaver", "messageId": "h39"}).encode()
    with server.connect() as connection:
        connection.sendall(_head(source, f"Content-Length: {len(body)}\r\n\r\n") + body)
    retried = server.request("POST", "/v1/track", body, basic(source.write_key))
    return Exchange([retried])


def _out_of_order(server: Server, source: Source, _entry: Json) -> Exchange:
    """The same two logins and visits of a device, in order and out of it, for two worlds."""
    answers = []
    for world, order in (("in", (0, 1, 2, 3)), ("out", (3, 1, 2, 0))):
        calls = [
            ("identify", {"userId": f"{world}-a", "anonymousId": f"{world}-d"}, "2025-01-01T00:00:05Z"),
            ("track", {"anonymousId": f"{world}-d", "event": "Login"}, "2025-01-01T00:00:06Z"),
            ("identify", {"userId": f"{world}-b", "anonymousId": f"{world}-d"}, "2025-01-01T00:00:10Z"),
            ("track", {"anonymousId": f"{world}-d", "event": "Logout"}, "2025-01-01T00:00:11Z"),
        ]
        for place in order:
            kind, call, at = calls[place]
            body = json.dumps({"type": kind, **call, "timestamp": at}).encode()
            answers.append(server.request("POST", f"/v1/{kind}", body, basic(source.write_key)))
    return Exchange(answers)


def _cardinality(server: Server, source: Source, entry: Json) -> Exchange:
    """Far more names than the limits allow, of properties or of events."""
    what = entry["input"]["gen"]["what"]
    answers = []
    before = server.memory()
    for start in range(0, NAMES_TRIED, 2_500):
        numbers = range(start, start + 2_500)
        if what == "event":
            calls: list[Json] = [{"type": "track", "event": f"many {n}", "userId": "u"} for n in numbers]
        else:
            calls = [
                {
                    "type": "track",
                    "event": "many",
                    "userId": "u",
                    "properties": {f"many{n}": n for n in range(first, first + 250)},
                }
                for first in numbers[::250]
            ]
        body = json.dumps({"batch": calls}).encode()
        answers.append(server.request("POST", "/v1/batch", body, basic(source.write_key)))
    seen = {"before": before, "after": server.memory()}
    note = f"run with {NAMES_TRIED} of {entry['input']['gen']['n']} names"
    return Exchange(answers, patience=5.0, seen=seen, note=note)


def _literal(server: Server, source: Source, entry: Json) -> Exchange:
    """Two people, one of whom has the very characters in the name."""
    for user, name in (("pattern-1", "x100%_y"), ("pattern-2", "x100abcy")):
        body = json.dumps({"type": "identify", "userId": user, "traits": {"name": name}}).encode()
        server.request("POST", "/v1/identify", body, basic(source.write_key))
    text = _expressions(entry)[0]
    counted = server.admin("POST", "/api/v1/audiences/count", {"expression": text})
    return Exchange([_check(server, text)], seen={"count": counted.json.get("count")})


def _template(server: Server, _source: Source, entry: Json) -> Exchange:
    """A preview; entries about anything but consent are no marketing."""
    given = entry["input"]
    content: Json = dict(given.get("json") or {key: given[key] for key in ("body", "user") if key in given})
    if content.get("body") == "<5 MB>":
        content["body"] = "x" * 5_000_000
    if "user" in content:
        content["message_class"] = "service"
    return Exchange([server.admin("POST", "/api/v1/templates/preview", content)])


def _poisoned(_server: Server, _source: Source, _entry: Json) -> str:
    return "not checkable: no event makes the loader raise, and the product has no hook that would"


SPECIAL: dict[str, Callable[[Server, Source, Json], Exchange | str]] = {
    "EVH034": _slow_body,
    "EVH035": _slow_headers,
    "EVH037": _both_lengths,
    "EVH039": _leaves,
    "EVS029": _out_of_order,
    "EVS038": _cardinality,
    "EVS039": _cardinality,
    "BAT007": _poisoned,
    "EXP014": _literal,
    **{f"TPL{number:03d}": _template for number in range(1, 30)},
}
"""Entries whose input is more than a request."""
