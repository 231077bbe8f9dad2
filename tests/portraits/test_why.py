"""Why somebody has a tag or is in an audience: what decides, what is missing, when it ends.

Claims about random definitions are tried on the engine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from limner.engine.duckdb import DuckDB
from limner.expressions import parse, people
from limner.expressions.tree import Expr, names_of
from limner.portraits.because.sentences import SENTENCES, say
from limner.portraits.why import why, why_in
from limner.tags.graph import Graph, build
from limner.tags.history import tags_at, values_at
from limner.tags.model import Tag
from limner.types import Json, utc
from tests.builders import AS_OF, DAY, Names, attributes, engine, events, observed, rule, statistic, tags
from tests.portraits import random_why

US = timedelta(microseconds=1)
DEFINITIONS = 210
TAGS = 70
MOST_UNSAID = 0.15

KNOWN = {
    "orders_30": statistic('count("Order Paid" in last 30 days)'),
    "spend": statistic('sum(amount of "Order Paid" in last 45 days)', "money"),
    "tier": rule({"gold": "spend >= 90", "silver": "spend >= 40 and orders_30 >= 1"}, "bronze"),
    "town": observed("city"),
    "likes": statistic('interest(category of "Order Paid" * 4, $page * 1 half life 14 days)', "text"),
    "wants": statistic(
        'demand(category of "Product Viewed" * 3 half life 7 days in last 60 days until "Order Paid")', "text"
    ),
    "keen": random_why.scored(
        {'did "Order Paid" in last 30 days': 5, "did $page": 2, "person.age >= 40": -3, "orders_30 >= 2": 2.5}
    ),
    "heat": random_why.scored(
        {'did "Order Paid"': 4, "town = '上海'": 3, "did $page in last 7 days": 2}, (3, 6)
    ),
}
TESTS = (
    "orders_30 >= 2", "spend > 60", "tier = 'gold'", "tier = 'silver'", "tier in ('gold', 'silver')",
    "town = '上海'", "tier != 'bronze'", "keen >= 5", "keen between 1 and 4", "heat = 'hot'", "heat != 'cold'",
    *["likes = 'tea'", "weight(likes, 'cups') >= 0.2", "weight(likes, 'tea') < 0.3", "weight(wants, 'pots') > 0.1"],
    *["in audience listed", "not in audience listed"] * 2,
)  # fmt: skip


@dataclass
class World:
    """People in an engine in memory, with tags; every person has a history of their own."""

    made: DuckDB
    found: dict[str, Tag]
    audiences: dict[str, Any] = field(default_factory=dict)
    zone: str = "UTC"
    lists: dict[str, frozenset[int]] = field(default_factory=dict)

    @cached_property
    def names(self) -> Names:
        return Names(self.made, self.found, self.audiences, self.zone)

    def put(self, ix: int, name: str, *, on: bool) -> None:
        """On a list that is kept by hand, or off it."""
        self.lists.setdefault(name, self.audiences[name])
        self.audiences[name] = self.audiences[name] | {ix} if on else self.audiences[name] - {ix}

    @cached_property
    def graph(self) -> Graph:
        return build(self.found, self.names.audience)

    def holds(self, condition: Expr, ix: int, at: datetime) -> bool:
        """What the engine says, by the compiled condition over tags computed as of then."""
        keys = names_of(condition) & self.found.keys()
        given = {"only": pa.table({"ix": pa.array([ix], pa.uint32())})}
        if not keys:
            query = people(condition, self.names, utc(at), among="only")
            return self.made.read(query.sql, query.values, given).num_rows == 1
        only = np.array([ix], dtype=np.uint32)
        with tags_at(self.made, self.graph, keys, catalog=self.names, as_of=utc(at), people=only) as (
            tx,
            then,
        ):
            query = people(condition, then, utc(at))
            return ix in tx.read(query.sql, query.values).column("ix").to_pylist()

    def value(self, key: str, ix: int, at: datetime) -> Any:
        """The tag's value as of then."""
        held = values_at(self.made, self.graph, ix=ix, catalog=self.names, as_of=utc(at), keys=[key])
        return held.get(key)

    def asked(self, text: str, ix: int = 0, at: datetime = AS_OF) -> Json:
        return why_in(self.made, ix, parse(text), graph=self.graph, catalog=self.names, at=at)

    def told(self, key: str, ix: int = 0, at: datetime = AS_OF) -> Json:
        return why(self.made, ix, self.found[key], graph=self.graph, catalog=self.names, at=at)

    def remove(self, ix: int, ids: Iterable[str], names: Iterable[str], lists: Iterable[str] = ()) -> None:
        for name in lists:
            self.put(ix, name, on=False)
        with self.made.write() as tx:
            given = {"ix": ix, "ids": list(ids), "names": list(names)}
            tx.execute(
                "DELETE FROM events WHERE ix = $ix AND list_contains($ids, id::VARCHAR)",
                _only(given, "ix ids"),
            )
            tx.execute(
                "DELETE FROM attributes WHERE ix = $ix AND list_contains($names, name)",
                _only(given, "ix names"),
            )

    def forget(self, ix: int, since: datetime | None = None) -> None:
        """Nothing of the person, or nothing from that instant on; lists are as they were, or it is on none."""
        self.audiences |= self.lists
        self.lists.clear()
        if since is None:
            for name, people_ in self.audiences.items():
                if isinstance(people_, frozenset):
                    self.put(ix, name, on=False)
        with self.made.write() as tx:
            for table in ("events", "attributes"):
                given = {"ix": ix, "at": (since or datetime(1, 1, 2, tzinfo=UTC)).replace(tzinfo=None)}
                tx.execute(f"DELETE FROM {table} WHERE ix = $ix AND ts >= $at", given)

    def carry_out(self, ix: int, plan: Json, begin: datetime) -> datetime:
        """The plan's events and words happen; the answer is when it must have worked."""
        planned = [(ix, e["event"], begin + e["after_us"] * US, e["properties"]) for e in plan["events"]]
        if planned:
            events(self.made, planned)
        if plan["attributes"]:
            attributes(self.made, [(ix, word["name"], word["value"], begin) for word in plan["attributes"]])
        for item in plan["lists"]:
            self.put(ix, item["audience"], on=item["on"])
        return max([begin, *(row[2] for row in planned)]) + US + plan["wait_us"] * US


