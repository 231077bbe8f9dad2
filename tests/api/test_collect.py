"""The collector as clients see it: over sockets, with real clients."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from limner.api.collect import router
from limner.api.http import protocol
from limner.config import Limits
from limner.events import frames, segment
from limner.events.frames import Record
from limner.events.log import EventLog

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
GOOD = {"type": "track", "event": "Order Paid", "userId": "u1", "messageId": "m1"}


class Door:
    """A workspace's side of the collector, with one source whose key is 'key'."""

    def __init__(self, log: EventLog, limits: Limits) -> None:
        self.log, self.limits = log, limits
        self.broken = False
        self._ids = 0

    def clock(self) -> datetime:
        return NOW

    def new_id(self) -> str:
        self._ids += 1
        return f"id{self._ids}"

    def source_of(self, write_key: str) -> int | None:
        if self.broken:
            raise OSError("the key store is down")
        return 3 if write_key == "key" else None


class Site:
    """A running collector."""

    def __init__(self, door: Door, port: int) -> None:
        self.door, self.port = door, port

    def send(
        self,
        body: bytes | str | dict[str, Any] = b"",
        path: str = "/v1/track",
        *,
        method: str = "POST",
        key: str | None = "key",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, Any], http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        whole = dict(headers or {})
        if key is not None:
            whole["Authorization"] = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
        content = json.dumps(body) if isinstance(body, dict) else body
        connection.request(method, path, content, whole)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else {}, answer

    def records(self) -> list[Record]:
        return [entry.record for entry in self.door.log.replay() if entry.record is not None]

    def raw(self, content: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(content)
            return b"".join(iter(lambda: connection.recv(65_536), b""))


@contextmanager
def running(folder: Path, limits: Limits, **log: Any) -> Iterator[Site]:
    door = Door(EventLog(folder, **log), limits)
    app = FastAPI(redirect_slashes=False)
    app.include_router(router(door))
    config = uvicorn.Config(
        app, http=protocol(limits), ws="none", lifespan="off", log_level="critical", access_log=False
    )
    server = uvicorn.Server(config)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.005)
        yield Site(door, listening.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
        door.log.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    limits = replace(Limits(), body_seconds=0.3, header_seconds=0.3)
    with running(tmp_path_factory.mktemp("log"), limits) as running_site:
        yield running_site


def test_an_event_is_in_the_log_when_it_is_answered(site: Site) -> None:
    status, answer, _ = site.send(GOOD)
    assert (status, answer["success"], answer["messageId"]) == (200, True, "m1")
    last = site.records()[-1]
    assert json.loads(last.body) == GOOD
    assert (last.source_i, last.endpoint, last.n) == (3, "track", 1)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/track", "track"),
        ("/v1/t", "track"),
        ("/v1/i", "identify"),
        ("/v1/identify/", "identify"),
        ("/v1/p", "page"),
        ("/v1/g", "group"),
        ("/v1/a", "alias"),
        ("/v1/s", "screen"),
    ],
)
def test_the_path_says_the_kind_when_the_body_does_not(site: Site, path: str, kind: str) -> None:
    body = {"userId": "u", "event": "e", "previousId": "p"}
    assert site.send(body, path)[0] == 200
    assert site.records()[-1].endpoint == kind


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b", "/v1/import", "/v1/batch/"])
def test_a_bad_event_does_not_refuse_its_batch(site: Site, path: str) -> None:
    status, answer, _ = site.send({"batch": [GOOD, {"type": "track", "event": "a"}, {"batch": []}]}, path)
    assert status == 200
    assert [(item["index"], item["code"]) for item in answer["rejected"]] == [
        (1, "missing_identity"),
        (2, "unknown_type"),
    ]
    assert site.records()[-1].refused == {1: "missing_identity", 2: "unknown_type"}


