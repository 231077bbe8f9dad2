"""Random histories with everything that is awkward, and a definition of every kind: for comparing engines."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from limner.engine.duckdb import DuckDB
from limner.types import ValueType, naive
from tests.builders import NAMES, observed, rule, statistic
from tests.builders import engine as empty

COLUMNS: dict[str, tuple[str, ValueType, str, pa.DataType]] = {
    "amount": ("p_0", ValueType.MONEY, "BIGINT", pa.int64()),
    "category": ("p_1", ValueType.TEXT, "VARCHAR", pa.string()),
    "quantity": ("p_2", ValueType.NUMBER, "DOUBLE", pa.float64()),
    "gift": ("p_3", ValueType.FLAG, "BOOLEAN", pa.bool_()),
    "due": ("p_4", ValueType.INSTANT, "TIMESTAMP", pa.timestamp("us")),
    "items": ("p_5", ValueType.LIST, "VARCHAR", pa.string()),
    "code": ("p_6", ValueType.TEXT, "VARCHAR", pa.string()),
}
TEXTS = (
    "",
    " ",
    "A",
    "a",
    "aa",
    "茶",
    "茶 叶",
    "cup",
    "Cup",
    "it's",
    'say "hi"',
    "100%_",
    "back\\slash",
    "a\nb",
    "a\r",
    "a\u2028b",
    "Straße",
    "STRASSE",
    "İ",
    "ſ",
    "K",
    "é",
    "e\u0301",
    "👩‍👩‍👧",
    "null",
    "true",
    "NaN",
    "3",
    "3.0",
    " 3 ",
    "+3",
    "1e3",
    "1e400",
    "1_000",
    "0x10",
    "3d",
    "3f",
    "inf",
    "-0",
    "٣",
    "2025-03-01",
    "2025-03-01T10:00:00",
    "2025-03-01 10:00:00.5+02:00",
    "2025-3-1",
    "2025-03-30T02:30:00",
    "2025-10-26T02:30:00",
    "20250301",
    "2025",
    "10:00",
    "2025-02-30",
    "1899-01-01T00:00:00Z",
    "2025-03-01T10:00:00Z",
    "epoch",
    "infinity",
    "$p",
    ":v0",
    "{v0}",
    "`x`",
    "--",
)
NUMBERS = (
    0.0,
    -0.0,
    1.0,
    2.5,
    -2.5,
    0.1,
    0.2,
    1 / 3,
    7.0,
    1e-9,
    4.9e-7,
    5e-7,
    1e10,
    -1e10,
    9.3e12,
    1e300,
    -1e300,
    5e-324,
)
AMOUNTS = (0, 1, 50_000, 200_000, 200_100, 800_000, -30_000, 123_456_789_012)
LISTS = ("[]", '["a","茶"]', "[1,2.5,true,null]", '["1"]', "not json", '{"a":1}', '"a"', '[["a"]]')
SAID: tuple[Any, ...] = (
    "x",
    "",
    "茶",
    "3",
    " 3 ",
    "true",
    True,
    False,
    0,
    3,
    2.5,
    1e30,
    -0.0,
    None,
    [],
    ["a", 1, True],
    {"deep": {"er": 3, "a/b": "q"}},
    {"deep": "x"},
    "2025-03-01",
    "2025-03-30T02:30:00",
    "2025-03-01T10:00:00+02:00",
    "1_000",
    "12.345678",
    12.34565,
)
ATTRIBUTES = ("city", "score", "member", "since", "profile", "spent")


def engine(people: int) -> DuckDB:
    """An engine with the awkward properties' columns."""
    made = empty(people=people)
    with made.write() as tx:
        for name, (column, kind, sql, _) in COLUMNS.items():
            if column not in ("p_0", "p_1", "p_2", "p_3"):
                tx.execute(f"ALTER TABLE events ADD COLUMN {column} {sql}")
                tx.execute(
                    "INSERT INTO properties VALUES ($n, $k, $c)", {"n": name, "k": str(kind), "c": column}
                )
    return made


