"""Pages of lists: where the next one begins is a cursor, opaque to whoever carries it."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from limner.errors import UsageError
from limner.types import Json

MOST = 200
USUAL = 50


def cursor_of(*place: Any) -> str:
    """The cursor of a place in an order: the sort values of the last row that was shown."""
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode().rstrip("=")


def place_of(cursor: str, length: int) -> list[Any]:
    """The sort values in a cursor. Raises UsageError when it was not made by `cursor_of` of as many values."""
    try:
        found = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        found = None
    if (
        not isinstance(found, list)
        or len(found) != length
        or any(not isinstance(value, str | int | float) or isinstance(value, bool) for value in found)
    ):
        raise UsageError(
            "this cursor was not given by this list",
            where="cursor",
            code="bad_cursor",
            hint="take `next` of the page before",
        )
    return found


def size_of(limit: int) -> int:
    """How many rows a page holds. Raises UsageError outside 1 to 200."""
    if not 1 <= limit <= MOST:
        raise UsageError(f"'limit' is 1 to {MOST}, not {limit}", where="limit", code="out_of_range")
    return limit


def page(
    rows: Sequence[Json], key: str, *, cursor: str = "", limit: int = USUAL
) -> tuple[list[Json], str | None]:
    """(the rows after the cursor, the next cursor or None) of a small list whose `key` is unique."""
    size_of(limit)
    begin = 0
    if cursor:
        (last,) = place_of(cursor, 1)
        begin = next((n + 1 for n, row in enumerate(rows) if row[key] == last), len(rows))
    shown = list(rows[begin : begin + limit])
    more = begin + limit < len(rows)
    return shown, cursor_of(shown[-1][key]) if more else None
