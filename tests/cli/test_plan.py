"""The commands tag plan, tag apply and tag test: what they print and how they end."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from limner.config import FILE
from limner.workspace.files import init
from tests import warm

ENVIRONMENT = {**os.environ, "COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}
TAG = "nature: fact\nmethod: statistic\ntype: number\nstatistic: count(Seen)\nvalidity: 2 days\n"
TEST = "tests:\n  - name: nothing\n    as_of: 2026-06-01\n    expect: 0\n"


def limner(folder: Path, *words: str, says: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [warm.limner(), *words, "--workspace", folder],
        capture_output=True,
        text=True,
        input=says,
        env=ENVIRONMENT,
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = init(tmp_path_factory.mktemp("cli") / "shop")
    (folder / FILE).write_text('refresh = ""\nlog_level = "critical"\n', encoding="utf-8")
    return folder


def test_the_exit_code_of_a_plan_says_whether_something_would_change(shop: Path) -> None:
    tag = shop / "tags" / "seen.yml"
    tag.write_text(TAG, encoding="utf-8")
    planned = limner(shop, "tag", "plan")
    assert (planned.returncode, "+0 −0" in planned.stdout, "new" in planned.stdout) == (3, True, True)
    found = json.loads(limner(shop, "tag", "plan", "--json").stdout)
    assert (found["changes"], [row["key"] for row in found["tags"]]) == (True, ["seen"])
    refused = limner(shop, "tag", "apply", says="n\n")
    assert (refused.returncode, "nothing was applied" in refused.stdout) == (1, True)
    assert limner(shop, "tag", "plan").returncode == 3
    wrong = limner(shop, "tag", "apply", "--json")
    assert (wrong.returncode, "cannot ask" in wrong.stderr) == (2, True)
    other = limner(shop, "tag", "apply", "--yes", "--plan", "7-x-y")
    assert (other.returncode, "this plan is of other tags" in other.stderr) == (1, True)
    applied = limner(shop, "tag", "apply", "--yes", "--json", "--plan", found["plan"])
    assert (applied.returncode, json.loads(applied.stdout)["tags"]) == (0, ["seen"])
    again = limner(shop, "tag", "plan")
    assert (again.returncode, again.stdout) == (0, "nothing would change\n")
    tag.write_text(TAG.replace("Seen", "Bought"), encoding="utf-8")
    confirmed = limner(shop, "tag", "apply", says="y\n")
    assert (confirmed.returncode, "Tags as of" in confirmed.stdout) == (0, True)
    tag.write_text(TAG.replace("number", "numbr"), encoding="utf-8")
    broken = limner(shop, "tag", "plan")
    assert (broken.returncode, "tags/seen.yml:3:7" in broken.stdout) == (1, True)
    assert limner(shop, "tag", "apply", says="y\n").returncode == 1
    assert limner(shop, "tag", "apply", "--yes").returncode == 2


def test_the_exit_code_of_the_tests_says_whether_all_passed(shop: Path) -> None:
    tag = shop / "tags" / "seen.yml"
    tag.write_text(TAG + TEST, encoding="utf-8")
    passed = limner(shop, "tag", "test")
    assert (passed.returncode, "1 passed, 0 failed" in passed.stdout) == (0, True)
    tag.write_text(TAG + TEST.replace("expect: 0", "expect: 1"), encoding="utf-8")
    failed = limner(shop, "tag", "test", "seen")
    assert (failed.returncode, "tags/seen.yml:7:5: expected 1, got 0" in failed.stdout) == (1, True)
