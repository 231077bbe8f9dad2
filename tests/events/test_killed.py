"""A process that is killed at any moment loses nothing that it acknowledged, and loads nothing twice."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from limner.events import contract

from .victim import opened

KILLS = int(os.environ.get("LIMNER_KILLS", "5"))


@pytest.mark.proves("G1", partly="20 kills of the whole server in the tests, 500 are not run")
@pytest.mark.proves("G1", "G4", "G6")
def test_nothing_acknowledged_is_lost_or_doubled_by_kills(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    chance = random.Random(7)
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    for life in range(KILLS):
        command = [sys.executable, "-m", "tests.events.victim", str(tmp_path), str(life)]
        victim = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=here)
        assert victim.stdout is not None
        first = victim.stdout.readline()
        acknowledged.update(first.split())
        threading.Timer(chance.uniform(0.05, 0.6), victim.kill).start()
        for line in victim.stdout:
            if line.endswith("\n"):
                acknowledged.update(line.split())
        victim.stdout.close()
        assert victim.wait() == -9
    engine, log, loader = opened(tmp_path)
    loader.load_all()
    stored = engine.read("SELECT id::VARCHAR AS id FROM events").column("id").to_pylist()
    assert len(stored) == len(set(stored))
    expected = {str(contract.event_id(1, message)) for message in acknowledged}
    assert expected
    assert expected <= set(stored)
    counted = engine.read("SELECT * FROM counters").to_pylist()[0]
    records = sum(1 for entry in log.replay() if entry.record is not None)
    assert counted["received"] == 10 * records
    assert counted["stored"] == len(stored) == 8 * records
    assert (counted["duplicate"], counted["quarantined"]) == (records, records)
    log.close()
    engine.close()
