"""How long messages of one channel take while another channel, or a webhook, is broken in each of its ways.

python -m benchmarks.broken_channels [ROUNDS] [SECONDS] [WORD]

`WORD`: only troubles that hold it. A served workspace sends small service messages by WeChat all the time, by mail
beside it, and tells a system how an audience changes. The trouble is made in turns, so that
whatever else the machine does falls on each alike.
The delay of a message: from when it was asked for until the platform had it.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.channels.receiver import SECRET, Receiver

from limner.demo.mail_server import MailServer
from limner.demo.wechat_server import WechatServer
from limner.errors import LimnerError
from limner.types import silent
from limner.workspace import live, logs, reaching
from limner.workspace.calling import call
from limner.workspace.files import init
from limner.workspace.workspace import Workspace

PEOPLE = 40
MAP = """\
source: crm
person: {user_id: user_id, email: email, openid: openid}
event: none
attributes: {name: name, email: email}
"""
CAMPAIGN = "title: T\naudience: everybody\nholdout: 0\nclass: service\n"
FIRST = 1
"""Rounds of messages whose delay is not counted: connections open, files are read for the first time."""


def main(rounds: int, seconds: float, word: str = "") -> None:
    """Prints for each trouble the median and p95 of WeChat's delay, and by how much p95 differs from no trouble."""
    os.environ |= {"BENCH_WECHAT": "s3cret", "BENCH_HOOKS": SECRET}
    logs.configure("critical")
    with (
        tempfile.TemporaryDirectory() as folder,
        MailServer() as mail,
        WechatServer(secret="s3cret") as wechat,  # noqa: S106 - the demo server's
        Receiver() as slow,
    ):
        workspace = _workspace(Path(folder) / "shop", mail, wechat, slow)
        try:
            found = _turns(workspace, mail, slow, rounds, seconds, word)
        finally:
            mail.heal()
            slow.heal()
            workspace.close()
    base = _p95(found["none"])
    print(f"{'trouble':24} {'messages':>8} {'median s':>9} {'p95 s':>7}  p95 against none")
    for name, delays in found.items():
        print(
            f"{name:24} {len(delays):8} {statistics.median(delays):9.2f} {_p95(delays):7.2f}"
            f"  {_p95(delays) / base - 1:+.0%}"
        )


def _p95(delays: list[float]) -> float:
    return sorted(delays)[int(0.95 * (len(delays) - 1))]


def _troubles(mail: MailServer, slow: Receiver) -> dict[str, Callable[[], object]]:
    many = 10_000
    return {
        "none": lambda: None,
        "mail: tarpit": mail.tarpit,
        "mail: drop after DATA": lambda: mail.drop_after_data(many),
        "mail: 421": lambda: setattr(mail, "answer_data", lambda: "421 4.3.2 shutting down"),
        "mail: 550": lambda: setattr(mail, "answer_to", lambda _address: "550 5.1.1 no such mailbox"),
        "webhook: drip": lambda: slow.drip(many),
        "webhook: 500 for ever": lambda: slow.fail(500, times=many),
    }


def _turns(
    workspace: Workspace, mail: MailServer, slow: Receiver, rounds: int, seconds: float, word: str
) -> dict[str, list[float]]:
    troubles = {name: make for name, make in _troubles(mail, slow).items() if name == "none" or word in name}
    found: dict[str, list[float]] = {name: [] for name in troubles}
    number = 0
    for turn in range(rounds):
        for name in list(troubles)[:: 1 if turn % 2 == 0 else -1]:
            mail.heal()
            slow.heal()
            troubles[name]()
            began, n = time.monotonic(), 0
            while time.monotonic() - began < seconds:
                number, n = number + 1, n + 1
                with suppress(LimnerError):  # a mail that is not there keeps nobody from asking for the next
                    reaching.campaign_launch(workspace, name="mails", entry=f"e{number}")
                delays = _sent(workspace, f"e{number}")
                if n > FIRST:
                    found[name] += delays
            for entry in range(1, number + 1):
                with suppress(LimnerError):
                    reaching.campaign_stop(workspace, "mails", f"e{entry}")
    return found


def _sent(workspace: Workspace, entry: str) -> list[float]:
    """The delays of one round of WeChat messages, in seconds, once all have arrived."""
    reaching.campaign_launch(workspace, name="points", entry=entry)
    while reaching.where_everybody_is(workspace, "points", entry)["waiting"]:
        workspace.stopping.wait(0.05)
    with workspace.records.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT (t.done_at - e.started_at) / 1e6 FROM touches AS t JOIN campaign_entries AS e"
            " USING (campaign, entry) WHERE campaign = 'points' AND entry = ? AND t.status = 'sent'",
            (entry,),
        ).all()
    return [float(row[0]) for row in rows]


def _workspace(folder: Path, mail: MailServer, wechat: WechatServer, slow: Receiver) -> Workspace:
    init(folder)
    (folder / "limner.toml").write_text(
        'refresh = ""\nlog_level = "critical"\npublic_url = "http://127.0.0.1:1"\n'
        f'[email]\nhost = "127.0.0.1"\nport = {mail.port}\nsender = "Shop <hi@shop.example>"\n'
        f'[wechat]\napi = "{wechat.url}"\napp_id = "wx-demo"\nsecret_env = "BENCH_WECHAT"\n'
        '[webhooks]\nsecret_env = "BENCH_HOOKS"\nallowed = ["127.0.0.1"]\naudience_seconds = 1\n',
        encoding="utf-8",
    )
    rows = [f"m{n:02d},Name {n},m{n:02d}@example.test,o{n:02d}" for n in range(PEOPLE)]
    for name, text in {
        "members.csv": "user_id,name,email,openid\n" + "\n".join(rows) + "\n",
        "members.yml": MAP,
        "audiences/everybody.yml": "expression: known(person.name)\n",
        "audiences/written.yml": 'expression: count("Message Sent") >= 3\n',
        "webhooks/slow.yml": f"url: {slow.url}/slow\naudiences: [written]\nbatch: 1\n",
        "campaigns/mails.yml": CAMPAIGN + "channel: email\nsubject: Hi\ntemplate: hi.html\n",
        "campaigns/points.yml": CAMPAIGN + "channel: wechat\ntemplate: points.yml\n",
        "templates/hi.html": "<p>{{ person.name }}</p>",
        "templates/points.yml": 'template_id: T1\ndata: {first: "{{ person.name }}"}\n',
    }.items():
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")
    workspace = Workspace.open(folder)
    call(
        workspace,
        "import",
        {"file": str(folder / "members.csv"), "map": str(folder / "members.yml")},
        silent,
    )
    live.start(workspace)
    return workspace


if __name__ == "__main__":
    given = sys.argv[1:]
    main(int(given[0]) if given else 2, float(given[1]) if len(given) > 1 else 12.0, " ".join(given[2:]))
