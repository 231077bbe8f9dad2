"""Looking people up, and erasing one."""

from __future__ import annotations

import pytest
from identity_world import KEYS, Call, World

from limner.identity import erase, people


def world() -> World:
    made = World()
    made.load([Call(1, device="d1"), Call(2, user="u1", device="d1", keys=(("email", "a@x"),))])
    made.load([Call(3, user="u2"), Call(4, device="d2"), Call(5, user="u2", device="d2")])
    return made


@pytest.mark.proves("I1", "I2")
def test_a_person_is_found_by_user_id_by_identifier_and_by_outward_id() -> None:
    made = world()
    ix = people.find(made.engine, "u1", keys=KEYS)
    assert ix == 0
    for text in ("user:u1", "device:d1", "email: A@X", f"person:{people.person_id(made.engine, 0)}"):
        assert people.find(made.engine, text, keys=KEYS) == ix
    for text in ("nobody", "email:b@x", "person:none", "openid:a@x"):
        assert people.find(made.engine, text, keys=KEYS) is None


def test_a_merged_person_is_found_as_the_one_that_lives_on() -> None:
    made = world()
    merged = made.persons()[2]
    assert merged["merged_into"] == 1
    assert people.find(made.engine, f"person:{merged['person_id']}", keys=KEYS) == 1
    assert people.alive(made.engine) == 2
    assert people.person_ids(made.engine, [0, 1, 2, 9]).column("ix").to_pylist() == [0, 1]


def test_many_ids_are_looked_up_at_once() -> None:
    made = world()
    found = people.person_ids_of(made.engine, ["u1", "email:a@x", "email:A@x", "u9"], keys=KEYS)
    assert found == dict.fromkeys(["u1", "email:a@x", "email:A@x"], people.person_id(made.engine, 0))


@pytest.mark.proves("I4")
def test_each_identifier_comes_with_its_evidence() -> None:
    shown = people.identities(world().engine, 0)
    assert [(item["kind"], item["value"]) for item in shown] == [
        ("user", "u1"),
        ("email", "a@x"),
        ("device", "d1"),
    ]
    assert "gave email:a@x on 1970-01-01T00:00:02+00:00" in shown[0]["evidence"]
    assert shown[1]["evidence"] == "given by user:u1 on 1970-01-01T00:00:02+00:00"
    assert shown[2]["evidence"] == "user:u1 logged in since 1970-01-01T00:00:02+00:00"


@pytest.mark.proves("I1")
def test_people_are_named_by_user_id_else_key_else_device() -> None:
    made = world()
    made.load([Call(6, keys=(("phone", "+1"),), device="d7"), Call(7, device="d8")])
    made.load([Call(8, user="new", previous="u2", call="alias")])
    found = people.identifiers_of(made.engine, range(9)).to_pylist()
    assert [(row["kind"], row["value"]) for row in found] == [
        ("user", "u1"),
        ("user", "new"),
        ("phone", "+1"),
        ("device", "d8"),
    ]


def test_an_erased_person_is_not_found_and_its_values_are_gone() -> None:
    made = world()
    ids, words = erase.traces(made.engine, 0)
    assert ids == [people.person_id(made.engine, 0)]
    assert words == ["d1", "u1", "a@x"]
    with made.engine.write() as tx:
        erase.erase(tx, 0)
    assert people.find(made.engine, "u1", keys=KEYS) is None
    assert people.find(made.engine, f"person:{ids[0]}", keys=KEYS) is None
    assert people.identities(made.engine, 0) == []
    assert people.alive(made.engine) == 1
    assert made.rows("SELECT * FROM claims WHERE a = 0 OR b = 0") == []


def test_who_returns_after_being_erased_is_somebody_new() -> None:
    made = world()
    with made.engine.write() as tx:
        erase.erase(tx, 0)
    answer = made.load([Call(9, user="u1", device="d1", keys=(("email", "a@x"),))])
    assert answer.columns["ix"].to_pylist() == [3]
    assert people.find(made.engine, "email:a@x", keys=KEYS) == 3


def test_the_turns_of_an_erased_person_fall_to_nobody_else() -> None:
    made = World()
    made.load([Call(1, user="u1", device="d1"), Call(5, user="u2", device="d1")])
    with made.engine.write() as tx:
        erase.erase(tx, 0)
    answer = made.load([Call(9, user="u2", device="d1"), Call(2, device="d1"), Call(6, device="d1")])
    assert answer.columns["ix"].to_pylist() == [1, 0, 1]
