"""Seen from outside the process: what is answered was written and flushed before."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import needs

PROGRAM = """\
import sys
from pathlib import Path
from limner.events.frames import Record
from limner.events.log import EventLog
log = EventLog(Path(sys.argv[1]))
for n in range(10):
    log.append_now(Record(batch=f"b{n}", source_i=1, received_at=n, body=b"needle-%d" % n))
    print(f"answered {n}", flush=True)
log.close()
"""


@pytest.mark.proves("G2", partly="the order of system calls; rebuilt disk images are not in the tests")
def test_every_answer_comes_after_the_flush_of_what_it_answers(tmp_path: Path) -> None:
    needs("strace")
    trace = tmp_path / "trace"
    subprocess.run(
        [
            "strace", "-f", "-y", "-s", "400", "-e", "trace=write,pwrite64,fsync,fdatasync", "-o", str(trace),
            sys.executable, "-c", PROGRAM, str(tmp_path / "log"),
        ],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    flushed: set[str] = set()
    written: set[str] = set()
    answered = []
    for line in trace.read_text(errors="replace").splitlines():
        if found := re.search(r"needle-(\d)", line):
            written.add(found[1])
        elif re.search(r"(fsync|fdatasync)\(\d+<[^>]*\.log>", line) and "= 0" in line:
            flushed |= written
        elif found := re.search(r"answered (\d)", line):
            assert found[1] in flushed, f"answer {found[1]} came before its flush"
            answered.append(found[1])
    assert answered == [str(n) for n in range(10)]
