"""Patterns: texts in which a regular expression is found. What is made here is tried before it is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

MOST_TEXTS = 60
"""So many texts are made of one pattern."""

_SIGNS = "a1 x中A_-.Z0é,"
_CLASSES = {"d": "07", "w": "a1", "s": " ", "D": "a中", "W": " -", "S": "a1"}
_KINDS = {
    "alpha": "a",
    "digit": "0",
    "alnum": "a0",
    "space": " ",
    "upper": "A",
    "lower": "a",
    "punct": ".",
    "word": "a",
}
_SCRIPTS = {"Han": "中", "L": "a中", "Lu": "A", "Ll": "a", "N": "1", "Nd": "1", "P": ".", "Z": " ", "Zs": " "}
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}


def texts(pattern: str) -> Iterator[str]:
    """Short texts that the pattern may be found in, the simplest first; not every one is."""
    try:
        made = _Reader(pattern).alternatives()
    except (IndexError, ValueError):
        return
    yield from islice(dict.fromkeys(islice(made.texts(), MOST_TEXTS * 4)), MOST_TEXTS)


@dataclass(frozen=True)
class _Part:
    """Alternatives, each a row of parts one after the other; or one of several `signs`. `least` times at least."""

    ways: tuple[tuple[_Part, ...], ...] = ()
    signs: str = ""
    least: int = 1
    most: int | None = 1

    def texts(self) -> Iterator[str]:
        once = list(islice(self._once(), MOST_TEXTS))
        for n in dict.fromkeys((max(self.least, 1 if self.most != 0 else 0), self.least, self.least + 1)):
            if self.most is not None and n > self.most:
                continue
            if not n:
                yield ""
            for text in once:
                yield text * n if n else ""

    def _once(self) -> Iterator[str]:
        yield from self.signs
        rows = [_joined(row) for row in self.ways]
        while rows:  # one text of each way in turn
            for row in list(rows):
                found = next(row, None)
                if found is None:
                    rows.remove(row)
                else:
                    yield found


def _joined(row: tuple[_Part, ...]) -> Iterator[str]:
    if not row:
        yield ""
        return
    for first in islice(row[0].texts(), 8):
        for rest in islice(_joined(row[1:]), 8):
            yield first + rest


class _Reader:
    """Reads the pattern from left to right; what it does not know it takes as it stands."""

    def __init__(self, pattern: str) -> None:
        self.pattern, self.at = pattern, 0

    def alternatives(self) -> _Part:
        ways: list[tuple[_Part, ...]] = []
        row: list[_Part] = []
        while self.at < len(self.pattern) and self.pattern[self.at] != ")":
            sign = self._next()
            if sign == "|":
                ways.append(tuple(row))
                row = []
                continue
            part = self._atom(sign)
            if part is not None:
                row.append(self._often(part))
        return _Part((*ways, tuple(row)))

    def _next(self) -> str:
        self.at += 1
        return self.pattern[self.at - 1]

    def _peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def _atom(self, sign: str) -> _Part | None:
        match sign:
            case "^" | "$":
                return None
            case ".":
                return _Part(signs="a1")
            case "[":
                return _Part(signs=self._set())
            case "(":
                return self._group()
            case "\\":
                found = self._escaped()
                return None if found is None else _Part(signs=found)
        return _Part(signs=sign)

    def _group(self) -> _Part:
        if self._peek() == "?":
            while self._peek() not in (":", ">", ")", ""):
                self.at += 1
            if self._peek() in (":", ">"):
                self.at += 1
        inner = self.alternatives()
        if self._peek() == ")":
            self.at += 1
        return inner

    def _escaped(self) -> str | None:
        """The signs that stand for it; None for a place between signs."""
        sign = self._next()
        if sign in "bBAzZ":
            return None
        if sign in _CLASSES:
            return _CLASSES[sign]
        if sign in "pP":
            name = self._next()
            if name == "{":
                end = self.pattern.index("}", self.at)
                name, self.at = self.pattern[self.at : end], end + 1
            return _SCRIPTS.get(name, _SIGNS) if sign == "p" else _SIGNS
        if sign == "x":
            if self._peek() == "{":
                end = self.pattern.index("}", self.at)
                code, self.at = self.pattern[self.at + 1 : end], end + 1
            else:
                code, self.at = self.pattern[self.at : self.at + 2], self.at + 2
            return chr(int(code, 16))
        return _CONTROL.get(sign, sign)

    def _set(self) -> str:
        """Signs that are in the set, or of a negated one some that are not."""
        negated = self._peek() == "^"
        self.at += negated
        signs: list[str] = []
        ranges: list[tuple[str, str]] = []
        first = True
        while first or self._peek() != "]":
            first = False
            sign = self._next()
            if sign == "[" and self._peek() == ":":
                end = self.pattern.index(":]", self.at)
                signs += _KINDS.get(self.pattern[self.at + 1 : end], "a")
                self.at = end + 2
                continue
            found = sign if sign != "\\" else self._escaped() or ""
            if (
                self._peek() == "-"
                and self.pattern[self.at + 1 : self.at + 2] not in ("]", "")
                and len(found) == 1
            ):
                self.at += 1
                last = self._next()
                last = last if last != "\\" else self._escaped() or ""
                ranges.append((found, last))
                continue
            signs += found
        self.at += 1
        if negated:
            return "".join(
                sign
                for sign in _SIGNS
                if sign not in signs and not any(low <= sign <= high for low, high in ranges)
            )
        return "".join(dict.fromkeys([*(low for low, _ in ranges), *signs, *(high for _, high in ranges)]))

    def _often(self, part: _Part) -> _Part:
        least, most = 1, 1
        sign = self._peek()
        if sign in ("*", "+", "?"):
            self.at += 1
            least, most_of = {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
            part = _Part(part.ways, part.signs, least, most_of)
        elif sign == "{" and "}" in self.pattern[self.at :]:
            end = self.pattern.index("}", self.at)
            low, comma, high = self.pattern[self.at + 1 : end].partition(",")
            if low.isdigit():
                self.at = end + 1
                least = int(low)
                most = least if not comma else int(high) if high else least + 1
                part = _Part(part.ways, part.signs, least, most)
        if self._peek() == "?":
            self.at += 1
        return part
