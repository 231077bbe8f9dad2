"""Makes an open workspace live: events are loaded, schedules run, messages leave, other processes' verbs are taken."""

from __future__ import annotations

from functools import partial

from limner.channels.kinds import KINDS
from limner.workspace.calling import call
from limner.workspace.realtime import Realtime
from limner.workspace.tick import Ticker
from limner.workspace.verbs import VERBS
from limner.workspace.workspace import Workspace


def start(workspace: Workspace, *, schedule: bool = True) -> None:
    """From now on it lives in threads of its own, until it is closed."""
    for verb in VERBS.values():
        _ = verb.parameters  # every module is read before the first call
    workspace.serve(lambda verb, arguments, progress: call(workspace, verb, arguments, progress))
    if schedule:
        ticker = Ticker(workspace)
        workspace.thread("tick", ticker.run)
        workspace.thread("journeys", ticker.walk)
        for channel in KINDS:
            workspace.thread(f"send-{channel}", partial(ticker.send, channel))
        workspace.thread("send-webhooks", ticker.post)
        workspace.thread("contacts", ticker.relate)
        if workspace.config.mailbox.host:
            workspace.thread("mailbox", ticker.read_mail)
        if workspace.config.realtime_seconds > 0:
            workspace.realtime = Realtime(workspace)
            workspace.thread("realtime", workspace.realtime.run)
