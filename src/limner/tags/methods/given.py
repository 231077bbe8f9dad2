"""Given values: what people (by hand) or other systems (imported) said a tag's value is. Reads the engine's `given`.

The last row of a person by then is how it stands: nothing when it was taken away, or when its time is over.
"""

from __future__ import annotations

from datetime import datetime

from limner.engine.seam import Engine, Query, Step, Transaction, quoted
from limner.expressions.sql import Bound, Sql, Typed
from limner.tags.model import Method, Tag
from limner.types import naive

MANUAL, IMPORTED = "manual", "imported"
"""The two origins of given values. What one says never touches what the other said."""


def origin_of(tag: Tag) -> str:
    """Whose values the tag's own are, when it is of a method whose values are given."""
    return IMPORTED if tag.method is Method.IMPORTED else MANUAL


def standing_sql(more: str = "") -> str:
    """(ix, ts, load_i, value, author, given_at, expires_at, cause): how it stands, taken away and ended or not.

    Binds $tag, $origin and $as_of; `more` is a further condition on rows of `given`.
    """
    fields = ("ts", "load_i", "value", "author", "given_at", "expires_at", "cause")
    held = ", ".join(f"{name} := {name}" for name in fields)
    return (
        f"SELECT ix, {', '.join(f'held.{name} AS {name}' for name in fields)} FROM (\n"
        f"SELECT ix, ARG_MAX(STRUCT_PACK({held}), ROW(ts, load_i)) AS held FROM given\n"
        f"WHERE tag = $tag AND origin = $origin AND ts <= $as_of AND ix IS NOT NULL{more} GROUP BY ix)"
    )


LIVE = "value IS NOT NULL AND (expires_at IS NULL OR expires_at > $as_of)"
"""Of what stands, what holds."""


def query(tag: Tag, origin: str, *, zone: str, as_of: datetime, among: str | None = None) -> Query:
    """(ix, value, given_at) of everybody whose given value holds at as_of and is of the tag's type."""
    more = "" if among is None else f" AND ix IN (SELECT ix FROM {quoted(among)})"
    sql = Sql(Bound(), naive(as_of), zone)
    value = sql.cast(Typed("value", None), tag.type)
    return Query(
        (Step("standing", standing_sql(more)),),
        f"SELECT ix, {value} AS value, given_at FROM standing WHERE {LIVE}",
        {**sql.bind.values, "tag": tag.key, "origin": origin, "as_of": naive(as_of)},
    )


def by_hand(tx: Engine | Transaction) -> frozenset[str]:
    """The keys of the tags of which anybody was ever given a value by hand."""
    found = tx.read("SELECT DISTINCT tag FROM given WHERE origin = $origin", {"origin": MANUAL})
    return frozenset(found.column("tag").to_pylist())