def _only(given: Mapping[str, Any], names: str) -> dict[str, Any]:
    return {name: given[name] for name in names.split()}


def world(
    histories: Iterable[Any] = (), said: Iterable[Any] = (), more: Mapping[str, str] | None = None
) -> World:
    """One person with this history, and the known tags."""
    made = engine(people=2)
    if rows := list(histories):
        events(made, rows)
    attributes(made, [(1, "city", "x", AS_OF - 400 * DAY), (1, "age", 1, AS_OF - 400 * DAY), *said])
    return World(made, tags({**KNOWN, **(more or {})}))


def paid(days: float, amount: float = 10, name: str = "Order Paid") -> tuple[Any, ...]:
    return (0, name, AS_OF - days * DAY, {"amount": amount})


# claims about random definitions, tried on the engine


def try_deciding(here: World, ix: int, told: Json, answer: Any, again: Any) -> None:
    """(a) Without what is named the answer is another; where nothing is named it stays with nothing at all."""
    because = told["because"]
    named = bool(because["ids"] or because["attributes"] or because["lists"])
    if named:
        here.remove(ix, because["ids"], because["attributes"], because["lists"])
    else:
        here.forget(ix)
    assert (again(AS_OF) != answer) == named


def try_nearness(here: World, ix: int, near: Json, again: Any) -> None:
    """(b) What is missing makes it so: at once, and at the last instant before it is too late; or time alone does."""
    plan = near["plan"]
    if plan is None:
        if near["alone"] is not None:
            assert again(datetime.fromisoformat(near["alone"]))
        return
    begins = [AS_OF if plan["begin"] is None else datetime.fromisoformat(plan["begin"])]
    if plan["until"] is not None:
        begins.append(max(begins[0], datetime.fromisoformat(plan["until"]) - US))
    for begin in begins:
        assert again(here.carry_out(ix, plan, begin))
        here.forget(ix, since=AS_OF)
    if plan["until"] is not None and plan["until_exact"]:
        late = here.carry_out(ix, plan, datetime.fromisoformat(plan["until"]))
        assert not again(late), "at `until` it is too late"
        here.forget(ix, since=AS_OF)


def try_never(here: World, ix: int, random: Random, again: Any) -> None:
    """What can never be is not, whatever happens."""
    for _ in range(2):
        rows = [
            (ix, name, AS_OF + timedelta(days=random.randint(0, 40)), properties)
            for _, name, _, properties in random_why.history(random, ix)
        ]
        if rows:
            events(here.made, rows)
        assert not any(again(AS_OF + day * DAY) for day in (9, 41, 300))
        here.forget(ix, since=AS_OF)


