"""Fifty campaigns send to the same 2,000 people at once, while people withdraw their consent: no rule may be broken.

    python -m benchmarks.rules_at_the_claim [--campaigns 50] [--people 2000] [--seed 1]

Caps over all campaigns, quiet hours on the person's clock, unsubscriptions from before, and consents that end between
the queue and the claim.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from tests.touches.crowded import crowded
from tests.touches.sending import open_records

from benchmarks.measure import machine


def main() -> int:
    """Prints what was found; 1 when a rule was broken or a sum is not exact."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--campaigns", type=int, default=50)
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        records = open_records(Path(folder) / "records.db")
        began = time.monotonic()
        found = crowded(records, campaigns=given.campaigns, people=given.people, seed=given.seed)
        seconds = time.monotonic() - began
        records.close()
    print(f"{given.campaigns} campaigns, {given.people:,} people, {seconds:.0f} s ({machine()})")
    print(asdict(found))
    print(f"broken: {found.broken}")
    return 0 if found.exact and not found.broken else 1


if __name__ == "__main__":
    raise SystemExit(main())
