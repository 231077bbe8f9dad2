"""Proposals: plans worth trying for another answer of one test, the smallest first, each with what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from limner.expressions import to_text
from limner.expressions import tree as t
from limner.expressions.predicate import fitting
from limner.expressions.scan import SUM_SCALE
from limner.expressions.windows import MICROSECOND
from limner.portraits.because.examples import properties_for
from limner.portraits.because.facts import Facts, Imagined
from limner.portraits.because.moment import (
    DAY,
    aggregate,
    among,
    answer,
    chains,
    kind_of,
    often,
    regular_periods,
)
from limner.portraits.because.plans import MOST_MISSING, Imagine, Lack, Plan, works
from limner.portraits.because.question import One, Question
from limner.portraits.because.weighing import Weighed, engines, interests, put_in
from limner.types import MONEY_SCALE, ValueType, utc

MOST_ALIKE = 50
"""So many events with the same property are tried."""

MOST_LIKED = 12
"""So many events of one label are tried for its weight."""

SOME = (1, 2, 3, 4, 6)
"""So many events at once are tried where only the engine knows what they bring."""

MOST_FED = 60
"""So many events of one kind are tried for a chance, one more after the other."""

MOST_IN_A_ROW = 6
"""So many units in a row are tried."""

MOST_HOURS = 3
"""So many hours or weekdays are tried for what is usual."""

MOST_HALVED = 16
"""So often an amount is halved on the way to the least."""


class Proposals:
    """Proposes plans for one person at one instant."""

    def __init__(
        self, facts: Facts, at: datetime, *, imagine: Imagine, told: Callable[[t.Expr, bool], Plan | None]
    ) -> None:
        self.facts, self.at, self.imagine, self.told = facts, at, imagine, told

    def of(self, leaf: t.Expr, wanted: bool) -> Iterator[tuple[Lack, Plan]]:
        """Plans worth trying, the smallest first, each with what it says is missing."""
        if engines(leaf):
            yield from self._of_engine(leaf)
            return
        match leaf:
            case t.Did(event, times, window):
                have = len(among(event, window, self.facts, self.at)[1])
                yield from self._counted(event, have, counts(times, wanted))
            case t.FirstDid(event):
                yield from self._happening(event, 1, have=0, need=1)
            case t.LastHas(event, has):
                where = has if wanted else t.Not(has)
                yield from self._happening(event, 1, have=0, need=1, more=where, code="last")
            case t.Regularly():
                if wanted:
                    yield from self._regularly(leaf)
            case t.Sequence():
                if wanted:
                    yield from self._steps(leaf)
            case t.HasBeen(test):
                yield from self._held(leaf, test, wanted)
            case _:
                for node in (node for node in t.walk(leaf) if isinstance(node, t.Aggregate)):
                    yield from self._valued(leaf, node)

    def _happening(
        self, event: t.Event, n: int, *, have: Any, need: Any, more: t.Expr | None = None, code: str = "events",
        what: str = "events", numbers: Mapping[str, Any] | None = None,
    ) -> Iterator[tuple[Lack, Plan]]:  # fmt: skip
        """So many such events, at once."""
        for imagined in self._examples(event, more):
            plan = Plan(tuple((imagined, timedelta(0)) for _ in range(n)))
            said = {"n": n, "event": event.name, "have": have, "need": need, **(numbers or {})}
            yield Lack(what, code, said, have=have, need=need, event=event, example=imagined, count=n), plan

    def _examples(self, event: t.Event, more: t.Expr | None = None) -> Iterator[Imagined]:
        """Events that the condition would mean."""
        condition = (
            event.where if more is None else more if event.where is None else t.And((event.where, more))
        )
        for given in properties_for(condition, self.facts.kinds, at=self.at, zone=self.facts.zone):
            imagined = self.imagine(event.name, given)
            if imagined is not None and event in imagined.matches:
                yield imagined

    def _counted(self, event: t.Event, have: int, bounds_of: Sequence[int]) -> Iterator[tuple[Lack, Plan]]:
        """Enough events for one of the counts."""
        for need in bounds_of:
            if 0 < need - have <= MOST_MISSING:
                yield from self._happening(event, need - have, have=have, need=need)

    def _regularly(self, leaf: t.Regularly) -> Iterator[tuple[Lack, Plan]]:
        have = regular_periods(leaf, self.facts, self.at)
        step = timedelta(seconds=leaf.each.seconds)
        for imagined in self._examples(leaf.event):
            for periods in range(1, min(leaf.periods, MOST_MISSING) + 1):
                events = tuple((imagined, step * k) for k in range(periods) for _ in range(often(leaf)))
                said = {
                    "n": periods, "have": have, "need": leaf.least, "event": leaf.event.name,
                    "each": leaf.each.n, "unit": leaf.each.unit, "times": often(leaf),
                }  # fmt: skip
                yield (
                    Lack(
                        "periods", "periods", said, have=have, need=leaf.least, event=leaf.event,
                        example=imagined, count=len(events),
                    ),
                    Plan(events),
                )  # fmt: skip
                if periods > leaf.least + 1:
                    break
            return

    def _steps(self, leaf: t.Sequence) -> Iterator[tuple[Lack, Plan]]:
        """The steps that are missing after the longest beginning, or after a shorter one, or all."""
        events = (leaf.first, *(step.event for step in leaf.steps))
        examples = [next(self._examples(event), None) for event in events]
        if any(example is None for example in examples):
            return
        for done in range(len(leaf.steps), -1, -1):
            if done and not chains(leaf, self.facts, self.at, done - 1):
                continue
            missing = [example for example in examples[done:] if example is not None]
            plan = Plan(tuple((example, MICROSECOND * k) for k, example in enumerate(missing)))
            said = {
                "n": len(missing), "step": done + 1, "event": events[done].name, "have": done, "need": len(events),
                "after": events[done - 1].name if done else None,
            }  # fmt: skip
            if done:
                said["since"] = chains(leaf, self.facts, self.at, done - 1)[-1][0]
            code = "step" if done else "steps"
            yield (
                Lack(
                    "step", code, said, have=done, need=len(events), event=events[done], example=missing[0],
                    count=len(missing),
                ),
                plan,
            )  # fmt: skip

    def _held(self, leaf: t.HasBeen, test: t.Expr, wanted: bool) -> Iterator[tuple[Lack, Plan]]:
        """What would have to be said of an attribute now, so that it has held for so long later."""
        for answered in (True, False) if wanted else (False,):
            plan = self.told(leaf, answered)
            if plan is not None:
                code = "attribute" if answered else "not_attribute"
                names = self.facts.about.get(leaf, ("",))
                said = {
                    "attribute": names[0],
                    "condition": to_text(test),
                    "example": dict(plan.said).get(names[0]),
                }
                yield Lack("attribute", code, said, count=1), plan

    # what only the engine says

    def _of_engine(self, leaf: t.Expr) -> Iterator[tuple[Lack, Plan]]:
        """More and more events of each kind that it looks at, with amounts and labels that it asks for."""
        for liked in interests(leaf):
            weighed = next(
                (one for one in t.walk(leaf) if isinstance(one, Weighed) and one.interest == liked), None
            )
            labels = (
                [weighed.label]
                if weighed
                else [item.value for item in literals(leaf) if isinstance(item, t.Text)]
            )
            bound = next((item.value for item in literals(leaf) if isinstance(item, t.Number)), None)
            have = None if weighed is None else self.facts.asked(weighed, self.at)
            for label in labels or ["another"]:
                said = {"label": label, "have": have, "need": bound}
                for term in sorted(liked.terms, key=lambda term: -term.points):
                    asked = t.Compare(t.Name(liked.of), "=", t.Text(label))
                    for n in range(1, MOST_LIKED + 1):
                        yield from self._happening(
                            term.event, n, have=have, need=bound, more=asked,
                            code="more" if weighed is None else "weight", numbers=said,
                        )  # fmt: skip
            return
        amounts = [
            node
            for node in t.walk(leaf)
            if isinstance(node, t.Aggregate)
            and node.of is not None
            and node.function in ("sum", "avg", "min", "max")
        ]
        events = list(dict.fromkeys(node for node in t.walk(leaf) if isinstance(node, t.Event)))
        for n in SOME:
            for event in events:
                if not any(node.event == event for node in amounts):
                    yield from self._happening(event, n, have=None, need=None, code="more")
        for node in t.walk(leaf):
            if isinstance(node, t.Streak):
                yield from self._in_a_row(node)
            if isinstance(node, t.Habit) and node.function in ("usual_hour", "usual_weekday"):
                yield from self._usually(leaf, node)
        for amount in amounts:
            yield from self._amount(leaf, amount)

    def _in_a_row(self, node: t.Streak) -> Iterator[tuple[Lack, Plan]]:
        """One event in each of so many calendar units to come."""
        step = {"day": DAY, "week": DAY * 7, "month": DAY * 30}.get(node.by, DAY * 365)
        for imagined in islice(self._examples(node.event), 1):
            for n in range(2, MOST_IN_A_ROW + 1):
                plan = Plan(tuple((imagined, step * k) for k in range(n)))
                said = {"n": n, "event": node.event.name, "unit": node.by}
                yield Lack("periods", "in_a_row", said, event=node.event, example=imagined, count=n), plan

    def _usually(self, leaf: t.Expr, node: t.Habit) -> Iterator[tuple[Lack, Plan]]:
        """So many events at the hour, or on the weekday, that is asked for."""
        hourly = node.function == "usual_hour"
        local = utc(self.at).astimezone(ZoneInfo(self.facts.zone))
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        asked = [
            n
            for n in (range(24) if hourly else range(1, 8))
            if answer(One("", put_in(leaf, node, t.Number(n))), self.facts, self.at)
        ]
        for n in asked[:MOST_HOURS]:
            days = 0 if hourly else (n - local.isoweekday()) % 7
            first = midnight + timedelta(days=days, hours=n if hourly else 12)
            if first <= local:
                first += timedelta(days=1 if hourly else 7)
            for imagined in islice(self._examples(node.event), 1):
                for count in (1, 2, 3, 5, 8, 13):
                    step = timedelta(days=1 if hourly else 7)
                    plan = Plan(tuple((imagined, first - local + step * k) for k in range(count)))
                    code = "at_hour" if hourly else "on_weekday"
                    said = {"n": count, "event": node.event.name, "usual": n}
                    yield Lack("events", code, said, event=node.event, example=imagined, count=count), plan

    def feeding(self, asked: Question, leaf: t.Compare, most: int) -> Iterator[tuple[Lack, Plan]]:
        """Plans that move one feature of a chance, as far as the test `leaf` asks or less: other features move with it.

        `most`: so many events of one kind are enough by the formula. The chance is asked itself, plan by plan.
        """
        events = list(dict.fromkeys(node for node in t.walk(leaf.left) if isinstance(node, t.Event)))
        for n in range(1, max(1, min(most, MOST_FED)) + 1):
            for event in events:
                yield from self._happening(event, n, have=None, need=None, code="more")
            for node in t.walk(leaf.left) if n == 1 else ():
                if isinstance(node, t.Aggregate) and node.function in ("sum", "avg", "min", "max"):
                    yield from self._amount(leaf, node, asked)
        yield from self.of(leaf, True)

    def _amount(
        self, leaf: t.Expr, node: t.Aggregate, asked: Question | None = None
    ) -> Iterator[tuple[Lack, Plan]]:
        """One more event with an amount: the least of some that works, and smaller ones down to the least.

        `asked`: what is to become another; default: the test itself.
        """
        kind = self.facts.kinds.get(node.of or "")
        if kind not in (ValueType.MONEY, ValueType.NUMBER) or node.of is None:
            return
        scale = MONEY_SCALE if kind is ValueType.MONEY else 1
        question = asked or One(to_text(leaf) if not _has_weighed(leaf) else "", leaf)
        named = {
            abs(item.value) for item in literals(leaf) if isinstance(item, t.Number) and abs(item.value) < 1e9
        }

        def proposed(amount: float) -> tuple[Lack, Plan] | None:
            value = round(amount * scale) if kind is ValueType.MONEY else round(amount, 2)
            exactly = t.Compare(t.Name(node.of or ""), "=", _literal(value, kind or ValueType.NUMBER))
            numbers = {"property": node.of, "value": value, "kind": str(kind)}
            return next(
                self._happening(
                    node.event, 1, have=None, need=None, more=exactly, code="value", numbers=numbers
                ),
                None,
            )

        wanted = not answer(question, self.facts, self.at)
        low = 0.0
        for amount in sorted({1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0, *named}):
            found = proposed(amount)
            if found is None or not works(self.facts, question, wanted, found[1], self.at):
                low = amount
                continue
            high = amount
            for _ in range(MOST_HALVED):
                middle = round((low + high) / 2, 2)
                if middle in (low, high):
                    break
                tried = proposed(middle)
                if tried is not None and works(self.facts, question, wanted, tried[1], self.at):
                    high, found = middle, tried
                else:
                    low = middle
            yield found
            return

    # values of events

    def _valued(self, leaf: t.Expr, node: t.Aggregate) -> Iterator[tuple[Lack, Plan]]:
        """Events that bring an aggregate where a test wants it."""
        have = aggregate(node, self.facts, self.at)
        if node.function == "count":
            for need in _whole_numbers(leaf, int(have)):
                if 0 < need - have <= MOST_MISSING:
                    yield from self._happening(node.event, need - have, have=have, need=need)
            return
        if node.of is None:
            yield from self._happening(node.event, 1, have=0, need=1)
            return
        kind = self.facts.kinds.get(node.of)
        if kind is None:
            return
        if node.function == "distinct":
            yield from self._different(leaf, node, int(have), kind)
            return
        if isinstance(leaf, t.TextTest):
            it = t.Name(node.of)
            for more in (replace(leaf, value=it), t.Not(replace(leaf, value=it))):
                yield from self._happening(
                    node.event, 1, have=have, need=None, more=more, code="matching",
                    numbers={"property": node.of, "condition": to_text(more), "kind": str(kind)},
                )  # fmt: skip
        for value, numbers in _targets(leaf, node, have, kind, self.facts, self.at):
            asked = t.Compare(t.Name(node.of), "=", _literal(value, kind))
            what, code = ("amount", "amount") if node.function == "sum" else ("events", "value")
            yield from self._happening(
                node.event, 1, have=numbers.get("have"), need=numbers.get("need"), more=asked, what=what, code=code,
                numbers={**numbers, "property": node.of, "value": value, "kind": str(kind)},
            )  # fmt: skip
        for n in range(1, MOST_ALIKE + 1) if node.function == "sum" else (1,):
            yield from self._happening(
                node.event, n, have=None, need=None, more=t.Known(t.Name(node.of)), code="value",
                numbers={"property": node.of, "value": None, "kind": str(kind)},
            )  # fmt: skip
        if node.function == "most_frequent":
            yield from self._commonest(leaf, node, kind)

    def _different(
        self, leaf: t.Expr, node: t.Aggregate, have: int, kind: ValueType
    ) -> Iterator[tuple[Lack, Plan]]:
        """Events with values that the person's have not had."""
        held = set(self.facts.rows[node.event].values[node.of or ""].values())
        fresh = _fresh(held, kind)
        for need in _whole_numbers(leaf, have):
            n = need - have
            if not 0 < n <= min(MOST_MISSING, 60):
                continue
            found: list[Imagined] = []
            for value in fresh:
                asked = t.Compare(t.Name(node.of or ""), "=", _literal(value, kind))
                found += list(self._examples(node.event, asked))[:1]
                if len(found) == n:
                    break
            if len(found) < n:
                return
            said = {"n": n, "event": node.event.name, "have": have, "need": need, "property": node.of}
            yield (
                Lack(
                    "events", "different", said, have=have, need=need, event=node.event, example=found[0], count=n
                ),
                Plan(tuple((imagined, timedelta(0)) for imagined in found)),
            )  # fmt: skip

    def _commonest(self, leaf: t.Expr, node: t.Aggregate, kind: ValueType) -> Iterator[tuple[Lack, Plan]]:
        """So many events with a value that it becomes the commonest."""
        inside = len(among(node.event, node.window, self.facts, self.at)[1])
        for literal in literals(leaf):
            for op, value in (("=", fitting(literal, kind, self.facts.zone)), ("!=", None)):
                asked = t.Compare(t.Name(node.of or ""), op, literal)
                for n in range(2, min(inside + 1, MOST_ALIKE) + 1):
                    yield from self._happening(
                        node.event, n, have=None, need=None, more=asked, code="value",
                        numbers={"property": node.of, "value": value, "kind": str(kind)},
                    )  # fmt: skip


