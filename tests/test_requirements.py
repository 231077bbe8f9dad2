"""The page of requirements says what the tests say."""

from tests import requirements


def test_the_page_of_requirements_is_up_to_date() -> None:
    assert requirements.PAGE.read_text(encoding="utf-8") == requirements.page(), "run: make reference"


def test_every_marker_names_a_requirement_that_exists() -> None:
    known = {name for rows in requirements.names().values() for name in rows}
    assert set(requirements.proofs()) <= known
