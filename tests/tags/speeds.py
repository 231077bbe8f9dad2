"""Hundreds of definitions over the histories of hundreds of people at once: anew, carried on, and in steps.

What is compared is counted in pairs of a definition and one person's history: a person about whom nothing is known
counts for nothing, and neither does a definition that was drawn twice. A pair is compared at several instants, and
counts once.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from limner.columns import Columns
from limner.tags import exclusive, publish, realtime
from limner.tags.erase import erase
from limner.tags.graph import build, grouped
from limner.tags.model import Tag
from limner.tags.run import run
from limner.types import naive
from tests import builders
from tests.builders import AS_OF, DAY, NAMES, Names, engine, observed, rule, statistic
from tests.tags.test_increment import BOUNDS, WHERES, WINDOWS, aggregate, condition

CITIES = ("Basel", "Bern", "茶")
BIRTHDAYS = ("1990-06-03", "2000-02-29", "1970-05-28", "2007-06-02", "no date")
LABELS = ("茶", "cup", "pot")
ENDS = ("2025-06-01T05:30:00Z", "2025-06-02", "2025-06-03T11:00:00+08:00", "2025-06-04", "soon")
EVENTS = ('"Order Paid"', '"Product Viewed"', "*")


def audiences(draw: random.Random) -> dict[str, str]:
    """Some audiences, of which the last names another, by name."""
    found = {f"crowd_{number}": f"{condition(draw)} or {condition(draw)}" for number in range(3)}
    return {**found, "crowd_3": f"in audience crowd_0 and not {condition(draw)}"}


def definitions(draw: random.Random, most: int) -> tuple[dict[str, str], dict[str, str]]:
    """So many tags of every kind, and exclusive groups of some of them, by key."""
    made: list[str] = []
    for number in range(most):
        made.append(_KINDS[number % len(_KINDS)](draw))
    found = {f"tag_{number}": text for number, text in enumerate(dict.fromkeys(made))}
    numbers = [key for key, text in found.items() if "type: number" in text and "statistic" in text]
    for number, key in enumerate(draw.sample(numbers, min(len(numbers), max(1, most // 20)))):
        cut = draw.choice(("at: [1, 3]", "at: [0, 10]", "at: [30%, 80%], refresh: every run"))
        found[f"tiers_{number}"] = (
            "nature: model\nmethod: rule\ntype: text\nvalidity: 9 days\n"
            f"cuts: {{of: {key}, tiers: [low, middle, high], {cut}}}\n"
        )
        found[f"named_{number}"] = rule({"yes": f"{key} >= 2 and known({key})"}, "no", validity="9 days")
    groups = {}
    for number in range(max(1, most // 30)):
        members = [f"flag_{number}_{place}" for place in range(3)]
        for member in members:
            found[member] = rule({"true": _quoted(condition(draw))}, kind="flag", validity="9 days")
        keep = draw.choice(("priority", "declared", "none", "newest"))
        groups[f"group_{number}"] = f"tags: [{', '.join(members)}]\nkeep: {keep}\nwhy: Never both.\n"
    several = [key for key, text in found.items() if "interest(" in text or "demand(" in text]
    for number in range(len(several)):
        found[f"keen_{number}"] = rule({"yes": _quoted(_keen(draw, several))}, "no", validity="9 days")
    for number, key in enumerate(draw.sample(numbers, min(len(numbers), max(1, most // 12)))):
        asked = draw.choice(
            (
                f'count("Order Paid"{draw.choice(WINDOWS)})',
                "recency(*)",
                f"current_streak(* by {draw.choice(('day', 'week'))})",
            )
        )
        found[f"sum_{number}"] = statistic(_quoted(f"{asked} * 2 + {key}"), validity="9 days")
    found["by_hand"] = "nature: fact\nmethod: manual\ntype: text\nvalidity: 3 days\n"
    found["told"] = "nature: fact\nmethod: imported\ntype: number\nvalidity: 3 days\n"
    found["mended"] = rule({"yes": 'did "Order Paid" in last 7 days'}, "no", validity="9 days")
    found["city"] = observed("city")
    return found, groups


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _valued(draw: random.Random) -> str:
    asked, kind = aggregate(draw)
    return statistic(_quoted(asked), kind, validity="9 days")


def _ruled(draw: random.Random) -> str:
    joined = draw.choice((" and ", " or ")).join(condition(draw) for _ in range(draw.randint(1, 3)))
    return rule({"yes": _quoted(joined)}, "no", validity="9 days")


def _weighed(draw: random.Random) -> str:
    where = draw.choice(WHERES[:5])
    points = draw.choice(('"Product Viewed" * 1, "Order Paid" * 8', '"Order Paid" * 2', "* * 3"))
    half = draw.choice(("1 hour", "5 hours", "2 days", "7 days", "14 days"))
    window = draw.choice(("", "", " in last 9 days", " in this month", " between 9 days and 1 day ago"))
    what, until = draw.choice(
        (
            ("interest", ""),
            ("demand", ' until "Order Refunded"'),
            ("demand", ' until "$page" where time in last 3 days'),
        )
    )
    return statistic(
        _quoted(f"{what}(category of {points}{where} half life {half}{window}{until})"),
        "text",
        validity="9 days",
    )


def _keen(draw: random.Random, tags: list[str]) -> str:
    """A condition about weights."""
    tag, other = draw.choice(tags), draw.choice(tags)
    label, much = draw.choice(LABELS), draw.choice((0.001, 0.1, 0.4, 0.7))
    return draw.choice(
        (
            f"weight({tag}, '{label}') >= {much}",
            f"weight({tag}, '{label}') between {much} and 0.8",
            f"not weight({tag}, '{label}') < {much} or {tag} = 'A'",
            f"weight({tag}, '{label}') > weight({other}, '{label}')",
            f"weight({tag}, '{label}') * 2 + count(* in last 2 days) > {much}",
        )
    )


def _told_of(draw: random.Random) -> str:
    """What is asked of a person's events besides tallies: in audiences, of instants that events say, of past days."""
    event, window = draw.choice(EVENTS), draw.choice(WINDOWS)
    asked = draw.choice(
        (
            f"in audience crowd_{draw.randrange(4)}",
            f"not in audience crowd_{draw.randrange(4)} and {condition(draw)}",
            f"did {event}{window} where expires in {draw.choice(('next', 'last'))} {draw.randint(1, 9)} days",
            f"max(expires of {event}{window}) in next {draw.randint(1, 90)} hours",
            f"first(expires of {event}{window}) in last {draw.randint(1, 4)} days",
            f"last {event}{window} has time in last {draw.randint(1, 90)} hours",
            f"last(gift of {event}{window})",
            f"anniversary(first_time({event}{window})) in next {draw.randint(1, 300)} days",
            f"age(last_time({event}{window})) < 1",
            f"recency({event}{window} where time in last 9 days) < {draw.randint(1, 5)}",
            f"current_streak({event} by day{window} where time in last 9 days) >= {draw.randint(1, 2)}",
            f'did {event} since last ("$page" where time in last {draw.randint(1, 60)} hours)',
            f"known(usual_hour({event}{window} where time in last {draw.randint(1, 9)} days))",
        )
    )
    return rule({"yes": _quoted(asked)}, "no", validity="9 days")


