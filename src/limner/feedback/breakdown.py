"""A breakdown: what a sending did to the people of each value of a tag, a text or a channel, each with its interval.

Many groups are looked at together, so by chance alone one of twenty would stand out at 95 %. Every interval of a
difference is therefore as wide as it takes for all of the measure to hold together in 95 % of all repetitions
(Bonferroni: Dunn (1961), JASA 56), and only what stands out then is said to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from limner.columns import Array, Column
from limner.feedback import effects
from limner.feedback.effects import LEVEL, Arm, Interval
from limner.types import Json, ValueType

MOST_GROUPS = 12
"""Of a tag's texts those with most people stand for themselves; the others are one group."""

PARTS = 4
"""Numbers, money and instants of more values than this are cut into so many parts of about as many people."""

REACTED = ("opened", "clicked", "unsubscribed", "complained")


@dataclass(frozen=True)
class Group:
    """Who is looked at together: a `value`; a range [low, high) (high None: and more); the `rest`; or `unknown`."""

    value: Any = None
    low: Any = None
    high: Any = None
    rest: bool = False
    unknown: bool = False


@dataclass(frozen=True)
class Told:
    """What is known of each person of both arms, in one order: `sent` and the reactions as flags, money in units."""

    treated: Array
    sent: Array
    reacted: dict[str, Array]
    converted: Array | None = None
    money: Array | None = None


def grouped(column: Column, who: Array) -> tuple[Array, list[Group]]:
    """Into which group each of these people falls by their value; people without one are a group of their own.

    `who`: ordinals. The answer: for each of them a place in the list of groups; no group is empty.
    """
    inside = who < column.n
    here = np.where(inside, who, 0)
    known = inside & column.known_of(here) if column.n else np.zeros(len(who), dtype=bool)
    if column.type in (ValueType.FLAG, ValueType.TEXT):
        cells, groups = _named(column, here, known)
    else:
        cells, groups = _cut(column, here, known)
    cells = np.where(known, cells, len(groups))
    groups = [*groups, Group(unknown=True)]
    there = np.unique(cells)
    return np.searchsorted(there, cells), [groups[place] for place in there.tolist()]


def named(values: Sequence[str]) -> tuple[Array, list[Group]]:
    """The same by a name that each of the people has, such as a text or a channel; '' is unknown."""
    names, cells = np.unique(np.array(values, dtype=object).astype(str), return_inverse=True)
    return cells, [Group(value=str(name)) if name else Group(unknown=True) for name in names]


def _named(column: Column, here: Array, known: Array) -> tuple[Array, list[Group]]:
    codes = (
        np.zeros(len(here), dtype=np.int64) if column.codes is None else column.codes[here].astype(np.int64)
    )
    labels = list(column.labels or ())
    if column.type is ValueType.FLAG:
        return codes - 1, [Group(value=False), Group(value=True)]
    counts = np.bincount(codes[known], minlength=len(labels) + 1)
    shown = [code for code in np.argsort(-counts, kind="stable").tolist() if code and counts[code]]
    groups = [Group(value=labels[code - 1]) for code in shown[:MOST_GROUPS]]
    place = np.full(len(labels) + 1, len(groups), dtype=np.int64)
    place[shown[:MOST_GROUPS]] = np.arange(len(groups))
    return place[codes], [*groups, Group(rest=True)]


