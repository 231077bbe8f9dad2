"""What a load makes of its identifiers."""

from __future__ import annotations

import itertools
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from identity_world import Call, World, agree

from limner.identity.resolve import resolve

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
    max_size=10,
)


def split(data: st.DataObject, rows: list[Call]) -> list[list[Call]]:
    cuts = sorted(data.draw(st.sets(st.integers(1, max(len(rows) - 1, 1)), max_size=3)))
    edges = [0, *[cut for cut in cuts if cut < len(rows)], len(rows)]
    return [rows[a:b] for a, b in itertools.pairwise(edges)]


@pytest.mark.proves("I3", "I4")
@settings(max_examples=40, deadline=None)
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


def loaded(*batches: list[Call]) -> tuple[World, Any]:
    """A world after these loads, and the answer to the last."""
    world = World()
    answers = [world.load(batch) for batch in batches]
    agree(world, [call for batch in batches for call in batch])
    return world, answers[-1]


def moves(answer: Any) -> list[tuple[int, int, bool]]:
    return [(row["from_ix"], row["to_ix"], row["whole"]) for row in answer.reassigned.to_pylist()]


@pytest.mark.proves("C4", partly="their use in tags is shown in the demo only")
@pytest.mark.proves("C4", "I2")
def test_a_device_that_never_logs_in_is_a_person() -> None:
    world, _ = loaded([Call(1, device="d1"), Call(2, device="d1"), Call(3, device="d2")])
    assert world.events() == [0, 0, 1]


@pytest.mark.proves("I3", "C4")
def test_a_visitor_who_registers_stays_the_same_person() -> None:
    world, answer = loaded([Call(1, device="d1")], [Call(2, user="u1", device="d1")])
    assert world.events() == [0, 0]
    assert moves(answer) == []
    assert len(world.persons()) == 1


@pytest.mark.proves("I3")
def test_what_a_device_did_before_a_known_user_logs_in_becomes_the_users() -> None:
    world, answer = loaded([Call(1, device="d1"), Call(2, user="u1")], [Call(3, user="u1", device="d1")])
    assert world.events() == [1, 1, 1]
    assert moves(answer) == [(0, 1, True)]
    assert answer.reassigned["at"][0].as_py().second == 3
    assert world.persons()[0]["merged_into"] == 1
    assert world.persons()[1]["created_at"].second == 1


@pytest.mark.proves("I3")
def test_two_people_on_one_device_do_not_fuse() -> None:
    world, answer = loaded(
        [Call(1, device="d1"), Call(2, user="u1", device="d1"), Call(5, device="d1")],
        [Call(4, user="u2", device="d1")],
    )
    names = world.identifiers()
    anonymous = names["device", "d1"]
    assert world.events() == [anonymous, names["user", "u1"], names["user", "u2"], names["user", "u2"]]
    assert len(set(names.values())) == 3
    assert (names["user", "u1"], anonymous, False) in moves(answer)
    assert world.rows('SELECT ix, "to" IS NULL AS last FROM intervals ORDER BY "from"') == [
        {"ix": names["user", "u1"], "last": False},
        {"ix": names["user", "u2"], "last": True},
    ]


@pytest.mark.proves("I3")
def test_a_device_shared_only_for_a_while_becomes_whole_again_when_its_users_prove_to_be_one() -> None:
    world, answer = loaded(
        [Call(1, device="d1"), Call(2, user="u1"), Call(3, user="u1", device="d1")],
        [Call(4, user="u2", device="d1")],
        [Call(5, user="u2", previous="u1", call="alias")],
    )
    assert set(world.events()) == {1}
    assert world.rows("SELECT * FROM intervals") == []
    assert {(0, 1, True), (2, 1, True)} == set(moves(answer))


@pytest.mark.proves("I3")
def test_the_anonymous_person_of_a_device_revives_when_a_second_user_appears() -> None:
    world, _ = loaded(
        [Call(1, device="d1"), Call(2, user="u1")],
        [Call(3, user="u1", device="d1")],
        [Call(4, user="u2", device="d1")],
    )
    assert world.events() == [0, 1, 1, 2]
    assert [person["merged_into"] for person in world.persons()] == [None, None, None]


@pytest.mark.proves("I3")
def test_logins_of_stored_events_count_once_a_device_is_shared() -> None:
    first = [Call(ts, user="u1", device="d1") for ts in (10, 20, 30)]
    world, _ = loaded(
        [*first, Call(25, device="d1")], [Call(15, user="u2", device="d1"), Call(18, device="d1")]
    )
    names = world.identifiers()
    assert world.events()[3:] == [names["user", "u1"], names["user", "u2"], names["user", "u2"]]


