"""The tree of an expression: frozen dataclasses, one per idea. Knows no text, no tag and no SQL.

A *value* is a literal, a name, an attribute or an aggregate of a person's events. A *condition* is true or
false, never unknown: a comparison with a missing value is false, and `not` makes it true.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

# Units that have a fixed length; months and years exist only as calendar units.
UNIT_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
CALENDAR_UNITS = ("day", "week", "month", "year")

COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
TEXT_TESTS = ("contains", "starts with", "ends with", "matches", "includes")
COUNTS = {"exactly": "=", "at least": ">=", "at most": "<=", "fewer than": "<", "more than": ">"}
"""How often something may have to be done, each with the comparison that it is."""

EVENT_AGGREGATES = ("count", "recency", "first_time", "last_time")
INTERESTS = ("interest", "demand")
PROPERTY_AGGREGATES = ("sum", "avg", "min", "max", "distinct", "first", "last", "most_frequent")
TOP = "top"
STREAKS = ("streak", "current_streak")
STREAK_UNITS = ("day", "week", "month", "year")
HABITS = ("gap", "share", "usual_hour", "usual_weekday")
DATES = ("age", "anniversary")
OPERATORS = ("+", "-", "*", "/")
BUILTINS = ("event", "time", "source", "person", "hour", "weekday")


@dataclass(frozen=True, slots=True)
class Node:
    """Anything in a tree. `position` (line, column) is where it stood in its text; equality ignores it."""

    position: tuple[int, int] | None = field(default=None, compare=False, repr=False, kw_only=True)


# Literals


@dataclass(frozen=True, slots=True)
class Flag(Node):
    """true or false."""

    value: bool


@dataclass(frozen=True, slots=True)
class Text(Node):
    """A string."""

    value: str


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A number: an int when it is whole, else a float."""

    value: int | float


@dataclass(frozen=True, slots=True)
class Instant(Node):
    """A date or date and time in ISO form; without a zone it is read in the workspace's zone."""

    value: str


Literal = Flag | Text | Number | Instant

# Names


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A tag (or, if there is none, an attribute) of a person; inside `where` a property of the event."""

    name: str


@dataclass(frozen=True, slots=True)
class Attribute(Node):
    """A person's attribute; further steps lead into its JSON."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OfObject(Node):
    """What is known of the object that the event names: an attribute or a tag of a product, store, company …"""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Builtin(Node):
    """What every event has: event (its name), time, source, person, hour and weekday (1 = Monday)."""

    name: str


# Durations and windows of time; each window is half open and never reaches `as_of` or beyond


@dataclass(frozen=True, slots=True)
class Duration(Node):
    """A fixed length of time."""

    n: int
    unit: str

    @property
    def seconds(self) -> int:
        """Its length in seconds."""
        return self.n * UNIT_SECONDS[self.unit]


@dataclass(frozen=True, slots=True)
class InLast(Node):
    """[as_of - duration, as_of)."""

    duration: Duration


@dataclass(frozen=True, slots=True)
class InLastCalendar(Node):
    """The current calendar unit and the n - 1 before it, until as_of."""

    n: int
    unit: str


@dataclass(frozen=True, slots=True)
class InThis(Node):
    """The current calendar unit, until as_of."""

    unit: str


@dataclass(frozen=True, slots=True)
class InNext(Node):
    """[as_of, as_of + duration): of a value such as an expiry; no event lies there."""

    duration: Duration


@dataclass(frozen=True, slots=True)
class Since(Node):
    """[instant, as_of)."""

    instant: Instant


@dataclass(frozen=True, slots=True)
class Before(Node):
    """Anything before the instant."""

    instant: Instant


@dataclass(frozen=True, slots=True)
class FromTo(Node):
    """[first, last)."""

    first: Instant
    last: Instant


@dataclass(frozen=True, slots=True)
class BetweenAgo(Node):
    """[as_of - far, as_of - near)."""

    far: Duration
    near: Duration


@dataclass(frozen=True, slots=True)
class MoreThanAgo(Node):
    """Anything before as_of - duration."""

    duration: Duration


# Events


@dataclass(frozen=True, slots=True)
class Event(Node):
    """Events of one name (a `*` at the end: names that begin so; `*` alone: any) that satisfy `where`."""

    name: str
    where: Expr | None = None


@dataclass(frozen=True, slots=True)
class SinceEvent(Node):
    """After the first or last such event, which is not in it, until as_of; empty when there is none."""

    which: str
    event: Event


