"""3,000 personal messages with missing and hostile values, each held against a text made without templates."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workspace.renders import TIERS, fill, member, rendered
from tests.workspace.worlds import World

PEOPLE = 3_000


@pytest.mark.proves("S8")
def test_each_of_3000_gets_exactly_their_own_text(tmp_path: Path) -> None:
    """`python -m benchmarks.renders` does the same with 300,000."""
    world = World(tmp_path / "shop", toml='public_url = "http://shop.example"\n')
    file, mapping = fill(world.folder, PEOPLE)
    world.verb("import", file=str(file), map=str(mapping))
    found = rendered(world.workspace)
    world.close()
    assert found.wrong == []
    assert found.people == PEOPLE
    without = sum(1 for n in range(PEOPLE) if member(n)["tier"] == "gold" and not member(n)["city"])
    assert found.without == {"missing person.city": without}
    assert without > 100
    assert found.variants == {
        "": PEOPLE // len(TIERS),
        "silver": PEOPLE // len(TIERS),
        "gold": PEOPLE // len(TIERS) - without,
    }
