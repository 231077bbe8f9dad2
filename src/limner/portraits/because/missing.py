"""Missing: the least that is missing for another answer, what would make it so and until when. Tried before it is said.

A plan names events that would have to happen one after the other, and what would have to be said of attributes. It is
said only when the answer, with the plan carried out at once, is the one that is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from limner.expressions import to_text
from limner.expressions import tree as t
from limner.expressions.predicate import fitting
from limner.expressions.scan import SUM_SCALE
from limner.expressions.windows import MICROSECOND, instant_of
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
    points,
    regular_periods,
)
from limner.portraits.because.question import (
    All,
    Fixed,
    One,
    Opposite,
    Question,
    Score,
    Some,
    Sure,
    leaves_of,
)
from limner.portraits.because.turning import TooMany, Unsaid, affordable, first_turn, later, timely, turns
from limner.portraits.because.weighing import Weighed, engines, interests, put_in
from limner.tags.tiers import MILLIONTHS
from limner.types import MONEY_SCALE, ValueType, utc

Imagine = Callable[[str, Mapping[str, Any]], Imagined | None]
"""An event of that name with those properties, and which conditions mean it; None when there cannot be one."""

MOST_MISSING = 1_000
"""Of more missing events than this nothing is planned."""

MOST_TRIED = 400
"""So many instants are tried for how long a plan works; later ones are not claimed."""

MOST_ALIKE = 50
"""So many events with the same property are tried."""

MOST_LIKED = 12
"""So many events of one label are tried for its weight."""

SOME = (1, 2, 3, 4, 6)
"""So many events at once are tried where only the engine knows what they bring."""

MOST_IN_A_ROW = 6
"""So many units in a row are tried."""

MOST_HOURS = 3
"""So many hours or weekdays are tried for what is usual."""

MOST_HALVED = 16
"""So often an amount is halved on the way to the least."""

UNSAID_COST = 1_000_000.0
NEVER_COST = 1_000_000_000.0


@dataclass(frozen=True)
class Until:
    """Before `at` it helps (None: at any time). Not `exact`: it may help later too, which was not looked at."""

    at: datetime | None
    exact: bool = True


@dataclass(frozen=True)
class Plan:
    """Events, each so long after the first; attributes that would be told; and how long to wait after all that.

    Where an attribute is told, `tests` have other answers from then on, and those of `since` hold from then on (False:
    no longer). `lists`: lists kept by hand, and whether the person is put on them or taken off.
    """

    events: tuple[tuple[Imagined, timedelta], ...] = ()
    tests: Mapping[t.Expr, bool] = field(default_factory=dict)
    since: Mapping[t.Expr, bool] = field(default_factory=dict)
    said: tuple[tuple[str, Any], ...] = ()
    wait: timedelta = timedelta(0)
    lists: tuple[tuple[str, bool], ...] = ()

    @property
    def span(self) -> timedelta:
        """From its first event to its last."""
        return max((by for _, by in self.events), default=timedelta(0))

    def carried_out(self, facts: Facts, at: datetime) -> Facts:
        """The facts, had it been carried out from that instant on."""
        told = facts.turning(self.tests, {leaf: at if held else None for leaf, held in self.since.items()})
        return told.plus((event, at + by) for event, by in self.events)

    def done(self, begin: datetime) -> datetime:
        """The instant at which it is to be asked whether it worked."""
        return begin + self.span + MICROSECOND + self.wait

    def __or__(self, other: Plan) -> Plan:
        """Both, one after the other."""
        after = self.span + MICROSECOND if self.events else timedelta(0)
        return Plan(
            (*self.events, *((event, after + by) for event, by in other.events)),
            {**self.tests, **other.tests},
            {**self.since, **other.since},
            tuple(dict.fromkeys((*self.said, *other.said))),
            max(self.wait, other.wait),
            tuple(dict.fromkeys((*self.lists, *other.lists))),
        )


@dataclass(frozen=True)
class Lack:
    """What is missing, as data: `code` says which sentence tells it, `numbers` are what stands in it.

    `what`: events, amount, step, periods, time, attribute, list, points, never or unsaid. `until`: how long it helps;
    `at`: when time alone brings it.
    """

    what: str
    code: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    have: Any = None
    need: Any = None
    event: t.Event | None = None
    example: Imagined | None = None
    count: int = 0
    until: Until | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Near:
    """How near a question is to the wanted answer: it has it (`holds`), or what is missing, part by part.

    `plan` works when it is begun now and before `until`, or exactly at `begin` where other parts must wait; `alone` is
    when time by itself brings the answer.
    """

    question: Question
    wanted: bool
    holds: bool
    lack: Lack | None = None
    parts: tuple[Near, ...] = ()
    plan: Plan | None = None
    alone: datetime | None = None
    until: Until | None = None
    begin: datetime | None = None
    nearest: int | None = None
    cost: float = 0.0

    @property
    def said(self) -> bool:
        """Whether something could be said for certain."""
        return self.holds or self.plan is not None or self.alone is not None or self.never

    @property
    def never(self) -> bool:
        """Whether it can never have the wanted answer."""
        return self.lack is not None and self.lack.what == "never"


class Nearness:
    """Works out what is missing for one person at one instant."""

    def __init__(
        self, facts: Facts, at: datetime, *, imagine: Imagine, told: Callable[[t.Expr, bool], Plan | None]
    ) -> None:
        self.facts, self.at, self.imagine, self.told = facts, at, imagine, told

    def near(self, question: Question, wanted: bool = True) -> Near:
        """What is missing for the question to have the wanted answer."""
        has = answer(question, self.facts, self.at) == wanted
        match question:
            case Opposite(_, part):
                inner = self.near(part, not wanted)
                return replace(inner, question=question, wanted=wanted, parts=(inner,), nearest=0)
            case All(_, parts) | Some(_, parts):
                found = tuple(self.near(part, wanted) for part in parts)
                if has:
                    return Near(question, wanted, True, parts=found)
                if isinstance(question, All) == wanted:
                    return self._every(question, wanted, found)
                return self._any(question, wanted, found)
            case Sure():
                return Near(
                    question,
                    wanted,
                    has,
                    None if has else Lack("never", "sure"),
                    cost=0 if has else NEVER_COST,
                )
            case Score():
                return self._score(question, wanted, has=has)
            case Fixed(_, leaf):
                return Near(question, wanted, True) if has else self._fixed(question, wanted, leaf)
            case One(_, leaf):
                return Near(question, wanted, True) if has else self._one(question, wanted, leaf)

    # what several parts need

    def _every(self, question: Question, wanted: bool, parts: tuple[Near, ...]) -> Near:
        """All parts must have the answer: those that fail, together."""
        failing = [part for part in parts if not part.holds]
        base = Near(question, wanted, False, parts=parts, alone=self._alone(question, wanted))
        cost = sum(part.cost for part in failing)
        never = next((part for part in failing if part.never), None)
        if never is not None:
            return replace(
                base, lack=replace(never.lack, code="part_never") if never.lack else None, cost=NEVER_COST
            )
        unsaid = next((part for part in failing if not part.said), None)
        if unsaid is not None and base.alone is None:
            lack = unsaid.lack or Lack("unsaid", "unsaid")
            return replace(base, lack=Lack("unsaid", lack.code, lack.numbers), cost=UNSAID_COST)
        plan = self._together(question, wanted, failing)
        if plan is not None:
            return replace(base, plan=plan, until=self._until(question, wanted, plan), cost=cost)
        waited = self._waiting(question, wanted, failing)
        if waited is not None:
            return replace(base, plan=waited[0], begin=waited[1], cost=cost + 1)
        if base.alone is not None:
            return replace(base, lack=Lack("time", "alone", at=base.alone), cost=cost)
        return replace(base, lack=Lack("unsaid", "together"), cost=UNSAID_COST)

    def _together(self, question: Question, wanted: bool, failing: Sequence[Near]) -> Plan | None:
        """One plan for all the failing parts: where one helps another too, it counts once."""
        if any(part.plan is None for part in failing):
            return None
        plans = [(part.question, part.wanted, part.plan) for part in failing if part.plan is not None]
        sparing = Plan()
        for asked, answer_wanted, plan in sorted(plans, key=lambda item: -len(item[2].events)):
            tried = sparing.carried_out(self.facts, self.at)
            if answer(asked, tried, sparing.done(self.at)) != answer_wanted:
                sparing = sparing | plan
        full = Plan()
        for _, _, plan in plans:
            full = full | plan
        return next((plan for plan in (sparing, full) if self._works(question, wanted, plan, self.at)), None)

    def _waiting(
        self, question: Question, wanted: bool, failing: Sequence[Near]
    ) -> tuple[Plan, datetime] | None:
        """What must happen just before an instant for which other parts must wait."""
        waits = [part.alone for part in failing if part.plan is None and part.alone is not None]
        if not waits or any(part.plan is None and part.alone is None for part in failing):
            return None
        plan = Plan()
        for part in failing:
            if part.plan is not None:
                plan = plan | part.plan
        at = max(waits)
        begin = at - (plan.done(at) - at)
        if begin < self.at or not self._works(question, wanted, plan, begin):
            return None
        return plan, begin

    def _any(self, question: Question, wanted: bool, parts: tuple[Near, ...]) -> Near:
        """One part is enough: the one that lacks least."""
        base = Near(question, wanted, False, parts=parts)
        if not parts:
            return replace(base, lack=Lack("never", "no_way"), cost=NEVER_COST)
        n = min(range(len(parts)), key=lambda i: (parts[i].cost, i))
        best = parts[n]
        lack = best.lack
        if not best.said and lack is None:
            lack = Lack("unsaid", "together")
        return replace(
            base,
            nearest=n,
            plan=best.plan,
            alone=best.alone,
            until=best.until,
            begin=best.begin,
            cost=best.cost,
            lack=lack,
        )

    def _score(self, question: Score, wanted: bool, *, has: bool) -> Near:
        """Enough points: by one row that does not hold, or no longer holds, else by several that lack least."""
        held = [answer(part, self.facts, self.at) for _, part in question.parts]
        parts = tuple(self.near(part, not now) for (_, part), now in zip(question.parts, held, strict=True))
        alone = None if has else self._alone(question, wanted)
        base = Near(question, wanted, has, parts=parts, alone=alone)
        if has:
            return base
        now = points(question, self.facts, self.at)
        worths = [-worth if on else worth for (worth, _), on in zip(question.parts, held, strict=True)]
        rows = [(n, worth) for n, worth in enumerate(worths) if parts[n].plan is not None and worth]
        rows.sort(key=lambda row: (parts[row[0]].cost, -abs(row[1])))
        for some in _few(rows):
            whole = Plan()
            for n, _ in some:
                whole |= parts[n].plan or Plan()
            if self._works(question, wanted, whole, self.at):
                until = self._until(question, wanted, whole)
                lack = self._points_lack(question, now, some, until, wanted=wanted)
                cost = sum(parts[n].cost for n, _ in some)
                return replace(base, lack=lack, plan=whole, until=until, cost=cost)
        if alone is not None:
            return replace(base, lack=Lack("time", "alone", at=alone), cost=1)
        everything = [worth for worth, _ in question.parts]
        lowest, highest = sum(w for w in everything if w < 0), sum(w for w in everything if w > 0)
        if wanted and (
            (question.low is not None and highest < question.low)
            or (question.high is not None and lowest >= question.high)
        ):
            return replace(
                base, lack=Lack("never", "never_points", {"reach": _points(highest)}), cost=NEVER_COST
            )
        return replace(base, lack=Lack("unsaid", "unsaid"), cost=UNSAID_COST)

    def _points_lack(
        self, question: Score, now: int, some: Sequence[tuple[int, int]], until: Until, *, wanted: bool
    ) -> Lack:
        """So many points are missing, or too many, and which conditions bring or take them."""
        low = question.low if wanted else question.high
        high = question.high if wanted else question.low
        below = low is not None and now < low
        need = low if below else high
        more = sum(worth for _, worth in some)
        numbers: dict[str, Any] = {
            "have": _points(now), "need": None if need is None else _points(need), "more": _points(more),
            "name": question.name, "rows": [n for n, _ in some],
        }  # fmt: skip
        code = "points_more" if need == now + 1 else "points" if below else "points_fewer"
        return Lack("points", code, numbers, have=numbers["have"], need=numbers["need"], until=until)

    # one test

    def _fixed(self, question: Question, wanted: bool, leaf: t.Expr) -> Near:
        match leaf:
            case t.Sample(rate):
                drew = {"drawn": round(self.facts.drawn[leaf], 6), "rate": rate}
                return Near(question, wanted, False, Lack("never", "sample", drew), cost=NEVER_COST)
            case t.InAudience(name):
                code = "list" if wanted else "off_list"
                lack = Lack("list", code, {"audience": name}, count=1)
                put = Plan((), {leaf: wanted}, lists=((name, wanted),))
                if self._works(question, wanted, put, self.at):
                    return Near(question, wanted, False, lack, plan=put, cost=1)
        plan = self.told(leaf, wanted)
        names = self.facts.about.get(leaf, ())
        said = {"attribute": names[0] if names else question.text, "condition": question.text}
        if plan is None or not self._works(question, wanted, plan, self.at):
            code = "pattern" if _has_pattern(leaf) else "attribute"
            return Near(question, wanted, False, Lack("unsaid", code, said), cost=UNSAID_COST)
        known = isinstance(leaf, t.Known)
        code = ("known" if known else "attribute") if wanted else "not_attribute"
        lack = Lack("attribute", code, {**said, "example": dict(plan.said).get(said["attribute"])}, count=1)
        return Near(question, wanted, False, lack, plan=plan, cost=1)

    def _one(self, question: Question, wanted: bool, leaf: t.Expr) -> Near:
        """One test of events or of the time: the smallest plan that works, else the time that brings it."""
        alone = self._alone(question, wanted)
        base = Near(question, wanted, False, alone=alone)
        unsaid = self._unsayable(leaf)
        if unsaid is None:
            for lack, first in self._proposals(leaf, wanted):
                for wait in waits(leaf):
                    plan = replace(first, wait=wait)
                    if wait and alone is not None and alone <= plan.done(self.at):
                        break
                    if self._works(question, wanted, plan, self.at):
                        until = self._until(question, wanted, plan)
                        numbers = {**lack.numbers, "wait": wait} if wait else lack.numbers
                        lack = replace(lack, numbers=numbers, until=until, at=alone)
                        cost = _cost(lack) + (0.5 if wait else 0)
                        return replace(base, lack=lack, plan=plan, until=until, cost=cost)
        if alone is not None:
            return replace(base, lack=self._in_time(leaf, wanted, alone), cost=1)
        if unsaid is None and self._is_over(leaf, wanted):
            return replace(base, lack=self._over(leaf), cost=NEVER_COST)
        names = self.facts.about.get(leaf, ())
        if engines(leaf) and names and unsaid is None:
            lack = Lack("unsaid", "attribute", {"attribute": names[0], "condition": question.text})
            return replace(base, lack=lack, cost=UNSAID_COST)
        return replace(base, lack=Lack("unsaid", unsaid or _reason(leaf, wanted)), cost=UNSAID_COST)

    def _unsayable(self, leaf: t.Expr) -> str | None:
        if any(isinstance(node, t.Event) and timely(node) for node in t.walk(leaf)):
            return "moment"
        return None

    def _proposals(self, leaf: t.Expr, wanted: bool) -> Iterator[tuple[Lack, Plan]]:
        """Plans worth trying, the smallest first, each with what it says is missing."""
        if engines(leaf):
            yield from self._of_engine(leaf)
            return
        match leaf:
            case t.Did(event, times, window):
                have = len(among(event, window, self.facts, self.at)[1])
                yield from self._counted(event, have, _counts(times, wanted))
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
                else [item.value for item in _literals(leaf) if isinstance(item, t.Text)]
            )
            bound = next((item.value for item in _literals(leaf) if isinstance(item, t.Number)), None)
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

    def _amount(self, leaf: t.Expr, node: t.Aggregate) -> Iterator[tuple[Lack, Plan]]:
        """One more event with an amount: the least of some that works, and smaller ones down to the least."""
        kind = self.facts.kinds.get(node.of or "")
        if kind not in (ValueType.MONEY, ValueType.NUMBER) or node.of is None:
            return
        scale = MONEY_SCALE if kind is ValueType.MONEY else 1
        question = One(to_text(leaf) if not _has_weighed(leaf) else "", leaf)
        named = {
            abs(item.value)
            for item in _literals(leaf)
            if isinstance(item, t.Number) and abs(item.value) < 1e9
        }

        def proposed(amount: float) -> tuple[Lack, Plan] | None:
            value = round(amount * scale) if kind is ValueType.MONEY else round(amount, 2)
            asked = t.Compare(t.Name(node.of or ""), "=", _literal(value, kind or ValueType.NUMBER))
            numbers = {"property": node.of, "value": value, "kind": str(kind)}
            return next(
                self._happening(
                    node.event, 1, have=None, need=None, more=asked, code="value", numbers=numbers
                ),
                None,
            )

        wanted = not answer(question, self.facts, self.at)
        low = 0.0
        for amount in sorted({1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0, *named}):
            found = proposed(amount)
            if found is None or not self._works(question, wanted, found[1], self.at):
                low = amount
                continue
            high = amount
            for _ in range(MOST_HALVED):
                middle = round((low + high) / 2, 2)
                if middle in (low, high):
                    break
                tried = proposed(middle)
                if tried is not None and self._works(question, wanted, tried[1], self.at):
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
        for literal in _literals(leaf):
            for op, value in (("=", fitting(literal, kind, self.facts.zone)), ("!=", None)):
                asked = t.Compare(t.Name(node.of or ""), op, literal)
                for n in range(2, min(inside + 1, MOST_ALIKE) + 1):
                    yield from self._happening(
                        node.event, n, have=None, need=None, more=asked, code="value",
                        numbers={"property": node.of, "value": value, "kind": str(kind)},
                    )  # fmt: skip

    # trying

    def _works(self, question: Question, wanted: bool, plan: Plan, begin: datetime) -> bool:
        """Whether the answer is the wanted one just after the plan was carried out from then on."""
        moving = (
            timely(node) for leaf in leaves_of(question) for node in t.walk(leaf) if isinstance(node, t.Event)
        )
        if plan.events and any(moving):
            return False
        try:
            return answer(question, plan.carried_out(self.facts, begin), plan.done(begin)) == wanted
        except OverflowError:
            return False

    def _until(self, question: Question, wanted: bool, plan: Plan) -> Until:
        """Before which instant the plan's first event must come."""
        leaves = leaves_of(question)
        if any(map(engines, leaves)):
            return Until(self.at + MICROSECOND, exact=False)
        try:
            instants = {at - (plan.done(at) - at) for at in turns(leaves, self.facts, self.at)}
        except (TooMany, Unsaid, OverflowError):
            return Until(self.at + MICROSECOND, exact=False)
        for leaf in leaves:
            instants |= {at - by for at in _deadlines(leaf, self.facts, self.at) for _, by in plan.events}
        tried = sorted(at for at in instants if at > self.at)
        most = min(MOST_TRIED, affordable(leaves, self.facts))
        for at in tried[:most]:
            if not self._works(question, wanted, plan, at):
                return Until(at)
        return Until(tried[most], exact=False) if len(tried) > most else Until(None)

    def _alone(self, question: Question, wanted: bool) -> datetime | None:
        """When time alone brings the wanted answer; None: not, or it cannot be told."""
        if answer(question, self.facts, self.at) == wanted:
            return None

        def reading(facts: Facts, at: datetime) -> bool:
            return answer(question, facts, at)

        try:
            return first_turn(leaves_of(question), self.facts, reading, self.at)
        except (TooMany, Unsaid):
            return None

    # what time brings, and what nothing brings

    def _in_time(self, leaf: t.Expr, wanted: bool, at: datetime) -> Lack:
        if engines(leaf):
            if (
                isinstance(leaf, t.Compare)
                and isinstance(leaf.left, Weighed)
                and isinstance(leaf.right, t.Number)
            ):
                have = self.facts.asked(leaf.left, self.at)
                said = {"label": leaf.left.label, "have": have, "need": leaf.right.value}
                return Lack("time", "weight_falls", said, have=have, need=leaf.right.value, at=at)
            return Lack("time", "alone", at=at)
        match leaf:
            case t.Did(event, times, window):
                have = len(among(event, window, self.facts, self.at)[1])
                need = _counts(times, wanted)
                most = max(need, default=0)
                if have > most:
                    said = {"have": have, "need": most, "n": have - most, "event": event.name}
                    return Lack("time", "too_many", said, have=have, need=most, event=event, at=at)
            case t.Compare(t.Aggregate("recency") as node, _, t.Number(number)):
                have = aggregate(node, self.facts, self.at)
                said = {"have": have, "need": number, "event": node.event.name}
                return Lack("time", "days", said, have=have, need=number, event=node.event, at=at)
        return Lack("time", "alone", at=at)

    def _is_over(self, leaf: t.Expr, wanted: bool) -> bool:
        """Whether neither an event nor time can change the test any more."""
        if engines(leaf):
            return False
        match leaf:
            case t.Did(event, times, window):
                counted = len(among(event, window, self.facts, self.at)[1])
                closed = isinstance(window, t.Before | t.FromTo) and _ends(window, self.facts) <= self.at
                grown = isinstance(window, t.Since | t.FromTo | t.Before | None)
                return closed or (grown and counted >= max(_counts(times, wanted), default=-1))
            case t.FirstDid(event, window):
                began = bool(self.facts.rows[event].times)
                closed = isinstance(window, t.Before | t.FromTo) and _ends(window, self.facts) <= self.at
                return closed or began
            case t.Regularly() | t.HasBeen():
                return False
        windows = [
            node.window for node in t.walk(leaf) if isinstance(node, t.Aggregate | t.LastHas | t.Sequence)
        ]
        return bool(windows) and all(
            isinstance(window, t.Before | t.FromTo) and _ends(window, self.facts) <= self.at
            for window in windows
        )

    def _over(self, leaf: t.Expr) -> Lack:
        event = next((node for node in t.walk(leaf) if isinstance(node, t.Event)), None)
        window = next((node for node in t.walk(leaf) if isinstance(node, t.Before | t.FromTo)), None)
        if isinstance(window, t.Before | t.FromTo):
            said = {"event": event.name if event else None, "end": _ends(window, self.facts)}
            return Lack("never", "over", said, event=event)
        return Lack("never", "done", {"event": event.name if event else None}, event=event)


