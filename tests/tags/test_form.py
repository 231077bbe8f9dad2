"""The form of a tag file: everything that the text says comes back from it, and what it cannot show stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from limner import templates
from limner.tags import text as tag_text
from limner.tags.form import form_of, text_with

RETAIL = {key: tag.text for name in templates.names() for key, tag in templates.read(name).tags.items()}
SCORE = """title: Score
nature: model
method: rule
type: text
points:
  - when: orders_90d >= 3  # regular
    points: 2
  - when: city = 'Thun'
    points: 0.5
cuts: {tiers: [low, high], at: [2]}
validity: 2 days
"""
SPENDER = """title: Spender
nature: model
method: rule
type: text
cuts: {of: spent_90d, tiers: [low, middle, high], at: [50%, 80%], frozen: [20, 99.5], frozen_at: 2026-05-01}
validity: 2 days
"""
CARE = "nature: model\nmethod: manual\ntype: text\nvalues: [call, visit]\ntruth: said\nat_least: 0.8\n"
INTEREST = """nature: fact
method: statistic
type: text
statistic: interest(category of "Product Viewed" * 1, "Order Paid" * 8 half life 14 days)
validity: 2 days
"""


@pytest.mark.parametrize("key", sorted(RETAIL))
def test_a_form_that_is_not_touched_changes_no_text(key: str) -> None:
    fields = form_of(RETAIL[key], key)
    assert fields["kept"] == []
    assert text_with(RETAIL[key], key, fields) == RETAIL[key]


@pytest.mark.parametrize("key", sorted(RETAIL))
def test_a_form_that_fills_an_empty_file_says_the_same_tag(key: str) -> None:
    made = text_with(
        "", key, {**form_of(RETAIL[key], key), "measure": None, "interest": None}
    )  # as it is spelt
    one, other = tag_text.read(RETAIL[key], key), tag_text.read(made, key)
    assert (one.definition, one.validity, one.tests) == (other.definition, other.validity, other.tests)


def test_points_are_edited_row_by_row_and_comments_stay() -> None:
    fields = form_of(SCORE, "score")
    assert fields["points"] == [
        {"when": "orders_90d >= 3", "points": "2"},
        {"when": "city = 'Thun'", "points": "0.5"},
    ]
    fields["points"][1] = {"when": "city = 'Bern'", "points": "1.5"}
    made = text_with(SCORE, "score", fields)
    assert made == SCORE.replace("'Thun'", "'Bern'").replace("points: 0.5", "points: 1.5")
    assert "# regular" in made


def test_cuts_keep_their_frozen_points_until_they_are_taken_out() -> None:
    fields = form_of(SPENDER, "spender")
    assert fields["cuts"] == {
        "of": "spent_90d", "tiers": ["low", "middle", "high"], "at": ["50%", "80%"], "frozen": ["20", "99.5"],
        "frozen_at": "2026-05-01", "refresh": "",
    }  # fmt: skip
    fields["cuts"] = {**fields["cuts"], "at": ["50%", "90%"]}
    moved = text_with(SPENDER, "spender", fields)
    cuts = tag_text.read(moved, "spender").definition.cuts  # type: ignore[union-attr]
    assert (cuts.at, cuts.frozen) == ((50, 90), (20, 99.5))
    fields["cuts"] = {**fields["cuts"], "frozen": [], "frozen_at": ""}
    assert tag_text.read(text_with(SPENDER, "spender", fields), "spender").definition.cuts.frozen is None  # type: ignore[union-attr]


def test_allowed_values_and_accuracy_are_fields() -> None:
    fields = form_of(CARE, "care")
    assert (fields["values"], fields["truth"], fields["at_least"]) == (["call", "visit"], "said", "0.8")
    made = text_with(CARE, "care", {**fields, "values": ["call", "visit", "12"], "at_least": "0.9"})
    read = tag_text.read(made, "care")
    assert read.definition.values == ("call", "visit", "12")  # type: ignore[union-attr]
    assert read.at_least == 0.9


def test_an_interest_is_shown_in_parts_and_written_from_them() -> None:
    fields = form_of(INTEREST, "likes")
    parts = fields["interest"]
    assert parts["terms"][1] == {"event": "Order Paid", "points": 8, "where": ""}
    assert parts["half_life"] == {"n": 14, "unit": "day"}
    parts = {**parts, "half_life": {"n": 3, "unit": "day"}, "half_at": 25, "most": 5}
    parts["terms"] = [*parts["terms"][:1], {"event": "Order Paid", "points": 9, "where": "amount >= 20"}]
    made = text_with(INTEREST, "likes", {**fields, "interest": parts})
    assert (
        'interest(category of "Product Viewed" * 1, "Order Paid" * 9 where amount >= 20'
        " half life 3 days half at 25 top 5)"
    ) in made
    assert form_of(made, "likes")["interest"] == parts


def test_what_a_form_cannot_show_is_named_and_left_alone() -> None:
    text = SCORE.replace("    points: 0.5\n", "    points: 0.5\n    note: ours\n") + "shelf: 3\n"
    fields = form_of(text, "score")
    assert fields["kept"] == ["shelf", "points"]
    assert text_with(text, "score", {**fields, "owner": "crm"}) == text.replace(
        "shelf: 3\n", "owner: crm\nshelf: 3\n"
    )


def test_the_examples_of_the_documentation_come_back_whole() -> None:
    found = (Path(__file__).parents[2] / "docs/how-to/interests.md").read_text(encoding="utf-8")
    for block in found.split("```yaml\n")[1:]:
        text = block.partition("```")[0]
        fields = form_of(text, "one")
        assert fields["interest"] is not None
        assert text_with("", "one", fields) == text_with(
            "", "one", form_of(text_with("", "one", fields), "one")
        )
