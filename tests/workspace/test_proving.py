"""The tests of tag files are tried on people of their own, by the very definitions that a run computes."""

from __future__ import annotations

from pathlib import Path

import pytest

from limner.errors import NotFoundError
from limner.types import Json
from limner.workspace.files import copy_example
from tests.builders import observed, rule, statistic
from tests.workspace.worlds import World


def trial(name: str, expect: str, given: str = "{}", as_of: str = "2026-06-01") -> str:
    return f"  - name: {name}\n    as_of: {as_of}\n    given: {given}\n    expect: {expect}\n"


def trials(*listed: str) -> str:
    return "tests:\n" + "".join(listed)


def paid(at: str, amount: str = "", **more: str) -> str:
    properties = f", properties: {{amount: {amount}}}" if amount else ""
    rest = "".join(f", {name}: {value}" for name, value in more.items())
    return f"{{name: Order Paid, at: {at}{properties}{rest}}}"


def shown(answer: Json) -> list[tuple[str, str, bool, str | None, str | None]]:
    return [(row["tag"], row["name"], row["passed"], row["expected"], row["got"]) for row in answer["tests"]]


def test_each_method_and_type_can_be_tested(world: World) -> None:
    orders = (
        f"{{events: [{paid('2026-05-01', '10')}, {paid('2026-05-02', '2.5')}, {paid('2026-06-01', '99')}]}}"
    )
    world.write(
        "tags/spent.yml",
        statistic('sum(amount of "Order Paid")', "money") + trials(trial("a", "12.5", orders)),
    )
    world.write("tags/orders.yml", statistic('count("Order Paid")') + trials(trial("b", "2", orders)))
    world.write(
        "tags/last.yml",
        statistic('last_time("Order Paid")', "instant") + trials(trial("c", "2026-05-02", orders)),
    )
    world.write(
        "tags/none.yml", statistic('last_time("Seen")', "instant") + trials(trial("d", "null", orders))
    )
    world.write("tags/city.yml", observed("city") + trials(trial("e", "上海", "{attributes: {city: 上海}}")))
    world.write(
        "tags/rich.yml", rule({"true": "spent >= 12.5"}, kind="flag") + trials(trial("f", "true", orders))
    )
    world.write(
        "tags/share.yml",
        statistic('avg(quantity of "Seen")')
        + trials(
            trial(
                "g",
                "0.333333333333",
                "{events: [{name: Seen, at: 2026-05-01, properties: {quantity: 1}},"
                " {name: Seen, at: 2026-05-01, properties: {quantity: 0}},"
                " {name: Seen, at: 2026-05-02, properties: {quantity: 0}}]}",
            )
        ),
    )
    answer = world.verb("tag test")
    assert answer["problems"] == []
    assert [row for row in shown(answer) if not row[2]] == []
    assert (answer["ok"], answer["passed"], answer["failed"]) == (True, 7, 0)
    expected = {row[0]: row[3] for row in shown(answer)}
    assert (expected["spent"], expected["last"], expected["rich"]) == ("12.5", "2026-05-02T00:00:00Z", "true")


def test_a_test_that_fails_says_what_it_expected_and_what_it_got(world: World) -> None:
    world.write(
        "tags/orders.yml",
        statistic('count("Order Paid" in last 30 days)')
        + trials(
            trial("one too many", "2", f"{{events: [{paid('2026-05-20')}]}}"),
            trial("fine", "1", f"{{events: [{paid('2026-05-20')}]}}"),
            trial("counts from nothing", "null"),
        ),
    )
    answer = world.verb("tag test", keys=["orders"])
    assert shown(answer) == [
        ("orders", "one too many", False, "2", "1"),
        ("orders", "fine", True, "1", "1"),
        ("orders", "counts from nothing", False, None, "0"),
    ]
    assert (answer["ok"], answer["passed"], answer["failed"]) == (False, 1, 2)
    assert answer["tests"][0]["where"] == "tags/orders.yml:7:5"


def test_tests_of_one_instant_do_not_see_each_other(world: World) -> None:
    one = f"{{events: [{paid('2026-05-20', '5')}]}}"
    listed = [trial(f"t{number}", "5", one) for number in range(20)]
    world.write("tags/spent.yml", statistic('sum(amount of "Order Paid")', "money") + trials(*listed))
    assert world.verb("tag test")["passed"] == 20


def test_given_tags_stand_instead_of_computed_ones(world: World) -> None:
    world.write("tags/spent.yml", statistic('sum(amount of "Order Paid")', "money"))
    world.write("tags/orders.yml", statistic('count("Order Paid")'))
    order = paid("2026-05-20", "50")
    world.write(
        "tags/tier.yml",
        rule({"gold": "spent >= 100 and orders >= 1", "silver": "known(spent)"})
        + trials(
            trial("computed", "silver", f"{{events: [{order}]}}"),
            trial("given", "gold", f"{{events: [{order}], tags: {{spent: 100}}}}"),
            trial("given as nothing", "null", f"{{events: [{order}], tags: {{spent: null}}}}"),
            trial("one of two", "silver", "{tags: {spent: 100}}"),
        ),
    )
    answer = world.verb("tag test")
    assert [row[2] for row in shown(answer)] == [True] * 4, answer