def test_keys_are_looked_for_in_order(site: Site) -> None:
    body = {**GOOD, "writeKey": "wrong"}
    assert site.send(body)[0] == 200, "Basic comes first"
    assert site.send(body, "/v1/track?writeKey=key", key=None)[0] == 401, "then the body"
    assert site.send({**GOOD, "writeKey": "key"}, key=None)[0] == 200
    assert site.send(GOOD, "/v1/track?writeKey=key", key=None)[0] == 200
    assert site.send(GOOD, "/v1/track?writeKey=no", key=None, headers={"X-Write-Key": "key"})[0] == 401
    assert site.send(GOOD, key=None, headers={"X-Write-Key": "key"})[0] == 200
    assert site.send(GOOD, key=None, headers={"Authorization": "Bearer key"})[0] == 200
    status, answer, _ = site.send(GOOD, key="unknown")
    assert (status, answer["code"]) == (401, "unknown_write_key")
    assert {"code", "message", "path", "request_id", "error", "msg"} <= set(answer)


def test_a_key_store_that_is_down_is_503_never_401(site: Site) -> None:
    site.door.broken = True
    try:
        status, _, answer = site.send(GOOD, key="another")
    finally:
        site.door.broken = False
    assert status == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_what_a_source_sends_wrongly_is_counted(site: Site) -> None:
    assert site.send("hello")[0] == 400
    site.send(GOOD)
    kinds = [(record.kind, record.note) for record in site.records()]
    assert (frames.REJECTED, "invalid_json") in kinds


def test_bodies_are_read_by_their_bytes(site: Site) -> None:
    for label in ("text/plain", "application/x-www-form-urlencoded", "image/png"):
        assert site.send(GOOD, headers={"Content-Type": label})[0] == 200
    packed = gzip.compress(json.dumps(GOOD).encode())
    assert site.send(packed, headers={"Content-Encoding": "gzip"})[0] == 200
    assert json.loads(site.records()[-1].body) == GOOD


@pytest.mark.parametrize(
    ("body", "headers", "status", "code", "says"),
    [
        (b"{}", {"Content-Encoding": "gzip"}, 400, "invalid_encoding", "not gzip"),
        (
            gzip.compress(b"{}", mtime=0)[:-5],
            {"Content-Encoding": "gzip"},
            400,
            "invalid_encoding",
            "truncated",
        ),
        (b"{}", {"Content-Encoding": "br"}, 415, "unsupported_encoding", "gzip or identity"),
        (
            gzip.compress(b"0" * 5_000_000, mtime=0),
            {"Content-Encoding": "gzip"},
            413,
            "body_too_large",
            "decompressed",
        ),
        (b" " * 600_000, {}, 413, "body_too_large", "limit"),
        (b"", {"Content-Length": "10737418240"}, 413, "body_too_large", "limit"),
        (b"[1]", {}, 400, "not_an_object", "batch:[...]"),
        (b'{"type":"track","event":"a","userId":"u","userId":"v"}', {}, 400, "duplicate_key", "userId"),
    ],
)
def test_bodies_that_are_refused(
    site: Site, body: bytes, headers: dict[str, str], status: int, code: str, says: str
) -> None:
    found, answer, _ = site.send(body, headers=headers)
    assert (found, answer["code"]) == (status, code)
    assert says in answer["message"]


