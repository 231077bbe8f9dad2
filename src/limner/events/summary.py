"""How many events there are, their sums and distinct values, in groups: the query of `limner event summary`.

Knows the events' tables and SQL; knows no expression: a condition comes as SQL over `events` with its values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from limner.engine.seam import Engine, quoted
from limner.errors import UsageError, did_you_mean
from limner.events.conversions import amount
from limner.types import ValueType

GROUPS = 1_000
"""At most so many groups are answered, the largest first."""

BUILT_IN = {"event": "name_i", "time": "ts", "person": "ix", "source": "source_i"}
_SCALE = 1_000_000


class Properties(Protocol):
    """Where the properties of events lie (a Catalog is one)."""

    def property(self, name: str) -> tuple[str, ValueType] | None: ...
    def property_names(self) -> Iterable[str]: ...


@dataclass(frozen=True)
class _Item:
    """Something that is counted, summed or grouped by: its name, column and type (None: built in)."""

    name: str
    column: str
    type: ValueType | None


def summary(
    engine: Engine,
    properties: Properties,
    *,
    condition: tuple[str, Mapping[str, Any]] | None = None,
    by: Sequence[str] = (),
    sum: str | None = None,
    distinct: Sequence[str] | str | None = None,
    sources: Mapping[int, str] | None = None,
) -> dict[str, Any]:
    """{"events": n, "sum": "9747747.934", "distinct": n, "groups": [{"country": …, "events": n, …}]}.

    `sum` is an exact decimal as text, of money in the currency's unit; numbers are summed in millionths. One
    name in `distinct` counts the distinct values that are there; several names (or `a,b`) count the distinct
    combinations, in which a missing value is a value too. Names are properties, or event, time, person and
    source (`sources`: what each number is called).
    Groups come with the most events first; beyond 1,000, `more_groups` says how many are left out.
    Raises UsageError: unknown_property, not_a_number.
    """
    names = distinct.split(",") if isinstance(distinct, str) else list(distinct or ())
    groups = [_item(name, properties) for name in by]
    counted = [_item(name.strip(), properties) for name in names]
    summed = _item(sum, properties) if sum is not None else None
    if summed is not None and summed.type not in (ValueType.MONEY, ValueType.NUMBER):
        raise UsageError(f"'{summed.name}' is neither money nor a number", code="not_a_number")
    sql, values = condition if condition is not None else ("TRUE", {})
    measures = ["COUNT(*) AS n"]
    if summed is not None:
        measures.append(_sum(summed))
    if counted:
        columns = ", ".join(quoted(item.column) for item in counted)
        measures.append(f"COUNT(DISTINCT {columns if len(counted) == 1 else f'ROW({columns})'}) AS different")
    whole = engine.read(f"SELECT {', '.join(measures)} FROM events WHERE ({sql})", values).to_pylist()[0]
    answer = _measured(whole, summed, bool(counted))
    if groups:
        answer |= _grouped(engine, sources or {}, groups, measures, sql, values, summed, bool(counted))
    return answer


def _item(name: str, properties: Properties) -> _Item:
    if name in BUILT_IN:
        return _Item(name, BUILT_IN[name], None)
    found = properties.property(name)
    if found is None:
        known = [*BUILT_IN, *properties.property_names()]
        raise UsageError(
            f"no event has a property '{name}'",
            code="unknown_property",
            hint=did_you_mean(name, known) or f"known are: {', '.join(known[:20])}",
        )
    return _Item(name, *found)


def _sum(item: _Item) -> str:
    column = quoted(item.column)
    if item.type is ValueType.MONEY:
        return f"CAST(COALESCE(SUM({column}), 0) AS VARCHAR) AS total"
    scaled = f"TRY_CAST(ROUND({column} * {_SCALE}) AS HUGEINT)"
    total = f"CAST(COALESCE(SUM({scaled}), 0) AS VARCHAR)"
    return f"CASE WHEN COUNT({scaled}) = COUNT({column}) THEN {total} END AS total, SUM({column}) AS rough"


def _measured(row: Mapping[str, Any], summed: _Item | None, counted: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"events": row["n"]}
    if summed is not None and summed.type is ValueType.MONEY:
        found["sum"] = amount(int(row["total"]))
    elif summed is not None and row["total"] is not None:
        found["sum"] = f"{Decimal(row['total']) / _SCALE:f}"
    elif summed is not None:
        found["sum"] = repr(row["rough"])
    if counted:
        found["distinct"] = row["different"]
    return found


def _grouped(
    engine: Engine,
    sources: Mapping[int, str],
    groups: list[_Item],
    measures: list[str],
    sql: str,
    values: Mapping[str, Any],
    summed: _Item | None,
    counted: bool,
) -> dict[str, Any]:
    columns = [f"{quoted(item.column)} AS {quoted(f'by_{at}')}" for at, item in enumerate(groups)]
    keys = [quoted(f"by_{at}") for at in range(len(groups))]
    order = ", ".join(f"{key} NULLS LAST" for key in keys)
    query = (
        f"SELECT {', '.join(columns + measures)}, COUNT(*) OVER () AS group_count FROM events WHERE ({sql}) "
        f"GROUP BY {', '.join(keys)} ORDER BY n DESC, {order} LIMIT {GROUPS}"
    )
    rows = engine.read(query, values).to_pylist()
    words = [
        _words(engine, sources, item, [row[f"by_{at}"] for row in rows]) for at, item in enumerate(groups)
    ]
    found = []
    for row in rows:
        labels = {item.name: _shown(row[f"by_{at}"], item, words[at]) for at, item in enumerate(groups)}
        found.append({**labels, **_measured(row, summed, counted)})
    more = rows[0]["group_count"] - len(rows) if rows else 0
    return {"groups": found, "more_groups": more} if more else {"groups": found}


def _words(engine: Engine, sources: Mapping[int, str], item: _Item, codes: list[Any]) -> dict[Any, str]:
    """What the codes of a built-in stand for."""
    if item.type is not None or item.name == "time":
        return {}
    if item.name == "source":
        return dict(sources)
    if item.name == "event":
        table = engine.read("SELECT name_i, name FROM names")
    else:
        wanted = {"codes": [code for code in codes if code is not None]}
        table = engine.read("SELECT ix, person_id FROM persons WHERE ix IN (SELECT UNNEST($codes))", wanted)
    return dict(zip(table.column(0).to_pylist(), table.column(1).to_pylist(), strict=True))


def _shown(value: Any, item: _Item, words: Mapping[Any, str]) -> Any:
    if value is None:
        return None
    if item.name in ("event", "person", "source") and item.type is None:
        return words.get(value, str(value))
    if item.type is ValueType.MONEY:
        return amount(value)
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    return int(value) if isinstance(value, float) and value.is_integer() else value
