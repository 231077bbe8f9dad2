"""What weights of labels foretell: hit@3 of the next 60 days against popularity, and AUC of the next 30 days.

`LIMNER_DATASETS=… python -m benchmarks.preferences` adds two real shops to the demo's.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from datetime import datetime
from pathlib import Path

from tests.builders import statistic, tags
from tests.tags.preferences import DAY, Past, auc, complete_journey, demo, hits, online_retail, weighed
from tests.tags.test_preferences import demo_tags

from benchmarks.measure import machine

ORDERS = 'interest(category of "Order Paid" * 8 half life 30 days top 5)'


def foretold(name: str, past: Past, start: datetime, folder: Path, *, orders_only: bool) -> None:
    """Prints what the labels of days 1 to 120 say of days 121 to 180."""
    asked = tags({"interest": statistic(ORDERS, "text")}) if orders_only else demo_tags()
    now = start + 120 * DAY
    told = hits(past, weighed(past, asked, now, folder / name)["interest"], now, since=start)
    print(
        f"{name}: {told.people:,} people, hit@3 {told.own:.3f}, popularity {told.popular:.3f},"
        f" {told.ratio:.2f} times"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=5_000)
    options.add_argument("--events", type=int, default=250_000)
    given = options.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="limner-bench-") as made:
        folder = Path(made)
        for seed in (1, 2, 3):
            past, start = demo(given.people, given.events, seed)
            foretold(f"demo shop {seed}", past, start, folder, orders_only=False)
            now = start + 150 * DAY
            found = weighed(past, demo_tags(), now, folder / f"auc {seed}")
            interest, demand = auc(past, [found["interest"], found["demand"]], now)
            print(f"demo shop {seed}: AUC of the next 30 days: interest {interest:.3f}, demand {demand:.3f}")
        data = os.environ.get("LIMNER_DATASETS", "")
        if data:
            past, start = online_retail(Path(data) / "online_retail.csv.gz")
            foretold("Online Retail, products", past, start, folder, orders_only=True)
            past, start = complete_journey(Path(data))
            foretold("Complete Journey, categories", past, start, folder, orders_only=True)


if __name__ == "__main__":
    main()