def test_an_endless_chunked_body_is_refused_at_the_limit(site: Site) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 50_000_000:
            sent += 100_000
            yield b" " * 100_000

    headers = {"Authorization": "Basic " + base64.b64encode(b"key:").decode()}
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.request("POST", "/v1/batch", endless(), headers, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 413
    connection.close()


def test_other_methods_are_told_what_is_allowed(site: Site) -> None:
    status, answer, response = site.send(method="GET")
    assert (status, answer["code"]) == (405, "method_not_allowed")
    assert "POST" in response.headers["Allow"]
    assert "POST" in answer["message"]


def test_browsers_may_ask_first(site: Site) -> None:
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Headers": "authorization,x-a"}
    status, _, response = site.send(method="OPTIONS", key=None, headers=asked)
    assert status == 200
    assert response.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert response.headers["Access-Control-Allow-Headers"] == "authorization,x-a"
    assert response.headers["Access-Control-Max-Age"] == "900"
    assert site.send(GOOD, headers=asked)[2].headers["Access-Control-Allow-Origin"] == "https://shop.example"


def test_a_slow_body_is_408(site: Site) -> None:
    answer = site.raw(b"POST /v1/track HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"body not complete in 0.3 s" in answer


def test_slow_headers_are_408(site: Site) -> None:
    answer = site.raw(b"POST /v1/track HTTP/1.1\r\nHost: a\r\n")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"headers" in answer


def test_two_lengths_are_a_bad_request(site: Site) -> None:
    lengths = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
    answer = site.raw(b"POST /v1/track HTTP/1.1\r\nHost: a\r\n" + lengths + b"\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    body = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (body["code"], "conflicting length" in body["message"]) == ("bad_request", True)


def test_headers_without_end_are_refused(site: Site) -> None:
    answer = site.raw(b"POST /v1/track HTTP/1.1\r\nX: " + b"a" * 80_000)
    assert answer.startswith(b"HTTP/1.1 431")


def test_a_full_disk_is_503_and_clears(tmp_path: Path) -> None:
    left = [100]
    with running(tmp_path, Limits(), free_bytes=1_000, free=lambda _: left[0]) as site:
        status, answer, response = site.send({"batch": [GOOD]}, "/v1/batch")
        assert (status, answer["code"]) == (503, "storage_full")
        assert "retry later" in answer["message"]
        assert int(response.headers["Retry-After"]) > 0
        assert not site.door.log.health()["ok"]
        left[0] = 1_000_000
        assert site.send({"batch": [GOOD]}, "/v1/batch")[0] == 200
        assert site.door.log.health()["ok"]
        assert len(site.records()) == 1


def test_a_quota_is_429_with_whole_seconds(tmp_path: Path) -> None:
    limits = replace(Limits(), events_per_second=1)
    with running(tmp_path, limits) as site:
        assert site.send({"batch": [GOOD] * 10}, "/v1/batch")[0] == 200
        status, answer, response = site.send(GOOD)
        assert (status, answer["code"]) == (429, "quota")
        assert response.headers["Retry-After"].isdigit()


def test_the_segment_client_works_unmodified(site: Site) -> None:
    from segment.analytics import Client

    before = len(site.records())
    failed: list[Any] = []
    client = Client(
        "key", host=f"http://127.0.0.1:{site.port}", sync_mode=False, on_error=lambda *e: failed.append(e)
    )
    client.identify("u-9", {"email": "li@example.test", "plan": "gold"})
    client.track("u-9", "Order Completed", {"revenue": 99.5})
    client.alias("anon-7", "u-9")
    client.page("u-9", "Docs", "Home")
    client.screen("u-9", "App", "Start")
    client.group("u-9", "g-9", {"name": "ACME"})
    client.flush()
    client.join()
    assert not failed
    calls = [
        call.type
        for record in site.records()[before:]
        for call in segment.read(record.body, record.endpoint).calls
    ]
    assert sorted(calls) == ["alias", "group", "identify", "page", "screen", "track"]
    assert not any(record.refused for record in site.records()[before:])


@pytest.mark.datasets
@pytest.mark.skipif(not os.environ.get("LIMNER_DATASETS"), reason="needs $LIMNER_DATASETS")
@pytest.mark.parametrize("client", ["segment_python", "segment_node", "rudder_node"])
def test_recorded_requests_are_accepted(site: Site, client: str) -> None:
    for line in (Path(os.environ["LIMNER_DATASETS"]) / "wire" / f"{client}.jsonl").read_text().splitlines():
        recorded = json.loads(line)
        body = recorded["body"].encode()
        headers = {
            name: value for name, value in recorded["headers"].items() if name.lower() == "content-type"
        }
        if recorded["headers"].get("Content-Encoding") == "gzip":
            body, headers = gzip.compress(body), {**headers, "Content-Encoding": "gzip"}
        status, answer, _ = site.send(body, recorded["path"], headers=headers)
        assert (status, answer["rejected"]) == (200, [])
