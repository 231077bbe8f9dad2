"""What a load makes of its identifiers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from identity_world import Call, World, agree

ids = st.sampled_from(["u1", "u2", "u3", "x"])
devices = st.sampled_from(["d1", "d2", "x"])
some_keys = st.lists(
    st.sampled_from([("email", "a@x"), ("email", "b@x"), ("phone", "+1"), ("phone", "+2")]),
    max_size=2,
    unique_by=lambda key: key[0],
).map(tuple)
calls = st.lists(
    st.builds(
        Call,
        ts=st.integers(0, 12),
        user=st.none() | ids,
        device=st.none() | devices,
        keys=st.just(()) | some_keys,
        previous=st.none() | ids | devices,
        call=st.sampled_from(["track", "track", "track", "identify", "alias", "unlink"]),
    ),
    min_size=1,
    max_size=14,
)


def split(data: st.DataObject, rows: list[Call]) -> list[list[Call]]:
    cuts = sorted(data.draw(st.sets(st.integers(1, max(len(rows) - 1, 1)), max_size=4)))
    edges = [0, *[cut for cut in cuts if cut < len(rows)], len(rows)]
    return [rows[a:b] for a, b in zip(edges, edges[1:], strict=False)]


@pytest.mark.proves("I3")
@settings(max_examples=150, deadline=None)
@given(data=st.data(), rows=calls)
def test_people_are_those_of_the_graph_whatever_the_order_and_the_batches(
    data: st.DataObject, rows: list[Call]
) -> None:
    arrived = data.draw(st.permutations(rows))
    world = World()
    for part in split(data, list(arrived)):
        world.load(part)
    agree(world, list(arrived))
    step_by_step = world.state()
    whole = World()
    whole.load(list(arrived))
    assert whole.state() == step_by_step