def events(
    draw: random.Random, people: int, since: datetime, until: datetime, n: int, *, load_i: int
) -> pa.Table:
    """Events, many at the same instant, some of nobody, some without any property."""
    seconds = int((until - since).total_seconds())
    common = [since + timedelta(seconds=draw.randrange(seconds)) for _ in range(6)]
    rows: dict[str, list[Any]] = {
        name: [] for name in ("id", "name_i", "ts", "received_at", "source_i", "ix", "load_i")
    }
    rows |= {column: [] for column, *_ in COLUMNS.values()}
    values = {
        "amount": AMOUNTS,
        "category": TEXTS[:14],
        "quantity": NUMBERS,
        "gift": (True, False),
        "items": LISTS,
        "code": TEXTS,
        "due": tuple(naive(until + timedelta(hours=h)) for h in (-400, -30, -1, 0, 1, 30, 400)),
    }
    for _ in range(n):
        at = (
            draw.choice(common)
            if draw.random() < 0.3
            else since + timedelta(microseconds=draw.randrange(seconds * 10**6))
        )
        if draw.random() < 0.2:
            at = at.replace(hour=0, minute=0, second=0, microsecond=0)
        rows["id"].append(draw.getrandbits(62))
        rows["name_i"].append(draw.randrange(len(NAMES)))
        rows["ts"].append(naive(at))
        rows["received_at"].append(naive(at))
        rows["source_i"].append(draw.choice((1, 2, None)))
        rows["ix"].append(None if draw.random() < 0.05 else draw.randrange(people))
        rows["load_i"].append(load_i)
        empty_row = draw.random() < 0.1
        for name, (column, *_) in COLUMNS.items():
            rows[column].append(None if empty_row or draw.random() < 0.3 else draw.choice(values[name]))
    schema = pa.schema(
        [
            ("id", pa.int64()),
            ("name_i", pa.uint32()),
            ("ts", pa.timestamp("us")),
            ("received_at", pa.timestamp("us")),
            ("source_i", pa.uint16()),
            ("ix", pa.uint32()),
            ("load_i", pa.uint32()),
            *((c, t) for c, _, _, t in COLUMNS.values()),
        ]
    )
    return pa.table(rows, schema=schema)


def attributes(
    draw: random.Random, people: int, since: datetime, until: datetime, n: int, *, load_i: int
) -> pa.Table:
    """What was said about people: set, set once and unset, several at one instant."""
    seconds = int((until - since).total_seconds())
    common = [since + timedelta(seconds=draw.randrange(seconds)) for _ in range(4)]
    listed = []
    for _ in range(n):
        at = (
            draw.choice(common) if draw.random() < 0.4 else since + timedelta(seconds=draw.randrange(seconds))
        )
        mode = draw.choice(("set", "set", "set", "once", "unset"))
        listed.append(
            {
                "id": draw.getrandbits(62),
                "ix": draw.randrange(people),
                "name": draw.choice(ATTRIBUTES),
                "ts": naive(at),
                "received_at": naive(at),
                "source_i": 2,
                "mode": mode,
                "kind": "declared",
                "load_i": load_i,
                "value": None if mode == "unset" else json.dumps(draw.choice(SAID), ensure_ascii=False),
            }
        )
    return pa.Table.from_pylist(listed)


WINDOWS = (
    "",
    " in last 7 days",
    " in last 36 hours",
    " in last 2 calendar weeks",
    " in last 1 calendar day",
    " in this month",
    " in this year",
    " in this week",
    " since 2025-03-05",
    " before 2025-03-20",
    " from 2025-03-10 to 2025-03-30T02:30:00",
    " between 20 days and 3 days ago",
    " more than 9 days ago",
)
WHERES = (
    "",
    "",
    " where amount >= 20",
    " where category in ('茶', 'cup')",
    " where (hour < 12 or gift)",
    " where weekday >= 6",
    " where not known(quantity)",
    " where due in last 20 days",
    " where code > 2",
    " where code between '1' and '3'",
    " where category starts with 'C'",
    " where code contains 'a'",
    " where code ends with ' '",
    " where items includes 'a'",
    " where items includes 1",
    " where code matches '^[a-zé]+$'",
    " where code matches '(?i)strasse|\\\\s3'",
    " where not gift",
    " where quantity between -3 and 0.5",
    " where (amount > quantity and source = 'web')",
    " where category = code",
    " where time in last 6 days",
    " where (event = 'Order Paid' and known(source))",
    " where code = quantity",
    " where quantity != 0",
    " where known(person)",
    " where code >= '2025-03-01T00:00:00Z'",
    " where category in ('a','b','c','d','e','f','g','h','i','j','k','l','A')",
)
EVENTS = ('"Order Paid"', '"Product Viewed"', '"Order *"', "*")


