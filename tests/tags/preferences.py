"""What weights of labels foretell: hits against popularity, and who buys next. Shared by a test and a benchmark."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from limner.demo import shop as tea
from limner.engine.duckdb import DuckDB
from limner.tags.model import Tag
from limner.tags.run import run
from tests.builders import Names, add_people, engine

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Past:
    """What people did, as columns: person (0, 1, …), event, microseconds since 1970, label (null: none)."""

    person: pa.Array
    event: pa.Array
    us: pa.Array
    label: pa.Array

    @property
    def table(self) -> pa.Table:
        return pa.table({"ix": self.person, "event": self.event, "us": self.us, "label": self.label})


def demo(people: int, events: int, seed: int) -> tuple[Past, datetime]:
    """What the members of the demo shop did on the web in its 180 days, and when these begin."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    made = tea.shop(people=people, seed=seed, start=start)
    found = tea.browsing(made, events=events)
    member = found.person < made.members
    found = found.part(member)
    shows = np.isin(found.what, (1, 2, 4))
    us = int(start.timestamp() * 1e6) + np.round(found.seconds * 1e6).astype("int64")
    return Past(
        pa.array(found.person.astype("uint32")),
        pa.array(np.array(tea.WHAT)[found.what]),
        pa.array(us),
        pa.array(np.array(tea.CATEGORIES)[found.category], mask=~shows),
    ), start


def online_retail(path: Path) -> tuple[Past, datetime]:
    """The lines of UCI Online Retail that name a customer and are no cancellation; the label is the product."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = [
            (row["CustomerID"], row["InvoiceDate"], row["StockCode"])
            for row in csv.DictReader(file)
            if row["CustomerID"] and not row["InvoiceNo"].startswith("C")
        ]
    who = {customer: ix for ix, customer in enumerate(sorted({row[0] for row in rows}))}
    us = [int(datetime.fromisoformat(row[1]).replace(tzinfo=UTC).timestamp() * 1e6) for row in rows]
    return Past(
        pa.array([who[row[0]] for row in rows], pa.uint32()),
        pa.array(["Order Paid"] * len(rows)),
        pa.array(us, pa.int64()),
        pa.array([row[2] for row in rows]),
    ), datetime(2010, 12, 1, tzinfo=UTC)


def complete_journey(folder: Path) -> tuple[Past, datetime]:
    """The lines of the Complete Journey sample; the label is the product's category."""
    rows = (
        duckdb.connect()
        .sql(
            "SELECT CAST(DENSE_RANK() OVER (ORDER BY household_id) - 1 AS UINTEGER) AS ix,"
            " EPOCH_US(transaction_timestamp) AS us, p.product_category AS label FROM read_parquet($lines)"
            " JOIN read_parquet($products) AS p USING (product_id)",
            params={
                "lines": str(folder / "cj_transactions_sample.parquet"),
                "products": str(folder / "cj_products.parquet"),
            },
        )
        .to_arrow_table()
    )
    return Past(
        rows["ix"].combine_chunks(),
        pa.array(["Order Paid"] * rows.num_rows),
        rows["us"].combine_chunks(),
        rows["label"].combine_chunks(),
    ), datetime(2017, 1, 1, tzinfo=UTC)


def weighed(past: Past, tags: Mapping[str, Tag], as_of: datetime, folder: Path) -> dict[str, pa.Table]:
    """Each tag's weights (ix, label, weight, place) as a run computes them out of what happened before `as_of`."""
    made = engine()
    add_people(made, int(np.max(past.person.to_numpy())) + 1)
    _fill(made, past.table)
    run(made, tags, catalog=Names(made, tags), as_of=as_of, run_id="r", columns_dir=folder)
    found = {key: made.read(f'SELECT ix, label, weight, place FROM "weights_tag_{key}"') for key in tags}
    made.close()
    return found


