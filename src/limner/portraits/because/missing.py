"""Missing: the least that is missing for another answer, what would make it so and until when. Tried before it is said.

A plan names events that would have to happen one after the other, and what would have to be said of attributes. It is
said only when the answer, with the plan carried out at once, is the one that is wanted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from limner.expressions import tree as t
from limner.expressions.windows import MICROSECOND, instant_of
from limner.portraits.because.facts import Facts
from limner.portraits.because.moment import (
    DAY,
    aggregate,
    among,
    answer,
    chains,
    chance,
    log_odds,
    number,
    points,
)
from limner.portraits.because.plans import NEVER_COST, UNSAID_COST, Imagine, Lack, Plan, Until, works
from limner.portraits.because.proposals import Proposals, counts, literals
from limner.portraits.because.question import (
    All,
    Chance,
    Feature,
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
from limner.portraits.because.weighing import Weighed, engines
from limner.tags.tiers import MILLIONTHS

MOST_NUMBER = 1e9
"""A feature of a chance is moved no farther."""

MOST_TRIED = 400
"""So many instants are tried for how long a plan works; later ones are not claimed."""


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
        found = self.plan is not None or self.alone is not None or self.never
        return self.holds or found or (self.lack is not None and self.lack.what == "none")

    @property
    def never(self) -> bool:
        """Whether it can never have the wanted answer."""
        return self.lack is not None and self.lack.what == "never"


class Nearness:
    """Works out what is missing for one person at one instant."""

    def __init__(
        self, facts: Facts, at: datetime, *, imagine: Imagine, told: Callable[[t.Expr, bool], Plan | None]
    ) -> None:
        self.facts, self.at, self.told = facts, at, told
        self._proposals = Proposals(facts, at, imagine=imagine, told=told)

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
            case Chance():
                return Near(question, wanted, True) if has else self._chance(question, wanted)
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
        still = next((part.lack for part in failing if part.lack and part.lack.what == "none"), None)
        if still is not None and base.alone is None:
            return replace(base, lack=still, cost=UNSAID_COST)
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
        return next(
            (plan for plan in (sparing, full) if works(self.facts, question, wanted, plan, self.at)), None
        )

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
        if begin < self.at or not works(self.facts, question, wanted, plan, begin):
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
            if works(self.facts, question, wanted, whole, self.at):
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

    def _chance(self, question: Chance, wanted: bool) -> Near:
        """The smallest single thing that moves a feature so far that the chance passes its bound; else time alone."""
        alone = self._alone(question, wanted)
        base = Near(question, wanted, False, alone=alone)
        now = chance(question, self.facts, self.at)
        if now is None:
            return self._without(base, question, wanted)
        best: tuple[float, Near, Plan] | None = None
        goals = _goals(question, wanted, now)
        for goal, inner, plan in self._feeding(question, wanted, goals):
            cost = inner.cost + (0.5 if goal is not goals[0] else 0)
            if best is None or cost < best[0]:
                best = (cost, inner, plan)
        numbers: dict[str, Any] = {
            "have": now / MILLIONTHS,
            "need": goals[0][1] / MILLIONTHS if goals else None,
        }
        below = bool(goals) and goals[0][0] == "<"
        if best is not None:
            cost, part, plan = best
            until = self._until(question, wanted, plan)
            lack = Lack(
                "chance", "chance_less" if below else "chance", numbers, have=numbers["have"], need=numbers["need"],
                event=part.lack.event if part.lack else None, example=part.lack.example if part.lack else None,
                count=int(cost), until=until, at=alone,
            )  # fmt: skip
            return replace(base, lack=lack, parts=(part,), nearest=0, plan=plan, until=until, cost=cost)
        if alone is not None:
            return replace(base, lack=Lack("time", "alone", at=alone), cost=1)
        return replace(
            base,
            lack=Lack("none", "no_single_less" if below else "no_single", numbers, **_both(numbers)),
            cost=UNSAID_COST,
        )

    def _without(self, base: Near, question: Chance, wanted: bool) -> Near:
        """Nobody has a chance of whom a feature is not known: what makes them known comes first."""
        missing = [feature for feature in question.features if number(feature, self.facts, self.at) is None]
        parts = tuple(
            self.near(One(feature.tag, t.Known(feature.value)))
            for feature in missing
            if feature.value is not None
        )
        plan = Plan()
        for part in parts:
            plan = plan | (part.plan or Plan())
        if parts and works(self.facts, question, wanted, plan, self.at):
            until = self._until(question, wanted, plan)
            return replace(base, parts=parts, plan=plan, until=until, cost=sum(part.cost for part in parts))
        numbers = {"names": ", ".join(feature.tag for feature in missing)}
        return replace(base, lack=Lack("none", "no_chance", numbers), cost=UNSAID_COST)

    def _feeding(
        self, question: Chance, wanted: bool, goals: Sequence[tuple[str, int]]
    ) -> Iterator[tuple[tuple[str, int], Near, Plan]]:
        """For each goal and feature the first thing that one can do which works, by the formula and then tried."""
        total = log_odds(question, self.facts, self.at) or 0.0
        for goal in goals:
            bound = _odds_of(goal)
            for feature in question.features if bound is not None else ():
                have = number(feature, self.facts, self.at)
                if not feature.weight or have is None or bound is None:
                    continue
                far = (bound - total) / feature.weight
                for inner, plan in self._moving(question, feature, have + far, far):
                    if works(self.facts, question, wanted, plan, self.at):
                        yield goal, inner, plan
                        break

    def _moving(
        self, question: Chance, feature: Feature, need: float, far: float
    ) -> Iterator[tuple[Near, Plan]]:
        """Ways to move a feature to `need`, which is so `far` from where it is, or on the way there."""
        if feature.value is None:
            for _, part in feature.rows:
                near = self.near(part, not answer(part, self.facts, self.at))
                if near.plan is not None:
                    yield near, near.plan
            return
        if not math.isfinite(need) or abs(need) > MOST_NUMBER:
            return
        target = int(need) if need.is_integer() else need
        leaf = t.Compare(feature.value, ">=" if far > 0 else "<=", t.Number(target))
        asked = One(feature.tag, leaf)
        for lack, plan in self._proposals.feeding(question, leaf, math.ceil(abs(far))):
            yield Near(asked, True, False, lack, plan=plan, cost=_cost(lack)), plan

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
                if works(self.facts, question, wanted, put, self.at):
                    return Near(question, wanted, False, lack, plan=put, cost=1)
        plan = self.told(leaf, wanted)
        names = self.facts.about.get(leaf, ())
        said = {"attribute": names[0] if names else question.text, "condition": question.text}
        if plan is None or not works(self.facts, question, wanted, plan, self.at):
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
            for lack, first in self._proposals.of(leaf, wanted):
                for wait in waits(leaf):
                    plan = replace(first, wait=wait)
                    if wait and alone is not None and alone <= plan.done(self.at):
                        break
                    if works(self.facts, question, wanted, plan, self.at):
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

    # trying

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
            if not works(self.facts, question, wanted, plan, at):
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
                need = counts(times, wanted)
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
                return closed or (grown and counted >= max(counts(times, wanted), default=-1))
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


def _goals(question: Chance, wanted: bool, now: int) -> list[tuple[str, int]]:
    """The chances (in millionths) at, or beneath, which the question has the wanted answer: the nearest bounds."""
    low, high = question.low, question.high
    if wanted:
        if low is not None and now < low:
            return [(">=", low)]
        return [] if high is None else [("<", high)]
    found = [("<", low)] if low is not None else []
    return found + ([(">=", high)] if high is not None else [])


def _odds_of(goal: tuple[str, int]) -> float | None:
    """The log odds from which on, or beneath which, the rounded chance is there; None: no odds are."""
    share = (goal[1] - 0.5) / MILLIONTHS
    return math.log(share / (1.0 - share)) if 0 < share < 1 else None


def _both(numbers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: numbers[name] for name in ("have", "need")}


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
                days = [item.value for item in literals(leaf) if isinstance(item, t.Number)]
                found |= {DAY * (int(n) + k) for n in days if 0 <= n < 100_000 for k in (0, 1)}
    return sorted(wait for wait in found if wait < timedelta(days=36_500))


def _cost(lack: Lack) -> float:
    """How much is missing: events, or one amount, attribute or wait."""
    return float(max(1, lack.count))


def _ends(window: t.Before | t.FromTo, facts: Facts) -> datetime:
    last = window.instant if isinstance(window, t.Before) else window.last
    return instant_of(last.value, facts.zone)


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
