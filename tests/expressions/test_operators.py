"""Every operator, over a small world worked out by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, assume, given, settings

from limner.errors import ExpressionError
from limner.expressions import (
    Cases,
    check,
    parse,
    parse_value,
    people,
    rule,
    statistics,
    to_text,
    type_of,
    values,
    warnings,
    where,
)
from limner.expressions import tree as t
from limner.types import ValueType, naive
from tests.expressions.strategies import conditions
from tests.expressions.world import AS_OF, World, at

EVERYBODY = {"ann", "bob", "cho", "dee"}


@pytest.fixture(scope="module")
def world():
    """Ann buys and returns, Bob browses, Cho is new, Dee never did anything. It is 2025-06-15 12:00 UTC."""
    w = World(
        properties={
            "amount": "money",
            "qty": "number",
            "color": "text",
            "gift": "flag",
            "due": "instant",
            "code": "text",
        }
    )
    w.event(
        "ann", "Order Paid", "2025-06-14T10:00:00Z", amount=19.99, qty=2, color="red", gift=True, code="42"
    )
    w.event(
        "ann",
        "Order Paid",
        "2025-06-01T09:00:00Z",
        amount=80.01,
        qty=1.5,
        color="blue",
        source="app",
        code="7",
    )
    w.event("ann", "Order Refunded", "2025-06-14T12:00:00Z", amount=19.99)
    w.event("ann", "visit", "2025-06-15T11:59:59Z", color="red")
    w.event("bob", "visit", "2025-06-08T12:00:00Z", color="red", due=at("2025-07-01"))
    w.event("bob", "visit", "2025-06-08T11:59:59Z", color="blue")
    w.event("bob", "visit", "2025-06-15T12:00:00Z", color="green")
    w.event("bob", "search", "2025-06-10T22:30:00Z")
    w.event("cho", "search", "2025-06-10T01:00:00Z", color="100%_")
    w.event("cho", "visit", "2025-06-10T02:00:00Z")
    w.event(None, "visit", "2025-06-10T02:00:00Z")
    w.person("dee")
    for user, name, value, ts in [
        ("ann", "city", "Shanghai", "2025-01-01"), ("bob", "city", "上海", "2025-01-01"),
        ("bob", "city", "Suzhou", "2025-06-20"), ("cho", "city", "", "2025-01-01"),
        ("ann", "age", 20.5, "2025-01-01"), ("bob", "age", "31", "2025-01-01"), ("cho", "age", "old", "2025-01-01"),
        ("ann", "likes", ["tea", "milk", 3], "2025-01-01"), ("bob", "likes", "tea", "2025-01-01"),
        ("ann", "home", {"geo": {"zip": "200001"}, "floor": 3, "owner": True}, "2025-01-01"),
        ("ann", "joined", "2025-06-10", "2025-01-01"), ("bob", "joined", "2025-06-01T00:00:00+08:00", "2025-01-01"),
        ("cho", "joined", "2025-06-20T00:00:00Z", "2025-01-01"), ("dee", "joined", "no date", "2025-01-01"),
        ("dee", "city", None, "2025-01-01"), ("dee", "vip", True, "2025-01-01"), ("ann", "vip", "true", "2025-01-01"),
    ]:  # fmt: skip
        w.attribute(user, name, value, ts)
    w.attribute("ann", "source", "ad", "2025-01-05", "once").attribute(
        "ann", "source", "mail", "2025-01-02", "once"
    )
    w.attribute("bob", "source", "ad", "2025-01-01").attribute("bob", "source", "late", "2025-01-02", "once")
    w.attribute("cho", "source", "ad", "2025-01-01").attribute("cho", "source", None, "2025-01-02", "unset")
    w.attribute("dee", "source", "x", "2025-01-01").attribute("dee", "source", None, "2025-01-02", "unset")
    w.attribute("dee", "source", "again", "2025-01-03", "once")
    w.attribute("ann", "status", "on", "2025-06-01").attribute("ann", "status", "on", "2025-06-14")
    w.attribute("bob", "status", "on", "2025-06-01").attribute("bob", "status", "off", "2025-06-07")
    w.attribute("bob", "status", "on", "2025-06-09").attribute("cho", "status", "off", "2025-06-01")
    w.tag("member", "flag", {"ann": True, "bob": False})
    w.tag("level", "text", {"ann": "gold", "bob": "silver", "cho": "gold"})
    w.tag("orders", "number", {"ann": 2, "bob": 0})
    w.weigh(
        "taste", {"ann": {"茶": 0.5, "cup": 0.2}, "bob": {"cup": 0.75}, "cho": {"茶": 0.25, "cup": 0.125}}
    )
    w.tag("spent", "money", {"ann": 100.0, "bob": 0})
    w.tag("expires", "instant", {"ann": AS_OF + timedelta(days=3), "bob": AS_OF - timedelta(days=1)})
    w.tag("stale", "flag", {"ann": True}, expires_at=AS_OF)
    w.tag("fresh", "flag", {"ann": True}, expires_at=AS_OF + timedelta(seconds=1))
    w.audiences = {
        "gold": parse("level = 'gold'"), "list": frozenset({0, 3}), "nobody": frozenset(),
        "gold buyers": parse("in audience gold and did \"Order Paid\""),
        "a": parse("in audience b"), "b": parse("not in audience a"),
    }  # fmt: skip
    with w.engine.write() as tx:
        tx.execute("INSERT INTO persons VALUES (90, 'gone', TIMESTAMP '2020-01-01', NULL, TRUE)")
        tx.execute("INSERT INTO persons VALUES (91, 'merged', TIMESTAMP '2020-01-01', 0, FALSE)")
    yield w
    w.engine.close()


CASES = [
    # names and comparisons; a missing value satisfies none, and `not` makes it true
    ("true", "ann bob cho dee"), ("false", ""), ("member", "ann"), ("not member", "bob cho dee"),
    ("level = 'gold'", "ann cho"), ("level != 'gold'", "bob"), ("not level = 'gold'", "bob dee"),
    ("level in ('gold', 'iron')", "ann cho"), ("level not in ('gold')", "bob dee"), ("level < 'h'", "ann cho"),
    ("orders > 0", "ann"), ("orders <= 0", "bob"), ("orders between 0 and 1", "bob"), ("2 = orders", "ann"),
    ("3 > orders", "ann bob"), ("spent >= 100", "ann"), ("spent < 99.99", "bob"), ("spent = 100.00001", ""),
    ("spent > 99.99999", "ann"), ("known(level)", "ann bob cho"), ("not known(level)", "dee"),
    ("level contains 'ol'", "ann cho"), ("level starts with 's'", "bob"), ("level ends with 'ld'", "ann cho"),
    ("level matches '^(gold|iron)$'", "ann cho"), ("level ~ 'il.e'", "bob"), ("stale", ""), ("fresh", "ann"),
    ("orders = spent", "bob"), ("expires in next 7 days", "ann"), ("expires in last 7 days", "bob"),
    ("expires in this month", "ann bob"), ("expires since 2025-06-15", "ann"), ("expires before 2025-06-15", "bob"),
    ("expires from 2025-06-14 to 2025-06-18T12:00:00Z", "bob"), ("expires > 2025-06-15", "ann"),
    ("expires more than 12 hours ago", "bob"), ("expires between 2 days and 12 hours ago", "bob"),
    ("(member or level = 'gold') and not orders = 2", "cho"), ("true = member", "ann"), ("member = false", "bob"),
    # attributes are typed by what they are compared with
    ("city = 'Shanghai'", "ann"), ("person.city = '上海'", "bob"), ("person.city contains 'hai'", "ann"),
    ("known(person.city)", "ann bob cho"), ("person.city != ''", "ann bob"), ("person.age >= 20.5", "ann bob"),
    ("person.age < 31", "ann"), ("person.age = '31'", "bob"), ("person.age = 'old'", "cho"),
    ("person.age between 20 and 21", "ann"), ("person.age in (20.5, 'old')", "ann cho"),
    ("person.likes includes 'tea'", "ann"), ("person.likes includes 3", "ann"), ("person.likes = 'tea'", "bob"),
    ("person.home.geo.zip = '200001'", "ann"), ("person.home.floor > 2", "ann"), ("person.home.owner", "ann"),
    ("known(person.home.nothing)", ""), ("person.vip", "ann dee"), ("person.vip = true", "ann dee"),
    ("person.joined in last 7 days", "ann"), ("person.joined since 2025-06-01", "ann cho"),
    ("person.joined >= 2025-05-31T16:00:00Z", "ann bob cho"), ("person.joined = 2025-06-10", "ann"),
    ("person.nothing = 'x'", ""), ("not person.nothing = 'x'", "ann bob cho dee"),
    ("person.source = 'mail'", "ann"), ("person.source = 'ad'", "bob"), ("known(person.source)", "ann bob dee"),
    ("person.source = 'again'", "dee"),
    ("person.city = person.source", ""),
    ("person.age > person.home.floor", "ann"),
    ("person.status = 'on' for at least 7 days", "ann"), ("person.status = 'on' for less than 7 days", "bob"),
    ("person.status in ('off') for at least 14 days", "cho"),
    ("known(person.status) for at least 14 days", "ann bob cho"),
    ("status = 'on' for at least 14 days", "ann"),
    # behaviour
    ("did \"Order Paid\"", "ann"), ("not did visit", "dee"), ("did visit exactly 0 times", "dee"),
    ("did visit exactly 2 times", "bob"),
    ("did visit at least 2 times", "bob"),
    ("did visit more than 1 time", "bob"),
    ("did visit at most 1 time", "ann cho dee"), ("did visit fewer than 1 time", "dee"),
    ("did visit in last 7 days", "ann bob cho"), ("did visit in last 7 days where color = 'red'", "ann bob"),
    ("did visit between 8 days and 7 days ago", "bob"), ("did visit more than 7 days ago", "bob"),
    ("did \"Order*\" at least 3 times", "ann"), ("did *", "ann bob cho"), ("did unheard", ""),
    ("did * since 2025-06-14", "ann"), ("did \"Order Paid\" before 2025-06-02", "ann"),
    ("did * from 2025-06-01 to 2025-06-02", "ann"), ("did search in last 1 hour", ""),
    ("did visit in this day", "ann"), ("did search in this week", "bob cho"), ("did search in this month", "bob cho"),
    ("did \"Order Paid\" in last 1 calendar week where amount > 50", ""),
    ("did \"Order Paid\" in last 3 calendar weeks where amount > 50", "ann"),
    ("did \"Order Paid\" in last 2 calendar months", "ann"), ("did * in this year", "ann bob cho"),
    ("first did visit in last 7 days", "ann cho"), ("first did \"Order*\" more than 7 days ago", "ann"),
    ("did visit in at least 2 of the last 2 periods of 1 week", "bob"),
    ("did visit at least 2 times in at least 1 of the last 70 periods of 1 week", ""),
    ("did \"Order*\" more than 1 time in at least 1 of the last 3 periods of 1 week", "ann"),
    ("did \"Order Paid\" then \"Order Refunded\" within 2 hours", "ann"),
    ("did \"Order Paid\" then \"Order Refunded\" within 1 hour", ""),
    ("did \"Order Paid\" in last 1 week then \"Order Refunded\"", "ann"),
    ("did \"Order Paid\" more than 7 days ago then \"Order Paid\" then \"Order Refunded\" within 2 weeks", "ann"),
    ("did \"Order Paid\" more than 7 days ago then \"Order Refunded\" without \"Order Paid\"", ""),
    ("did search then visit", "cho"), ("did visit then search within 3 days", "bob"), ("did visit then visit", "bob"),
    ("last visit has color = 'red'", "ann bob"),
    ("last visit in last 7 days has (color = 'red' or color = 'x')", "ann bob"),
    ("last \"Order Paid\" where qty < 2 has color = 'blue'", "ann"), ("last * has not known(color)", "bob cho"),
    # inside where
    ("did * where gift = true", "ann"), ("did * where (gift)", "ann"), ("did * where qty between 1.5 and 1.9", "ann"),
    ("did * where color contains '%_'", "cho"), ("did * where code = 42", "ann"), ("did * where qty = '2'", "ann"),
    ("did * where (source = 'app')", "ann"), ("did visit where source in ('app', 'nowhere')", ""),
    ("did * where event = 'search'", "bob cho"), ("did * where event starts with 'Order'", "ann"),
    ("did * where (event = 'search' and hour >= 22)", "bob"), ("did * where weekday = 7", "ann bob"),
    ("did * where (time since 2025-06-15)", "ann"), ("did * where due > 2025-06-30", "bob"),
    ("did * where unheard = 1", ""), ("did visit where not unheard = 1", "ann bob cho"),
    ("did * where known(person)", "ann bob cho"), ("did * where amount = 80.01", "ann"),
    # aggregates as values
    ("count(visit) > 1", "bob"), ("count(*) = 0", "dee"), ("sum(amount of \"Order Paid\") = 100", "ann"),
    ("sum(amount of \"Order Paid\" in last 7 days) >= 19.99", "ann"), ("sum(qty of *) > 3", "ann"),
    ("sum(amount of *) = 0", "bob cho dee"),
    ("avg(qty of *) = 1.75", "ann"),
    ("avg(amount of \"Order Paid\") = 50", "ann"),
    ("min(amount of \"Order Paid\") < 20", "ann"),
    ("max(qty of *) = 2", "ann"),
    ("distinct(color of visit) = 2", "bob"),
    ("distinct(color of *) = 0", "dee"),
    ("first(color of visit) = 'blue'", "bob"),
    ("last(color of visit) = 'red'", "ann bob"),
    ("most_frequent(color of *) = 'red'", "ann"), ("most_frequent(color of visit) = 'blue'", "bob"),
    ("recency(visit) = 0", "ann"), ("recency(visit) >= 5", "bob cho"), ("known(recency(*))", "ann bob cho"),
    ("first_time(visit) in last 7 days", "ann cho"), ("last_time(visit) > 2025-06-15", "ann"),
    ("count(visit where color = 'red') = count(visit)", "ann dee"),
    # weights of labels
    ("weight(taste, '茶') >= 0.5", "ann"), ("weight(taste, '茶') > weight(taste, 'cup')", "ann cho"),
    ("weight(taste, '茶') = 0", "bob dee"),
    ("known(weight(taste, 'pot'))", "ann bob cho dee"), ("not weight(taste, 'cup') > 0.2", "ann cho dee"),
    # arithmetic
    ("count(visit) / count(*) >= 0.5", "bob cho"), ("count(visit) + count(search) * 2 > 3", "bob"),
    ("(count(visit) - 1) / 2 = 0.5", "bob"), ("sum(amount of \"Order Paid\") / count(\"Order Paid\") = 50", "ann"),
    ("spent - 0.5 < 0", "bob"), ("spent / spent = 1", "ann"), ("orders * spent = 200", "ann"),
    ("person.age - 0.5 = 20", "ann"), ("known(1 / count(visit))", "ann bob cho"),
    # chances
    ("logistic(-1, member * 1) = 0.5", "ann"), ("logistic(-1, member * 1) < 0.3", "bob cho dee"),
    ("logistic(0, orders * 1) >= 0.5", "ann bob"), ("known(logistic(0, orders * 0.5, spent * -0.01))", "ann bob"),
    ("logistic(1, orders * 0.5, spent * -0.02) = 0.5", "ann"),
    # habits
    ("streak(* by day) >= 2", "ann"), ("current_streak(* by day) = 2", "ann"),
    ("current_streak(* by week) = 1", "ann cho"), ("current_streak(visit by day) = 0", "bob cho dee"),
    ("current_streak(search by month) = 1", "bob cho"), ("streak(* by year) = 0", "dee"),
    ("gap(\"Order*\") = 6.5625", "ann"), ("known(gap(search))", ""), ("gap(visit) < 0.001", "bob"),
    ("share(visit where color = 'red') = 0.5", "bob"), ("share(visit where color = 'red') = 0", "cho"),
    ("usual_hour(*) = 9", "ann"), ("usual_hour(*) = 11", "bob"),
    ("usual_weekday(\"Order*\" at least 3 times) = 6", "ann"),
    ("known(usual_weekday(visit at least 2 times))", "bob"),
    ("most_frequent(color of *, 2) = 'blue'", "ann"), ("most_frequent(color of visit, 2) = 'red'", "bob"),
    ("top(1, color of *) includes 'red'", "ann"), ("top(2, color of *) includes 'red'", "ann bob"),
    ("top(1, color of visit) includes 'blue'", "bob"), ("not known(top(3, color of visit))", "cho dee"),
    ("top(2, color of visit since first visit) includes 'red'", "bob"),
    ("delay(\"Order Paid\" to \"Order Refunded\") = 13", "ann"), ("delay(search to visit) = 0", "cho"),
    ("delay(\"Order Paid\" in last 7 days to \"Order Refunded\" where amount < 20) = 0", "ann"),
    # between events
    ("did visit since last \"Order Paid\"", "ann"), ("count(visit since first visit) = 1", "bob"),
    ("did search before first visit", "cho"), ("did search exactly 0 times before last visit", "ann bob dee"),
    ("did * at least 3 times since last (\"Order Paid\" where amount > 50)", "ann"),
    ("recency(visit since last \"Order Paid\") = 0", "ann"), ("last(color of * before last visit) = 'red'", "ann"),
    # dates
    ("age(person.joined) = 0", "ann bob"), ("known(age(joined))", "ann bob"),
    ("anniversary(person.joined) > 2026-06-01", "ann"), ("age(expires) >= 0", "bob"),
    # audiences and samples
    ("in audience gold", "ann cho"), ("not in audience gold", "bob dee"), ("in audience \"gold buyers\"", "ann"),
    ("in audience list", "ann dee"), ("in audience nobody", ""), ("not in audience nobody", "ann bob cho dee"),
    ("sample(0, 1)", ""), ("sample(1, 'x')", "ann bob cho dee"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_operator(world, text, expected):
    assert world.ask(text) == set(expected.split())
    check(parse(text), world.catalog)


def test_every_kind_of_node_and_operator_has_a_case():
    seen = [node for text, _ in CASES for node in t.walk(parse(text))]
    of_tags = {"Interest", "Points"}  # these stand in a tag's statistic only
    put_in = {"Metric", "OfObject"}  # these give way to what they stand for: test_metrics.py, test_objects.py
    assert {type(node).__name__ for node in seen} >= set(t.NODES) - of_tags - put_in
    assert {node.op for node in seen if isinstance(node, t.Compare)} == set(t.COMPARISONS)
    assert {node.op for node in seen if isinstance(node, t.TextTest)} == set(t.TEXT_TESTS)
    assert {node.op for node in seen if isinstance(node, t.Times)} == set(t.COUNTS)
    asked = {node.function for node in seen if isinstance(node, t.Aggregate)}
    assert asked == {*t.EVENT_AGGREGATES, *t.PROPERTY_AGGREGATES, t.TOP}
    assert {node.name for node in seen if isinstance(node, t.Builtin)} == set(t.BUILTINS)


def test_nothing_at_or_after_as_of_is_seen(world):
    assert world.ask("did visit in last 1 second") == {"ann"}
    assert world.ask("did visit where color = 'green'") == set()
    assert world.ask("did visit where color = 'green'", AS_OF + timedelta(microseconds=1)) == {"bob"}
    assert world.ask("person.city = 'Suzhou'", at("2025-06-21")) == {"bob"}


def test_a_sample_is_the_same_people_every_time_and_about_as_many_as_asked():
    world = World()
    for i in range(400):
        world.person(f"u{i}")
    tenth = world.ask("sample(0.25, 42)")
    assert tenth == world.ask("sample(0.25, 42)", AS_OF + timedelta(days=9))
    assert 70 < len(tenth) < 130
    assert tenth < world.ask("sample(0.5, 42)")
    assert tenth != world.ask("sample(0.25, 43)")
    world.engine.close()


def test_calendar_windows_follow_the_zone_and_its_clock_changes():
    world = World(zone="Europe/Berlin")
    world.event("ann", "x", "2025-03-29T22:59:59Z").event("bob", "x", "2025-03-29T23:00:00Z")
    world.event("cho", "x", "2025-03-30T21:59:59Z").event("dee", "x", "2025-03-30T22:00:00Z")
    noon = at("2025-03-31T10:00:00Z")
    assert world.ask("did x in this day", noon) == {"dee"}
    assert world.ask("did x in last 2 calendar days", noon) == {"bob", "cho", "dee"}
    assert world.ask("did x since 2025-03-30", noon) == {"bob", "cho", "dee"}
    assert world.ask("did x where hour = 0", noon) == {"bob", "dee"}
    assert world.ask("did x in this week", noon) == {"dee"}
    assert world.ask("did x in last 1 day", noon) == {"cho", "dee"}
    midnight = at("2025-03-30T22:00:00Z")  # the day that ends now is "this day"
    assert world.ask("did x in this day", midnight) == {"bob", "cho"}
    world.engine.close()


def test_many_values_come_in_one_pass(world):
    table = world.table(
        {
            "n": "count(visit)",
            "spent": 'sum(amount of "Order Paid")',
            "last": "last(color of *)",
            "level": "level",
            "city": "person.city",
            "days": "recency(visit)",
            "odd key;": "1",
        }
    )
    assert table["ann"] == {
        "n": 1, "spent": 1_000_000, "last": "red", "level": "gold", "city": "Shanghai", "days": 0, "odd key;": 1,
    }  # fmt: skip
    assert table["dee"] == {
        "n": 0, "spent": 0, "last": None, "level": None, "city": None, "days": None, "odd key;": 1,
    }  # fmt: skip
    assert set(table) == EVERYBODY


def test_values_leave_out_who_has_none(world):
    assert world.value("level") == {"ann": "gold", "bob": "silver", "cho": "gold"}
    assert world.value("count(visit)") == {"ann": 1, "bob": 2, "cho": 1, "dee": 0}
    assert world.value("avg(qty of *)") == {"ann": 1.75}


def ask(world, query):
    by_ix = {ix: user for user, ix in world.users.items()}
    return {by_ix[row["ix"]]: row["value"] for row in world.engine.read(query.sql, query.values).to_pylist()}


def test_a_rule_gives_the_first_true_case(world):
    cases = [(parse('did "Order Paid"'), t.Text("buyer")), (parse("did visit"), t.Text("looker"))]
    query = rule(cases, None, world.catalog, AS_OF, type=ValueType.TEXT)
    assert ask(world, query) == {"ann": "buyer", "bob": "looker", "cho": "looker"}
    query = rule(cases, t.Text("other"), world.catalog, AS_OF, type=ValueType.TEXT)
    assert ask(world, query)["dee"] == "other"
    money = rule([(parse("member"), t.Number(9.5))], None, world.catalog, AS_OF, type=ValueType.MONEY)
    assert ask(world, money) == {"ann": 95_000}
    with pytest.raises(ExpressionError, match="no number"):
        rule([(parse("member"), t.Text("x"))], None, world.catalog, AS_OF, type=ValueType.NUMBER)


def test_rules_and_aggregates_share_the_pass(world):
    buyer = Cases(((parse('did "Order Paid"'), t.Flag(True)),), t.Flag(False), ValueType.FLAG)
    query = statistics({"buyer": buyer, "n": parse_value('count("Order Paid")')}, world.catalog, AS_OF)
    assert query.sql.count("FROM events") == 1
    rows = world.engine.read(query.sql, query.values).to_pylist()
    assert {row["ix"]: (row["buyer"], row["n"]) for row in rows}[world.users["ann"]] == (True, 2)


def test_only_the_people_of_a_table_are_looked_at(world):
    with world.engine.write() as tx:
        tx.execute("CREATE OR REPLACE TABLE some_people AS SELECT 1::UINTEGER AS ix UNION ALL SELECT 2")
    for text in (
        "did visit",
        "count(visit) >= 1",
        "known(person.city)",
        "did visit then visit or did search",
    ):
        query = people(parse(text), world.catalog, AS_OF, among="some_people")
        assert world.users_of(query) == {"bob", "cho"} & world.ask(text)
    query = values(parse_value("last(color of visit)"), world.catalog, AS_OF, among="some_people")
    assert ask(world, query) == {"bob": "red"}


def test_a_condition_over_rows_of_events(world):
    condition, bound = where(
        parse("event = 'visit' and known(person) and color = 'red'", "event"), world.catalog, AS_OF
    )
    found = world.engine.read(f"SELECT COUNT(*) AS n FROM events WHERE {condition}", bound)
    assert found.column("n").to_pylist() == [2]


def test_a_long_list_of_options_answers_as_a_short_one(world):
    words = ", ".join(f"'w{i}'" for i in range(40))
    for short, long in [
        ("level in ('gold')", f"level in ({words}, 'gold')"),
        ("person.city not in ('Shanghai')", f"person.city not in ({words}, 'Shanghai')"),
        ("did visit where color in ('red')", f"did visit where color in ({words}, 'red')"),
        ("last visit has color in ('red')", f"last visit has color in ({words}, 'red')"),
        (
            "did visit then visit where color in ('red')",
            f"did visit then visit where color in ({words}, 'red')",
        ),
        ("orders in (2)", f"orders in ({', '.join(str(i + 0.5) for i in range(40))}, 2)"),
        ("spent in (100)", f"spent in ({', '.join(str(i + 0.5) for i in range(40))}, 100)"),
        ("expires in (2025-06-18T12:00:00Z)", f"expires in ({'2025-01-01, ' * 20} 2025-06-18T12:00:00Z)"),
    ]:
        assert world.ask(short) == world.ask(long), long
        assert world.ask(short), short


def test_every_value_of_the_user_is_bound_and_never_written_into_the_sql(world):
    hostile = "x'); DROP TABLE events; --"
    name = '"a""; DROP TABLE events; --"'
    text = (
        f"person.city = '{hostile.replace(chr(39), chr(39) * 2)}' or person.{name}.{name} = 'y' or did {name}"
    )
    query = people(parse(text), world.catalog, AS_OF)
    assert "DROP" not in query.sql
    assert hostile in query.values.values()
    assert world.users_of(query) == set()


@given(tree=conditions())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_sound_becomes_one_select_that_runs(world, tree):
    try:
        check(tree, world.catalog)
    except ExpressionError:
        assume(False)
    query = people(tree, world.catalog, AS_OF)
    assert query.sql.startswith(("WITH ", "SELECT "))
    assert ";" not in query.sql
    world.users_of(query)


def test_a_birthday_rolls_over_on_the_day_in_the_zone_of_the_workspace():
    world = World(zone="Asia/Shanghai")
    world.attribute("ann", "birthday", "1990-06-15", "2020-01-01")
    world.attribute("leap", "birthday", "2004-02-29", "2020-01-01")
    for number, wrong in enumerate(["1990-02-30", "soon", 19900615, "", None, ["1990-06-15"]]):
        world.attribute(f"w{number}", "birthday", wrong, "2020-01-01")
    eve, day = at("2025-06-14T15:59:59Z"), at("2025-06-14T16:00:00Z")  # midnight in Shanghai
    assert world.value("age(person.birthday)", eve) == {"ann": 34, "leap": 21}
    assert world.value("age(person.birthday)", day) == {"ann": 35, "leap": 21}
    assert world.ask("anniversary(person.birthday) in next 1 day", eve) == {"ann"}
    assert world.ask("anniversary(person.birthday) in this day", at("2025-06-15T10:00:00Z")) == {"ann"}
    assert world.ask("anniversary(person.birthday) in next 7 days", at("2025-06-15T17:00:00Z")) == set()
    # Born on 29 February: 1 March in years without one.
    assert world.value("age(person.birthday)", at("2025-02-28T10:00:00Z"))["leap"] == 20
    assert world.value("age(person.birthday)", at("2025-03-01T10:00:00Z"))["leap"] == 21
    assert world.value("age(person.birthday)", at("2028-02-29T10:00:00Z"))["leap"] == 24
    assert world.value("anniversary(person.birthday)", at("2025-02-20"))["leap"] == naive(
        at("2025-02-28T16:00:00Z")
    )
    assert world.value("anniversary(person.birthday)", at("2027-03-20"))["leap"] == naive(
        at("2028-02-28T16:00:00Z")
    )
    world.engine.close()


def test_streaks_are_of_days_in_the_zone_and_end_with_a_day_left_out():
    world = World(zone="Asia/Shanghai")
    for ts in (
        "2025-06-10T15:00:00Z",
        "2025-06-10T17:00:00Z",
        "2025-06-12T10:00:00Z",
        "2025-06-12T17:00:00Z",
    ):
        world.event("ann", "visit", ts)  # 10, 11, 12, 13 June in Shanghai
    texts = {"longest": "streak(visit by day)", "now": "current_streak(visit by day)"}
    for as_of, now in [("2025-06-13T10:00:00Z", 4), ("2025-06-14T15:00:00Z", 4), ("2025-06-14T17:00:00Z", 0)]:
        assert world.table(texts, at(as_of))["ann"] == {"longest": 4, "now": now}
    world.engine.close()


def test_money_stays_exact_and_what_cannot_be_is_missing():
    world = World(properties={"amount": "money", "qty": "number"})
    for _ in range(3):
        world.event("ann", "buy", "2025-06-01", amount=0.1, qty=0.1)
    world.tag("huge", "money", {"ann": 900_000_000_000_000})
    for text, value in [
        ("sum(amount of buy) - 0.3", 0), ("sum(amount of buy) * 3", 9_000), ("sum(amount of buy) / 7", 429),
        ("sum(amount of buy) / -7", -429), ("sum(amount of buy) * 0.33335", 1_000), ("3 - count(buy)", 0),
        ("count(buy) / (count(buy) - 3)", None), ("huge * count(buy)", None), ("huge + huge", None),
        ("huge / 0.00000000001", None), ("count(buy) * 2 - 1", 5), ("0.5 + sum(qty of buy)", 0.8),
    ]:  # fmt: skip
        assert world.value(text).get("ann") == value, text
    assert isinstance(world.value("count(buy) * 2 - 1")["ann"], int)
    assert isinstance(world.value("count(buy) / 1")["ann"], float)
    world.engine.close()


# --- checking ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("levle = 'gold'", "unknown_name", "did you mean level?"),
        ("in audience golden", "unknown_name", "did you mean gold?"),
        ("level > 3", "type", "a number is not compared with a text"),
        ("level = 3", "type", "write '…'"),
        ("orders = '3'", "type", "write 42"),
        ("expires = '2025-01-01'", "type", "write 2025-01-15"),
        ("member > true", "type", "use = or !="),
        ("level", "type", "no condition"),
        ("count(visit)", "type", "no condition"),
        ("orders contains 'x'", "type", "needs a text"),
        ("level includes 'x'", "", ""),
        ("orders in last 3 days", "type", "needs an instant"),
        ("sum(color of visit) > 1", "type", "needs a number"),
        ("1 and true", "type", "compare it"),
        ("level = 'x' for at least 3 days", "type", "attribute"),
        ("did visit where person = 'x'", "type", "known(person)"),
        ("did visit where event = color", "type", "literal"),
        ("in audience a", "cycle", "a → b → a"),
        ("level + 1 > 2", "type", "there is no text + number"),
        ("spent + orders > 2", "type", "there is no money + number"),
        ("orders / spent > 2", "type", "there is no number / money"),
        ("spent * spent > 2", "type", "there is no money * money"),
        ("spent + 0.00001 > 2", "type", "four decimals"),
        ("expires - 1 > 2", "type", "there is no instant - number"),
        ("count(visit) + 1", "type", "a number is no condition"),
        ("top(3, qty of visit) includes '1'", "type", "top is of texts"),
        ("top(3, color of visit) = 'red'", "type", "use includes"),
        ("gap(visit)", "type", "a number is no condition"),
        ("age(level) > 3", "type", "age needs a date, not a text"),
        ("age(2000-01-01) > 3", "type", "age(person.birthday)"),
        ("did visit since last (visit where event = color)", "type", "literal"),
        ("anniversary(expires) > 3", "type", "a instant is not compared with a number"),
    ],
)  # fmt: skip
def test_check_says_what_is_wrong(world, text, code, said):
    if not code:
        check(parse(text), world.catalog)
        return
    with pytest.raises(ExpressionError) as caught:
        check(parse(text), world.catalog)
    assert caught.value.code == code
    assert said in str(caught.value)
    assert caught.value.line == 1


def test_check_allows_what_may_come_later_and_strict_refuses_it(world):
    for text, said in [
        ("did vist", "did you mean visit?"),
        ("did visit where colour = 'red'", "did you mean color?"),
        ("person.citi = 'x'", "did you mean city?"),
        ("last visit has colour = 'red'", "did you mean color?"),
        ("sum(amont of visit) > 1", "did you mean amount?"),
    ]:
        tree = parse(text)
        check(tree, world.catalog)
        assert any(said in warning for warning in warnings(tree, world.catalog)), text
        with pytest.raises(ExpressionError) as caught:
            check(tree, world.catalog, strict=True)
        assert said in str(caught.value)
    assert warnings(parse("did visit where color = 'red'"), world.catalog) == []


def test_a_bare_name_is_a_tag_first_and_then_an_attribute(world):
    assert type_of(parse_value("level"), world.catalog) is ValueType.TEXT
    assert type_of(parse_value("city"), world.catalog) is None
    assert type_of(parse_value("sum(amount of visit)"), world.catalog) is ValueType.MONEY
    assert type_of(parse_value("first_time(visit)"), world.catalog) is ValueType.INSTANT


def test_audiences_that_refer_to_each_other_in_a_circle_do_not_run(world):
    with pytest.raises(ExpressionError) as caught:
        people(parse("in audience a"), world.catalog, AS_OF)
    assert caught.value.code == "cycle"


def test_audiences_that_nest_too_deeply_are_refused(world):
    deep = {
        f"n{i}": parse("(" * 40 + "not " + f"(in audience n{i + 1}) and true" + ")" * 40) for i in range(300)
    }
    world.audiences.update(deep, n300=parse("true"))
    with pytest.raises(ExpressionError) as caught:
        people(parse("in audience n0"), world.catalog, AS_OF)
    assert caught.value.code == "too_complex"
    with pytest.raises(ExpressionError) as caught:
        check(parse("in audience n0"), world.catalog)
    assert caught.value.code == "too_complex"


def test_audiences_that_multiply_are_refused(world):
    world.audiences.update(
        {f"m{i}": parse(f"in audience m{i + 1} or not in audience m{i + 1}") for i in range(60)}
    )
    world.audiences["m20"] = parse("true")
    check(parse("in audience m0"), world.catalog)
    with pytest.raises(ExpressionError) as caught:
        people(parse("in audience m0"), world.catalog, AS_OF)
    assert caught.value.code == "too_complex"


def test_printed_cases_mean_the_same(world):
    for text, expected in CASES[::7]:
        assert world.ask(to_text(parse(text))) == set(expected.split())
