"""Random trees, each in the one form that text can say."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from hypothesis import strategies as st

from limner.expressions import tree as t


def short(function: Callable[..., st.SearchStrategy[Any]]) -> Callable[..., st.SearchStrategy[Any]]:
    """The same strategy with a short name: Hypothesis warns of endless ones."""

    @wraps(function)
    def deferred(*args: Any, **given: Any) -> st.SearchStrategy[Any]:
        return st.just(None).flatmap(lambda _: function(*args, **given))

    return deferred


NAMES = st.sampled_from(
    [
        "vip",
        "city",
        "消费金额",
        "$pageview",
        "Order Paid",
        "in",
        "not",
        "first",
        "time",
        "a.b",
        'qu"ote',
        "x1",
        "where",
    ]
)
EVENT_NAMES = st.one_of(NAMES, st.sampled_from(["*", "TEST_*", "eventNamespace.*"]))
TEXTS = st.one_of(
    st.sampled_from(["", "Shanghai", "it's", "100%_", "a\nb", "上海", "--", "(("]), st.text(max_size=8)
)
WHOLE = st.integers(0, 10**6)
INSTANTS = st.sampled_from(
    ["2025-01-15", "2025-01-15T17:00:00Z", "2025-06-14T09:30:00+08:00", "2025-06-15T12:00:00.123Z"]
)
UNITS = st.sampled_from(sorted(t.UNIT_SECONDS))


def numbers() -> st.SearchStrategy[t.Number]:
    """Whole and broken numbers as `parse` gives them."""
    floats = st.floats(allow_nan=False, allow_infinity=False)
    broken = floats.map(lambda x: int(x) if x.is_integer() and abs(x) < 2**53 else x)
    return st.one_of(st.integers(-(10**18), 10**18), broken).map(t.Number)


@short
def literals() -> st.SearchStrategy[Any]:
    """Any literal."""
    return st.one_of(numbers(), TEXTS.map(t.Text), st.booleans().map(t.Flag), INSTANTS.map(t.Instant))


durations = st.builds(t.Duration, st.integers(1, 400), UNITS)


@short
def windows(*, ahead: bool = False) -> st.SearchStrategy[Any]:
    """Any window; `ahead`: also those that only values can have."""
    instants = INSTANTS.map(t.Instant)
    calendar = st.sampled_from(t.CALENDAR_UNITS)
    between = st.tuples(st.integers(2, 400), st.integers(1, 400), UNITS).map(
        lambda x: t.BetweenAgo(t.Duration(x[0] + x[1], x[2]), t.Duration(x[1], x[2]))
    )
    kinds = [
        st.builds(t.InLast, durations),
        st.builds(t.InLastCalendar, st.integers(1, 60), calendar),
        st.builds(t.InThis, calendar),
        st.builds(t.Since, instants),
        st.builds(t.Before, instants),
        st.builds(t.FromTo, instants, instants),
        between,
        st.builds(t.MoreThanAgo, durations),
    ]
    return st.one_of(*kinds, *([st.builds(t.InNext, durations)] if ahead else []))


@short
def tests(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One test of a value."""
    return st.one_of(
        st.builds(t.Compare, values, st.sampled_from(t.COMPARISONS), st.one_of(literals(), values)),
        st.builds(t.Among, values, st.lists(literals(), min_size=1, max_size=3).map(tuple)),
        st.builds(t.Among, values, st.lists(literals(), min_size=1, max_size=3).map(tuple)).map(t.Not),
        st.builds(t.Between, values, literals(), literals()),
        st.builds(t.TextTest, values, st.sampled_from(t.TEXT_TESTS[:3]), TEXTS.map(t.Text)),
        st.builds(t.TextTest, values, st.just("matches"), st.sampled_from(["^a+$", "[0-9]{3}"]).map(t.Text)),
        st.builds(t.TextTest, values, st.just("includes"), literals()),
        st.builds(t.Within, values, windows(ahead=True)),
        st.builds(t.Known, values),
        values,
    )


def combined(leaves: st.SearchStrategy[Any], *, most: int = 8) -> st.SearchStrategy[Any]:
    """and, or, not over the leaves; no And directly inside an And."""

    def flat(kind: type) -> Any:
        def build(args: list[Any]) -> Any:
            parts = [part for arg in args for part in (arg.args if isinstance(arg, kind) else (arg,))]
            return kind(tuple(parts))

        return build

    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, min_size=2, max_size=3).map(flat(t.Or)),
            st.lists(inner, min_size=2, max_size=3).map(flat(t.And)),
            inner.map(t.Not),
        ),
        max_leaves=most,
    )


@short
def event_conditions() -> st.SearchStrategy[Any]:
    """Conditions about one event."""
    builtins = st.sampled_from(t.BUILTINS).map(t.Builtin)
    values = st.one_of(NAMES.map(t.Name), builtins)
    return combined(tests(values), most=4)


