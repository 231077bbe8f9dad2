"""Names of other systems: what they mean here, and every contradiction at its place."""

from __future__ import annotations

import pytest

from limner.errors import DefinitionError
from limner.tags import naming
from limner.tags.naming import System, conflicts, read
from tests.builders import observed, rule, statistic, tags

TAGS = tags(
    {
        "vip": rule({"true": "tier = 'gold'"}, kind="flag"),
        "tier": rule({"gold": "spent >= 100", "silver": "spent >= 1"}, "basic"),
        "spent": statistic("sum(amount of *)", "money"),
        "city": observed("city"),
        "old": observed("old") + "stage: deprecated\n",
    }
)


def system(name: str, *names: str) -> System:
    listed = "".join(f"  - {{{item}}}\n" for item in names)
    found = read(f"system: {name.title()}\nnames:\n{listed}", name)
    assert found is not None
    return found


def found(*systems: System) -> list[tuple[str, str, tuple[str, ...]]]:
    named = {item.name: item for item in systems}
    return [(item.level, item.code, item.where) for item in conflicts(named, TAGS)]


def test_names_that_agree_are_no_conflict() -> None:
    one = system(
        "shop", "theirs: VIP, tag: vip", "theirs: Gold, tag: tier, value: gold", "theirs: Town, tag: city"
    )
    two = system("desk", "theirs: vip, tag: vip", "theirs: Silver, tag: tier, value: silver")
    assert found(one, two) == []


@pytest.mark.proves("V1")
def test_every_contradiction_is_found_at_its_place() -> None:
    shop = system(
        "shop",
        "theirs: VIP, tag: vip",  # line 3
        "theirs: vip, tag: tier, value: gold",
        "theirs: Best, tag: tier, value: gold",
        "theirs: Any, tag: tier",
        "theirs: Lost, tag: lapsd",
        "theirs: Rich, tag: spent, value: much",
        "theirs: Bronze, tag: tier, value: bronze",
        "theirs: Old, tag: old",
    )
    desk = system("desk", "theirs: Best, tag: vip")

    def at(*lines: int) -> tuple[str, ...]:
        return tuple(f"mappings/shop.yml:{line}" for line in lines)

    assert found(shop, desk) == [
        ("bad", "unknown_tag", at(7)),
        ("bad", "wrong_value", at(8)),
        ("bad", "unknown_value", at(9)),
        ("bad", "one_to_two", at(3, 4)),
        ("warn", "deprecated", at(10)),
        ("warn", "two_to_one", at(4, 5)),
        ("warn", "part_of_another", at(6, 4)),
        ("warn", "part_of_another", at(6, 5)),
        ("warn", "part_of_another", at(6, 9)),
        ("warn", "elsewhere", ("mappings/desk.yml:3", *at(5))),
    ]
    texts = [item.text for item in conflicts({"shop": shop, "desk": desk}, TAGS)]
    assert texts[3] == "Shop: VIP means vip and tier = gold"
    assert texts[-1] == "Best means different things: Desk: vip; Shop: tier = gold"


def test_a_mapping_of_an_import_is_no_system() -> None:
    assert read("source: web\nperson: {user_id: user}\n", "web") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("system: X\n", "'names' is a list"),
        ("names: []\n", "'system' is missing"),
        ("system: X\nnames: [vip]\n", "a name has theirs and tag"),
        ("system: X\nnames: [{theirs: a}]\n", "'tag' is missing"),
        ("system: X\nnames: [{theirs: ' ', tag: a}]\n", "'theirs' is empty"),
        ("system: X\nnames: [{theirs: a, tag: b, vlaue: c}]\n", "unknown key 'vlaue'"),
        ("system: X\nnmes: []\n", "unknown key 'nmes'"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(DefinitionError, match=message) as caught:
        naming.read(text, "x")
    assert str(caught.value.where).startswith("mappings/x.yml:")
