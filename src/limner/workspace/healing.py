"""Verbs of tidying up: what is wrong with the tags as a whole, with numbers and proposals."""

from __future__ import annotations

from limner.errors import UsageError, did_you_mean
from limner.tags import lint
from limner.types import Json
from limner.workspace import definitions, judging
from limner.workspace.tagging import known_now
from limner.workspace.workspace import Workspace

LEVELS = ("", "bad", "warn", "note")


def tag_lint(workspace: Workspace, key: str = "", code: str = "", level: str = "") -> Json:
    """What somebody should look at in the tags: names, definitions, people, use, coverage, freshness, unrest.

    The same tags and values give the same findings in the same order. `key`, `code`, `level`: only such findings.
    """
    workspace.load()
    if level not in LEVELS:
        raise UsageError(f"unknown level '{level}'", where="level", hint=did_you_mean(level, LEVELS))
    found = known_now(workspace)
    churn = lint.churned(workspace.engine, now=found.now)
    known = {
        one: lint.Known(
            stale=str(row["freshness"]["reason"]),
            scheduled=row["freshness"]["next"] is not None,
            used=sum(row["used_by"].values()),
            churn=churn.get(one, 0),
            right=judging.right(found, one),
            users=tuple(
                f"{noun} {name}"
                for noun, users in zip(
                    ("tag", "audience", "campaign", "journey"), found.uses[one], strict=True
                )
                for name in sorted(users)
            ),
        )
        for one, row in found.rows.items()
    }
    findings = lint.lint(found.graph, found.columns, known, definitions.metrics(workspace))
    shown = [
        item
        for item in findings
        if (not key or key in item.tags) and code in ("", item.code) and level in ("", item.level)
    ]
    columns = found.columns
    return {
        "as_of": None if columns is None else columns.as_of.isoformat(),
        "tags": len(found.tags),
        "broken": sorted(found.broken),
        "counts": {word: sum(item.level == word for item in findings) for word in LEVELS[1:]},
        "findings": [
            {
                "level": item.level,
                "code": item.code,
                "tags": list(item.tags),
                "numbers": dict(item.numbers),
                "text": item.text,
                "hint": item.hint,
                "proposal": item.proposal,
            }
            for item in shown
        ],
    }
