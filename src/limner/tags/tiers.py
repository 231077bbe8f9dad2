"""Tiers: the `cuts` of a rule: named tiers of a number, by thresholds or by percentiles of people. Reads no data.

Cut points of percentiles are part of the definition: they stand in the file (`frozen`), so that nobody moves because
others came, and who would move by new ones is seen in a plan before it happens.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from ruamel.yaml.comments import CommentedSeq

from limner.expressions.printer import name_text
from limner.tags.document import KEY, Document
from limner.tags.model import Case, Cuts, Rule, Tiers, Value

EVERY_RUN = "every run"
MOST_TIERS = 100
SCALE = 1_000
"""Percentages have at most three decimals, and are computed with as whole numbers."""

MILLIONTHS = 1_000_000


def read(document: Document, *, of: bool) -> Cuts:
    """The cuts of a tag file: of a tag (`of`), else of the rule's own points. Raises DefinitionError at its place."""
    given = document.value("cuts")
    if not isinstance(given, Mapping):
        hint = "cuts: {of: spent_365d, tiers: [low, high], at: [100]}"
        raise document.error("'cuts' has tiers and at", "cuts", hint=hint)
    document.known_keys(("of", "tiers", "at", "frozen", "frozen_at", "refresh"), "cuts")
    key = document.string("cuts", "of", required=of)
    if not of and "of" in given:
        raise document.error("a rule with 'points' cuts its points: leave 'of' out", "cuts", "of")
    if of and not KEY.match(key):
        raise document.error(f"'{key}' is no tag key", "cuts", "of")
    tiers = document.strings("cuts", "tiers")
    at, percent = _at(document)
    if len(tiers) != len(at) + 1:
        message = f"{len(at)} cut points make {len(at) + 1} tiers, not {len(tiers)}"
        raise document.error(message, "cuts", "tiers", hint="the lowest first")
    if len(set(tiers)) < len(tiers):
        raise document.error("two tiers have one name", "cuts", "tiers")
    every_run = _every_run(document)
    if percent and not of:
        hint = "make the points a tag of their own, and cut that"
        raise document.error("percentiles are of a tag", "cuts", "at", hint=hint)
    if not percent and (every_run or "frozen" in given):
        key = "refresh" if every_run else "frozen"
        raise document.error(f"fixed cut points have no '{key}'", "cuts", key, of_key=True)
    if every_run and "frozen" in given:
        raise document.error("what every run computes is not frozen", "cuts", "frozen", of_key=True)
    frozen = _frozen(document, len(at)) if given.get("frozen") is not None else None
    return Cuts(key, tiers, at, percent, frozen, _day(document), every_run)


def _at(document: Document) -> tuple[tuple[int | float, ...], bool]:
    listed = document.value("cuts", "at")
    if not isinstance(listed, list) or not 1 <= len(listed) < MOST_TIERS:
        raise document.error("'at' is a list of cut points", "cuts", "at", hint="[100, 500] or [50%, 80%]")
    shares = [isinstance(item, str) and item.strip().endswith("%") for item in listed]
    if any(shares) != all(shares):
        raise document.error("either all cut points are percentages or none", "cuts", "at")
    found: list[int | float] = []
    for place, item in enumerate(listed):
        if not shares[0]:
            found.append(number(document, item, "cuts", "at", place))
            continue
        try:
            share = float(item.strip().removesuffix("%"))
        except ValueError:
            share = math.nan
        if not 0 < share < 100 or not math.isclose(share * SCALE, round(share * SCALE), rel_tol=1e-12):
            message = f"'{item}' is no percentage between 0 and 100 with at most three decimals"
            raise document.error(message, "cuts", "at", place)
        found.append(_neat(share))
    if any(high <= low for low, high in pairwise(found)):
        raise document.error("cut points rise", "cuts", "at")
    return tuple(found), shares[0]