def _few(rows: Sequence[tuple[int, int]]) -> Iterator[Sequence[tuple[int, int]]]:
    """Rows (which, worth) to change together: each alone, then more and more of those that bring points, or take."""
    yield from ((row,) for row in rows)
    for sign in (1, -1):
        same = [row for row in rows if row[1] * sign > 0]
        yield from (same[:n] for n in range(2, len(same) + 1))


def _points(millionths: int) -> int | float:
    return millionths // MILLIONTHS if millionths % MILLIONTHS == 0 else millionths / MILLIONTHS


def waits(leaf: t.Expr) -> list[timedelta]:
    """How long it may take until what happens now makes the test true; 0 first."""
    found = {timedelta(0)}
    for node in t.walk(leaf):
        match node:
            case t.BetweenAgo(_, near) | t.MoreThanAgo(near):
                found.add(timedelta(seconds=near.seconds))
            case t.HasBeen(_, _, duration):
                found.add(timedelta(seconds=duration.seconds))
            case t.Aggregate("recency"):
                days = [item.value for item in _literals(leaf) if isinstance(item, t.Number)]
                found |= {DAY * (int(n) + k) for n in days if 0 <= n < 100_000 for k in (0, 1)}
    return sorted(wait for wait in found if wait < timedelta(days=36_500))


