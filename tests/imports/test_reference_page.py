"""The pages about imports say what the code does: their mappings are read, and every code is explained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from limner.events.mapping import OPERATORS, parse

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = ("reference/mapping.md", "how-to/online-retail.md", "how-to/import.md")
SOURCES = (
    "connectors/delimited.py", "connectors/files.py", "connectors/text.py", "events/conversions.py",
    "events/guess.py", "events/imports.py", "events/mapping.py",
)  # fmt: skip
CODE = re.compile(
    r'code="([a-z_]+)"|Bad\([^"]*"([a-z_]+)"|"(bad_[a-z]+|too_precise|damaged_by_spreadsheet|zero_byte|[a-z]+_too_long)"'
)


@pytest.mark.parametrize("page", PAGES)
def test_the_mappings_of_a_page_are_read(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^( *)```yaml\n(.*?)^ *```$", text, re.M | re.S)
    found = [re.sub(rf"^{indent}", "", block, flags=re.M) for indent, block in blocks]
    found += re.findall(r"\.yml <<'END'\n(.*?)^END$", text, re.M | re.S)
    assert found
    for block in found:
        parse(block, name=page)


def test_every_code_is_on_the_reference_page() -> None:
    page = (DOCS / PAGES[0]).read_text(encoding="utf-8")
    known = {
        word
        for source in SOURCES
        for found in CODE.findall((ROOT / "src" / "limner" / source).read_text(encoding="utf-8"))
        for word in found
        if word
    }
    assert {"bad_time", "no_event", "ambiguous_date", "duplicate_column"} <= known
    assert {word for word in known if f"`{word}`" not in page} == set()
    assert {word for word in OPERATORS if word not in page} == set()
