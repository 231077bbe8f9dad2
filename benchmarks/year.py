"""A year of 10,000 members with reminders of expiry, silence warnings and recalls, against an independent oracle.

    python -m benchmarks.year [--people 10000] [--days 365] [--hours 24]

Two changes of clocks, late renewals, silences, returns, and three days in which the process is down. Somebody looks
every so many hours. Prints how many outcomes there are of each kind, and every difference between the two.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

from tests.workspace.year import BEGIN, DAY, HOUR, Outcome, expected, lived, looks, members

from benchmarks.measure import machine


def main() -> None:
    """Lives the year and compares."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=10_000)
    options.add_argument("--days", type=int, default=365)
    options.add_argument("--hours", type=float, default=24)
    given = options.parse_args()
    people = members(given.people, seed=11, days=given.days)
    moments = looks(given.days, every=timedelta(hours=given.hours), near=HOUR)
    moments = [moment for moment in moments if moment < BEGIN + given.days * DAY]
    wanted = Counter(_said(outcome) for one in people for outcome in expected(one, moments))
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, lived(Path(folder) / "shop", people, moments) as year:
        seconds = time.perf_counter() - began
        found = Counter(map(_said, year.outcomes()))
        sent = len(year.mail.messages())
    print(machine())
    print(
        f"{given.people:,} members, {given.days} days, {len(moments)} looks: {seconds:,.0f} s, {sent:,} e-mails"
    )
    for kind, number in sorted(Counter(said[1:3] + said[4:5] for said in wanted.elements()).items()):
        print(f"  {' · '.join(map(str, kind))}: {number:,}")
    missing, extra = wanted - found, found - wanted
    print(
        f"{sum(wanted.values()):,} outcomes of the oracle; {sum(missing.values())} missing, {sum(extra.values())} extra"
    )
    for said in [*missing, *extra][:20]:
        print("  ", *said)


def _said(outcome: Outcome) -> tuple[object, ...]:
    seen = None if outcome.what == "task" else outcome.at
    return outcome.person, outcome.journey, outcome.step, outcome.due, outcome.what, seen


if __name__ == "__main__":
    main()
