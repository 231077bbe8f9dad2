"""Verbs of crowds: the portrait of an audience, and how audiences overlap."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

from limner.accounts.model import LOCAL, Caller, sees_personal
from limner.bitmap import Bitmap
from limner.errors import UsageError
from limner.expressions import Expr, to_text
from limner.expressions import tree as t
from limner.portraits import group
from limner.portraits.group import Distribution, Share
from limner.portraits.person import readable
from limner.tags.masking import hides, hiding
from limner.tags.model import Tag
from limner.types import MONEY_SCALE, Json, ValueType
from limner.workspace import definitions
from limner.workspace.knowing import exact
from limner.workspace.sizing import measured_all, tree_of
from limner.workspace.workspace import Workspace

MOST_TAGS = 100
"""A crowd's portrait shows so many tags, those that tell most first."""


def audience_portrait(
    workspace: Workspace, name: str, against: str = "", most: int = MOST_TAGS, caller: Caller = LOCAL
) -> Json:
    """Each tag's distribution in a crowd against everybody, or another crowd: TGI with its 95 % interval.

    `name`, `against`: a saved audience, or an expression. Tags and values come in the order of what they tell. Personal
    tags are left out for those who may not see them.
    """
    workspace.load()
    now = workspace.clock()
    crowd = tree_of(workspace, name)
    asked = [crowd, *([tree_of(workspace, against)] if against else [])]
    found, published = measured_all(workspace, asked, now)
    if published is None:
        raise UsageError("no tag is published yet", hint="limner tag run", code="no_tags")
    living = Bitmap.of_mask(published.alive)
    drawn = group.portrait(
        found[0].who & living, published, against=found[1].who & living if against else None
    )
    tags = definitions.tags(workspace)
    hidden = hiding(workspace.config.personal, mask=not sees_personal(caller.role))
    open_to = [item for item in drawn.tags if item.tag not in tags or not hides(tags[item.tag], hidden)]
    shown = sorted(open_to, key=_telling, reverse=True)
    return {
        "people": drawn.crowd,
        "everybody": int(published.alive.sum()),
        "base": drawn.base,
        "findings": drawn.findings,
        "as_of": now.isoformat(),
        "tags_as_of": published.as_of.isoformat(),
        "expression": to_text(crowd),
        "against": to_text(asked[1]) if against else None,
        "tags_in_all": len(shown),
        "tags": [_drawn(item, tags.get(item.tag), crowd) for item in shown[:most]],
    }


def _telling(tag: Distribution) -> tuple[float, float]:
    return max((_told(share) for share in tag.shares), default=(0.0, 0.0))


def _told(share: Share) -> tuple[float, float]:
    """How much a value tells of the crowd: the least difference that its interval allows, as a logarithm.

    Findings come before what may be chance.
    """
    if share.tgi is None:
        return (1.0, math.log(1 + share.crowd)) if share.significant else (0.0, 0.0)
    if share.tgi_low is None or share.tgi_high is None:
        # nobody of the crowd has it: at most 3 of so many would be missed in 95 of 100 draws
        expected = share.base_share * (share.crowd / share.crowd_share if share.crowd_share else 0.0)
        least = math.log(max(expected, 3.0) / 3.0)
    elif share.tgi_low > 100:
        least = math.log(share.tgi_low / 100)
    else:
        least = max(0.0, math.log(100 / share.tgi_high)) if share.tgi_high else 0.0
    return (1.0 if share.significant else 0.0, least)


def _drawn(item: Distribution, tag: Tag | None, crowd: Expr) -> Json:
    shares = sorted(item.shares, key=_told, reverse=True)
    listed = [share.value for share in item.shares if share.value is not None]
    return {
        "tag": item.tag,
        "titles": dict(tag.title) if tag else {},
        "nature": str(tag.nature) if tag else None,
        "method": str(tag.method) if tag else None,
        "category": "/".join(tag.category) if tag else "",
        "type": str(item.type),
        "mean": _mean(item.mean_crowd, item.type),
        "base_mean": _mean(item.mean_base, item.type),
        "values": [_value(item, share, listed, crowd) for share in shares],
    }


def _mean(value: float | None, kind: ValueType) -> float | str | None:
    if value is None:
        return None
    return exact(round(value), MONEY_SCALE) if kind is ValueType.MONEY else value


