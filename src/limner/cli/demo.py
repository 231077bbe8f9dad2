"""`limner demo`: the generated shop goes through the whole journey, on a clock that the demo turns."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

from limner.cli import show
from limner.cli.ask import bar, out
from limner.cli.serve import running
from limner.cli.staging import BROWSER, TurnedClock, date_scene, keep_serving, post, prepare
from limner.config import FILE
from limner.demo import shop as tea
from limner.demo.mail_server import MailServer
from limner.demo.wechat_server import WechatServer
from limner.types import Json, Progress
from limner.workspace import live, logs
from limner.workspace.calling import call
from limner.workspace.workspace import Workspace, system_clock

SECRET_VARIABLE = "LIMNER_DEMO_WECHAT_SECRET"  # noqa: S105 - the variable's name
HTTP_DAYS = 2
"""So many days before the campaign, and after it, arrive through HTTP; the rest is imported."""

SCENE_DAYS = 60
EVENTS_PER_PERSON = 50
OPEN_SHARE, CLICK_SHARE, UNSUBSCRIBE_SHARE = 0.45, 0.12, 0.01


@dataclass
class Stage:
    """Everything that the demo's steps share."""

    opened: Workspace
    clock: TurnedClock
    made: tea.Shop
    web: tea.Browsing
    folder: Path
    url: str
    write_key: str
    mail: MailServer
    progress: Progress
    summary: Json

    def verb(self, verb: str, /, **arguments: Any) -> Json:
        """The answer of a verb performed on the open workspace."""
        return call(self.opened, verb, arguments, self.progress)

    def post(self, calls: Iterator[Json]) -> int:
        """How many calls were posted to the collector."""
        return post(self.url, self.write_key, calls, self.progress)

    def at(self, instant: datetime) -> None:
        """Turns the clock."""
        self.clock.now = instant


def demo(folder: Path, *, people: int, seed: int, serve: bool, port: int, as_json: bool) -> Json:
    """Makes the workspace and shows people, tags, portraits, audiences, a campaign and what it changed."""
    began = time.monotonic()
    prepare(folder, "files")
    made = tea.shop(people=people, seed=seed, start=tea.first_day(system_clock()))
    events = people * EVENTS_PER_PERSON
    os.environ.setdefault(SECRET_VARIABLE, "only-for-the-demo")
    clock = TurnedClock(made.start)
    date_scene(folder, "spring_tea", first=made.launch.date(), days=SCENE_DAYS)
    with MailServer() as mail, WechatServer(secret=os.environ[SECRET_VARIABLE]) as wechat:
        point_at(folder, mail=mail, wechat=wechat)
        secret = blake2b(
            f"demo {seed}".encode(), digest_size=32
        ).digest()  # the same seed, the same ids and arms
        with Workspace.open(folder, clock=clock, secret=secret) as opened:
            logs.configure("error")
            live.start(opened, schedule=False)
            with running(opened, port=port) as url, bar() as progress:
                web = tea.browsing(made, events=int(events * 0.8))
                stage = Stage(
                    opened, clock, made, web, folder, url, "", mail, progress, {"url": url, "seed": seed}
                )
                opened.public_url = url
                stage.summary["steps"] = {}
                for name, step in STEPS.items():
                    started = time.monotonic()
                    step(stage)
                    stage.summary["steps"][name] = round(time.monotonic() - started, 1)
                stage.summary["seconds"] = round(time.monotonic() - began, 1)
            answer = stage.summary
            if as_json:
                sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
            else:
                draw(answer)
            if serve:
                clock.now = None
                keep_serving(opened, port=port, example="m000001")
    return answer


def point_at(folder: Path, *, mail: MailServer, wechat: WechatServer) -> None:
    """The workspace's channels lead to the two local servers."""
    path = folder / FILE
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^port = \d+$", f"port = {mail.port}", text)
    text = text.replace('app_id = "wx-demo"', f'api = "{wechat.url}"\napp_id = "wx-demo"')
    path.write_text(text, encoding="utf-8")


