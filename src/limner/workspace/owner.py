"""One owner per workspace: a lock file names its process, a Unix socket takes verbs from others.

Knows no verb: it carries a name and arguments, progress and an answer.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import socketserver
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

from limner.errors import LimnerError, OwnedError
from limner.types import Json, Progress

LOCK = "owner.lock"
MAX_SOCKET_PATH = 100

Perform = Callable[[str, Json, Progress], Json]
"""Runs the verb of that name with those arguments, telling progress; the answer is JSON."""


class Ownership:
    """The lock on a data folder. The kernel lets go of it when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / LOCK
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise OwnedError(
                f"another process owns this workspace (pid {holder(folder).get('pid', 'unknown')})",
                where=str(folder),
                hint="commands reach it through its socket; stop it to open the folder alone",
            ) from None
        self._server: _Server | None = None
        self._note({"pid": os.getpid()})

    def serve(self, perform: Perform) -> None:
        """From now on other processes' verbs are performed here, each in a thread of its own."""
        address = self._path.parent / "owner.sock"
        if len(str(address)) > MAX_SOCKET_PATH:
            address = Path(tempfile.mkdtemp(prefix="limner-")) / "owner.sock"
        with contextlib.suppress(FileNotFoundError):
            address.unlink()
        self._server = _Server(str(address), perform)
        address.chmod(0o600)
        threading.Thread(target=self._server.serve_forever, name="owner", daemon=True).start()
        self._note({"pid": os.getpid(), "socket": str(address)})

    def release(self) -> None:
        """Stops serving and lets go of the folder."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            with contextlib.suppress(FileNotFoundError):
                Path(cast(str, self._server.server_address)).unlink()
            self._server = None
        if self._file >= 0:
            self._note({})
            os.close(self._file)
            self._file = -1

    def _note(self, content: Json) -> None:
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, json.dumps(content).encode(), 0)


def holder(folder: Path) -> Json:
    """What the owner wrote about itself: pid and socket; empty when nobody does."""
    try:
        return cast(Json, json.loads((folder / LOCK).read_bytes() or b"{}"))
    except (OSError, ValueError):
        return {}


def ask(folder: Path, verb: str, arguments: Json, progress: Progress) -> Json:
    """The owner's answer to a verb. Raises the owner's error, or OwnedError when it cannot be reached."""
    address = holder(folder).get("socket")
    if not address:
        raise OwnedError(
            "another process owns this workspace and takes no commands",
            where=str(folder),
            hint="wait for it to finish, or stop it",
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(str(address))
        except OSError as error:
            raise OwnedError(f"the owner does not answer: {error}", where=str(address)) from error
        client.sendall(json.dumps({"verb": verb, "arguments": arguments}).encode() + b"\n")
        for line in client.makefile("rb"):
            message = json.loads(line)
            if "progress" in message:
                progress(*message["progress"])
            elif "error" in message:
                raise _raised(message["error"])
            else:
                return cast(Json, message["answer"])
    raise OwnedError("the owner ended before it answered", where=str(folder), hint="run the command again")


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, address: str, perform: Perform) -> None:
        self.perform = perform
        super().__init__(address, _Conversation)


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        line = self.rfile.readline()
        if not line:
            return
        request = json.loads(line)

        def progress(what: str, done: int, total: int) -> None:
            self._say({"progress": [what, done, total]})

        try:
            answer = cast(_Server, self.server).perform(request["verb"], request["arguments"], progress)
            self._say({"answer": answer})
        except LimnerError as error:
            self._say({"error": _described(error)})
        except Exception as error:  # the owner must outlive any verb
            self._say({"error": _described(LimnerError(f"{type(error).__name__}: {error}"))})

    def _say(self, message: Json) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.wfile.write(json.dumps(message).encode() + b"\n")
            self.wfile.flush()


def _described(error: LimnerError) -> Json:
    return {
        "message": error.message,
        "code": error.code,
        "where": error.where,
        "hint": error.hint,
        "status": error.status,
        "exit_code": error.exit_code,
    }


def _raised(described: Json) -> LimnerError:
    error = LimnerError(
        described["message"],
        code=described["code"],
        where=described["where"],
        hint=described["hint"],
        status=described["status"],
    )
    error.exit_code = described["exit_code"]
    return error
