"""From which value to which people went between two instants: counted by hand, and always everybody."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.accounts.model import Caller, Role
from limner.columns import Given, column
from limner.errors import ConflictError, UsageError
from limner.tags.transitions import transitions
from limner.types import Json, ValueType, silent
from limner.workspace import moving
from tests.cli.test_plan import limner
from tests.workspace.test_applying import collect
from tests.workspace.test_memberships import DAY, LEVEL, on
from tests.workspace.test_remembering import paid
from tests.workspace.worlds import NOW, World


@pytest.fixture
def shop(world: World) -> World:
    """Day 0: ann, bob and dan buy. Day 1: ann again. Day 5.5: cleo and dan, for the first and the second time.

    As of day 2 ann is keen, bob and dan bought once; as of day 5.9 ann's order of day 1 and those of day 5.5 count.
    """
    world.write("tags/level.yml", LEVEL)
    for day, who in ((0, ["ann", "bob", "dan"]), (1, ["ann"]), (5.5, ["cleo", "dan"])):
        world.now = NOW + day * DAY
        collect(world, [paid(one, world.now - timedelta(minutes=5)) for one in who], {"name": f"day {day}"})
    world.now = NOW + 6 * DAY
    return world


def flat(answer: Json) -> dict[tuple[str, str], int]:
    """(was, is) → people, where anybody went."""

    def word(place: Json) -> str:
        return place["value"] or place["kind"]

    return {
        (word(was), word(became)): people
        for was, row in zip(answer["before"], answer["moves"], strict=True)
        for became, people in zip(answer["after"], row, strict=True)
        if people
    }


@pytest.mark.proves("A5")
def test_who_went_from_which_value_to_which_is_everybody(shop: World) -> None:
    answer = shop.verb("tag transitions", key="level", since=on(2), until=on(5.9))
    assert flat(answer) == {
        ("keen", "once"): 1,
        ("once", "none"): 1,
        ("once", "once"): 1,
        ("absent", "once"): 1,
    }
    assert (answer["everybody"], answer["new"], answer["stayed"], answer["moved"]) == (4, 1, 1, 2)
    assert [place["value"] for place in answer["after"]] == [None, "keen", "once"], "in the order of the file"
    assert [place["people"] for place in answer["before"]] == [1, 0, 1, 2]
    assert [place["people"] for place in answer["after"]] == [1, 0, 3]
    before = shop.verb("tag transitions", key="level", since=on(-3), until=on(2))
    assert flat(before) == {("absent", "keen"): 1, ("absent", "once"): 2}


def test_what_came_late_counts_in_the_true_view_only(shop: World) -> None:
    collect(shop, [paid("eve", NOW + DAY)], {"name": "late"})
    true = shop.verb("tag transitions", key="level", since=on(2), until=on(5), view="true")
    known = shop.verb("tag transitions", key="level", since=on(2), until=on(5), view="known")
    assert (true["everybody"], known["everybody"]) == (4, 3)
    assert shop.verb("tag transitions", key="level", since=on(2), until=on(5))["view"] == "known"


def test_what_has_no_places_lies_ahead_or_is_hidden_is_refused(shop: World) -> None:
    shop.write(
        "tags/orders.yml",
        'nature: fact\nmethod: statistic\ntype: number\nvalidity: 9 days\nstatistic: count("Order Paid")\n',
    )
    with pytest.raises(UsageError, match="of type number"):
        shop.verb("tag transitions", key="orders")
    with pytest.raises(UsageError, match="lies ahead"):
        shop.verb("tag transitions", key="level", until=on(7))
    with pytest.raises(UsageError, match="is not before"):
        shop.verb("tag transitions", key="level", since=on(3), until=on(3))
    shop.write("tags/level.yml", LEVEL + "sensitivity: personal\n")
    with pytest.raises(ConflictError, match="personal"):
        moving.tag_transitions(
            shop.workspace, silent, "level", caller=Caller("user", "1", "viewer", Role.VIEWER)
        )


def test_the_command_prints_them(shop: World) -> None:
    shop.close()
    words = ("tag", "transitions", "level", "--from", on(2), "--to", on(5.9))
    printed = limner(shop.folder, *words)
    assert printed.returncode == 0, printed.stderr
    assert "4 people, 1 stayed, 2 moved, 1 new" in " ".join(printed.stdout.split())
    assert json.loads(limner(shop.folder, *words, "--json").stdout)["everybody"] == 4
    shop.open()


@given(
    people=st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 5), st.booleans(), st.booleans()), min_size=1, max_size=60
    ),
    most=st.integers(1, 6),
)
def test_the_matrix_is_the_count_of_pairs(people: list[tuple[int, int, bool, bool]], most: int) -> None:
    """Against a loop over single people; the two columns number their labels differently."""
    n = len(people)
    was = np.array([row[0] for row in people])
    became = np.array([row[1] for row in people])
    after = np.array([row[3] for row in people])
    before = after & np.array([row[2] for row in people])

    def made(values: np.ndarray, labels: tuple[str, ...]) -> object:
        ix = np.flatnonzero(values).astype(np.uint32)
        codes = np.array([labels.index("abcde"[value - 1]) + 1 for value in values[ix]], dtype=np.int64)
        return column("t", Given(ValueType.TEXT, ix, codes, labels, as_of=NOW, expires_at=None), n)

    found = transitions(
        made(was, tuple("abcde")),
        made(became, tuple("edcba")),
        here_before=before,
        here_after=after,
        most=most,
    )  # type: ignore[arg-type]
    assert found.people == int(after.sum())
    kept = {place.value for place in found.after if place.kind == "value"}
    assert len(kept) <= most

    def word(value: int) -> tuple[str, str | None]:
        if value == 0:
            return ("none", None)
        name = "abcde"[value - 1]
        return ("value", name) if name in kept else ("rest", None)

    counted: dict[tuple[object, object], int] = {}
    for ix in range(n):
        if after[ix]:
            pair = (word(was[ix]) if before[ix] else ("absent", None), word(became[ix]))
            counted[pair] = counted.get(pair, 0) + 1
    got = {
        ((was.kind, was.value), (became.kind, became.value)): count
        for was, row in zip(found.before, found.moves, strict=True)
        for became, count in zip(found.after, row, strict=True)
        if count
    }
    assert got == counted
    assert found.stayed == sum(1 for ix in range(n) if before[ix] and people[ix][0] == people[ix][1])
    assert found.stayed + found.moved == int(before.sum())