def _value(item: Distribution, share: Share, listed: list[Any], crowd: Expr) -> Json:
    condition = _condition(item, share, listed)
    return {
        "value": _worded(share, item.type),
        "is": "unknown"
        if share.unknown
        else "rest"
        if share.rest
        else "range"
        if share.value is None
        else "value",
        "of": _plain(share.value, item.type),
        "from": _plain(share.low, item.type),
        "below": _plain(share.high, item.type),
        "people": share.crowd,
        "share": share.crowd_share,
        "base_people": share.base,
        "base_share": share.base_share,
        "tgi": share.tgi,
        "low": share.tgi_low,
        "high": share.tgi_high,
        "p": share.p,
        "significant": share.significant,
        "condition": to_text(condition),
        "expression": to_text(t.And((crowd, condition))),
    }


def _worded(share: Share, kind: ValueType) -> str:
    """A value, or a bin [low, high) of values, as people read it."""
    if share.unknown or share.rest:
        return "unknown" if share.unknown else "all others"
    if share.value is not None:
        return str(readable(share.value, kind))
    shown = str(readable(share.low, kind))
    return f"{shown} and more" if share.high is None else f"{shown} to {readable(share.high, kind)}"


def _plain(value: Any, kind: ValueType) -> Any:
    """A value as JSON: money an exact decimal, an instant ISO."""
    if value is None:
        return None
    if kind is ValueType.MONEY:
        return exact(value, MONEY_SCALE)
    if kind is ValueType.INSTANT:
        return value.isoformat()
    return readable(value, kind)


def _condition(item: Distribution, share: Share, listed: list[Any]) -> Expr:
    """The condition of the people who have the value."""
    name = t.Name(item.tag)
    if share.unknown:
        return t.Not(t.Known(name))
    if share.rest:
        return t.And((t.Known(name), t.Not(t.Among(name, tuple(t.Text(label) for label in listed)))))
    if share.value is not None:
        return t.Compare(name, "=", _literal(share.value, item.type))
    low = t.Compare(name, ">=", _literal(share.low, item.type))
    if share.high is None:
        return low
    return t.And((low, t.Compare(name, "<", _literal(share.high, item.type))))


def _literal(value: Any, kind: ValueType) -> t.Literal:
    match kind:
        case ValueType.FLAG:
            return t.Flag(bool(value))
        case ValueType.INSTANT:
            return t.Instant(value.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
        case ValueType.NUMBER | ValueType.MONEY:
            return t.Number(readable(value, kind))
        case _:
            return t.Text(str(value))


def audience_overlap(workspace: Workspace, audiences: list[str]) -> Json:
    """How far 2 to 6 crowds (names or expressions) are the same people: sizes, pairs, and each part on its own."""
    workspace.load()
    if not 2 <= len(audiences) <= 6:
        raise UsageError("give 2 to 6 audiences", where="audiences", code="out_of_range")
    now = workspace.clock()
    trees = [tree_of(workspace, item) for item in audiences]
    found, _ = measured_all(workspace, trees, now)
    sets = [item.who for item in found]
    saved = definitions.saved_audiences(workspace)
    pairs = []
    for a, b in combinations(range(len(sets)), 2):
        both, either = len(sets[a] & sets[b]), len(sets[a] | sets[b])
        pairs.append(
            {
                "a": a,
                "b": b,
                "both": both,
                "either": either,
                "jaccard": both / either if either else None,
                "expression": to_text(t.And((trees[a], trees[b]))),
            }
        )
    return {
        "as_of": now.isoformat(),
        "everybody": len(found[0].everybody),
        "audiences": [
            {
                "audience": name,
                "titles": dict(saved[name].title) if name in saved else {},
                "expression": to_text(tree),
                "people": len(who),
            }
            for name, tree, who in zip(audiences, trees, sets, strict=True)
        ],
        "pairs": pairs,
        "parts": _parts(trees, sets),
    }


def _parts(trees: list[Expr], sets: list[Bitmap]) -> list[Json]:
    """Everybody who is in some of the crowds, by which; the largest part first, empty ones left out."""
    found = []
    for size in range(1, len(sets) + 1):
        for inside in combinations(range(len(sets)), size):
            who = sets[inside[0]]
            for place in range(len(sets)):
                who = who & sets[place] if place in inside else who - sets[place]
            if len(who):
                terms = tuple(
                    tree if place in inside else t.negated(tree) for place, tree in enumerate(trees)
                )
                found.append({"in": list(inside), "people": len(who), "expression": to_text(t.And(terms))})
    return sorted(found, key=lambda part: -int(part["people"]))