def aggregates() -> Iterator[tuple[str, str]]:
    """Every aggregate of every kind of property, with its type; `{…}` for event, window and where."""
    rest = "{event}{window}{where}"
    yield f"count({rest})", "number"
    yield f"recency({rest})", "number"
    yield f"first_time({rest})", "instant"
    yield f"last_time({rest})", "instant"
    for function in ("sum", "avg"):
        yield f"{function}(amount of {rest})", "money"
        yield f"{function}(quantity of {rest})", "number"
    for name, (_, kind, *_) in COLUMNS.items():
        if kind is ValueType.LIST:
            continue
        ordered = () if kind is ValueType.FLAG else ("min", "max")
        for function in (*ordered, "first", "last", "most_frequent"):
            yield f"{function}({name} of {rest})", str(kind)
        yield f"distinct({name} of {rest})", "number"


CONDITIONS = (
    "did {event}{window}{where}",
    "did {event} at least 2 times{window}{where}",
    "did {event} exactly 1 times{window}{where}",
    "did {event} at most 2 times{window}{where}",
    "did {event} fewer than 3 times{window}{where}",
    "did {event} more than 4 times{window}{where}",
    "not did {event}{window}{where}",
    "first did {event} in last 9 days{where}",
    "first did {event} in this month",
    "last {event}{window} has amount >= 20",
    "last {event} has (code matches 'a' or gift)",
    'did {event} then "Order Paid" within 5 days',
    'did {event}{window} then "Product Viewed"',
    'did {event}{where} then "Order Paid" within 9 days then "$page" within 1 day',
    'did {event} then "Order Paid" without "$page"',
    'did {event}{window} then "Message Opened" within 3 days without "Order Refunded"',
    "did {event} in at least 2 of the last 4 periods of 3 days",
    "did {event} in at least 3 of the last 30 periods of 1 day{where}",
    "did {event} at least 2 times in at least 2 of the last 5 periods of 1 week",
    "sum(amount of {event}{window}{where}) >= 20",
    "sum(quantity of {event}{where}) < 7 and count({event}) > 2",
    "most_frequent(category of {event}{where}) in ('A', '茶', '')",
    "last(code of {event}) > '2'",
    "first(code of {event}{where}) matches '^2025'",
    "last(due of {event}) in next 30 days",
    "max(code of {event}) = min(category of {event})",
    "recency({event}) between 1 and 9",
    "distinct(code of {event}) = 3",
)
PLAIN = (
    "person.city = 'x'",
    "person.city != 'x'",
    "not person.city = 'x'",
    "person.city > 2",
    "person.city in ('x', 3, true)",
    "person.score >= 3",
    "person.score between 0 and 3",
    "person.member",
    "not person.member",
    "person.member = true",
    "person.since in last 40 days",
    "person.since in this month",
    "person.since in next 400 days",
    "person.since < '2025-03-15'",
    "person.profile.deep = 'x'",
    "person.profile.deep.er >= 3",
    "known(person.profile.deep)",
    "person.profile.deep includes 'a'",
    "person.city includes 'a'",
    "person.city includes 1",
    "person.city includes true",
    "person.city contains '茶'",
    "person.city starts with '2025'",
    "person.city matches '^[0-9]+$'",
    "known(person.city)",
    "not known(person.spent)",
    "person.city = person.score",
    "person.spent > person.score",
    "person.spent = 12.34565",
    "person.city = 'x' for at least 3 days",
    "person.score > 2 for less than 10 days",
    "known(person.member) for at least 1 day",
    "person.profile.deep = 'x' for at least 2 hours",
    "sample(0.3, 7)",
    "sample(0.5, '茶')",
    "sample(1, 1)",
    "sample(0, 1)",
    "in audience loyal",
    "in audience listed",
    "not in audience listed",
    "in audience listed and (in audience loyal or sample(0.5, 3))",
    "tag_a_number > 3",
    "tag_a_text = 'A'",
    "tag_a_text > '2'",
    "tag_a_text contains 'a'",
    "tag_a_text matches '^.$'",
    "tag_a_money >= 5 and tag_a_money < 80",
    "tag_a_money = tag_a_number",
    "tag_a_instant in last 10 days",
    "tag_a_instant < 2025-03-20T12:00:00Z",
    "tag_a_instant < 2025-03-30T02:30:00",
    "known(tag_a_text)",
    "not tag_a_flag",
    "tag_a_flag = false",
    "tag_a_text = tag_b_text",
    "person.city = tag_a_instant",
    "person.city = tag_a_number",
    "person.city = tag_a_money",
    "person.city = tag_a_text",
    "true",
    "tag_a_text in ('', 'A', 'a', 'aa', '茶', '茶 叶', 'cup', 'Cup', 'it''s', '100%_', 'null', 'true', '3')",
    "false",
    "tag_a_number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 2.5)",
    "tag_a_text includes 'a'",
)
TAGS = {
    "tag_a_number": statistic('sum(quantity of "Order Paid")'),
    "tag_a_text": statistic("last(code of *)", "text"),
    "tag_b_text": statistic("most_frequent(code of *)", "text"),
    "tag_a_money": statistic("max(amount of *)", "money"),
    "tag_a_instant": statistic("last_time(* where gift)", "instant"),
    "tag_a_flag": statistic("last(gift of *)", "flag"),
}
AUDIENCES: dict[str, str | frozenset[int]] = {
    "loyal": 'did "Order Paid" at least 3 times and tag_a_number > 0',
    "listed": frozenset(range(0, 40, 3)),
}


