"""Industry templates: what is shipped is right, and puts itself beside what is there."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path

import pytest

from limner import templates
from limner.demo import shop as tea
from limner.errors import ConflictError, DeniedError, NotFoundError
from limner.expressions import tree as t
from limner.tags.graph import build
from limner.tags.history import PREFIX, tags_at
from limner.tags.model import Method
from limner.types import Json, ValueType
from limner.workspace import definitions
from limner.workspace.files import copy_example
from tests.workspace.worlds import World

BOTH = ("auto_finance", "retail")
DIMENSIONS = {
    "consumption",
    "demographics",
    "interaction",
    "life_cycle",
    "preference",
    "risk",
    "source",
    "value",
}
CHINESE = range(0x4E00, 0x9FFF)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "shop")
    yield made
    made.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The tea shop of 300 people with both templates, computed at the end of its history."""
    folder = tmp_path_factory.mktemp("templates")
    world = World(folder / "shop", toml='zone = "Asia/Shanghai"\nstrong_keys = ["email", "openid"]\n')
    made = tea.shop(people=300, seed=7, start=world.now - timedelta(days=tea.DAYS))
    tea.write_members(made, folder / "members.csv")
    tea.write_web(made, tea.browsing(made, events=6_000), folder / "web.parquet")
    tea.write_till(made, folder / "till.csv", lines=900, first_day=0, last_day=tea.DAYS)
    copy_example(folder / "example")
    for name in ("members.csv", "web.parquet", "till.csv"):
        mapping = folder / "example" / "mappings" / f"{name.partition('.')[0]}.yml"
        world.verb("import", file=str(folder / name), map=str(mapping))
    for name in BOTH:
        world.verb("industry install", name=name)
    assert world.verb("check")["problems"] == []
    world.verb("tag run")
    yield world
    world.close()


def values(world: World, key: str) -> dict[str, int]:
    """How many people have each value of the tag; nobody without one is counted."""
    found = world.verb("tag show", key=key)["values"]
    return {row["value"]: row["people"] for row in found if row["kind"] != "unknown" and row["people"]}


def both(text: str) -> bool:
    """Whether the text says something in Chinese and in English."""
    chinese = any(ord(letter) in CHINESE for letter in text)
    return chinese and any(letter.isascii() and letter.isalpha() for letter in text)


@pytest.mark.proves("T9")
@pytest.mark.proves("T11")
@pytest.mark.proves("P11")
@pytest.mark.proves("P12")
@pytest.mark.proves("P13")
@pytest.mark.proves("P14")
@pytest.mark.proves(
    "P16",
    partly="accuracy can be asked of students and white-collar workers only",
)
@pytest.mark.parametrize(("name", "least"), [("retail", 60), ("auto_finance", 40)])
def test_every_tag_of_a_template_is_right_by_its_own_tests(world: World, name: str, least: int) -> None:
    template = templates.read(name)
    assert len(template.tags) >= least
    assert 8 <= len(template.audiences) <= 14
    assert {key for key, tag in template.tags.items() if len(tag.tests) < 2} == set()
    world.verb("industry install", name=name)
    answer = world.verb("tag test")
    assert answer["problems"] == []
    assert [row for row in answer["tests"] if not row["passed"]] == []
    assert {row["tag"] for row in answer["tests"]} == set(template.tags)
    assert answer["passed"] == sum(len(tag.tests) for tag in template.tags.values())


@pytest.mark.parametrize("name", BOTH)
def test_the_tests_of_a_tag_do_not_all_expect_the_same(name: str) -> None:
    for key, tag in templates.read(name).tags.items():
        expected = {trial.expect for trial in tag.tests}
        assert len(expected) >= 2, f"{key}: all its tests expect the same"


@pytest.mark.parametrize("name", BOTH)
def test_each_definition_says_whose_it_is_and_why_in_two_languages(name: str) -> None:
    template = templates.read(name)
    assert set(template.categories) == DIMENSIONS
    for key, tag in template.tags.items():
        assert set(tag.title) == {"en", "zh"}, key
        assert tag.owner, key
        assert both(tag.why), key
        assert (tag.validity is None) == (tag.method is Method.OBSERVED), key
    for key, item in template.audiences.items():
        assert set(item.title) == {"en", "zh"}, key
        assert item.owner, key
        assert both(item.why), key
    about = template.about
    for meanings in (about.events, about.properties, about.attributes):
        assert all(set(meaning) == {"en", "zh"} for meaning in meanings.values())


