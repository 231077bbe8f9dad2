"""Ten thousand people through every channel whose server makes trouble; its book is held against the ledger.

python -m benchmarks.channels [PEOPLE]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.channels.audit import audited
from tests.channels.channel_rigs import RIGS


def main(people: int) -> None:
    """Prints one line for each channel: how many became what, and how long it took."""
    for kind, made, together in (
        *((kind, made, False) for kind, made in RIGS.items()),
        ("wecom together", RIGS["wecom"], True),
    ):
        rig = made()
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            became = audited(rig, people=people, folder=Path(folder), together=together)
            took = time.perf_counter() - began
        rig.end()
        print(f"{kind:14} {people:,} people, {dict(became)}, {took:.1f} s, book and ledger are equal")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
