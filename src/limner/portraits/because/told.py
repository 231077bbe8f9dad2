"""Told: the answer about one person and one condition or tag, as data: what decides, what is missing, when it ends."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from limner.errors import ExpressionError
from limner.expressions import tree as t
from limner.expressions.predicate import microseconds
from limner.expressions.printer import to_text
from limner.expressions.windows import MICROSECOND
from limner.portraits.because.deciding import (
    Removal,
    absent,
    deciding,
    everything,
    flip_points,
    flip_reading,
)
from limner.portraits.because.facts import Facts
from limner.portraits.because.missing import Near, Nearness
from limner.portraits.because.moment import answer, chance, value
from limner.portraits.because.plans import Lack, Plan, Until
from limner.portraits.because.question import (
    Asking,
    Chance,
    Fixed,
    One,
    Question,
    Score,
    Some,
    TooLarge,
    Unsayable,
    Weighs,
    in_units,
    leaves_of,
)
from limner.portraits.because.reading import Reader, TooManyEvents
from limner.portraits.because.sentences import LANGUAGES, say
from limner.portraits.because.turning import TooMany, Unsaid, first_turn
from limner.portraits.because.weighing import engines
from limner.portraits.person import exact
from limner.tags.graph import Graph
from limner.tags.masking import hides, is_personal, masked
from limner.tags.methods.given import IMPORTED
from limner.tags.model import Cuts, Given, Learned, Observed, Points, Rule, Statistic, Tag, Tiers
from limner.tags.objects import worded
from limner.tags.tiers import MILLIONTHS, millionths
from limner.types import Json, ValueType, naive, utc

Asked = TypeVar("Asked")

MOST_NAMED = 10_000
"""So many events are named by their ids; of more only how many."""


class Unknown(Exception):
    """Nothing can be said of the whole; `code` and `numbers` say why."""

    def __init__(self, code: str, **numbers: Any) -> None:
        super().__init__(code)
        self.code, self.numbers = code, numbers


@dataclass(frozen=True)
class Told:
    """What was worked out. `because`, `near`, `ends` and `cases` are ready for JSON; `turn` is still to be proved.

    `above` and `below`: the cut points next to the value, what lies beyond them and what would bring it there.
    """

    because: Json
    near: Json | None
    cases: tuple[Json | None, ...]
    ends: Json
    turn: datetime | None
    removal: Removal
    then: Any = None
    above: Json | None = None
    below: Json | None = None


class Teller:
    """Works out what is said of one person at one instant."""

    def __init__(self, reader: Reader, hide: Collection[str] = ()) -> None:
        self.reader, self.hide = reader, hide
        self.at = naive(reader.at)
        self.zone = reader.catalog.zone
        self.objects = next((tag.objects for tag in reader.graph.tags.values() if tag.objects), {})

    # a condition, a tag

    def condition(self, expr: t.Expr) -> Told:
        """Of a condition: whether it holds and why, what is missing where it does not, until when."""
        try:
            question = self._question(expr)
            facts = self._facts(leaves_of(question))
            if answer(question, facts, self.at) != self.reader.holds([expr])[0]:
                raise Unknown("disagrees")
        except Unknown as error:
            return self._unknown(error, 0)
        return self._told(
            facts,
            leaves_of(question),
            lambda given, at: answer(question, given, at),
            deciding(question, facts, self.at),
            absent(question, facts, self.at, wanted=answer(question, facts, self.at)),
            near=question,
        )

    def tag(self, tag: Tag) -> Told:
        """Of a tag's value: why it is what it is, what is missing for another, until when."""
        definition = tag.definition
        try:
            if isinstance(definition, Given) or tag.key in self.reader.given:
                return self._given(tag)
            if isinstance(definition, Rule):
                return self._rule(tag, definition)
            if isinstance(definition, Learned):
                return self._learned(tag)
            if isinstance(definition, Statistic):
                return self._statistic(self.reader.graph.trees[tag.key][0])
            if isinstance(definition, Points):
                return self._points(tag, definition)
            if isinstance(definition, Tiers):
                raise Unknown("nobody_cut", of=definition.cuts.of)
            return self._observed(definition)
        except Unknown as error:
            rows = definition.cases if isinstance(definition, Rule) else ()
            return self._unknown(error, len(definition.rows if isinstance(definition, Points) else rows))

    def _rule(self, tag: Tag, definition: Rule) -> Told:
        questions = [self._question(tree) for tree in self.reader.graph.trees[tag.key]]
        leaves = list(dict.fromkeys(leaf for question in questions for leaf in leaves_of(question)))
        facts = self._facts(leaves)
        values = [case.then for case in definition.cases]

        def reading(given: Facts, at: datetime) -> Any:
            return next(
                (
                    value
                    for question, value in zip(questions, values, strict=True)
                    if answer(question, given, at)
                ),
                definition.otherwise,
            )

        trees = self.reader.graph.trees[tag.key]
        if [answer(question, facts, self.at) for question in questions] != self.reader.holds(trees):
            raise Unknown("disagrees")
        near = self._nearness(facts, leaves)
        found = [None if answer(q, facts, self.at) else near.near(q) for q in questions]
        told = self._told(
            facts, leaves, reading, self._rule_removal(questions, facts, reading, leaves),
            self._rule_absent(questions, facts), near=None,
        )  # fmt: skip
        decided = next((n for n, item in enumerate(found) if item is None), None)
        shown = tuple(
            None if item is None or (decided is not None and n > decided) else self._near(item, top=True)
            for n, item in enumerate(found)
        )
        nearest: Json | None = None
        if decided is None and found:
            some = Some("", tuple(questions))
            best = near.near(some)
            nearest = self._near(best, top=True)
            nearest["value"] = None if best.nearest is None else self._value(values[best.nearest], tag.type)
        told = replace(told, near=nearest, cases=shown)
        if definition.cuts is None:
            return told
        return self._between(told, tag, definition.cuts, questions, facts, reading)

    # what lies above and below

    def _between(
        self,
        told: Told,
        tag: Tag,
        cuts: Cuts,
        questions: Sequence[Question],
        facts: Facts,
        reading: Callable[[Facts, datetime], Any],
    ) -> Told:
        """Of tiers: how far the number is from the next tier on either side, and what would bring it there."""
        of = self.reader.graph.tags[cuts.of]
        tests = [test.right for test in self.reader.graph.trees[tag.key] if isinstance(test, t.Compare)]
        points = [float(test.value) for test in reversed(tests) if isinstance(test, t.Number)]
        held = self.reader.values([t.Name(of.key)])[0]
        if held is None or len(points) != len(questions) - 1:
            return told
        near, have = self._nearness(facts, leaves_of(Some("", tuple(questions)))), in_units(held, of.type)
        place = bisect_right(points, have)

        def question(point: float) -> Question:
            return questions[len(points) - 1 - points.index(point)]

        def side(point: float, wanted: bool, gives: str, code: str, now: str) -> Json:
            numbers = {
                "more": _apart(point, have), "of": _titles(of), "tier": gives, "cut": _neat(point), "now": now,
                "moving": cuts.every_run,
            }  # fmt: skip
            found = near.near(question(point), wanted)
            return self._side(tag, gives, point, found, code, numbers, facts, reading, of)

        above = below = None
        if place < len(points):
            cut = points[place]
            above = side(cut, True, cuts.tiers[bisect_right(points, cut)], "above", cuts.tiers[place])
        if place:
            cut = points[place - 1]
            code = "below_at" if cut == have else "below"
            below = side(cut, False, cuts.tiers[bisect_left(points, cut)], code, cuts.tiers[place])
        return replace(told, above=above, below=below)

    def _side(
        self,
        tag: Tag,
        gives: str | None,
        cut: float,
        near: Near,
        code: str,
        numbers: Mapping[str, Any],
        facts: Facts,
        reading: Callable[[Facts, datetime], Any],
        of: Tag,
    ) -> Json:
        """{tag, titles, gives, at, by, near, text}: one cut point next to a value, and what brings it across."""
        hidden = hides(of, self.hide)
        if hidden:
            numbers = {
                name: masked(item) if name in ("more", "cut") else item for name, item in numbers.items()
            }
        shown = None
        if not hidden:
            shown = self._near(near, top=True)
            then = None
            begin = near.begin or self.at
            if near.plan is not None:
                then = reading(near.plan.carried_out(facts, begin), near.plan.done(begin))
            elif near.alone is not None:
                then = reading(facts, near.alone)
            shown["value"] = None if then is None else self._value(then, self._kind_of(tag))
        return {
            "tag": tag.key,
            "titles": dict(tag.title),
            "gives": gives,
            "at": masked(_neat(cut)) if hidden else _neat(cut),
            "by": numbers["more"],
            "near": shown,
            "text": say(code, numbers, zone=self.zone),
        }

    def _kind_of(self, tag: Tag) -> ValueType:
        return ValueType.NUMBER if isinstance(tag.definition, Learned) else tag.type

    def _learned(self, tag: Tag) -> Told:
        """What the features of a learned chance rest on, and how far it is from where other tags cut or compare it."""
        asked = self._asked(lambda asking: asking.chance(tag))
        known = self._question(t.Known(t.Name(tag.key)))
        leaves = list(dict.fromkeys((*leaves_of(asked), *leaves_of(known))))
        facts = self._facts(leaves)

        def reading(given: Facts, at: datetime) -> Any:
            found = chance(asked, given, at)
            return None if found is None else found / MILLIONTHS

        now = reading(facts, self.at)
        if not _same(now, self.reader.values([self.reader.graph.trees[tag.key][0]])[0]):  # type: ignore[list-item]
            raise Unknown("disagrees")
        removal = flip_reading(leaves, facts, lambda given: reading(given, self.at), self.at)
        removal = removal or everything(leaves, facts, lambda given: reading(given, self.at))
        told = self._told(facts, leaves, reading, removal, [], near=known if now is None else None)
        if now is None:
            return told
        near, at = self._nearness(facts, leaves), millionths(now)
        marks = sorted(_marks(self.reader.graph, tag.key), key=lambda mark: mark.at)

        def side(mark: _Mark, wanted: bool, code: str) -> Json:
            other = self.reader.graph.tags[mark.tag]
            numbers = {
                "more": _apart(mark.at / MILLIONTHS, now), "of": _titles(other), "cut": mark.at / MILLIONTHS,
                "moving": mark.moving,
            }  # fmt: skip
            found = near.near(
                replace(asked, text=f"{tag.key} >= {mark.at / MILLIONTHS:g}", low=mark.at), wanted
            )
            shown = self._side(tag, None, mark.at / MILLIONTHS, found, code, numbers, facts, reading, tag)
            gives = mark.above if wanted else mark.below
            return {**shown, "tag": other.key, "titles": dict(other.title), "gives": gives}

        higher = next((mark for mark in marks if mark.at > at), None)
        lower = next((mark for mark in reversed(marks) if mark.at <= at), None)
        return replace(
            told,
            above=None if higher is None else side(higher, True, "mark_above"),
            below=None if lower is None else side(lower, False, "mark_below"),
        )

    def _points(self, tag: Tag, definition: Points) -> Told:
        """Which conditions give their points, what each other one would bring, and what is missing for the next tier.

        Where the points have no tiers: for any more of them.
        """
        rows = self._asked(lambda asking: asking.rows(tag, definition))
        leaves = list(dict.fromkeys(leaf for _, part in rows for leaf in leaves_of(part)))
        facts = self._facts(leaves)
        cuts = [] if definition.cuts is None else [millionths(cut) for cut in definition.cuts.points or ()]
        tiers = () if definition.cuts is None else definition.cuts.tiers

        def total(given: Facts, at: datetime) -> int:
            return sum(worth for worth, part in rows if answer(part, given, at))

        def reading(given: Facts, at: datetime) -> Any:
            reached = total(given, at)
            return tiers[bisect_right(cuts, reached)] if tiers else reached / MILLIONTHS

        trees = self.reader.graph.trees[tag.key]
        if [answer(part, facts, self.at) for _, part in rows] != self.reader.holds(trees):
            raise Unknown("disagrees")
        now, held = reading(facts, self.at), total(facts, self.at)
        removal = flip_points(rows, facts, lambda left: reading(left, self.at) != now, self.at)
        removal = removal or everything(leaves, facts, lambda left: reading(left, self.at))
        without = [
            text
            for _, part in rows
            for text in absent(part, facts, self.at, wanted=answer(part, facts, self.at))
        ]
        told = self._told(facts, leaves, reading, removal, list(dict.fromkeys(without)), near=None)
        higher = next((cut for cut in cuts if cut > held), None) if tiers else held + 1
        near = self._nearness(facts, leaves)
        found = [near.near(part) for _, part in rows]
        shown: Json | None = None
        if higher is not None:
            best = near.near(Score(f"{tag.key} >= {higher / MILLIONTHS:g}", tag.key, rows, higher, None))
            shown = self._near(best, top=True)
            begin = best.begin or self.at
            then = None
            if best.plan is not None:
                then = reading(best.plan.carried_out(facts, begin), best.plan.done(begin))
            elif best.alone is not None:
                then = reading(facts, best.alone)
            shown["value"] = None if then is None else self._value(then, tag.type)
        cases = tuple(self._near(item, top=True) for item in found)
        return replace(told, near=shown, cases=cases)

    def _rule_removal(
        self,
        questions: Sequence[Question],
        facts: Facts,
        reading: Callable[[Facts, datetime], Any],
        leaves: Sequence[t.Expr],
    ) -> Removal | None:
        """A removal that gives another value: the case that decided and, where that gives the same, the next."""
        now = reading(facts, self.at)
        gone = Removal()
        for _ in range(len(questions) + 1):
            left = gone.from_(facts)
            holding = next((q for q in questions if answer(q, left, self.at)), None)
            asked = questions if holding is None else [holding]
            ways = [way for q in asked if (way := deciding(q, left, self.at))]
            ending = [gone | way for way in ways if reading((gone | way).from_(facts), self.at) != now]
            if ending:
                return min(ending, key=lambda way: len(way.events))
            if holding is None or not ways:
                break
            gone = gone | ways[0]
        return everything(leaves, facts, lambda given: reading(given, self.at))

    def _rule_absent(self, questions: Sequence[Question], facts: Facts) -> list[str]:
        found: list[str] = []
        for question in questions:
            now = answer(question, facts, self.at)
            if now:
                found += absent(question, facts, self.at)
                break
        return list(dict.fromkeys(found))

    def _statistic(self, tree: t.Expr) -> Told:
        if not isinstance(tree, t.Value) or isinstance(tree, t.Logistic):
            raise Unknown("unsaid")
        if engines(tree):
            tree = self._in_place(tree)
        facts = self._facts([tree])

        def reading(given: Facts, at: datetime) -> Any:
            return value(tree, given, at)[0]

        now = reading(facts, self.at)
        if not engines(tree) and not _same(now, self.reader.values([tree])[0]):
            raise Unknown("disagrees")
        removal = None
        if isinstance(tree, t.Interest) and now is not None:
            gone = Removal(frozenset(self.reader.counting(tree)))
            removal = gone if gone and reading(gone.from_(facts), self.at) != now else None
        removal = removal or flip_reading([tree], facts, lambda given: reading(given, self.at), self.at)
        near = One(f"known({to_text(tree)})", t.Known(tree))
        return self._told(facts, [tree], reading, removal, [], near=near if now is None else None)

    def _in_place(self, tree: t.Value) -> t.Value:
        """The value with what its tags count in their places; Unknown where one of them is made of cases."""
        text = to_text(tree)
        question = self._question(t.Known(tree))
        if not isinstance(question, One) or not isinstance(question.leaf, t.Known):
            raise Unknown("unsaid", what=text)
        return question.leaf.value

    def _given(self, tag: Tag) -> Told:
        """Somebody gave the value, or nobody did."""
        row = self.reader.given.get(tag.key)
        cases = len(tag.definition.cases) if isinstance(tag.definition, Rule) else 0
        if row is None:
            return replace(self._unknown(Unknown("not_given"), cases), ends=self._given_ends(None))
        at = utc(row["given_at"])
        said = Unknown("imported" if row["origin"] == IMPORTED else "given", who=row["author"] or "", at=at)
        told = self._unknown(said, cases)
        because = {**told.because, "said": True}
        turn = row["expires_at"]
        return replace(told, because=because, ends=self._given_ends(turn), turn=turn)

    def _given_ends(self, turn: datetime | None) -> Json:
        text = say("stays" if turn is None else "ends", {} if turn is None else {"at": turn}, zone=self.zone)
        at = None if turn is None else utc(turn).isoformat()
        return {"said": True, "at": at, "proved": None, "then": None, "text": text}

    def _observed(self, definition: Observed) -> Told:
        test = t.Known(t.Attribute(tuple(definition.attribute.split("."))))
        question: Question = Fixed(to_text(test), test)
        facts = self._facts([test])
        return self._told(
            facts,
            [test],
            lambda given, at: answer(question, given, at),
            deciding(question, facts, self.at),
            [],
            near=question,
        )

    # how it is put together

    def _question(self, expr: t.Expr) -> Question:
        return self._asked(lambda asking: asking.question(expr))

    def _asked(self, ask: Callable[[Asking], Asked]) -> Asked:
        try:
            return ask(
                Asking(
                    self.reader.graph,
                    self.reader.catalog,
                    self.at,
                    self.reader.given,
                    held=lambda name: self.reader.values([name])[0],
                )
            )
        except TooLarge:
            raise Unknown("too_large") from None
        except Weighs:
            raise Unknown("weighs") from None
        except Unsayable:
            raise Unknown("unsaid") from None
        except ExpressionError as error:
            raise Unknown("error", message=error.message) from error

    def _facts(self, leaves: Sequence[t.Expr]) -> Facts:
        try:
            return self.reader.facts(leaves)
        except TooManyEvents:
            raise Unknown("too_many_events") from None
        except ExpressionError as error:
            raise Unknown("error", message=error.message) from error

    def _nearness(self, facts: Facts, leaves: Sequence[t.Expr]) -> Nearness:
        return Nearness(
            facts, self.at, imagine=self.reader.imagining(facts), told=self.reader.telling(facts, leaves)
        )

    def _told(
        self,
        facts: Facts,
        leaves: list[t.Expr],
        reading: Callable[[Facts, datetime], Any],
        removal: Removal | None,
        without: list[str],
        *,
        near: Question | None,
    ) -> Told:
        shown = None
        if near is not None and not answer(near, facts, self.at):
            shown = self._near(self._nearness(facts, leaves_of(near)).near(near), top=True)
        ends: Json = {"said": True, "at": None, "proved": None, "then": None}
        turn = None
        try:
            turn = first_turn(leaves, facts, reading, self.at)
        except Unsaid as error:
            ends |= {"said": False, "text": say(error.code, {}, zone=self.zone)}
        except TooMany:
            ends |= {"said": False, "text": say("too_many_instants", {}, zone=self.zone)}
        else:
            ends["at"] = None if turn is None else utc(turn).isoformat()
            ends["text"] = say(
                "stays" if turn is None else "ends", {} if turn is None else {"at": turn}, zone=self.zone
            )
        then = None if turn is None else reading(facts, turn)
        return Told(self._because(facts, removal, without), shown, (), ends, turn, removal or Removal(), then)

    def _because(self, facts: Facts, removal: Removal | None, without: list[str]) -> Json:
        found = removal or Removal()
        names = sorted(found.attributes)
        code = "absent"
        if found:
            code = (
                "decided"
                if found.events and names
                else "decided_events"
                if found.events
                else "decided_attributes"
            )
        elif any(isinstance(leaf, t.Sample | t.InAudience) for leaf in facts.fixed):
            code = "outside"
            if found.lists:
                code = "decided_mixed" if found.events or names else "decided_lists"
        numbers: Json = {"events": len(found.events), "attributes": len(names), "names": ", ".join(names)}
        if found.lists:
            numbers |= {"lists": ", ".join(sorted(found.lists))}
        sample = next((leaf for leaf in facts.fixed if isinstance(leaf, t.Sample)), None)
        if code == "outside" and sample is not None:
            code = "drawn"
            numbers |= {"drawn": round(facts.drawn[sample], 6), "rate": sample.rate}
        return {
            "said": True,
            "named": len(found.events),
            "ids": [str(i) for i in sorted(found.events)[:MOST_NAMED]],
            "attributes": names,
            "lists": sorted(found.lists),
            "absent": without,
            "text": say(code, numbers, zone=self.zone),
        }

    def _unknown(self, error: Unknown, cases: int) -> Told:
        text = say(error.code, error.numbers, zone=self.zone)
        because: Json = {
            "said": False, "named": 0, "ids": [], "attributes": [], "lists": [], "absent": [], "text": text
        }  # fmt: skip
        ends: Json = {"said": False, "at": None, "proved": None, "then": None, "text": text}
        return Told(because, None, (None,) * cases, ends, None, Removal())

    # nearness as data

    def _near(self, near: Near, *, top: bool = False) -> Json:
        """{holds, wanted, said, text, missing, parts, nearest}, and of the whole its plan."""
        parts = [self._near(part) for part in near.parts]
        shown: Json = {
            "holds": near.holds == near.wanted,
            "wanted": near.wanted,
            "fits": near.holds,
            "said": near.said,
            "text": near.question.text,
            "missing": None if near.holds else self._missing(near, parts),
            "parts": parts,
            "nearest": near.nearest,
            "points": None,
        }
        if isinstance(near.question, Score):
            for part, (worth, _) in zip(parts, near.question.parts, strict=True):
                part["points"] = worth / MILLIONTHS
        if top:
            shown["plan"] = None if near.plan is None else self._plan(near)
            shown["alone"] = None if near.alone is None else utc(near.alone).isoformat()
        return shown

    def _missing(self, near: Near, parts: Sequence[Json]) -> Json:
        lack = near.lack
        if lack is not None and lack.what == "points" and isinstance(near.question, Score):
            numbers = dict(lack.numbers)
            missing = [parts[n]["missing"]["text"] for n in numbers.pop("rows")]
            text = say(lack.code, {**numbers, "texts": missing}, zone=self.zone)
            text["numbers"] = {name: item for name, item in text["numbers"].items() if name != "texts"}
            return self._lack(lack, text)
        if lack is not None and lack.what == "chance" and isinstance(near.question, Chance):
            texts = [parts[near.nearest or 0]["missing"]["text"]]
            text = self._sentence(replace(lack, numbers={**lack.numbers, "texts": texts}))
            text["numbers"] = {name: item for name, item in text["numbers"].items() if name != "texts"}
            return self._lack(lack, text)
        if near.parts and (lack is None or lack.what not in ("unsaid", "never", "none", "time")):
            if near.nearest is not None:
                return dict(parts[near.nearest]["missing"])
            texts = [part["missing"]["text"] for part in parts if part["missing"] is not None]
            text = say("parts", {"texts": texts}, zone=self.zone)
            text["numbers"] = {"parts": len(texts)}
            return self._lack(Lack("parts", "parts", until=near.until, at=near.alone), text)
        if lack is None:
            lack = Lack("unsaid", "unsaid")
        return self._lack(lack, self._sentence(lack))

    def _sentence(self, lack: Lack) -> Json:
        numbers = dict(lack.numbers)
        if lack.at is not None:
            numbers["at"] = lack.at
        name = numbers.get("property")
        kind = numbers.pop("kind", None)
        if name is not None and kind is not None:
            for key in ("have", "need", "more", "value"):
                if numbers.get(key) is not None:
                    numbers[key] = _shown(numbers[key], ValueType(kind))
            if is_personal(name, self.hide):
                numbers = {
                    key: masked(item) if key in ("have", "more", "value") else item
                    for key, item in numbers.items()
                }
        until = lack.until or Until(None)
        if until.at is not None and not until.exact and until.at <= self.at + MICROSECOND:
            numbers["now"], until = True, Until(None)
        where = "" if lack.event is None or lack.event.where is None else self._worded(lack.event.where)
        return say(lack.code, numbers, zone=self.zone, until=until.at, exact=until.exact, where=where)

    def _worded(self, tree: t.Expr) -> str:
        """The condition as people read it: objects by their titles."""
        return to_text(worded(tree, self.objects)) if self.objects else to_text(tree)

    def _lack(self, lack: Lack, text: Json) -> Json:
        example = lack.example
        return {
            "what": lack.what,
            "have": text["numbers"].get("have"),
            "need": text["numbers"].get("need"),
            "more": text["numbers"].get("more", text["numbers"].get("n")),
            "event": None if lack.event is None else lack.event.name,
            "where": None if lack.event is None or lack.event.where is None else to_text(lack.event.where),
            "example": None if example is None else self._example(example.name, example.properties),
            **_until(lack.until),
            "at": None if lack.at is None else utc(lack.at).isoformat(),
            "text": text,
        }

    def _example(self, name: str, properties: Sequence[tuple[str, Any]]) -> Json:
        return {
            "event": name,
            "properties": {
                key: masked(item) if is_personal(key, self.hide) else item for key, item in properties
            },
        }

    def _plan(self, near: Near) -> Json:
        """What would have to happen, in this order, from now on and before `until`, or exactly at `begin`."""
        plan = near.plan or Plan()
        return {
            "events": [
                {
                    **self._example(imagined.name, imagined.properties),
                    "after_us": by // MICROSECOND,
                }
                for imagined, by in plan.events
            ],
            "attributes": [
                {"name": name, "value": masked(item) if is_personal(name, self.hide) else item}
                for name, item in plan.said
            ],
            "lists": [{"audience": name, "on": on} for name, on in plan.lists],
            "wait_us": plan.wait // MICROSECOND,
            "begin": None if near.begin is None else utc(near.begin).isoformat(),
            **_until(near.until),
        }

    def _value(self, item: Any, kind: ValueType) -> Any:
        return exact(item, kind)


