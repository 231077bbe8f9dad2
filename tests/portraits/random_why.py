"""Random histories and conditions about one person, from a seed: small numbers, so that answers lie near each other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.builders import AS_OF

NAMES = ("Order Paid", "Order Refunded", "$page", "Product Viewed")
CITIES = ("上海", "北京")
CATEGORIES = ("tea", "cups", "pots")
AGGREGATES = ("sum", "avg", "min", "max", "distinct", "last", "first", "most_frequent")

KINDS = {
    "did": 4, "times": 6, "aggregate": 4, "recency": 2, "sequence": 3, "regularly": 2, "first": 1, "last": 2,
    "attribute": 3, "value": 1, "known": 1, "for": 1, "sample": 0.2, "habit": 3,
}  # fmt: skip
"""How often each kind of condition comes."""


def history(random: Random, ix: int) -> list[tuple[Any, ...]]:
    """A few events of the last 60 days, some at the same instant."""
    rows: list[tuple[Any, ...]] = []
    for _ in range(random.randint(0, 9)):
        ts = moment(random)
        if rows and random.random() < 0.1:
            ts = rows[-1][2]
        properties: dict[str, Any] = {}
        if random.random() < 0.8:
            properties["amount"] = random.choice((5, 10, 12.5, 40, 80))
        if random.random() < 0.8:
            properties["category"] = random.choice(CATEGORIES)
        if random.random() < 0.5:
            properties["quantity"] = random.choice((1, 2, 3))
        if random.random() < 0.3:
            properties["gift"] = random.random() < 0.5
        rows.append((ix, random.choice(NAMES), ts, properties))
    return rows


def words(random: Random, ix: int) -> list[tuple[Any, ...]]:
    """What was said of attributes."""
    rows: list[tuple[Any, ...]] = []
    if random.random() < 0.6:
        rows.append((ix, "city", random.choice(CITIES), moment(random)))
    if random.random() < 0.5:
        rows.append((ix, "age", random.choice((17, 18, 40)), moment(random)))
    if random.random() < 0.2:
        rows.append((ix, "city", None, moment(random), "unset"))
    return rows


def moment(random: Random) -> datetime:
    """An instant of the last 60 days."""
    return AS_OF - timedelta(
        days=random.randint(0, 60),
        hours=random.randint(0, 23),
        seconds=random.randint(1, 3599),
        microseconds=random.randint(0, 999_999),
    )


def window(random: Random) -> str:
    """A window of time, mostly the usual ones."""
    return random.choice(
        (
            "", "in last 7 days", "in last 30 days", "in last 90 days", "in this month", "in last 2 calendar months",
            "in last 2 calendar weeks", "since 2025-05-01", "from 2025-05-01 to 2025-07-01", "before 2025-05-15",
            "between 30 days and 5 days ago", "more than 20 days ago",
        )
        if random.random() < 0.5
        else ("", "in last 7 days", "in last 30 days", "in last 45 days")
    )  # fmt: skip


def where(random: Random) -> str:
    """A condition of one event."""
    kind = random.random()
    if kind < 0.6:
        return ""
    return " where " + random.choice(
        (
            "amount >= 12", "category = 'tea'", "(amount > 5 and category in ('tea', 'cups'))", "quantity = 2", "gift",
            "not category = 'tea'", "known(amount)", "(category = 'pots' or amount < 10)",
            "category starts with 'te'", "category ~ '^t'", "category ~ '(pot|cup)s?$'", "not category ~ 'a'",
            "weekday <= 5", "amount between 6 and 50",
        )
    ).replace("gift", "(gift = true)")  # fmt: skip


def name(random: Random) -> str:
    """An event's name, sometimes any."""
    return random.choice((*(f'"{item}"' for item in NAMES), '"Order Paid"', '"Order*"', "*"))


def event(random: Random) -> tuple[str, str, str]:
    """Name, window, where."""
    return name(random), window(random), where(random)


def leaf(random: Random, tags: tuple[str, ...] = ()) -> str:
    """One condition without and, or, not."""
    weights = {**KINDS, "tag": 4 if tags else 0}
    kind = random.choices(list(weights), list(weights.values()))[0]
    n, w, c = event(random)
    match kind:
        case "did":
            return f"did {n} {w}{c}"
        case "times":
            op = random.choice(("at least", "at least", "exactly", "at most", "fewer than", "more than"))
            return f"did {n} {op} {random.randint(1, 4)} times {w}{c}"
        case "aggregate":
            return aggregate(random)
        case "recency":
            return f"recency({n} {w}{c}) {random.choice(('<=', '>', '>=', '<'))} {random.choice((3, 10, 30))}"
        case "sequence":
            text = f"did {n} {w}{c}"
            for _ in range(random.randint(1, 2)):
                text += f" then {name(random)}{where(random)}"
                if random.random() < 0.7:
                    text += f" within {random.choice((2, 7, 30))} days"
            return text + (f" without {name(random)}" if random.random() < 0.2 else "")
        case "regularly":
            times = random.choice(("", "", "at least 2 times "))
            periods = random.randint(2, 4)
            return f"did {n} {times}in at least {random.randint(1, periods)} of the last {periods} periods of 7 days{c}"
        case "first":
            return f"first did {n} {w or 'in last 30 days'}{c}"
        case "last":
            has = random.choice(("amount > 10", "category = 'tea'"))
            return f"last {n} {w}{c} has {has}"
        case "habit":
            return habit(random)
        case "attribute":
            return random.choice(
                (
                    "person.city = '上海'",
                    "person.age >= 18",
                    "known(person.city)",
                    "person.age between 18 and 30",
                    "person.city in ('上海', '北京')",
                    "person.city ~ '[海京]$'",
                    "person.city contains '北'",
                )
            )
        case "value":
            when = random.choice(("in last 7 days", "since 2025-05-10", "more than 30 days ago"))
            return f"last_time({n} {c}) {when}"
        case "tag":
            return random.choice(tags)
        case "known":
            return f"known(last(category of {n} {w}{c}))"
        case "for":
            return f"person.age >= 18 for {random.choice(('at least', 'less than'))} {random.choice((7, 30))} days"
    return "sample(0.5, 7)"


