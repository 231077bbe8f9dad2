"""From text to tree. Knows the grammar and its limits; knows no tag, no event and no SQL.

Nothing here evaluates: the text is scanned for its limits, parsed (LALR, no recursion) and built into a tree.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tempfile
from contextlib import suppress
from functools import cache, lru_cache
from importlib.resources import files
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any, NoReturn

import lark
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedToken

from limner.errors import ExpressionError, did_you_mean
from limner.expressions import tree as t
from limner.expressions.build import Builder, Scope, fail_at

LONGEST = 100_000
DEEPEST = 64
MOST_TERMS = 2_000
MOST_OPTIONS = 10_000

FUNCTIONS = (
    *t.EVENT_AGGREGATES, *t.PROPERTY_AGGREGATES, t.TOP, *t.STREAKS, *t.HABITS, "delay", *t.DATES, *t.INTERESTS,
    "weight", "metric", "logistic", "known", "sample",
)  # fmt: skip
_NOT_DETERMINISTIC = {
    "random", "rand", "now", "today", "uuid", "gen_random_uuid", "current_date", "current_timestamp",
    "current_time", "getdate", "sysdate", "setseed", "nextval",
}  # fmt: skip
_SQL_WORDS = {
    "select", "insert", "update", "delete", "drop", "create", "alter", "attach", "copy", "pragma", "union",
    "with", "exec", "execute", "install", "load", "call", "set",
}  # fmt: skip
_PIECES = re.compile(
    r"(?P<text>'(?:[^']|'')*')|(?P<name>\"(?:[^\"]|\"\")*\")|(?P<comment>--|/\*|\*/|//|#)"
    r"|(?P<open>\()|(?P<close>\))|(?P<comma>,)|(?P<word>[^\W\d][\w$]*)"
)
_FULL_WIDTH = dict(zip("（），＝＜＞！“”‘’「」＊．", '(),=<>!""\'\'""*.', strict=True))


_KEPT = Path(cache_from_source(__file__)).with_name(f"grammar.{sys.implementation.cache_tag}.tables")
"""The grammar's tables, kept beside the compiled code and made again when the grammar is another."""


@lru_cache(maxsize=512)  # a tree never changes, so whoever asks again may have the same one
def parse(text: str, scope: Scope = "person") -> t.Expr:
    """The tree of one expression: a condition, or a value such as `sum(amount of "Order Paid")`.

    `scope="event"`: bare names are properties of an event, as inside `where`.
    Raises ExpressionError (syntax, unknown_function, not_deterministic, too_complex, too_long, bad_regex).
    """
    _within_limits(text)
    try:
        parsed = _parser().parse(text)
    except (UnexpectedToken, UnexpectedCharacters, UnexpectedEOF) as error:
        _explain(text, error)
    return Builder(text, scope).build(parsed.children[0])  # type: ignore[no-any-return]


def parse_value(text: str) -> t.Value:
    """The tree of a value: an aggregate, an attribute, a tag or a literal."""
    expr = parse(text)
    if not isinstance(expr, t.Value):
        raise ExpressionError(
            "this is a condition; a value is needed here", code="type", hint="for example count(*)"
        )
    return expr


@cache
def _parser() -> lark.Lark:
    grammar = files("limner.expressions").joinpath("grammar.lark").read_text(encoding="utf-8")
    made_of = f"{grammar}{lark.__version__}{sys.implementation.cache_tag}"
    name = hashlib.sha256(made_of.encode()).hexdigest().encode()
    with (
        suppress(Exception),
        _KEPT.open("rb") as file,
    ):  # missing, torn or of another grammar: it is a shortcut
        if file.readline().strip() == name:
            return lark.Lark.load(file)
    parser = lark.Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=False)
    if not sys.dont_write_bytecode:
        with suppress(OSError), tempfile.NamedTemporaryFile(dir=_KEPT.parent, delete=False) as file:
            file.write(name + b"\n")
            parser.save(file)
            file.flush()
            Path(file.name).chmod(0o644)
            Path(file.name).replace(_KEPT)
    return parser


