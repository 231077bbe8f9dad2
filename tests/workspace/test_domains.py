"""One rule tags people of six sources and five countries in one run, by one declared policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from limner.errors import MappingError
from limner.events.countries import COUNTRIES, international
from limner.events.mapping import parse
from tests.builders import rule, statistic
from tests.workspace.test_applying import collect
from tests.workspace.worlds import World

AS_OF = datetime(2026, 4, 1, 12, tzinfo=UTC)
"""Berlin and London put their clocks forward on 29 March 2026, New York on the 8th."""

FILES = {
    # source: (country, two phones, the local time exactly seven days before, and a second earlier)
    "till": ("DE", "0171 234 5678", "0171 000 0001", "13:00:00", "12:59:59"),
    "official_account": ("CN", "138 0013 8000", "138 0013 8001", "20:00:00", "19:59:59"),
    "wecom": ("JP", "090-1234-5678", "090-0000-0002", "21:00:00", "20:59:59"),
    "marketplace": ("US", "(212) 555-0100", "212.555.0101", "08:00:00", "07:59:59"),
    "outlet": ("GB", "07700 900123", "07700 900124", "12:00:00", "11:59:59"),
}
WEB = {"phone": "+49 171 2345678", "birthday": "1990-04-02"}
APP = {"birthday": "1990-04-01"}
MAPPING = """\
source: {source}
country: {country}
person: {{phone: Phone}}
time: {{column: At, format: "%Y-%m-%d %H:%M:%S"}}
event: Order Paid
properties: {{amount: {{column: Amount, type: money}}}}
"""
TAGS = {
    "bought_7d": rule({"true": 'did "Order Paid" in last 7 days'}, kind="flag"),
    "paid_eur": statistic("sum(amount of \"Order Paid\" where currency = 'EUR')", "money"),
    "years": statistic("age(person.birthday)"),
    "reads_german": rule({"true": "person.language = 'de'"}, kind="flag"),
}


@pytest.fixture
def shop(tmp_path: Any) -> Any:
    """In each file a purchase exactly seven days before, and one a second earlier; on the site and in the app one each.

    The buyer of the site gave the phone number of the till's first customer.
    """
    world = World(tmp_path / "shop", now=AS_OF)
    for key, text in TAGS.items():
        world.write(f"tags/{key}.yml", text)
    for source, (country, first, second, at, earlier) in FILES.items():
        rows = f"{first},2026-03-25 {at},20\n{second},2026-03-25 {earlier},20\n"
        file = world.write(f"{source}.csv", f"Phone,At,Amount\n{rows}")
        map_ = world.write(f"mappings/{source}.yml", MAPPING.format(source=source, country=country))
        report = world.verb("import", file=str(file), map=str(map_))
        assert (report["stored"], report["quarantined"]) == (2, 0)
    for name, user, traits in (("web", "w1", WEB), ("app", "a1", APP)):
        who = {"userId": user, "timestamp": (AS_OF - timedelta(days=1)).isoformat()}
        calls = [
            {"type": "identify", **who, "traits": traits},
            {"type": "track", "event": "Order Paid", **who, "properties": {"amount": 10, "currency": "EUR"}},
        ]
        collect(world, calls, {"name": name})
    yield world
    world.close()


@pytest.mark.proves("P2")
def test_one_rule_tags_people_of_six_kinds_of_source_in_one_run_with_coverage_by_source(shop: World) -> None:
    shop.verb("tag run")
    found = shop.verb("tag coverage", key="bought_7d")
    rows = {row["source"]: (row["people"], row["tagged"]) for row in found["sources"]}
    assert rows == {
        "till": (2, 1), "official_account": (2, 1), "wecom": (2, 1), "marketplace": (2, 1), "outlet": (2, 1),
        "web": (1, 1), "app": (1, 1),
    }  # fmt: skip
    # twelve names are eleven people: the till's first customer and the site's are one by their phone
    assert (found["everybody"], found["people"]) == (11, 6)


@pytest.mark.proves("P2")
def test_seven_days_are_as_many_seconds_where_clocks_changed_and_where_not(shop: World) -> None:
    """Between the purchases and now the clocks of Berlin and London went forward: by theirs, a week earlier was an hour
    later, and the first buyers of till and outlet would be out an hour before the others.
    """
    for later, rest in ((timedelta(0), 1), (timedelta(seconds=1), 0)):
        shop.verb("tag run", as_of=(AS_OF + later).isoformat())
        rows = {row["source"]: row["tagged"] for row in shop.verb("tag coverage", key="bought_7d")["sources"]}
        files = {name: rows[name] for name in FILES if name != "till"}
        assert files == dict.fromkeys(files, rest)
        assert rows["till"] == 1, "the till's first customer bought on the site, too"
    when = "source = 'till'"
    expression = f'did "Order Paid" in last 7 days where {when}'
    for later, people in ((timedelta(0), 1), (timedelta(seconds=1), 0)):
        at = (AS_OF + later).isoformat()
        assert shop.verb("audience count", expression=expression, as_of=at)["count"] == people


@pytest.mark.proves("P2")
def test_age_phone_currency_and_language_follow_the_policy(shop: World) -> None:
    shop.verb("tag run")
    assert shop.verb("tag show", key="paid_eur")["sum"] == "60", "till, site and app"
    values = {
        row["value"]: row["people"]
        for row in shop.verb("tag show", key="years")["values"]
        if row["kind"] == "value"
    }
    assert values == {"35": 1, "36": 1}, "one is 36 on this very day, the other tomorrow"
    assert shop.verb("audience count", expression="reads_german")["count"] == 2
    one = shop.verb("person show", id="phone:+49 171 2345678")
    kinds = {(item["kind"], item["value"]) for item in one["identities"]}
    assert {("user", "w1"), ("phone", "+491712345678")} <= kinds


@pytest.mark.parametrize(
    ("country", "told", "number"),
    [
        ("CN", "138 0013 8000", "+8613800138000"), ("CN", "0086 138 0013 8000", "+8613800138000"),
        ("DE", "0171 2345678", "+491712345678"), ("DE", "+49 (171) 2345678", "+491712345678"),
        ("GB", "07700 900123", "+447700900123"), ("JP", "090-1234-5678", "+819012345678"),
        ("US", "(212) 555-0100", "+12125550100"), ("US", "1-212-555-0100", "+12125550100"),
        ("US", "+44 7700 900123", "+447700900123"), ("DE", "n/a", "n/a"), ("DE", "", ""),
    ],
)  # fmt: skip
def test_a_phone_number_gets_the_code_of_its_country(country: str, told: str, number: str) -> None:
    assert international(pa.array([told, None]), COUNTRIES[country]).to_pylist() == [number, None]


def test_what_a_mapping_says_itself_goes_before_the_policy() -> None:
    text = MAPPING.format(source="x", country="US").replace("format:", "zone: America/Denver, format:")
    found = parse(text + "currency: CAD\nattributes: {language: Lang}\n")
    assert (found.currency, found.time and found.time.zone) == ("CAD", "America/Denver")
    assert [(item.name, item.column, item.value) for item in found.attributes] == [
        ("language", "Lang", None), ("country", None, "US"),
    ]  # fmt: skip
    assert parse(text).fingerprint != parse(text.replace("country: US", "country: GB")).fingerprint
    with pytest.raises(MappingError, match="no policy is declared for the country 'FR'"):
        parse(text.replace("country: US", "country: FR"))
