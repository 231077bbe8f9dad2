"""Verbs of judging: how accurate a tag is against declared truth."""

from __future__ import annotations

from limner.errors import UsageError
from limner.feedback.effects import wilson
from limner.tags import accuracy
from limner.tags.accuracy import ENOUGH, Compared
from limner.types import Json, ValueType
from limner.workspace.catalog import known
from limner.workspace.tagging import Known, known_now
from limner.workspace.workspace import Workspace


def tag_accuracy(workspace: Workspace, key: str) -> Json:
    """How often a tag is right about people whose truth is known: precision, recall, and who declared it.

    The truth is what the tag named by `truth` says, and what staff corrected by hand. With fewer than 200 such people
    there is not enough data, and no share is shown.
    """
    workspace.load()
    found = known_now(workspace)
    tag = found.tags[known(found.tags, key, "tag")]
    if not tag.truth:
        raise UsageError(
            f"'{key}' names no truth", where=f"tags/{key}.yml", code="no_truth", hint="truth: a declared tag"
        )
    made = _compared(found, key)
    main = "true" if tag.type is ValueType.FLAG else None
    shares = _shares(made, main)
    precision = shares["precision"]
    return {
        "tag": key,
        "titles": dict(tag.title),
        "truth": tag.truth,
        "as_of": found.now.isoformat(),
        "people": made.people,
        "needed": ENOUGH,
        "enough": made.enough,
        **shares,
        "at_least": tag.at_least,
        "meets": None if tag.at_least is None or precision is None else precision["share"] >= tag.at_least,
        "corrected": made.corrected,
        "values": [
            {"value": value, "people": made.by().get(value, 0), **_shares(made, value)}
            for value in made.values
        ],
        "declared": {
            "of_everybody": _share(made.people, made.everybody),
            "of_tagged": _share(made.declared_tagged, made.tagged),
            "of_others": _share(made.people - made.declared_tagged, made.everybody - made.tagged),
        },
    }


def right(found: Known, key: str) -> tuple[int, int] | None:
    """(right, said) of a tag that must be right about so many; None when it need not, or too few declared the truth."""
    tag = found.tags.get(key)
    if tag is None or tag.at_least is None or not tag.truth:
        return None
    made = _compared(found, key)
    return made.precision("true" if tag.type is ValueType.FLAG else None) if made.enough else None


def _compared(found: Known, key: str) -> Compared:
    names = found.names
    return accuracy.compared(
        found.workspace.engine, found.graph, key, catalog=names, as_of=found.now, now=found.now
    )


def _shares(made: Compared, value: str | None) -> Json:
    return {
        name: _interval(*pair) if made.enough else None
        for name, pair in (("precision", made.precision(value)), ("recall", made.recall(value)))
    }


def _interval(right: int, of: int) -> Json | None:
    """A share with Wilson's interval; None where it is a share of nobody."""
    if not of:
        return None
    found = wilson(right, of)
    return {
        "share": round(found.value, 6),
        "low": round(found.low, 6),
        "high": round(found.high, 6),
        "right": right,
        "of": of,
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole > 0 else None