def _within_limits(text: str) -> None:
    """Refuses what is too long, too deep or has too many terms, before anything recursive sees it."""
    if len(text) > LONGEST:
        raise ExpressionError(
            f"the expression has {len(text):,} characters; limit {LONGEST:,}",
            code="too_long",
            status=413,
            hint="split it into tags or audiences and refer to them",
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        fail_at(text, error.start, "half of a surrogate pair is no character")
    if not text.strip():
        raise ExpressionError("the expression is empty", hint='write a condition such as: did "Order Paid"')
    depth, nots, terms, commas = 0, 0, 1, 0
    stack: list[int] = []
    for piece in _PIECES.finditer(text):
        kind = piece.lastgroup
        if kind == "comment":
            fail_at(
                text, piece.start(), "comments not allowed", hint="put the reason in the definition's `why`"
            )
        if kind == "open":
            stack.append(nots)
            depth, nots = depth + 1 + nots, 0
        elif kind == "close":
            if stack:
                nots_before = stack.pop()
                depth, nots = depth - 1 - nots_before, 0
        elif kind == "word":
            word = piece.group()
            nots = nots + 1 if word == "not" else 0
            terms += word in ("and", "or")
        elif kind == "comma":
            commas, nots = commas + 1, 0
        else:
            nots = 0
        if depth + nots > DEEPEST or terms > MOST_TERMS or commas > MOST_OPTIONS:
            fail_at(
                text,
                piece.start(),
                f"the expression is too complex: limit depth {DEEPEST}, {MOST_TERMS:,} terms, "
                f"{MOST_OPTIONS:,} options",
                code="too_complex",
                hint="split it into tags or audiences and refer to them",
            )


# --- errors ---------------------------------------------------------------------------------------


def _explain(text: str, error: UnexpectedToken | UnexpectedCharacters | UnexpectedEOF) -> NoReturn:
    """Raises the ExpressionError that says what was wrong and what to do."""
    offset = getattr(error, "pos_in_stream", None)
    ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    offset = min(offset, len(text)) if isinstance(offset, int) and not ended else len(text.rstrip())
    called = _called(text, offset)
    if called is not None:
        start, name = called
        if name.lower() in _NOT_DETERMINISTIC:
            clock = name.lower() in _CLOCKS
            instead = "use a window such as in last 7 days" if clock else "use sample(rate, seed)"
            fail_at(
                text,
                start,
                f"{name}() is not deterministic: {instead}",
                code="not_deterministic",
                hint="two runs on the same data give the same answer",
            )
        fail_at(
            text,
            start,
            f"unknown function {name}",
            code="unknown_function",
            hint=did_you_mean(name, FUNCTIONS) or f"known: {', '.join(FUNCTIONS)}",
        )
    for piece in _PIECES.finditer(text):
        if piece.lastgroup == "word" and piece.group().lower() in _SQL_WORDS:
            if piece.group().lower() == "with" and piece.group() == "with":
                continue
            word = piece.group().lower()
            fail_at(text, piece.start(), f"{word} not allowed", hint="an expression is a condition, not SQL")
    rest = text[offset:]
    if not rest:
        fail_at(text, offset, "the expression ends too early", hint=_wanted(error))
    first = rest[0]
    if first in "'\"":
        fail_at(
            text,
            offset,
            "the quote is not closed, or nothing can be quoted here",
            hint="double a quote inside",
        )
    if first in _FULL_WIDTH:
        fail_at(text, offset, f"unexpected {first}", hint=f"write {_FULL_WIDTH[first]}")
    word_match = re.match(r"[\w$]+|[^\w\s]+", rest)
    word = word_match.group() if word_match else first
    if word != word.lower() and word.lower() in KEYWORDS:
        fail_at(text, offset, f"unexpected {word}", hint=f"keywords are lower case: write {word.lower()}")
    for wrong, right in (("==", "="), ("<>", "!="), ("&&", "and"), ("||", "or")):
        if wrong in (text[offset : offset + 2], text[max(0, offset - 1) : offset + 1]):
            fail_at(text, offset, f"unexpected {wrong}", hint=f"write {right}")
    if re.fullmatch(r"(months?|years?|quarters?)", word) and "UNIT" in _expected(error):
        fail_at(
            text,
            offset,
            f"{word} differ in length",
            hint="write calendar months or calendar years, or use days",
        )
    fail_at(text, offset, f"unexpected {word}", hint=_wanted(error))


_CLOCKS = {"now", "today", "current_date", "current_timestamp", "current_time", "getdate", "sysdate"}

KEYWORDS = (
    "and", "or", "not", "in", "between", "contains", "starts", "ends", "with", "matches", "includes", "known",
    "did", "first", "last", "then", "within", "without", "where", "has", "since", "before", "from", "to",
    "for", "at", "least", "most", "more", "less", "fewer", "than", "exactly", "ago", "this", "next",
    "calendar", "audience", "true", "false", "of", "the", "person",
    "by",
)  # fmt: skip


def _called(text: str, offset: int) -> tuple[int, str] | None:
    """The name (and its offset) that is used as a function at the offset, if it is none of ours."""
    before = re.search(r"([^\W\d][\w$]*)\s*$", text[:offset])
    if text[offset : offset + 1] == "(" and before and before.group(1) not in KEYWORDS:
        if before.group(1).lower() in _SQL_WORDS:
            return None
        return before.start(), before.group(1)
    here = re.match(r"([^\W\d][\w$]*)\s*\(", text[offset:])
    known = here and (here.group(1) in FUNCTIONS or here.group(1).lower() in (*KEYWORDS, *_SQL_WORDS))
    if here and not known and not re.search(r"[\w$\"']\s+$", text[:offset]):
        return offset, here.group(1)
    return None


def _expected(error: Any) -> set[str]:
    return set(getattr(error, "expected", None) or getattr(error, "allowed", None) or ())


def _wanted(error: Any) -> str | None:
    """What could stand at the error, when that is a short list."""
    spoken = {
        "NAME": "a name", "QUOTED": "a quoted name", "STRING": "a string", "NUMBER": "a number",
        "COMPARISON": "a comparison", "UNIT": "a unit such as days", "CALENDAR_UNIT": "week, month …",
        "INSTANT": "a date such as 2025-01-15", "LPAR": "(", "RPAR": ")", "COMMA": "a comma",
        "TIMES": "times", "PERIODS": "periods", "STAR": "*", "DOT": "a dot",
        "TOP": "top(…)", "STREAK_FUNCTION": "streak(…)", "HABIT_FUNCTION": "gap(…)", "DELAY": "delay(…)",
        "DATE_FUNCTION": "age(…)", "EVENT_FUNCTION": "count(…)", "PROPERTY_FUNCTION": "sum(…)",
        "INTEREST": "interest(…)", "WEIGHT": "weight(…)", "METRIC": "metric(…)", "LOGISTIC": "logistic(…)",
    }  # fmt: skip
    hidden = {"$END", "TILDE"}
    if "PLUS" in _expected(error):  # after a value there may always be more of it
        hidden |= {"PLUS", "MINUS", "STAR", "SLASH"}
    names = sorted(_expected(error) - hidden)
    if not names or len(names) > 8:
        return "see the language reference for what may stand here" if names else None
    return "expected " + ", ".join(spoken.get(name, name.lower().strip("_")) for name in names)
