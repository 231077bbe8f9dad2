"""JSON read strictly and with places: slower, only for bodies that the fast decoder refuses or that look odd.

What makes a document unreadable raises Malformed with line and column. What is wrong with one value only
(duplicate key, lone surrogate, number out of range, NaN) is an Issue with its path, so that one bad event
does not refuse its batch.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from limner.events.model import Refusal

Path = tuple[str | int, ...]

_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACE = " \t\n\r"
_DIGITS = 4_000
_HUGE = re.compile(f"[0-9]{{{_DIGITS}}}")
_END = "unexpected end of the document"
_MORE = (
    "unexpected content after document: one document a request; to send several events, "
    "send an array under batch, or use the batch endpoint"
)


@dataclass(frozen=True, slots=True)
class Issue:
    """One value that is wrong, and where it is."""

    code: str
    message: str
    path: Path


class Malformed(Exception):
    """The document cannot be read at all."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class _Wrong:
    """Stands in the tree for a value that is wrong."""

    code: str
    message: str


class _Twice(dict[str, Any]):
    """An object in which a key stands twice."""

    twice: str


def shown(path: Path) -> str:
    """The path as people write it: batch[3].properties.amount; long names are cut."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if len(part) <= 60 else part[:60] + "…")
    return text


def number(text: str) -> float | Decimal:
    """The value of a JSON number with a point or exponent; exact (Decimal) when a float might not be.

    Raises ValueError when it is beyond the range of a double.
    """
    if len(text) <= 16 and "e" not in text and "E" not in text:
        return float(text)
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:40]} is out of range")
    exact = Decimal(text)
    return value if value == 0 or Decimal(repr(value)) == exact else exact


def text_of(body: bytes) -> str:
    """The body as text. Raises Malformed (invalid_utf8) naming the byte offset."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(
            Refusal("invalid_utf8", f"the body is not UTF-8: bad byte at byte offset {error.start}")
        ) from None


def parse(text: str) -> tuple[Any, list[Issue]]:
    """The document's tree and everything wrong inside it. Raises Malformed when it is not JSON."""
    try:
        tree = _decode(text)
    except json.JSONDecodeError as error:
        raise Malformed(_located(text, error)) from None
    except RecursionError:
        raise Malformed(Refusal("too_deep", "the document is nested far too deep: limit 32")) from None
    return _searched(tree)


def _decode(text: str) -> Any:
    # Numbers of thousands of digits need a parser of their own; it is slower for all others.
    huge = _HUGE.search(text) is not None
    return json.loads(
        text,
        object_pairs_hook=_object,
        parse_float=_number,
        parse_int=_whole if huge else int,
        parse_constant=_constant,
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    whole = dict(pairs)
    if len(whole) == len(pairs):
        return whole
    odd = _Twice(whole)
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            odd.twice = name
            break
        seen.add(name)
    return odd


def _number(text: str) -> Any:
    try:
        return number(text)
    except ValueError:
        return _Wrong("number_out_of_range", f"{text[:40]} is out of range of a number")


def _whole(text: str) -> Any:
    if len(text) < _DIGITS:
        return int(text)
    return _Wrong("number_out_of_range", f"a number of {len(text)} digits is out of range")


def _constant(text: str) -> _Wrong:
    return _Wrong("invalid_json", f"{text.lstrip('-')} is not JSON")


def _searched(tree: Any) -> tuple[Any, list[Issue]]:
    """The tree with wrong values made null or harmless, and what they were, in no particular order."""
    issues: list[Issue] = []

    def mended(value: Any, path: Path) -> Any:
        if isinstance(value, _Wrong):
            issues.append(_issue(value.code, value.message, path))
            return None
        if isinstance(value, str) and _SURROGATE.search(value):
            issues.append(_issue("invalid_utf8", "half a surrogate pair is not UTF-8", path))
            return _SURROGATE.sub("�", value)
        return value

    holder = [tree]
    left: list[tuple[Any, Path]] = [(holder, ())]
    while left:
        box, path = left.pop()
        if isinstance(box, _Twice):
            name = box.twice[:60]
            issues.append(
                _issue("duplicate_key", f"the key {name} stands twice in one object", (*path, name))
            )
        places = list(box.items()) if isinstance(box, dict) else list(enumerate(box))
        for place, value in places:
            if isinstance(place, str) and _SURROGATE.search(place):
                clean = _SURROGATE.sub("�", place)
                issues.append(_issue("invalid_utf8", "a key holds half a surrogate pair", (*path, clean)))
                del box[place]
                box[clean] = value
                place = clean
            kind = type(value)
            here = path if box is holder else (*path, place)
            if kind is dict or kind is list or kind is _Twice:
                left.append((value, here))
            elif kind is str or kind is _Wrong:
                box[place] = mended(value, here)
    return holder[0], issues


def _issue(code: str, message: str, path: Path) -> Issue:
    place = shown(path)
    return Issue(code, f"{place}: {message}" if place else message, path)


def _located(text: str, error: json.JSONDecodeError) -> Refusal:
    place = f"line {error.lineno} column {error.colno}"
    at_end = error.pos >= len(text.rstrip(_SPACE)) or error.msg.startswith("Unterminated")
    if error.msg == "Extra data":
        says = _MORE
    elif at_end:
        says = _END
    else:
        says = f"{error.msg[0].lower()}{error.msg[1:]}".removesuffix(" at")
    return Refusal("invalid_json", f"{says} at {place}", place)
