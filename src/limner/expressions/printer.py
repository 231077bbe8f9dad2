"""From tree to text: one canonical form, which parses to the same tree."""

from __future__ import annotations

import re

from limner.expressions import tree as t
from limner.expressions.parse import KEYWORDS

_BARE = re.compile(r"(?:[^\W\d]|\$)(?:\w|\$)*")
_PLURAL_TIMES = {1: "time"}


def to_text(node: t.Expr) -> str:
    """The expression as text. `parse(to_text(tree)) == tree` for every tree that `parse` can give."""
    return _text(node)


def name_text(name: str) -> str:
    """The name bare where that is unambiguous, else in double quotes."""
    if _BARE.fullmatch(name) and name not in KEYWORDS and name not in t.BUILTINS:
        return name
    return '"' + name.replace('"', '""') + '"'


def string_text(value: str) -> str:
    """The string in single quotes."""
    return "'" + value.replace("'", "''") + "'"


def duration_text(duration: t.Duration) -> str:
    """For example `7 days`."""
    return f"{duration.n} {duration.unit}{'' if duration.n == 1 else 's'}"


def window_text(window: t.Window) -> str:
    """For example `in last 7 days`."""
    match window:
        case t.InLast(duration):
            return f"in last {duration_text(duration)}"
        case t.InLastCalendar(n, unit):
            return f"in last {n} calendar {unit}{'' if n == 1 else 's'}"
        case t.InThis(unit):
            return f"in this {unit}"
        case t.InNext(duration):
            return f"in next {duration_text(duration)}"
        case t.Since(instant):
            return f"since {instant.value}"
        case t.Before(instant):
            return f"before {instant.value}"
        case t.FromTo(first, last):
            return f"from {first.value} to {last.value}"
        case t.BetweenAgo(far, near):
            return f"between {duration_text(far)} and {duration_text(near)} ago"
        case t.MoreThanAgo(duration):
            return f"more than {duration_text(duration)} ago"
        case t.SinceEvent(which, event):
            return f"since {which} {_anchor(event)}"
        case t.BeforeEvent(which, event):
            return f"before {which} {_anchor(event)}"


def _anchor(event: t.Event) -> str:
    """The event that bounds a window; in brackets when it has a condition."""
    said = f"{_event(event.name)}{_where('where', event.where)}"
    return said if event.where is None else f"({said})"


def _times(times: t.Times) -> str:
    return f" {times.op} {times.n} {_PLURAL_TIMES.get(times.n, 'times')}"


def _event(name: str) -> str:
    return "*" if name == "*" else name_text(name)


def _where(word: str, condition: t.Expr | None) -> str:
    """` where CONDITION`, in brackets unless it is one comparison."""
    if condition is None:
        return ""
    plain = condition.arg if isinstance(condition, t.Not) else condition
    simple = isinstance(plain, (t.Compare, t.Among, t.Between, t.TextTest, t.Known))
    return f" {word} {_text(condition)}" if simple else f" {word} ({_text(condition)})"


def _window(window: t.Window | None) -> str:
    return "" if window is None else " " + window_text(window)


def _bracketed(node: t.Expr, kinds: tuple[type, ...]) -> str:
    return f"({_text(node)})" if isinstance(node, kinds) else _text(node)


