"""The life of a tag: draft, approved by somebody else, applied, brought back, deprecated; who sees its values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from limner.accounts.model import LOCAL, Caller, Role
from limner.errors import ConflictError, DefinitionError, DeniedError, NotFoundError, UsageError
from limner.types import Json, silent
from limner.workspace.calling import call
from tests.api.served import Served, serving
from tests.workspace.worlds import World

MINUTE = timedelta(minutes=1)
START = datetime(2026, 6, 1, 4, tzinfo=UTC)
CITY = "nature: fact\nmethod: observed\ntype: text\nattribute: city\n"
FULL = (
    CITY + "title: City\nowner: crm\nwhy: Letters speak of the weather.\nmetric: replies, from 2 % to 3 %\n"
)
ANN = Caller("user", "1", "ann", Role.OPERATOR)
BOB = Caller("user", "2", "bob", Role.OPERATOR)


def asked(world: World, verb: str, caller: Caller = LOCAL, **arguments: object) -> Json:
    return call(world.workspace, verb, arguments, silent, caller)


def save(world: World, key: str, text: str, caller: Caller = ANN) -> Json:
    base = ""
    path = world.folder / f"tags/{key}.yml"
    if path.exists():
        base = asked(world, "definition show", kind="tags", name=key)["etag"]
    return asked(world, "definition save", caller, kind="tags", name=key, text=text, base=base)


def stages(world: World) -> dict[str, str]:
    return {row["key"]: row["stage"] for row in asked(world, "tag list")["tags"]}


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "shop", toml="approvals = true\n", now=START)
    yield made
    made.close()


@pytest.fixture
def free(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "shop", now=START)
    yield made
    made.close()


def ran(world: World, caller: Caller = LOCAL) -> set[str]:
    world.now += MINUTE
    return {row["tag"] for row in asked(world, "tag run", caller)["tags"]}


@pytest.mark.proves("V2")
def test_a_changed_text_waits_until_somebody_else_approved_that_very_text(strict: World) -> None:
    save(strict, "city", FULL)
    assert ran(strict) == set()
    assert stages(strict) == {"city": "draft"}
    assert asked(strict, "tag submit", ANN, key="city", reason="new")["state"] == "waiting"
    assert stages(strict) == {"city": "review"}
    with pytest.raises(DeniedError, match="cannot approve"):
        asked(strict, "tag decide", ANN, key="city", decision="approve")
    assert asked(strict, "tag decide", BOB, key="city", decision="approve")["decided_by"] == "bob"
    assert ran(strict) == {"city"}
    assert stages(strict) == {"city": "published"}
    changed = FULL.replace("attribute: city", "attribute: town")
    save(strict, "city", changed)
    assert ran(strict) == {"city"}
    held = asked(strict, "tag versions", key="city")["versions"]
    assert [(row["version"], row["text"], row["by"], row["approved_by"]) for row in held] == [
        (1, FULL, "ann", "bob")
    ]
    assert (held[0]["current"], held[0]["in_file"]) == (True, False)
    asked(strict, "tag submit", BOB, key="city")
    with pytest.raises(DeniedError, match="whoever wrote"):  # bob asked, but ann wrote it
        asked(strict, "tag decide", ANN, key="city", decision="approve")
    save(strict, "city", changed + "# another text\n")
    with pytest.raises(NotFoundError, match="nobody asked"):
        asked(strict, "tag decide", BOB, key="city", decision="approve")
    assert [row["state"] for row in asked(strict, "tag reviews")["approvals"]] == ["void", "void"]


@pytest.mark.proves("V2")
def test_what_was_refused_is_not_applied(strict: World) -> None:
    save(strict, "city", FULL)
    asked(strict, "tag submit", ANN, key="city")
    asked(strict, "tag decide", BOB, key="city", decision="refuse", reason="no such people")
    assert ran(strict) == set()
    (row,) = asked(strict, "tag reviews", state="refused")["approvals"]
    assert (row["reason"], row["mine"]) == ("no such people", False)


@pytest.mark.proves("M2")
def test_a_tag_says_what_it_is_for_and_by_what_that_is_judged_before_it_is_published(strict: World) -> None:
    save(strict, "city", CITY)
    with pytest.raises(DefinitionError, match="it says its why and metric and owner") as caught:
        asked(strict, "tag submit", ANN, key="city")
    assert caught.value.code == "no_purpose"
    save(strict, "city", FULL)
    assert asked(strict, "tag submit", ANN, key="city")["metric"] == "replies, from 2 % to 3 %"


def test_without_approvals_a_file_is_applied_as_it_stands(free: World) -> None:
    save(free, "city", CITY)
    assert ran(free) == {"city"}
    with pytest.raises(UsageError, match="need no approval"):
        asked(free, "tag submit", ANN, key="city")


def test_a_draft_is_computed_in_previews_only(free: World) -> None:
    save(free, "city", CITY + "stage: draft\n")
    save(free, "town", CITY)
    assert ran(free) == {"town"}
    assert stages(free) == {"city": "draft", "town": "published"}
    with pytest.raises(ConflictError, match="it is a draft"):
        asked(free, "tag run", keys=["city"])
    assert asked(free, "tag preview", key="city", text=CITY + "stage: draft\n")["people"] == 0
    free.write("tags/far.yml", "nature: model\nmethod: rule\ntype: flag\nvalidity: 2 days\n"
               "cases:\n  - when: city = 'x'\n    then: true\n")  # fmt: skip
    (wrong,) = asked(free, "check")["problems"]
    assert (wrong["where"], wrong["code"], wrong["message"]) == (
        "tags/far.yml", "draft", "'city' is a draft, which is not computed",
    )  # fmt: skip


def test_what_others_use_does_not_become_a_draft(free: World) -> None:
    save(free, "city", CITY)
    ran(free)
    free.write("audiences/near.yml", "expression: city = 'x'\n")
    with pytest.raises(ConflictError, match=r"needed by audiences/near.yml") as caught:
        save(free, "city", CITY + "stage: draft\n")
    assert caught.value.code == "in_use"


def test_a_draft_of_what_is_published_waits_beside_it_where_approvals_are_asked_for(strict: World) -> None:
    save(strict, "city", FULL)
    asked(strict, "tag submit", ANN, key="city")
    asked(strict, "tag decide", BOB, key="city", decision="approve")
    ran(strict)
    strict.write("audiences/near.yml", "expression: city = 'x'\n")
    save(strict, "city", FULL + "stage: draft\n")
    assert ran(strict) == {"city"}
    assert stages(strict) == {"city": "draft"}
    assert asked(strict, "check")["problems"] == []


@pytest.mark.proves("V2")
def test_rolling_back_brings_equal_values_and_can_be_taken_back(tmp_path: Path) -> None:
    with serving(tmp_path / "shop", now=START) as served:
        for number, user in enumerate(("ann", "bob", "cai")):
            for order in range(number):
                served.track(
                    user, "Order Paid", at=(START - timedelta(days=order + 1)).isoformat(), amount=10.1
                )
        text = ("nature: fact\nmethod: statistic\ntype: money\nstatistic: sum(amount of \"Order Paid\")\n"
                "validity: 900 days\n")  # fmt: skip
        served.world.write("tags/spent.yml", text)
        as_of = served.world.now.isoformat()

        def published() -> tuple[list[int], list[int]]:
            served.world.now += MINUTE
            served.post("/api/v1/tags/run", {"as_of": as_of})
            columns = served.world.workspace.columns
            assert columns is not None
            held = columns["spent"]
            return list(held.codes), list(held.labels)  # type: ignore[arg-type]

        first = published()
        served.world.write("tags/spent.yml", text.replace("sum(", "max("))
        second = published()
        assert second != first
        done = served.post("/api/v1/tags/spent/rollback", {"version": 1}, headers={"idempotency-key": "1"})
        assert (done["version"], (served.world.folder / "tags/spent.yml").read_text()) == (1, text)
        assert published() == first
        rows = served.get("/api/v1/tags/spent/versions", role="viewer")["versions"]
        assert [(row["version"], row["text"] == text) for row in rows] == [(3, True), (2, False), (1, True)]
        assert rows[0]["fingerprint"] == rows[2]["fingerprint"]
        served.post("/api/v1/definitions/tags/spent/undo", headers={"idempotency-key": "2"})
        assert published() == second
        again = served.send("POST", "/api/v1/tags/spent/rollback", {"version": 9})
        assert again.status_code == 404


def test_a_rollback_to_what_stands_in_the_file_changes_nothing(free: World) -> None:
    save(free, "city", CITY)
    ran(free)
    with pytest.raises(ConflictError, match="already"):
        asked(free, "tag rollback", key="city", version=1)


@pytest.mark.proves("V2")
def test_a_deprecated_tag_is_computed_but_takes_no_new_use(free: World) -> None:
    save(free, "city", CITY)
    ran(free)
    asked(free, "definition save", ANN, kind="audiences", name="near", text="expression: city = 'x'\n")
    save(free, "city", CITY + "stage: deprecated\n")
    assert ran(free) == {"city"}
    with pytest.raises(UsageError, match="'city' is deprecated") as caught:
        asked(free, "definition save", ANN, kind="audiences", name="far", text="expression: city = 'y'\n")
    assert caught.value.code == "deprecated"
    base = asked(free, "definition show", kind="audiences", name="near")["etag"]
    text = "expression: city = 'z'\n"  # an old use may go on
    asked(free, "definition save", ANN, kind="audiences", name="near", text=text, base=base)
    found = asked(free, "tag lint", code="deprecated_use")["findings"]
    assert [(item["text"], item["proposal"]) for item in found] == [
        ("city is deprecated, and audience near uses it", "replace")
    ]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A person with a sensitive, a personal and an ordinary tag."""
    with serving(tmp_path_factory.mktemp("life") / "shop", now=START) as made:
        made.identify("ann", illness="gout", income="high", city="北京")
        for key, level in {"illness": "sensitive", "income": "personal", "city": "public"}.items():
            made.world.write(f"tags/{key}.yml", CITY.replace("city", key) + f"sensitivity: {level}\n")
        made.world.write("tags/sick.yml", "nature: model\nmethod: rule\ntype: text\nvalidity: 2 days\n"
            "sensitivity: sensitive\ncases:\n  - when: known(illness)\n    then: yes it is\n")  # fmt: skip
        made.world.now += MINUTE
        made.post("/api/v1/tags/run", {})
        yield made