def _fill(made: DuckDB, table: pa.Table) -> None:
    with made.write() as tx, tx.given("past", table):
        tx.execute(
            "INSERT INTO names SELECT (SELECT MAX(name_i) FROM names) + ROW_NUMBER() OVER (ORDER BY event), event"
            " FROM (SELECT DISTINCT event FROM past WHERE event NOT IN (SELECT name FROM names))"
        )
        tx.execute("INSERT INTO log_position VALUES (0, 0, 1)")
        tx.execute(
            "INSERT INTO events (id, name_i, ts, received_at, source_i, ix, load_i, p_1)"
            " SELECT ROW_NUMBER() OVER (), n.name_i, make_timestamp(us), make_timestamp(us), 1, ix, 1, label"
            " FROM past JOIN names AS n ON n.name = past.event ORDER BY us // 86400000000, ix, us"
        )


@dataclass(frozen=True)
class Hits:
    """Of `people` who bought after `as_of`, how many had one of three labels in what they bought: own, popular."""

    people: int
    own: float
    popular: float

    @property
    def ratio(self) -> float:
        return self.own / self.popular


def hits(past: Past, weights: pa.Table, as_of: datetime, *, since: datetime, days: int = 60) -> Hits:
    """hit@3 of the greatest weights against the three labels that most people bought since then and before."""
    con = duckdb.connect()
    con.register("past", past.table)
    con.register("w", weights)
    given = {
        "since": int(since.timestamp() * 1e6),
        "now": int(as_of.timestamp() * 1e6),
        "end": int((as_of + days * DAY).timestamp() * 1e6),
    }
    bought = "FROM past WHERE event = 'Order Paid' AND label IS NOT NULL AND us >= {} AND us < {}"
    later, before = bought.format("$now", "$end"), bought.format("$since", "$now")
    found = con.execute(
        f"WITH later AS (SELECT DISTINCT ix, label {later} AND ix IN (SELECT ix FROM w)),\n"
        f"popular AS (SELECT label {before} GROUP BY label ORDER BY COUNT(DISTINCT ix) DESC, label LIMIT 3)\n"
        "SELECT (SELECT COUNT(DISTINCT ix) FROM later),\n"
        "(SELECT COUNT(DISTINCT ix) FROM later SEMI JOIN (FROM w WHERE place <= 3) USING (ix, label)),\n"
        "(SELECT COUNT(DISTINCT ix) FROM later WHERE label IN (FROM popular))",
        given,
    ).fetchall()[0]
    people, own, popular = found
    return Hits(people, own / people, popular / people)


def auc(past: Past, weights: Sequence[pa.Table], as_of: datetime, *, days: int = 30) -> list[float]:
    """How well each of several weights of (person, label) tells who buys the label in the next days: 0.5 is chance.

    Asked of every label for everybody who has any in one of them; a label without a weight has 0.
    """
    con = duckdb.connect()
    con.register("past", past.table)
    for number, table in enumerate(weights):
        con.register(f"w{number}", table)
    everybody = " UNION ".join(f"SELECT ix FROM w{number}" for number in range(len(weights)))
    joins = "".join(
        f" LEFT JOIN w{number} ON w{number}.ix = e.ix AND w{number}.label = l.label" for number in range(len(weights))
    )  # fmt: skip
    given = {"now": int(as_of.timestamp() * 1e6), "end": int((as_of + days * DAY).timestamp() * 1e6)}
    chosen = ", ".join(f"COALESCE(w{number}.weight, 0)" for number in range(len(weights)))
    rows = con.execute(
        f"SELECT (e.ix, l.label) IN (SELECT (ix, label) FROM past WHERE event = 'Order Paid' AND us >= $now"
        f" AND us < $end) AS bought, {chosen} FROM ({everybody}) AS e"
        f" CROSS JOIN (SELECT DISTINCT label FROM past WHERE label IS NOT NULL) AS l{joins}",
        given,
    ).fetchnumpy()
    bought, *scores = (np.asarray(column) for column in rows.values())
    return [_area(score, bought.astype(bool)) for score in scores]


def _area(score: np.ndarray, truth: np.ndarray) -> float:
    """The share of pairs (bought, not bought) in which the bought one has the greater score; ties count half."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    n = int(truth.sum())
    return float((ranks[truth].sum() - n * (n + 1) / 2) / (n * (len(truth) - n)))
