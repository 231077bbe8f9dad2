"""How long each tag took: what every run writes down of its tags, and a tag's last runs."""

from __future__ import annotations

import json
from collections.abc import Set
from datetime import datetime
from typing import Any

from sqlalchemy import text

from limner.accounts.keys import instant, micros
from limner.store.records import Records
from limner.tags.run import RunReport
from limner.types import Json
from limner.workspace.runs import eta_of
from limner.workspace.workspace import Workspace

KEPT = 50
"""Of each tag the times of so many runs are kept."""

LOOKED_AT = 200
"""So many of the last runs of tags are looked through."""


def keep(workspace: Workspace, detail: Json, report: RunReport) -> None:
    """Writes what the run did into its detail, and how long each of its tags took.

    Tags that were computed together, in one pass over the events, have the seconds of that pass and the number of tags
    in it; on a cluster, where tags are computed beside each other, the seconds are null.
    """
    detail.update({"tags": len(report.tags), "changes": report.changes, "epoch": report.epoch})
    together = sum(tag.seconds is None for tag in report.tags)
    shared = report.seconds.get("statistics") if workspace.config.engine == "duckdb" else None
    rows = [
        {
            "tag": tag.tag,
            "run": report.run,
            "at": micros(workspace.clock()),
            "seconds": shared if tag.seconds is None else tag.seconds,
            "together": together if tag.seconds is None else 1,
            "carried": int(tag.seconds is None and report.carried is not None),
            "people": tag.people,
            "entered": tag.entered,
            "left": tag.left,
        }
        for tag in report.tags
    ]
    if not rows:
        return
    with workspace.records.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO tag_times VALUES"
                " (:tag, :run, :at, :seconds, :together, :carried, :people, :entered, :left)"
            ),
            rows,
        )
        connection.execute(
            text(
                "DELETE FROM tag_times WHERE (tag, run) IN (SELECT tag, run FROM (SELECT tag, run, ROW_NUMBER()"
                " OVER (PARTITION BY tag ORDER BY at DESC) AS place FROM tag_times) AS ranked WHERE place > :kept)"
            ),
            {"kept": KEPT},
        )


def runs_of(records: Records, key: str, *, asked: Set[str], limit: int, now: datetime) -> list[Json]:
    """The last runs that computed the tag, or should have, the latest first.

    `asked`: whoever asks for one of these tags asks for this one. `took` is null when the run did not compute it, or
    did before times were kept; `eta_seconds` of a run that goes on, when like runs were done before.
    """
    with records.read() as connection:
        rows = connection.execute(
            text("SELECT * FROM runs WHERE what = 'tag run' ORDER BY started_at DESC, id DESC LIMIT :looked"),
            {"looked": LOOKED_AT},
        ).mappings().all()  # fmt: skip
        times = {
            row["run"]: row
            for row in connection.execute(
                text("SELECT * FROM tag_times WHERE tag = :tag"), {"tag": key}
            ).mappings()
        }
    listed = []
    for row in rows:
        keys = [part for part in row["subject"].split(", ") if part]
        if row["id"] in times or not keys or not asked.isdisjoint(keys):
            ended = row["ended_at"]
            listed.append(
                {
                    "run": row["id"],
                    "keys": keys,
                    "status": row["status"],
                    "started_at": instant(row["started_at"]).isoformat(),
                    "seconds": None if ended is None else round((ended - row["started_at"]) / 1e6, 3),
                    "eta_seconds": eta_of(records, row, now=now),
                    "took": _took(times.get(row["id"])),
                    "error": json.loads(row["detail"]).get("error"),
                }
            )
    return listed[:limit]


def _took(row: Any) -> Json | None:
    return row and {
        "seconds": None if row["seconds"] is None else round(row["seconds"], 4),
        "together": row["together"],
        "carried": bool(row["carried"]),
        "people": row["people"],
        "entered": row["entered"],
        "left": row["left"],
    }