@pytest.mark.parametrize("name", BOTH)
def test_a_template_names_exactly_the_data_that_its_tags_read(name: str) -> None:
    template = templates.read(name)
    needs = [templates.needs(template, key) for key in template.tags]
    events = {event for need in needs for event in need.events} - {"*"}
    named = {
        literal.value
        for trees in template.graph.trees.values()
        for tree in trees
        for literal in t.walk(tree)
        if isinstance(literal, t.Literal) and literal.value in template.about.events
    }
    assert events | named == set(template.about.events)
    assert {each for need in needs for each in need.properties} == set(template.about.properties)
    assert {each for need in needs for each in need.attributes} == set(template.about.attributes)


@pytest.mark.proves("T10")
def test_two_templates_stand_side_by_side(shop: World) -> None:
    retail, auto = (set(templates.read(name).tags) for name in ("retail", "auto_finance"))
    assert not retail & auto
    assert all(key.startswith("auto_") for key in auto)
    assert shop.verb("check")["problems"] == []
    shown = shop.verb("tag list")
    assert {row["key"] for row in shown["tags"]} == retail | auto


EVERYBODY = {
    "activity_level": {"very active", "active", "occasional", "quiet", "asleep"},
    "day_part_preference": {"unknown", "morning", "afternoon", "evening", "night"},
    "life_cycle": {"prospect", "new", "growing", "mature", "cooling", "silent", "lost"},
    "price_sensitivity": {"unknown", "low", "middle", "high"},
    "stratum": {"loyal", "core", "target", "potential"},
    "value_potential": {"nurse", "protect", "develop", "maintain"},
    "auto_life_cycle": {"prospect", "considering", "applied", "approved", "signed", "repaying", "settled"},
    "auto_stratum": {"loyal", "core", "target", "potential"},
    "auto_value_intent": {"renew now", "keep", "win", "wait"},
}


@pytest.mark.parametrize("key", EVERYBODY)
def test_everybody_is_in_exactly_one_class(shop: World, key: str) -> None:
    found = values(shop, key)
    assert set(found) <= EVERYBODY[key]
    assert sum(found.values()) == shop.verb("tag show", key=key)["everybody"] > 300


@pytest.mark.proves("A6")
def test_every_buyer_is_in_exactly_one_of_the_eight_tiers(shop: World) -> None:
    tiers = values(shop, "rfm_tier")
    buyers = shop.verb("audience count", expression='did "Order Paid"')["count"]
    assert sum(tiers.values()) == buyers > 100
    assert shop.verb("audience count", expression='known(rfm_tier) and not did "Order Paid"')["count"] == 0
    assert len(tiers) >= 4
    assert {str(case.then) for case in templates.read("retail").tags["rfm_tier"].definition.cases} >= set(
        tiers
    )  # type: ignore[union-attr]
    assert len(templates.read("retail").tags["rfm_tier"].definition.cases) == 8  # type: ignore[union-attr]


@pytest.mark.proves("A4")
def test_high_value_high_potential_and_lost_are_three_audiences_without_anybody_in_common(
    shop: World,
) -> None:
    """Against the tags they are made of, counted by hand over the cross of value, potential and stage."""
    three = ("retail_high_value", "retail_high_potential", "retail_lost")
    found = {name: shop.verb("audience count", expression=f"in audience {name}")["count"] for name in three}
    rows = shop.verb("audience count", expression="known(life_cycle)")["count"]
    assert all(people < rows for people in found.values())
    assert sum(people > 0 for people in found.values()) >= 2
    for one, other in combinations(three, 2):
        assert (
            shop.verb("audience count", expression=f"in audience {one} and in audience {other}")["count"] == 0
        )
    stages = values(shop, "life_cycle")
    assert found["retail_lost"] == stages.get("silent", 0) + stages.get("lost", 0)
    asleep = shop.verb(
        "audience count", expression="value_potential in ('nurse', 'protect') and in audience retail_lost"
    )["count"]
    quadrants = values(shop, "value_potential")
    assert found["retail_high_value"] == quadrants.get("nurse", 0) + quadrants.get("protect", 0) - asleep


