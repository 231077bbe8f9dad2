"""The verb that learns a tag anew: weights from what people did after past dates, into the tag's file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from limner.accounts.model import LOCAL, Caller
from limner.engine.seam import quoted
from limner.errors import ConflictError, NotFoundError, UsageError, did_you_mean
from limner.expressions import tree as t
from limner.expressions.compile import people
from limner.expressions.parse import parse
from limner.tags import learned
from limner.tags import text as tag_text
from limner.tags.check import check
from limner.tags.document import Document
from limner.tags.history import PREFIX, tags_at
from limner.tags.learned import Examples
from limner.tags.methods.fresh import Fresh
from limner.tags.model import Learned
from limner.types import MONEY_SCALE, Json, Progress, ValueType, naive, silent
from limner.workspace import writing
from limner.workspace.knowing import instant_of
from limner.workspace.tagging import Known, known_now
from limner.workspace.workspace import Workspace

MOST_EXAMPLES = 5_000_000


def tag_learn(workspace: Workspace, key: str, caller: Caller = LOCAL, progress: Progress = silent) -> Json:
    """The new weights of a learned tag, written into its file; nobody's chance changes until the tag is run.

    The features are computed as of each date, from what had happened by then; the label is the event in the horizon
    from there on. `auc` is of the dates of test, which lie after all that was learned. Raises UsageError for a tag
    that is not learned, ConflictError (not_enough_data, not_over) where there is too little to learn from.
    """
    path = writing.path_of(workspace, "tags", key)
    text = writing.read_text(path)
    if text is None:
        known = [file.stem for file in path.parent.glob("*.yml")]
        raise NotFoundError(f"there is no tag '{key}'", hint=did_you_mean(key, known) or "limner tag list")
    definition = tag_text.read(text, key).definition
    if not isinstance(definition, Learned):
        raise UsageError(f"'{key}' is not learned", where="key", hint="method: learned")
    workspace.load()
    found = known_now(workspace)
    stranger = next((one for one in definition.features if one not in found.graph.tags), None)
    if stranger is not None:
        hint = did_you_mean(stranger, found.graph.tags)
        raise UsageError(
            f"the feature '{stranger}' is no tag", where="features", hint=hint, code="unknown_name"
        )
    fresh = Fresh(found.names, found.graph.tags)
    for need in sorted(found.graph.closure(definition.features)):
        check(found.graph.tags[need], found.graph, catalog=fresh, as_of=found.now)
    total = len(definition.train) + len(definition.test)
    train = examples(workspace, found, definition, definition.train, progress=progress, done=0, total=total)
    test = examples(
        workspace,
        found,
        definition,
        definition.test,
        progress=progress,
        done=len(definition.train),
        total=total,
    )
    at = found.now.astimezone(ZoneInfo(workspace.config.zone)).isoformat(timespec="seconds")
    made = learned.learn(definition, train, test, at=at)
    document = Document(text, where=f"tags/{key}.yml")
    edited = document.edited({"learned": learned.written(made)}, order=tag_text.KEYS)
    saved = writing.definition_save(workspace, "tags", key, edited, base=writing.etag_of(text), caller=caller)
    learnt = made.learnt
    if learnt is None:
        raise TypeError("nothing was learned")
    return {
        "key": key,
        "base": learnt.base,
        "features": [{"tag": one.tag, "weight": one.weight, "mean": one.mean} for one in learnt.features],
        "examples": learnt.examples,
        "reached": learnt.reached,
        "tested": len(test.reached),
        "auc": learnt.auc,
        "calibrated": False,
        "said": "not calibrated yet: it puts people in order; its numbers are no shares",
        "at": learnt.at,
        "etag": saved["etag"],
    }


def examples(
    workspace: Workspace,
    found: Known,
    definition: Learned,
    dates: Sequence[str],
    *,
    progress: Progress = silent,
    done: int = 0,
    total: int = 0,
) -> Examples:
    """Everybody with a value of every feature, as of each date, and whether the label came within the horizon."""
    features: list[Any] = []
    reached: list[Any] = []
    for number, date in enumerate(dates):
        progress("learning", done + number, total)
        at = instant_of(workspace, date)
        until = at + definition.horizon
        if until > found.now:
            raise ConflictError(
                f"the horizon of {date} ends at {until.isoformat()}, which is not over",
                code="not_over",
                hint="name an earlier date",
            )
        label = parse(definition.label)
        if not isinstance(label, t.Did):
            raise TypeError("a label is an event")
        days = t.Duration(definition.horizon // timedelta(seconds=1), "second")
        came = people(t.Did(label.event, window=t.InLast(days)), found.names, until)
        columns, joins, tests = [], [], ["p.merged_into IS NULL", "NOT p.erased", "p.created_at < $born"]
        with tags_at(workspace.engine, found.graph, definition.features, catalog=found.names, as_of=at) as (
            tx,
            _,
        ):
            for place, feature in enumerate(definition.features):
                tag = found.graph.tags[feature]
                joins.append(f"LEFT JOIN {quoted(PREFIX + tag.table)} AS f{place} ON f{place}.ix = p.ix")
                value = f"CAST(f{place}.value AS DOUBLE)"
                if tag.type is ValueType.FLAG:
                    value = f"(CASE WHEN f{place}.value THEN 1.0 ELSE 0.0 END)"
                elif tag.type is ValueType.MONEY:
                    value = f"({value} / {MONEY_SCALE})"
                columns.append(f"{value} AS x{place}")
                tests.append(f"{value} IS NOT NULL")
            born = {"born": naive(at)}
            rows = tx.read(
                f"SELECT p.ix, {', '.join(columns)} FROM persons AS p {' '.join(joins)}"
                f" WHERE {' AND '.join(tests)} ORDER BY p.ix",
                born,
            )
            after = tx.read(came.sql, came.values).column("ix").to_numpy()
        features.append(
            np.column_stack(
                [rows.column(f"x{place}").to_numpy() for place in range(len(definition.features))]
            )
        )
        reached.append(np.isin(rows.column("ix").to_numpy(), after))
        if sum(map(len, reached)) > MOST_EXAMPLES:
            raise ConflictError(
                f"these are more than {MOST_EXAMPLES:,} people at dates",
                code="too_many",
                hint="name fewer dates",
            )
    return Examples(np.concatenate(features), np.concatenate(reached))
