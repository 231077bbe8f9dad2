"""How much all tags tell: people per tag and category, and how that went by day, over API and command line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from limner.cli.main import app
from limner.errors import UsageError
from limner.types import Json
from tests.workspace.worlds import World

MEMBERS = """\
source: crm
person: {user_id: user_id}
time: {column: since, format: "%Y-%m-%d", zone: UTC}
event: none
attributes: {name: name, city: city}
"""
CITY = "nature: fact\nmethod: observed\ntype: text\nattribute: city\ncategory: who/where\n"
NAMED = """\
nature: fact
method: rule
type: flag
cases:
  - {when: known(person.name), then: true}
otherwise: false
category: who
validity: 30 days
"""
GOLD = "nature: fact\nmethod: manual\ntype: flag\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Four people on the first day, of whom two tell their city; six on the third, of whom five do."""
    made = World(tmp_path_factory.mktemp("covering") / "shop")
    map_ = str(made.write("members.map.yml", MEMBERS))

    def came(people: str) -> None:
        made.verb(
            "import", file=str(made.write("members.csv", f"user_id,name,city,since\n{people}")), map=map_
        )

    assert made.verb("tag counts", days=3)["categories"] == []
    came("a,Ann,上海,2026-05-01\nb,Bo,上海,2026-05-01\nc,,,2026-05-01\nd,,,2026-05-01\n")
    made.write("tags/city.yml", CITY)
    made.write("tags/gold.yml", GOLD)
    made.verb("tag run")
    made.now += timedelta(days=2)
    came("e,Eve,广州,2026-05-02\nf,,广州,2026-05-02\nc,Cy,上海,2026-05-03\n")
    made.write("tags/named.yml", NAMED)
    made.verb("tag run")
    yield made
    made.close()


@pytest.mark.proves("N5")
def test_tags_and_categories_are_counted_now_and_by_day(shop: World) -> None:
    found = shop.verb("tag counts", days=4)
    assert (found["everybody"], found["defined"], found["used"], found["tagged"]) == (6, 3, 2, 6)
    rows: dict[str, Json] = {row["key"]: row for row in found["tags"]}
    assert [row["day"] for row in found["days"]] == ["2026-05-31", "2026-06-01", "2026-06-02", "2026-06-03"]
    assert rows["city"]["trend"] == [None, 2, 2, 5]
    assert (rows["city"]["people"], rows["city"]["coverage"], rows["city"]["change"]) == (5, 0.833333, 3)
    # What a rule says of people is a value, also where it says no.
    listed = {row["key"]: row["people"] for row in shop.verb("tag list")["tags"]}
    assert {key: row["people"] for key, row in rows.items()} == listed
    assert rows["named"]["trend"][:3] == [None, None, None]
    assert rows["gold"]["people"] == 0
    groups = {row["path"]: row for row in found["categories"]}
    assert {path: (row["tags"], row["used"]) for path, row in groups.items()} == {
        "": (1, 0), "who": (2, 2), "who/where": (1, 1),
    }  # fmt: skip
    assert groups["who"]["people"] == len({"a", "b", "c", "d", "e", "f"})
    assert groups["who"]["values"] == rows["city"]["people"] + rows["named"]["people"]
    assert groups["who/where"]["trend"] == rows["city"]["trend"]
    assert [row["tags"] for row in found["days"]] == [0, 1, 1, 2]
    assert found["days"][-1]["values"] == found["values"] == sum(row["people"] for row in found["tags"])
    only = shop.verb("tag counts", category="who/where", days=2)
    assert [row["key"] for row in only["tags"]] == ["city"]
    assert [row["path"] for row in only["categories"]] == ["who/where"]
    assert only["tagged"] == 5
    # Of one tag each value has its days too.
    history = shop.verb("tag history", key="city", days=4)
    assert history["labels"] == ["上海", "广州"]
    assert [day["values"] for day in history["days"]][1:] == [[2, 0], [2, 0], [3, 2]]
    with pytest.raises(UsageError):
        shop.verb("tag counts", days=0)


def test_the_counts_are_written_for_a_spreadsheet(shop: World, tmp_path: Path) -> None:
    file = tmp_path / "counts.csv"
    shop.close()
    try:
        ended = CliRunner().invoke(
            app, ["tag", "counts", "-w", str(shop.folder), "--csv", str(file), "--days", "2"]
        )
    finally:
        shop.open()
    assert ended.exit_code == 0, ended.output
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [row["key"] for row in rows] == [row["key"] for row in shop.verb("tag counts")["tags"]]
    assert next(row["people"] for row in rows if row["key"] == "city") == "5"
