"""Categories are moved in the files and back, keys stay; lists are filtered; a department has a view of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from limner.types import Json
from tests.api.served import Served, serving

MINUTE = timedelta(minutes=1)
START = datetime(2026, 6, 1, 4, tzinfo=UTC)
TEXTS = {
    "orders": "# kept\nnature: fact\nmethod: statistic\ntype: number\n"
    "statistic: count(\"Order Paid\" in last 30 days)\n"
    "validity: 2 days\ncategory: buying/rhythm   # as agreed\nowner: crm\nsource: till\n",
    "first": "nature: fact\nmethod: statistic\ntype: instant\nstatistic: first_time(\"Order Paid\")\nvalidity: 2 days\n"
    "category: buying\nowner: crm\n",
    "city": "nature: fact\nmethod: observed\ntype: text\nattribute: city\ncategory: who\nowner: service\nsource: app\n",
    "mail": "nature: fact\nmethod: observed\ntype: text\nattribute: mail\ncategory: buyingx\nstage: deprecated\n",
}  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Served]:
    """Three people; one bought, two said their city, one of these bought."""
    with serving(tmp_path / "shop", now=START) as made:
        made.identify("ann", city="北京")
        made.identify("bob", city="上海")
        made.identify("cai", mail="c@example.test")
        made.track("ann", "Order Paid", at=(START - timedelta(days=1)).isoformat(), amount=1)
        made.track("cai", "Order Paid", at=(START - timedelta(days=1)).isoformat(), amount=1)
        for key, text in TEXTS.items():
            made.world.write(f"tags/{key}.yml", text)
        made.world.now += MINUTE
        made.post("/api/v1/tags/run", {})
        yield made


def paths(served: Served) -> dict[str, tuple[int, int | None]]:
    found = served.get("/api/v1/categories", role="viewer")["categories"]
    return {row["path"]: (row["tags"], row["people"]) for row in found}


def categories(served: Served) -> dict[str, str]:
    return {row["key"]: row["category"] for row in served.get("/api/v1/tags")["tags"]}


@pytest.mark.proves("T6")
def test_a_branch_is_moved_in_its_files_and_back_and_keys_stay(shop: Served) -> None:
    before = {path.name: path.read_bytes() for path in (shop.world.folder / "tags").glob("*.yml")}
    assert paths(shop) == {"buying": (2, 3), "buying/rhythm": (1, 3), "buyingx": (1, 1), "who": (1, 2)}
    moved = shop.post("/api/v1/categories/move", {"source": "buying", "to": "worth/purchases"})
    assert moved["tags"] == ["first", "orders"]
    assert categories(shop) == {
        "orders": "worth/purchases/rhythm", "first": "worth/purchases", "city": "who", "mail": "buyingx",
    }  # fmt: skip
    text = (shop.world.folder / "tags/orders.yml").read_text()
    assert text == TEXTS["orders"].replace("buying/rhythm", "worth/purchases/rhythm")
    assert paths(shop)["worth"] == (2, 3)  # three people, each counted once
    rows = shop.get("/api/v1/tags")["tags"]
    assert {row["state"] for row in rows} == {"applied"}  # nothing has to be computed again
    assert shop.post("/api/v1/categories/undo")["tags"] == ["first", "orders"]
    assert {path.name: path.read_bytes() for path in (shop.world.folder / "tags").glob("*.yml")} == before
    assert shop.send("POST", "/api/v1/categories/undo", {}).status_code == 404


def test_moves_are_taken_back_one_by_one_and_never_over_another_edit(shop: Served) -> None:
    shop.post("/api/v1/categories/move", {"source": "buying/rhythm", "to": "rhythm"})
    shop.post("/api/v1/categories/move", {"source": "who", "to": "people"})
    assert shop.post("/api/v1/categories/undo")["tags"] == ["city"]
    path = shop.world.folder / "tags/orders.yml"
    path.write_text(path.read_text() + "# by hand\n")
    refused = shop.send("POST", "/api/v1/categories/undo", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "edited")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"source": "byuing", "to": "x"}, 404, "not_found"),
        ({"source": "buying", "to": "buying/more"}, 422, "inside_itself"),
        ({"source": "buying", "to": "buying"}, 422, "same"),
        ({"source": "buying", "to": "a//b"}, 422, "invalid_path"),
    ],
)
def test_a_move_that_cannot_be_is_refused(shop: Served, body: Json, status: int, code: str) -> None:
    answer = shop.send("POST", "/api/v1/categories/move", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert categories(shop)["orders"] == "buying/rhythm"


@pytest.mark.proves("T4")
@pytest.mark.proves("T8")
def test_tags_are_filtered_by_what_they_are_and_who_answers_for_them(shop: Served) -> None:
    def keys(**asked: str) -> list[str]:
        return sorted(row["key"] for row in shop.get("/api/v1/tags", role="viewer", **asked)["tags"])

    assert keys(kind="static") == ["city", "mail"]
    assert keys(kind="dynamic") == ["first", "orders"]
    assert keys(owner="crm") == ["first", "orders"]
    assert keys(owner="crm", source="till") == ["orders"]
    assert keys(stage="deprecated") == ["mail"]
    assert keys(stage="published", kind="static") == ["city"]
    owners = {row["owner"]: (row["tags"], row["people"]) for row in shop.get("/api/v1/tags")["owners"]}
    assert owners == {"": (1, 1), "crm": (2, 3), "service": (1, 2)}


@pytest.mark.proves("V1")
def test_names_of_other_systems_are_listed_and_checked(shop: Served) -> None:
    shop.world.write("mappings/web.yml", "source: web\nperson: {user_id: user}\n")  # of an import
    text = "system: Till\nnames:\n  - {theirs: Town, tag: city}\n  - {theirs: Town, tag: orders}\n"
    saved = shop.send(
        "PUT", "/api/v1/definitions/mappings/till", {"text": text}, headers={"if-none-match": "*"}
    )
    assert saved.status_code == 200
    (row,) = shop.get("/api/v1/mappings", role="viewer")["systems"]
    assert (row["system"], [item["meant"] for item in row["names"]]) == ("Till", ["city", "orders"])
    checked = shop.get("/api/v1/mappings/check", role="viewer")
    assert [(item["code"], item["text"]) for item in checked["conflicts"]] == [
        ("one_to_two", "Till: Town means city and orders")
    ]
    shop.world.write("mappings/bad.yml", "system: X\nnames: 3\n")
    (problem,) = shop.get("/api/v1/mappings/check")["problems"]
    assert problem["where"].startswith("mappings/bad.yml:2")
