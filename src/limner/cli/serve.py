"""`limner serve`: opens the workspace as its owner and answers HTTP until it is told to stop."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import uvicorn

from limner.api.app import app
from limner.api.http import protocol
from limner.config import find
from limner.workspace import accounting, live, logs
from limner.workspace.workspace import Workspace

DRAIN_SECONDS = 8


def serve(workspace: Path | None, *, host: str, port: int) -> None:
    """Serves until SIGINT or SIGTERM, then drains: what was received is kept, what was begun is ended."""
    folder = find(workspace or Path.cwd())
    with Workspace.open(folder) as opened:
        logs.configure(opened.config.log_level)
        live.start(opened)
        opened.thread("audit", partial(accounting.watch_audit, opened))
        server, bound = listen(opened, host=host, port=port)
        url = f"http://{host}:{bound.getsockname()[1]}"
        print(f"listening on {url}", flush=True)
        first = accounting.first_admin(opened)
        if first is not None:
            print(f"first admin: {url}{first}", flush=True)
        with _stopping(server):
            server.run(sockets=[bound])


def listen(opened: Workspace, *, host: str, port: int) -> tuple[uvicorn.Server, socket.socket]:
    """A server for the workspace and the socket that it is to answer on."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((host, port))
    bound.listen(2_048)  # from here on clients wait in line instead of being refused
    config = uvicorn.Config(
        app(opened),
        http=protocol(opened.config.limits),
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        forwarded_allow_ips=list(opened.config.trusted_proxies),
        proxy_headers=bool(opened.config.trusted_proxies),
    )
    return uvicorn.Server(config), bound


@contextlib.contextmanager
def _stopping(server: uvicorn.Server) -> Iterator[None]:
    def stop(_number: int, _frame: object) -> None:
        server.should_exit = True

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def running(opened: Workspace, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """The URL of a server that answers in a thread for as long as the block runs."""
    server, bound = listen(opened, host=host, port=port)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, name="http", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(DRAIN_SECONDS + 2)
        bound.close()
