"""Exclusive groups and the health of tags through the API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest

from limner.api.routes.tag_life import TagFinding
from limner.tags import lint
from tests.api.served import Served, serving

WEB = Path(__file__).parents[2] / "web" / "src" / "features" / "tags"

MINUTE = timedelta(minutes=1)
START = datetime(2026, 6, 1, 4, tzinfo=UTC)
FLAG = "nature: fact\nmethod: observed\ntype: flag\nattribute: is_{0}\ntitle: {0}\nowner: crm\nwhy: Words.\n"
PEOPLE = {"ann": ("female",), "bob": ("male",), "cai": ("female", "male"), "dan": ("male", "female")}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Four people who said what they are, two of them twice."""
    with serving(tmp_path_factory.mktemp("groups") / "shop", now=START) as made:
        for user, said in PEOPLE.items():
            made.identify(user, **{f"is_{word}": True for word in said})
        for word in ("female", "male"):
            made.world.write(f"tags/{word}.yml", FLAG.format(word))
        made.world.write(
            "groups/gender.yml", "title: {en: Gender, zh: 性别}\ntags: [female, male]\nkeep: priority\n"
        )
        made.world.now += MINUTE
        made.post("/api/v1/tags/run", {})
        yield made


def test_groups_are_listed_with_their_conflicts(shop: Served) -> None:
    (row,) = shop.get("/api/v1/groups", role="viewer")["groups"]
    assert row["titles"] == {"en": "Gender", "zh": "性别"}
    assert (row["tags"], row["keep"], row["conflicts"], row["standing"]) == (
        ["female", "male"], "priority", 2, 2,
    )  # fmt: skip


@pytest.mark.proves("T7")
def test_who_had_two_is_known_page_by_page(shop: Served) -> None:
    first = shop.get("/api/v1/groups/gender/conflicts", limit=1)
    second = shop.get("/api/v1/groups/gender/conflicts", limit=1, cursor=first["next"])
    assert (first["total"], first["standing"], second["next"]) == (2, 2, None)
    rows = [*first["conflicts"], *second["conflicts"]]
    assert len({row["person"] for row in rows}) == 2
    assert {(row["kept"], row["dropped"], row["ended"]) for row in rows} == {("female", "male", None)}
    counted = {
        key: shop.post("/api/v1/audiences/count", {"expression": key})["count"] for key in ("female", "male")
    }
    assert counted == {"female": 3, "male": 1}
    missing = shop.send("GET", "/api/v1/groups/gendr/conflicts")
    assert missing.status_code == 404


def test_viewers_see_no_personal_tags_in_conflicts(shop: Served) -> None:
    shop.world.write("tags/named.yml", FLAG.format("x").replace("is_x", "birthday"))
    shop.world.write("groups/gender.yml", "tags: [female, male, named]\nkeep: priority\n")
    try:
        rows = shop.get("/api/v1/groups/gender/conflicts", role="viewer")
        assert rows["masked"]
        assert {(row["kept"], row["dropped"]) for row in rows["conflicts"]} == {("f***", "m***")}
        assert not shop.get("/api/v1/groups/gender/conflicts")["masked"]
    finally:
        (shop.world.folder / "tags/named.yml").unlink()
        shop.world.write("groups/gender.yml", "tags: [female, male]\nkeep: priority\n")


def test_a_group_is_a_definition_like_others(shop: Served) -> None:
    path = "/api/v1/definitions/groups/gender"
    shown = shop.get(path)
    assert shown["problems"] == []
    wrong = shop.send(
        "PUT", path, {"text": "tags: [female, mail]\nkeep: none\n"}, headers={"if-match": shown["etag"]}
    )
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["path"]) == (
        422, "unknown_name", "groups/gender.yml:1:16",
    )  # fmt: skip
    saved = shop.send(
        "PUT", path, {"text": "tags: [female, male]\nkeep: none\n"}, headers={"if-match": shown["etag"]}
    )
    assert saved.status_code == 200
    rows = {row["key"]: row for row in shop.get("/api/v1/tags")["tags"]}
    assert rows["male"]["state"] == "changed"
    undone = shop.post(f"{path}/undo", headers={"idempotency-key": "1"})
    assert undone["undone"]["before"] == shown["text"]
    used = shop.send(
        "DELETE", "/api/v1/definitions/tags/male",
        headers={"if-match": shop.get("/api/v1/definitions/tags/male")["etag"]},
    )  # fmt: skip
    assert (used.status_code, used.json()["code"]) == (409, "in_use")