def try_ending(ends: Json, answer: Any, again: Any) -> None:
    """(c) Just before it ends the answer is as now, then it is another; or it stays."""
    if ends["at"] is None:
        assert all(again(AS_OF + days * DAY) == answer for days in (8, 46, 400))
        return
    turn = datetime.fromisoformat(ends["at"])
    assert ends["proved"] is True
    assert again(turn - US) == answer
    assert again(turn) != answer


@pytest.mark.proves("B2")
def test_claims_about_random_conditions_come_true_on_the_engine() -> None:
    made = engine(people=DEFINITIONS + 1)
    attributes(made, [(DEFINITIONS, name, 1, AS_OF - 400 * DAY) for name in ("city", "age")])
    here = World(made, tags(KNOWN), {"listed": frozenset(range(0, DEFINITIONS, 2))})
    counted: Counter[str] = Counter()
    for ix in range(DEFINITIONS):
        random = Random(70_000 + ix)
        text = random_why.condition(random, TESTS)
        if rows := random_why.history(random, ix):
            events(made, rows)
        if rows := random_why.words(random, ix):
            attributes(made, rows)
        condition = parse(text)

        def again(at: datetime, condition: Expr = condition, ix: int = ix) -> bool:
            return here.holds(condition, ix, at)

        now = again(AS_OF)
        told = here.asked(text, ix)
        assert told["holds"] == now
        assert (told["near"] is None) == (now or not told["because"]["said"])
        counted["claims"] += 2 + (not now)
        if told["ends"]["said"]:
            try_ending(told["ends"], now, again)
        counted["unsaid"] += not told["ends"]["said"]
        if not now:
            near = told["near"]
            counted["unsaid"] += near is None or not near["said"]
            for what in _kinds(near):
                counted[f"near: {what}"] += 1
            if near["missing"]["what"] == "never":
                try_never(here, ix, random, again)
            elif near["said"]:
                try_nearness(here, ix, near, again)
        counted["unsaid"] += not told["because"]["said"]
        if told["because"]["said"]:
            counted["named"] += bool(told["because"]["ids"])
            try_deciding(here, ix, told, now, again)
    assert counted["named"] >= DEFINITIONS / 10, counted
    assert all(
        counted[f"near: {what}"]
        for what in ("events", "amount", "step", "attribute", "time", "parts", "list", "points", "never")
    ), counted
    near = sum(n for what, n in counted.items() if what.startswith("near"))
    assert counted["unsaid"] <= MOST_UNSAID * counted["claims"], counted
    assert counted["near: unsaid"] <= MOST_UNSAID * near, counted


@pytest.mark.proves("B2")
def test_claims_about_random_tags_come_true_on_the_engine() -> None:
    texts = dict(KNOWN)
    for n in range(TAGS):
        random = Random(5_000 + n)
        if n % 3 == 1:
            text = random_why.value(random)
            texts[f"random_{n}"] = statistic(text, _type(text))
        elif n % 3 == 2:
            texts[f"random_{n}"] = random_why.points(random, TESTS)
        else:
            cases = {
                value: random_why.condition(random, TESTS)
                for value in ("a", "b", "c")[: random.randint(1, 3)]
            }
            texts[f"random_{n}"] = rule(cases, random.choice((None, "z")))
    made = engine(people=TAGS + 1)
    attributes(made, [(TAGS, name, 1, AS_OF - 400 * DAY) for name in ("city", "age")])
    here = World(made, tags(texts), {"listed": frozenset(range(0, TAGS, 2))})
    unsaid = 0
    for ix in range(TAGS):
        random = Random(9_000 + ix)
        if rows := random_why.history(random, ix):
            events(made, rows)
        if rows := random_why.words(random, ix):
            attributes(made, rows)
        key = f"random_{ix}"

        def again(at: datetime, key: str = key, ix: int = ix) -> Any:
            return here.value(key, ix, at)

        now = again(AS_OF)
        told = here.told(key, ix)
        if told["ends"]["said"]:
            try_ending(told["ends"], now, again)
        near = told["near"]
        if near is not None and near["said"] and near["missing"]["what"] != "never":
            wanted = near.get("value")
            try_nearness(
                here,
                ix,
                near,
                lambda at, wanted=wanted, points=told["points"], now=now: (
                    _more(again(at), now, points)
                    if points is not None
                    else again(at) not in (None, "z")
                    if wanted
                    else again(at) is not None
                ),
            )
        unsaid += not told["ends"]["said"]
        unsaid += not told["because"]["said"]
        if told["because"]["said"]:
            try_deciding(here, ix, told, now, again)
    assert unsaid <= MOST_UNSAID * 2 * TAGS


