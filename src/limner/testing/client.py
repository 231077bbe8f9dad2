"""A plain HTTP client for hostile requests: sends what it is told, byte for byte, and reads what it can."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from limner.types import Json

SECONDS = 30.0
COUNTERS = ("received", "stored", "duplicate", "quarantined", "rejected")


@dataclass(frozen=True)
class Answer:
    """What came back: status None when nothing did. `closed`: the server ended the connection."""

    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0
    closed: bool = False

    @property
    def json(self) -> Json:
        """The body as a JSON object; an empty one when it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")


@dataclass
class Source:
    """One source made for one entry."""

    name: str
    write_key: str
    warned: dict[str, int]


class Server:
    """A running server and the right to administer it."""

    def __init__(self, url: str, admin_key: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        self._admin_key = admin_key

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection((self.host, self.port), timeout=SECONDS)

    def request(
        self,
        method: str,
        path: str,
        content: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request on a connection of its own; an iterable body is sent in chunks."""
        started = time.perf_counter()
        connection = http.client.HTTPConnection(self.host, self.port, timeout=SECONDS)
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                chunked = content is not None and not isinstance(content, bytes)
                connection.request(method, path, content, dict(headers or {}), encode_chunked=chunked)
            try:
                response = connection.getresponse()
                body = response.read()
            except (OSError, http.client.HTTPException):
                return Answer(None, seconds=time.perf_counter() - started, closed=True)
            found = {name.lower(): value for name, value in response.getheaders()}
            closed = found.get("connection", "").lower() == "close"
            return Answer(response.status, found, body, time.perf_counter() - started, closed)
        finally:
            connection.close()

    def raw(self, content: bytes, *, then: Callable[[socket.socket], None] | None = None) -> Answer:
        """Bytes as they are, then the answer up to the end of the connection."""
        started = time.perf_counter()
        with self.connect() as connection:
            received = b""
            closed = False
            answered = 0.0
            try:
                connection.sendall(content)
                if then is not None:
                    then(connection)
            except (BrokenPipeError, ConnectionResetError):
                closed = True
            with contextlib.suppress(OSError):
                while part := connection.recv(65_536):
                    received += part
                    answered = time.perf_counter() - started
                else:
                    closed = True
        return parsed(received, answered, closed)

    def admin(self, method: str, path: str, content: Any = None) -> Answer:
        """A management request; bytes go as they are, anything else as JSON."""
        headers = {"Authorization": f"Bearer {self._admin_key}"}
        body = content if content is None or isinstance(content, bytes) else json.dumps(content).encode()
        return self.request(method, path, body, headers)

    @property
    def admin_header(self) -> str:
        """The header of a management request, for requests written by hand."""
        return f"Authorization: Bearer {self._admin_key}"

    def source(self, name: str) -> Source:
        """A fresh source. Raises ValueError when the server will not make one."""
        name = f"bad {name} {uuid.uuid4().hex[:8]}"
        answer = self.admin("POST", "/api/v1/sources", {"name": name, "kind": "segment"})
        key = answer.json.get("write_key")
        if not isinstance(key, str):
            raise ValueError(
                f"the server made no source: {answer.status} {answer.text[:200]} (is the admin key right?)"
            )
        return Source(name, key, self.warnings())

    def counters(self, source: Source) -> dict[str, int]:
        """The source's counters; all zero when nothing was received."""
        found = self.admin("GET", "/api/v1/counters").json.get("sources", {}).get(source.name, {})
        return {name: int(found.get(name, 0)) for name in COUNTERS}

    def warnings(self) -> dict[str, int]:
        """All warnings by code."""
        return dict(self.admin("GET", "/api/v1/counters").json.get("warnings", {}))

    def person(self, id: str, as_of: str = "") -> Json | None:
        """A person's portrait by `kind:value`, or None when there is none."""
        query = f"?as_of={quote(as_of)}" if as_of else ""
        answer = self.admin("GET", f"/api/v1/people/{quote(id, safe='')}{query}")
        return answer.json if answer.status == 200 else None

    def events(self, source: Source, person: str, as_of: str = "") -> list[Json]:
        """The person's events that came from the source, newest first."""
        found = self.person(person, as_of)
        return [item for item in (found or {}).get("timeline", []) if item.get("source") == source.name]

    def memory(self) -> float | None:
        """The server's resident memory in bytes: by its metrics, else by /proc of this machine; or None."""
        found = re.search(
            r"^process_resident_memory_bytes\s+(\S+)", self.request("GET", "/metrics").text, re.MULTILINE
        )
        return float(found[1]) if found else _resident(self.port)


def _resident(port: int) -> float | None:
    """The resident memory of this machine's process that listens on the port, or None."""
    wanted = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        with contextlib.suppress(OSError):
            for line in table.read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and fields[1].endswith(f":{port:04X}"):
                    wanted.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(handle.readlink()) in wanted for handle in (process / "fd").iterdir()):
                found = re.search(r"VmRSS:\s+(\d+) kB", (process / "status").read_text())
                return float(found[1]) * 1024 if found else None
    return None


def basic(write_key: str) -> dict[str, str]:
    """The header that carries a write key as Segment's clients do."""
    return {"Authorization": "Basic " + base64.b64encode(f"{write_key}:".encode()).decode()}


def parsed(received: bytes, seconds: float, closed: bool) -> Answer:
    """The answer in what was received on a bare connection."""
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    status = re.fullmatch(r"HTTP/1\.1 (\d{3}).*", lines[0])
    if status is None:
        return Answer(None, body=received, seconds=seconds, closed=closed)
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
    }
    return Answer(int(status[1]), headers, body, seconds, closed)