def habit(random: Random) -> str:
    """A comparison of what only the engine says: habits, streaks, ranks, windows that events begin, sums of values."""
    n, w, c = event(random)
    when = random.choice(("", "in last 30 days", "since 2025-05-01"))
    op = random.choice((">=", "<", "=", "!="))
    return random.choice(
        (
            f"gap({n} {when}{c}) {op} {random.choice((3, 8, 20))}",
            f"share({n} {when} where amount > 10) {op} {random.choice((0.5, 0.3, 1))}",
            f"usual_hour({n} at least 1 times {when}{c}) {op} {random.choice((6, 12, 18))}",
            f"usual_weekday({n} at least 2 times {when}{c}) {op} {random.choice((2, 5))}",
            f"streak({n} by {random.choice(('day', 'week', 'month'))} {when}{c}) {op} {random.choice((1, 2))}",
            f"current_streak({n} by {random.choice(('week', 'month'))}{c}) {op} {random.choice((1, 2))}",
            f'delay("Order Paid" {when} to {n}{c}) {op} {random.choice((1, 7, 20))}',
            f"most_frequent(category of {n} {when}{c}, 2) {random.choice(('=', '!='))} 'tea'",
            f'count({n} since first "Order Paid"{c}) {op} {random.choice((1, 2))}',
            f'did {n} since last "$page"{c}',
            f'sum(amount of {n} {w}{c}) + sum(amount of "Order Paid") {op} {random.choice((50, 120))}',
            f'sum(amount of "Order Paid") / count("Order Paid" {when}) {op} {random.choice((15, 40))}',
            f'count({n} {w}{c}) - count("Order Refunded") {op} {random.choice((1, 2))}',
        )
    )


def aggregate(random: Random) -> str:
    """A comparison of an aggregate."""
    n, w, c = event(random)
    function = random.choice((*AGGREGATES, "sum", "sum"))
    if function in ("last", "first", "most_frequent"):
        return f"{function}(category of {n} {w}{c}) {random.choice(('=', '!=', '~'))} '{random.choice(CATEGORIES)}'"
    of = "category" if function == "distinct" else random.choice(("amount", "quantity"))
    op = random.choice((">=", ">", ">=", "<", "=", "!="))
    goal = (
        random.randint(1, 3)
        if function == "distinct" or of == "quantity"
        else random.choice((10, 40, 100, 99.5))
    )
    return f"{function}({of} of {n} {w}{c}) {op} {goal}"


def scored(rows: Mapping[str, float], cuts: tuple[float, ...] = ()) -> str:
    """A tag of added points; with two cut points one of the tiers cold, warm, hot."""
    written = "".join(
        f"  - when: {json.dumps(when, ensure_ascii=False)}\n    points: {n}\n" for when, n in rows.items()
    )
    tiers = f"cuts: {{tiers: [cold, warm, hot], at: {list(cuts)}}}\n" if cuts else ""
    kind = "text" if cuts else "number"
    return f"nature: model\nmethod: rule\ntype: {kind}\npoints:\n{written}{tiers}validity: 2 days\n"


def points(random: Random, tags: tuple[str, ...]) -> str:
    """A tag of added points of random conditions, half of them cut into tiers."""
    rows = {condition(random, tags): random.choice((5, 3, 2.5, 1, -2)) for _ in range(random.randint(1, 4))}
    return scored(rows, random.choice(((), (2, 5), (1, 4))))


def value(random: Random) -> str:
    """A statistic: one aggregate."""
    n, w, c = event(random)
    if random.random() < 0.4:
        return random.choice(
            (
                f"gap({n} {c})", f"usual_hour({n} at least 1 times in last 30 days{c})", f"streak({n} by week{c})",
                f"current_streak({n} by month{c})", f"count({n} since first $page{c})",
                f'sum(amount of {n} {w}{c}) + sum(amount of "Order Refunded")',
                f"interest(category of {n} * 2 half life 10 days)",
                f'demand(category of $page * 3 half life 7 days in last 60 days until {n})',
                f"most_frequent(category of {n} {w}{c}, 2)",
            )
        )  # fmt: skip
    function = random.choice(("count", "count", "recency", "first_time", "last_time", *AGGREGATES))
    if function in ("count", "recency", "first_time", "last_time"):
        return f"{function}({n} {w}{c})"
    of = "category" if function in ("distinct", "last", "first", "most_frequent") else "amount"
    return f"{function}({of} of {n} {w}{c})"


def condition(random: Random, tags: tuple[str, ...] = ()) -> str:
    """One to four conditions."""
    kind = random.random()
    if kind < 0.45:
        return leaf(random, tags)
    if kind < 0.6:
        return f"not ({leaf(random, tags)})" if random.random() < 0.5 else f"not {leaf(random, tags)}"
    word = random.choice((" and ", " and ", " or "))
    parts = [leaf(random, tags) for _ in range(random.randint(2, 3))]
    if random.random() < 0.3:
        other = " or " if word == " and " else " and "
        parts[0] = f"({parts[0]}{other}{leaf(random, tags)})"
    return word.join(f"({part})" if random.random() < 0.3 else part for part in parts)