def _kinds(near: Json) -> set[str]:
    """What is missing, of the whole and of its parts."""
    here = set() if near["missing"] is None else {near["missing"]["what"]}
    return here.union(*(_kinds(part) for part in near["parts"]))


def _more(value: Any, now: Any, points: Json) -> bool:
    """Whether it is a higher tier, or are more points."""
    tiers = points["tiers"]
    return tiers.index(value) > tiers.index(now) if tiers else value > now


def _type(text: str) -> str:
    if text.startswith(("first_time", "last_time")):
        return "instant"
    if text.startswith(("last(", "first(", "most_frequent(", "interest(", "demand(")):
        return "text"
    return "money" if text.startswith(("sum(amount", "avg(amount", "min(amount", "max(amount")) else "number"


# known answers


def missing(told: Json) -> Json:
    return told["near"]["missing"]


def test_one_order_short_says_until_when_it_helps() -> None:
    here = world([paid(80), paid(20)])
    lack = missing(here.asked('did "Order Paid" at least 3 times in last 90 days'))
    assert (lack["what"], lack["have"], lack["need"], lack["more"]) == ("events", 2, 3, 1)
    assert datetime.fromisoformat(lack["until"]) == AS_OF + 10 * DAY
    assert lack["text"]["en"] == "1 more “Order Paid”: 2 of 3, before 11 Jun 2025"
    assert lack["text"]["zh"] == "还差 1 次“Order Paid”（已有 2，需要 3），须在 2025年6月11日 之前"


def test_an_amount_short_is_said_in_units_of_the_currency() -> None:
    here = world([paid(10, 40)])
    lack = missing(here.asked('sum(amount of "Order Paid" in last 30 days) >= 100'))
    assert (lack["what"], lack["have"], lack["need"], lack["more"]) == ("amount", "40", "100", "60")
    assert lack["example"] == {"event": "Order Paid", "properties": {"amount": 60}}
    assert lack["text"]["en"].startswith("amount of “Order Paid”: 40 of 100, 60 more, before 21 Jun 2025")


def test_a_sequence_says_which_step_is_missing_and_until_when_it_can_come() -> None:
    here = world([paid(3), (0, "$page", AS_OF - 20 * DAY)])
    lack = missing(here.asked('did "Order Paid" then $page within 7 days'))
    assert (lack["what"], lack["event"], lack["have"], lack["need"]) == ("step", "$page", 1, 2)
    assert datetime.fromisoformat(lack["until"]) == AS_OF + 4 * DAY + US
    assert "no “$page” yet after “Order Paid” of 29 May 2025" in lack["text"]["en"]


def test_an_attribute_that_nobody_told_is_missing() -> None:
    lack = missing(world().asked("known(person.city)"))
    assert (lack["what"], lack["text"]["en"], lack["text"]["zh"]) == (
        "attribute",
        "city is missing",
        "缺少 city",
    )


def test_and_says_what_fails_and_or_the_nearest() -> None:
    here = world([paid(10)])
    both = here.asked('did "Order Paid" and did $page and did "Product Viewed" at least 2 times')["near"]
    assert [part["fits"] for part in both["parts"]] == [True, False, False]
    assert both["missing"]["text"]["en"] == "1 more “$page”: 0 of 1; 2 more “Product Viewed”: 0 of 2"
    either = here.asked('did $page at least 3 times or did "Order Paid" at least 2 times')["near"]
    assert either["nearest"] == 1
    assert either["missing"]["text"]["en"] == "1 more “Order Paid”: 1 of 2"


def test_too_many_says_when_time_brings_it() -> None:
    here = world([paid(29), paid(10), paid(5)])
    near = here.asked('did "Order Paid" at most 2 times in last 30 days')["near"]
    assert near["missing"]["text"]["en"].startswith("1 too many “Order Paid”: 3 where 2 may be")
    assert datetime.fromisoformat(near["alone"]) == AS_OF + DAY + US