def _cut(column: Column, here: Array, known: Array) -> tuple[Array, list[Group]]:
    values = np.zeros(len(here))
    mine = here[known]
    if column.codes is not None:
        values[known] = np.asarray(column.labels)[column.codes[mine].astype(np.int64) - 1]
    elif column.values is not None:
        values[known] = column.values[mine]
    held = np.sort(values[known])
    distinct = np.unique(held)
    if len(distinct) <= PARTS:
        return np.searchsorted(distinct, values), [Group(value=column.python(one)) for one in distinct]
    cuts = np.unique(held[[len(held) * part // PARTS for part in range(PARTS)]])
    bounds = [column.python(cut) for cut in cuts]
    cells = np.clip(np.searchsorted(cuts, values, side="right") - 1, 0, None)
    return cells, [Group(low=low, high=high) for low, high in zip(bounds, [*bounds[1:], None], strict=True)]


def breakdown(cells: Array, groups: Sequence[Group], told: Told, *, arms: bool) -> list[Json]:
    """What the sending did in each group, as JSON; `arms`: whether the held out are of the groups as the treated are.

    Keys of each: people, treated, held_out, sent; opened, clicked, unsubscribed and complained {n, k, rate, low, high
    (95 %), differs: more or fewer than among all others, null when it cannot be told from chance}; converted
    {treated, held_out}; incremental {per_person, low, high} and state: more, fewer, no_difference or not_enough.
    """
    n = len(groups)
    treated = told.treated
    sent = np.bincount(cells[told.sent], minlength=n)
    people = np.bincount(cells, minlength=n)
    many = int((people > 0).sum())
    level = 1 - (1 - LEVEL) / max(1, many)
    counted = {what: np.bincount(cells[told.reacted[what] & told.sent], minlength=n) for what in REACTED}
    both = [_arms(cells[part], n, told, part) for part in (treated, ~treated)]
    rows = []
    for place in range(n):
        row: Json = {
            "people": int(people[place]),
            "treated": both[0][place].n,
            "held_out": both[1][place].n if arms else None,
            "sent": int(sent[place]),
        }
        for what in REACTED:
            k, total = int(counted[what][place]), int(sent[place])
            rest = (int(counted[what].sum()) - k, int(sent.sum()) - total)
            row[what] = {**_rate(k, total), "differs": _differs(k, total, *rest, level)}
        rows.append(row | _changed(both[0][place], both[1][place], level, told, arms=arms))
    return rows


def against_others(cells: Array, groups: Sequence[Group], told: Told) -> list[Json]:
    """Of each group, what its treated people did against the treated of all other groups, where a lot says who is in
    which.

    Keys of each: per_person, low and high (all groups together), state and why_not, as of `breakdown`.
    """
    nothing: Json = {"per_person": None, "low": None, "high": None, "state": "not_enough"}
    if told.converted is None:
        return [{**nothing, "why_not": "no_goal"} for _ in groups]
    n = len(groups)
    arms = _arms(cells[told.treated], n, told, told.treated)
    level = 1 - (1 - LEVEL) / max(1, sum(1 for arm in arms if arm.n))
    whole = (sum(arm.n for arm in arms), sum(arm.k for arm in arms))
    found = []
    for arm in arms:
        rest = Arm(whole[0] - arm.n, whole[1] - arm.k)
        lacking = effects.not_enough(arm, rest)
        if lacking is not None:
            found.append({**nothing, "why_not": lacking.reason})
            continue
        made = effects.newcombe(arm.k, arm.n, rest.k, rest.n, level=level)
        found.append(
            {
                "per_person": made.value,
                "low": made.low,
                "high": made.high,
                "state": _word(made, "no_difference"),
                "why_not": None,
            }
        )
    return found


def _arms(cells: Array, n: int, told: Told, part: Array) -> list[Arm]:
    people = np.bincount(cells, minlength=n)
    zero = np.zeros(n)
    if told.converted is None or told.money is None:
        return [Arm(int(many), 0) for many in people]
    money = told.money[part]
    converted = np.bincount(cells[told.converted[part]], minlength=n)
    totals = np.bincount(cells, weights=money, minlength=n) if len(cells) else zero
    squares = np.bincount(cells, weights=money * money, minlength=n) if len(cells) else zero
    return [
        Arm(int(many), int(k), float(total), float(square))
        for many, k, total, square in zip(people, converted, totals, squares, strict=True)
    ]


def _changed(treated: Arm, held_out: Arm, level: float, told: Told, *, arms: bool) -> Json:
    if told.converted is None:
        return {"converted": None, "incremental": None, "state": "not_enough", "why_not": "no_goal"}
    rates = {"treated": _rate(treated.k, treated.n), "held_out": _rate(held_out.k, held_out.n)}
    if not arms:
        rates["held_out"] = _rate(0, 0)
        return {"converted": rates, "incremental": None, "state": "not_enough", "why_not": "not_drawn_by_it"}
    lacking = effects.not_enough(treated, held_out)
    if lacking is not None:
        return {"converted": rates, "incremental": None, "state": "not_enough", "why_not": lacking.reason}
    made = effects.newcombe(treated.k, treated.n, held_out.k, held_out.n, level=level)
    return {
        "converted": rates,
        "incremental": {"per_person": made.value, "low": made.low, "high": made.high},
        "state": _word(made, "no_difference"),
        "why_not": None,
    }


def _word(made: Interval, neither: str | None) -> str | None:
    return "more" if made.low > 0 else "fewer" if made.high < 0 else neither


def _rate(k: int, n: int) -> Json:
    if not n:
        return {"n": 0, "k": 0, "rate": None, "low": None, "high": None}
    share = effects.wilson(k, n)
    return {"n": n, "k": k, "rate": share.value, "low": share.low, "high": share.high}


def _differs(k: int, n: int, k_rest: int, n_rest: int, level: float) -> str | None:
    """Whether surely more or fewer of the group than of all others; None where it cannot be told from chance."""
    if not n or not n_rest:
        return None
    return _word(effects.newcombe(k, n, k_rest, n_rest, level=level), None)