@pytest.mark.proves("V3", partly="there is no separate consent per class of data yet")
def test_viewers_see_personal_and_sensitive_values_masked(shop: Served) -> None:
    person = shop.get("/api/v1/people")["people"][0]["person"]

    def seen(role: str) -> dict[str, str]:
        shown = shop.get(f"/api/v1/people/{person}", role=role)
        return {tag["key"]: tag["value"] for part in shown["tags"] for tag in part["tags"]}

    assert seen("operator") == {"illness": "gout", "income": "high", "city": "北京", "sick": "yes it is"}
    assert seen("viewer") == {"illness": "g***", "income": "h***", "city": "北京", "sick": "y***"}
    values = shop.get("/api/v1/tags/illness", role="viewer")
    assert (values["masked"], [item["value"] for item in values["values"]]) == (True, ["unknown", "g***"])
    drawn = {}
    for role in ("viewer", "operator"):
        crowd = shop.post("/api/v1/audiences/portrait", {"name": "known(city)"}, role=role)
        drawn[role] = {tag["tag"] for tag in crowd["tags"]}
    assert drawn == {"viewer": {"city"}, "operator": {"city", "illness", "income", "sick"}}
    names = {
        tag["key"]: tag["values"] for tag in shop.get("/api/v1/expressions/names", role="viewer")["tags"]
    }
    assert (names["illness"], names["city"]) == ([], ["北京"])
    why = shop.get(f"/api/v1/people/{person}/tags/sick/why", role="viewer")
    assert (why["value"], why["available"], why["rule"]) == ("y***", False, None)
    assert shop.get(f"/api/v1/people/{person}/tags/sick/why")["rule"] is not None


