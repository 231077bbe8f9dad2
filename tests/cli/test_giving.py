"""The commands tag give, batches, undo and import: what they write, print, and how they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_plan import limner
from tests.workspace.worlds import World

VIP = "nature: model\nmethod: manual\ntype: text\nvalues: [gold, silver]\n"
POINTS = "nature: fact\nmethod: imported\ntype: number\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("giving") / "shop"
    world = World(folder)
    people = world.write("people.csv", "user_id,city\nann,Bern\nbo,Bern\ncai,Basel\n")
    world.verb("import", file=str(people), map="auto")
    world.write("tags/city.yml", "nature: fact\nmethod: observed\ntype: text\nattribute: city\n")
    world.write("tags/vip.yml", VIP)
    world.write("tags/points.yml", POINTS)
    world.close()
    return folder


@pytest.mark.proves("P7", "P8")
def test_many_are_shown_first_then_given_and_undone(shop: Path, tmp_path: Path) -> None:
    listed = tmp_path / "people.txt"
    listed.write_text("ann\nbo\nzed\n", encoding="utf-8")
    words = ("tag", "give", "vip", "gold", "--people", str(listed))
    shown = limner(shop, *words)
    assert shown.returncode == 0, shown.stderr
    assert "2 of 2 people change" in shown.stdout
    assert "nothing was written; with --yes it is" in shown.stdout
    assert "there is no such person" in shown.stdout
    given = json.loads(limner(shop, *words, "--yes", "--json").stdout)
    one = limner(shop, "tag", "give", "vip", "silver", "bo")
    assert (one.returncode, "1 of 1 people change" in one.stdout) == (0, True)
    undone = limner(shop, "tag", "undo", given["batch"])
    assert undone.returncode == 1  # somebody was changed since
    assert "1 of 2 people have again what was there before" in undone.stdout
    rows = json.loads(limner(shop, "tag", "batches", "--json").stdout)["batches"]
    assert [row["what"] for row in rows] == ["undo", "give", "give"]
    wrong = limner(shop, "tag", "give", "vip", "gold")
    assert (wrong.returncode, "name one person" in wrong.stderr) == (2, True)


def test_an_import_with_rejected_lines_ends_with_one(shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    file.write_text("person,value\nann,5\nzed,1\n", encoding="utf-8")
    ended = limner(shop, "tag", "import", "points", str(file))
    assert (ended.returncode, "2 rows: 1 taken (1 changes" in ended.stdout) == (1, True)
    file.write_text("person,value\nann,5\n", encoding="utf-8")
    again = limner(shop, "tag", "import", "points", str(file), "--dry-run")
    assert (again.returncode, "1 rows: 1 taken (0 changes, 1 as before)" in again.stdout) == (0, True)
