"""What is learned from examples: weights, the order they give, and what a file may say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from limner.errors import ConflictError, DefinitionError
from limner.tags import learned
from limner.tags.learned import Examples, auc, learn, weights
from limner.tags.model import Learned
from limner.tags.text import read, write

FILE = """title: Buys again
nature: prediction
method: learned
type: number
learned:
  label: did "Order Paid"
  horizon: 30 days
  features: [recency_days, orders]
  train: [2026-01-01, 2026-02-01]
  test: [2026-03-05]
validity: 2 days
stage: draft
"""


def definition() -> Learned:
    found = read(FILE, "again").definition
    assert isinstance(found, Learned)
    return found


def test_the_weights_are_where_the_slope_is_level() -> None:
    draw = np.random.default_rng(7)
    rows = draw.normal(size=(500, 3))
    reached = draw.random(500) < 1 / (1 + np.exp(-(rows @ [1.0, -2.0, 0.0] - 0.5)))
    found = weights(rows, reached)
    chance = 1 / (1 + np.exp(-(found[0] + rows @ found[1:])))
    assert abs((reached - chance).sum()) < 1e-6  # the intercept is not shrunk: the mean chance is the share
    assert np.allclose(rows.T @ (reached - chance), found[1:], atol=1e-6)  # each weight is shrunk by itself
    assert found[1] > 0.5 > 0 > found[2]


def test_one_feature_that_is_there_or_not_gives_the_odds_of_a_table() -> None:
    """40 of 50 with it and 10 of 50 without: the odds are 4 and 1/4; shrinking takes a little of log 16."""
    rows = np.array([[1.0]] * 50 + [[-1.0]] * 50)
    found = weights(rows, np.array(([True] * 40 + [False] * 10) + ([True] * 10 + [False] * 40)))
    assert found[0] == pytest.approx(0, abs=1e-9)
    assert 0.93 < 2 * found[1] / np.log(16) < 1


@pytest.mark.parametrize(
    ("score", "reached", "wanted"),
    [
        ([1, 2, 3, 4], [False, False, True, True], 1.0),
        ([1, 2, 3, 4], [True, True, False, False], 0.0),
        ([1, 1, 1, 1], [True, False, True, False], 0.5),
        ([1, 3, 2, 4], [False, False, True, True], 0.75),
    ],
)
def test_the_auc_counts_pairs_in_order(score: list[int], reached: list[bool], wanted: float) -> None:
    assert auc(np.array(score, dtype=float), np.array(reached)) == wanted


def examples(people: int, seed: int, *, share: float = 0.5) -> Examples:
    draw = np.random.default_rng(seed)
    rows = np.column_stack([draw.integers(0, 90, people), draw.poisson(3, people)]).astype(float)
    chance = 1 / (1 + np.exp(-(2 - 0.08 * rows[:, 0] + 0.4 * rows[:, 1])))
    return Examples(rows, draw.random(people) < chance * share)


def test_the_same_examples_give_the_same_file_and_it_is_read_back() -> None:
    made = learn(definition(), examples(2_000, 1), examples(1_000, 2), at="2026-06-01")
    assert made == learn(definition(), examples(2_000, 1), examples(1_000, 2), at="2026-06-01")
    assert made.learnt is not None
    assert made.learnt.features[0].weight < 0 < made.learnt.features[1].weight
    assert made.learnt.auc > 0.65
    assert made.expression.startswith("logistic(")
    tag = replace(read(FILE, "again"), definition=made)
    assert read(write(tag), "again").definition == made


def test_too_few_who_reached_the_label_teach_nothing() -> None:
    few = examples(2_000, 1, share=0.02)
    with pytest.raises(
        ConflictError, match=r"not enough data: on the dates of train \d+ of 2,000 .* at least 50"
    ):
        learn(definition(), few, examples(1_000, 2), at="2026-06-01")
    with pytest.raises(ConflictError, match="on the dates of test"):
        learn(definition(), examples(2_000, 1), examples(12, 2), at="2026-06-01")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("nature: prediction", "nature: fact", "what is learned from examples is a guess, never a fact"),
        ("type: number", "type: flag", "a chance is a number"),
        ('did "Order Paid"', 'did "Order Paid" in last 7 days', "a label is an event, without a window"),
        ('did "Order Paid"', "orders > 3", "a label is an event"),
        ("[recency_days, orders]", "[orders, orders]", "different tags"),
        ("[2026-03-05]", "[2026-02-15]", "a date of test comes at least the horizon after"),
        ("[2026-01-01, 2026-02-01]", "[soon]", "'soon' is no date"),
        ("validity: 2 days\n", "", "a dynamic tag has a validity or a refresh"),
    ],
)
def test_what_cannot_be_learned_is_refused(old: str, new: str, said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        read(FILE.replace(old, new), "again")


def test_weights_of_other_features_are_refused() -> None:
    made = learn(definition(), examples(2_000, 1), examples(1_000, 2), at="2026-06-01")
    text = write(replace(read(FILE, "again"), definition=made))
    with pytest.raises(DefinitionError, match="these weights are of other features"):
        read(text.replace("orders", "visits", 1), "again")
    assert learned.written(made)["learnt"]["auc"] == made.learnt.auc if made.learnt else False
