"""An audience is counted exactly by either executor, kept as a snapshot, and exported safely."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from limner.audiences import evaluate, export, snapshot
from limner.audiences.model import Audience, read, read_folder, tree, write
from limner.bitmap import Bitmap
from limner.columns import Columns
from limner.engine.duckdb import DuckDB
from limner.errors import DefinitionError, NotFoundError
from limner.expressions import parse
from limner.tags import publish
from limner.tags.graph import build
from limner.tags.model import Tag
from limner.tags.run import run
from tests.builders import (
    AS_OF,
    DAY,
    Names,
    add_people,
    attributes,
    engine,
    erase,
    events,
    observed,
    rule,
    statistic,
    tags,
)

PAID = "Order Paid"
TEXTS = {
    "orders": statistic('count("Order Paid")'),
    "spend": statistic('sum(amount of "Order Paid")', "money"),
    "favourite": statistic('most_frequent(category of "Order Paid")', "text"),
    "last_order": statistic('last_time("Order Paid")', "instant"),
    "email": observed("email"),
    "loyal": rule({"true": "orders >= 2", "false": "orders = 1"}, kind="flag"),
}


class Shop:
    """Five people, their tags, and what is needed to ask about them."""

    def __init__(self, folder: Path) -> None:
        self.engine = engine(people=5)
        events(
            self.engine,
            [
                (0, PAID, AS_OF - 40 * DAY, {"amount": 80, "category": "茶"}),
                (0, PAID, AS_OF - 4 * DAY, {"amount": 19.99, "category": "茶"}),
                (1, PAID, AS_OF - 3 * DAY, {"amount": 10, "category": "杯"}),
                (2, PAID, AS_OF - 2 * DAY, {"amount": 500, "category": "=1+1"}),
                (3, "$page", AS_OF - 2 * DAY),
            ],
        )
        attributes(
            self.engine,
            [
                (0, "city", "上海", AS_OF - 9 * DAY),
                (1, "city", "-1+cmd|' /C calc'!A0", AS_OF - 9 * DAY),
                (0, "email", "wei@example.com", AS_OF - 9 * DAY),
            ],
        )
        self.tags = tags(TEXTS)
        report = run(
            self.engine,
            self.tags,
            catalog=self.names(),
            as_of=AS_OF,
            run_id="r1",
            columns_dir=folder / "columns",
        )
        self.columns = report.columns

    def names(self, audiences: dict[str, Any] | None = None) -> Names:
        return Names(self.engine, self.tags, audiences)

    def people(self, text: str, as_of: datetime = AS_OF, **more: Any) -> list[int]:
        """Who satisfies the text; counted and listed, by columns (when they can) and by SQL, all alike."""
        given = {"catalog": self.names(more.get("audiences")), "engine": self.engine, "as_of": as_of}
        given["graph"] = build(self.tags)
        columns = self.columns.at(as_of, alive=publish.alive(self.engine))
        by_columns = evaluate.people(parse(text), columns=columns, **given)
        if as_of >= self.columns.as_of:
            assert evaluate.people(parse(text), columns=None, **{**given, "graph": None}) == by_columns
        assert evaluate.count(parse(text), columns=columns, **given) == len(by_columns)
        return list(by_columns)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.mark.proves("A1", partly="10 M people are not tried")
@pytest.mark.proves("A1")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("orders >= 2", [0]),
        ("orders = 0", [3, 4]),
        ("not known(favourite)", [3, 4]),
        ("favourite in ('茶', '杯')", [0, 1]),
        ("spend between 10 and 100", [0, 1]),
        ("spend = 99.99", [0]),
        ("loyal", [0]),
        ("not loyal", [1, 2, 3, 4]),
        ("loyal = false", [1, 2]),
        ("favourite starts with '=' or orders > 1", [0, 2]),
        ("last_order >= 2025-05-29", [1, 2]),
        ('orders >= 1 and did "Order Paid" in last 3 days', [1, 2]),
        ("person.city = '上海'", [0]),
        ("email ends with 'example.com'", [0]),
    ],
)
def test_columns_and_sql_give_the_same_people(shop: Shop, text: str, expected: list[int]) -> None:
    assert shop.people(text) == expected


@pytest.mark.proves("T5", "A1")
def test_expired_tags_leave_audiences_by_time_alone(shop: Shop) -> None:
    late = AS_OF + timedelta(days=2)
    assert shop.people("orders >= 0", late - timedelta(microseconds=1)) == [0, 1, 2, 3, 4]
    assert shop.people("orders >= 0", late) == []
    assert shop.people("not known(orders)", late) == [0, 1, 2, 3, 4]
    assert shop.people("known(email)", late) == [0]


def test_newcomers_and_the_erased_are_counted_as_they_are_now(shop: Shop) -> None:
    add_people(shop.engine, 2)
    erase(shop.engine, 1)
    assert shop.people("not known(favourite)") == [3, 4, 5, 6]
    assert shop.people("orders >= 1") == [0, 2]


@pytest.mark.proves("R4")
def test_before_the_publication_tags_are_computed_as_of_then(shop: Shop) -> None:
    assert shop.people("orders = 1", AS_OF - 10 * DAY) == [0]
    assert shop.people("loyal = false and spend = 80", AS_OF - 10 * DAY) == [0]
    assert shop.people("orders = 0 and not did $page", AS_OF - 10 * DAY) == [1, 2, 3, 4]


def test_audiences_name_audiences_and_fixed_lists(shop: Shop) -> None:
    given = {
        "buyers": "orders >= 1",
        "staff": frozenset({2, 3}),
        "guests": "in audience buyers and not in audience staff",
    }
    assert shop.people("in audience buyers", audiences=given) == [0, 1, 2]
    assert shop.people("in audience guests", audiences=given) == [0, 1]
    assert list(evaluate.members(shop.engine, ("u3", "u1", "nobody"))) == [1, 3]


AUDIENCE = """\
title: {en: Buyers, zh: 买家}   # seen in the UI
expression: orders >= 1
owner: CRM
"""


def test_an_audience_file_is_read_and_written_with_its_comments() -> None:
    found = read(AUDIENCE, "buyers")
    assert (found.expression, found.owner, found.fixed) == ("orders >= 1", "CRM", False)
    assert write(found) == AUDIENCE
    assert tree(found) == parse("orders >= 1")
    listed = read("members: [u1, u2, u1]\n", "买家")
    assert listed.members == ("u1", "u2")
    assert read(write(Audience("x", {"": "X"}, members=("a",))), "x").members == ("a",)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("expression: orders >=\n", "1:2"),
        ("title: x\n", "1:1"),
        ("expression: a\nmembers: [b]\n", "1:1"),
        ("expresion: a\n", "1:1"),
        ("members: u1\n", "1:10"),
    ],
)
def test_what_is_wrong_in_an_audience_file_is_named(text: str, where: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        read(text, "x")
    assert str(caught.value.where).startswith(f"audiences/x.yml:{where}")


@pytest.mark.parametrize("name", ["../x", "a/b", "", "a.b", "_x"])
def test_a_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    with pytest.raises(DefinitionError, match="no audience name"):
        read(AUDIENCE, name)


def test_a_folder_gives_its_audiences(tmp_path: Path) -> None:
    (tmp_path / "buyers.yml").write_text(AUDIENCE, encoding="utf-8")
    assert list(read_folder(tmp_path)) == ["buyers"]


def test_a_snapshot_writes_who_entered_and_left_once(tmp_path: Path) -> None:
    made, audience = engine(people=5), read(AUDIENCE, "buyers")
    first = snapshot.take(made, audience, Bitmap([0, 1]), as_of=AS_OF, run_id="s1", folder=tmp_path)
    assert (first.entered, first.left) == (2, 0)
    second = snapshot.take(made, audience, Bitmap([1, 2]), as_of=AS_OF + DAY, run_id="s2", folder=tmp_path)
    assert (second.entered, second.left) == (1, 1)
    same = snapshot.take(made, audience, Bitmap([1, 2]), as_of=AS_OF + 2 * DAY, run_id="s3", folder=tmp_path)
    assert (same.entered, same.left) == (0, 0)
    rows = made.read("SELECT ix, before, after, run, cause FROM changes ORDER BY run, ix").to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        (0, None, "in", "s1", "defined"),
        (1, None, "in", "s1", "defined"),
        (0, "in", None, "s2", "refresh"),
        (2, None, "in", "s2", "refresh"),
    ]
    assert snapshot.members(made, "buyers", tmp_path) == Bitmap([1, 2])
    assert sorted(path.stem for path in (tmp_path / "buyers").iterdir()) == ["s2", "s3"]


def test_a_damaged_snapshot_is_made_again_from_the_changes(tmp_path: Path) -> None:
    made, audience = engine(people=5), read(AUDIENCE, "buyers")
    snapshot.take(made, audience, Bitmap([0, 1]), as_of=AS_OF, run_id="s1", folder=tmp_path)
    snapshot.take(made, audience, Bitmap([1, 2]), as_of=AS_OF, run_id="s2", folder=tmp_path)
    (tmp_path / "buyers" / "s2.roaring").write_bytes(b"nonsense")
    assert snapshot.members(made, "buyers", tmp_path) == Bitmap([1, 2])


def test_a_removed_audience_is_left_by_everybody(tmp_path: Path) -> None:
    made, audience = engine(people=5), read(AUDIENCE, "buyers")
    snapshot.take(made, audience, Bitmap([0, 1]), as_of=AS_OF, run_id="s1", folder=tmp_path)
    assert snapshot.remove(made, "buyers", as_of=AS_OF, run_id="s2", folder=tmp_path) == 2
    assert snapshot.remove(made, "buyers", as_of=AS_OF, run_id="s3", folder=tmp_path) == 0
    with pytest.raises(NotFoundError):
        snapshot.members(made, "buyers", tmp_path)


def exported(shop: Shop, who: Bitmap, *, mask: bool = False, size: int = 2) -> Iterator[pa.Table]:
    fields = export.Fields(
        ("city", "email"), ("orders", "spend", "favourite", "last_order", "loyal", "email")
    )
    return export.batches(
        shop.engine,
        who,
        fields,
        tags=shop.tags,
        columns=shop.columns,
        catalog=shop.names(),
        as_of=AS_OF,
        personal=("email",),
        mask=mask,
        size=size,
    )


def cells(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_an_export_to_csv_is_read_by_excel_and_runs_no_formula(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    assert export.to_csv(path, exported(shop, Bitmap(range(5)))) == 5
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = cells(path)
    assert rows[0] == {
        "person_id": "p0",
        "user_id": "u0",
        "person.city": "上海",
        "person.email": "wei@example.com",
        "orders": "2",
        "spend": "99.99",
        "favourite": "茶",
        "last_order": "2025-05-28T00:00:00Z",
        "loyal": "true",
        "email": "wei@example.com",
    }
    assert rows[1]["person.city"].startswith("'-1+cmd")
    assert rows[2]["favourite"] == "'=1+1"
    assert rows[4]["spend"] == "0"
    for row in rows:
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())


def test_an_export_masks_personal_values_and_only_those(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    export.to_csv(path, exported(shop, Bitmap([0]), mask=True))
    (row,) = cells(path)
    assert (row["person.email"], row["email"], row["person.city"]) == ("w***@example.com",) * 2 + ("上海",)


def test_an_export_to_parquet_keeps_the_types(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    assert export.to_parquet(path, exported(shop, Bitmap([0, 2, 4]))) == 3
    table = pq.read_table(path)
    assert table.column("spend").to_pylist() == [Decimal("99.99"), 500, 0]
    assert pa.types.is_decimal(table.schema.field("spend").type)
    assert table.schema.field("last_order").type == pa.timestamp("us", "UTC")
    assert table.column("loyal").to_pylist() == [True, False, None]


def test_an_export_of_nobody_has_a_header(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    assert export.to_csv(path, exported(shop, Bitmap())) == 0
    assert path.read_text(encoding="utf-8-sig").startswith("person_id,user_id,person.city")
    export.to_parquet(tmp_path / "p.parquet", exported(shop, Bitmap()))
    assert pq.read_table(tmp_path / "p.parquet").num_rows == 0


def test_newcomers_are_exported_without_tags(shop: Shop, tmp_path: Path) -> None:
    add_people(shop.engine, 2)
    path = tmp_path / "people.csv"
    assert export.to_csv(path, exported(shop, Bitmap([4, 5, 6]), size=10)) == 3
    assert [(row["user_id"], row["orders"]) for row in cells(path)] == [("u4", "0"), ("u5", ""), ("u6", "")]


def test_without_any_publication_sql_answers(tmp_path: Path) -> None:
    made: DuckDB = engine(people=2)
    events(made, [(1, PAID, AS_OF - DAY, {"amount": 1})])
    none: Columns | None = None
    empty: dict[str, Tag] = {}
    text = parse('did "Order Paid"')
    assert evaluate.count(text, catalog=Names(made, empty), engine=made, columns=none, as_of=AS_OF) == 1