@pytest.mark.proves("A2")
def test_strata_hold_everybody_once_at_every_date_and_a_moved_bound_moves_exactly_whom_it_must(
    world: World, tmp_path: Path
) -> None:
    orders(tmp_path / "orders.csv", world.now)
    (tmp_path / "map.yml").write_text(MAPPING, encoding="utf-8")
    world.verb("import", file=str(tmp_path / "orders.csv"), map=str(tmp_path / "map.yml"))
    world.verb("industry install", name="retail", only="value")
    world.verb("tag run")
    for days in (0, 100, 250):
        with stages_at(world, "stratum", world.now - timedelta(days=days)) as found:
            assert set(found) <= EVERYBODY["stratum"]
            assert sum(found.values()) == world.verb("tag show", key="stratum")["everybody"] == 60
    expected = world.verb("audience count", expression="orders_365d = 3 and days_since_order < 90")["count"]
    text = (world.folder / "tags" / "stratum.yml").read_text(encoding="utf-8")
    world.write("tags/stratum.yml", text.replace("orders_365d >= 4 and", "orders_365d >= 3 and"))
    (row,) = [row for row in world.verb("tag plan", keys=["stratum"])["tags"] if row["key"] == "stratum"]
    assert row["moved"] == expected > 0
    assert (row["entered"], row["left"]) == (0, 0)


@contextmanager
def stages_at(world: World, key: str, at: datetime) -> Iterator[dict[str, int]]:
    """How many people had each value of the tag then, computed from what had happened by then."""
    tags = definitions.tags(world.workspace)
    names = definitions.catalog(world.workspace)
    graph = build(tags, names.audience)
    with tags_at(world.workspace.engine, graph, [key], catalog=names, as_of=at) as (tx, _):
        rows = tx.read(f"SELECT value, COUNT(*) AS n FROM {PREFIX}tag_{key} GROUP BY value").to_pylist()
        yield {row["value"]: row["n"] for row in rows}


@pytest.mark.proves("A5")
def test_everybody_is_in_one_stage_at_every_date_and_goes_from_one_to_one(
    world: World, tmp_path: Path
) -> None:
    orders(tmp_path / "orders.csv", world.now)
    (tmp_path / "map.yml").write_text(MAPPING, encoding="utf-8")
    world.verb("import", file=str(tmp_path / "orders.csv"), map=str(tmp_path / "map.yml"))
    world.verb("industry install", name="retail", only="life_cycle")
    world.verb("tag run")
    then: dict[int, dict[str, int]] = {}
    for days in (200, 100, 0):
        with stages_at(world, "life_cycle", world.now - timedelta(days=days)) as found:
            assert set(found) <= EVERYBODY["life_cycle"]
            assert sum(found.values()) == 60
            then[days] = found
    assert len({str(sorted(found.items())) for found in then.values()}) == 3, "people move between the dates"
    moves = world.verb(
        "tag transitions",
        key="life_cycle",
        since=(world.now - timedelta(days=100)).isoformat(),
        view="true",
        until=world.now.isoformat(),
    )
    assert sum(map(sum, moves["moves"])) == moves["everybody"] == 60
    assert then[0] == {place["value"]: place["people"] for place in moves["after"] if place["people"]}
    then_and_new = {place["value"]: place["people"] for place in moves["before"] if place["people"]}
    assert sum(then_and_new.values()) == 60
    assert then_and_new[None] == moves["new"] > 0
    assert all(then[100][value] >= people for value, people in then_and_new.items() if value)
    assert moves["moved"] > 0


def test_money_is_counted_as_the_events_say(shop: World) -> None:
    paid = shop.verb("event summary", where="event = 'Order Paid' and known(person)", sum="amount")
    assert float(paid["sum"]) > 1_000
    assert float(shop.verb("tag show", key="spent_total")["sum"]) == pytest.approx(float(paid["sum"]))


def test_every_audience_of_a_template_can_be_counted(shop: World) -> None:
    for name in BOTH:
        for audience in templates.read(name).audiences:
            assert shop.verb("audience count", expression=f"in audience {audience}")["count"] >= 0
    assert shop.verb("audience count", expression="in audience retail_browsers")["count"] > 0


# putting in


def test_installing_writes_what_is_not_there_and_never_over_it(world: World) -> None:
    mine = "title: Mine\nnature: fact\nmethod: observed\ntype: text\nattribute: town\n"
    path = world.write("tags/city.yml", mine)
    dry = world.verb("industry install", name="retail", dry_run=True)
    assert list((world.folder / "tags").iterdir()) == [path]
    answer = world.verb("industry install", name="retail")
    assert answer["saved"] == dry["saved"]
    assert answer["there"] == [{"file": "tags/city.yml", "same": False}]
    assert path.read_text(encoding="utf-8") == mine
    template = templates.read("retail")
    assert len(answer["saved"]) == len(template.tags) - 1 + len(template.audiences) + len(template.objects)
    again = world.verb("industry install", name="retail")
    assert again["saved"] == []
    assert {row["file"] for row in again["there"] if not row["same"]} == {"tags/city.yml"}
    assert world.verb("check")["problems"] == []
    listed = {row["name"]: row for row in world.verb("industry list")["industries"]}
    assert listed["retail"]["installed"] == listed["retail"]["tags"] == len(template.tags)
    assert listed["auto_finance"]["installed"] == 0


