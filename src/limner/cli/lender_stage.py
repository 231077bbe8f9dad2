"""What the steps of `limner demo lender` share: the workspace, its clock, and the platforms that its messages go to."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from limner.cli.ask import bar
from limner.cli.staging import TurnedClock, date_scene, prepare
from limner.config import FILE
from limner.demo import lender as bank
from limner.demo.lender_inbox import Inbox
from limner.demo.mail_server import MailServer
from limner.demo.sms_server import SECRET as SMS_SECRET
from limner.demo.sms_server import SmsServer
from limner.demo.wechat_server import WechatServer
from limner.types import Json, Progress
from limner.workspace import live, logs
from limner.workspace.calling import call
from limner.workspace.workspace import Workspace, system_clock

WECHAT_VARIABLE, SMS_VARIABLE = "LIMNER_DEMO_WECHAT_SECRET", "LIMNER_DEMO_SMS_SECRET"
SCENE, JOURNEY = "car_finance", "car_offer"


@dataclass
class Stage:
    """Everything that the demo's steps share.

    `because`: who will sign because of a message: when, in seconds since the start, and which product. `posted`: whose
    contract the desk told of. `until`: up to when files were brought; `happened`: whether anything was posted since.
    """

    opened: Workspace
    clock: TurnedClock
    made: bank.Lender
    folder: Path
    port: int
    mail: MailServer
    sms: SmsServer
    wechat: WechatServer
    inbox: Inbox
    progress: Progress
    url: str = ""
    write_key: str = ""
    summary: Json = field(default_factory=dict)
    traces: dict[str, bank.Traces] = field(default_factory=dict)
    because: dict[int, tuple[float, int]] = field(default_factory=dict)
    posted: set[int] = field(default_factory=set)
    until: float = 0.0
    happened: bool = False

    def verb(self, verb: str, /, **arguments: Any) -> Json:
        """The answer of a verb performed on the open workspace."""
        return call(self.opened, verb, arguments, self.progress)

    def at(self, instant: datetime) -> None:
        """Turns the clock."""
        self.clock.now = instant

    @property
    def seconds(self) -> float:
        """What the clock shows, in seconds since the start."""
        return (self.clock() - self.made.start).total_seconds()


@contextmanager
def staged(folder: Path, *, people: int, seed: int, port: int = 0) -> Iterator[Stage]:
    """The workspace with its definitions, open, and the three platforms that its messages go to."""
    prepare(folder, "lender_files")
    made = bank.lender(people=people, seed=seed, start=bank.first_day(system_clock()))
    os.environ.setdefault(WECHAT_VARIABLE, "only-for-the-demo")
    os.environ.setdefault(SMS_VARIABLE, SMS_SECRET)
    clock = TurnedClock(made.start)
    date_scene(folder, SCENE, first=made.launch.date(), days=bank.AFTER_DAYS)
    begin_on(folder, made.launch)
    secret = blake2b(f"lender {seed}".encode(), digest_size=32).digest()  # the same seed, the same arms
    with (
        MailServer() as mail,
        SmsServer(secret=os.environ[SMS_VARIABLE]) as sms,
        WechatServer(secret=os.environ[WECHAT_VARIABLE]) as wechat,
    ):
        point_at(folder, mail=mail, sms=sms, wechat=wechat)
        with Workspace.open(folder, clock=clock, secret=secret) as opened:
            logs.configure("error")
            live.start(opened, schedule=False)
            with bar() as progress:
                yield Stage(
                    opened, clock, made, folder, port, mail, sms, wechat, Inbox(mail, sms, wechat), progress
                )


def begin_on(folder: Path, launch: datetime) -> None:
    """The journey lets people in on the weekday of its first day."""
    path = folder / "journeys" / f"{JOURNEY}.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'"0 9 \* \* \d"', f'"0 9 * * {launch.isoweekday() % 7}"', text), encoding="utf-8")


def point_at(folder: Path, *, mail: MailServer, sms: SmsServer, wechat: WechatServer) -> None:
    """The workspace's channels lead to the three local servers."""
    path = folder / FILE
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^port = \d+$", f"port = {mail.port}", text)
    text = text.replace('access_key = "demo-key"', f'api = "{sms.url}"\naccess_key = "demo-key"')
    text = text.replace('app_id = "wx-demo"', f'api = "{wechat.url}"\napp_id = "wx-demo"')
    path.write_text(text, encoding="utf-8")


def write_traces(stage: Stage, since: float, until: float, mark: str) -> list[Path]:
    """Files of what people did between two instants, in seconds since the start."""
    writers = {
        "payments": (bank.write_payments, "parquet"),
        "app": (bank.write_app, "parquet"),
        "account": (bank.write_account, "csv"),
    }
    paths = []
    for name, (write, kind) in writers.items():
        traces = stage.traces[name]
        path = stage.folder / "sample" / f"{name}{mark}.{kind}"
        write(stage.made, traces.part((traces.seconds >= since) & (traces.seconds < until)), path)
        paths.append(path)
    return paths


def bring(stage: Stage, path: Path) -> int:
    """How many events a file brought. Its name up to the mark is its mapping's."""
    mapping = stage.folder / "mappings" / f"{path.name.partition('.')[0].partition('-')[0]}.yml"
    return int(stage.verb("import", file=str(path), map=str(mapping))["stored"])
