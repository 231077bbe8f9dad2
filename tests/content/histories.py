"""Real and made histories in which picks are held against what came later. Shared by a test and a benchmark."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from limner.content import heldout, ranking
from limner.content.ranking import Shelves, Stock
from limner.demo import shop as tea
from limner.engine.duckdb import DuckDB
from limner.tags.run import run
from limner.types import naive
from tests.builders import Names, add_people, engine, statistic, tags

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Past:
    """What people took up, as columns: person (0, 1, …), microseconds since 1970, thing and its label.

    `firm`: whether it counts as a purchase, which is what is foretold and weighs more.
    """

    name: str
    start: datetime
    person: np.ndarray
    us: np.ndarray
    thing: pa.Array
    label: pa.Array
    firm: np.ndarray

    @property
    def table(self) -> pa.Table:
        return pa.table(
            {"ix": pa.array(self.person.astype("uint32")), "us": self.us, "thing": self.thing, "label": self.label,
             "event": pa.array(np.where(self.firm, "Order Paid", "Product Viewed"))}
        )  # fmt: skip


def demo(people: int, events: int, seed: int) -> Past:
    """The demo shop's 48 products: looked at, put into the cart, bought on the web."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    made = tea.shop(people=people, seed=seed, start=start)
    found = tea.browsing(made, events=events)
    found = found.part(np.isin(found.what, (1, 2, 4)) & (found.person < made.members))
    us = int(start.timestamp() * 1e6) + np.round(found.seconds * 1e6).astype("int64")
    label = np.array(tea.CATEGORIES)[found.category]
    thing = np.char.add(np.char.add("p", found.category.astype(str)), found.product.astype(str))
    return Past(
        f"demo shop {seed}", start, found.person, us, pa.array(thing), pa.array(label), found.what == 4
    )


def online_retail(path: Path, lines: int = 0) -> Past:
    """UCI Online Retail: lines that name a customer and are no cancellation; a product is a label of its own."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        found = [
            (row["CustomerID"], row["InvoiceDate"], row["StockCode"])
            for row in csv.DictReader(file)
            if row["CustomerID"] and not row["InvoiceNo"].startswith("C")
        ]
    found = found[:lines] if lines else found
    who = {customer: ix for ix, customer in enumerate(sorted({row[0] for row in found}))}
    us = [int(datetime.fromisoformat(row[1]).replace(tzinfo=UTC).timestamp() * 1e6) for row in found]
    things = pa.array([row[2] for row in found])
    person = np.array([who[row[0]] for row in found])
    start = datetime(2010, 12, 1, tzinfo=UTC)
    return Past("Online Retail", start, person, np.array(us), things, things, np.ones(len(found), dtype=bool))


def complete_journey(folder: Path, *, by: str) -> Past:
    """The Complete Journey sample: what a household bought; a thing is a product, or a category of products."""
    rows = duckdb.connect().sql(
        "SELECT CAST(DENSE_RANK() OVER (ORDER BY household_id) - 1 AS UINTEGER) AS ix,"
        " EPOCH_US(transaction_timestamp) AS us, p.product_category AS category,"
        " CAST(p.product_id AS VARCHAR) AS product FROM read_parquet($lines)"
        " JOIN read_parquet($products) AS p USING (product_id) WHERE p.product_category IS NOT NULL",
        params={
            "lines": str(folder / "cj_transactions_sample.parquet"),
            "products": str(folder / "cj_products.parquet"),
        },
    ).to_arrow_table()  # fmt: skip
    return Past(
        f"Complete Journey, {by}", datetime(2017, 1, 1, tzinfo=UTC), rows["ix"].to_numpy(), rows["us"].to_numpy(),
        rows[by].combine_chunks(), rows["category"].combine_chunks(), np.ones(rows.num_rows, dtype=bool),
    )  # fmt: skip


def pages(path: Path) -> Past:
    """The page views of the retentioneering shop: which of its 19 pages somebody opens next."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        found = [(row["user_id"], row["timestamp"], row["event"]) for row in csv.DictReader(file)]
    who = {user: ix for ix, user in enumerate(sorted({row[0] for row in found}))}
    us = [int(datetime.fromisoformat(row[1]).replace(tzinfo=UTC).timestamp() * 1e6) for row in found]
    things = pa.array([row[2] for row in found])
    person = np.array([who[row[0]] for row in found])
    return Past(
        "Retentioneering pages", datetime(2024, 1, 4, tzinfo=UTC), person, np.array(us), things, things,
        np.ones(len(found), dtype=bool),
    )  # fmt: skip


INTEREST = 'interest(category of "Product Viewed" * 1, "Order Paid" * 8 half life 30 days top 20)'


