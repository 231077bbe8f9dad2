"""Who brought whom, held to an oracle that knows nothing of columns: a graph that grows claim by claim."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.referrals import tree
from limner.referrals.spread import spread
from limner.referrals.tree import NEVER, Claims

NAMES = dict(enumerate(tree.REASONS))


def oracle(
    people: int,
    claims: list[tuple[int, int, int]],
    done: list[int],
    oldest: list[int],
    allowed: list[bool],
    shares: list[tuple[int, int]],
) -> tuple[list[str], nx.DiGraph]:
    """The verdict of each claim, decided one after the other over a graph."""
    together = nx.Graph()
    together.add_nodes_from(("person", one) for one in range(people))
    together.add_edges_from((("person", who), ("value", value)) for who, value in shares)
    home: dict[int, int] = {}
    for number, group in enumerate(nx.connected_components(together)):
        home |= {one: number for kind, one in group if kind == "person"}
    verdict: list[str] = [""] * len(claims)
    order = sorted(range(len(claims)), key=lambda place: claims[place][2])
    for place in order:
        friend, referrer, at = claims[place]
        if friend == referrer:
            verdict[place] = "self_referral"
        elif home[friend] == home[referrer]:
            verdict[place] = "shared"
        elif done[friend] < at:
            verdict[place] = "existing_customer"
        elif at < oldest[friend]:
            verdict[place] = "lapsed"
        elif not allowed[referrer]:
            verdict[place] = "not_allowed"
    chosen: dict[int, int] = {}
    for place in order:
        friend = claims[place][0]
        if not verdict[place] and chosen.setdefault(home[friend], friend) != friend:
            verdict[place] = "same_as_another"
    brought = nx.DiGraph()
    brought.add_nodes_from(range(people))
    for place in order:
        friend, referrer, _ = claims[place]
        if verdict[place]:
            continue
        if brought.in_degree(friend):
            verdict[place] = "another_came_first"
        elif nx.has_path(brought, friend, referrer):
            verdict[place] = "cycle"
        else:
            brought.add_edge(referrer, friend)
    return verdict, brought


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    people = draw(st.integers(2, 14))
    person = st.integers(0, people - 1)
    claims = draw(st.lists(st.tuples(person, person, st.integers(0, 30)), min_size=1, max_size=40))
    return {
        "people": people,
        "claims": claims,
        "done": draw(st.lists(st.sampled_from([NEVER, NEVER, 5, 20]), min_size=people, max_size=people)),
        "oldest": draw(st.lists(st.sampled_from([0, 0, 8]), min_size=people, max_size=people)),
        "allowed": draw(
            st.lists(st.sampled_from([True, True, True, False]), min_size=people, max_size=people)
        ),
        "shares": draw(st.lists(st.tuples(person, st.integers(0, 6)), max_size=4)),
    }


def columns(world: dict[str, Any]) -> tuple[Claims, np.ndarray[Any, Any]]:
    friend, referrer, at = (np.array(part, dtype=np.int64) for part in zip(*world["claims"], strict=True))
    who = np.array([one for one, _ in world["shares"]], dtype=np.int64)
    value = np.array([one for _, one in world["shares"]], dtype=np.int64)
    home = tree.households(world["people"], who, value)
    claims = Claims(
        friend,
        referrer,
        at,
        np.array(world["done"], dtype=np.int64)[friend],
        np.array(world["oldest"], dtype=np.int64)[friend],
        np.array(world["allowed"])[referrer],
    )
    return claims, home


@pytest.mark.proves("U7")
@given(worlds())
@settings(max_examples=400, deadline=None)
def test_every_verdict_and_depth_is_that_of_a_graph_that_grows_claim_by_claim(world: dict[str, Any]) -> None:
    claims, home = columns(world)
    verdict = tree.verdicts(claims, home)
    wanted, brought = oracle(**world)
    assert [NAMES[one] for one in verdict.tolist()] == wanted
    counts = verdict == tree.COUNTS
    friend, by = claims.friend[counts], claims.referrer[counts]
    assert {*zip(by.tolist(), friend.tolist(), strict=True)} == {*brought.edges}
    assert nx.is_forest(brought.to_undirected()) or not brought.number_of_edges()
    roots = {node for node, n in brought.in_degree if not n}
    depth = tree.depths(world["people"], friend, by)
    for place, one in enumerate(friend.tolist()):
        (root,) = nx.ancestors(brought, one) & roots
        assert depth[place] == nx.shortest_path_length(brought, root, one)
    for level, column in enumerate(tree.ancestors(world["people"], friend, by, 3), start=1):
        for place, one in enumerate(friend.tolist()):
            above = [
                a for a in nx.ancestors(brought, one) if nx.shortest_path_length(brought, a, one) == level
            ]
            assert ([] if column[place] == tree.NOBODY else [column[place]]) == above


def test_circles_of_any_length_are_cut_where_they_would_close() -> None:
    """A→B→A and longer: the claim that closes the circle does not count, and one that comes after may."""
    for length in (2, 3, 50):
        friend = np.array([*range(1, length), 0, 0], dtype=np.int64)
        referrer = np.array([*range(length - 1), length - 1, length], dtype=np.int64)
        n = len(friend)
        claims = Claims(
            friend,
            referrer,
            np.arange(n),
            np.full(n, NEVER),
            np.zeros(n, dtype=np.int64),
            np.ones(n, dtype=np.bool_),
        )
        found = tree.verdicts(claims, np.arange(length + 1))
        assert [NAMES[one] for one in found.tolist()] == [*[""] * (length - 1), "cycle", ""]


def test_a_person_has_room_for_so_many_in_any_stretch_of_time() -> None:
    who = np.array([1, 1, 1, 2, 1, 1], dtype=np.int64)
    at = np.array([0, 1, 2, 2, 10, 11], dtype=np.int64)
    assert tree.within_limit(who, at, most=2, per=10).tolist() == [True, True, False, True, True, True]
    assert tree.within_limit(who, at, most=None, per=10).all()


def test_k_is_invitations_times_conversion_with_an_interval_or_not_enough_data() -> None:
    few = spread(100, 20, np.array([3, 2]))
    assert (few.converted, few.k) == (5, None)
    found = spread(100, 60, np.array([1] * 20 + [5, 5]))
    assert found.k == pytest.approx(0.3)
    assert found.invitations_each is not None
    assert found.conversion is not None
    assert found.k == pytest.approx(found.invitations_each * found.conversion)
    # Of independent worlds with the same truth the interval holds it in about 95 of a hundred.
    chance = np.random.default_rng(5)
    held = 0
    for _ in range(300):
        eager = chance.random(2_000) < 0.05
        brought = chance.poisson(np.where(eager, 4.0, 0.1))
        one = spread(2_000, 10_000, brought)
        assert one.low is not None
        assert one.high is not None
        held += one.low <= 0.05 * 4.0 + 0.95 * 0.1 <= one.high
    assert 270 <= held <= 297
