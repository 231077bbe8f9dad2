"""Definitions written through Limner: nothing wrong is kept, nobody's edit is lost, everything can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from limner.accounts.model import Caller, Role
from limner.errors import ConflictError, DeniedError, NotFoundError, UsageError
from limner.types import Json, silent
from limner.workspace.calling import call
from tests.workspace.worlds import World

ANN = Caller("user", "1", "Ann", Role.OPERATOR)
BEN = Caller("user", "2", "Ben", Role.OPERATOR)

VISITS = """\
# counted for the spring campaign
title: {en: Visits, zh: 访问次数}
nature: fact
method: statistic
type: number
statistic: count(Visited in last 30 days)
validity: 2 days
"""
FREQUENT = 'title: Frequent\nexpression: "visits >= 3"\n'


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "shop")
    yield made
    made.close()


def save(world: World, kind: str, name: str, text: str, base: str = "", by: Caller = ANN) -> Json:
    return call(
        world.workspace,
        "definition save",
        {"kind": kind, "name": name, "text": text, "base": base},
        silent,
        by,
    )


def test_what_is_saved_is_the_file_and_its_etag_changes_with_it(world: World) -> None:
    first = save(world, "tags", "visits", VISITS)
    assert (world.folder / "tags/visits.yml").read_text() == VISITS
    second = save(world, "tags", "visits", VISITS.replace("30", "60"), base=first["etag"])
    assert second["etag"] != first["etag"]
    assert second["changed"]["by"] == "Ann"
    assert not list((world.folder / "tags").glob("*.part"))


def test_a_wrong_text_is_refused_at_its_place_and_the_file_stays(world: World) -> None:
    base = save(world, "tags", "visits", VISITS)["etag"]
    with pytest.raises(UsageError) as refused:
        save(world, "tags", "visits", VISITS.replace("method: statistic", "method: guess"), base=base)
    assert refused.value.where == "tags/visits.yml:4:9"
    assert (world.folder / "tags/visits.yml").read_text() == VISITS
    problems = world.verb(
        "definition check", kind="tags", name="visits", text=VISITS.replace("count(", "cuont(")
    )["problems"]
    assert problems[0]["line"] == 6


def test_an_audience_of_an_unknown_tag_is_wrong_and_of_a_defined_one_right(world: World) -> None:
    check = {"kind": "audiences", "name": "frequent", "text": FREQUENT}
    assert world.verb("definition check", **check)["problems"][0]["line"] == 2
    save(world, "tags", "visits", VISITS)
    assert world.verb("definition check", **check)["problems"] == []


def test_the_second_of_two_editors_is_told_whose_edit_came_first(world: World) -> None:
    base = save(world, "tags", "visits", VISITS)["etag"]
    save(world, "tags", "visits", VISITS + "owner: ann\n", base=base, by=ANN)
    with pytest.raises(ConflictError, match="Ann changed it") as refused:
        save(world, "tags", "visits", VISITS + "owner: ben\n", base=base, by=BEN)
    assert refused.value.code == "edited"
    with pytest.raises(ConflictError):
        save(world, "tags", "visits", VISITS, base="")


def test_an_edit_by_hand_is_never_overwritten(world: World) -> None:
    base = save(world, "tags", "visits", VISITS)["etag"]
    world.write("tags/visits.yml", VISITS + "owner: git\n")
    with pytest.raises(ConflictError, match="by hand or by git"):
        save(world, "tags", "visits", VISITS + "owner: ann\n", base=base)
    with pytest.raises(ConflictError, match="by hand or by git"):
        world.verb("definition undo", kind="tags", name="visits")


def test_edits_are_taken_back_one_by_one_until_the_file_is_as_before(world: World) -> None:
    first = save(world, "tags", "visits", VISITS)["etag"]
    save(world, "tags", "visits", VISITS + "owner: ann\n", base=first)
    assert world.verb("definition undo", kind="tags", name="visits")["there"] is True
    assert (world.folder / "tags/visits.yml").read_text() == VISITS
    assert world.verb("definition undo", kind="tags", name="visits")["there"] is False
    assert not (world.folder / "tags/visits.yml").exists()
    with pytest.raises(NotFoundError):
        world.verb("definition undo", kind="tags", name="visits")
    edits = world.verb("definition history", kind="tags", name="visits")["edits"]
    assert [edit["action"] for edit in edits] == ["undo", "undo", "save", "save"]


def test_what_others_need_is_not_deleted_and_a_deletion_is_taken_back(world: World) -> None:
    tag = save(world, "tags", "visits", VISITS)["etag"]
    audience = save(world, "audiences", "frequent", FREQUENT)["etag"]
    with pytest.raises(ConflictError, match=r"audiences/frequent\.yml") as refused:
        world.verb("definition delete", kind="tags", name="visits", base=tag)
    assert refused.value.code == "in_use"
    world.verb("definition delete", kind="audiences", name="frequent", base=audience)
    world.verb("definition undo", kind="audiences", name="frequent")
    assert (world.folder / "audiences/frequent.yml").read_text() == FREQUENT


def test_no_name_leads_out_of_the_folder(world: World) -> None:
    for name in ("../limner", "a/b", "..", ".hidden", "x.yml/..", "nul\0"):
        with pytest.raises(UsageError):
            save(world, "audiences", name, FREQUENT)
        with pytest.raises(UsageError):
            world.verb("definition show", kind="templates", name=name)
    with pytest.raises(UsageError, match="unknown kind"):
        world.verb("definition show", kind="data", name="records")


def test_a_read_only_workspace_is_not_written_to(tmp_path: Path) -> None:
    world = World(tmp_path / "git", toml='definitions = "read-only"\n')
    try:
        with pytest.raises(DeniedError) as refused:
            save(world, "tags", "visits", VISITS)
        assert refused.value.code == "read_only"
        assert not (world.folder / "tags/visits.yml").exists()
    finally:
        world.close()


def test_each_change_stands_in_the_audit_with_who_made_it(world: World) -> None:
    base = save(world, "tags", "visits", VISITS, by=BEN)["etag"]
    world.verb("definition delete", kind="tags", name="visits", base=base)
    rows = world.verb("audit list")["audit"]
    assert [(row["action"], row["subject"], row["caller"]["name"]) for row in rows[:2]] == [
        ("definition delete", "visits", "command line"),
        ("definition save", "visits", "Ben"),
    ]
    assert world.verb("audit verify")["ok"] is True