def _pointed(draw: random.Random) -> str:
    rows = "".join(
        f"  - when: {_quoted(condition(draw))}\n    points: {draw.choice((10, 2.5, -4, 0.1))}\n"
        for _ in range(draw.randint(2, 4))
    )
    kind, cuts = draw.choice((("number", ""), ("text", "cuts: {tiers: [cold, warm, hot], at: [0.1, 8]}\n")))
    return f"nature: model\nmethod: rule\ntype: {kind}\nvalidity: 9 days\npoints:\n{rows}{cuts}"


def _dated(draw: random.Random) -> str:
    asked = draw.choice(
        (
            f"age(person.birthday) >= {draw.choice((18, 25, 55))}",
            f"anniversary(person.birthday) in next {draw.randint(1, 9)} days",
            "anniversary(person.birthday) in this day",
            f"person.city = '{draw.choice(CITIES)}' for at least {draw.randint(1, 5)} days",
            f"person.score > {draw.choice((0, 2))} and age(person.birthday) < 30",
            f"person.ends in next {draw.randint(1, 5)} days or person.ends in last {draw.randint(1, 60)} hours",
            "known(person.city) and not person.city in ('Bern')",
        )
    )
    return rule({"yes": _quoted(asked)}, "no", validity="9 days")


def _ordered(draw: random.Random) -> str:
    event, where = draw.choice(EVENTS), draw.choice(WHERES)
    asked = draw.choice(
        (
            f'did {event}{draw.choice(WINDOWS)}{where} then "Order Paid" within {draw.randint(1, 9)} days',
            f'did {event} then "Order Paid" without "$page"',
            f'did {event}{where} then "Order Paid" within 9 days then "$page" within 1 day',
            f"did {event} in at least {draw.randint(1, 3)} of the last 4 periods of {draw.randint(1, 3)} days",
            f"streak({event} by day{draw.choice(WINDOWS)}{where}) >= {draw.randint(1, 3)}",
            f"did {event} since last {draw.choice(BOUNDS)}",
        )
    )
    return rule({"yes": _quoted(asked)}, "no", validity="9 days")