@short
def events() -> st.SearchStrategy[t.Event]:
    """Events with and without a condition."""
    return st.builds(t.Event, EVENT_NAMES, st.one_of(st.none(), event_conditions()))


@short
def bounded() -> st.SearchStrategy[Any]:
    """Windows that another event bounds."""
    which = st.sampled_from(["first", "last"])
    return st.one_of(st.builds(t.SinceEvent, which, events()), st.builds(t.BeforeEvent, which, events()))


@short
def person_values() -> st.SearchStrategy[Any]:
    """Tags, attributes and aggregates."""
    optional = st.one_of(st.none(), windows())
    anywhere = st.one_of(optional, bounded())
    attributes = st.lists(NAMES, min_size=1, max_size=3).map(tuple).map(t.Attribute)
    shared = events().filter(lambda event: event.where is not None)
    plain = st.one_of(
        NAMES.map(t.Name),
        attributes,
        st.builds(t.Aggregate, st.sampled_from(t.EVENT_AGGREGATES), events(), st.none(), anywhere),
        st.builds(t.Aggregate, st.sampled_from(t.PROPERTY_AGGREGATES), events(), NAMES, anywhere),
        st.builds(t.Aggregate, st.just("most_frequent"), events(), NAMES, anywhere, st.integers(2, 9)),
        st.builds(t.Aggregate, st.just(t.TOP), events(), NAMES, anywhere, st.integers(1, 9)),
        st.builds(t.Streak, st.sampled_from(t.STREAKS), events(), st.sampled_from(t.STREAK_UNITS), optional),
        st.builds(t.Habit, st.just("gap"), events(), optional),
        st.builds(t.Habit, st.just("share"), shared, optional),
        st.builds(
            t.Habit,
            st.sampled_from(["usual_hour", "usual_weekday"]),
            events(),
            optional,
            st.one_of(st.none(), st.integers(1, 9)),
        ),
        st.builds(t.Delay, events(), events(), optional),
        st.builds(t.Dated, st.sampled_from(t.DATES), attributes),
        st.builds(t.Weight, NAMES.map(t.Name), TEXTS),
    )

    def joined(inner: Any) -> Any:
        sums = st.builds(
            t.Arithmetic,
            st.one_of(inner, numbers()),
            st.sampled_from(t.OPERATORS),
            st.one_of(inner, numbers()),
        )
        return sums.filter(lambda x: not (isinstance(x.left, t.Literal) and isinstance(x.right, t.Literal)))

    return st.recursive(plain, joined, max_leaves=4)


@short
def interests() -> st.SearchStrategy[Any]:
    """interest and demand."""
    points = st.builds(t.Points, events(), st.integers(1, 1_000))
    half_lives = st.builds(t.Duration, st.integers(1, 400), st.sampled_from(["hour", "day", "week"]))

    def of(function: str, until: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.builds(
            t.Interest,
            st.just(function),
            NAMES,
            st.lists(points, min_size=1, max_size=4).map(tuple),
            half_lives,
            st.one_of(st.none(), windows()),
            until,
            st.integers(1, 1_000_000),
            st.integers(1, 100),
        )

    return st.one_of(of("interest", st.none()), of("demand", events()))


@short
def behaviours() -> st.SearchStrategy[Any]:
    """did, first did, regularly, sequences, last … has."""
    optional = st.one_of(st.none(), windows())
    times = st.builds(t.Times, st.sampled_from(tuple(t.COUNTS)), st.integers(0, 9))
    often = st.builds(t.Times, st.sampled_from(["at least", "more than"]), st.integers(1, 9))
    regular = st.integers(1, 12).flatmap(
        lambda n: st.builds(
            t.Regularly, events(), st.integers(1, n), st.just(n), durations, st.one_of(st.none(), often)
        )
    )
    then = st.builds(t.Then, events(), st.one_of(st.none(), durations))
    return st.one_of(
        st.builds(t.Did, events(), st.one_of(st.none(), times), st.one_of(optional, bounded())),
        st.builds(t.FirstDid, events(), windows()),
        regular,
        st.builds(
            t.Sequence,
            events(),
            st.lists(then, min_size=1, max_size=3).map(tuple),
            st.one_of(st.none(), events()),
            optional,
        ),
        st.builds(t.LastHas, events(), event_conditions(), optional),
    )


@short
def conditions() -> st.SearchStrategy[Any]:
    """Any condition about a person."""
    attribute_tests = tests(st.lists(NAMES, min_size=1, max_size=2).map(tuple).map(t.Attribute))
    leaves = st.one_of(
        tests(person_values()),
        behaviours(),
        st.builds(t.HasBeen, attribute_tests, st.sampled_from(["at least", "less than"]), durations),
        NAMES.map(t.InAudience),
        st.builds(t.Sample, st.sampled_from([0, 1, 0.1, 0.25]), st.one_of(WHOLE, TEXTS)),
        st.booleans().map(t.Flag),
    )
    return combined(leaves)