def test_one_category_comes_with_what_it_needs(world: World) -> None:
    answer = world.verb("industry install", name="retail", only="value/rfm")
    tags = {file for file in answer["saved"] if file.startswith("tags/")}
    assert {"tags/rfm_tier.yml", "tags/rfm_recency.yml"} <= tags  # of the category
    assert {"tags/days_since_order.yml", "tags/orders_365d.yml", "tags/spent_365d.yml"} <= tags  # needed
    assert "tags/gender.yml" not in tags
    assert "audiences/retail_champions.yml" in answer["saved"]
    assert "audiences/retail_new.yml" not in answer["saved"]
    assert world.verb("check")["problems"] == []
    with pytest.raises(NotFoundError, match="no tag of 'retail' is in the category 'valu'") as caught:
        world.verb("industry install", name="retail", only="valu")
    assert "value" in (caught.value.hint or "")


def test_an_unknown_template_is_named_with_the_nearest(world: World) -> None:
    with pytest.raises(NotFoundError) as caught:
        world.verb("industry show", name="retial")
    assert "retail" in (caught.value.hint or "")


def test_a_tag_of_another_meaning_stops_the_whole(world: World) -> None:
    world.write("tags/orders_365d.yml", "nature: fact\nmethod: observed\ntype: text\nattribute: orders\n")
    with pytest.raises(ConflictError, match="'retail' does not fit what is here"):
        world.verb("industry install", name="retail")
    assert [path.name for path in (world.folder / "tags").iterdir()] == ["orders_365d.yml"]
    assert list((world.folder / "audiences").iterdir()) == []


def test_an_installed_file_can_be_taken_back(world: World) -> None:
    world.verb("industry install", name="retail", only="risk/contact")
    with pytest.raises(ConflictError, match="needed by audiences/retail_rest"):
        world.verb("definition undo", kind="tags", name="unsubscribed")
    assert world.verb("definition undo", kind="audiences", name="retail_rest")["there"] is False
    assert world.verb("definition undo", kind="tags", name="unsubscribed")["there"] is False
    assert not (world.folder / "tags" / "unsubscribed.yml").exists()


def test_nothing_is_written_where_definitions_are_read_only(tmp_path: Path) -> None:
    world = World(tmp_path / "shop", toml='definitions = "read-only"\n')
    try:
        with pytest.raises(DeniedError):
            world.verb("industry install", name="retail")
        assert list((world.folder / "tags").iterdir()) == []
        assert world.verb("industry install", name="retail", dry_run=True)["saved"]
    finally:
        world.close()


def test_tags_say_for_which_data_they_wait(shop: World) -> None:
    answer = shop.verb("industry install", name="retail")
    waiting = {row["key"]: row for row in answer["waiting"]}
    assert "orders_90d" not in waiting
    assert waiting["reviews_365d"]["events"] == ["Product Reviewed"]
    assert waiting["rating_365d"]["properties"] == ["rating"]
    assert waiting["occupation"]["attributes"] == ["occupation"]
    assert waiting["price_sensitivity"]["properties"] == ["coupon", "discount"]  # through what it refers to
    shown = shop.verb("industry show", name="retail")
    known = {row["name"]: row["known"] for row in shown["events"]}
    assert (known["Order Paid"], known["Product Reviewed"]) == (True, False)
    assert {row["key"]: row["waits_for"] for row in shown["tags"]}["orders_90d"]["events"] == []


# somebody else's shop

MAPPING = """\
source: other shop
person: {user_id: KdNr}
time: {column: Zeit, format: "%d.%m.%Y %H:%M", zone: Europe/Berlin}
event: Order Paid
properties: {product: Artikel, category: Warengruppe, quantity: {column: Stk, type: number}, \
amount: {column: Brutto_EUR, type: money, without: "€ "}, store: Filiale}
attributes: {city: Ort}
currency: EUR
file: {kind: csv, delimiter: ";"}
"""


