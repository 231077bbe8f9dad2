"""Cut points are computed by a command, stand in the file, and a plan says who would move before anybody does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from limner.errors import ConflictError, NotFoundError, UsageError
from tests.builders import statistic
from tests.workspace.test_applying import by, collect
from tests.workspace.worlds import World

SPENT = statistic('sum(amount of "Order Paid")', "money", validity="400 days")
LEVEL = """\
nature: model
method: rule
type: text
cuts: # what finance calls a good customer
  of: spent
  tiers: [low, middle, high]
  at: [50%, 80%]
validity: 400 days
"""


def buy(world: World, amounts: dict[str, float], source: str) -> None:
    calls = [
        {
            "type": "track", "userId": who, "event": "Order Paid", "timestamp": world.now.isoformat(),
            "properties": {"amount": amount},
        }
        for who, amount in amounts.items()
    ]  # fmt: skip
    collect(world, calls, world.verb("source add", name=source))
    world.now += timedelta(days=1)


@pytest.fixture
def shop(world: World) -> World:
    """Ten people who paid 10, 20 … 100."""
    world.write("tags/spent.yml", SPENT)
    world.write("tags/level.yml", LEVEL + "stage: draft\n")
    buy(world, {f"u{n}": 10.5 * n for n in range(1, 11)}, "shop")
    world.verb("tag run")
    return world


def test_the_command_writes_the_cut_points_of_the_publication_into_the_file(shop: World) -> None:
    answer = shop.verb("tag cut", key="level")
    assert (answer["before"], answer["frozen"], answer["people"]) == ([None, None], [63, 94.5], 10)
    text = (shop.folder / "tags/level.yml").read_text(encoding="utf-8")
    assert "frozen: [63, 94.5]" in text
    assert "frozen_at: 2026-06-02" in text
    assert "# what finance calls a good customer" in text
    assert "tiers: [low, middle, high]" in text
    assert shop.verb("tag cut", key="level")["before"] == [63, 94.5]


def test_a_plan_says_who_would_move_by_new_cut_points_and_a_run_alone_moves_none(shop: World) -> None:
    shop.verb("tag cut", key="level")
    path = shop.folder / "tags/level.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("stage: draft\n", ""), encoding="utf-8")
    shop.verb("tag run")
    assert counts(shop) == {"low": 5, "middle": 3, "high": 2}
    buy(shop, {f"v{n}": 1000 for n in range(10)}, "rich")
    shop.verb("tag run")
    assert counts(shop) == {"low": 5, "middle": 3, "high": 12}
    answer = shop.verb("tag cut", key="level")
    assert answer["frozen"] == [1000, 1000]  # place 20 * 50 // 100 = 10, and 16
    (change,) = shop.verb("tag plan")["tags"]
    assert (change["key"], change["moved"], change["entered"], change["left"]) == ("level", 5, 0, 0)
    assert counts(shop) == {"low": 5, "middle": 3, "high": 12}
    shop.verb("tag apply")
    assert counts(shop) == {"low": 10, "high": 10}


def counts(world: World) -> dict[str, int]:
    rows = world.workspace.engine.read(
        "SELECT value, COUNT(*) AS n FROM tag_level GROUP BY value"
    ).to_pylist()
    return {row["value"]: row["n"] for row in rows}


def test_what_cannot_be_cut_says_why(shop: World) -> None:
    with pytest.raises(NotFoundError, match="did you mean level"):
        shop.verb("tag cut", key="levle")
    with pytest.raises(UsageError, match="no percentiles"):
        shop.verb("tag cut", key="spent")
    shop.write("tags/level.yml", LEVEL.replace("of: spent", "of: later") + "stage: draft\n")
    with pytest.raises(ConflictError, match="not published"):
        shop.verb("tag cut", key="level")


def test_a_form_leaves_points_and_cuts_as_they_are(shop: World) -> None:
    written = shop.verb("tag text", key="level", text=LEVEL, fields={"owner": "crm"})
    assert written["text"] == LEVEL + "owner: crm\n"
    assert by(shop.verb("tag list")["tags"])["level"]["key"] == "level"