@pytest.mark.proves("I4")
def test_ids_of_several_channels_are_one_person_by_a_shared_key() -> None:
    world = World()
    world.load([Call(1, keys=(("phone", "+1"), ("email", "a@x")), device="wechat")])
    world.load([Call(2, user="web", keys=(("email", "A@X "),), device="browser")])
    world.load([Call(3, keys=(("phone", "+ 1"),))])
    assert len(set(world.identifiers().values())) == 1
    assert len(set(world.events())) == 1


@pytest.mark.proves("I4")
def test_a_key_that_another_user_claims_too_joins_nobody_and_is_reported() -> None:
    key = (("email", "a@x"),)
    world, answer = loaded([Call(5, user="u1", keys=key)], [Call(6, user="u2", keys=key)])
    assert world.events() == [0, 1]
    assert answer.warnings == [("key_conflict", "email", 1)]
    again = world.load([Call(7, user="u2", keys=key)])
    assert again.warnings == []


@pytest.mark.proves("I3")
def test_an_earlier_claim_that_arrives_late_takes_the_key_over() -> None:
    key = (("email", "a@x"),)
    world, answer = loaded([Call(5, user="u1", keys=key), Call(5, keys=key)], [Call(4, user="u2", keys=key)])
    assert world.events() == [0, 1, 1]
    assert moves(answer) == [(0, 1, False)]


@pytest.mark.proves("I4")
def test_identify_never_joins_two_user_ids_and_alias_does() -> None:
    world, _ = loaded([Call(1, user="u1", device="d1")], [Call(2, user="u2", device="d1", call="identify")])
    assert len({world.identifiers()["user", name] for name in ("u1", "u2")}) == 2
    world, answer = loaded(
        [Call(1, user="u1"), Call(2, user="u2")], [Call(3, user="u2", previous="u1", call="alias")]
    )
    assert world.events() == [0, 0, 0]
    assert moves(answer) == [(1, 0, True)]


def test_the_previous_id_of_an_alias_may_be_a_device() -> None:
    world, _ = loaded([Call(1, device="d1")], [Call(2, user="u1", previous="d1", call="alias")])
    assert world.events() == [0, 0]


@pytest.mark.proves("I4")
def test_a_merge_can_be_undone_and_restores_everybody() -> None:
    before = [Call(1, user="u1"), Call(2, user="u2", device="d1"), Call(3, device="d1")]
    world, _ = loaded(before)
    was = world.events(), world.identifiers(), world.persons()
    merge = [Call(4, user="u2", previous="u1", call="alias")]
    undo = [Call(5, user="u2", previous="u1", call="unlink")]
    world, answer = loaded(before, merge, undo)
    assert world.events()[:3] == was[0]
    assert {name: world.identifiers()[name] for name in was[1]} == was[1]
    assert world.persons()[:2] == was[2]
    assert (0, 1, False) in moves(answer)


@pytest.mark.proves("I4")
def test_placeholders_are_nobody_and_counted() -> None:
    world = World()
    answer = world.load(
        [
            Call(1, user="undefined", device="d1"),
            Call(2, user=" 'Undefined' ", device="d2"),
            Call(3, user="null"),
            Call(4, user="u1", keys=(("email", "none"), ("phone", "0"))),
            Call(5, user="u2", previous="guest", call="alias"),
        ]
    )
    assert world.events() == [0, 1, None, 2, 3]
    assert {detail: n for _, detail, n in answer.warnings} == {
        "user: undefined": 1,
        "user: 'undefined'": 1,
        "user: null": 1,
        "user: guest": 1,
        "device: guest": 1,
        "email: none": 1,
        "phone: 0": 1,
    }
    assert {code for code, _, _ in answer.warnings} == {"blocked_identity"}


def test_a_device_id_equal_to_the_user_id_is_no_device() -> None:
    world, _ = loaded([Call(1, user="u1", device="u1")])
    assert list(world.identifiers()) == [("user", "u1")]


def test_rows_that_name_nobody_have_no_person() -> None:
    world, answer = loaded([Call(1)])
    assert world.events() == [None]
    assert answer.people == 0
    assert world.load([]).columns.num_rows == 0


def test_a_batch_without_news_changes_nothing() -> None:
    rows = [Call(1, user="u1", device="d1", keys=(("email", "a@x"),)), Call(2, device="d2")]
    world, _ = loaded(rows)
    was = world.rows("SELECT * FROM claims"), world.persons(), world.identifiers()
    answer = world.load(rows)
    assert (world.rows("SELECT * FROM claims"), world.persons(), world.identifiers()) == was
    assert answer.people == 0
    assert moves(answer) == []


def test_a_batch_needs_no_more_than_its_ids_and_times() -> None:
    world = World()
    with world.engine.write() as tx:
        batch = pa.table({"row": [7], "user": ["u1"], "ts": pa.array([0], pa.timestamp("us"))})
        found = resolve(tx, batch, secret=b"s", keys=["user", "email"])
    assert found.columns.to_pylist() == [{"row": 7, "user_i": 0, "device_i": None, "key_i": None, "ix": 0}]
