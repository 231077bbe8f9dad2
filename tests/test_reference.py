"""The reference pages say what the code says."""

import pytest

from tests import reference


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_reference_page_is_up_to_date(name: str) -> None:
    made = reference.PAGES[name]()
    assert (reference.DOCS / name).read_text(encoding="utf-8") == made, "run: make reference"


def test_every_command_stands_in_the_reference() -> None:
    assert reference.commands().count("\n## limner ") > 40
    assert "\n## limner tag plan\n" in reference.commands()
