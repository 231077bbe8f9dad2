"""Learned: the `learned` of a tag file, and weights learned from what people did after past dates. Reads no data.

The weights are part of the definition: they stand in the file, so that nobody's chance changes because others came, and
what new ones would change is seen in a plan before it happens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from limner.errors import ConflictError, ExpressionError
from limner.expressions import tree as t
from limner.expressions.parse import parse
from limner.expressions.printer import to_text
from limner.tags.document import KEY, Document, moment
from limner.tags.model import Learned, Learnt, Weighed
from limner.types import ValueType

KEYS = ("label", "horizon", "features", "train", "test", "learnt")
LEARNT = ("base", "features", "at", "examples", "reached", "auc")
MOST_FEATURES = 30
MOST_DATES = 24
LEAST_REACHED = 50
"""Fewer people who reached the label, or who did not, teach nothing: their weights would be chance."""

LEAST_TESTED = 10
SHRINK = 1.0
"""How strongly weights of standardized features are held towards 0; without it a feature that parts all has none."""

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def read(document: Document, kind: ValueType) -> Learned:
    """What a tag file says of learning. Raises DefinitionError at the place that is wrong."""
    if kind is not ValueType.NUMBER:
        raise document.error(f"a chance is a number, the tag is of type {kind}", "type", code="type")
    if not isinstance(document.value("learned"), Mapping):
        hint = "label, horizon, features, train and test"
        raise document.error("a tag of method 'learned' needs 'learned'", "method", code="missing", hint=hint)
    document.known_keys(KEYS, "learned")
    label = document.string("learned", "label", required=True)
    _label(document, label)
    features = document.strings("learned", "features")
    if not 1 <= len(features) <= MOST_FEATURES or len(set(features)) < len(features):
        raise document.error(f"features are 1 to {MOST_FEATURES} different tags", "learned", "features")
    for place, key in enumerate(features):
        if not KEY.match(key):
            raise document.error(f"'{key}' is no tag key", "learned", "features", place)
    horizon = document.duration("learned", "horizon") or timedelta(days=30)
    train, test = _dates(document, "train"), _dates(document, "test")
    if min(map(moment, test)) < max(map(moment, train)) + horizon:
        message = "a date of test comes at least the horizon after the last of train"
        raise document.error(message, "learned", "test")
    made = Learned("", label, horizon, features, train, test)
    given = document.value("learned", "learnt")
    learnt = None if given is None else _learnt(document, features)
    return with_weights(made, learnt)


def _label(document: Document, label: str) -> None:
    try:
        tree = parse(label)
    except ExpressionError as error:
        raise document.wrapped(error, "learned", "label") from error
    if not isinstance(tree, t.Did) or tree.window is not None or tree.times is not None:
        message = "a label is an event, without a window: it comes within the horizon"
        raise document.error(message, "learned", "label", hint='label: did "Order Paid"')


def _dates(document: Document, key: str) -> tuple[str, ...]:
    listed = document.value("learned", key)
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_DATES:
        raise document.error(f"'{key}' is a list of 1 to {MOST_DATES} dates", "learned", key)
    return tuple(document.date("learned", key, place) for place in range(len(listed)))


def _learnt(document: Document, features: tuple[str, ...]) -> Learnt:
    at = ("learned", "learnt")
    if not isinstance(document.value(*at), Mapping):
        raise document.error("'learnt' is written by limner tag learn", *at)
    document.known_keys(LEARNT, *at)
    listed = document.value(*at, "features")
    try:
        weighed = tuple(Weighed(str(one["tag"]), float(one["weight"]), float(one["mean"])) for one in listed)
        numbers = [document.value(*at, key) for key in ("base", "examples", "reached", "auc")]
        base, examples, reached, auc = (float(one) for one in numbers)
    except (TypeError, KeyError, ValueError):
        raise document.error("'learnt' is written by limner tag learn", *at) from None
    if tuple(one.tag for one in weighed) != features:
        raise document.error(
            "these weights are of other features", *at, hint="limner tag learn, or take 'learnt' away"
        )
    said = document.value(*at, "at")
    return Learnt(base, weighed, str(said), int(examples), int(reached), auc)


def with_weights(definition: Learned, learnt: Learnt | None) -> Learned:
    """The definition with these weights; without any each feature has the weight 0."""
    known = {one.tag: one.weight for one in learnt.features} if learnt is not None else {}
    tree = t.Logistic(
        0 if learnt is None else learnt.base,
        tuple(t.Factor(t.Name(key), known.get(key, 0)) for key in definition.features),
    )
    return replace(definition, expression=to_text(tree), learnt=learnt)


def written(definition: Learned) -> dict[str, Any]:
    """What a tag file says of learning."""
    days, rest = divmod(definition.horizon, timedelta(days=1))
    said: dict[str, Any] = {
        "label": definition.label,
        "horizon": f"{definition.horizon // timedelta(seconds=1)} seconds" if rest else f"{days} days",
        "features": list(definition.features),
        "train": list(definition.train),
        "test": list(definition.test),
    }
    learnt = definition.learnt
    if learnt is not None:
        said["learnt"] = {
            "base": learnt.base,
            "features": [{"tag": one.tag, "weight": one.weight, "mean": one.mean} for one in learnt.features],
            "at": learnt.at,
            "examples": learnt.examples,
            "reached": learnt.reached,
            "auc": learnt.auc,
        }
    return said


@dataclass(frozen=True)
class Examples:
    """Pairs of a person and a date: the features (n × k) as of the date, and whether the label came after it."""

    features: Floats
    reached: Flags


def learn(definition: Learned, train: Examples, test: Examples, *, at: str) -> Learned:
    """The definition with weights that make what was seen most likely (logistic regression, slightly shrunk).

    The same examples give the same weights: nothing is drawn. Raises ConflictError (not_enough_data).
    """
    for word, seen, least in (("train", train, LEAST_REACHED), ("test", test, LEAST_TESTED)):
        reached = int(seen.reached.sum())
        if min(reached, len(seen.reached) - reached) < least:
            raise ConflictError(
                f"not enough data: on the dates of {word} {reached:,} of {len(seen.reached):,} people with every"
                f" feature reached the label; at least {least} must, and {least} must not",
                code="not_enough_data",
                hint="name more or later dates, or fewer features that few people have",
            )
    mean, spread = train.features.mean(axis=0), train.features.std(axis=0)
    spread[spread == 0] = 1.0
    found = weights((train.features - mean) / spread, train.reached)
    weight = found[1:] / spread
    base = float(found[0] - weight @ mean)
    score = test.features @ weight
    features = tuple(
        Weighed(key, _short(one), _short(middle))
        for key, one, middle in zip(definition.features, weight, mean, strict=True)
    )
    learnt = Learnt(
        _short(base),
        features,
        at,
        len(train.reached),
        int(train.reached.sum()),
        round(auc(score, test.reached), 4),
    )
    return with_weights(definition, learnt)


def _short(number: float) -> float:
    """Nine digits: what a file shows."""
    return float(f"{number:.9g}")


def weights(features: Floats, reached: Flags) -> Floats:
    """The intercept and a weight for each standardized feature, by Newton's steps; the intercept is not shrunk."""
    rows = np.column_stack([np.ones(len(features)), features])
    held = np.full(rows.shape[1], SHRINK)
    held[0] = 0.0
    found = np.zeros(rows.shape[1])
    for _ in range(100):
        chance = 1.0 / (1.0 + np.exp(-np.clip(rows @ found, -700, 700)))
        slope = rows.T @ (reached - chance) - held * found
        bend = (rows * (chance * (1.0 - chance))[:, None]).T @ rows + np.diag(held)
        step = np.linalg.solve(bend, slope)
        found = found + step
        if float(np.abs(step).max()) < 1e-10:
            break
    return found


def auc(score: Floats, reached: Flags) -> float:
    """How often somebody who reached it has the greater score than somebody who did not; ties count one half."""
    _, place, alike = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(alike) - (alike - 1) / 2)[place]
    yes = int(reached.sum())
    no = len(reached) - yes
    return float((ranks[reached].sum() - yes * (yes + 1) / 2) / (yes * no))
