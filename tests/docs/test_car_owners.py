"""The commands of docs/car-owners.md run in the folder that the lender's demo leaves."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests import warm
from tests.docs.test_docs import ROOT, script
from tests.sharing import lender_made

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)


def test_the_commands_of_the_page_run_in_the_lenders_folder(shared: Path, tmp_path: Path) -> None:
    shutil.copytree(lender_made(shared) / "workspace", tmp_path / "limner-demo")
    environment = {**os.environ, "PATH": f"{warm.limner().parent}:{os.environ['PATH']}"}
    ended = subprocess.run(
        ["bash", "-c", script(ROOT / "docs" / "car-owners.md", block=BLOCK)],
        cwd=tmp_path / "limner-demo",
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    assert "Car finance" in ended.stdout
    assert "no consent" in ended.stdout
