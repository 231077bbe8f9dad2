"""What the workers of one run share: a folder that all of them see, in which the first who asks makes something."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from limner.cli.lender_demo import perform
from limner.cli.lender_stage import staged
from limner.demo.lender import CHANNELS

LENDER_PEOPLE, LENDER_SEED = 5_000, 3


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Only one of the processes that share the file is inside the block."""
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def lender_made(shared: Path) -> Path:
    """The lender as `limner demo lender` makes it, small: `workspace`, `summary.json`, and what the platforms took.

    `taken.json`: by channel, of each message its id and the address; `inbox.json`: of each what its reader saw.
    """
    made = shared / "lender"
    made.mkdir(exist_ok=True)
    with alone(shared / "lender.lock"):
        if not (made / ".ready").exists():
            with staged(made / "workspace", people=LENDER_PEOPLE, seed=LENDER_SEED) as stage:
                summary = perform(stage)
                taken = {
                    "email": [(mail.message_id.partition("@")[0], mail.to) for mail in stage.mail.messages()],
                    "sms": [(short.out_id, short.to) for short in stage.sms.messages()],
                    "wechat": [(shown.client_msg_id, shown.to) for shown in stage.wechat.messages()],
                }
                inbox = [
                    {
                        "id": row.message_id, "person": row.person, "channel": CHANNELS[row.channel],
                        "product": row.product, "hour": hour,
                    }
                    for row, hour in zip(stage.inbox.taken, stage.inbox.hours, strict=True)
                ]  # fmt: skip
            for name, value in (("summary", summary), ("taken", taken), ("inbox", inbox)):
                (made / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
            (made / ".ready").touch()
    return made