def history(stage: Stage) -> None:
    """Five months of files and two days of HTTP, up to the morning of the campaign."""
    made, web, folder = stage.made, stage.web, stage.folder / "sample"
    events = made.people * EVENTS_PER_PERSON
    folder.mkdir()
    launch_day = tea.DAYS - tea.AFTER_DAYS
    cut = (launch_day - HTTP_DAYS) * 86_400
    launch = (made.launch - made.start).total_seconds()
    tea.write_members(made, folder / "members.csv")
    tea.write_consents(made, folder / "consents.csv")
    tea.write_web(made, web.part(web.seconds < cut), folder / "web.parquet")
    tea.write_till(made, folder / "till.csv", lines=events // 10, first_day=0, last_day=launch_day)
    tea.write_official_account(
        made, folder / "official_account.jsonl.gz", events=events // 10, last_day=launch_day
    )
    stage.at(made.start + timedelta(seconds=cut))
    imports = [
        stage.verb("import", file=str(folder / name), map=str(stage.folder / "mappings" / f"{mapping}.yml"))
        for name, mapping in (
            ("members.csv", "members"),
            ("web.parquet", "web"),
            ("till.csv", "till"),
            ("official_account.jsonl.gz", "official_account"),
        )
    ]
    stage.verb("consent import", file=str(folder / "consents.csv"))
    stage.write_key = stage.verb("source add", name="website", kind="segment")["write_key"]
    stage.at(made.launch)
    posted = stage.post(tea.calls(made, web.part((web.seconds >= cut) & (web.seconds < launch))))
    stage.summary["imported_before"] = sum(answer["stored"] for answer in imports)
    stage.summary["posted_before"] = posted


def campaign(stage: Stage) -> None:
    """Tags as of the launch, the audience with its portrait, then both campaigns."""
    ran = stage.verb("tag run")
    stage.summary["tags"] = len(ran["tags"])
    stage.summary["people"] = ran["people"]
    stage.summary["audience"] = stage.verb("audience count", expression="in audience recent_buyers")["count"]
    portrait = stage.verb("audience portrait", name="recent_buyers")
    found = [
        {"tag": tag["tag"], "value": value["value"], "tgi": round(value["tgi"], 1)}
        for tag in portrait["tags"]
        for value in tag["values"]
        if value["significant"] and (value["tgi"] or 0) > 100 and tag["type"] in ("text", "flag")
    ]
    stage.summary["portrait"] = sorted(found, key=lambda item: -abs(item["tgi"] - 100))[:5]
    stage.verb("audience snapshot", name="recent_buyers")
    stage.summary["email"] = stage.verb("campaign send", name="spring_harvest")
    stage.summary["wechat"] = stage.verb("campaign send", name="points_notice")


def feedback(stage: Stage) -> None:
    """Some of those who got the mail open it, click, or unsubscribe, through the real links."""
    random = np.random.default_rng([stage.made.seed, 8])
    stage.at(stage.made.launch + timedelta(hours=3))
    wanted: list[tuple[str, str]] = []
    for mail in stage.mail.messages():
        fate = random.random()
        body = mail.html if fate < OPEN_SHARE or fate > 1 - UNSUBSCRIBE_SHARE else ""
        if fate < OPEN_SHARE:
            wanted += [("GET", link) for link in re.findall(r'src="([^"]+/o/[^"]+)"', body)]
        if fate < CLICK_SHARE:
            wanted += [("GET", link) for link in re.findall(r'href="([^"]+/c/[^"]+)"', body)][:1]
        if fate > 1 - UNSUBSCRIBE_SHARE:
            wanted += [("POST", link) for link in re.findall(r'href="([^"]+/u/[^"]+)"', body)][:1]

    def follow(one: tuple[str, str]) -> int:
        return client.request(one[0], unescape(one[1]), follow_redirects=False).status_code

    with httpx2.Client(timeout=30, headers={"user-agent": BROWSER}) as client, ThreadPoolExecutor(4) as pool:
        answers = []
        for n, status in enumerate(pool.map(follow, wanted)):
            answers.append(status)
            stage.progress("people open and click", n + 1, len(wanted))
    failed = sum(status >= 400 for status in answers)
    stage.summary["links_followed"] = {"followed": len(answers), "failed": failed}


def aftermath(stage: Stage) -> None:
    """Two weeks go on: what people would have done anyway, and the orders that only the message caused."""
    made, web = stage.made, stage.web
    launch = (made.launch - made.start).total_seconds()
    later = web.part(web.seconds >= launch)
    recipients = np.array(sorted({int(mail.to[1:7]) for mail in stage.mail.messages()}))
    anyway = np.unique(later.person[later.what == 4])
    orders, effect = tea.orders_after(made, recipients=recipients, buyers_anyway=anyway)
    stage.summary["planted"] = {
        "recipients": effect.recipients,
        "buyers_because": effect.because,
        "per_person": round(effect.per_person, 5),
    }
    http_until = launch + HTTP_DAYS * 86_400
    early = later.part(later.seconds < http_until)
    stage.at(made.launch + timedelta(days=HTTP_DAYS))
    posted = stage.post(tea.calls(made, early))
    rest = later.part(later.seconds >= http_until)
    path = stage.folder / "sample" / "web_after.parquet"
    tea.write_web(made, rest, path)
    stage.at(made.end)
    answer = stage.verb("import", file=str(path), map=str(stage.folder / "mappings" / "web.yml"))
    posted += stage.post(iter(orders))
    stage.summary["imported_after"] = answer["stored"]
    stage.summary["posted_after"] = posted


def conclude(stage: Stage) -> None:
    """Tags again (the feedback changed them) and the report."""
    stage.at(stage.made.end)
    ran = stage.verb("tag run")
    moved = {tag["tag"]: tag for tag in ran["tags"]}
    stage.summary["answers_mail"] = {
        row["value"]: row["people"] for row in stage.verb("tag show", key="answers_mail")["values"]
    }
    stage.summary["tags_changed"] = sum(
        tag["entered"] + tag["left"] + tag["changed"] for tag in moved.values()
    )
    stage.summary["report"] = stage.verb("campaign report", name="spring_harvest")
    stage.summary["sources"] = stage.verb("source list")["sources"]
    stage.summary["events"] = stage.verb("event summary")["events"]


STEPS: dict[str, Callable[[Stage], None]] = {
    "files and HTTP up to the campaign": history,
    "tags, audience, portrait, sending": campaign,
    "people open and click": feedback,
    "two more weeks": aftermath,
    "tags again and the report": conclude,
}


def draw(answer: Json) -> None:
    """The whole funnel as a person reads it."""
    report = answer["report"]
    out.print("\n[bold]Morning Tea 晨茶铺[/bold]: from raw events to a measured message\n")
    show.table(
        "Collected",
        ("source", "received", "stored", "duplicate", "quarantined", "rejected"),
        (
            [s[c] for c in ("name", "received", "stored", "duplicate", "quarantined", "rejected")]
            for s in answer["sources"]
        ),
    )
    show.pairs(
        "The funnel",
        {
            "people": f"{answer['people']:,}",
            "events": f"{answer['events']:,}",
            "tags": answer["tags"],
            "audience 'recent_buyers'": f"{answer['audience']:,}",
            "stands out in it": "; ".join(
                f"{row['tag']} {row['value']} (TGI {row['tgi']:.0f})" for row in answer["portrait"]
            ),
            **dict(show.effect(report)),
            "planted effect": f"+{answer['planted']['per_person']:.2%} buyers per recipient",
            "tag 'answers_mail' after the feedback": answer["answers_mail"],
            "through HTTP": f"{answer['posted_before'] + answer['posted_after']:,} events",
            "WeChat service message": f"{answer['wechat']['sent']:,} sent",
            "seconds": f"{answer['seconds']} ("
            + ", ".join(f"{name} {seconds}" for name, seconds in answer["steps"].items())
            + ")",
        },
    )