def orders(path: Path, now: datetime) -> None:
    """Orders of sixty people within a year, in columns of odd names."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["KdNr", "Zeit", "Artikel", "Warengruppe", "Stk", "Brutto_EUR", "Filiale", "Ort"])
        for person in range(60):
            for number in range(1 + person % 7):
                at = now - timedelta(days=1 + (person * 13 + number * 31) % 360, hours=number * 3)
                writer.writerow(
                    [
                        f"K{person:03d}",
                        at.strftime("%d.%m.%Y %H:%M"),
                        f"A{(person + number) % 11}",
                        ("Schuhe", "Hemden", "Geschenke")[(person + number // 2) % 3],
                        1 + number % 3,
                        f"€ {20 + person * 9}.50",
                        ("Mitte", "Nord")[person % 2],
                        ("Berlin", "Köln", "")[person % 3],
                    ]
                )


def says_something(shown: Json) -> bool:
    """Whether somebody has a value other than 0, false, 'unknown' or 'none'."""
    if shown["type"] in (ValueType.NUMBER, ValueType.MONEY):
        return any(
            row["kind"] == "bin" or (row["kind"] == "value" and row["value"] not in ("0", "0.0"))
            for row in shown["values"]
        )
    dull = {"false", "unknown", "none", "not asked", "not a buyer"}
    return any(
        row["people"] and row["kind"] != "unknown" and row["value"] not in dull for row in shown["values"]
    )


@pytest.mark.proves("T9")
def test_a_foreign_shop_has_25_tags_after_eight_lines_of_mapping(world: World, tmp_path: Path) -> None:
    assert len(MAPPING.splitlines()) == 8
    (tmp_path / "map.yml").write_text(MAPPING, encoding="utf-8")
    orders(tmp_path / "orders.csv", world.now)
    report = world.verb("import", file=str(tmp_path / "orders.csv"), map=str(tmp_path / "map.yml"))
    assert (report["stored"], report["quarantined"]) == (report["received"], 0)
    world.verb("industry install", name="retail")
    world.verb("tag run")
    live = [key for key in templates.read("retail").tags if says_something(world.verb("tag show", key=key))]
    assert len(live) >= 25, live
    assert {"spent_365d", "bought_category", "city", "rfm_tier", "life_cycle", "last_store"} <= set(live)
    assert "reviews_365d" not in live


def test_an_installation_is_taken_back_as_one(world: World) -> None:
    before = {path.name for path in world.folder.glob("*/*.yml")}
    first = world.verb("industry install", name="retail", only="risk/contact")
    second = world.verb("industry install", name="retail", only="value/rfm")
    shown = world.verb("industry show", name="retail")["installation"]
    assert (shown["files"], shown["changed"]) == (len(second["saved"]), [])
    assert set(world.verb("industry undo", name="retail")["removed"]) == set(second["saved"])
    assert world.verb("industry show", name="retail")["installation"]["files"] == len(first["saved"])
    assert set(world.verb("industry undo", name="retail")["removed"]) == set(first["saved"])
    assert {path.name for path in world.folder.glob("*/*.yml")} == before
    with pytest.raises(NotFoundError, match="no installation of 'retail'"):
        world.verb("industry undo", name="retail")
    # what was taken back can be installed, and taken back, again
    assert world.verb("industry install", name="retail", only="risk/contact")["saved"] == first["saved"]
    assert world.verb("industry undo", name="retail")["removed"] == sorted(first["saved"])


def test_an_installation_stays_whole_when_a_file_of_it_was_changed_or_is_needed(world: World) -> None:
    saved = world.verb("industry install", name="retail", only="risk/contact")["saved"]
    mine = world.write(
        "audiences/mine.yml", "title: Mine\nexpression: unsubscribed\n"
    )  # somebody else's audience rests on it
    with pytest.raises(ConflictError, match=r"needed by audiences/mine\.yml"):
        world.verb("industry undo", name="retail")
    mine.unlink()
    path = world.folder / "tags" / "unsubscribed.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "# ours\n", encoding="utf-8")
    assert world.verb("industry show", name="retail")["installation"]["changed"] == ["tags/unsubscribed.yml"]
    with pytest.raises(ConflictError, match="tags/unsubscribed was changed since"):
        world.verb("industry undo", name="retail")
    assert all((world.folder / file).is_file() for file in saved)
    path.write_text(text, encoding="utf-8")
    assert world.verb("industry undo", name="retail")["removed"] == sorted(saved)
