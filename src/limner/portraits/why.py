"""Why somebody has a value of a tag, or has none: the events, cases and attributes that decided it.

Asks the engine with the same compiled conditions that compute the tag, restricted to one person. What is shown is what
was so at the instant that is asked for, by all that is known today.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from limner.engine.seam import Engine, Transaction, quoted
from limner.errors import ExpressionError
from limner.expressions import Cases, to_text, type_of
from limner.expressions import tree as t
from limner.expressions.catalog import Catalog
from limner.expressions.compile import statistics, weights
from limner.expressions.happenings import EventSql
from limner.expressions.interests import counted, formula
from limner.expressions.scan import SUM_SCALE
from limner.expressions.sql import Bound, Sql
from limner.expressions.windows import bounds
from limner.identity.then import Then
from limner.portraits.because.reading import Reader
from limner.portraits.because.sentences import say
from limner.portraits.because.told import Teller, Told
from limner.portraits.person import event_rows, exact
from limner.tags import cut_points
from limner.tags.cut_points import Cut
from limner.tags.giving import of_person
from limner.tags.graph import Graph
from limner.tags.history import PREFIX, tags_at, values_at
from limner.tags.masking import SENSITIVE, hides, is_personal, masked
from limner.tags.methods.observed import attribute_path
from limner.tags.model import Learned, Observed, Points, Rule, Statistic, Tag, Tiers, plain
from limner.tags.objects import worded
from limner.tags.tiers import MILLIONTHS, millionths
from limner.types import MONEY_SCALE, Json, ValueType, naive, utc

MOST_EVENTS = 50
MOST_CONDITIONS = 200
MOST_EVIDENCE = 5
MOST_ROWS = 50

_ME = "why_person"


def why(
    engine: Engine,
    ix: int,
    tag: Tag,
    *,
    graph: Graph,
    catalog: Catalog,
    at: datetime,
    hide: Collection[str] = (),
    sources: Mapping[int, str] | None = None,
    handed: datetime | None = None,
    heard: datetime | None = None,
    person: Then | None = None,
    cuts: Mapping[str, Cut] = MappingProxyType({}),
) -> Json:
    """{value, available, unavailable, statistic, weights, rule, observed, because, near, ends}: the value, and why.

    The first three say what the value is and whether its reasons can be given; of statistic, rule and observed the one
    that fits the tag's method is not null; `weights`: the labels of a tag that gives several, and
    how they come about. `because` names events and attributes without which the value would be another, `near` (and
    `near` of a rule's case) what is missing, `ends` when time alone gives another value.
    `graph` holds the tag and whatever it refers to. `handed`: given values as they stand then, when that is not `at`.
    `heard`: by what had been received until that instant, of who the `person` was then (`ix` is theirs). `cuts`: by
    which cut points percentiles decided; of others they are computed from everybody, as of `at`.
    """
    found: Json = {
        "available": True,
        "unavailable": None,
        "statistic": None,
        "weights": None,
        "rule": None,
        "points": None,
        "observed": None,
        "learned": None,
        "tiers": None,
    }
    points = {key: cut.points for key, cut in cuts.items()}
    with tags_at(
        engine,
        graph,
        [tag.key],
        catalog=catalog,
        as_of=at,
        people=_only(ix),
        handed=handed,
        heard=heard,
        person=person,
        cuts=points,
    ) as (tx, then):
        known = {**cuts, **_cuts_then(tx, graph, [tag.key], catalog=then, at=at, known=cuts)}
        points = {key: cut.points for key, cut in known.items()}
        graph = cut_points.settled(graph, known)
        tag = graph.tags[tag.key]
        rows = tx.read(f"SELECT value FROM {quoted(PREFIX + tag.table)} WHERE ix = $ix", {"ix": ix})
        value = rows.column(0)[0].as_py() if rows.num_rows else None
        if hides(tag, hide):
            found["value"] = masked(value)
        else:
            found["value"] = None if value is None else exact(value, tag.type)
        covered = {key for key, one in graph.tags.items() if hides(one, hide)}
        asker = _Asker(tx, ix, then, at, hide, sources, covered)
        if SENSITIVE in hide and tag.key in covered and not isinstance(tag.definition, Observed):
            found |= {
                "available": False,
                "unavailable": say("personal", {}, zone=catalog.zone),
            }
        elif isinstance(tag.definition, Observed):
            found["observed"] = asker.attribute(
                attribute_path(tag.definition.attribute, catalog), covered=tag.key in covered
            )
        elif isinstance(tag.definition, Rule):
            found["rule"] = asker.rule(tag, graph.trees[tag.key])
        elif isinstance(tag.definition, Points):
            found["points"] = asker.points(tag, tag.definition, graph.trees[tag.key])
        elif isinstance(tag.definition, Tiers):
            nobody = say("nobody_cut", {"of": tag.definition.cuts.of}, zone=catalog.zone)
            found |= {"available": False, "unavailable": nobody}
        elif isinstance(tag.definition, Learned):
            found["learned"] = _learned(tx, tag.definition, ix, graph=graph, covered=covered)
        elif isinstance(tag.definition, Statistic):
            tree = graph.trees[tag.key][0]
            if isinstance(tree, t.Aggregate) and t.followed(tree):
                found["statistic"] = asker.aggregate(tree)
            elif isinstance(tree, t.Interest):
                hidden = hides(tag, hide) or is_personal(tree.of, hide)
                found["statistic"], found["weights"] = asker.interest(tree, value, hidden=hidden)
                if hidden:
                    found["value"] = masked(value)
            elif isinstance(tree, t.Logistic):
                found |= {
                    "available": False,
                    "unavailable": say("of_tags", {}, zone=catalog.zone),
                }
        teller = Teller(Reader(tx, ix, then, graph, at, _given(tx, ix, handed or at)), hide)
        told = teller.tag(tag)
        if found["learned"] is not None:
            found["learned"] |= {"above": told.above, "below": told.below}
        elif found["rule"] is not None:
            found["tiers"] = _tiers(tag, graph, teller.reader, told, known.get(tag.key), covered)
        if isinstance(tag.definition, Statistic) and not found["statistic"] and not told.because["said"]:
            found |= {"available": False, "unavailable": found["unavailable"] or told.because["text"]}
        found |= asker.reasons(told)
        part = found["rule"] or found["points"] or {}
        rows = part.get("cases") or part.get("rows") or []
        for row, near in zip(rows, (told.cases or (None,) * len(rows)) if rows else (), strict=True):
            row["near"] = near

    def value_at(instant: datetime) -> Any:
        stands = instant if handed is None else max(instant, handed)
        found = values_at(
            engine,
            graph,
            ix=ix,
            catalog=catalog,
            as_of=instant,
            keys=[tag.key],
            handed=stands,
            heard=heard,
            person=person,
            cuts=points,
        )
        return found.get(tag.key)

    found["ends"] = _proved(engine, ix, told, value, value_at, at=at, heard=heard)
    then_value = found["ends"].pop("value")
    if found["ends"]["at"] is not None and then_value is not None:
        found["ends"]["then"] = masked(then_value) if _hidden(tag, hide) else exact(then_value, tag.type)
    return found


def _cuts_then(
    tx: Transaction,
    graph: Graph,
    keys: Collection[str],
    *,
    catalog: Catalog,
    at: datetime,
    known: Mapping[str, Cut],
) -> dict[str, Cut]:
    """The cut points of percentiles among the tags (and what they refer to) as everybody's values then give them."""
    found: dict[str, Cut] = {}
    for key in graph.closure(keys):
        definition = graph.tags[key].definition
        if isinstance(definition, Tiers) and not (key in known and known[key].points):
            found[key] = cut_points.compute(tx, definition, catalog=catalog, as_of=at)
    return found


def _tiers(
    tag: Tag, graph: Graph, reader: Reader, told: Told, cut: Cut | None, covered: Collection[str]
) -> Json | None:
    """The number that is cut into tiers, the cut points that decided, and what lies above and below; None: no tiers."""
    definition = tag.definition
    if not isinstance(definition, Rule) or definition.cuts is None:
        return None
    cuts, of = definition.cuts, graph.tags[definition.cuts.of]
    tests = [test.right for test in graph.trees[tag.key] if isinstance(test, t.Compare)]
    held = reader.values([t.Name(of.key)])[0]
    value = None if held is None else exact(held, of.type)
    return {
        "of": of.key,
        "titles": dict(of.title),
        "type": str(of.type),
        "value": masked(value) if of.key in covered else value,
        "tiers": list(cuts.tiers),
        "cuts": [test.value for test in reversed(tests) if isinstance(test, t.Number)],
        "percents": list(cuts.at) if cuts.percent else None,
        "every_run": cuts.every_run,
        "frozen_at": cuts.frozen_at or None,
        "as_of": None if cut is None else utc(cut.as_of).isoformat(),
        "run": None if cut is None else cut.run or None,
        "people": None if cut is None else cut.people,
        "above": told.above,
        "below": told.below,
    }


def _learned(
    tx: Transaction, definition: Learned, ix: int, *, graph: Graph, covered: Collection[str]
) -> Json:
    """What each feature adds to the person's log odds, in all and against the mean of those from whom it was learned.

    `contributes` of all features and the intercept (`base`) are together `log_odds`, which give the chance.
    """
    learnt = definition.learnt
    features: list[Json] = []
    for one in () if learnt is None else learnt.features:
        tag = graph.tags[one.tag]
        rows = tx.read(f"SELECT value FROM {quoted(PREFIX + tag.table)} WHERE ix = $ix", {"ix": ix})
        value = rows.column(0)[0].as_py() if rows.num_rows else None
        if tag.type is ValueType.FLAG:
            value = bool(value)
        number = None if value is None else float(value) / (MONEY_SCALE if tag.type is ValueType.MONEY else 1)
        hidden = tag.key in covered
        features.append(
            {
                "tag": one.tag,
                "titles": dict(tag.title),
                "value": None if value is None or hidden else exact(value, tag.type),
                "weight": one.weight,
                "mean": one.mean,
                "contributes": None if number is None or hidden else one.weight * number,
                "adds": None if number is None or hidden else one.weight * (number - one.mean),
            }
        )
    parts = [item["contributes"] for item in features]
    whole = learnt is not None and None not in parts
    features.sort(key=lambda item: -abs(item["adds"] or 0.0))
    return {
        "said": "there are no weights yet" if learnt is None else "not calibrated yet",
        "auc": None if learnt is None else learnt.auc,
        "learnt_at": None if learnt is None else learnt.at,
        "examples": None if learnt is None else learnt.examples,
        "reached": None if learnt is None else learnt.reached,
        "base": None if learnt is None else learnt.base,
        "log_odds": sum(parts, learnt.base) if whole and learnt is not None else None,
        "features": features,
    }


def why_in(
    engine: Engine,
    ix: int,
    condition: t.Expr,
    *,
    graph: Graph,
    catalog: Catalog,
    at: datetime,
    hide: Collection[str] = (),
    sources: Mapping[int, str] | None = None,
    cuts: Mapping[str, Cut] = MappingProxyType({}),
    heard: datetime | None = None,
    person: Then | None = None,
) -> Json:
    """{holds, because, near, ends}: whether the person satisfies the condition at `at`, with tags computed as of then.

    `cuts`, `heard` and `person`: as in `why`. Raises ExpressionError.
    """
    keys = tags_of(condition, graph, catalog)
    points = {key: cut.points for key, cut in cuts.items()}
    persons_tags = partial(
        tags_at, engine, keys=keys, catalog=catalog, people=_only(ix), heard=heard, person=person
    )
    with persons_tags(graph=graph, as_of=at, cuts=points) as (tx, then):
        known = {**cuts, **_cuts_then(tx, graph, keys, catalog=then, at=at, known=cuts)}
        points = {key: cut.points for key, cut in known.items()}
        graph = cut_points.settled(graph, known)
        reader = Reader(tx, ix, then, graph, at, _given(tx, ix, at))
        holds = reader.holds([condition])[0]
        told = Teller(reader, hide).condition(condition)
        found = {"holds": holds, **_Asker(tx, ix, then, at, hide, sources).reasons(told)}

    def holds_at(instant: datetime) -> bool:
        with persons_tags(graph=graph, as_of=instant, cuts=points) as (tx, then):
            return Reader(tx, ix, then, graph, instant).holds([condition])[0]

    found["ends"] = _proved(engine, ix, told, holds, holds_at, at=at, heard=heard)
    found["ends"]["then"] = found["ends"].pop("value")
    return found


def all_held(
    engine: Engine,
    ix: int,
    conditions: Sequence[t.Expr],
    *,
    graph: Graph,
    catalog: Catalog,
    at: datetime,
    heard: datetime | None = None,
    person: Then | None = None,
) -> list[bool]:
    """Whether the person satisfies each of the conditions at `at`: as `why_in` has it, without the reasons.

    Raises ExpressionError.
    """
    if not conditions:
        return []
    keys = set[str]().union(*(tags_of(one, graph, catalog) for one in conditions))
    with tags_at(
        engine, graph, keys, catalog=catalog, as_of=at, people=_only(ix), heard=heard, person=person
    ) as (tx, then):
        return Reader(tx, ix, then, graph, at).holds(conditions)


def tags_of(condition: t.Expr, graph: Graph, catalog: Catalog) -> set[str]:
    """The tags that the condition names, also in the audiences that it names."""
    keys: set[str] = set()
    seen: set[str] = set()
    waiting = [condition]
    while waiting:
        tree = waiting.pop()
        keys |= t.names_of(tree) & graph.tags.keys()
        for name in t.audiences_of(tree) - seen:
            seen.add(name)
            inner = catalog.audience(name)
            if inner is not None and not isinstance(inner, frozenset):
                waiting.append(inner)
    return keys


def _hidden(tag: Tag, hide: Collection[str]) -> bool:
    return isinstance(tag.definition, Observed) and is_personal(tag.definition.attribute, hide)


def _proved(
    engine: Engine,
    ix: int,
    told: Told,
    now: Any,
    value_at: Callable[[datetime], Any],
    *,
    at: datetime,
    heard: datetime | None = None,
) -> Json:
    """When the answer ends, asked of the engine just before and then: `proved`, null where events came since.

    `value`: the answer from then on.
    """
    ends = {**told.ends, "value": None}
    if told.turn is None:
        return ends
    since = {"ix": ix, "at": naive(at), "turn": told.turn}
    later = engine.read(
        "SELECT (SELECT COUNT(*) FROM events WHERE ix = $ix AND ts >= $at AND ts < $turn)"
        " + (SELECT COUNT(*) FROM attributes WHERE ix = $ix AND ts >= $at AND ts < $turn) AS n",
        since,
    )
    if heard is None and later.column(0)[0].as_py():
        return ends
    turn = utc(told.turn)
    value = value_at(turn)
    if value_at(turn - timedelta(microseconds=1)) != now or value == now:
        text = say("unproved", {}, zone="UTC")
        return {**ends, "said": False, "at": None, "proved": False, "text": text}
    return {**ends, "proved": True, "value": value}


def _given(tx: Transaction, ix: int, at: datetime) -> dict[str, Mapping[str, Any]]:
    """What stands of given values: of each tag the one by hand, else the imported one."""
    return {row["tag"]: row for row in of_person(tx, ix, now=at)}


def _only(ix: int) -> Any:
    return pa.array([ix], pa.uint32()).to_numpy()


class _Asker:
    """Asks about one person at one instant, inside one transaction."""

    def __init__(
        self,
        tx: Transaction,
        ix: int,
        catalog: Catalog,
        at: datetime,
        hide: Collection[str],
        sources: Mapping[int, str] | None,
        covered: Collection[str] = (),
    ) -> None:
        self.tx, self.ix, self.catalog, self.at = tx, ix, catalog, at
        self.hide, self.sources, self.covered = hide, sources, covered

    def reasons(self, told: Told) -> Json:
        """{because, near, ends}, with the newest of the events that are named and how many came from each source."""
        ids = [str(i) for i in told.removal.events]
        events = event_rows(
            self.tx,
            ["e.ix = $ix", "list_contains($ids, e.id::VARCHAR)"],
            {"ix": self.ix, "ids": ids},
            limit=MOST_EVENTS,
            hide=self.hide,
            sources=self.sources,
        )
        counted = self.tx.read(
            "SELECT source_i, COUNT(*) AS events FROM events WHERE ix = $ix AND list_contains($ids, id::VARCHAR)"
            " GROUP BY source_i ORDER BY events DESC, source_i",
            {"ix": self.ix, "ids": ids},
        ).to_pylist()
        because = {
            **told.because,
            "events": [{name: value for name, value in row.items() if name != "place"} for row in events],
            "sources": [
                {
                    "source": (self.sources or {}).get(row["source_i"], row["source_i"]),
                    "events": row["events"],
                }
                for row in counted
            ],
        }
        return {"because": because, "near": told.near, "ends": told.ends}

    # events

    def aggregate(self, node: t.Aggregate, *, most: int = MOST_EVENTS) -> Json:
        """The events that an aggregate's value rests on, newest first: without them it would be another."""
        return self._events(node.event, node.window, node.function, node.of, most)

    def _events(
        self, event: t.Event, window: t.Window | None, function: str, of: str | None, most: int
    ) -> Json:
        bind = Bound()
        sql = EventSql(Sql(bind, naive(self.at), self.catalog.zone), self.catalog)
        low, high = bounds(window, as_of=self.at, zone=self.catalog.zone)
        me = bind(self.ix)
        typed = None if of is None else sql.property(of)
        value = "NULL" if typed is None else typed.sql
        if typed is not None and function in ("sum", "avg"):
            value = {
                ValueType.MONEY: typed.sql,
                ValueType.NUMBER: f"TRY_CAST(ROUND({typed.sql} * {SUM_SCALE}) AS BIGINT)",
            }.get(typed.type or ValueType.TEXT, "CAST(NULL AS BIGINT)")
        which = sql.filter(sql.selection(event, (low, high)))
        chosen = f"SELECT id, ts, {value} AS value FROM events WHERE ix = {me} AND {which}"
        deciding = f"SELECT id FROM ({chosen}) AS c WHERE {_DECIDING[function].format(chosen=chosen)}"
        counted = self.tx.read(
            f"SELECT (SELECT COUNT(*) FROM ({chosen})) AS considered,"
            f" (SELECT COUNT(*) FROM ({deciding})) AS deciding",
            bind.values,
        ).to_pylist()[0]
        shown = event_rows(
            self.tx,
            [f"e.ix = {me}", f"e.id IN ({deciding})"],
            bind.values,
            limit=most,
            hide=self.hide,
            sources=self.sources,
        )
        return {
            "since": None if low is None else utc(low).isoformat(),
            "until": utc(high).isoformat(),
            "considered": counted["considered"],
            "deciding": counted["deciding"],
            "events": [{name: value for name, value in row.items() if name != "place"} for row in shown],
        }

    def interest(self, node: t.Interest, label: str | None, *, hidden: bool) -> tuple[Json, Json]:
        """The events that count for the label, newest first, among all that count; and every label's weight."""
        bind = Bound()
        sql = EventSql(Sql(bind, naive(self.at), self.catalog.zone), self.catalog)
        low, high = bounds(node.window, as_of=self.at, zone=self.catalog.zone)
        query = weights(node, self.catalog, self.at, among=_ME)
        with self.tx.given(_ME, pa.table({"ix": pa.array([self.ix], pa.uint32())})):
            listed = self.tx.read(f"SELECT * FROM ({query.sql}) ORDER BY place", query.values).to_pylist()
            counting = self.tx.read(
                f"SELECT id::VARCHAR AS id, label FROM ({counted(node, sql, among=_ME)})", bind.values
            ).to_pylist()
        mine = [row["id"] for row in counting if row["label"] == label]
        shown = event_rows(
            self.tx,
            ["e.ix = $ix", "list_contains($ids, e.id::VARCHAR)"],
            {"ix": self.ix, "ids": mine},
            limit=MOST_EVENTS,
            hide=self.hide,
            sources=self.sources,
        )
        evidence = {
            "since": None if low is None else utc(low).isoformat(),
            "until": utc(high).isoformat(),
            "considered": len(counting),
            "deciding": len(mine),
            "events": [{name: value for name, value in row.items() if name != "place"} for row in shown],
        }
        labels = [
            {"label": masked(row["label"]) if hidden else row["label"], "weight": row["weight"]}
            for row in listed
        ]
        return evidence, {"formula": formula(node), "labels": labels}

    # rules

    def rule(self, tag: Tag, trees: tuple[t.Expr, ...]) -> Json:
        """Each case with its conditions and whether they hold, what they rest on, and which case decided."""
        definition = tag.definition
        if not isinstance(definition, Rule):
            raise TypeError(f"the tag {tag.key} is of method {tag.method}")
        leaves = [list(_leaves(tree)) for tree in trees]
        asked = {to_text(leaf): leaf for case in leaves for leaf in case[:MOST_CONDITIONS]}
        cases = {f"case {n}": tree for n, tree in enumerate(trees)}
        holds = self._hold({**cases, **{f"leaf {text}": leaf for text, leaf in asked.items()}})
        decided = next((n for n in range(len(trees)) if holds[f"case {n}"]), None)
        evidence: list[Json] = []
        if decided is not None:
            for leaf in leaves[decided]:
                if holds.get(f"leaf {to_text(leaf)}") and len(evidence) < MOST_EVIDENCE:
                    evidence += self._evidence(leaf)
        return {
            "decided": decided,
            "otherwise": None if definition.otherwise is None else _then(definition.otherwise, tag.type),
            "cases": [
                {
                    "when": to_text(worded(tree, tag.objects)),
                    "then": _then(case.then, tag.type),
                    "holds": holds[f"case {n}"],
                    "conditions": [
                        {"text": to_text(worded(leaf, tag.objects)), "holds": holds[f"leaf {to_text(leaf)}"]}
                        for leaf in leaves[n][:MOST_CONDITIONS]
                    ],
                }
                for n, (tree, case) in enumerate(zip(trees, definition.cases, strict=True))
            ],
            "inputs": self._inputs(trees),
            "evidence": evidence,
        }

    def points(self, tag: Tag, definition: Points, trees: tuple[t.Expr, ...]) -> Json:
        """Each condition with what it is worth and whether it holds, their sum, and the tiers that it is cut into."""
        holds = self._hold({f"row {n}": tree for n, tree in enumerate(trees)})
        held = [holds[f"row {n}"] for n in range(len(trees))]
        cuts = definition.cuts
        return {
            "sum": sum(millionths(row.points) for row, on in zip(definition.rows, held, strict=True) if on)
            / MILLIONTHS,
            "rows": [
                {"when": to_text(worded(tree, tag.objects)), "points": row.points, "holds": on}
                for tree, row, on in zip(trees, definition.rows, held, strict=True)
            ],
            "tiers": [] if cuts is None else list(cuts.tiers),
            "cuts": [] if cuts is None else list(cuts.points or ()),
        }

    def _hold(self, conditions: Mapping[str, t.Expr]) -> dict[str, bool]:
        row = self._row(
            {
                f"c{n}": Cases(((condition, t.Flag(True)),), t.Flag(False), ValueType.FLAG)
                for n, condition in enumerate(conditions.values())
            }
        )
        return {name: bool(row.get(f"c{n}")) for n, name in enumerate(conditions)}

    def _row(self, columns: Mapping[str, t.Value | Cases]) -> Json:
        """The person's values."""
        if not columns:
            return {}
        query = statistics(columns, self.catalog, self.at, among=_ME)
        with self.tx.given(_ME, pa.table({"ix": pa.array([self.ix], pa.uint32())})):
            rows = self.tx.read(query.sql, query.values).to_pylist()
        return rows[0] if rows else {}

    def _inputs(self, trees: tuple[t.Expr, ...]) -> list[Json]:
        """Every tag, attribute and aggregate that the conditions name, with the person's value; null: none."""
        named: dict[str, t.Value] = {}
        for tree in trees:
            for node in _person_values(tree):
                named.setdefault(to_text(node), node)
        chosen = dict(list(named.items())[:MOST_CONDITIONS])
        row = self._row({f"i{n}": node for n, node in enumerate(chosen.values())})
        return [self._input(text, node, row.get(f"i{n}")) for n, (text, node) in enumerate(chosen.items())]

    def _input(self, text: str, node: t.Value, value: Any) -> Json:
        kind, name = "events", ""
        if isinstance(node, t.Weight):
            kind, name = "tag", node.tag.name
        elif isinstance(node, t.Name) and self.catalog.tag(node.name) is not None:
            kind, name = "tag", node.name
        elif isinstance(node, t.Name | t.Attribute):
            kind = "attribute"
            name = node.name if isinstance(node, t.Name) else ".".join(node.path)
        typed = type_of(node, self.catalog)
        if kind == "attribute":
            value = _said(value)
            shown = masked(value) if is_personal(name, self.hide) else value
        else:
            shown = None if value is None else exact(value, typed or ValueType.TEXT)
            if isinstance(node, t.Aggregate) and node.of is not None and is_personal(node.of, self.hide):
                shown = masked(shown)
            if kind == "tag" and name in self.covered:
                shown = masked(shown)
        shown_type = ValueType.TEXT if kind == "attribute" else (typed or ValueType.TEXT)
        return {"text": text, "kind": kind, "name": name, "type": str(shown_type), "value": shown}

    def _evidence(self, leaf: t.Expr) -> list[Json]:
        """The events on which a condition that holds rests; empty when it rests on none, or on their absence."""
        try:
            match leaf:
                case t.Did(event, times, window) if times is None or times.op in (
                    "exactly",
                    "at least",
                    "more than",
                ):
                    return [self._told(leaf, event, window, "count")]
                case t.FirstDid(event, _):
                    return [self._told(leaf, event, None, "first_time")]
                case t.LastHas(event, _, window):
                    return [self._told(leaf, event, window, "last_time")]
                case t.Regularly(event):
                    span = t.InLast(t.Duration(leaf.each.n * leaf.periods, leaf.each.unit))
                    return [self._told(leaf, event, span, "count")]
                case _:
                    return [
                        self._told(node, node.event, node.window, node.function, node.of)
                        for node in _person_values(leaf)
                        if isinstance(node, t.Aggregate) and t.followed(node)
                    ]
        except ExpressionError:
            return []

    def _told(
        self, node: t.Expr, event: t.Event, window: t.Window | None, function: str, of: str | None = None
    ) -> Json:
        return {"text": to_text(node), **self._events(event, window, function, of, MOST_EVENTS)}

    # attributes

    def attribute(self, path: tuple[str, ...], *, covered: bool = False) -> Json:
        """What was ever said of an attribute, newest first, and which word holds."""
        rows = self.tx.read(
            "SELECT id::VARCHAR AS id, ts, source_i, mode, kind, value FROM attributes"
            " WHERE ix = $ix AND name = $name AND ts < $at ORDER BY ts, attributes.id",
            {"ix": self.ix, "name": path[0], "at": naive(self.at)},
        ).to_pylist()
        deciding = _deciding(rows)
        hidden = is_personal(path[0], self.hide) or covered
        said = [
            {
                "at": utc(row["ts"]).isoformat(),
                "source": None
                if row["source_i"] is None
                else (self.sources or {}).get(row["source_i"], str(row["source_i"])),
                "mode": row["mode"],
                "kind": row["kind"],
                "value": masked(_said(row["value"])) if hidden else _said(row["value"]),
                "decides": n == deciding,
            }
            for n, row in enumerate(rows)
        ]
        return {"attribute": ".".join(path), "words": len(said), "said": said[::-1][:MOST_ROWS]}


_ALL = "TRUE"
_VALUED = "c.value IS NOT NULL"
_DECIDING = {
    "count": _ALL,
    "first_time": "c.ts = (SELECT MIN(ts) FROM ({chosen}))",
    "last_time": "c.ts = (SELECT MAX(ts) FROM ({chosen}))",
    "recency": "c.ts = (SELECT MAX(ts) FROM ({chosen}))",
    "sum": "c.value <> 0",
    "avg": _VALUED,
    "distinct": _VALUED,
    "min": "c.value = (SELECT MIN(value) FROM ({chosen}))",
    "max": "c.value = (SELECT MAX(value) FROM ({chosen}))",
    "first": "ROW(c.ts, c.value) = (SELECT MIN(ROW(ts, value)) FROM ({chosen}) WHERE value IS NOT NULL)",
    "last": "ROW(c.ts, c.value) = (SELECT MAX(ROW(ts, value)) FROM ({chosen}) WHERE value IS NOT NULL)",
    "most_frequent": (
        "c.value = (SELECT value FROM ({chosen}) WHERE value IS NOT NULL GROUP BY value"
        " ORDER BY COUNT(*) DESC, value LIMIT 1)"
    ),
}
"""Of the events that an aggregate looks at, those without which its value would be another."""


def _deciding(rows: list[Json]) -> int | None:
    """Which of an attribute's rows, in the order of time, holds: as `attribute_steps` has it."""
    last = max((n for n, row in enumerate(rows) if row["mode"] != "once"), default=None)
    if last is not None and rows[last]["mode"] == "set":
        return last
    begin = 0 if last is None else last + 1
    return next((n for n in range(begin, len(rows)) if rows[n]["mode"] == "once"), None)


def _leaves(node: t.Expr) -> Iterator[t.Expr]:
    """The conditions that `and`, `or` and `not` join."""
    match node:
        case t.And(args) | t.Or(args):
            for arg in args:
                yield from _leaves(arg)
        case t.Not(arg):
            yield from _leaves(arg)
        case _:
            yield node


def _person_values(node: t.Node) -> Iterator[t.Value]:
    """The tags, attributes and aggregates of the person that a condition compares; a `did` is its count."""
    match node:
        case t.Name() | t.Attribute() | t.Aggregate() | t.Weight() | t.Streak() | t.Habit() | t.Delay():
            yield node
        case t.Did(event, _, window):
            yield t.Aggregate("count", event, None, window)
        case t.FirstDid(event, _):
            yield t.Aggregate("first_time", event)
        case t.LastHas() | t.Sequence() | t.Regularly() | t.Event():
            return
        case _:
            for child in t.children(node):
                yield from _person_values(child)


def _then(value: Any, kind: ValueType) -> Any:
    return exact(value, kind) if kind is ValueType.MONEY else plain(value)


def _said(value: str | None) -> Any:
    """An attribute's JSON as a value."""
    if value is None:
        return None
    try:
        return json.loads(value)
    except ValueError:
        return value