def _text(node: t.Expr) -> str:
    match node:
        case t.Flag(value):
            return "true" if value else "false"
        case t.Text(value):
            return string_text(value)
        case t.Number(number):
            return repr(number)
        case t.Instant(value):
            return value
        case t.Name(name):
            return name_text(name)
        case t.Builtin(name):
            return name
        case t.OfObject(kind, name):
            return f"{name_text(kind)}.{name_text(name)}"
        case t.Attribute(path):
            return ".".join(("person", *(name_text(step) for step in path)))
        case t.Aggregate(t.TOP, event, of, window, nth):
            return f"{t.TOP}({nth}, {name_text(of or '')} of {_events(event, window)})"
        case t.Aggregate(function, event, of, window, nth):
            inner = f"{name_text(of)} of " if of is not None else ""
            place = "" if nth is None else f", {nth}"
            return f"{function}({inner}{_events(event, window)}{place})"
        case t.Streak(function, event, by, window):
            return f"{function}({_event(event.name)} by {by}{_events(event, window, name=False)})"
        case t.Habit(function, event, window, least):
            often = "" if least is None else _times(t.Times("at least", least))
            return f"{function}({_event(event.name)}{often}{_events(event, window, name=False)})"
        case t.Delay(event, then, window):
            return f"delay({_events(event, window)} to {_events(then, None)})"
        case t.Dated(function, dated):
            return f"{function}({_text(dated)})"
        case t.Arithmetic(left, op, right):
            loose = op in ("*", "/")
            first = f"({_text(left)})" if loose and _is_sum(left) else _text(left)
            second = _text(right)
            if isinstance(right, t.Arithmetic) and (loose or _is_sum(right)):
                second = f"({second})"
            return f"{first} {op} {second}"
        case t.Interest():
            return _interest(node)
        case t.Weight(tag, label):
            return f"weight({name_text(tag.name)}, {string_text(label)})"
        case t.Logistic(base, factors):
            each = (f"{name_text(factor.tag.name)} * {factor.weight!r}" for factor in factors)
            return f"logistic({', '.join([repr(base), *each])})"
        case t.Metric(name, window):
            return f"metric({name_text(name)}{_window(window)})"
        case t.Or(args):
            return " or ".join(_bracketed(arg, (t.Or,)) for arg in args)
        case t.And(args):
            return " and ".join(_bracketed(arg, (t.And, t.Or)) for arg in args)
        case t.Not(t.Among(value, options)):
            return f"{_text(value)} not in ({', '.join(_text(option) for option in options)})"
        case t.Not(arg):
            return f"not {_bracketed(arg, (t.And, t.Or))}"
        case t.Compare(left, op, right):
            return f"{_text(left)} {op} {_text(right)}"
        case t.Among(value, options):
            return f"{_text(value)} in ({', '.join(_text(option) for option in options)})"
        case t.Between(value, low, high):
            return f"{_text(value)} between {_text(low)} and {_text(high)}"
        case t.TextTest(value, op, operand):
            return f"{_text(value)} {op} {_text(operand)}"
        case t.Within(value, window):
            return f"{_text(value)} {window_text(window)}"
        case t.Known(value):
            return f"known({_text(value)})"
        case t.HasBeen(test, op, duration):
            return f"{_text(test)} for {op} {duration_text(duration)}"
        case t.InAudience(name):
            return f"in audience {name_text(name)}"
        case t.Sample(rate, seed):
            written = string_text(seed) if isinstance(seed, str) else repr(seed)
            return f"sample({rate!r}, {written})"
        case _:
            return _behaviour(node)


def _is_sum(node: t.Expr) -> bool:
    return isinstance(node, t.Arithmetic) and node.op in ("+", "-")


def _events(event: t.Event, window: t.Window | None, *, name: bool = True) -> str:
    """The events of a value: name, window, condition."""
    return f"{_event(event.name) if name else ''}{_window(window)}{_where('where', event.where)}"


def _interest(node: t.Interest) -> str:
    terms = (
        f"{_event(term.event.name)} * {term.points}{_where('where', term.event.where)}" for term in node.terms
    )
    text = f"{name_text(node.of)} of {', '.join(terms)} half life {duration_text(node.half_life)}"
    text += _window(node.window)
    if node.until is not None:
        text += f" until {_event(node.until.name)}{_where('where', node.until.where)}"
    if node.half_at != t.HALF_AT:
        text += f" half at {node.half_at}"
    if node.most != t.MOST_LABELS:
        text += f" top {node.most}"
    return f"{node.function}({text})"


def _behaviour(node: t.Did | t.FirstDid | t.Regularly | t.Sequence | t.LastHas) -> str:
    first = f"{_event(node.event.name)}" if not isinstance(node, t.Sequence) else _event(node.first.name)
    match node:
        case t.Did(event, times, window):
            often = "" if times is None else _times(times)
            return f"did {first}{often}{_window(window)}{_where('where', event.where)}"
        case t.FirstDid(event, window):
            return f"first did {first}{_window(window)}{_where('where', event.where)}"
        case t.Regularly(event, least, periods, each, times):
            often = "" if times is None else _times(times)
            return (
                f"did {first}{often} in at least {least} of the last {periods} periods of "
                f"{duration_text(each)}{_where('where', event.where)}"
            )
        case t.Sequence(start, steps, without, window):
            text = f"did {first}{_window(window)}{_where('where', start.where)}"
            for step in steps:
                text += f" then {_event(step.event.name)}{_where('where', step.event.where)}"
                if step.within is not None:
                    text += f" within {duration_text(step.within)}"
            if without is not None:
                text += f" without {_event(without.name)}{_where('where', without.where)}"
            return text
        case t.LastHas(event, has, window):
            return f"last {first}{_window(window)}{_where('where', event.where)}{_where('has', has)}"
