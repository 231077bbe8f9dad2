"""From Lark's parse tree to our tree. Knows where a name is a tag's and where an event's property."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NoReturn

from lark import Token

from limner.errors import ExpressionError
from limner.expressions import tree as t
from limner.expressions.patterns import check_pattern
from limner.expressions.windows import instant_of

Scope = Literal["person", "event"]


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column (from 1) of an offset in the text."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def fail_at(
    text: str, offset: int, message: str, *, code: str = "syntax", hint: str | None = None
) -> NoReturn:
    line, column = place(text, offset)
    raise ExpressionError(message, line=line, column=column, code=code, hint=hint)


MOST_SUMS = 100
"""So many sums may stand inside each other."""

MOST_PLACES = 100

_TIMES = {"exactly", "at_least", "at_most", "fewer_than", "more_than"}
_TEXT_OPS = {name.replace(" ", "_"): name for name in t.TEXT_TESTS}


class Builder:
    """Builds nodes from Lark's parse tree, top down, knowing whether a name stands for a property."""

    def __init__(self, text: str, scope: Scope) -> None:
        self.text = text
        self.scope = scope
        self._sums = 0

    def fail(self, at: Any, message: str, *, code: str = "syntax", hint: str | None = None) -> NoReturn:
        """Raises with the place of a parse-tree node or token."""
        offset: int = (at if isinstance(at, Token) else at.meta).start_pos or 0
        fail_at(self.text, offset, message, code=code, hint=hint)

    def build(self, node: Any) -> Any:
        """The tree node of a parse-tree node."""
        name, parts = str(node.data), node.children
        if name in ("condition", "conjunction"):
            if len(parts) == 1:
                return self.build(parts[0])
            return self._flat(
                t.Or if name == "condition" else t.And, [self.build(part) for part in parts], node
            )
        if name == "brackets":
            return self.build(parts[0])
        if name == "negation_of":
            return t.Not(self.build(parts[0]), position=self._at(node))
        method: Callable[[Any, list[Any]], Any] = getattr(self, f"_{name}")
        return method(node, parts)

    def _at(self, node: Any) -> tuple[int, int]:
        return (node.meta.line, node.meta.column)

    def _flat(self, kind: Any, args: list[Any], node: Any) -> Any:
        """`a and (b and c)` is one And of three."""
        flat: list[Any] = []
        for arg in args:
            flat.extend(arg.args if isinstance(arg, kind) else [arg])
        return kind(tuple(flat), position=self._at(node))

    # literals and names

    def _text(self, node: Any, parts: list[Any]) -> t.Text:
        return t.Text(_unquoted(parts[0]), position=self._at(node))

    def _number(self, node: Any, parts: list[Any]) -> t.Number:
        return t.Number(number_of(parts[0]), position=self._at(node))

    def _instant(self, node: Any, parts: list[Any]) -> t.Instant:
        return t.Instant(self._iso(parts[0]), position=self._at(node))

    def _true(self, node: Any, _parts: list[Any]) -> t.Flag:
        return t.Flag(True, position=self._at(node))

    def _false(self, node: Any, _parts: list[Any]) -> t.Flag:
        return t.Flag(False, position=self._at(node))

    def _iso(self, token: Token) -> str:
        try:
            if (
                not 1 < instant_of(str(token), "UTC").year < 9999
            ):  # any zone's offset stays inside the calendar
                raise ValueError(token)
        except ValueError:
            self.fail(token, f"{token} is not a date", hint="write 2025-01-15 or 2025-01-15T17:00:00Z")
        return str(token)

    def _bare(self, node: Any, parts: list[Any]) -> t.Name | t.Builtin:
        name = str(parts[0])
        if self.scope == "event" and name in t.BUILTINS:
            return t.Builtin(name, position=self._at(node))
        return t.Name(name, position=self._at(node))

    def _quoted(self, node: Any, parts: list[Any]) -> t.Name:
        return t.Name(_unquoted(parts[0]), position=self._at(node))

    def _person(self, node: Any, parts: list[Any]) -> t.Builtin:
        if self.scope != "event":
            self.fail(parts[0], "person alone is no value", hint="write person.NAME for an attribute")
        return t.Builtin("person", position=self._at(node))

    def _attribute(self, node: Any, parts: list[Any]) -> t.Attribute:
        if self.scope == "event":
            self.fail(
                node,
                "an attribute of the person cannot stand inside where",
                hint="ask for it outside, with and",
            )
        return t.Attribute(tuple(self._name(part) for part in parts[1:]), position=self._at(node))

    def _of_object(self, node: Any, parts: list[Any]) -> t.OfObject:
        kind, name = self._name(parts[0]), self._name(parts[1])
        if self.scope != "event":
            hint = f"did EVENT where {kind}.{name}; an attribute of the person is person.{name}"
            self.fail(node, f"{kind}.{name} is asked of an event, inside where", hint=hint)
        return t.OfObject(kind, name, position=self._at(node))

    def _name(self, node: Any) -> str:
        token = node.children[0]
        return _unquoted(token) if node.data == "quoted" else str(token)

    # events, windows

    def _event(self, happening: Any, where: Any = None) -> t.Event:
        first = happening.children[0]
        name = "*" if isinstance(first, Token) else self._name(first)
        condition = None
        if where is not None:
            condition = self._inside(where.children[0])
        return t.Event(name, condition, position=self._at(happening))

    def _inside(self, node: Any) -> Any:
        """A condition about one event."""
        if self.scope == "event":
            self.fail(node, "where and has cannot stand inside where")
        return Builder(self.text, "event").build(node)

    def _only_person(self, node: Any, what: str) -> None:
        if self.scope == "event":
            self.fail(
                node, f"{what} cannot stand inside where", hint="where speaks of one event's own properties"
            )

    def _duration(self, node: Any, parts: list[Any]) -> t.Duration:
        return t.Duration(self._whole(parts[0], 1), str(parts[1]).removesuffix("s"), position=self._at(node))

    def _whole(self, token: Token, least: int) -> int:
        number = number_of(token)
        if not isinstance(number, int) or not least <= number <= 1_000_000_000:
            self.fail(token, f"{token} must be a whole number from {least}")
        return number

    def _in_last(self, node: Any, parts: list[Any]) -> t.InLast:
        return t.InLast(self.build(parts[0]), position=self._at(node))

    def _in_last_calendar(self, node: Any, parts: list[Any]) -> t.InLastCalendar:
        n = self._whole(parts[0], 1)
        if n > 10_000:
            self.fail(parts[0], f"{n} calendar units is too long; limit 10,000")
        return t.InLastCalendar(n, str(parts[1]).removesuffix("s"), position=self._at(node))

    def _in_this(self, node: Any, parts: list[Any]) -> t.InThis:
        return t.InThis(str(parts[0]).removesuffix("s"), position=self._at(node))

    def _in_next(self, node: Any, parts: list[Any]) -> t.InNext:
        return t.InNext(self.build(parts[0]), position=self._at(node))

    def _since(self, node: Any, parts: list[Any]) -> t.Since:
        return t.Since(t.Instant(self._iso(parts[0])), position=self._at(node))

    def _before(self, node: Any, parts: list[Any]) -> t.Before:
        return t.Before(t.Instant(self._iso(parts[0])), position=self._at(node))

    def _from_to(self, node: Any, parts: list[Any]) -> t.FromTo:
        return t.FromTo(
            t.Instant(self._iso(parts[0])), t.Instant(self._iso(parts[1])), position=self._at(node)
        )

    def _between_ago(self, node: Any, parts: list[Any]) -> t.BetweenAgo:
        far, near = self.build(parts[0]), self.build(parts[1])
        if far.seconds <= near.seconds:
            self.fail(node, "the first duration must be the longer one", hint="between 7 days and 2 days ago")
        return t.BetweenAgo(far, near, position=self._at(node))

    def _more_than_ago(self, node: Any, parts: list[Any]) -> t.MoreThanAgo:
        return t.MoreThanAgo(self.build(parts[0]), position=self._at(node))

    def _anchored(self, node: Any, parts: list[Any]) -> tuple[str, t.Event]:
        found = _sorted(parts[0].children)
        return str(node.data).rpartition("_")[2], self._event(found["happening"], found.get("where"))

    def _since_first(self, node: Any, parts: list[Any]) -> t.SinceEvent:
        return t.SinceEvent(*self._anchored(node, parts), position=self._at(node))

    def _before_first(self, node: Any, parts: list[Any]) -> t.BeforeEvent:
        return t.BeforeEvent(*self._anchored(node, parts), position=self._at(node))

    _since_last, _before_last = _since_first, _before_first

    # values

    def _value(self, node: Any) -> Any:
        """What stands where a value is needed."""
        before = self._sums
        made = self.build(node)
        self._sums = before
        if not isinstance(made, t.Value):
            self.fail(node, "a value is needed here, this is a condition")
        return made

    def _arithmetic(self, node: Any, parts: list[Any]) -> t.Arithmetic:
        self._only_person(node, "arithmetic")
        self._sums += 1
        if self._sums > MOST_SUMS:
            self.fail(
                node,
                f"the expression is too complex: more than {MOST_SUMS} sums inside each other",
                code="too_complex",
                hint="split it into tags and refer to them",
            )
        left, right = self._value(parts[0]), self._value(parts[2])
        if isinstance(left, t.Literal) and isinstance(right, t.Literal):
            self.fail(node, "work this out: both are given", hint="a date is written 2025-01-05")
        return t.Arithmetic(left, str(parts[1]), right, position=self._at(node))

    def _streak(self, node: Any, parts: list[Any]) -> t.Streak:
        self._only_person(node, f"{parts[0]}(…)")
        found = _sorted(parts[1:])
        event = self._event(found["happening"], found.get("where"))
        by = next(str(part) for part in parts if isinstance(part, Token) and part.type == "CALENDAR_UNIT")
        window = self._plain_window(found)
        return t.Streak(str(parts[0]), event, by.removesuffix("s"), window, position=self._at(node))

    def _habit(self, node: Any, parts: list[Any]) -> t.Habit:
        function = str(parts[0])
        self._only_person(node, f"{function}(…)")
        found = _sorted(parts[1:])
        least = None
        if "times" in found:
            times = self._times(found["times"])
            if times.op != "at least" or not times.n or not function.startswith("usual"):
                self.fail(found["times"], "only usual_hour and usual_weekday take at least so many times")
            least = times.n
        if function == "share" and "where" not in found:
            self.fail(node, "a share of what?", hint="share(EVENT where …)")
        event = self._event(found["happening"], found.get("where"))
        return t.Habit(function, event, self._plain_window(found), least, position=self._at(node))

    def _delay(self, node: Any, parts: list[Any]) -> t.Delay:
        self._only_person(node, "delay(…)")
        found = _sorted(parts[1:])
        last = _sorted(found["then_event"].children)
        return t.Delay(
            self._event(found["happening"], found.get("where")),
            self._event(last["happening"], last.get("where")),
            self._plain_window(found),
            position=self._at(node),
        )

    def _date_function(self, node: Any, parts: list[Any]) -> t.Dated:
        self._only_person(node, f"{parts[0]}(…)")
        return t.Dated(str(parts[0]), self._value(parts[1]), position=self._at(node))

    # aggregates

    def _event_aggregate(self, node: Any, parts: list[Any]) -> t.Aggregate:
        self._only_person(node, f"{parts[0]}(…)")
        found = _sorted(parts[1:])
        return t.Aggregate(
            str(parts[0]),
            self._event(found["happening"], found.get("where")),
            None,
            self._window(found),
            position=self._at(node),
        )

    def _property_aggregate(self, node: Any, parts: list[Any]) -> t.Aggregate:
        self._only_person(node, f"{parts[0]}(…)")
        found = _sorted(parts[2:])
        nth = None
        if "token" in found:
            nth = self._whole(found["token"], 1)
            if str(parts[0]) != "most_frequent" or nth > MOST_PLACES:
                message = f"only most_frequent has a second, third … up to {MOST_PLACES}"
                self.fail(found["token"], message)
        return t.Aggregate(
            str(parts[0]),
            self._event(found["happening"], found.get("where")),
            self._name(parts[1]),
            self._window(found),
            None if nth == 1 else nth,
            position=self._at(node),
        )

    def _top(self, node: Any, parts: list[Any]) -> t.Aggregate:
        self._only_person(node, "top(…)")
        found, nth = _sorted(parts[3:]), self._whole(parts[1], 1)
        if nth > MOST_PLACES:
            self.fail(parts[1], f"{nth} are too many; limit {MOST_PLACES}")
        event = self._event(found["happening"], found.get("where"))
        of, window = self._name(parts[2]), self._window(found)
        return t.Aggregate(t.TOP, event, of, window, nth, position=self._at(node))

    # interests

    def _interest(self, node: Any, parts: list[Any]) -> t.Interest:
        self._only_person(node, f"{parts[0]}(…)")
        function, found = str(parts[0]), _sorted(parts[2:])
        if (function == "demand") is not ("until" in found):
            message, hint = _UNTIL[function]
            self.fail(parts[0], message, hint=hint)
        until = None
        if "until" in found:
            inner = _sorted(found["until"].children)
            until = self._event(inner["happening"], inner.get("where"))
        half_life = self.build(found["duration"])
        if half_life.seconds % 3600:
            self.fail(found["duration"], "a half life is whole hours", hint="for example half life 14 days")
        if half_life.seconds > _LONGEST_HALF_LIFE:
            self.fail(found["duration"], "a half life is at most 10,000 days")
        terms = [self._points(part) for part in parts if _kind(part) == "points"]
        if len(terms) > 20:
            self.fail(node, f"{len(terms)} kinds of events are too many; limit 20")
        return t.Interest(
            function,
            self._name(parts[1]),
            tuple(terms),
            half_life,
            self._window(found),
            until,
            self._bounded(found["half_at"], 1_000_000) if "half_at" in found else t.HALF_AT,
            self._bounded(found["most"], 100) if "most" in found else t.MOST_LABELS,
            position=self._at(node),
        )

    def _points(self, node: Any) -> t.Points:
        inner = _sorted(node.children)
        number = next(part for part in node.children if isinstance(part, Token) and part.type == "NUMBER")
        points = self._whole(number, 1)
        if points > 1_000:
            self.fail(number, f"{points} points are too many; limit 1,000")
        event = self._event(inner["happening"], inner.get("where"))
        return t.Points(event, points, position=self._at(node))

    def _bounded(self, node: Any, most: int) -> int:
        """The whole number that a phrase names, from 1 to `most`."""
        number = self._whole(node.children[0], 1)
        if number > most:
            self.fail(node.children[0], f"{number} is too much; limit {most:,}")
        return number

    def _weight(self, node: Any, parts: list[Any]) -> t.Weight:
        self._only_person(node, "weight(…)")
        tag = t.Name(self._name(parts[1]), position=self._at(parts[1]))
        return t.Weight(tag, _unquoted(parts[2]), position=self._at(node))

    def _logistic(self, node: Any, parts: list[Any]) -> t.Logistic:
        self._only_person(node, "logistic(…)")
        factors = []
        for part in parts[2:]:
            tag = t.Name(self._name(part.children[0]), position=self._at(part))
            factors.append(t.Factor(tag, number_of(part.children[2]), position=self._at(part)))
        if len({factor.tag for factor in factors}) < len(factors):
            self.fail(node, "a tag stands twice in it")
        return t.Logistic(number_of(parts[1]), tuple(factors), position=self._at(node))

    def _metric(self, node: Any, parts: list[Any]) -> t.Metric:
        self._only_person(node, "metric(…)")
        return t.Metric(self._name(parts[1]), self._window(_sorted(parts[2:])), position=self._at(node))

    def _window(self, found: dict[str, Any]) -> t.Window | None:
        """The window of events."""
        if "window" not in found:
            return None
        window: t.Window = self.build(found["window"])
        if isinstance(window, t.InNext):
            self.fail(
                found["window"], "events lie in the past", hint="in next … asks of a value such as an expiry"
            )
        return window

    def _plain_window(self, found: dict[str, Any]) -> t.Window | None:
        """The window of events, bounded by time and by no other event."""
        window = self._window(found)
        if isinstance(window, t.SinceEvent | t.BeforeEvent):
            self.fail(
                found["window"],
                "a window that an event bounds cannot stand here",
                hint="it stands in did …, count(…) and the like",
            )
        return window

    def _windowed(self, found: dict[str, Any]) -> t.Window:
        window = self._plain_window(found)
        if window is None:
            self.fail(found["happening"], "a window is missing", hint="for example in last 7 days")
        return window

    # tests

    def _compare(self, node: Any, parts: list[Any]) -> t.Compare:
        left, right = self._value(parts[0]), self._value(parts[2])
        return t.Compare(left, str(parts[1]), right, position=self._at(node))

    def _among(self, node: Any, parts: list[Any]) -> t.Among:
        options = tuple(self.build(part) for part in parts[1:])
        return t.Among(self._value(parts[0]), options, position=self._at(node))

    def _not_among(self, node: Any, parts: list[Any]) -> t.Not:
        return t.Not(self._among(node, parts), position=self._at(node))

    def _between(self, node: Any, parts: list[Any]) -> t.Between:
        value, low, high = (self._value(part) for part in parts)
        return t.Between(value, low, high, position=self._at(node))

    def _text_test(self, node: Any, parts: list[Any]) -> t.TextTest:
        op = _TEXT_OPS[str(parts[1].data)]
        operand = self.build(parts[2])
        if op != "includes" and not isinstance(operand, t.Text):
            self.fail(parts[2], f"{op} needs a string", hint="write it in '…'")
        if op == "matches":
            check_pattern(operand.value, *operand.position)
        return t.TextTest(self._value(parts[0]), op, operand, position=self._at(node))

    def _within_window(self, node: Any, parts: list[Any]) -> t.Within:
        window = self.build(parts[1])
        if isinstance(window, t.SinceEvent | t.BeforeEvent):
            self.fail(parts[1], "only events lie before or after an event", hint="compare with last_time(…)")
        return t.Within(self._value(parts[0]), window, position=self._at(node))

    def _known(self, node: Any, parts: list[Any]) -> t.Known:
        return t.Known(self._value(parts[1]), position=self._at(node))

    def _been(self, node: Any, parts: list[Any], op: str) -> t.HasBeen:
        self._only_person(node, f"for {op}")
        return t.HasBeen(self.build(parts[0]), op, self.build(parts[1]), position=self._at(node))

    def _been_at_least(self, node: Any, parts: list[Any]) -> t.HasBeen:
        return self._been(node, parts, "at least")

    def _been_less_than(self, node: Any, parts: list[Any]) -> t.HasBeen:
        return self._been(node, parts, "less than")

    def _sample(self, node: Any, parts: list[Any]) -> t.Sample:
        self._only_person(node, "sample")
        rate = number_of(parts[1])
        if not 0 <= rate <= 1:
            self.fail(parts[1], "the rate must lie between 0 and 1", hint="sample(0.1, 42) takes a tenth")
        seed = _unquoted(parts[2]) if parts[2].type == "STRING" else self._whole(parts[2], 0)
        return t.Sample(rate, seed, position=self._at(node))

    def _in_audience(self, node: Any, parts: list[Any]) -> t.InAudience:
        self._only_person(node, "in audience")
        return t.InAudience(self._name(parts[0]), position=self._at(node))

    # behaviour

    def _did(self, node: Any, parts: list[Any]) -> t.Did:
        self._only_person(node, "did")
        found = _sorted(parts)
        times = self._times(found["times"]) if "times" in found else None
        event = self._event(found["happening"], found.get("where"))
        return t.Did(event, times, self._window(found), position=self._at(node))

    def _times(self, node: Any) -> t.Times:
        n = self._whole(node.children[0], 0)
        return t.Times(str(node.data).replace("_", " "), n, position=self._at(node))

    def _regularly(self, node: Any, parts: list[Any]) -> t.Regularly:
        self._only_person(node, "did")
        found = _sorted(parts)
        least, periods = (part for part in parts if isinstance(part, Token) and part.type == "NUMBER")
        asked, among = self._whole(least, 1), self._whole(periods, 1)
        if asked > among:
            self.fail(least, f"{asked} of {among} periods can never be")
        if among > 10_000:
            self.fail(periods, f"{among} periods are too many; limit 10,000")
        times = self._times(found["times"]) if "times" in found else None
        if times is not None and (
            times.op not in ("at least", "more than") or times.n < (times.op == "at least")
        ):
            self.fail(found["times"], "a period counts when the event happened at least so often")
        return t.Regularly(
            self._event(found["happening"], found.get("where")),
            asked,
            among,
            self.build(found["duration"]),
            times,
            position=self._at(node),
        )

    def _first_did(self, node: Any, parts: list[Any]) -> t.FirstDid:
        self._only_person(node, "first did")
        found = _sorted(parts)
        event = self._event(found["happening"], found.get("where"))
        return t.FirstDid(event, self._windowed(found), position=self._at(node))

    def _sequence(self, node: Any, parts: list[Any]) -> t.Sequence:
        self._only_person(node, "did")
        found = _sorted(parts)
        windows = [part for part in parts if _kind(part) == "window"]
        if len(windows) > 1:
            self.fail(windows[1], "a sequence has one window; it binds the first event")
        steps = []
        for part in (part for part in parts if _kind(part) == "then"):
            inner = _sorted(part.children)
            within = self.build(inner["duration"]) if "duration" in inner else None
            event = self._event(inner["happening"], inner.get("where"))
            steps.append(t.Then(event, within, position=self._at(part)))
        without = None
        if "without" in found:
            inner = _sorted(found["without"].children)
            without = self._event(inner["happening"], inner.get("where"))
        first = self._event(found["happening"], found.get("where"))
        return t.Sequence(first, tuple(steps), without, self._plain_window(found), position=self._at(node))

    def _last_has(self, node: Any, parts: list[Any]) -> t.LastHas:
        self._only_person(node, "last")
        found = _sorted(parts[:-1])
        event = self._event(found["happening"], found.get("where"))
        return t.LastHas(event, self._inside(parts[-1]), self._plain_window(found), position=self._at(node))


