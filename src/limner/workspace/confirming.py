"""What became of messages that members of staff must let go, as WeCom says; stopped ones are taken back."""

from __future__ import annotations

from datetime import timedelta

from limner.channels.tencent import Refused
from limner.channels.wecom import Wecom
from limner.consents.model import address_hash
from limner.store.records import Records
from limner.touches import awaiting
from limner.types import Clock, Json
from limner.workspace import reaching, relating
from limner.workspace.workspace import Workspace

GIVEN_UP = timedelta(days=30)
"""The platform keeps the results of a task for about a month."""
NOBODY_CONFIRMED = "no member of staff confirmed it within 30 days"


def settle(workspace: Workspace) -> int:
    """How many messages ended, or wait again because their sending was stopped."""
    if not awaiting.awaited(workspace.records, "wecom"):
        return 0
    with relating.opened(workspace) as channel:
        settled = settled_with(workspace.records, channel, clock=workspace.clock, secret=workspace.secret)
    reaching.tell(workspace)
    return settled


def settled_with(records: Records, channel: Wecom, *, clock: Clock, secret: bytes) -> int:
    """How many messages of the channel ended, or wait again."""
    settled = 0
    now = clock()
    tasks = awaiting.awaited(records, channel.kind)
    for one in tasks:
        taken_back = one.stopped and channel.cancel(one.task)
        try:
            became = channel.sent_of(one.task)
        except Refused:
            became = {}  # the platform forgot the task: it is given up in its time
        ended = {where: (bool(said["sent"]), str(said["why"])) for where, said in became.items()}
        people = {address_hash(secret, channel.kind, where): said for where, said in ended.items()}
        settled += awaiting.settle(records, one.task, people=people, chats=ended, now=now)
        if taken_back:
            settled += awaiting.take_back(records, one.task)
        if one.task.startswith("moment:") and not awaiting.waits(records, one.task):
            channel.forget_mark(one.task)
    settled += awaiting.give_up(
        records, channel.kind, before=now - GIVEN_UP, reason=NOBODY_CONFIRMED, now=now
    )
    awaiting.finish(records, sorted({(one.campaign, one.entry) for one in tasks}), now=now)
    return settled


def stopped_waits(workspace: Workspace) -> bool:
    """Whether something that was stopped waits for a member of staff, so that it must be taken back now."""
    return any(one.stopped for one in awaiting.awaited(workspace.records, "wecom"))


def contact_settle(workspace: Workspace) -> Json:
    """Asks WeCom what became of messages and hand-overs that members of staff or customers had to confirm."""
    workspace.load()
    return {"messages": settle(workspace), "customers": relating.settle_hand_overs(workspace)}
