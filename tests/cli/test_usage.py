"""Wrong words on the command line."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from limner import __version__


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nosuch"], "No such command"),
        (["demo", "--nonsense"], "No such option"),
        (["audience", "count"], "Missing argument"),
        (["run", "list", "--limit", "many"], "--limit"),
        (["tag", "list", "--workspace", "/nowhere/at/all"], "limner.toml"),
    ],
)
def test_wrong_usage_says_what_is_wrong_without_a_traceback(words: list[str], says: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "limner", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"},
    )
    assert done.returncode == (1 if says == "limner.toml" else 2)
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert "fault of Limner" not in done.stderr


def test_the_version_is_said() -> None:
    done = subprocess.run([sys.executable, "-m", "limner", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, __version__)
