"""A journey's file: what it says, and what is wrong with it at its place."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from limner.campaigns.journey import Branch, Happening, Send, Split, Until, Wait, WaitFor, WhenDated, WhenDone
from limner.campaigns.journey_text import read
from limner.errors import DefinitionError

CART = """
title: {en: Abandoned cart, zh: 购物车提醒}
start: {event: Product Added, where: amount > 10}
only: subscribed
again: 30 days
leave:
  - {name: bought, event: Order Paid}
holdout: 0.2
play: buying
steps:
  pause: {wait: 2 hours}
  look:
    branch:
      - {when: tier = 'gold', next: gold}
  lots:
    split:
      a: {percent: 30, next: plain}
      b: {percent: 70, next: end}
    sticky: true
  gold: {message: {template: gold.html, subject: Your cart}, next: end}
  plain: {message: {template: plain.html, subject: Still there?, class: service, useful: 1 day}}
  answer: {wait_for: Link Clicked, at_most: 3 days, missed: morning, next: end}
  morning: {until: "10:00", on: [monday, friday]}
  staff: {task: Call them, within: 2 days}
"""


def test_every_part_of_a_journey_is_read():
    journey = read(CART, "cart")
    assert journey.title == {"en": "Abandoned cart", "zh": "购物车提醒"}
    assert journey.start == WhenDone(Happening("Product Added", "amount > 10"))
    assert (journey.only, journey.play, journey.holdout) == ("subscribed", "buying", 0.2)
    assert journey.again.ever
    assert journey.again.after == timedelta(days=30)
    assert [leave.name for leave in journey.leaves] == ["bought"]
    assert journey.first == "pause"
    steps = journey.steps
    assert steps["pause"] == Wait(timedelta(hours=2), "look")
    assert isinstance(steps["look"], Branch)
    assert steps["look"].next == "lots"
    assert isinstance(steps["lots"], Split)
    assert steps["lots"].sticky
    assert isinstance(steps["plain"], Send)
    assert steps["plain"].next == "answer"
    assert steps["plain"].useful == timedelta(days=1)
    assert steps["answer"] == WaitFor(Happening("Link Clicked"), timedelta(days=3), "end", "morning")
    assert steps["morning"] == Until(time(10), (1, 5), "staff")


def test_a_date_is_before_or_after():
    text = (
        "start: {date: person.expires, before: 30 days, at: '09:30', yearly: true}\nsteps: {a: {wait: 1 day}}"
    )
    assert read(text, "renew").start == WhenDated("person.expires", timedelta(days=30), time(9, 30), True)
    after = text.replace("before", "after")
    assert read(after, "renew").start == WhenDated("person.expires", timedelta(days=-30), time(9, 30), True)


ONE = "steps: {a: {wait: 1 day}}"
EVENT = "start: {event: visit}"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (ONE, "1:1", "'start' says who enters"),
        (f"start: {{event: a, enters: b}}\n{ONE}", "1:8", "'start' has one of event"),
        (f"start: {{date: orders + 1, at: '10:00'}}\n{ONE}", "1:15", "it is a tag or an attribute"),
        (f"start: {{date: expires}}\n{ONE}", "1:8", "it is a time of day"),
        (f"{EVENT}\nsteps: {{}}", "2:8", "'steps' is a mapping"),
        (f"{EVENT}\nsteps: {{end: {{wait: 1 day}}}}", "2:9", "'end' is no name of a step"),
        (f"{EVENT}\nsteps: {{a: {{wait: 1 day, next: c}}}}", "2:32", "there is no step 'c'"),
        (f"{EVENT}\nsteps: {{a: {{wait: 1 day, until: '10:00'}}}}", "2:12", "a step has one of wait"),
        (f"{EVENT}\nsteps: {{a: {{wait: soon}}}}", "2:19", "'wait' is a duration"),
        (
            f"{EVENT}\nsteps: {{a: {{wait: 1 day, next: end}}, b: {{wait: 1 day}}}}",
            "2:38",
            "nobody ever comes to 'b'",
        ),
        (f"{EVENT}\nsteps: {{a: {{branch: [{{when: 'x =', next: a}}]}}}}", "2:33", ""),
        (
            f"{EVENT}\nsteps: {{a: {{branch: [{{when: vip, next: a}}]}}}}",
            "2:9",
            "from 'a' one comes back to it",
        ),
        (
            f"{EVENT}\nsteps: {{a: {{split: {{x: {{percent: 50, next: end}}, y: {{percent: 40, next: end}}}}}}}}",
            "2:20",
            "the shares do not add up",
        ),
        (f"{EVENT}\nleave: [{{where: x}}]\n{ONE}", "2:9", "who leaves is said by"),
        (f"{EVENT}\nsteps: {{a: {{message: {{template: a.html}}}}}}", "2:22", "an e-mail needs a subject"),
        (f"{EVENT}\nstepz: 1\n{ONE}", "2:1", "unknown key 'stepz'"),
    ],
)
def test_each_mistake_is_named_at_its_place(text: str, place: str, message: str):
    with pytest.raises(DefinitionError) as caught:
        read(text, "journey")
    assert caught.value.where == f"journeys/journey.yml:{place}"
    assert caught.value.message.startswith(message)


def test_a_loop_with_a_wait_is_allowed():
    read(f"{EVENT}\nsteps: {{a: {{wait: 1 day}}, b: {{tag: seen, next: a}}}}", "round")