def _has_weighed(leaf: t.Expr) -> bool:
    return any(isinstance(node, Weighed) for node in t.walk(leaf))


def counts(times: t.Times | None, wanted: bool) -> list[int]:
    """The counts nearest to which the condition has the wanted answer, the smallest first."""
    op, n = ("at least", 1) if times is None else (times.op, times.n)
    if not wanted:
        if op == "exactly":
            return [n + 1] if n == 0 else [n - 1, n + 1]
        op = {
            "at least": "fewer than",
            "fewer than": "at least",
            "at most": "more than",
            "more than": "at most",
        }[op]
    return [{"exactly": n, "at least": n, "more than": n + 1, "at most": n, "fewer than": n - 1}[op]]


def literals(leaf: t.Expr) -> list[t.Literal]:
    """The literals that the test compares with; not those inside events."""
    found: list[t.Literal] = []
    waiting: list[t.Node] = [leaf]
    while waiting:
        node = waiting.pop()
        if isinstance(node, t.Flag | t.Text | t.Number | t.Instant):
            found.append(node)
        elif not isinstance(node, t.Event | t.Window):
            waiting.extend(t.children(node))
    return found


def _whole_numbers(leaf: t.Expr, have: int) -> list[int]:
    """Whole numbers near those that the test names, above what there is, the smallest first."""
    named = [item.value for item in literals(leaf) if isinstance(item, t.Number) and abs(item.value) < 1e9]
    near = {int(number) + k for number in named for k in (-1, 0, 1, 2)}
    near |= {have + 1}
    return sorted(number for number in near if number > have)


