"""What picks foretell: hit@10 of the next 60 days against popularity, on the demo's shop and on real ones.

`LIMNER_DATASETS=… python -m benchmarks.content`. Held out are days 121 to 180: the first thing that somebody takes up
then is looked for among ten picks of day 120. The part that popularity has in the score is the usual 0.3, and the one
that did best for days 61 to 120.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from tests.content.histories import Past, complete_journey, demo, held_out, online_retail, pages

from benchmarks.measure import machine

PARTS = (0.1, 0.3, 1.0, 3.0, 10.0)


def foretold(past: Past, folder: Path) -> None:
    """Prints the figures of one history."""
    earlier = {
        part: held_out(past, folder / f"then {part}", days=60, later=60, popularity=part).own
        for part in PARTS
    }
    best = max(PARTS, key=lambda part: (earlier[part], -abs(part - 0.3)))
    for part in dict.fromkeys((0.3, best)):
        told = held_out(past, folder / f"now {part}", popularity=part)
        print(
            f"{past.name}: popularity {part:g}{' (chosen)' if part == best else ''}: {told.people:,} people,"
            f" next {told.own / told.people:.3f} against {told.popular / told.people:.3f}, {told.ratio:.2f} times;"
            f" any {told.any_own / told.people:.3f} against {told.any_popular / told.people:.3f},"
            f" {told.any_ratio:.2f} times",
            flush=True,
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=5_000)
    options.add_argument("--events", type=int, default=250_000)
    given = options.parse_args()
    print(machine())
    data = Path(os.environ.get("LIMNER_DATASETS", "")) / "data"
    with tempfile.TemporaryDirectory(prefix="limner-bench-") as made:
        histories = [demo(given.people, given.events, seed) for seed in (1, 2, 3)]
        if data.is_dir():
            histories += [
                online_retail(data / "online_retail.csv.gz"),
                complete_journey(data, by="category"),
                complete_journey(data, by="product"),
                pages(data / "rete_ecom_events.csv.gz"),
            ]
        for number, past in enumerate(histories):
            foretold(past, Path(made) / str(number))


if __name__ == "__main__":
    main()