@dataclass(frozen=True, slots=True)
class BeforeEvent(Node):
    """Before the first or last such event, which is not in it; empty when there is none."""

    which: str
    event: Event


Window = (
    InLast | InLastCalendar | InThis | InNext | Since | Before | FromTo | BetweenAgo | MoreThanAgo
    | SinceEvent | BeforeEvent
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Aggregate(Node):
    """One value out of a person's events: count(EVENT), sum(of OF EVENT), recency(EVENT) …

    `nth`: of the commonest values not the first but the second, third …; of `top`, how many of them.
    """

    function: str
    event: Event
    of: str | None = None
    window: Window | None = None
    nth: int | None = None


HALF_AT = 10
"""So many points weigh one half where nothing else is said."""

MOST_LABELS = 20
"""So many labels of a person have a weight where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Points(Node):
    """So many points for each such event."""

    event: Event
    points: int


@dataclass(frozen=True, slots=True)
class Interest(Node):
    """A weight from 0 to 1 for each label (a value of the property `of`), out of points that halve with time.

    With s points left the weight is s / (s + `half_at`); at most `most` labels have one. `until` (demand only): only
    what came after the last such event of the same label counts. Its value is the label with the greatest weight.
    """

    function: str
    of: str
    terms: tuple[Points, ...]
    half_life: Duration
    window: Window | None = None
    until: Event | None = None
    half_at: int = HALF_AT
    most: int = MOST_LABELS


@dataclass(frozen=True, slots=True)
class Weight(Node):
    """How much of the label the tag holds: 0 to 1, 0 for who has none of it."""

    tag: Name
    label: str


@dataclass(frozen=True, slots=True)
class Metric(Node):
    """What a metric measures, of one person in a window; its measure takes its place before it is computed."""

    name: str
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Streak(Node):
    """How many calendar units in a row had the event: the longest run, or the one that goes on now."""

    function: str
    event: Event
    by: str
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Habit(Node):
    """How a person's events lie in time, and how many of them satisfy `where`; missing below `least` events."""

    function: str
    event: Event
    window: Window | None = None
    least: int | None = None


@dataclass(frozen=True, slots=True)
class Delay(Node):
    """Whole days from the first event (in the window) to the first `then` strictly later."""

    event: Event
    then: Event
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Dated(Node):
    """age: whole years since a date; anniversary: when its day comes round next, today included."""

    function: str
    value: Value


@dataclass(frozen=True, slots=True)
class Factor(Node):
    """So much for each unit of a tag: a number, an amount, or a flag that is true (1) or not (0)."""

    tag: Name
    weight: int | float


@dataclass(frozen=True, slots=True)
class Logistic(Node):
    """1 / (1 + exp(-sum)) of `base` and the factors, 0 to 1; missing when a number or amount is."""

    base: int | float
    factors: tuple[Factor, ...]


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """left op right; missing when either is, and when it is divided by 0."""

    left: Value
    op: str
    right: Value


Value = (
    Flag | Text | Number | Instant | Name | Attribute | Builtin | Aggregate | Interest | Weight | Streak | Habit
    | Delay | Dated | Arithmetic | Metric | OfObject | Logistic
)  # fmt: skip
OfEvents = Aggregate | Streak | Habit | Delay
"""What is one value out of a person's events."""

# Conditions


@dataclass(frozen=True, slots=True)
class Or(Node):
    """At least one is true."""

    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class And(Node):
    """All are true."""

    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    """The other answer."""

    arg: Expr


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """left op right; false when either is missing."""

    left: Value
    op: str
    right: Value


@dataclass(frozen=True, slots=True)
class Among(Node):
    """The value is one of the options."""

    value: Value
    options: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Between(Node):
    """low <= value <= high."""

    value: Value
    low: Literal
    high: Literal


@dataclass(frozen=True, slots=True)
class TextTest(Node):
    """contains, starts with, ends with, matches (a regular expression) or includes (a list has it)."""

    value: Value
    op: str
    operand: Literal


@dataclass(frozen=True, slots=True)
class Within(Node):
    """The value is an instant inside the window."""

    value: Value
    window: Window


@dataclass(frozen=True, slots=True)
class Known(Node):
    """The value is not missing."""

    value: Value


@dataclass(frozen=True, slots=True)
class HasBeen(Node):
    """An attribute's condition holds, and has so without interruption for (at least | less than) so long."""

    test: Expr
    op: str
    duration: Duration


@dataclass(frozen=True, slots=True)
class Times(Node):
    """How often: one of COUNTS and a number."""

    op: str
    n: int

    @property
    def sign(self) -> str:
        """The comparison that it is."""
        return COUNTS[self.op]

    def of(self, count: Any) -> Any:
        """Whether so many are as many as asked for: a truth of a number, an array of truths of an array of numbers."""
        match self.op:
            case "exactly":
                return count == self.n
            case "at least":
                return count >= self.n
            case "at most":
                return count <= self.n
            case "fewer than":
                return count < self.n
            case _:
                return count > self.n


ONCE = Times("at least", 1)
"""What `did` means where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Did(Node):
    """The event happened in the window; without `times`, at least once."""

    event: Event
    times: Times | None = None
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class FirstDid(Node):
    """The first such event ever falls in the window."""

    event: Event
    window: Window


@dataclass(frozen=True, slots=True)
class Regularly(Node):
    """In `least` of the last `periods` periods, each of length `each`, the event happened so often."""

    event: Event
    least: int
    periods: int
    each: Duration
    times: Times | None = None


@dataclass(frozen=True, slots=True)
class Then(Node):
    """A later step of a sequence; `within` counts from the sequence's first event."""

    event: Event
    within: Duration | None = None


@dataclass(frozen=True, slots=True)
class Sequence(Node):
    """`first` happened in the window, then each step strictly later, and `without` did not come between."""

    first: Event
    steps: tuple[Then, ...]
    without: Event | None = None
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class LastHas(Node):
    """The most recent such event in the window satisfies `has`."""

    event: Event
    has: Expr
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class InAudience(Node):
    """The person belongs to the audience."""

    name: str


@dataclass(frozen=True, slots=True)
class Sample(Node):
    """A fixed pseudo-random share of all people; the same people for the same seed, for ever."""

    rate: int | float
    seed: int | str


Condition = (
    Or | And | Not | Compare | Among | Between | TextTest | Within | Known | HasBeen | Did | FirstDid
    | Regularly | Sequence | LastHas | InAudience | Sample
)  # fmt: skip
Expr = Condition | Value

NODES: dict[str, type[Node]] = {
    cls.__name__: cls
    for cls in (
        Flag, Text, Number, Instant, Name, Attribute, Builtin, Duration, InLast, InLastCalendar, InThis,
        InNext, Since, Before, FromTo, BetweenAgo, MoreThanAgo, SinceEvent, BeforeEvent, Event, Aggregate, Streak,
        Habit, Delay, Dated, Arithmetic, Or, And, Not, Compare,
        Among, Between, TextTest, Within, Known, HasBeen, Times, Did, FirstDid, Regularly, Then, Sequence,
        LastHas, InAudience, Sample, Points, Interest, Weight, Metric, OfObject, Factor, Logistic,
    )
}  # fmt: skip


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below, in the order of the fields."""
    for item in fields(node):
        value = getattr(node, item.name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from (part for part in value if isinstance(part, Node))


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, parents first."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(list(children(current))))


def audiences_of(node: Node) -> set[str]:
    """The names of the audiences that the expression names."""
    return {item.name for item in walk(node) if isinstance(item, InAudience)}


def events_of(node: Node) -> set[str]:
    """The event names (or patterns) that the expression reads."""
    return {item.name for item in walk(node) if isinstance(item, Event)}


def metrics_of(node: Node) -> set[str]:
    """The metrics that the expression names."""
    return {item.name for item in walk(node) if isinstance(item, Metric)}


def objects_of(node: Node) -> set[tuple[str, str]]:
    """What of which kinds of objects the expression asks: (kind, attribute or tag)."""
    return {(item.kind, item.name) for item in walk(node) if isinstance(item, OfObject)}


def names_of(node: Node) -> set[str]:
    """The bare names outside `where`: tags, or attributes where no tag has that name."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, Name):
            found.add(current.name)
        elif isinstance(current, LastHas):
            continue
        elif not isinstance(current, Event):
            waiting.extend(children(current))
    return found


def weighed(node: Node) -> set[str]:
    """The tags of which the expression asks a weight."""
    return {item.tag.name for item in walk(node) if isinstance(item, Weight)}


def followed(node: Node) -> bool:
    """Whether it is made only of what answers about one person are explained by, event by event."""
    return not any(
        isinstance(inner, Streak | Habit | Delay | Dated | Arithmetic | Logistic | SinceEvent | BeforeEvent)
        or (isinstance(inner, Aggregate) and inner.nth is not None)
        for inner in walk(node)
    )


def negated(condition: Expr) -> Expr:
    """The opposite condition; two negations cancel."""
    return condition.arg if isinstance(condition, Not) else Not(condition)
