"""Who is one person, decided over columns, against the same rules taken one claim at a time."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.identity.stitch import FOREVER, NOBODY, Turns, covering, join, share

USERS, KEYS = 4, 4
N = USERS + KEYS  # identifiers 0..3 are user ids, the others keys

node = st.integers(0, N - 1)
claim = st.tuples(
    st.integers(0, 6), node, node, st.sampled_from(["key", "key", "key", "alias", "cut"])
).filter(lambda item: item[1] != item[2] and (item[3] != "alias" or max(item[1], item[2]) < USERS))
claims = st.lists(claim, max_size=14)


def stitched(rows: list[Any], order: list[int]) -> tuple[list[int], list[bool]]:
    """The columns' answer: labels, and which rows were refused."""
    columns = np.array([row[:3] for row in rows], dtype=np.int64).reshape(len(rows), 3)
    found = join(
        user=np.arange(N) < USERS,
        home=np.arange(N, dtype=np.int64),
        order=np.array(order, dtype=np.int64),
        ts=columns[:, 0],
        a=columns[:, 1],
        b=columns[:, 2],
        alias=np.array([row[3] == "alias" for row in rows], dtype=bool),
        cut=np.array([row[3] == "cut" for row in rows], dtype=bool),
    )
    return found.label.tolist(), found.refused.tolist()


def slowly(rows: list[Any], order: list[int]) -> set[frozenset[int]]:
    """The people by networkx, one admissible link at a time."""
    cuts: dict[frozenset[int], int] = {}
    for ts, a, b, what in rows:
        if what == "cut":
            pair = frozenset((a, b))
            cuts[pair] = max(ts, cuts.get(pair, ts))
    graph = nx.empty_graph(N)
    for ts, a, b, what in rows:
        if what == "alias" and ts > cuts.get(frozenset((a, b)), -1):
            graph.add_edge(a, b)
    for _, a, b, what in sorted(rows, key=lambda row: (row[0], order[row[1]], order[row[2]])):
        if what != "key" or frozenset((a, b)) in cuts:
            continue
        one, other = nx.node_connected_component(graph, a), nx.node_connected_component(graph, b)
        if one == other or min(one) >= USERS or min(other) >= USERS:
            graph.add_edge(a, b)
    return {frozenset(component) for component in nx.connected_components(graph)}


@pytest.mark.proves("I3", "I4")
@settings(max_examples=400, deadline=None)
@given(data=st.data(), rows=claims, order=st.permutations(range(N)))
def test_people_are_the_components_over_admissible_links_in_any_order(
    data: st.DataObject, rows: list[Any], order: list[int]
) -> None:
    labels, _ = stitched(rows, order)
    people = {frozenset(i for i in range(N) if labels[i] == label) for label in labels}
    assert people == slowly(rows, order)
    assert stitched(data.draw(st.permutations(rows)), order)[0] == labels
    for person in people:
        assert labels[min(person)] == min(person)  # users come first, so the smallest is a user's if any


def test_a_key_belongs_to_its_first_claimant_and_the_second_is_refused() -> None:
    labels, refused = stitched([(5, 0, 4, "key"), (3, 1, 4, "key")], list(range(N)))
    assert labels[4] == labels[1] != labels[0]
    assert refused == [True, False]


def test_of_simultaneous_claims_the_smaller_value_wins() -> None:
    rows = [(3, 0, 4, "key"), (3, 1, 4, "key")]
    assert stitched(rows, [0, 1, *range(2, N)])[0][4] == 0
    assert stitched(rows, [1, 0, *range(2, N)])[0][4] == 1


def test_a_key_without_a_user_joins_the_user_that_claims_it_later() -> None:
    labels, refused = stitched([(1, 4, 5, "key"), (2, 0, 5, "key")], list(range(N)))
    assert labels[0] == labels[4] == labels[5] == 0
    assert refused == [False, False]


def test_only_a_later_alias_heals_a_cut() -> None:
    rows: list[Any] = [(1, 0, 1, "alias"), (1, 0, 4, "key"), (2, 1, 0, "cut"), (2, 0, 4, "cut")]
    labels, refused = stitched(rows, list(range(N)))
    assert (labels[1], labels[4]) == (1, 4)
    assert refused == [False] * 4
    labels, _ = stitched([*rows, (3, 1, 0, "alias"), (3, 0, 4, "key")], list(range(N)))
    assert (labels[1], labels[4]) == (0, 4)


def test_no_identifiers_are_no_people() -> None:
    nothing, none = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
    found = join(
        user=none, home=nothing, order=nothing, a=nothing, b=nothing, ts=nothing, alias=none, cut=none
    )
    assert len(found.label) == 0


logins = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(10, 13)), max_size=12)


@pytest.mark.proves("I3")
@settings(max_examples=300, deadline=None)
@given(data=st.data(), rows=logins)
def test_a_device_is_its_only_persons_or_goes_by_turns(data: st.DataObject, rows: list[Any]) -> None:
    def shared(rows: list[Any]) -> tuple[list[int], list[list[int]]]:
        device, ts, person = np.array(rows, dtype=np.int64).reshape(len(rows), 3).T
        label, turns = share(
            home=np.arange(3, dtype=np.int64), device=device, person=person, ts=ts, order=person
        )
        asked = np.repeat(np.arange(3), 12), np.tile(np.arange(-1, 11), 3)
        at = covering(turns, device=asked[0].astype(np.int64), ts=asked[1].astype(np.int64))
        return label.tolist(), at.reshape(3, 12).tolist()

    label, at = shared(rows)
    for device in range(3):
        mine = sorted((ts, person) for on, ts, person in rows if on == device)
        people = {person for _, person in mine}
        assert label[device] == (people.pop() if len(people) == 1 else device)
        for place, ts in enumerate(range(-1, 11)):
            last = [person for when, person in mine if when <= ts]
            turn = last[-1] if last and label[device] == device else NOBODY
            assert at[device][place] == turn
    assert shared(data.draw(st.permutations(rows))) == (label, at)


def test_a_turn_ends_where_the_next_begins_and_the_last_stays_open() -> None:
    columns = [np.array(values, dtype=np.int64) for values in ([0, 0, 0, 0], [7, 7, 8, 7], [1, 2, 3, 5])]
    _, turns = share(
        home=np.array([0]),
        device=columns[0],
        person=columns[1],
        ts=columns[2],
        order=np.zeros(4, dtype=np.int64),
    )
    assert isinstance(turns, Turns)
    assert turns.start.tolist() == [1, 3, 5]
    assert turns.end.tolist() == [3, 5, FOREVER]
    assert turns.person.tolist() == [7, 8, 7]
