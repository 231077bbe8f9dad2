"""Kills a sender with SIGKILL at random, again and again: nobody may get a message twice, the sum must be exact.

    python -m benchmarks.outbox_kills [--kills 50] [--people 20000]

A real SMTP server counts by Message-ID; the sender is a process of its own that is killed while it sends.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.touches import sending

from limner.demo.mail_server import MailServer
from limner.touches import entries


def main() -> int:
    """Prints the figures; 1 when anybody got a message twice or the sum is not exact."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as folder, MailServer() as mails:
        path = Path(folder) / "records.db"
        records = sending.open_records(path)
        sending.consent_all(records, given.people)
        treated = sending.begin(records, sending.audience(given.people)).waiting
        began = time.monotonic()
        kills = 0
        while entries.entry_of(records, "spring", "e1").status == "running":
            worker = subprocess.Popen([sys.executable, sending.__file__, str(path), str(mails.port)])
            start = len(mails.messages())
            goal = start + chance.randint(1, max(2, 2 * treated // max(given.kills, 1)))
            while kills < given.kills and worker.poll() is None and len(mails.counts) < goal:
                time.sleep(0.001)
            if kills < given.kills and worker.poll() is None:
                os.kill(worker.pid, signal.SIGKILL)
                kills += 1
            worker.wait()
        counted = entries.counts(records, "spring", "e1")
        spent = sum(sending.spent(records).values())
        seconds = time.monotonic() - began
        taken = sum(mails.counts.values())
        records.close()
    print(f"kills {kills}, people {given.people}, {seconds:.0f} s, {taken / seconds:.0f} messages/s")
    print(f"twice {len(mails.twice)}, sent {counted.sent}, in doubt {counted.in_doubt}, taken {taken}")
    print(f"exact sum: {counted.exact}, spent {spent} for {counted.sent + counted.in_doubt} messages at 100")
    return 0 if counted.exact and not mails.twice and counted.sent <= taken <= treated else 1


if __name__ == "__main__":
    sys.exit(main())
