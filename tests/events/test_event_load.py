"""Loading: exactly once, exactly counted, in the types that the engine can add up."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.errors import LimnerError
from limner.events.frames import Record
from limner.types import naive

from .conftest import MICROS, World, track

DAY = 86_400_000_000


def events(world: World, columns: str = "*") -> list[dict[str, Any]]:
    return world.rows(f"SELECT {columns} FROM events ORDER BY received_at, id")


def column(world: World, name: str) -> tuple[str, str]:
    found = world.rows(f"SELECT type, col FROM properties WHERE name = '{name}'")
    return found[0]["type"], found[0]["col"]


@pytest.mark.proves("G3", partly="1 M sends and 100 M ids are not tried")
@pytest.mark.proves("G3", "G4")
def test_a_message_id_counts_once(world: World) -> None:
    world.send(track("m1"), track("m1"), track("m2"))
    world.load()
    world.send(track("m1"))
    world.load()
    assert world.counters() == {"received": 4, "stored": 2, "duplicate": 2}


@pytest.mark.proves("G3")
def test_the_same_message_id_of_another_source_is_another_event(world: World) -> None:
    world.send(track("m1"), source_i=1)
    world.send(track("m1"), source_i=2)
    world.load()
    assert len(events(world)) == 2


@pytest.mark.proves("G3")
def test_a_message_id_counts_once_in_thirty_days_also_after_a_restart(world: World) -> None:
    world.send(track("m1"))
    world.load()
    world.loader = type(world.loader)(
        world.engine, world.log, resolve=world.identity, limits=world.limits, money={"amount"}
    )
    world.send(track("m1"), at=MICROS + 30 * DAY)
    world.load()
    assert len(events(world)) == 1
    world.send(track("m1"), at=MICROS + 31 * DAY)
    world.load()
    assert len(events(world)) == 2


@pytest.mark.proves("G3")
def test_another_body_under_the_same_message_id_is_kept_aside(world: World) -> None:
    world.send(track("m1", properties={"amount": 1}))
    world.load()
    world.send(track("m1", properties={"amount": 2}))
    world.load()
    assert world.counters() == {"received": 2, "stored": 1, "duplicate": 1}
    kept = world.rows("SELECT code, raw FROM quarantine")
    assert kept[0]["code"] == "duplicate_conflict"
    assert json.loads(kept[0]["raw"])["properties"] == {"amount": 2}
    assert world.warnings() == {("duplicate_conflict", ""): 1}


@pytest.mark.proves("G4")
def test_refused_calls_are_quarantined_with_their_reason(world: World) -> None:
    world.send(track(), {"type": "track", "event": "a"}, {"batch": []}, 7)
    world.log.append_now(Record("r", 1, MICROS, kind="rejected", note="invalid_json"))
    world.load()
    assert world.counters() == {"received": 5, "stored": 1, "quarantined": 3, "rejected": 1}
    codes = [row["code"] for row in world.rows("SELECT code FROM quarantine ORDER BY code")]
    assert codes == ["missing_identity", "not_an_object", "unknown_type"]
    assert world.warnings() == {("rejected", "invalid_json"): 1}


@pytest.mark.proves("G6", partly="kills at random moments, not at every write")
@pytest.mark.proves("G6", "G7")
def test_an_engine_rebuilt_from_the_log_is_equal(world: World) -> None:
    for number in range(30):
        world.send(
            track(f"m{number}", properties={"amount": number / 7, f"x{number}": number}),
            track(f"m{number - 1}"),
            {"type": "identify", "userId": f"u{number}", "traits": {"plan": "a"}, "messageId": f"i{number}"},
            {"type": "track"},
        )
        if number % 3 == 0:
            world.load()
    world.load()
    tables = ("events", "attributes", "quarantine", "counters", "warnings", "names", "properties")

    def state() -> dict[str, list[dict[str, Any]]]:
        """All rows, but for which load stored them: a rebuild loads more at once."""
        found = {table: world.rows(f"SELECT * FROM {table} ORDER BY ALL") for table in tables}
        rows = [[{**row, "load_i": None} for row in found[table]] for table in tables]
        return {table: sorted(kept, key=repr) for table, kept in zip(tables, rows, strict=True)}

    before = state()
    world.rebuild()
    world.load()
    assert state() == before


@pytest.mark.proves("G6")
def test_a_load_that_fails_leaves_nothing_and_is_done_again(world: World) -> None:
    world.send(track("m1", properties={"new": 1}))
    world.load()
    start = world.loader.position
    world.send(*(track(f"n{number}", userId="v", properties={"newer": 1}) for number in range(30)))
    world.identity.fails = {"v"}
    with pytest.raises(LimnerError, match="every event"):
        world.load()
    assert world.loader.position == start
    assert len(events(world)) == 1
    assert len(world.rows("SELECT * FROM properties")) == 1
    world.identity.fails = set()
    world.load()
    assert world.counters() == {"received": 31, "stored": 31}


@pytest.mark.proves("G5")
def test_one_event_that_cannot_be_stored_stops_no_other(world: World) -> None:
    world.identity.fails = {"bad"}
    calls = [track(f"m{number}") for number in range(999)]
    world.send(*calls[:500], track("poison", userId="bad"), *calls[500:])
    world.load()
    assert world.counters() == {"received": 1_000, "stored": 999, "quarantined": 1}
    assert world.rows("SELECT code FROM quarantine") == [{"code": "load_failed"}]
    assert not world.loader.behind()


@pytest.mark.proves("G5")
def test_an_event_that_breaks_its_decoding_is_set_aside_and_can_be_tried_again(worlds: Any) -> None:
    broken = [True]
    tries: list[str] = []

    def before(event: Any) -> None:
        if event.message_id == "poison":
            tries.append(event.message_id)
            if broken[0]:
                raise ValueError("poison")

    world: World = worlds(before_event=before)
    world.send(track("m1"), track("poison"), track("m2"))
    world.load()
    assert len(tries) == 3
    assert world.counters() == {"received": 3, "stored": 2, "quarantined": 1}
    broken[0] = False
    ids = [int(row["id"]) for row in world.rows("SELECT id::VARCHAR AS id FROM quarantine")]
    assert world.loader.retry(ids, batch="again", now=datetime(2026, 11, 23, tzinfo=UTC)) == 1
    assert world.loader.retry(ids, batch="twice", now=datetime(2026, 11, 23, tzinfo=UTC)) == 1
    world.load()
    assert world.counters() == {"received": 3, "stored": 3}
    assert world.rows("SELECT * FROM quarantine") == []
    world.rebuild()
    world.load()
    assert world.counters() == {"received": 3, "stored": 3}


def test_properties_get_typed_columns(world: World) -> None:
    world.send(
        track(
            properties={
                "amount": 9.9,
                "sku": "a",
                "n": 3,
                "gift": True,
                "at": "2026-11-22T00:00:00Z",
                "list": [1, {"a": 2}],
                "deep": {"er": {"x": 1}},
                "nothing": None,
                "day": "2026-11-22",
            }
        )
    )
    world.load()
    known = {row["name"]: (row["type"], row["col"]) for row in world.rows("SELECT * FROM properties")}
    assert {name: kind for name, (kind, _) in known.items()} == {
        "amount": "money",
        "sku": "text",
        "n": "number",
        "gift": "flag",
        "at": "instant",
        "deep.er.x": "number",
        "day": "text",
    }
    row = events(world)[0]
    assert row[known["amount"][1]] == 99_000
    assert row[known["at"][1]] == naive(datetime(2026, 11, 22, tzinfo=UTC))
    assert json.loads(row["rest"]) == {"list": [1, {"a": 2}]}


def test_money_is_exact(world: World) -> None:
    bodies = [
        b'{"batch":[{"type":"track","event":"a","userId":"u","messageId":"%d","properties":{"amount":%s}}]}'
        % (place, text)
        for place, text in enumerate(
            [b"0.1", b"0.2", b'"900719925474099.01"', b"12345678901234.5678", b"1e2"]
        )
    ]
    for place, body in enumerate(bodies):
        world.log.append_now(Record(f"b{place}", 1, MICROS + place, body=body))
    world.load()
    _, col = column(world, "amount")
    values = [row[col] for row in events(world)]
    assert values == [1_000, 2_000, 9007199254740990100, 123456789012345678, 1_000_000]


def test_a_value_of_another_type_is_kept_raw_and_reported(world: World) -> None:
    world.send(track("m1", properties={"amount": 5, "n": 1, "t": "x"}))
    world.load()
    world.send(
        track("m2", properties={"amount": "N/A", "n": "many", "t": 7}),
        track("m3", properties={"amount": {"v": 1}}, event="Other"),
        track("m4", properties={"amount": "N/A", "n": [1]}),
    )
    world.load()
    assert world.warnings() == {
        ("drift", "Order Paid.amount: text"): 2,
        ("drift", "Order Paid.n: text"): 1,
        ("drift", "Order Paid.n: list"): 1,
        ("drift", "Order Paid.t: number"): 1,
        ("drift", "Other.amount: object"): 1,
    }
    _, amount = column(world, "amount")
    _, text = column(world, "t")
    found = {row[text]: row for row in events(world)}
    assert found["7"][amount] is None
    assert json.loads(found["7"]["rest"]) == {"amount": "N/A", "n": "many"}
    assert world.rows("SELECT count(*)::INT AS n FROM properties") == [{"n": 3}]
    assert {"amount.v": 1} in [json.loads(row["rest"] or "{}") for row in events(world)]


def test_whole_numbers_beyond_a_double_keep_their_digits(world: World) -> None:
    world.send(track(properties={"n": 123456789012345678901234567890, "order": 9007199254740993}))
    world.load()
    for name, digits in (("n", "123456789012345678901234567890"), ("order", "9007199254740993")):
        kind, col = column(world, name)
        assert (kind, events(world)[0][col]) == ("text", digits)
    assert ("big_number", "n") in world.warnings()


@pytest.mark.proves("G23", partly="tens of thousands of names, not millions")
@pytest.mark.proves("G23")
def test_columns_and_names_stop_at_their_limit(worlds: Any) -> None:
    world: World = worlds(property_columns=3, event_names=2)
    world.send(*(track(f"m{n}", event=f"e{n}", properties={f"p{n}": n}) for n in range(6)))
    world.load()
    assert len(world.rows("SELECT * FROM properties")) == 3
    names = [row["name"] for row in world.rows("SELECT name FROM names ORDER BY name_i")]
    assert names == ["e0", "e1", "$other"]
    rests = [json.loads(row["rest"]) for row in events(world) if row["rest"]]
    assert {"$event": "e5", "p5": 5} in rests
    assert world.warnings() == {("too_many_event_names", ""): 4, ("too_many_properties", ""): 3}
    assert world.counters() == {"received": 6, "stored": 6}


def test_identify_changes_attributes_and_claims_keys(world: World) -> None:
    world.send(
        {
            "type": "identify",
            "userId": "u1",
            "messageId": "i1",
            "traits": {"email": "a@b.c", "age": 31, "city": None, "home": {"city": "X"}, "tags": ["a"]},
            "traitsOnce": {"first": "y"},
            "context": {"externalIds": [{"type": "phone", "id": 138}, {"type": "other", "id": "1"}]},
        },
        track("m1", context={"traits": {"age": 99}}),
    )
    world.load()
    found = {row["name"]: (row["mode"], row["value"]) for row in world.rows("SELECT * FROM attributes")}
    assert found == {
        "email": ("set", '"a@b.c"'),
        "age": ("set", "31"),
        "city": ("unset", None),
        "home": ("set", '{"city":"X"}'),
        "tags": ("set", '["a"]'),
        "first": ("once", '"y"'),
    }
    batch = world.identity.batches[-1].to_pylist()
    assert batch[0]["keys"] == [{"kind": "phone", "value": "138"}, {"kind": "email", "value": "a@b.c"}]
    assert (batch[0]["call"], batch[1]["call"]) == ("identify", "track")
    assert world.rows("SELECT DISTINCT ix FROM attributes") == [{"ix": 0}]


def sealed(rows: int, **meta: str) -> pa.Table:
    money = pa.field("p:amount", pa.int64(), metadata={b"type": b"money"})
    schema = pa.schema(
        [
            pa.field("row", pa.int64()),
            pa.field("event", pa.string()),
            pa.field("ts", pa.timestamp("us")),
            pa.field("user", pa.string()),
            money,
            pa.field("p:n", pa.float64()),
            pa.field("a:city", pa.string()),
        ]
    )
    said = {"digest": "ab" * 16, "source_i": "4", "received_at": str(MICROS), "batch": "import:1", **meta}
    columns = [
        list(range(rows)),
        ["Order Paid"] * rows,
        [naive(datetime(2026, 1, 1, tzinfo=UTC))] * rows,
        [f"u{row % 7}" for row in range(rows)],
        [row * 100 for row in range(rows)],
        [None if row % 2 else float(row) for row in range(rows)],
        [None if row else '"X"' for row in range(rows)],
    ]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema).replace_schema_metadata(said)


@pytest.mark.proves("G4", "G6")
def test_an_import_is_loaded_once_with_its_counts(world: World) -> None:
    bad = json.dumps([[9, "bad_date", "d", "line 10 d is no date", "9,x"]])
    table = sealed(10, quarantined="1", rejected="2", bad=bad)
    world.send(track("m1", properties={"n": 1}))
    world.log.write_sealed(table, "import:1")
    world.send(track("m2"))
    world.load()
    assert world.counters(4) == {"received": 13, "stored": 10, "quarantined": 1, "rejected": 2}
    assert world.rows("SELECT batch FROM loads") == [{"batch": "import:1"}]
    assert [row["message"] for row in world.rows("SELECT message FROM quarantine")] == [
        "line 10 d is no date"
    ]
    _, amount = column(world, "amount")
    total = world.rows(f"SELECT sum({amount})::BIGINT AS total FROM events WHERE source_i = 4")
    assert total == [{"total": sum(row * 100 for row in range(10))}]
    ids = world.rows("SELECT id::VARCHAR AS id FROM events WHERE source_i = 4 ORDER BY id")
    high = int("ab" * 8, 16) & ((1 << 63) - 1)
    assert [int(row["id"]) for row in ids] == [(high << 64) + row for row in range(10)]
    assert [row["value"] for row in world.rows("SELECT value FROM attributes")] == ['"X"']
    world.log.write_sealed(sealed(12), "import:1 again")
    world.load()
    assert world.counters(4) == {
        "received": 25,
        "stored": 12,
        "duplicate": 11,
        "rejected": 2,
    }
    assert not world.rows("SELECT * FROM quarantine")  # row 9 came again, and fits now


def test_an_import_whose_types_differ_drifts(world: World) -> None:
    world.send(track("m1", properties={"n": "text"}))
    world.load()
    world.log.write_sealed(sealed(4), "import:1")
    world.load()
    _, col = column(world, "n")
    found = world.rows(f"SELECT {col} AS n FROM events WHERE source_i = 4 ORDER BY id")
    assert [row["n"] for row in found] == ["0", None, "2", None]


@pytest.mark.proves("G18")
def test_after_settling_the_log_before_may_be_rewritten(world: World) -> None:
    world.send(track("m1"))
    position = world.loader.settle()
    assert position.offset == 0
    world.log.rewrite(position, lambda _: None, lambda table: table)
    world.send(track("m2"))
    world.load()
    assert len(events(world)) == 2
    world.rebuild()
    world.load()
    assert len(events(world)) == 1


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
objects = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.proves("G4", "G22")
@given(st.lists(st.dictionaries(st.text(max_size=5), objects, max_size=4), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_properties_load_and_add_up(tmp_path: Path, many: list[dict[str, Any]]) -> None:
    shutil.rmtree(tmp_path / "any", ignore_errors=True)
    world = World(tmp_path / "any")
    calls = [track(f"m{n}", properties=properties) for n, properties in enumerate(many)]
    calls += [{"type": "identify", "userId": "u", "traits": many[0], "messageId": "i"}]
    world.send(*calls)
    world.load()
    world.counters()
    world.log.close()
    world.engine.close()


def test_ids_fit_their_column(world: World) -> None:
    world.send(*(track(f"m{number}") for number in range(200)))
    world.load()
    ids = [Decimal(row["id"]) for row in world.rows("SELECT id::VARCHAR AS id FROM events")]
    assert len(set(ids)) == 200
    assert all(0 <= item < 2**127 for item in ids)