def test_what_is_over_and_what_is_done_can_never_become_so() -> None:
    here = world([paid(10)])
    over = missing(here.asked("did $page from 2025-05-01 to 2025-05-20"))
    assert (over["what"], over["text"]["code"]) == ("never", "over")
    assert "20 May 2025" in over["text"]["en"]
    assert missing(here.asked('did "Order Paid" exactly 0 times'))["text"]["code"] == "done"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("did $page where category ~ '^a$b'", "pattern"),
        ("did $page where hour >= 8", "moment"),
    ],
)
def test_what_cannot_be_said_is_not_guessed(text: str, code: str) -> None:
    here = world()
    here.audiences = {"listed": frozenset({1})}
    near = here.asked(text)["near"]
    assert (near["said"], near["missing"]["what"], near["missing"]["text"]["code"]) == (False, "unsaid", code)
    assert near["plan"] is None


def test_a_pattern_is_met_by_a_text_that_is_found_in_it() -> None:
    here = world([paid(3)])
    lack = missing(here.asked("did $page where category ~ '^(tea|cup)-[0-9]{2}$'"))
    assert lack["example"] == {"event": "$page", "properties": {"category": "tea-00"}}
    said = here.asked("person.city ~ '^上.$'")["near"]["plan"]["attributes"]
    assert said == [{"name": "city", "value": "上a"}]


@pytest.mark.parametrize(("rate", "drawn"), [(0.43, False), (0.44, True)])
def test_a_drawn_sample_says_what_was_drawn(rate: float, drawn: bool) -> None:
    told = world().asked(f"sample({rate}, 7)")  # md5 of the person's id and :7 begins 0.4307…
    assert told["holds"] == drawn
    assert (told["because"]["text"]["code"], told["because"]["text"]["numbers"]["drawn"]) == (
        "drawn",
        0.430763,
    )
    assert told["ends"]["text"]["code"] == "stays"
    if not drawn:
        assert (missing(told)["what"], missing(told)["text"]["code"]) == ("never", "sample")


def test_a_list_kept_by_hand_decides_and_is_what_is_missing() -> None:
    here = world([paid(3)])
    here.audiences = {"listed": frozenset({0}), "others": frozenset({1})}
    told = here.asked('in audience listed and did "Order Paid"')
    assert (told["because"]["lists"], told["because"]["named"]) == (["listed"], 1)
    near = here.asked("in audience others")["near"]
    assert near["plan"]["lists"] == [{"audience": "others", "on": True}]
    assert near["missing"]["text"]["en"] == "is not on the list 'others', which is kept by hand"


def test_points_say_what_each_condition_brings_and_what_the_next_tier_needs() -> None:
    here = world([paid(20)])
    told = here.told("heat")
    assert (told["value"], told["points"]["sum"], told["points"]["tiers"]) == (
        "warm",
        4,
        ["cold", "warm", "hot"],
    )
    rows = [(row["points"], row["holds"]) for row in told["points"]["rows"]]
    assert rows == [(4, True), (3, False), (2, False)]
    assert told["points"]["rows"][2]["near"]["missing"]["text"]["en"] == "1 more “$page”: 0 of 1"
    assert (told["near"]["value"], told["near"]["missing"]["need"], told["near"]["missing"]["more"]) == (
        "hot",
        6,
        3,
    )
    assert (
        told["near"]["missing"]["text"]["en"]
        == "4 points, 6 asked: +3 by city is not as asked: town = '上海'"
    )
    assert told["because"]["named"] == 1
    plain = here.told("keen")
    assert (plain["value"], plain["near"]["value"]) == (
        5,
        7.5,
    )  # of two that lack one event the one that brings more
    assert plain["near"]["missing"]["text"]["en"] == (
        "5 points: +2.5 by 1 more “Order Paid”: 1 of 2, before 11 Jun 2025"
    )


def test_a_weight_says_what_it_is_what_is_asked_and_when_it_falls_beneath() -> None:
    tea = [(0, "Order Paid", AS_OF - 14 * DAY, {"category": "tea"}) for _ in range(5)]
    here = world(tea)  # 5 orders of 4 points, one half life ago: 10 points, weight 10 / (10 + 10)
    told = here.asked("weight(likes, 'tea') >= 0.5")
    assert (told["holds"], told["because"]["named"]) == (True, 1)
    assert told["ends"]["proved"] is True
    assert AS_OF <= datetime.fromisoformat(told["ends"]["at"]) <= AS_OF + DAY / 24
    lack = missing(here.asked("weight(likes, 'tea') >= 0.6"))  # 15 of 25: 5 points more, 2 orders
    assert (lack["have"], lack["need"], lack["more"]) == (0.5, 0.6, 2)
    assert lack["text"]["en"] == "tea weighs 0.5, 0.6 asked: 2 more “Order Paid”, if it happens now"
    falls = missing(here.asked("weight(likes, 'tea') < 0.25"))
    assert falls["what"] == "time"
    third = AS_OF + 14 * DAY * 1.585  # 10 / 3 points weigh a quarter: log2(3) half lives later
    assert abs(datetime.fromisoformat(falls["at"]) - third) < DAY / 24


