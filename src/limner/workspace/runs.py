"""Runs: what was computed or sent, when, and how it ended. A failed run alerts."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from statistics import median
from typing import Any

import structlog
from sqlalchemy import text

from limner.accounts.keys import instant, micros
from limner.channels import webhook
from limner.errors import CancelledError, ChannelError, LimnerError
from limner.store.records import Records
from limner.types import Clock, Json
from limner.workspace.paging import cursor_of, place_of, size_of

log = structlog.get_logger("limner.run")


class Runs:
    """The history of runs in the record store."""

    def __init__(self, records: Records, clock: Clock, *, alert_webhook: str = "") -> None:
        self._records = records
        self._clock = clock
        self._webhook = alert_webhook

    @contextmanager
    def run(self, what: str, subject: str = "") -> Iterator[Json]:
        """A recorded run: the block fills its detail; an error ends it as failed, alerts and goes on."""
        run_id = uuid.uuid4().hex
        detail: Json = {}
        with self._records.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO runs (id, what, subject, started_at, status, detail)"
                    " VALUES (:id, :what, :subject, :now, 'running', '{}')"
                ),
                {"id": run_id, "what": what, "subject": subject, "now": micros(self._clock())},
            )
        detail["run"] = run_id
        try:
            yield detail
        except CancelledError:
            self._end(run_id, "cancelled", detail)
            raise
        except BaseException as error:
            self._end(run_id, "failed", {**detail, "error": str(error)})
            if not isinstance(error, KeyboardInterrupt):
                self.alert(f"{what} failed", {"subject": subject, "error": str(error), "run": run_id})
            raise
        self._end(run_id, "done", detail)
        log.info("run done", what=what, subject=subject, run=run_id)

    def _end(self, run_id: str, status: str, detail: Json) -> None:
        with self._records.begin() as connection:
            connection.execute(
                text("UPDATE runs SET ended_at = :now, status = :status, detail = :detail WHERE id = :id"),
                {
                    "now": micros(self._clock()),
                    "status": status,
                    "detail": json.dumps(detail, ensure_ascii=False, default=str),
                    "id": run_id,
                },
            )

    def alert(self, what: str, detail: Json) -> None:
        """Told to the log, the metrics and the webhook; a webhook that fails is itself logged, never raised."""
        now = self._clock()
        log.error("alert", what=what, **detail)
        with self._records.begin() as connection:
            connection.execute(
                text("INSERT INTO alerts (at, what, detail) VALUES (:at, :what, :detail)"),
                {
                    "at": micros(now),
                    "what": what,
                    "detail": json.dumps(detail, ensure_ascii=False, default=str),
                },
            )
        if self._webhook:
            try:
                webhook.post(
                    self._webhook,
                    kind="limner.alert",
                    data={"what": what, **detail},
                    message_id=uuid.uuid4().hex,
                    at=now,
                )
            except ChannelError as error:
                log.error("the alert webhook failed", error=str(error))

    def abandoned(self) -> int:
        """Runs that a killed process left as running become failed; the answer is how many."""
        with self._records.begin() as connection:
            changed = connection.execute(
                text(
                    "UPDATE runs SET status = 'failed', ended_at = :now, detail = :detail"
                    " WHERE status = 'running'"
                ),
                {"now": micros(self._clock()), "detail": json.dumps({"error": "the process ended"})},
            )
            connection.execute(
                text("UPDATE imports SET status = 'failed', ended_at = :now WHERE status = 'running'"),
                {"now": micros(self._clock())},
            )
        return int(changed.rowcount)

    def latest(self, limit: int, cursor: str = "") -> tuple[list[Json], str | None]:
        """The latest runs, newest first, and the next cursor."""
        values: dict[str, Any] = {"limit": size_of(limit) + 1}
        after = ""
        if cursor:
            values["at"], values["id"] = place_of(cursor, 2)
            after = " WHERE (started_at, id) < (:at, :id)"
        with self._records.read() as connection:
            found = (
                connection.execute(
                    text(f"SELECT * FROM runs{after} ORDER BY started_at DESC, id DESC LIMIT :limit"), values
                )
                .mappings()
                .all()
            )
        shown = found[:limit]
        more = len(found) > limit
        now = self._clock()
        return (
            [{**_shown(row), "eta_seconds": eta_of(self._records, row, now=now)} for row in shown],
            cursor_of(shown[-1]["started_at"], shown[-1]["id"]) if more else None,
        )

    def failures(self) -> int:
        """How many runs failed, ever."""
        with self._records.read() as connection:
            return int(
                connection.execute(text("SELECT COUNT(*) FROM runs WHERE status = 'failed'")).scalar_one()
            )


def _shown(row: Any) -> Json:
    ended = row["ended_at"]
    return {
        "run": row["id"],
        "what": row["what"],
        "subject": row["subject"],
        "status": row["status"],
        "started_at": instant(row["started_at"]).isoformat(),
        "seconds": None if ended is None else round((ended - row["started_at"]) / 1e6, 3),
        "detail": json.loads(row["detail"]),
    }


ALIKE = 5
"""How long a run usually takes is the median of so many of the last ones like it."""


def eta_of(records: Records, row: Any, *, now: datetime) -> float | None:
    """In how many seconds a run that goes on will end, as runs of the same usually do.

    None when it has ended, when none like it was done before, or when it takes longer than usual.
    """
    if row["status"] != "running":
        return None
    with records.read() as connection:
        took = connection.execute(
            text(
                "SELECT ended_at - started_at FROM runs WHERE what = :what AND subject = :subject"
                " AND status = 'done' ORDER BY started_at DESC LIMIT :alike"
            ),
            {"what": row["what"], "subject": row["subject"], "alike": ALIKE},
        ).scalars().all()  # fmt: skip
    return left_of(took, micros(now) - row["started_at"])


def left_of(took: Sequence[int], passed: float) -> float | None:
    """The seconds that are left when `passed` of what it usually `took` are over, all in microseconds."""
    if not took:
        return None
    left = median(took) - passed
    return round(left / 1e6, 1) if left >= 0 else None


def done_schedules(records: Records) -> dict[str, datetime]:
    """The last instant at which each schedule was done."""
    with records.read() as connection:
        found = connection.execute(
            text("SELECT what, MAX(due_at) AS due_at FROM schedules_done GROUP BY what")
        ).mappings()
        return {row["what"]: instant(row["due_at"]) for row in found}


def claim_schedule(records: Records, key: str, due_at: datetime, run_id: str) -> bool:
    """Whether this instant of the schedule is ours to do: true exactly once."""
    with records.begin() as connection:
        made = connection.execute(
            text(
                "INSERT INTO schedules_done (what, due_at, run) VALUES (:what, :due_at, :run)"
                " ON CONFLICT DO NOTHING"
            ),
            {"what": key, "due_at": micros(due_at), "run": run_id},
        )
    return bool(made.rowcount)


def said(error: LimnerError) -> Json:
    """An error as a definition problem is listed."""
    return {"where": error.where, "message": error.message, "hint": error.hint, "code": error.code}