def _literal(value: Any, kind: ValueType) -> t.Literal:
    match kind:
        case ValueType.FLAG:
            return t.Flag(value)
        case ValueType.TEXT:
            return t.Text(value)
        case ValueType.MONEY:
            units = value / MONEY_SCALE
            return t.Number(int(units) if units.is_integer() else units)
        case ValueType.NUMBER:
            return t.Number(int(value) if float(value).is_integer() and abs(value) < 2**53 else value)
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001 - instants are naive UTC inside
    return t.Instant((epoch + timedelta(microseconds=value)).isoformat() + "Z")


def _fresh(held: set[Any], kind: ValueType) -> list[Any]:
    match kind:
        case ValueType.TEXT:
            wanted: list[Any] = [f"another {n}" for n in range(1, 200)]
        case ValueType.NUMBER:
            wanted = list(range(1, 200))
        case ValueType.MONEY:
            wanted = [n * MONEY_SCALE for n in range(1, 200)]
        case ValueType.FLAG:
            wanted = [True, False]
        case _:
            wanted = [n * 86_400_000_000 for n in range(1, 200)]
    return [value for value in wanted if value not in held]


def _targets(
    leaf: t.Expr, node: t.Aggregate, have: Any, kind: ValueType, facts: Facts, at: datetime
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Values of one more event's property that may bring the aggregate where the test wants it, with what to say."""
    smallest = 1 if kind is ValueType.MONEY else 1 / SUM_SCALE
    other = _other_side(leaf, node)
    goals: list[Any] = []
    for item in literals(leaf):
        goal = fitting(item, kind, facts.zone)
        if isinstance(goal, datetime):
            goal = (goal - datetime(1970, 1, 1)) // MICROSECOND  # noqa: DTZ001 - instants are naive UTC inside
        if isinstance(goal, bool | str | int | float):
            goals.append(goal)
    if isinstance(other, t.Aggregate):
        reached = aggregate(other, facts, at)
        if isinstance(reached, int | float) and not isinstance(reached, bool):
            scale = {
                (ValueType.MONEY, ValueType.NUMBER): MONEY_SCALE,
                (ValueType.NUMBER, ValueType.MONEY): 1 / MONEY_SCALE,
            }
            goals.append(reached * scale.get((kind, kind_of(other, facts) or kind), 1))
    for goal in goals:
        if isinstance(goal, str | bool):
            yield goal, {"have": have, "need": goal}
            if isinstance(goal, bool):
                yield not goal, {"have": have, "need": not goal}
            else:
                yield goal + "x", {"have": have, "need": None}
            continue
        steps = (0, smallest, -smallest, 1, -1) if kind is ValueType.NUMBER else (0, smallest, -smallest)
        for step in steps:
            target = goal + step
            said = {"have": have, "need": goal}
            if node.function == "sum":
                rest = target - (have or 0)
                if rest != 0:
                    yield _kept(rest, kind), {**said, "more": _kept(rest, kind)}
            elif node.function == "avg":
                found, inside = among(node.event, node.window, facts, at)
                n = sum(found.ids[i] in found.scaled[node.of or ""] for i in inside)
                yield _kept(target * (n + 1) - (have or 0) * n, kind), said
            else:
                yield _kept(target, kind), said


def _kept(value: Any, kind: ValueType) -> Any:
    """As the engine keeps it."""
    return round(value) if kind in (ValueType.MONEY, ValueType.INSTANT) else round(value, 6)


def _other_side(leaf: t.Expr, node: t.Aggregate) -> t.Value | None:
    if not isinstance(leaf, t.Compare):
        return None
    return leaf.right if leaf.left == node else leaf.left
