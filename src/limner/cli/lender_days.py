"""The days of the lender's journey: what leaves at each hour, who looks, who signs, and what each night brings."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx2

from limner.campaigns import positions
from limner.cli.lender_stage import JOURNEY, Stage, bring, write_traces
from limner.cli.staging import BROWSER, post
from limner.demo import lender as bank
from limner.demo.lender_inbox import columns
from limner.workspace import reaching, walking

OPEN, CLOSE = 8, 22
"""Hours of the day, in China's zone, within which anything leaves."""

WEEK, ENTER = 7, 9
"""Whoever has become an owner comes in once a week, at nine."""


def send(stage: Stage) -> None:
    """The journey, hour by hour: what is due leaves, people look and sign, and new owners come in once a week."""
    made, hours = stage.made, CLOSE - OPEN
    stage.verb("journey start", name=JOURNEY)
    for day in range(bank.AFTER_DAYS):
        if day:
            a_night(stage, day)
        for hour in range(hours):
            stage.at(made.launch + timedelta(days=day, hours=hour, seconds=30))
            one_hour(stage, OPEN + hour, enters=day % WEEK == 0 and OPEN + hour == ENTER)
            stage.progress("hours of the journey", day * hours + hour + 1, bank.AFTER_DAYS * hours)
        stage.at(made.launch + timedelta(days=day, hours=hours))
        sign(stage)
    a_night(stage, bank.AFTER_DAYS)


def a_night(stage: Stage, day: int) -> None:
    """At three everything that people did since the last night comes in, and all tags; at the end as of the end."""
    end = stage.made.launch + timedelta(days=day)
    stage.at(end if day == bank.AFTER_DAYS else end - timedelta(hours=OPEN - 3))
    until = stage.seconds
    for path in write_traces(stage, stage.until, until, f"-{day}"):
        bring(stage, path)
    stage.until = until
    stage.verb("tag run")


def one_hour(stage: Stage, hour: int, *, enters: bool) -> None:
    """What is due leaves; whoever got it looks at it, and some will sign because of it."""
    opened = stage.opened
    next_one = positions.present(opened.records, JOURNEY, step="", limit=1)
    if enters or stage.happened or (next_one and next_one[0].due_at <= stage.clock()):
        opened.load()
        walking.move_all(opened)
        stage.happened = False
    for channel in bank.CHANNELS:
        reaching.send_waiting(opened, channel)
    came = stage.inbox.take(hour=hour)
    if not came:
        return
    made, now = stage.made, stage.seconds
    got = columns(came, [hour] * len(came))
    _, because = bank.answers(made, got=got.person, channel=got.channel, product=got.product, hour=got.hour)
    about = {row.person: row.product for row in came}
    for person in because.tolist():
        stage.because.setdefault(person, (now + bank.takes_to_sign(made, person), about[person]))
    looks = set(bank.follows(made, got=got.person, channel=got.channel).tolist()) | set(because.tolist())
    follow(stage, [row.link for row in came if row.person in looks])


def follow(stage: Stage, targets: Sequence[str]) -> None:
    """People follow the links of their messages, a little later."""
    if not targets:
        return
    stage.happened = True
    stage.at(stage.clock() + timedelta(minutes=20))

    def get(link: str) -> int:
        return client.get(link, follow_redirects=False).status_code

    with httpx2.Client(timeout=30, headers={"user-agent": BROWSER}) as client, ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(get, targets))
    links = stage.summary.setdefault("links", {"followed": 0, "failed": 0})
    links["followed"] += len(answers)
    links["failed"] += sum(status >= 400 for status in answers)


def sign(stage: Stage) -> None:
    """What was signed by now is posted by the contract desk: by those whom a message persuaded, and by others."""
    made = stage.made
    now = stage.seconds
    anyway = bank.signs_anyway(made)
    due = {
        **{person: (at, product, "because") for person, (at, product) in stage.because.items()},
        **{
            int(person): (float(at), int(made.need[person]), "anyway")
            for person, at in zip(anyway.person, anyway.seconds, strict=True)
        },
    }
    calls = [
        bank.contract(
            made,
            person,
            product=bank.PRODUCTS[product],
            at=made.start + timedelta(seconds=at),
            why=why,
        )
        for person, (at, product, why) in sorted(due.items())
        if at < now and person not in stage.posted
    ]
    stage.posted |= {person for person, (at, _, _) in due.items() if at < now}
    if calls:
        stage.happened = True
        post(stage.url, stage.write_key, iter(calls), stage.progress)
