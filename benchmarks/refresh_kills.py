"""Refreshes that are killed, fail, run out of disk or meet another schema: what is read afterwards is old or new.

    python -m benchmarks.refresh_kills [--points 10] [--seed 0]

Four refreshes (anew, carried on, a step of real time, an audience) by five failures, at so many points each. A checksum
over every value, table, column, membership and change is compared with that of before and of the undisturbed refresh;
where it is that of before, the refresh is done again and must end as if nothing had been.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import structlog
from tests.durability import refreshes


def main() -> int:
    """Prints the figures; 1 when anything else was read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    began = time.monotonic()
    broken = runs = 0
    with tempfile.TemporaryDirectory() as named:
        scratch = Path(named)
        shop = scratch / "shop"
        refreshes.prepare(shop)
        for kind in refreshes.KINDS:
            known = refreshes.reference(shop, kind, scratch)
            print(f"{kind}: {known.points} points, {known.seconds:.1f} s undisturbed")
            for failure in refreshes.FAILURES:
                ends: Counter[str] = Counter()
                for number in range(given.points):
                    seed = given.seed + number
                    found = refreshes.trial(shop, kind, failure, known=known, seed=seed, scratch=scratch)
                    runs += 1
                    broken += not found.sound
                    ends[found.kept if found.sound else "BROKEN"] += 1
                    if not found.sound:
                        print(f"  {found}")
                told = ", ".join(f"{count} {name}" for name, count in sorted(ends.items()))
                print(f"  {failure}: {told}", flush=True)
    print(f"{runs} runs in {time.monotonic() - began:.0f} s, {broken} neither old nor new")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
