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
}
TESTS = (
    "orders_30 >= 2", "spend > 60", "tier = 'gold'", "tier = 'silver'", "tier in ('gold', 'silver')",
    "town = '上海'", "tier != 'bronze'",
)  # fmt: skip


@dataclass
class World:
    """People in an engine in memory, with tags; every person has a history of their own."""

    made: DuckDB
    found: dict[str, Tag]
    audiences: dict[str, Any] = field(default_factory=dict)
    zone: str = "UTC"

    @cached_property
    def names(self) -> Names:
        return Names(self.made, self.found, self.audiences, self.zone)

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

    def remove(self, ix: int, ids: Iterable[str], names: Iterable[str]) -> None:
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
        """Nothing of the person, or nothing from that instant on."""
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
    named = bool(because["ids"] or because["attributes"])
    if named:
        here.remove(ix, because["ids"], because["attributes"])
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


@pytest.mark.proves("B2", partly="nothing is said of text patterns, drawn samples and lists kept by hand")
def test_claims_about_random_conditions_come_true_on_the_engine() -> None:
    made = engine(people=DEFINITIONS + 1)
    attributes(made, [(DEFINITIONS, name, 1, AS_OF - 400 * DAY) for name in ("city", "age")])
    here = World(made, tags(KNOWN))
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
            counted[f"near: {near['missing']['what']}"] += 1
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
        counted[f"near: {what}"] for what in ("events", "amount", "step", "attribute", "time", "parts")
    ), counted
    near = sum(n for what, n in counted.items() if what.startswith("near"))
    assert counted["unsaid"] <= MOST_UNSAID * counted["claims"], counted
    assert counted["near: unsaid"] <= MOST_UNSAID * near, counted


@pytest.mark.proves("B2", partly="nothing is said of text patterns, drawn samples and lists kept by hand")
def test_claims_about_random_tags_come_true_on_the_engine() -> None:
    texts = dict(KNOWN)
    for n in range(TAGS):
        random = Random(5_000 + n)
        if n % 2:
            text = random_why.value(random)
            texts[f"random_{n}"] = statistic(text, _type(text))
        else:
            cases = {
                value: random_why.condition(random, TESTS)
                for value in ("a", "b", "c")[: random.randint(1, 3)]
            }
            texts[f"random_{n}"] = rule(cases, random.choice((None, "z")))
    made = engine(people=TAGS + 1)
    attributes(made, [(TAGS, name, 1, AS_OF - 400 * DAY) for name in ("city", "age")])
    here = World(made, tags(texts))
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
                lambda at, wanted=wanted: again(at) not in (None, "z") if wanted else again(at) is not None,
            )
        unsaid += not told["ends"]["said"]
        unsaid += not told["because"]["said"]
        if told["because"]["said"]:
            try_deciding(here, ix, told, now, again)
    assert unsaid <= MOST_UNSAID * 2 * TAGS


def _type(text: str) -> str:
    if "amount" in text.split(" of ")[0] and not text.startswith("distinct"):
        return "money"
    if text.startswith(("first_time", "last_time")):
        return "instant"
    return "text" if text.startswith(("last(", "first(", "most_frequent(")) else "number"


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
        ("did $page where category ~ '^t'", "pattern"),
        ("sample(0, 1)", "sample"),
        ("in audience listed", "list"),
    ],
)
def test_what_cannot_be_said_is_not_guessed(text: str, code: str) -> None:
    here = world()
    here.audiences = {"listed": frozenset({1})}
    near = here.asked(text)["near"]
    assert (near["said"], near["missing"]["what"], near["missing"]["text"]["code"]) == (False, "unsaid", code)
    assert near["plan"] is None


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
