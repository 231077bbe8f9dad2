"""A warm `limner`: every command is a process of its own, forked from one that has read every module already.

Starting an interpreter and reading the engine's libraries takes most of a short command's time; tests of what commands
say need not pay that hundreds of times. `serve` and `demo` are started as they are, and so is everything in the tests
of the command itself.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

COLD = ("serve", "demo")
"""Commands that are started as they are: they take signals, or make processes."""

CLIENT = """#!{python} -IS
import json, os, socket, sys
words = sys.argv[1:]
if words[:1] and words[0] in {cold!r}:
    os.execv({python!r}, [{python!r}, "-m", "limner", *words])
asked = json.dumps({{"words": words, "folder": os.getcwd(), "environment": dict(os.environ)}}).encode()
with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as there:
    there.connect({address!r})
    socket.send_fds(there, [len(asked).to_bytes(4, "big")], [0, 1, 2])
    there.sendall(asked)
    ended = there.recv(1)
sys.exit(ended[0] if ended else 70)
"""


@cache
def limner() -> Path:
    """The command: it stands alone in its folder, for the front of a PATH. It is gone when this process is."""
    folder = Path(tempfile.mkdtemp(prefix="warm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    address = str(folder / "warm.sock")
    command = folder / "limner"
    command.write_text(CLIENT.format(python=sys.executable, cold=COLD, address=address), encoding="utf-8")
    command.chmod(0o755)
    warm = subprocess.Popen(
        [sys.executable, "-m", "tests.warm", address],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    atexit.register(warm.kill)
    assert warm.stdout is not None
    assert warm.stdout.readline() == b"warm\n", "what commands are forked from ended at once"
    return command


def serve(address: str) -> None:
    """Takes commands until its parent is gone."""
    from limner.workspace.verbs import VERBS

    for module in ("limner.cli.main", "limner.workspace.calling"):
        importlib.import_module(module)
    for verb in VERBS.values():
        _ = verb.parameters
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who ended is not waited for
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.bind(address)
        door.listen(64)
        print("warm", flush=True)
        while door in select.select([door, sys.stdin], [], [])[0]:  # the other: whoever wanted it is gone
            asker, _ = door.accept()
            if os.fork() == 0:
                asker.send(bytes([_ended(asker)]))
                os._exit(0)
            asker.close()


def _ended(asker: socket.socket) -> int:
    from limner.cli import ask
    from limner.cli.main import main

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, handed, _, _ = socket.recv_fds(asker, 4, 3)
    asked = b""
    while len(asked) < int.from_bytes(head, "big"):
        asked += asker.recv(1 << 20)
    told = json.loads(asked)
    for number, end in enumerate(handed):
        os.dup2(end, number)
        os.close(end)
    os.chdir(told["folder"])
    os.environ.clear()
    os.environ.update(told["environment"])
    time.tzset()
    for console in (ask.out, ask.errors):  # they have looked how wide they are already
        console.width = int(os.environ.get("COLUMNS", "80"))
    sys.argv = ["limner", *told["words"]]
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    serve(sys.argv[1])