def _frozen(document: Document, n: int) -> tuple[int | float, ...]:
    listed = document.value("cuts", "frozen")
    if not isinstance(listed, list) or len(listed) != n:
        raise document.error(
            f"'frozen' is a list of {n} cut points", "cuts", "frozen", hint="limner tag cut KEY computes them"
        )
    found = [number(document, item, "cuts", "frozen", place) for place, item in enumerate(listed)]
    if any(high < low for low, high in pairwise(found)):
        raise document.error("cut points do not fall", "cuts", "frozen")
    return tuple(found)


def _every_run(document: Document) -> bool:
    refresh = document.string("cuts", "refresh")
    if refresh not in ("", EVERY_RUN):
        hint = f"refresh: {EVERY_RUN}; without it they stay until limner tag cut"
        raise document.error(f"'{refresh}' is no refresh of cut points", "cuts", "refresh", hint=hint)
    return refresh == EVERY_RUN


def _day(document: Document) -> str:
    given = document.value("cuts", "frozen_at")
    if given is None:
        return ""
    if isinstance(given, date):  # a datetime is one, too
        return date(given.year, given.month, given.day).isoformat()
    try:
        return datetime.fromisoformat(given).date().isoformat()
    except (TypeError, ValueError):
        raise document.error(f"'{given}' is no date", "cuts", "frozen_at", hint="2026-11-01") from None


def number(document: Document, given: Any, *path: str | int) -> int | float:
    """A number of the file with at most six decimals. Raises DefinitionError at its place when it is none."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise document.error(f"'{given}' is no number", *path)
    if abs(given) > 1e12 or not math.isclose(millionths(given) / MILLIONTHS, given, rel_tol=1e-15):
        raise document.error(f"'{given}' is too large, or has more than six decimals", *path)
    return _neat(given)


def millionths(points: float) -> int:
    """The points in whole millionths, in which they are added up."""
    return round(points * MILLIONTHS)


def _neat(value: float) -> int | float:
    return int(value) if float(value).is_integer() else float(value)


def definition(cuts: Cuts, otherwise: Value | None) -> Rule | Tiers:
    """What the cuts of a tag mean: a rule of cases where the cut points are known, the highest tier first."""
    points = cuts.points
    if points is None:
        return Tiers(cuts, otherwise)
    name = name_text(cuts.of)
    above = [Case(f"{name} >= {point!r}", tier) for point, tier in zip(points, cuts.tiers[1:], strict=True)]
    return Rule((*reversed(above), Case(f"known({name})", cuts.tiers[0])), otherwise, cuts)


def written(cuts: Cuts) -> dict[str, Any]:
    """The cuts as they stand in a file."""
    found: dict[str, Any] = {} if not cuts.of else {"of": cuts.of}
    found["tiers"] = list(cuts.tiers)
    found["at"] = [f"{point:g}%" for point in cuts.at] if cuts.percent else list(cuts.at)
    if cuts.frozen is not None:
        found["frozen"] = list(cuts.frozen)
    if cuts.frozen_at:
        found["frozen_at"] = date.fromisoformat(cuts.frozen_at)
    if cuts.every_run:
        found["refresh"] = EVERY_RUN
    return found


def refrozen(block: Mapping[str, Any], points: Sequence[int | float], day: date) -> dict[str, Any]:
    """The `cuts` of a file with other frozen cut points, in one line."""
    listed = CommentedSeq(points)
    listed.fa.set_flow_style()
    return {**block, "frozen": listed, "frozen_at": day}


def place(percent: float, n: int) -> int:
    """At which place of n values in ascending order (from 0) the cut point stands: so many are below it, ties aside."""
    return n * round(percent * SCALE) // (100 * SCALE)


def cut_points(values: Any, percents: Sequence[float]) -> list[Any]:
    """The cut points of a sorted array: each is one of its values. Raises ValueError when there are none."""
    if not len(values):
        raise ValueError("nobody has a value")
    return [values[place(percent, len(values))] for percent in percents]