_UNTIL = {
    "interest": ("interest(…) falls by time alone: it has no until", "write demand(…)"),
    "demand": ("demand(…) needs to know what meets it", 'for example until "Order Paid" after the half life'),
}
_LONGEST_HALF_LIFE = 10_000 * 86_400

_WINDOWS = {
    "in_last", "in_last_calendar", "in_this", "in_next", "since", "before", "from_to", "between_ago",
    "more_than_ago", "since_first", "since_last", "before_first", "before_last",
}  # fmt: skip


def _kind(part: Any) -> str:
    """What a part of an event phrase is."""
    if isinstance(part, Token):
        return "token"
    name = str(part.data)
    return "window" if name in _WINDOWS else "times" if name in _TIMES else name


def _sorted(parts: list[Any]) -> dict[str, Any]:
    """The parts of an event phrase by kind; the first of each."""
    found: dict[str, Any] = {}
    for part in parts:
        found.setdefault(_kind(part), part)
    return found


def _unquoted(token: Token) -> str:
    quote = token[0]
    return str(token[1:-1]).replace(quote * 2, quote)


def number_of(token: str) -> int | float:
    """The number that the text writes: an int when it is whole and exact, else a float."""
    value = float(token)
    if value in (float("inf"), float("-inf")):
        raise ExpressionError(f"{token} is too large for a number")
    try:
        return int(token)
    except ValueError:
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