@pytest.mark.proves("V3", partly="there is no separate consent per class of data yet")
def test_sensitive_tags_are_not_exported_without_the_role_and_scope(shop: Served) -> None:
    def export(key: str, **body: object) -> tuple[str, str]:
        answer = shop.send(
            "POST", "/api/v1/audiences/everybody/exports", {"reason": "for a test", **body}, role=key
        )
        assert answer.status_code == 202, answer.text
        job = answer.json()["job"]
        while (shown := shop.get(f"/api/v1/jobs/{job}"))["status"] in ("waiting", "running"):
            pass
        if shown["status"] == "failed":
            return "failed", str(shown["error"])
        kept = next((shop.world.folder / "data/exports").glob(f"{shown['answer']['export']}*"))
        return "done", kept.read_text(encoding="utf-8-sig").splitlines()[0]

    shop.world.write("audiences/everybody.yml", "expression: known(city)\n")
    for noun in ("exports:write", "people:read"):
        shop.keys[noun] = shop.world.verb("key add", role="operator", scopes=[noun])["key"]
    shop.keys["both"] = shop.world.verb("key add", role="operator", scopes=["exports:write", "people:read"])[
        "key"
    ]
    assert export("operator") == ("done", "person_id,user_id,city,illness,income,sick")
    assert export("both", columns=["illness"]) == ("done", "person_id,user_id,illness")
    assert export("exports:write") == ("done", "person_id,user_id,city,income")
    failed, said = export("exports:write", columns=["illness"])
    assert failed == "failed"
    assert "sensitive" in said