def held_out(
    past: Past,
    folder: Path,
    *,
    days: int = 120,
    later: int = 60,
    count: int = 10,
    popularity: float = 0.3,
) -> heldout.Foretold:
    """What the picks after so many days foretold of the days after them, against the better of two popularities."""
    made = engine()
    add_people(made, int(past.person.max()) + 1)
    fill(made, past.table)
    now = past.start + days * DAY
    asked = tags({"interest": statistic(INTEREST, "text")})
    run(made, asked, catalog=Names(made, asked), as_of=now, run_id="r", columns_dir=folder)
    shelves = stocked(made, past, now, popularity)
    people = made.read(
        "SELECT DISTINCT CAST(ix AS UINTEGER) AS ix, '' AS language FROM events WHERE ts < $now ORDER BY ix",
        {"now": naive(now)},
    )
    weights = "SELECT ix, 'interest' AS tag, label, weight FROM weights_tag_interest"
    picks = ranking.ranked(made, shelves, people=people, weights=weights, count=count)
    after = made.read(
        "SELECT e.ix, s.i, e.ts FROM events AS e JOIN named AS s ON s.value = e.p_20 WHERE e.ts >= $now AND e.ts < $end"
        " AND e.name_i IN (SELECT name_i FROM names WHERE name = 'Order Paid')"
        " AND e.ix IN (SELECT ix FROM people)",
        {"now": naive(now), "end": naive(now + later * DAY)},
        given={"named": shelves.of.named, "people": people},
    )
    found = [
        heldout.foretold(made, picks, favourites(made, shelves.of, since, now, count), after)
        for since in (now - ranking.WINDOW, past.start)
    ]
    made.close()
    return max(found, key=lambda one: one.popular)


def favourites(made: DuckDB, stock: Stock, since: datetime, now: datetime, count: int) -> list[int]:
    """What most people bought in that time."""
    found: list[int] = (
        made.read(
            "SELECT s.i FROM events AS e JOIN named AS s ON s.value = e.p_20 WHERE e.ts >= $since AND e.ts < $now"
            " AND e.name_i IN (SELECT name_i FROM names WHERE name = 'Order Paid')"
            " GROUP BY s.i ORDER BY COUNT(DISTINCT e.ix) DESC, s.i LIMIT $count",
            {"since": naive(since), "now": naive(now), "count": count},
            given={"named": stock.named},
        )
        .column("i")
        .to_pylist()
    )
    return found


def stocked(made: DuckDB, past: Past, now: datetime, popularity: float) -> Shelves:
    """Everything that was taken up before `now`, with its label."""
    known = past.table.filter(pa.array(past.us < int(now.timestamp() * 1e6)))
    pairs: Mapping[str, str] = dict(
        sorted(set(zip(known["thing"].to_pylist(), known["label"].to_pylist(), strict=True)))
    )
    n = len(pairs)
    i = pa.array(range(n), pa.int32())
    stock = Stock(
        names=tuple(pairs),
        editor=(0,) * n,
        began=(None,) * n,
        limited=(False,) * n,
        labels=pa.table({"i": i, "tag": ["interest"] * n, "label": list(pairs.values())}),
        spoken=pa.table({"i": pa.array([], pa.int32()), "language": pa.array([], pa.string())}),
        named=pa.table({"i": i, "property": ["thing"] * n, "value": list(pairs)}),
    )
    people = ranking.took_up(made, stock, {"thing": "p_20"}, now, codes=None)
    return ranking.shelved(made, stock, people, now, popularity=popularity)


def fill(made: DuckDB, table: pa.Table) -> None:
    """The events in the engine: p_1 the label, p_20 the thing."""
    with made.write() as tx, tx.given("past", table):
        tx.execute("ALTER TABLE events ADD COLUMN IF NOT EXISTS p_20 VARCHAR")
        tx.execute(
            "INSERT INTO names SELECT (SELECT MAX(name_i) FROM names) + ROW_NUMBER() OVER (ORDER BY event), event"
            " FROM (SELECT DISTINCT event FROM past WHERE event NOT IN (SELECT name FROM names))"
        )
        tx.execute("INSERT INTO log_position VALUES (0, 0, 1)")
        tx.execute(
            "INSERT INTO events (id, name_i, ts, received_at, source_i, ix, load_i, p_1, p_20)"
            " SELECT ROW_NUMBER() OVER (), n.name_i, make_timestamp(us), make_timestamp(us), 1, ix, 1, label, thing"
            " FROM past JOIN names AS n ON n.name = past.event ORDER BY us // 86400000000, ix, us"
        )
