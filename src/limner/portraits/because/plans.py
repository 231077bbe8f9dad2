"""Plans: what would have to happen and be said for another answer, and what is missing, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from limner.expressions import tree as t
from limner.expressions.windows import MICROSECOND
from limner.portraits.because.facts import Facts, Imagined
from limner.portraits.because.moment import answer
from limner.portraits.because.question import Question, leaves_of
from limner.portraits.because.turning import timely

Imagine = Callable[[str, Mapping[str, Any]], Imagined | None]
"""An event of that name with those properties, and which conditions mean it; None when there cannot be one."""

MOST_MISSING = 1_000
"""Of more missing events than this nothing is planned."""

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


def works(facts: Facts, question: Question, wanted: bool, plan: Plan, begin: datetime) -> bool:
    """Whether the answer is the wanted one just after the plan was carried out from then on."""
    moving = (
        timely(node) for leaf in leaves_of(question) for node in t.walk(leaf) if isinstance(node, t.Event)
    )
    if plan.events and any(moving):
        return False
    try:
        return answer(question, plan.carried_out(facts, begin), plan.done(begin)) == wanted
    except OverflowError:
        return False
