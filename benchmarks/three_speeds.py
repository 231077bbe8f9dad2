"""Definitions drawn by chance over histories drawn by chance: anew, carried on and in steps every value is equal.

    python -m benchmarks.three_speeds [--pairs 20000] [--tags 60] [--people 120] [--seed 1000]

A pair is a definition and the history of one person. Late events, events ahead of time, several at one instant, in any
order; merged, split and erased people; attributes; values given and taken away; days that pass. It stops at the first
value that differs, and names it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.tags.speeds import compared


def main() -> int:
    """Prints the figures; 1 when a value differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--tags", type=int, default=60)
    parser.add_argument("--people", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1_000)
    given = parser.parse_args()
    pairs = values = worlds = 0
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        while pairs < given.pairs:
            seed = given.seed + worlds
            try:
                found = compared(seed, Path(folder) / str(seed), tags=given.tags, people=given.people)
            except AssertionError as error:
                print(error)
                return 1
            worlds, pairs, values = worlds + 1, pairs + found.pairs, values + found.values
            seconds = time.process_time() - began
            print(
                f"{worlds} worlds, {pairs} pairs, {values} values, {seconds:.0f} s of processor", flush=True
            )
    print(f"{pairs} pairs of a definition and a history: 0 differ at three speeds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
