"""The documentation's shell blocks run as they stand; `# → X` after a command is what it must print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import warm

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)")


def script(page: Path, *, block: re.Pattern[str] = BLOCK) -> str:
    """The page's bash blocks as one script that fails at the first command that does."""
    lines = ["set -euo pipefail"]
    for commands in block.findall(page.read_text(encoding="utf-8")):
        for line in commands.splitlines():
            command, arrow, wanted = line.partition("# → ")
            if arrow:
                lines.append(
                    f'got=$({command})\n[ "$got" = "{wanted.strip()}" ] || {{ echo "$got"; exit 9; }}'
                )
            else:
                lines.append(line)
    return "\n".join(lines)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "```bash" in page.read_text(encoding="utf-8")], ids=str
)
def test_the_examples_of_a_page_run(page: Path, tmp_path: Path) -> None:
    found = f"{warm.limner().parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": found}
    ended = subprocess.run(
        ["bash", "-c", script(page)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"


def anchors(page: Path) -> set[str]:
    """What links may name after # in a page: its headings, as they are shown in browsers of git."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        there = page.parent / target
        assert there.exists(), f"{page.name} → {target}"
        assert not anchor or anchor in anchors(there), f"{page.name} → {target}{anchor}"


def test_the_readme_leads_to_every_how_to_and_reference_once() -> None:
    linked = [target for target, _ in LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))]
    assert len(linked) == len(set(linked))
    pages = {*(ROOT / "docs/how-to").glob("*.md"), *(ROOT / "docs/reference").glob("*.md")}
    from_others = {
        (page.parent / target).resolve()
        for page in (ROOT / "docs").rglob("*.md")
        for target, _ in LINK.findall(page.read_text(encoding="utf-8"))
        if page.is_relative_to(ROOT / "docs/reference")
    }
    missing = pages - {ROOT / target for target in linked} - from_others
    assert not missing, sorted(page.name for page in missing)