def test_the_zone_of_the_workspace_decides_about_dates(tmp_path: Path) -> None:
    world = World(tmp_path / "shop", toml='zone = "Asia/Shanghai"\n')
    try:
        world.write(
            "tags/orders.yml",
            statistic('count("Order Paid" in last 1 day)')
            + trials(
                trial("last second", "1", f"{{events: [{paid('2026-05-31T15:59:59Z')}]}}"),
                trial("too late", "0", f"{{events: [{paid('2026-05-31T16:00:00Z')}]}}"),
                trial("local", "1", f"{{events: [{paid('2026-05-31T23:59:59')}]}}"),
            ),
        )
        assert world.verb("tag test")["passed"] == 3
    finally:
        world.close()


def test_audiences_are_their_conditions_and_lists_hold_nobody(world: World) -> None:
    world.write("audiences/buyers.yml", 'expression: did "Order Paid"\n')
    world.write("audiences/picked.yml", "members: [u1]\n")
    world.write(
        "tags/vip.yml",
        rule({"true": "in audience buyers and not in audience picked"}, kind="flag")
        + trials(
            trial("buys", "true", f"{{events: [{paid('2026-05-20')}]}}"), trial("does not", "null"),
        ),
    )  # fmt: skip
    assert world.verb("tag test")["passed"] == 2


def test_people_and_publications_take_no_part(world: World) -> None:
    world.write(
        "tags/orders.yml",
        statistic('count("Order Paid")') + trials(trial("one", "1", f"{{events: [{paid('2026-05-20')}]}}")),
    )
    before = world.workspace.engine.version
    assert world.verb("tag test")["ok"]
    assert world.workspace.engine.version == before
    assert world.workspace.columns is None
    assert world.verb("run list")["runs"] == []


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        (
            statistic('sum(amount of "Order Paid")', "money")
            + trials(trial("a", "1", f"{{events: [{paid('2026-05-20', 'much')}]}}")),
            "9:78",
            "the property 'amount' is of type money, 'much' is none",
        ),
        (
            statistic('count("Order Paid")')
            + trials(trial("a", "1", f"{{events: [{paid('2026-05-20', source='till')}]}}")),
            "9:65",
            "there is no source 'till'",
        ),
        (
            rule({"true": 'did "Order Paid"'}, kind="flag")
            + trials(trial("a", "true", "{tags: {spent: 1}}")),
            "11:20",
            "'tag' does not refer to the tag 'spent'",
        ),
        (
            rule({"true": "city = 'x'"}, kind="flag") + trials(trial("a", "true", "{tags: {city: 1}}")),
            "11:26",
            "'1' is no text",
        ),
        (
            rule({"true": "citty = 'x'"}, kind="flag") + trials(trial("a", "true")),
            "5:11",
            "unknown tag or attribute 'citty'",
        ),
    ],
)
def test_what_is_wrong_is_a_problem_at_its_place(world: World, text: str, place: str, says: str) -> None:
    world.write("tags/city.yml", observed("city"))
    world.write("tags/tag.yml", text)
    fine = trials(trial("one", "1", f"{{events: [{paid('2026-05-20')}]}}"))
    world.write("tags/fine.yml", statistic('count("Order Paid")') + fine)
    answer = world.verb("tag test")
    assert [(item["where"], item["message"]) for item in answer["problems"]] == [
        (f"tags/tag.yml:{place}", says)
    ]
    assert answer["ok"] is False
    assert [row["tag"] for row in answer["tests"]] == ["fine"]
    assert world.verb("tag test", keys=["fine"])["ok"] is True


def test_given_tags_are_looked_at_with_every_definition(world: World) -> None:
    world.write(
        "tags/tag.yml",
        rule({"true": 'did "Order Paid"'}, kind="flag") + trials(trial("a", "true", "{tags: {spent: 1}}")),
    )
    found = world.verb("check")["problems"]
    assert [item["where"] for item in found] == ["tags/tag.yml:11:20"]


def test_a_file_that_cannot_be_read_is_a_problem(world: World) -> None:
    world.write("tags/broken.yml", "nature: [\n")
    answer = world.verb("tag test")
    assert (answer["ok"], answer["tests"], len(answer["problems"])) == (False, [], 1)
    with pytest.raises(NotFoundError):
        world.verb("tag test", keys=["borken"])


def test_the_tests_of_the_example_pass(world: World) -> None:
    copy_example(world.folder)
    world.reopen()
    answer = world.verb("tag test")
    assert {row["tag"] for row in answer["tests"]} == {"demand", "interest", "tea_lover", "value_tier"}
    assert (answer["ok"], answer["failed"]) == (True, 0)


def test_the_tests_of_the_guide_pass(world: World) -> None:
    from tests.tags.test_docs import BLOCK, DOCS

    for key, text in BLOCK.findall((DOCS / "how-to" / "tags.md").read_text(encoding="utf-8")):
        world.write(f"tags/{key}.yml", text)
    answer = world.verb("tag test")
    assert (answer["ok"], answer["passed"]) == (True, 3)
