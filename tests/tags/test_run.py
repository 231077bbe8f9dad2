"""A run computes every tag as of one instant and publishes all of them, or nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from limner.engine.duckdb import DuckDB
from limner.errors import DefinitionError, StorageError
from limner.tags import publish
from limner.tags.graph import build
from limner.tags.history import values_at
from limner.tags.run import RunReport, expire, run
from tests.builders import (
    AS_OF,
    DAY,
    Names,
    attributes,
    engine,
    erase,
    events,
    merge,
    observed,
    rule,
    statistic,
    tags,
)

PAID = "Order Paid"
TEXTS = {
    "orders_30d": statistic('count("Order Paid" in last 30 days)'),
    "spend": statistic('sum(amount of "Order Paid")', "money"),
    "favourite": statistic('most_frequent(category of "Order Paid")', "text"),
    "last_order": statistic('last_time("Order Paid")', "instant"),
    "city": observed("city"),
    "tier": rule({"gold": "spend >= 100", "silver": "orders_30d >= 1"}, "bronze"),
    "vip": rule({"true": "tier = 'gold' and city = '上海'"}, kind="flag"),
}


def ran(
    made: DuckDB, texts: dict[str, str], folder: Path, *, as_of: datetime = AS_OF, run_id: str = "r1"
) -> RunReport:
    found = tags(texts)
    return run(made, found, catalog=Names(made, found), as_of=as_of, run_id=run_id, columns_dir=folder)


def shop() -> DuckDB:
    made = engine(people=4)
    events(
        made,
        [
            (0, PAID, AS_OF - 5 * DAY, {"amount": 80, "category": "茶"}),
            (0, PAID, AS_OF - 40 * DAY, {"amount": 40.5, "category": "茶"}),
            (1, PAID, AS_OF - 1 * DAY, {"amount": 10, "category": "杯"}),
            (2, PAID, AS_OF, {"amount": 999, "category": "茶"}),
        ],
    )
    attributes(made, [(0, "city", "上海", AS_OF - 9 * DAY), (1, "city", "北京", AS_OF - 9 * DAY)])
    return made


def values(report: RunReport, key: str, people: int = 4) -> list[Any]:
    return [report.columns[key].label_at(ix) for ix in range(people)]


@pytest.mark.proves("T1", "T3")
def test_every_method_gives_its_values_in_one_run(tmp_path: Path) -> None:
    report = ran(shop(), TEXTS, tmp_path)
    assert values(report, "orders_30d") == [1.0, 1.0, 0.0, 0.0]
    assert values(report, "spend") == [1_205_000, 100_000, 0, 0]
    assert values(report, "favourite") == ["茶", "杯", None, None]
    assert values(report, "last_order")[0] == AS_OF - 5 * DAY
    assert values(report, "city") == ["上海", "北京", None, None]
    assert values(report, "tier") == ["gold", "silver", "bronze", "bronze"]
    assert values(report, "vip") == [True, None, None, None]
    assert (report.epoch, report.people) == (1, 4)


def history(made: DuckDB, subject: str) -> list[tuple[Any, ...]]:
    found = made.read(
        "SELECT ix, before, after, ts, run, cause FROM changes WHERE subject = $subject ORDER BY ts, run, ix",
        {"subject": subject},
    ).to_pylist()
    return [(row["ix"], row["before"], row["after"], row["run"], row["cause"]) for row in found]


def test_the_tables_hold_what_the_columns_hold(tmp_path: Path) -> None:
    made = shop()
    report = ran(made, TEXTS, tmp_path)
    for key, tag in tags(TEXTS).items():
        rows = made.read(f"SELECT ix, value, expires_at FROM tag_{key} ORDER BY ix").to_pylist()
        kept = {row["ix"]: row["value"] for row in rows}
        shown = {ix: value for ix, value in enumerate(values(report, key)) if value is not None}
        if key == "last_order":
            shown = {ix: value.replace(tzinfo=None) for ix, value in shown.items()}
        assert kept == shown
        expires = tag.expires_at(AS_OF)
        assert {row["expires_at"] for row in rows} == {expires and expires.replace(tzinfo=None)}


def test_changes_are_written_once_and_only_for_what_changed(tmp_path: Path) -> None:
    made = shop()
    ran(made, TEXTS, tmp_path)
    assert history(made, "tag:tier") == [
        (0, None, "gold", "r1", "defined"),
        (1, None, "silver", "r1", "defined"),
        (2, None, "bronze", "r1", "defined"),
        (3, None, "bronze", "r1", "defined"),
    ]
    assert history(made, "tag:vip") == [(0, None, "true", "r1", "defined")]
    before = made.read("SELECT COUNT(*) AS n FROM changes").column(0)[0].as_py()
    again = ran(made, TEXTS, tmp_path, run_id="r2")
    assert again.changes == 0
    assert made.read("SELECT COUNT(*) AS n FROM changes").column(0)[0].as_py() == before
    later = ran(made, TEXTS, tmp_path, as_of=AS_OF + DAY, run_id="r3")
    assert history(made, "tag:tier")[4:] == [(2, "bronze", "gold", "r3", "refresh")]
    assert history(made, "tag:favourite")[2:] == [(2, None, "茶", "r3", "refresh")]
    assert history(made, "tag:spend")[4:] == []
    assert later.changes == sum(tag.entered + tag.left + tag.moved for tag in later.tags)


def test_another_number_alone_is_no_change_of_membership(tmp_path: Path) -> None:
    made = shop()
    texts = {"last_order": TEXTS["last_order"]}
    ran(made, texts, tmp_path)
    events(made, [(0, PAID, AS_OF + DAY, {"amount": 1}), (3, PAID, AS_OF + DAY, {"amount": 1})])
    report = ran(made, texts, tmp_path, as_of=AS_OF + 2 * DAY, run_id="r2")
    assert values(report, "last_order")[0] == AS_OF + DAY
    assert [row[0] for row in history(made, "tag:last_order")] == [0, 1, 2, 3]
    assert history(made, "tag:last_order")[0][2] == "2025-05-27T00:00:00.000000Z"


def test_a_removed_tag_leaves_no_table_and_everybody_left_it(tmp_path: Path) -> None:
    made = shop()
    ran(made, TEXTS, tmp_path)
    kept = {key: text for key, text in TEXTS.items() if key not in ("vip", "favourite")}
    report = ran(made, kept, tmp_path, run_id="r2")
    assert report.removed == ("favourite", "vip")
    assert "tag_vip" not in made.tables()
    assert "vip" not in report.columns
    assert history(made, "tag:vip")[1:] == [(0, "true", None, "r2", "removed")]
    assert set(publish.applied(made)) == set(kept)
    back = ran(made, TEXTS, tmp_path, run_id="r3")
    assert values(back, "favourite") == ["茶", "杯", None, None]
    assert len(history(made, "tag:vip")) == 3


def test_a_redefined_tag_says_so_even_with_another_type(tmp_path: Path) -> None:
    made = shop()
    ran(made, {"t": statistic('count("Order Paid")')}, tmp_path)
    report = ran(made, {"t": rule({"many": "count(*) > 1"})}, tmp_path, run_id="r2")
    assert [tag.redefined for tag in report.tags] == [True]
    assert history(made, "tag:t")[4:] == [
        (0, "2", "many", "r2", "redefined"),
        (1, "1", None, "r2", "redefined"),
        (2, "0", None, "r2", "redefined"),
        (3, "0", None, "r2", "redefined"),
    ]


def test_people_who_are_merged_or_erased_have_no_tags(tmp_path: Path) -> None:
    made = shop()
    ran(made, TEXTS, tmp_path)
    merge(made, 1, into=0)
    erase(made, 3)
    report = ran(made, TEXTS, tmp_path, run_id="r2")
    assert report.people == 2
    for key in TEXTS:
        assert values(report, key)[1] is None
        assert values(report, key)[3] is None
        assert made.read(f"SELECT ix FROM tag_{key} WHERE ix IN (1, 3)").num_rows == 0
    assert values(report, "orders_30d")[0] == 2.0
    assert history(made, "tag:tier")[4:] == [
        (1, "silver", None, "r2", "refresh"),
        (3, "bronze", None, "r2", "refresh"),
    ]


class _FailingEngine:
    """An engine whose transaction fails at the last statement."""

    def __init__(self, made: DuckDB) -> None:
        self._made = made
        self.read = made.read

    @contextmanager
    def write(self) -> Iterator[Any]:
        with self._made.write() as tx:
            yield tx
            raise OSError(28, "No space left on device")


def test_a_run_that_fails_leaves_yesterday_complete(tmp_path: Path) -> None:
    made = shop()
    first = ran(made, TEXTS, tmp_path)
    found = tags(TEXTS)
    with pytest.raises(StorageError):
        run(
            _FailingEngine(made),  # type: ignore[arg-type]
            found,
            catalog=Names(made, found),
            as_of=AS_OF + DAY,
            run_id="r2",
            columns_dir=tmp_path,
        )
    epoch = publish.current(made)
    assert epoch is not None
    assert (epoch.epoch, epoch.as_of) == (1, AS_OF)
    columns = publish.ensure(made, tmp_path, verify=True)
    assert columns is not None
    assert columns.epoch == 1
    assert columns["tier"].take(np.arange(4)) == first.columns["tier"].take(np.arange(4))
    assert made.read("SELECT value FROM tag_tier WHERE ix = 2").column(0).to_pylist() == ["bronze"]
    again = ran(made, TEXTS, tmp_path, as_of=AS_OF + DAY, run_id="r3")
    assert again.epoch == 2
    assert values(again, "tier")[2] == "gold"
    assert {row[3] for row in history(made, "tag:tier")} == {"r1", "r3"}


def test_damaged_or_missing_columns_are_made_again_from_the_engine(tmp_path: Path) -> None:
    made = shop()
    report = ran(made, TEXTS, tmp_path)
    expected = {key: values(report, key) for key in TEXTS}
    path = tmp_path / "1" / "tier.codes.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 3
    path.write_bytes(content)
    columns = publish.ensure(made, tmp_path, verify=True)
    assert columns is not None
    assert {key: [columns[key].label_at(ix) for ix in range(4)] for key in TEXTS} == expected
    shutil.rmtree(tmp_path)
    again = publish.ensure(made, tmp_path)
    assert again is not None
    assert {key: [again[key].label_at(ix) for ix in range(4)] for key in TEXTS} == expected
    assert ran(made, TEXTS, tmp_path, run_id="r2").changes == 0


@pytest.mark.proves("T5")
def test_expiry_is_written_once_as_everybody_leaving(tmp_path: Path) -> None:
    made = shop()
    report = ran(made, TEXTS, tmp_path)
    soon, late = AS_OF + timedelta(hours=47), AS_OF + timedelta(hours=49)
    assert expire(made, report.columns, now=soon, run_id="e1") == 0
    assert expire(made, report.columns.at(late), now=late, run_id="e2") > 0
    assert expire(made, report.columns, now=late, run_id="e3") == 0
    assert history(made, "tag:vip")[1:] == [(0, "true", None, "e2", "expired")]
    assert history(made, "tag:city")[2:] == []
    ran(made, TEXTS, tmp_path, as_of=late, run_id="r2")
    assert history(made, "tag:vip")[2:] == [(0, None, "true", "r2", "refresh")]


def test_a_run_of_some_tags_computes_what_they_refer_to_and_keeps_the_rest(tmp_path: Path) -> None:
    made = shop()
    ran(made, TEXTS, tmp_path)
    found = tags(TEXTS)
    report = run(
        made,
        found,
        catalog=Names(made, found),
        as_of=AS_OF + DAY,
        run_id="r2",
        columns_dir=tmp_path,
        only=["tier"],
    )
    assert {tag.tag for tag in report.tags} == {"tier", "spend", "orders_30d"}
    assert values(report, "tier")[2] == "gold"
    assert values(report, "favourite") == ["茶", "杯", None, None]
    assert report.columns["favourite"].as_of == AS_OF
    assert report.columns["tier"].as_of == AS_OF + DAY


def test_labels_keep_their_codes_for_ever(tmp_path: Path) -> None:
    made = shop()
    texts = {"favourite": TEXTS["favourite"]}
    ran(made, texts, tmp_path)
    first = made.read("SELECT code, label FROM labels ORDER BY code").to_pylist()
    events(made, [(3, PAID, AS_OF - DAY, {"category": "a"})])
    ran(made, texts, tmp_path, run_id="r2")
    assert made.read("SELECT code, label FROM labels ORDER BY code").to_pylist() == [
        *first,
        {"code": 3, "label": "a"},
    ]


def test_nobody_and_nothing_is_published_too(tmp_path: Path) -> None:
    report = ran(engine(), TEXTS, tmp_path)
    assert (report.people, report.columns.n, report.changes) == (0, 0, 0)
    assert publish.ensure(engine(), tmp_path) is None
    assert ran(engine(people=1), {}, tmp_path / "none").people == 1


@pytest.mark.parametrize(
    ("texts", "where", "message"),
    [
        (
            {"t": rule({"a": "payd > 1"}), "paid": statistic("count(*)")},
            "tags/t.yml:5:11",
            "unknown tag or attribute",
        ),
        ({"t": statistic("count(*")}, "tags/t.yml:4:", "unexpected|missing|expected"),
        ({"t": statistic('sum(amount of "Order Paid")', "number")}, "tags/t.yml:3:7", "of type money"),
        ({"a": rule({"x": "b = 'x'"}), "b": rule({"x": "a = 'x'"})}, "tags/a.yml", "a → b → a"),
        ({"t": statistic("person.city", "text")}, "tags/t.yml:4:12", "worked out of events"),
    ],
)
def test_a_definition_that_cannot_be_computed_is_named_and_nothing_runs(
    tmp_path: Path, texts: dict[str, str], where: str, message: str
) -> None:
    made = shop()
    with pytest.raises(DefinitionError, match=message) as caught:
        ran(made, texts, tmp_path)
    assert str(caught.value.where).startswith(where)
    assert publish.current(made) is None


def test_a_tag_is_found_by_what_was_meant(tmp_path: Path) -> None:
    texts = {"t": rule({"a": "payd_30d > 1"}), "paid_30d": statistic("count(*)")}
    with pytest.raises(DefinitionError) as caught:
        ran(shop(), texts, tmp_path)
    assert caught.value.hint == "did you mean paid_30d?"


def test_fingerprints_follow_what_is_referred_to_and_not_the_title() -> None:
    one = build(tags(TEXTS)).fingerprints
    titled = build(tags({**TEXTS, "spend": TEXTS["spend"] + "title: Spend\nowner: crm\n"})).fingerprints
    assert one == titled
    other = build(tags({**TEXTS, "spend": TEXTS["spend"].replace("2 days", "3 days")})).fingerprints
    assert {key for key in TEXTS if one[key] != other[key]} == {"spend", "tier", "vip"}
    spaced = {**TEXTS, "tier": TEXTS["tier"].replace("spend >= 100", "spend>=100")}
    assert build(tags(spaced)).fingerprints == one


def test_the_order_puts_what_is_referred_to_first() -> None:
    found = build(tags(TEXTS))
    assert found.order.index("tier") < found.order.index("vip")
    assert found.dependents(["spend"]) == {"spend", "tier", "vip"}
    assert found.closure(["vip"]) == {"vip", "tier", "city", "spend", "orders_30d"}


@pytest.mark.proves("R4")
def test_a_persons_tags_are_computed_as_of_the_past() -> None:
    made = shop()
    found = tags(TEXTS)
    names = Names(made, found)
    then = values_at(made, build(found), ix=0, catalog=names, as_of=AS_OF - 12 * DAY)
    assert then["spend"] == 405_000
    assert then["tier"] == "silver"
    assert "vip" not in then
    now = values_at(made, build(found), ix=0, catalog=names, as_of=AS_OF)
    assert (now["tier"], now["vip"], now["city"]) == ("gold", True, "上海")
    assert not {name for name in made.tables() if name.startswith("then_")}


def test_a_tag_that_lay_expired_is_left_at_its_end_and_entered_again_by_the_next_run(tmp_path: Path) -> None:
    made = shop()
    texts = {"city": TEXTS["city"] + "validity: 2 days\n"}
    ran(made, texts, tmp_path)
    late = ran(made, texts, tmp_path, as_of=AS_OF + 5 * DAY, run_id="r2")
    ends = [row["ts"] for row in made.read("SELECT DISTINCT ts FROM changes ORDER BY ts").to_pylist()]
    assert [ts.replace(tzinfo=UTC) for ts in ends] == [AS_OF, AS_OF + 2 * DAY, AS_OF + 5 * DAY]
    assert late.tags[0].entered == late.tags[0].people
    soon = ran(made, texts, tmp_path, as_of=AS_OF + 7 * DAY + timedelta(seconds=1), run_id="r3")
    assert soon.changes == 0
