"""The commands of metrics, objects and learning: what they print, and how they end."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.builders import statistic
from tests.cli.test_plan import limner
from tests.workspace.worlds import World

AGAIN = """nature: prediction
method: learned
type: number
stage: draft
validity: 2 days
learned:
  label: did Bought
  features: [bought]
  train: [2026-02-01]
  test: [2026-04-01]
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("metrics") / "shop"
    world = World(folder)
    people = world.write("people.csv", "user_id,city\nann,Bern\nbo,Bern\ncai,Basel\n")
    world.verb("import", file=str(people), map="auto")
    world.write("tags/city.yml", "nature: fact\nmethod: observed\ntype: text\nattribute: city\n")
    world.write("tags/bought.yml", statistic("metric(told)"))
    world.write("tags/again.yml", AGAIN)
    world.write("metrics/told.yml", "measure: count(*)\nunit: events\n")
    world.write("objects/store.yml", "property: store\ntags:\n  large:\n    when: size >= 100\n")
    world.now += timedelta(minutes=1)
    world.verb("tag run")
    world.close()
    return folder


def test_a_metric_is_shown_by_a_tag(shop: Path) -> None:
    shown = limner(shop, "metric", "show", "told", "--by", "city", "--json")
    assert shown.returncode == 0, shown.stderr
    assert sorted(row["values"][0] for row in json.loads(shown.stdout)["rows"]) == ["Basel", "Bern"]
    listed = limner(shop, "metric", "list")
    assert (listed.returncode, "bought" in listed.stdout) == (0, True)
    unknown = limner(shop, "metric", "show", "tolt")
    assert (unknown.returncode, "did you mean told" in unknown.stderr) == (1, True)


def test_objects_are_loaded_from_a_file(shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "stores.csv"
    file.write_text("id,size\nN,120\nS,80\n", encoding="utf-8")
    loaded = limner(shop, "object", "load", "store", str(file))
    assert (loaded.returncode, "2 objects, 2 of them new" in loaded.stdout) == (0, True), loaded.stderr
    shown = json.loads(limner(shop, "object", "show", "store", "--tag", "large", "--json").stdout)
    assert [row["id"] for row in shown["objects"]] == ["N"]
    file.write_text("size\n120\n", encoding="utf-8")
    wrong = limner(shop, "object", "load", "store", str(file))
    assert (wrong.returncode, "no column 'id'" in wrong.stderr) == (2, True)


def test_learning_from_too_little_ends_with_one(shop: Path) -> None:
    ended = limner(shop, "tag", "learn", "again")
    assert (ended.returncode, "not enough data" in ended.stderr) == (1, True)