@dataclass(frozen=True)
class _Mark:
    """A chance (in millionths) from which on another tag is `above`, and beneath which `below`; None: not named."""

    at: int
    tag: str
    above: str | None
    below: str | None
    moving: bool


def _marks(graph: Graph, key: str) -> Iterator[_Mark]:
    """Where other tags cut a learned chance into tiers, or compare it with a number."""
    for tag in graph.tags.values():
        trees, cuts = graph.trees[tag.key], getattr(tag.definition, "cuts", None)
        if cuts is not None and cuts.of == key and isinstance(tag.definition, Rule):
            points = [
                millionths(test.right.value)
                for test in reversed(trees)
                if isinstance(test, t.Compare) and isinstance(test.right, t.Number)
            ]
            for n, point in enumerate(points):
                yield _Mark(point, tag.key, cuts.tiers[n + 1], cuts.tiers[n], cuts.every_run)
            continue
        for node in (node for tree in trees for node in t.walk(tree)):
            match node:
                case t.Compare(t.Name(name), op, t.Number(number)) if name == key:
                    at = millionths(number) + (op in (">", "<="))
                    yield _Mark(at, tag.key, None, None, moving=False)


def _titles(tag: Tag) -> dict[str, str]:
    """What the tag is called, in each language of the sentences."""
    return {language: tag.name(language) for language in LANGUAGES}


def _apart(first: float, second: float) -> str:
    """How far two numbers are from each other, as people write it."""
    return _neat(abs(Decimal(repr(first)) - Decimal(repr(second))))


def _neat(number: float | Decimal) -> str:
    """The number as people write it, every digit of it."""
    shown = format(Decimal(repr(number)) if isinstance(number, float) else number, "f")
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _until(until: Until | None) -> Json:
    """How long something helps, as data."""
    found = until or Until(None)
    return {"until": None if found.at is None else utc(found.at).isoformat(), "until_exact": found.exact}


def _shown(item: Any, kind: ValueType) -> Any:
    if isinstance(item, str | bool):
        return item
    if kind is ValueType.INSTANT:
        return item
    return exact(item, kind)


def _same(first: Any, second: Any) -> bool:
    """Whether two values are the same, as the engine gives one."""
    if isinstance(second, datetime):
        second = microseconds(naive(second))
    if isinstance(first, float) and isinstance(second, float | int):
        return abs(first - second) <= 1e-9 * max(1.0, abs(first))
    return bool(first == second)
