"""A journey's file: what it says, and what is wrong with it at its place."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.campaigns import journey_text
from limner.campaigns.journey import Branch, Happening, Send, Split, Until, Wait, WaitFor, WhenDated, WhenDone
from limner.campaigns.journey_text import read
from limner.errors import DefinitionError
from limner.tags.document import Document

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


DRAWN = """\
# the basket
start: {event: Product Added}   # who
steps:
  # first of all
  pause: {wait: 2 hours}  # not at once
  call:   # a person
    task: Call   # by phone
    within: 1 day
  last: {until: "10:00"}
# the end
owner: crm
"""


def fields(text: str = DRAWN) -> Any:
    return journey_text.plain(Document(text, where="f").root)


def test_a_file_as_fields_says_all_that_it_says() -> None:
    assert fields("holdout: 0.1\nsteps: {a: {wait: 1 day}}\nagain: true\nowner: null\n") == {
        "holdout": 0.1,
        "steps": {"a": {"wait": "1 day"}},
        "again": True,
        "owner": None,
    }
    assert list(fields()["steps"]) == ["pause", "call", "last"]


def test_a_step_is_put_between_others_and_every_other_line_stays() -> None:
    steps = fields()["steps"]
    put = {"pause": steps["pause"], "mark": {"tag": "vip", "value": True}, **steps}
    made = journey_text.written(DRAWN, {"steps": put}, name="f")
    assert made == DRAWN.replace("  call:   # a", "  mark:\n    tag: vip\n    value: true\n  call:   # a")


def test_steps_change_places_with_their_comments() -> None:
    steps = fields()["steps"]
    made = journey_text.written(
        DRAWN, {"steps": {name: steps[name] for name in ("last", "pause", "call")}}, name="f"
    )
    assert (
        made
        == """\
# the basket
start: {event: Product Added}   # who
steps:
  last: {until: "10:00"}
  # first of all
  pause: {wait: 2 hours}  # not at once
  call:   # a person
    task: Call   # by phone
    within: 1 day
# the end
owner: crm
"""
    )


def test_a_step_changes_and_another_goes() -> None:
    steps = {"call": {**fields()["steps"]["call"], "within": "2 days"}, "last": {"until": "11:30"}}
    made = journey_text.written(DRAWN, {"steps": steps, "owner": None, "holdout": 0.2}, name="f")
    assert fields(made) == {
        "start": {"event": "Product Added"},
        "steps": {"call": {"task": "Call", "within": "2 days"}, "last": {"until": "11:30"}},
        "holdout": 0.2,
    }
    assert "  call:   # a person\n    task: Call   # by phone\n    within: 2 days\n" in made


def test_steps_in_one_line_are_put_in_order_too() -> None:
    text = "start: {event: A}\nsteps: {a: {wait: 1 day}, b: {wait: 2 days}}\n"
    steps = {"b": {"wait": "2 days"}, "a": {"wait": "1 day"}}
    made = journey_text.written(text, {"steps": steps}, name="f")
    assert list(journey_text.read(made, "f").steps) == ["b", "a"]


def test_a_new_text_stands_in_the_usual_order_and_unknown_keys_are_refused() -> None:
    made = journey_text.written("", {"steps": {"a": {"wait": "1 day"}}, "start": {"event": "A"}}, name="f")
    assert made == "start:\n  event: A\nsteps:\n  a:\n    wait: 1 day\n"
    with pytest.raises(DefinitionError, match="unknown key 'stepz'"):
        journey_text.written(made, {"stepz": {}}, name="f")


names = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6, unique=True)


@settings(deadline=None)
@given(before=names, after=names, data=st.data())
def test_any_steps_become_any_others_in_their_order(
    before: list[str], after: list[str], data: st.DataObject
) -> None:
    """Whatever stood there, the text says exactly the new steps, in their order, and the rest is as it was."""
    waits = st.builds("{} days".format, st.integers(1, 9))
    lines = "".join(
        f"  # about {name}\n  {name}: {{wait: {data.draw(waits)}}}  # {name}\n" for name in before
    )
    text = f"start: {{event: A}}  # who\nsteps:\n{lines}owner: crm  # us\n"
    steps = {name: {"wait": data.draw(waits)} for name in after}
    made = journey_text.written(text, {"steps": steps}, name="f")
    assert fields(made) == {"start": {"event": "A"}, "steps": steps, "owner": "crm"}
    assert list(fields(made)["steps"]) == after
    assert made.startswith("start: {event: A}  # who\n")
    assert made.endswith("owner: crm  # us\n")