def test_a_habit_says_how_many_more_and_a_streak_when_it_breaks() -> None:
    here = world([paid(3), paid(2), paid(1)])  # 29, 30 and 31 May 2025 at midnight; it is 1 June
    short = missing(here.asked('streak("Order Paid" by day) >= 5'))
    assert short["text"]["en"].startswith("2 more “Order Paid”, one each day")
    told = here.asked('current_streak("Order Paid" by day) >= 3')
    assert told["holds"]
    assert datetime.fromisoformat(told["ends"]["at"]) == AS_OF + DAY + US
    hour = missing(here.asked('usual_hour("Order Paid" at least 1 times) = 9'))
    assert hour["text"]["en"].startswith("5 more “Order Paid” at 9:00")
    basket = missing(here.asked('sum(amount of "Order Paid") / count("Order Paid") >= 15'))  # 60 of 4
    assert basket["example"] == {"event": "Order Paid", "properties": {"amount": 30}}


def test_a_count_ends_when_its_oldest_needed_event_leaves_the_window() -> None:
    here = world([paid(29), paid(20), paid(5)])
    told = here.asked('did "Order Paid" at least 2 times in last 30 days')
    assert datetime.fromisoformat(told["ends"]["at"]) == AS_OF + 10 * DAY + US
    assert (told["ends"]["proved"], told["ends"]["then"]) == (True, False)


def test_days_since_the_last_event_end_a_recency() -> None:
    told = world([paid(5)]).asked('recency("Order Paid") < 30')
    assert datetime.fromisoformat(told["ends"]["at"]) == AS_OF + 25 * DAY


def test_calendar_windows_end_by_the_workspaces_zone() -> None:
    here = world([(0, "Order Paid", AS_OF - timedelta(hours=20), {})])
    here.zone = "Asia/Shanghai"
    told = here.asked('did "Order Paid" in this month', at=AS_OF - timedelta(hours=10))
    assert datetime.fromisoformat(told["ends"]["at"]) == datetime(2025, 5, 31, 16, tzinfo=UTC) + US


def test_an_end_is_not_proved_where_more_has_happened_since() -> None:
    here = world([paid(20), paid(2)])
    told = here.asked('did "Order Paid" in last 30 days', at=AS_OF - 5 * DAY)
    assert (told["ends"]["said"], told["ends"]["proved"]) == (True, None)
    assert datetime.fromisoformat(told["ends"]["at"]) == AS_OF + 10 * DAY + US


def test_the_answer_names_events_with_their_sources_and_says_what_is_absent() -> None:
    here = world([paid(20), paid(10)])
    told = here.asked('did "Order Paid" at least 2 times and not did "Order Refunded"')
    assert told["because"]["named"] == len(told["because"]["events"]) == 2
    assert told["because"]["sources"] == [{"source": 1, "events": 2}]
    assert told["because"]["absent"] == ['not (did "Order Refunded")']
    alone = here.asked('not did "Order Refunded"')["because"]
    assert (alone["named"], alone["text"]["code"]) == (0, "absent")


def test_a_rule_says_what_was_missing_for_the_cases_before_the_one_that_decided() -> None:
    here = world([paid(10, 50)])
    cases = here.told("tier")["rule"]["cases"]
    assert [case["holds"] for case in cases] == [False, True]
    assert cases[0]["near"]["missing"]["text"]["en"].startswith("amount of “Order Paid”: 50 of 90, 40 more")
    assert cases[1]["near"] is None
    assert here.told("tier")["ends"]["then"] == "bronze"


def test_a_tag_that_names_tags_looks_through_them() -> None:
    here = world([paid(10, 50)])
    near = here.asked("tier = 'gold' and town = '上海'")["near"]
    assert near["plan"]["events"][0]["properties"] == {"amount": 40}
    assert near["plan"]["attributes"] == [{"name": "city", "value": "上海"}]


def test_every_sentence_is_said_in_both_languages() -> None:
    assert all(len(pair) == 2 and all(pair) for pair in SENTENCES.values())
    assert say("known", {"attribute": "city"}, zone="UTC")["numbers"] == {"attribute": "city"}
