"""Compiled SQL means what the naive oracle means: random behaviours, random people, ties and bounds."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.expressions import people, scan, to_text, values
from limner.expressions import tree as t
from limner.types import naive
from tests.expressions.oracle import Happened, Oracle, Somebody
from tests.expressions.strategies import combined, short
from tests.expressions.world import AS_OF, World

PROPERTIES = {"color": "text", "size": "number", "amount": "money", "gift": "flag"}
HALF_DAY = timedelta(hours=12)


@pytest.fixture(scope="module")
def crowd():
    """A hundred people whose events lie on a grid of half days, so that bounds and ties are hit."""
    dice = random.Random(7)
    world, crowd = World(properties=PROPERTIES), {}
    for i in range(100):
        user, person = f"u{i:03}", Somebody()
        crowd[user] = person
        world.person(user)
        for _ in range(dice.choice([0, 1, 3, 8])):
            name = dice.choice(["A", "A", "B", "B", "C", "Call"])
            ts = AS_OF - dice.randrange(-2, 20) * HALF_DAY
            given = {
                "color": dice.choice([None, "red", "blue", "红"]),
                "size": dice.choice([None, -1.5, 0.0, 2.0, 2.25]),
                "amount": dice.choice([None, 0.01, 5.0, 19.99]),
                "gift": dice.choice([None, True, False]),
            }
            world.event(user, name, ts, **given)
            person.events.append(Happened(name, naive(ts), given))
        for _ in range(dice.choice([0, 1, 2, 4])):
            ts = AS_OF - dice.randrange(-1, 16) * HALF_DAY
            mode = dice.choice(["set", "set", "set", "once", "unset"])
            value = None if mode == "unset" else dice.choice(["new", "old"])
            world.attribute(user, "status", value, ts, mode)
            person.attributes.append(("status", naive(ts), mode, value))
    yield world, crowd
    world.engine.close()


property_tests = st.one_of(
    st.builds(
        t.Compare,
        st.just(t.Name("color")),
        st.sampled_from(["=", "!=", "<"]),
        st.sampled_from(["red", "blue", "红"]).map(t.Text),
    ),
    st.builds(
        t.Compare,
        st.just(t.Name("size")),
        st.sampled_from(t.COMPARISONS),
        st.sampled_from([0, 2, 2.25, -1.5]).map(t.Number),
    ),
    st.builds(
        t.Compare,
        st.just(t.Name("amount")),
        st.sampled_from(t.COMPARISONS),
        st.sampled_from([0.01, 5, 19.99]).map(t.Number),
    ),
    st.just(t.Compare(t.Name("gift"), "=", t.Flag(True))),
    st.just(t.Among(t.Name("color"), (t.Text("red"), t.Text("红")))),
    st.just(t.Between(t.Name("size"), t.Number(0), t.Number(2))),
    st.sampled_from(["color", "size", "amount", "gift", "never_seen"]).map(
        lambda name: t.Known(t.Name(name))
    ),
)
wheres = st.one_of(st.none(), combined(property_tests, most=3))
events = st.builds(t.Event, st.sampled_from(["A", "B", "C", "C*", "*", "nobody did"]), wheres)
durations = st.builds(t.Duration, st.sampled_from([12, 24, 36, 72]), st.just("hour"))
windows = st.one_of(
    st.none(),
    st.builds(t.InLast, durations),
    st.just(t.BetweenAgo(t.Duration(5, "day"), t.Duration(1, "day"))),
    st.builds(t.MoreThanAgo, durations),
    st.just(t.InThis("day")),
    st.just(t.Since(t.Instant("2025-06-12"))),
    st.just(t.Before(t.Instant("2025-06-12T12:00:00"))),
)
aggregates = st.one_of(
    st.builds(t.Aggregate, st.sampled_from(t.EVENT_AGGREGATES), events, st.none(), windows),
    st.builds(
        t.Aggregate,
        st.sampled_from(t.PROPERTY_AGGREGATES),
        events,
        st.sampled_from(["size", "amount"]),
        windows,
    ),
    st.builds(
        t.Aggregate,
        st.sampled_from(["min", "max", "distinct", "first", "last", "most_frequent"]),
        events,
        st.just("color"),
        windows,
    ),
)

anchors = st.builds(t.Event, st.sampled_from(["A", "B", "C*"]), wheres)
bounded = st.one_of(
    st.builds(t.SinceEvent, st.sampled_from(["first", "last"]), anchors),
    st.builds(t.BeforeEvent, st.sampled_from(["first", "last"]), anchors),
)
worked_out = st.one_of(
    st.builds(t.Aggregate, st.sampled_from(t.EVENT_AGGREGATES), events, st.none(), bounded),
    st.builds(
        t.Aggregate,
        st.sampled_from(["distinct", "first", "most_frequent"]),
        events,
        st.just("color"),
        bounded,
    ),
    st.builds(t.Aggregate, st.just("sum"), events, st.just("size"), bounded),
    st.builds(
        t.Aggregate,
        st.just("most_frequent"),
        events,
        st.just("color"),
        st.one_of(windows, bounded),
        st.integers(2, 3),
    ),
    st.builds(t.Streak, st.sampled_from(t.STREAKS), events, st.sampled_from(t.STREAK_UNITS), windows),
    st.builds(
        t.Habit, st.sampled_from(["gap", "share"]), events.filter(lambda e: e.where is not None), windows
    ),
    st.builds(
        t.Habit,
        st.sampled_from(["usual_hour", "usual_weekday"]),
        events,
        windows,
        st.one_of(st.none(), st.integers(1, 3)),
    ),
    st.builds(t.Delay, events, events, windows),
)
counted = st.builds(t.Aggregate, st.sampled_from(["count", "recency"]), events, st.none(), windows)
sums = st.recursive(
    st.one_of(
        counted,
        st.builds(t.Aggregate, st.just("sum"), events, st.just("size"), windows),
        worked_out.filter(lambda value: not isinstance(value, t.Aggregate)),
    ),
    lambda inner: st.builds(
        t.Arithmetic,
        inner,
        st.sampled_from(t.OPERATORS),
        st.one_of(inner, st.sampled_from([2, 0.5]).map(t.Number)),
    ),
    max_leaves=3,
)


@short
def behaviours():
    """Every kind of behaviour."""
    times = st.one_of(st.none(), st.builds(t.Times, st.sampled_from(tuple(t.COUNTS)), st.integers(0, 3)))
    often = st.one_of(st.none(), st.builds(t.Times, st.just("at least"), st.integers(1, 2)))
    then = st.builds(t.Then, events, st.one_of(st.none(), durations))
    status = t.Compare(t.Attribute(("status",)), "=", t.Text("new"))
    return st.one_of(
        st.builds(t.Did, events, times, st.one_of(windows, bounded)),
        st.builds(t.FirstDid, events, windows.filter(lambda window: window is not None)),
        st.builds(t.Regularly, events, st.integers(1, 3), st.sampled_from([3, 5, 70]), durations, often),
        st.builds(
            t.Sequence,
            events,
            st.lists(then, min_size=1, max_size=3).map(tuple),
            st.one_of(st.none(), events),
            windows,
        ),
        st.builds(t.LastHas, events, property_tests, windows),
        st.builds(t.HasBeen, st.just(status), st.sampled_from(["at least", "less than"]), durations),
        st.just(status),
        st.just(t.Known(t.Attribute(("status",)))),
        st.builds(
            t.Compare,
            st.one_of(
                aggregates.filter(lambda a: a.function in ("count", "sum", "recency", "distinct")), sums
            ),
            st.sampled_from(t.COMPARISONS),
            st.sampled_from([0, 1, 2, 5, 20.01]).map(t.Number),
        ),
    )


@given(tree=combined(behaviours(), most=4))
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_conditions_mean_what_they_say(crowd, tree):
    world, people_by_user = crowd
    oracle = Oracle(naive(AS_OF))
    expected = {user for user, person in people_by_user.items() if oracle.holds(tree, person)}
    assert world.users_of(people(tree, world.catalog, AS_OF)) == expected, to_text(tree)


@st.composite
def beside_what_takes_long(draw):
    """Several counts, each perhaps denied, of few names, beside a sequence: all of them must be true."""
    times = st.one_of(st.none(), st.builds(t.Times, st.sampled_from(tuple(t.COUNTS)), st.integers(0, 3)))
    plain = st.builds(t.Event, st.sampled_from(["A", "B", "C*"]), st.one_of(st.none(), wheres))
    did = st.builds(t.Did, plain, times, st.one_of(windows, windows, bounded))
    counts = draw(st.lists(st.one_of(did, st.builds(t.Not, did)), min_size=1, max_size=4))
    then = st.builds(t.Then, events, st.one_of(st.none(), durations))
    steps = st.lists(then, min_size=1, max_size=2).map(tuple)
    slow = draw(st.builds(t.Sequence, events, steps, st.one_of(st.none(), events), windows))
    return t.And((*counts, draw(st.sampled_from([slow, t.Not(slow)]))))


@given(tree=beside_what_takes_long())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_quick_is_asked_first_and_says_the_same(crowd, tree):
    world, people_by_user = crowd
    oracle = Oracle(naive(AS_OF))
    expected = {user for user, person in people_by_user.items() if oracle.holds(tree, person)}
    assert world.users_of(people(tree, world.catalog, AS_OF)) == expected, to_text(tree)


@pytest.fixture(params=["numbered", "numbered without bits", "not numbered"])
def way(request, monkeypatch):
    """How distinct, first, last and commonest values are worked out; the answers are the same."""
    if request.param != "numbered":
        monkeypatch.setattr(scan, "MOST_BITS", 1)
    if request.param == "not numbered":
        monkeypatch.setattr(scan, "MOST_NUMBERED", 1)


@given(value=aggregates)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_values_are_what_they_say(crowd, way, value):
    world, people_by_user = crowd
    oracle = Oracle(naive(AS_OF))
    query = values(value, world.catalog, AS_OF)
    by_ix = {ix: user for user, ix in world.users.items()}
    found = {by_ix[row["ix"]]: row["value"] for row in world.engine.read(query.sql, query.values).to_pylist()}
    agrees(world, people_by_user, oracle, value, found)


@given(value=st.one_of(worked_out, sums))
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_worked_out_is_what_it_says(crowd, value):
    world, people_by_user = crowd
    query = values(value, world.catalog, AS_OF)
    by_ix = {ix: user for user, ix in world.users.items()}
    found = {by_ix[row["ix"]]: row["value"] for row in world.engine.read(query.sql, query.values).to_pylist()}
    agrees(world, people_by_user, Oracle(naive(AS_OF)), value, found)


def agrees(world, people_by_user, oracle, value, found):
    """Everybody has the value that the oracle gives, and nobody else has one."""
    money = getattr(value, "of", None) == "amount" and value.function != "distinct"
    for user, person in people_by_user.items():
        expected = oracle.value(value, person)
        if expected is None:
            assert user not in found, (user, to_text(value))
            continue
        if money:
            expected = round(expected * 10_000)
        got = found[user]
        if isinstance(expected, float):
            assert abs(got - expected) <= 1e-9 * max(1, abs(expected)), (user, to_text(value))
        elif money and value.function == "avg":
            assert abs(got - expected) <= 1
        else:
            assert got == expected, (user, to_text(value))