def definitions(seed: int, *, most: int | None = None) -> dict[str, str]:
    """A tag of every kind; windows and conditions are drawn. `most`: about so many of them, drawn too."""
    found = _definitions(seed)
    if most is None:
        return found
    kept = {key for key in found if not key.startswith(("stat_", "rule_", "said_"))}
    kept |= {"rule_3", *random.Random(seed).sample(sorted(found.keys() - kept), most - len(kept))}
    return {key: text for key, text in found.items() if key in kept}


def _definitions(seed: int) -> dict[str, str]:
    draw = random.Random(seed)

    def filled(text: str) -> str:
        return text.format(event=draw.choice(EVENTS), window=draw.choice(WINDOWS), where=draw.choice(WHERES))

    found = dict(TAGS)
    for number, (text, kind) in enumerate(aggregates()):
        found[f"stat_{number}"] = statistic(filled(text), kind)
    for number, where in enumerate(WHERES):
        found[f"where_{number}"] = statistic(f"count(*{where})")
    for number, window in enumerate(WINDOWS):
        found[f"window_{number}"] = statistic(f"count(*{window})")
    for number, text in enumerate([*CONDITIONS, *PLAIN]):
        condition = json.dumps(filled(text) if text in CONDITIONS else text, ensure_ascii=False)
        found[f"rule_{number}"] = rule({"true": condition}, kind="flag", otherwise=draw.choice(("", "false")))
    nested = "tag_a_flag"
    for number in range(28):
        nested = f"not ({nested} and tag_a_number > {number})"
    found["nested"] = rule({"true": json.dumps(nested)}, kind="flag")
    long = " or ".join(f"tag_a_number = {number / 10}" for number in range(1_990))
    found["long"] = rule({"true": json.dumps(long)}, kind="flag")
    found["grade"] = rule(
        {"gold": "tag_a_number > 5", "茶": "tag_a_flag or rule_3", "'3'": "sample(0.4, 1)"}, "none"
    )
    found["graded"] = rule({"2.5": "grade = 'gold'", "1": "grade > 'h'"}, "-3", kind="number")
    found["priced"] = rule({"12.3456": "graded = 1", "5": "graded < 0"}, kind="money")
    for number, name in enumerate(("city", "profile.deep", "profile.deep.er")):
        for kind in ("text", "number", "flag", "money", "instant"):
            found[f"said_{number}_{kind}"] = observed(name, kind)
    return found


AT = datetime(2025, 3, 31, 10, 20, tzinfo=UTC)