def _cost(lack: Lack) -> float:
    """How much is missing: events, or one amount, attribute or wait."""
    return float(max(1, lack.count))


def _ends(window: t.Before | t.FromTo, facts: Facts) -> datetime:
    last = window.instant if isinstance(window, t.Before) else window.last
    return instant_of(last.value, facts.zone)


def _has_weighed(leaf: t.Expr) -> bool:
    return any(isinstance(node, Weighed) for node in t.walk(leaf))


def _counts(times: t.Times | None, wanted: bool) -> list[int]:
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


def _literals(leaf: t.Expr) -> list[t.Literal]:
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
    named = [item.value for item in _literals(leaf) if isinstance(item, t.Number) and abs(item.value) < 1e9]
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
    for item in _literals(leaf):
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


def _deadlines(leaf: t.Expr, facts: Facts, at: datetime) -> Iterator[datetime]:
    """Instants at and after which an event no longer counts: ends of fixed windows, of the time that steps have."""
    for node in t.walk(leaf):
        if isinstance(node, t.Before | t.FromTo):
            yield _ends(node, facts)
        if isinstance(node, t.Instant):
            yield instant_of(node.value, facts.zone)
        if isinstance(node, t.Sequence):
            for done in range(1, len(node.steps) + 1):
                for began, _, _ in chains(node, facts, at, done - 1):
                    for step in node.steps:
                        if step.within is not None:
                            yield later(began, timedelta(seconds=step.within.seconds)) + MICROSECOND


def _has_pattern(leaf: t.Expr) -> bool:
    return any(isinstance(node, t.TextTest) for node in t.walk(leaf))


def _reason(leaf: t.Expr, wanted: bool) -> str:
    """Why nothing can be said of it."""
    if _has_pattern(leaf):
        return "pattern"
    if isinstance(leaf, t.Sequence | t.Regularly) and not wanted:
        return "not_sequence"
    windows = [node for node in t.walk(leaf) if isinstance(node, t.BetweenAgo | t.MoreThanAgo)]
    return "past_window" if windows else "unsaid"
