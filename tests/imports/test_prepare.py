"""Rows become events and attributes; those that do not are counted, named by line and kept with a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from limner.config import Limits
from limner.errors import MappingError
from limner.events import imports
from limner.events.imports import guessed, opened, prepare
from limner.events.mapping import parse
from tests.imports.world import KEYS, LIMITS, NOW, ORDERS, World, chunks, column, only, open_world, reported

at = datetime.fromisoformat


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from open_world(tmp_path / "world")


def test_a_chunk_is_a_segment_as_the_loader_reads_it(folder: Path) -> None:
    mapping = """
    person: {user_id: id, openid: wechat, email: mail}
    time: {column: at, zone: Asia/Shanghai}
    event: Bought
    properties:
      note: note
      n: {column: n, type: number}
      price: {column: price, type: money}
      gift: {column: gift, type: flag}
      due: {column: due, type: instant}
    attributes: {city: {column: city, once: true}}
    currency: CNY
    """
    head = "id,wechat,mail,at,note,n,price,gift,due,city\n"
    chunk = only(
        folder, head + "007,o1,,2024-01-02,hi,2,9.9,yes,2024-02-01,北京\n,,,2024-01-03,,,,,,上海\n", mapping
    )
    assert chunk.table.to_pylist() == [
        {
            "row": 0, "event": "Bought", "ts": at("2024-01-01T16:00"), "user": "007", "device": None,
            "keys": [{"kind": "openid", "value": "o1"}], "p:note": "hi", "p:n": 2.0, "p:price": 99_000,
            "p:gift": True, "p:due": at("2024-02-01"), "p:currency": "CNY", "a:city": '"北京"', "rest": None,
        },
        {
            "row": 1, "event": "Bought", "ts": at("2024-01-02T16:00"), "user": None, "device": None,
            "keys": [], "p:note": None, "p:n": None, "p:price": None, "p:gift": None, "p:due": None,
            "p:currency": "CNY", "a:city": None, "rest": None,
        },
    ]  # fmt: skip
    schema = chunk.table.schema
    assert schema.field("p:price").metadata == {b"type": b"money"}
    assert schema.field("a:city").metadata == {b"mode": b"once"}
    assert schema.metadata[b"batch"] == f"import:{schema.metadata[b'digest'].decode()}:0".encode()
    assert schema.metadata[b"received_at"] == str(int(NOW.timestamp() * 1_000_000)).encode()


@pytest.mark.proves("C1")
def test_received_is_stored_duplicate_quarantined_and_rejected(folder: Path, world: World) -> None:
    path = folder / "x.csv"
    path.write_text(
        "id,at,price\n1,2024-01-01,2.5\n2,x,1\n3,2024-01-01\n4,2024-01-01,0.12345\n5,2024-01-01,\n"
    )
    mapping = ORDERS + "properties: {price: {column: price, type: money}}\n"
    for stored, duplicate in ((2, 0), (0, 2)):
        report = world.take(path, mapping)
        assert (report.received, report.stored, report.duplicate) == (5, stored, duplicate)
        assert (report.quarantined, report.rejected) == (2, 1)
        assert report.reasons == {"bad_time": 1, "too_few_fields": 1, "too_precise": 1}
        assert [(item.line, item.status, item.path) for item in report.lines] == [
            (3, "quarantined", "time"),
            (4, "rejected", ""),
            (5, "quarantined", "properties.price"),
        ]
        assert "lines 3, 4 and 5" in report.message
    assert world.one("SELECT message FROM quarantine WHERE code = 'too_precise' LIMIT 1") == (
        "line 5 price has more than 4 decimals"
    )
    raw = world.one("SELECT raw FROM quarantine WHERE code = 'bad_time' LIMIT 1")
    assert json.loads(raw) == {"id": "2", "at": "x", "price": "1"}
    assert world.one("SELECT SUM(received - stored - duplicate - quarantined - rejected) FROM counters") == 0


def test_the_bad_rows_of_a_chunk_are_in_its_metadata(folder: Path) -> None:
    chunk = only(folder, "id,at\n1,x\n2,2024-01-01\n", ORDERS)
    (bad,) = json.loads(chunk.table.schema.metadata[b"bad"])
    assert bad == [0, "bad_time", "time", "line 2 at is no time in the format iso", '{"id":"1","at":"x"}']
    assert (chunk.received, chunk.quarantined, chunk.rejected, column(chunk, "row")) == (2, 1, 0, [1])


def test_the_first_case_that_fits_names_the_event(folder: Path) -> None:
    mapping = """
    person: id
    time: at
    event:
      - {name: Cancelled, when: {column: no, starts with: C}}
      - {name: Large, when: {column: n, at least: 10, less than: 20}}
      - {name: Odd, when: {any: [{column: kind, in: [x, 7]}, {column: no, ends with: z}]}}
      - {name: Gift, when: [{column: kind, contains: gift}, {not: {column: no, is empty: true}}]}
      - {name: Exact, when: {column: no, equals: 5}}
    """
    rows = [
        "C1,10,x", "1,15,x", "1,20,7", "1z,,", "1,,a gift", ",,a gift", "5,x,", "6,,",
    ]  # fmt: skip
    content = "id,at,no,n,kind\n" + "".join(f"1,2024-01-01,{row}\n" for row in rows)
    chunk = only(folder, content, mapping)
    assert column(chunk, "event") == ["Cancelled", "Large", "Odd", "Odd", "Gift", "Exact"]
    assert [(item.line, item.code) for item in chunk.troubles] == [(7, "no_event"), (9, "no_event")]


def test_the_event_can_stand_in_a_column(folder: Path) -> None:
    mapping = ORDERS.replace("Bought", "{column: what}")
    content = "id,at,what\n1,2024-01-01, Order Paid \n1,2024-01-01,\n1,2024-01-01,$identify\n"
    chunk = only(folder, content, mapping)
    assert column(chunk, "event") == ["Order Paid"]
    assert [item.code for item in chunk.troubles] == ["missing_event", "reserved_event"]


def test_a_time_that_is_missing_sets_the_row_aside(folder: Path) -> None:
    chunk = only(folder, "id,at\n1,\n", ORDERS)
    assert [item.message for item in chunk.troubles] == ["line 2 at is missing"]


def test_a_time_after_the_import_is_kept_and_counted(folder: Path) -> None:
    report = reported(chunks(folder, "id,at\n1,2030-01-01\n", ORDERS))
    assert (report.stored, report.warnings, report.code) == (1, {"future_time": 1}, "imported_with_warnings")


def test_an_event_may_name_nobody_but_then_has_no_attributes(folder: Path) -> None:
    chunk = only(folder, "id,at,c\n,2024-01-01,x\n", ORDERS + "attributes: [c]\n")
    assert (column(chunk, "user"), column(chunk, "a:c")) == ([None], [None])


def test_the_declared_money_properties_are_money_without_a_word(folder: Path) -> None:
    path = folder / "x.csv"
    path.write_text("id,at,revenue\n1,2024-01-01,9.9\n")
    mapping = parse(ORDERS + "properties: [revenue]\n")
    (chunk,) = prepare(
        path,
        mapping,
        source_i=1,
        received_at=NOW,
        strong_keys=KEYS,
        limits=LIMITS,
        money_properties=["revenue"],
    )
    assert column(chunk, "p:revenue") == [99_000]


@pytest.mark.proves("C5")
def test_a_refund_lowers_the_sum(folder: Path, world: World) -> None:
    path = folder / "x.csv"
    path.write_text("id,at,price,n\n1,2024-01-01,2.55,3\n1,2024-01-02,2.55,-1\n")
    world.take(path, ORDERS + "properties: {amount: {multiply: [price, n], type: money}}\n")
    assert world.summary(sum="amount") == {"events": 2, "sum": "5.1"}


MEMBERS = "person: {user_id: user_id}\nattributes: [city]\n"


@pytest.mark.proves("C2", partly="a declared level beside a computed one is not shown")
@pytest.mark.proves("C2")
def test_of_a_person_named_twice_the_last_line_wins(folder: Path, world: World) -> None:
    path = folder / "x.csv"
    path.write_text("user_id,city\n1,A\n1,B\n")
    report = world.take(path, MEMBERS)
    assert (report.code, report.warnings) == ("imported_with_warnings", {"duplicate_id": 1})
    assert "1 duplicate id, last line wins" in report.message
    last = "SELECT value FROM attributes WHERE name = 'city' ORDER BY ts DESC, id DESC LIMIT 1"
    assert world.one(last) == '"B"'
    world.take(path, MEMBERS)
    assert world.one(last) == '"B"'
    assert world.one("SELECT COUNT(*) FROM attributes") == 2


@pytest.mark.proves("C2")
def test_a_member_file_in_many_chunks_still_lets_the_last_line_win(
    folder: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "CHUNK_ROWS", 1)
    monkeypatch.setattr("limner.connectors.delimited.BLOCK_BYTES", 64)
    path = folder / "x.csv"
    path.write_text("user_id,city\n" + "".join(f"{n % 50},C{n}\n" for n in range(200)))
    report = world.take(path, MEMBERS)
    assert (report.received, report.stored, report.warnings) == (200, 200, {"duplicate_id": 150})
    last = (
        "SELECT arg_max(a.value, a.id) FROM attributes AS a JOIN identifiers AS i ON i.i = a.user_i"
        " WHERE i.value = '7'"
    )
    assert world.one(last) == '"C157"'
    assert world.one("SELECT COUNT(*) FROM loads") > 10


def test_a_member_without_an_id_is_set_aside(folder: Path) -> None:
    chunk = only(folder, "user_id,city\n,A\n2,B\n", MEMBERS)
    assert [item.message for item in chunk.troubles] == ["line 2 names no person"]
    assert (column(chunk, "event"), column(chunk, "ts")) == (["$identify"], [NOW.replace(tzinfo=None)])


def test_a_phone_that_a_spreadsheet_has_damaged_is_not_stored(folder: Path) -> None:
    for mapping in (
        "person: user_id\nattributes: [phone]\n",
        "person: {phone: phone}\nattributes: [user_id]\n",
    ):
        chunk = only(folder, "user_id,phone\n1,1.38E+10\n", mapping)
        assert chunk.table.num_rows == 0
        assert [item.message for item in chunk.troubles] == ["line 2 phone looks damaged by a spreadsheet"]


def test_json_lines_and_parquet_give_the_same_events_as_csv(folder: Path) -> None:
    mapping = ORDERS + "properties: {price: {column: price, type: money}, n: {column: n, type: number}}\n"
    as_csv = only(folder, "id,at,price,n\n7,2024-01-01T00:00:00Z,2.55,3\n8,2024-01-02T00:00:00Z,,\n", mapping)
    lines = '{"id":7,"at":"2024-01-01T00:00:00Z","price":2.55,"n":3}\n{"id":8,"at":"2024-01-02T00:00:00Z"}\n'
    as_json = only(folder, lines, mapping, "x.jsonl")
    table = pa.table(
        {
            "id": pa.array([7, 8], pa.int64()),
            "at": pa.array([at("2024-01-01"), at("2024-01-02")], pa.timestamp("ms", "UTC")),
            "price": pa.array([2.55, None], pa.float64()),
            "n": pa.array([3, None], pa.int16()),
        }
    )
    pq.write_table(table, folder / "x.parquet")
    (as_parquet,) = prepare(
        folder / "x.parquet", parse(mapping), source_i=1, received_at=NOW, strong_keys=KEYS, limits=LIMITS
    )
    assert as_csv.table.to_pylist() == as_json.table.to_pylist() == as_parquet.table.to_pylist()


def test_a_key_that_only_some_json_lines_have_is_missing_in_the_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("limner.connectors.files.ROWS", 1)
    lines = '{"id":"1","at":"2024-01-01","x":"a"}\n{"id":"2","at":"2024-01-01"}\n'
    lines += '{"id":"3","at":"2024-01-01","x":5}\n'
    found = chunks(folder, lines, ORDERS + "properties: [x]\n", "x.jsonl")
    values = [value for chunk in found for value in column(chunk, "p:x")]
    assert values == ["a", None, 5.0]


def test_the_same_file_gives_the_same_chunks(folder: Path) -> None:
    content = "id,at\n" + "".join(f"{n},2024-01-{n % 40 + 1:02}\n" for n in range(250_000))
    first, again = chunks(folder, content, ORDERS), chunks(folder, content, ORDERS)
    assert len(first) > 1
    assert [chunk.batch for chunk in first] == [chunk.batch for chunk in again]
    assert all(one.table.equals(two.table) for one, two in zip(first, again, strict=True))
    rows = [row for chunk in first for row in column(chunk, "row")]
    assert rows == sorted(set(rows))
    assert reported(first).received == 250_000


def test_a_file_that_does_not_fit_its_mapping_stores_nothing(folder: Path) -> None:
    with pytest.raises(MappingError) as error:
        chunks(folder, "id,att\n1,2024-01-01\n", ORDERS)
    assert error.value.code == "unknown_column"


def auto(folder: Path, content: str) -> imports.Report:
    path = folder / "x.csv"
    path.write_text(content)
    source = opened(path, None, limits=Limits())
    mapping = guessed(source, strong_keys=KEYS)
    found = prepare(source, mapping, source_i=1, received_at=NOW, strong_keys=KEYS, limits=LIMITS)
    return reported(found)


def test_a_guessed_mapping_is_a_text_to_keep(folder: Path) -> None:
    path = folder / "x.csv"
    path.write_text("User ID,手机号,age,zip code,city\n007,13800000000,35,01234,A\n008,,n/a,2,B\n")
    mapping = guessed(opened(path, None, limits=LIMITS), strong_keys=KEYS)
    assert (mapping.user_id, mapping.keys) == ("User ID", (("phone", "手机号"),))
    assert parse(mapping.text).fingerprint == mapping.fingerprint
    (chunk,) = prepare(path, mapping, source_i=1, received_at=NOW, strong_keys=KEYS, limits=LIMITS)
    assert column(chunk, "user") == ["007", "008"]
    assert column(chunk, "a:age") == ['"35"', '"n/a"']
    assert column(chunk, "a:zip code") == ['"01234"', '"2"']


def test_a_guessed_number_that_is_none_later_stays_text(folder: Path) -> None:
    content = "user_id,age\n" + "".join(f"{n},{n}\n" for n in range(10_000)) + "x,unknown\n"
    path = folder / "x.csv"
    path.write_text(content)
    mapping = guessed(opened(path, None, limits=LIMITS), strong_keys=KEYS)
    (chunk,) = prepare(path, mapping, source_i=1, received_at=NOW, strong_keys=KEYS, limits=LIMITS)
    assert column(chunk, "a:age")[-2:] == ["9999", '"unknown"']


@pytest.mark.parametrize(
    "values",
    [
        ("03/04/2026", "2026年3月4日", "46085"),
        ("03/04/2026",),
        ("2026-03-04", "2026/03/04"),
        ("2026-03-04", "soon"),
    ],
)
def test_dates_that_can_be_read_in_two_ways_are_asked_about(folder: Path, values: tuple[str, ...]) -> None:
    with pytest.raises(MappingError, match="choose a format") as error:
        auto(folder, "user_id,d\n" + "".join(f"{n},{value}\n" for n, value in enumerate(values)))
    assert (error.value.code, error.value.status) == ("ambiguous_date", 422)


def test_plain_dates_are_taken(folder: Path) -> None:
    assert auto(folder, "user_id,d\n1,2026-03-04\n2,\n").stored == 2


def test_a_file_that_names_nobody_is_not_guessed(folder: Path) -> None:
    with pytest.raises(MappingError) as error:
        auto(folder, "city\nA\n")
    assert error.value.code == "no_identifier"


@pytest.mark.parametrize(
    ("content", "code", "says", "stored"),
    [
        ("user_id,email\n", "imported", "0 rows", 0),
        ("user_id,email\n1,a@b.c,zz\n2\n3,c@d.e\n", "imported_with_errors", "lines 2 and 3", 1),
        ("user_id,n\n1," + "x" * 200_000 + "\n", "imported_with_errors", "line 2 field n too long", 0),
        ("user_id,city\n1,A\n1,B\n", "imported_with_warnings", "1 duplicate id, last line wins", 2),
        (
            "user_id,phone\n1,1.38E+10\n",
            "imported_with_errors",
            "line 2 phone looks damaged by a spreadsheet",
            0,
        ),
        ("user_id,n\n007,a\n", "imported", "1 row", 1),
        ("user_id,n\n1,=cmd|'/c calc'!A0\n", "imported", "1 row", 1),
    ],
    ids=["header only", "field counts", "long field", "twice", "spreadsheet", "zeros", "formula"],
)
def test_bad_files_get_a_clear_answer(folder: Path, content: str, code: str, says: str, stored: int) -> None:
    report = auto(folder, content)
    assert (report.code, report.stored) == (code, stored)
    assert says in report.message


def test_a_report_shows_100_problems_and_counts_all(folder: Path) -> None:
    report = reported(chunks(folder, "id,at\n" + "1,x\n" * 500, ORDERS))
    assert (len(report.lines), report.quarantined, report.reasons) == (100, 500, {"bad_time": 500})
    assert "and 490 more" in report.message
    assert json.loads(json.dumps(report.to_json()))["lines"][0]["line"] == 2


@pytest.mark.proves("C7", partly="300,000 members and merged people are not tried")
@pytest.mark.proves("C7")
def test_the_first_source_of_a_person_is_kept_as_a_first_value(folder: Path, world: World) -> None:
    mapping = "person: id\ntime: at\nattributes: {first_source: {column: channel, once: true}}\n"
    path = folder / "y.csv"
    path.write_text("id,at,channel\n1,2024-01-01,ads\n1,2024-02-01,shop\n")
    world.take(path, mapping)
    assert world.one("SELECT string_agg(DISTINCT mode) FROM attributes") == "once"
    chunk = only(folder, "id,at,channel\n1,2024-01-01,ads\n2,2024-01-01,\n", mapping)
    assert chunk.table.schema.field("a:first_source").metadata == {b"mode": b"once"}
    assert column(chunk, "a:first_source") == ['"ads"', None]
    assert column(chunk, "ts") == [at("2024-01-01"), at("2024-01-01")]