@pytest.mark.proves("T14")
def test_lint_is_the_same_for_everybody_and_every_time(shop: Served) -> None:
    found = shop.get("/api/v1/tags/lint", role="viewer")
    assert [(item["code"], item["tags"], item["proposal"]) for item in found["findings"]] == [
        ("unused", ["female"], "retire"),
        ("unused", ["male"], "retire"),
    ]
    assert found == shop.get("/api/v1/tags/lint")
    assert found["counts"] == {"bad": 0, "warn": 0, "note": 2}
    one = shop.get("/api/v1/tags/lint", key="male", level="note")
    assert [item["tags"] for item in one["findings"]] == [["male"]]


def test_every_finding_is_in_the_description_and_has_its_words_in_both_languages() -> None:
    codes = set(get_args(TagFinding.model_fields["code"].annotation))
    source = Path(lint.__file__).read_text(encoding="utf-8")
    assert set(re.findall(r'Finding\(\s*"\w+",\s*"(\w+)"', source)) == codes
    for language in ("en", "zh"):
        words = (WEB / f"{language}.ts").read_text(encoding="utf-8")
        assert not {code for code in codes if len(re.findall(rf"^      {code}: ", words, re.MULTILINE)) != 3}


@pytest.mark.proves("T7")
def test_a_group_is_checked_and_siblings_are_judged(shop: Served) -> None:
    found = shop.get("/api/v1/groups/gender/check", role="viewer")
    assert (found["proved"], found["standing"]) == (False, 2)
    (pair,) = found["pairs"]
    assert pair["people"] == {"first": 3, "second": 3, "both": 2, "expected": 2.25}
    assert pair["relation"] == "overlapping"
    assert pair["witness"] == {"person.is_female": "true", "person.is_male": "true"}
    near = shop.get("/api/v1/tags/siblings", role="viewer")
    assert [(item["first"], item["second"], item["excludes"]) for item in near["pairs"]] == [
        ("female", "male", "")
    ]
    assert shop.get("/api/v1/tags/siblings", category="nowhere") == {"pairs": [], "proposals": []}


@pytest.mark.proves("T7")
def test_why_says_which_group_took_a_value_and_what_is_kept(shop: Served) -> None:
    person = shop.get("/api/v1/groups/gender/conflicts")["conflicts"][0]["person"]
    why = shop.get(f"/api/v1/people/{person}/tags/male/why")
    assert (why["known"], why["value"], why["recomputed"], why["agrees"]) == (False, None, None, True)
    assert (why["settled"]["group"], why["settled"]["kept"]) == ("gender", "female")
    assert shop.get(f"/api/v1/people/{person}/tags/female/why")["settled"] is None


def test_an_erased_person_leaves_no_conflict_behind(shop: Served) -> None:
    before = shop.get("/api/v1/groups/gender/conflicts")
    shop.world.write("groups/gender.yml", "tags: [female, male]\nkeep: newest\n")
    shop.world.now += MINUTE
    shop.post("/api/v1/tags/run", {})
    shop.world.verb("person erase", id="cai")
    left = shop.get("/api/v1/groups/gender/conflicts")
    assert (before["standing"], left["standing"], left["total"] < before["total"]) == (2, 1, True)
    engine = shop.world.workspace.engine
    living = "SELECT ix FROM persons WHERE NOT erased"
    for table in ("group_conflicts", "group_since"):
        assert engine.read(f"SELECT 1 FROM {table} WHERE ix NOT IN ({living})").num_rows == 0
