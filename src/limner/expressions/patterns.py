"""Regular expressions: only what RE2 understands, so every match takes linear time."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from limner.errors import ExpressionError

LONGEST_PATTERN = 1_000


def check_pattern(pattern: str, line: int = 1, column: int = 1) -> None:
    """Raises ExpressionError (bad_regex) with the position inside the pattern when RE2 refuses it."""
    if len(pattern) > LONGEST_PATTERN:
        raise ExpressionError(
            f"the regular expression has {len(pattern):,} characters; limit {LONGEST_PATTERN:,}",
            line=line,
            column=column,
            code="bad_regex",
        )
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        reason = str(error).split(": ", 1)[-1]
        raise ExpressionError(
            f"bad regular expression at position {_position(pattern)}: {reason}",
            line=line,
            column=column,
            code="bad_regex",
            hint="look-around and back-references do not exist; escape a literal sign with \\",
        ) from error


def _position(pattern: str) -> int:
    """Where the pattern goes wrong, from 0; the longest prefix that RE2 accepts when nothing knows better."""
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return getattr(error, "pos", None) or 0
    for construct in (r"\(\?<?[=!]", r"\\[1-9]", r"\(\?P=", r"\(\?\("):
        found = re.search(construct, pattern)
        if found:
            return found.start()
    return 0


def matching(pattern: str, texts: list[str]) -> list[bool]:
    """Which texts the pattern is found in; RE2, as in the engine."""
    return pc.match_substring_regex(pa.array(texts, pa.string()), pattern).to_pylist()  # type: ignore[no-any-return]
