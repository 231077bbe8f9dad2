"""How often a tag is right is said with an interval, of enough people; one that is not right is not published."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from limner.accounts import keys
from limner.errors import ConflictError, DefinitionError, UsageError
from limner.events.frames import Record
from limner.feedback.effects import wilson
from tests.workspace.worlds import World

PARENT = (
    "nature: model\nmethod: rule\ntype: flag\nvalidity: 30 days\ntruth: said_parent\n{}"
    "cases:\n  - when: person.buys_toys = true\n    then: true\n"
)
SAID = "nature: fact\nmethod: observed\ntype: flag\nattribute: is_parent\n"
RIGHT, WRONG, MISSED, NEITHER = 120, 40, 30, 60
"""Who buys toys and is a parent, buys them and is none, is one and buys none, is none and buys none."""


@pytest.fixture
def shop(world: World) -> World:
    """250 people who said whether they are parents, and 50 who did not."""
    source = keys.ensure_source(world.workspace.records, "shop", kind="segment", now=world.now)
    calls = []
    kinds = [(True, True)] * RIGHT + [(True, False)] * WRONG + [(False, True)] * MISSED
    kinds += [(False, False)] * NEITHER + [(True, None)] * 10 + [(False, None)] * 40
    for n, (toys, parent) in enumerate(kinds):
        traits = {"buys_toys": toys, **({} if parent is None else {"is_parent": parent})}
        calls.append({"type": "identify", "userId": f"u{n}", "traits": traits, "messageId": f"m{n}"})
    body = json.dumps({"batch": calls}).encode()
    world.workspace.log.append_now(
        Record("b", source.source_i, keys.micros(world.now), n=len(calls), body=body)
    )
    world.workspace.load()
    world.now += timedelta(minutes=1)
    world.write("tags/said_parent.yml", SAID)
    world.write("tags/parent.yml", PARENT.format(""))
    return world


@pytest.mark.proves("T15")
def test_precision_and_recall_against_what_people_said(shop: World) -> None:
    shop.verb("tag run")
    found = shop.verb("tag accuracy", key="parent")
    assert (found["people"], found["enough"], found["corrected"]) == (250, True, 0)
    precision, recall = wilson(RIGHT, RIGHT + WRONG), wilson(RIGHT, RIGHT + MISSED)
    assert found["precision"] == {
        "share": 0.75, "low": round(precision.low, 6), "high": round(precision.high, 6), "right": 120, "of": 160,
    }  # fmt: skip
    assert (found["recall"]["share"], found["recall"]["high"]) == (0.8, round(recall.high, 6))
    assert found["declared"] == {
        "of_everybody": round(250 / 300, 6), "of_tagged": round(160 / 170, 6), "of_others": round(90 / 130, 6),
    }  # fmt: skip


def test_a_correction_is_truth_and_what_the_tag_would_say_is_judged(shop: World) -> None:
    shop.verb("tag run")
    shop.verb("tag give", key="parent", value=True, people=[f"u{RIGHT + n}" for n in range(WRONG)])
    found = shop.verb("tag accuracy", key="parent")
    assert (found["precision"]["right"], found["precision"]["of"]) == (160, 160)
    assert (found["people"], found["corrected"]) == (250, 40)
    shop.verb("tag give", key="parent", value=False, people=["u0"])
    assert shop.verb("tag accuracy", key="parent")["precision"]["right"] == 159


def test_below_two_hundred_people_there_is_not_enough_data(shop: World) -> None:
    shop.write("tags/parent.yml", PARENT.format("at_least: 0.9\n"))
    shop.write(
        "tags/said_parent.yml", SAID.replace("observed", "manual").replace("attribute: is_parent\n", "")
    )
    shop.verb("tag run")
    shop.verb("tag give", key="said_parent", value=True, people=[f"u{n}" for n in range(199)])
    found = shop.verb("tag accuracy", key="parent")
    assert (found["people"], found["enough"], found["precision"], found["meets"]) == (199, False, None, None)


@pytest.mark.proves("T15")
def test_a_tag_that_is_not_right_often_enough_is_not_published(shop: World) -> None:
    shop.write("tags/parent.yml", PARENT.format("at_least: 0.8\n"))
    for verb in ("tag run", "tag apply"):
        with pytest.raises(ConflictError) as refused:
            shop.verb(verb)
        assert (refused.value.code, refused.value.where) == ("not_accurate", "tags/parent.yml")
    shop.write("tags/parent.yml", PARENT.format("at_least: 0.75\n"))
    shop.verb("tag run")
    assert shop.verb("tag accuracy", key="parent")["meets"] is True
    shop.verb("tag give", key="said_parent", value=False, people=["u0", "u1"])
    (finding,) = shop.verb("tag lint", code="inaccurate")["findings"]
    assert (finding["tags"], finding["numbers"]) == (["parent"], {"right": 118, "of": 160})
    shop.verb("tag run")  # what is published stays published


@pytest.mark.parametrize(
    ("truth", "says"),
    [("nobody", "unknown tag 'nobody'"), ("parent", "the truth is declared"), ("age", "is of type number")],
)
def test_a_truth_that_cannot_be_one_is_refused(shop: World, truth: str, says: str) -> None:
    shop.write("tags/age.yml", "nature: fact\nmethod: observed\ntype: number\nattribute: age\n")
    shop.write("tags/parent.yml", PARENT.format("").replace("said_parent", truth))
    with pytest.raises(DefinitionError) as error:
        shop.verb("tag run")
    assert says in str(error.value)
    with pytest.raises(UsageError):
        shop.verb("tag accuracy", key="said_parent")


@pytest.mark.proves("T15")
def test_what_a_customer_corrects_counts_as_truth_and_says_who_said_it(shop: World) -> None:
    shop.verb("tag run")
    made = shop.verb(
        "tag correct", key="parent", person="u0", value=False
    )  # buys toys, and said to be a parent
    shop.verb("tag give", key="parent", value=False, person="u1")
    found = shop.verb("tag accuracy", key="parent")
    assert (found["corrected"], found["people"], found["precision"]["right"]) == (2, 250, 118)
    tags = {n: _held(shop, f"u{n}") for n in (0, 1)}
    assert [(tags[n]["who"], tags[n]["by"]) for n in (0, 1)] == [
        ("customer", "command line"),
        ("staff", "command line"),
    ]
    conflicts = shop.verb("conflict list")["tags"]
    assert [(row["key"], row["standing"]) for row in conflicts] == [("parent", 2)]
    assert [row["what"] for row in shop.verb("tag batches")["batches"]] == ["give", "correct"]
    shop.verb("tag undo", batch=made["batch"])
    assert shop.verb("tag accuracy", key="parent")["corrected"] == 1


def _held(shop: World, person: str) -> dict[str, object]:
    groups = shop.verb("person show", id=person)["tags"]
    (item,) = [tag for group in groups for tag in group["tags"] if tag["key"] == "parent"]
    return dict(item["given"])
