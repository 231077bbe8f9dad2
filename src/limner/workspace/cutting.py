"""The verb that cuts a tag anew: cut points of percentiles, computed from the last publication into the tag's file."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from limner.accounts.model import LOCAL, Caller
from limner.errors import ConflictError, NotFoundError, UsageError, did_you_mean
from limner.tags import text as tag_text
from limner.tags import tiers
from limner.tags.document import Document
from limner.tags.model import Points, Rule, Tiers
from limner.types import MONEY_SCALE, Json, ValueType
from limner.workspace import writing
from limner.workspace.knowing import live
from limner.workspace.workspace import Workspace


def tag_cut(workspace: Workspace, key: str, caller: Caller = LOCAL) -> Json:
    """The new cut points of a tag at percentiles, written into its file; nothing moves until the tag is run.

    They are computed from the values that are published of the tag that is cut. `before` and `frozen`: the cut points
    in units. Raises UsageError for a tag without percentiles, ConflictError when nobody has a value.
    """
    path = writing.path_of(workspace, "tags", key)
    text = writing.read_text(path)
    if text is None:
        known = [file.stem for file in path.parent.glob("*.yml")]
        raise NotFoundError(f"there is no tag '{key}'", hint=did_you_mean(key, known) or "limner tag list")
    definition = tag_text.read(text, key).definition
    cuts = definition.cuts if isinstance(definition, Rule | Points | Tiers) else None
    if cuts is None or not cuts.percent or cuts.every_run:
        hint = "cuts: {of: spent_365d, tiers: [low, high], at: [80%]}"
        raise UsageError(f"'{key}' has no percentiles to cut", where="key", hint=hint)
    columns = live(workspace)
    if columns is None or cuts.of not in columns:
        raise ConflictError(f"'{cuts.of}' is not published yet", code="not_published", hint="limner tag run")
    column = columns[cuts.of]
    if column.type not in (ValueType.NUMBER, ValueType.MONEY):
        raise UsageError(f"'{cuts.of}' is a {column.type}; a number is cut", where="key")
    values = np.sort(column.known_values(np.flatnonzero(columns.alive)))
    if not len(values):
        raise ConflictError(f"nobody has a value of '{cuts.of}'", code="empty")
    frozen = [_in_units(value, column.type) for value in tiers.cut_points(values, cuts.at)]
    day = columns.as_of.astimezone(ZoneInfo(workspace.config.zone)).date()
    document = Document(text, where=f"tags/{key}.yml")
    made = document.edited({"cuts": tiers.refrozen(document.value("cuts"), frozen, day)}, order=tag_text.KEYS)
    saved = writing.definition_save(workspace, "tags", key, made, base=writing.etag_of(text), caller=caller)
    return {
        "key": key,
        "of": cuts.of,
        "at": list(tiers.written(cuts)["at"]),
        "before": [None] * len(cuts.at) if cuts.frozen is None else list(cuts.frozen),
        "frozen": frozen,
        "frozen_at": day.isoformat(),
        "people": len(values),
        "etag": saved["etag"],
    }


def _in_units(value: Any, kind: ValueType) -> int | float:
    """A published value as a file says it; a number is cut at its millionths, not above itself."""
    if kind is ValueType.MONEY:
        amount = Decimal(int(value)) / MONEY_SCALE
        return int(amount) if amount == int(amount) else float(amount)
    number = float(value)
    if number.is_integer():
        return int(number)
    return float(np.floor(number * tiers.MILLIONTHS) / tiers.MILLIONTHS)
