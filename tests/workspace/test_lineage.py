"""What is made of what, from events and attributes to campaigns and journeys."""

from __future__ import annotations

import pytest

from limner.errors import NotFoundError, UsageError
from limner.types import Json
from tests.builders import observed, rule, statistic
from tests.workspace.worlds import World

FILES = {
    "tags/orders.yml": statistic('count("Order Paid")'),
    "tags/city.yml": observed("city"),
    "tags/vip.yml": "title: {en: Very important, zh: 贵宾}\n"
    + rule({"true": "orders >= 3 and city = 'Paris'"}, kind="flag"),
    "audiences/loyal.yml": "expression: vip and did visit in last 7 days\n",
    "audiences/asked.yml": "expression: in audience loyal and person.email contains '@'\n",
}


@pytest.fixture
def defined(world: World) -> World:
    for path, text in FILES.items():
        world.write(path, text)
    return world


def ids(answer: Json) -> list[str]:
    return [node["id"] for node in answer["nodes"]]


def test_every_definition_stands_above_what_it_is_made_of(defined: World) -> None:
    answer = defined.verb("tag lineage")
    layers = {node["id"]: node["layer"] for node in answer["nodes"]}
    assert layers == {
        "event:Order Paid": 0, "event:visit": 0, "attribute:city": 0, "attribute:email": 0,
        "tag:orders": 1, "tag:city": 1, "tag:vip": 2, "audience:loyal": 3, "audience:asked": 4,
    }  # fmt: skip
    edges = {(edge["from"], edge["to"]) for edge in answer["edges"]}
    assert edges == {
        ("event:Order Paid", "tag:orders"), ("attribute:city", "tag:city"), ("tag:orders", "tag:vip"),
        ("tag:city", "tag:vip"), ("tag:vip", "audience:loyal"), ("event:visit", "audience:loyal"),
        ("audience:loyal", "audience:asked"), ("attribute:email", "audience:asked"),
    }  # fmt: skip
    assert all(layers[edge["from"]] < layers[edge["to"]] for edge in answer["edges"])
    assert next(node for node in answer["nodes"] if node["id"] == "tag:vip")["titles"]["zh"] == "贵宾"


def test_a_focus_keeps_what_it_rests_on_and_what_rests_on_it(defined: World) -> None:
    assert set(ids(defined.verb("tag lineage", focus="tag:orders"))) == {
        "event:Order Paid", "tag:orders", "tag:vip", "audience:loyal", "audience:asked",
    }  # fmt: skip
    assert ids(defined.verb("tag lineage", focus="event:visit")) == [
        "event:visit", "audience:loyal", "audience:asked",
    ]  # fmt: skip


def test_a_focus_that_is_not_there_is_refused(defined: World) -> None:
    with pytest.raises(NotFoundError) as missing:
        defined.verb("tag lineage", focus="tag:order")
    assert "tag:orders" in (missing.value.hint or "")
    with pytest.raises(UsageError):
        defined.verb("tag lineage", focus="orders")


def test_audiences_that_name_each_other_do_not_end_it(world: World) -> None:
    world.write("audiences/a.yml", "expression: in audience b\n")
    world.write("audiences/b.yml", "expression: in audience a\n")
    assert set(ids(world.verb("tag lineage"))) == {"audience:a", "audience:b"}


JOURNEY = """\
title: {en: Care, zh: 关怀}
start: {enters: loyal}
only: orders >= 2
leave: [{name: came, event: visit}]
steps:
  pause: {wait: 1 day}
  look:
    branch:
      - {when: vip, next: mark}
  write:
    message:
      template: care.html
      subject: Hello
      variants: [{name: far, when: not city = 'Paris', template: far.html}]
  mark: {tag: called, value: true}
"""


def test_a_journey_rests_on_what_lets_people_in_and_decides_and_gives_tags(defined: World) -> None:
    defined.write("tags/called.yml", "nature: fact\nmethod: manual\ntype: flag\n")
    defined.write("templates/care.html", "<p>{{ tag.orders }}</p>")
    defined.write("journeys/care.yml", JOURNEY)
    edges = {(edge["from"], edge["to"]) for edge in defined.verb("tag lineage")["edges"]}
    assert {edge for edge in edges if "journey:care" in edge} == {
        ("audience:loyal", "journey:care"), ("event:visit", "journey:care"), ("tag:orders", "journey:care"),
        ("tag:vip", "journey:care"), ("tag:city", "journey:care"), ("journey:care", "tag:called"),
    }  # fmt: skip
    shown = {
        key: [item["how"] for item in defined.verb("tag show", key=key)["used_by"]["journeys"]]
        for key in ("orders", "vip", "city", "called")
    }
    assert shown == {
        "orders": [["condition", "template"]], "vip": [["audience", "condition"]],
        "city": [["variant"]], "called": [["gives"]],
    }  # fmt: skip
    node = next(one for one in defined.verb("tag lineage")["nodes"] if one["id"] == "journey:care")
    assert (node["layer"], node["titles"]["zh"]) == (4, "关怀")


def test_a_journey_that_cannot_be_read_is_left_out(defined: World) -> None:
    defined.write("journeys/care.yml", JOURNEY.replace("wait: 1 day", "wait: soon"))
    assert "journey:care" not in ids(defined.verb("tag lineage"))
