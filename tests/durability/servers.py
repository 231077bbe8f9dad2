"""A server in a process of its own, which may be killed at any instant."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

LIMNER = [sys.executable, "-m", "limner"]


def limner(*words: str, folder: Path) -> dict[str, object]:
    """The JSON answer of a command."""
    ended = subprocess.run(
        [*LIMNER, *words, "--workspace", str(folder), "--json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    answer: dict[str, object] = json.loads(ended.stdout)
    return answer


class Server:
    """`limner serve` on a free port."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [*LIMNER, "serve", "--workspace", str(folder), "--port", "0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("listening on "), line
        self.url = line.removeprefix("listening on ").strip()

    def kill(self) -> None:
        """As a power cut to the process: no handler runs."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def stop(self, seconds: float = 15) -> int:
        """SIGTERM; the answer is the exit code."""
        self.process.terminate()
        code = self.process.wait(seconds)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


class Client(threading.Thread):
    """Posts small batches until it is told to stop; remembers which were answered 200."""

    def __init__(
        self, url: str, key: str, prefix: str, *, size: int = 10, resend: list[str] | None = None
    ) -> None:
        super().__init__(daemon=True)
        self.address = urlsplit(url)
        self.key = key
        self.prefix = prefix
        self.size = size
        self.acknowledged: list[str] = []
        self.unanswered: list[str] = []
        self.resend = list(resend or [])
        self.over = threading.Event()

    def run(self) -> None:
        connection = HTTPConnection(self.address.hostname or "", self.address.port or 0, timeout=10)
        try:
            self._post(connection)
        finally:
            connection.close()

    def _post(self, connection: HTTPConnection) -> None:
        n = 0
        while not self.over.is_set():
            if self.resend:
                ids, self.resend = self.resend[: self.size], self.resend[self.size :]
            else:
                ids = [f"{self.prefix}-{n + i}" for i in range(self.size)]
                n += self.size
            batch = [
                {
                    "type": "track",
                    "event": "Tick",
                    "userId": f"u{hash(i) % 50}",
                    "messageId": i,
                    "properties": {"id": i},
                }
                for i in ids
            ]
            body = json.dumps({"batch": batch, "writeKey": self.key}).encode()
            try:
                connection.request("POST", "/v1/batch", body, {"content-type": "application/json"})
                with connection.getresponse() as answer:
                    answer.read()
            except (OSError, HTTPException):
                self.unanswered += ids
                return
            if answer.status == 200:
                self.acknowledged += ids
            else:
                self.unanswered += ids


def under_load(server: Server, key: str, prefix: str, seconds: float, resend: list[str]) -> list[Client]:
    """Four clients that have posted for so long; they are still posting."""
    shares = [resend[n::4] for n in range(4)]
    clients = [Client(server.url, key, f"{prefix}-{n}", resend=shares[n]) for n in range(4)]
    for client in clients:
        client.start()
    time.sleep(seconds)
    return clients