_KINDS = (_valued, _valued, _valued, _ruled, _ruled, _weighed, _pointed, _dated, _ordered, _told_of, _told_of)


EXPIRES = "p_4"
_EXPIRING = "ts + to_hours(CAST(epoch(ts) AS BIGINT) % 300)"


def world(people: int) -> Any:
    """An engine in which every event says an instant of its own."""
    made = engine(people=people)
    with made.write() as tx:
        tx.execute(f"ALTER TABLE events ADD COLUMN {EXPIRES} TIMESTAMP")
        tx.execute(f"INSERT INTO properties VALUES ('expires', 'instant', '{EXPIRES}')")
    return made


@dataclass
class Past:
    """People to whom something happens, in two engines alike: one carries on day by day, the other steps."""

    draw: random.Random
    people: int
    both: tuple[Any, Any]
    known: set[int] = field(default_factory=set)

    def load(self, since: datetime, until: datetime, n: int) -> None:
        """One load of so many events, and what is said and given besides, in any order."""
        happened = list(self._events(since, until, n))
        said = [self._said(since, until) for _ in range(n // 8)]
        given = [self._given(since, until) for _ in range(n // 16)]
        self.draw.shuffle(happened)
        for made in self.both:
            builders.events(made, happened)
            with made.write() as tx:
                tx.execute(f"UPDATE events SET {EXPIRES} = {_EXPIRING} WHERE {EXPIRES} IS NULL")
                number = builders.next_load(tx)
                if said:
                    tx.insert("attributes", pa.Table.from_pylist([{**row, "load_i": number} for row in said]))
                if given:
                    rows = [{**row, "load_i": number, "batch": f"g{number}"} for row in given]
                    tx.insert("given", pa.Table.from_pylist(rows))
        self.known |= {row[0] for row in happened} | {row["ix"] for row in [*said, *given]}

    def _events(self, since: datetime, until: datetime, n: int) -> Iterator[tuple[Any, ...]]:
        """Some at whole days, some at one instant."""
        draw, seconds = self.draw, int((until - since).total_seconds())
        living = self.living()
        for _ in range(n):
            at = since + timedelta(seconds=draw.randrange(seconds))
            if draw.random() < 0.3:
                at = at.replace(hour=0, minute=0, second=0)
            said: dict[str, Any] = {}
            if draw.random() < 0.8:
                said["amount"] = draw.choice((5, 20, 20.01, 80))
            if draw.random() < 0.8:
                said["category"] = draw.choice(("茶", "cup", "pot", "A"))
            if draw.random() < 0.5:
                said["quantity"] = draw.choice((0.1, 0.2, 1 / 3, 7.0))
            if draw.random() < 0.3:
                said["gift"] = draw.random() < 0.5
            yield draw.choice(living), draw.choice(NAMES), at, said

    def _said(self, since: datetime, until: datetime) -> dict[str, Any]:
        draw = self.draw
        at = naive(since + timedelta(seconds=draw.randrange(int((until - since).total_seconds()))))
        name, values = draw.choice(
            (("city", CITIES), ("birthday", BIRTHDAYS), ("score", (0, 1, 2.5, 3)), ("ends", ENDS))
        )
        return {
            "id": draw.getrandbits(60), "ix": draw.choice(self.living()), "name": name, "ts": at, "received_at": at,
            "source_i": 2, "mode": draw.choice(("set", "set", "once", "unset")), "kind": "declared",
            "value": json.dumps(draw.choice(values), ensure_ascii=False),
        }  # fmt: skip

    def _given(self, since: datetime, until: datetime) -> dict[str, Any]:
        draw = self.draw
        at = naive(since + timedelta(seconds=draw.randrange(int((until - since).total_seconds()))))
        tag, origin, values = draw.choice(
            (
                ("by_hand", "manual", ("a", "b", None)),
                ("told", "imported", (1, 2.5, None)),
                ("mended", "manual", ("yes", "no", "new", None)),
            )
        )
        value = draw.choice(values)
        ends = at + timedelta(days=draw.randint(1, 5)) if tag != "mended" or draw.random() < 0.5 else None
        return {
            "ix": draw.choice(self.living()), "tag": tag, "origin": origin, "ts": at, "given_at": at,
            "value": None if value is None else json.dumps(value), "expires_at": ends,
        }  # fmt: skip

    def living(self) -> list[int]:
        """Who is neither merged into somebody nor erased."""
        rows = self.both[0].read(
            "SELECT ix FROM persons WHERE merged_into IS NULL AND NOT erased ORDER BY ix"
        )
        found: list[int] = rows.column("ix").to_pylist()
        return found

    def merge(self) -> None:
        """Two people are found to be one."""
        away, into = self.draw.sample(self.living(), 2)
        for made in self.both:
            builders.merge(made, away, into=into)
            with made.write() as tx:
                tx.execute("UPDATE given SET ix = $into WHERE ix = $away", {"away": away, "into": into})

    def split(self) -> None:
        """Somebody is found to be two again, or hands a device on: every third event goes to the other."""
        merged = self.both[0].read("SELECT ix FROM persons WHERE merged_into IS NOT NULL AND NOT erased")
        gone = merged.column("ix").to_pylist()
        back = (
            self.draw.choice(gone) if gone and self.draw.random() < 0.7 else self.draw.choice(self.living())
        )
        of = self.draw.choice([ix for ix in self.living() if ix != back])
        self.known.add(back)
        for made in self.both:
            with made.write() as tx:
                values = {"back": back, "of": of}
                tx.execute("UPDATE persons SET merged_into = NULL WHERE ix = $back", values)
                tx.execute(
                    "UPDATE events SET ix = $back WHERE ix = $of AND epoch(ts)::BIGINT % 3 = 0", values
                )
                tx.execute(
                    "INSERT INTO moved VALUES ($n, $back), ($n, $of)", {**values, "n": builders.next_load(tx)}
                )

    def erase(self) -> None:
        """Somebody is forgotten, and every row about them, as a workspace does it."""
        ix = self.draw.choice(self.living())
        self.known.discard(ix)
        for made in self.both:
            builders.erase(made, ix)
            with made.write() as tx:
                for table in ("events", "attributes", "given"):
                    tx.execute(f"DELETE FROM {table} WHERE ix = $ix", {"ix": ix})
                erase(tx, ix)


@dataclass(frozen=True)
class Compared:
    """How much was compared: pairs of a definition and a history, values at all instants, steps and carried runs."""

    pairs: int
    values: int
    steps: int
    carried: int


def compared(seed: int, folder: Path, *, tags: int, people: int, days: int = 3) -> Compared:
    """Raises AssertionError where any person's value of any definition differs between the three."""
    draw = random.Random(seed)
    texts, groups = definitions(draw, tags)
    listed = {key: exclusive.read(text, key) for key, text in groups.items()}
    found = grouped(builders.tags(texts), listed)
    crowds = audiences(draw)
    newest = {key for key, tag in found.items() if tag.group is not None and tag.group.keep == "newest"}
    past = Past(draw, people, (world(people), world(people)))
    nightly, live = past.both
    as_of = AS_OF
    past.load(as_of - 40 * DAY, as_of + DAY, people * draw.randint(8, 30))
    _ran(nightly, found, crowds, as_of, folder / "nightly", "n")
    columns = _ran(live, found, crowds, as_of, folder / "live", "l").columns
    graph = build(found, Names(live, found, crowds).audience)
    values = steps = carried = 0
    standing = None
    for day in range(days):
        rests = draw.choice((timedelta(seconds=9), timedelta(hours=7), DAY, DAY, 3 * DAY))
        for part in range(2):
            before, as_of = as_of, as_of + rests / 2
            if (
                draw.random() < 0.8
            ):  # on time, late, and ahead of time; of a few people, so that time alone is seen
                first = draw.choice((before - 35 * DAY, before, before - timedelta(hours=1)))
                past.load(first, as_of + timedelta(hours=6), draw.randint(4, max(4, people // 4)))
            for change, chance in ((past.merge, 0.4), (past.split, 0.3), (past.erase, 0.3)):
                if draw.random() < chance:
                    change()
                    if change == past.erase:
                        current = publish.current(live)
                        assert current is not None
                        columns = publish.remade(live, folder / "live", current)
            report = realtime.step(
                live,
                graph,
                catalog=Names(live, found, crowds),
                as_of=as_of,
                run_id=f"s{day}{part}",
                columns=columns,
                standing=standing,
            )
            if report is None:
                columns = _ran(live, found, crowds, as_of, folder / "live", f"l{day}{part}").columns
            else:
                steps, columns, standing = steps + 1, report.columns, report.standing
                assert report.waiting == ()
        night = _ran(nightly, found, crowds, as_of, folder / "nightly", f"n{day}")
        carried += night.carried is not None
        where = f"seed {seed}, day {day}, tag"
        with _anew(nightly, found, crowds, as_of, folder / "anew") as anew:
            expected = {key: _values(anew, key) for key in found}
        with _anew(live, found, crowds, as_of, folder / "anew") as anew:
            stepped = {key: _values(anew, key) for key in newest}
        for key, right in expected.items():
            assert _values(night.columns, key) == right, f"{where} {key} carried: {texts[key]}"
            wanted = stepped.get(key, right)
            now = _values(columns, key)
            differ = [(ix, now[ix], wanted[ix]) for ix in range(len(now)) if now[ix] != wanted[ix]]
            assert not differ, f"{where} {key} in steps {differ}: {texts[key]}"
            values += len(right)
    return Compared(len(set(texts.values())) * len(past.known & set(past.living())), values, steps, carried)


def _values(columns: Columns, key: str) -> list[Any]:
    return [(value, type(value)) for value in columns[key].take(np.arange(columns.n))]


def _ran(
    made: Any,
    found: Mapping[str, Tag],
    crowds: Mapping[str, str],
    as_of: datetime,
    folder: Path,
    name: str,
    *,
    full: bool = False,
) -> Any:
    catalog = Names(made, found, crowds)
    return run(made, found, catalog=catalog, as_of=as_of, run_id=name, columns_dir=folder, full=full)


@contextmanager
def _anew(
    made: Any, found: Mapping[str, Tag], crowds: Mapping[str, str], as_of: datetime, folder: Path
) -> Iterator[Columns]:
    """The values computed anew, without leaving a trace in the engine."""

    class Undo(Exception):
        pass

    try:
        with made.write():
            report = _ran(made, found, crowds, as_of, folder, "f", full=True)
            assert report.carried is None
            yield report.columns
            raise Undo
    except Undo:
        return
