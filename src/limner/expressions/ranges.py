"""Ranges: sets of values as conditions describe them, met with each other, turned round, asked for a member.

Three kinds: intervals of numbers (money in 1/10,000 and instants in microseconds are whole ones), texts that are listed
or excluded, flags. An empty set is recognised surely; a text under a test such as `contains` may be unsure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

INF = math.inf


@dataclass(frozen=True)
class Span:
    """One interval; `low_in`, `high_in`: whether the ends belong to it."""

    low: float
    high: float
    low_in: bool = True
    high_in: bool = True

    @property
    def empty(self) -> bool:
        """Whether no number lies in it."""
        if math.isinf(self.low) and self.low == self.high:
            return True
        return self.low > self.high or (self.low == self.high and not (self.low_in and self.high_in))


@dataclass(frozen=True)
class Numbers:
    """Disjoint intervals, ascending. `whole`: only whole numbers count."""

    spans: tuple[Span, ...]
    whole: bool = False

    @property
    def empty(self) -> bool:
        """Whether no number is in it."""
        return not self.spans

    def meet(self, other: Numbers) -> Numbers:
        """The numbers that are in both."""
        met = []
        for one in self.spans:
            for two in other.spans:
                low, low_in = max((one.low, not one.low_in), (two.low, not two.low_in))
                high, high_in = min((one.high, one.high_in), (two.high, two.high_in))
                met.append(Span(low, high, not low_in, high_in))
        return numbers(met, whole=self.whole or other.whole)

    def turned(self) -> Numbers:
        """The numbers that are not in it."""
        gaps, low, low_in = [], -INF, False
        for span in self.spans:
            gaps.append(Span(low, span.low, low_in, not span.low_in))
            low, low_in = span.high, not span.high_in
        return numbers([*gaps, Span(low, INF, low_in, False)], whole=self.whole)

    def least(self, bound: float = -INF) -> float | None:
        """A small member that is `bound` or more: the least where there is one."""
        for span in self.meet(Numbers((Span(bound, INF, True, False),))).spans:
            return _inside(span)
        return None

    def member(self) -> float | None:
        """Some member, near 0 when there is one."""
        near = self.least(0)
        if near is not None or not self.spans:
            return near
        return _inside(self.spans[-1])


def numbers(spans: Iterable[Span], *, whole: bool = False) -> Numbers:
    """The set of these intervals, which do not overlap; empty ones are left out."""
    kept = [_whole(span) if whole else span for span in spans]
    return Numbers(tuple(sorted((span for span in kept if not span.empty), key=lambda s: s.low)), whole)


def _whole(span: Span) -> Span:
    low, high = span.low, span.high
    if not math.isinf(low):
        low = math.ceil(low) if span.low_in or low != math.floor(low) else low + 1
    if not math.isinf(high):
        high = math.floor(high) if span.high_in or high != math.floor(high) else high - 1
    return Span(low, high, not math.isinf(low), not math.isinf(high))


def _inside(span: Span) -> float:
    if span.low_in and not math.isinf(span.low):
        return span.low
    if math.isinf(span.low) and math.isinf(span.high):
        return 0
    if math.isinf(span.low):
        return span.high if span.high_in else span.high - 1
    above = math.floor(span.low) + 1
    if above < span.high or (above == span.high and span.high_in):
        return above
    return (span.low + span.high) / 2


@dataclass(frozen=True)
class Texts:
    """The texts that are listed (None: all) but not excluded, and that pass every test."""

    listed: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()
    tests: tuple[Callable[[str], bool], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether surely no text is in it."""
        return self.listed is not None and not self._left

    @property
    def sure(self) -> bool:
        """Whether it is known that there is a text in it."""
        return self.listed is not None or not self.tests

    @property
    def _left(self) -> list[str]:
        return sorted(
            text
            for text in (self.listed or ())
            if text not in self.excluded and all(test(text) for test in self.tests)
        )

    def meet(self, other: Texts) -> Texts:
        """The texts that are in both."""
        listed = self.listed if other.listed is None else other.listed
        if self.listed is not None and other.listed is not None:
            listed = self.listed & other.listed
        return Texts(listed, self.excluded | other.excluded, self.tests + other.tests)

    def member(self) -> str | None:
        """Some member; None when none is known."""
        if self.listed is not None:
            return next(iter(self._left), None)
        if self.tests:
            return None
        return next(word for word in _words() if word not in self.excluded)


def _words() -> Iterable[str]:
    yield "another text"
    number = 2
    while True:
        yield f"another text {number}"
        number += 1


@dataclass(frozen=True)
class Flags:
    """Some of true and false."""

    held: frozenset[bool] = frozenset({True, False})

    @property
    def empty(self) -> bool:
        """Whether it is neither."""
        return not self.held

    def meet(self, other: Flags) -> Flags:
        """What is in both."""
        return replace(self, held=self.held & other.held)

    def turned(self) -> Flags:
        """What is not in it."""
        return replace(self, held=frozenset({True, False}) - self.held)

    def member(self) -> bool | None:
        """Some member, true when it is one."""
        return max(self.held, default=None)


Values = Numbers | Texts | Flags
ALL_NUMBERS = Numbers((Span(-INF, INF, False, False),))
