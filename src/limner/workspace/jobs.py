"""Jobs: verbs that take their time. Each has progress, an end that can be guessed, and an answer that stays.

The end is guessed by how long the last jobs of the same took, and by its own progress where there were none or where
it takes longer. A job goes on when whoever began it looks away. It ends as done, failed or cancelled; one that the
process did not survive is failed.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import text

from limner.accounts.keys import instant, micros
from limner.accounts.model import Caller
from limner.errors import CancelledError, ConflictError, LimnerError, NotFoundError
from limner.store.records import Records
from limner.types import Clock, Json, Progress
from limner.workspace.paging import cursor_of, place_of, size_of
from limner.workspace.runs import ALIKE, left_of

log = structlog.get_logger("limner.job")

AT_ONCE = 3
"""So many jobs run beside each other; others wait."""

STATES = ("waiting", "running", "done", "failed", "cancelled")


@dataclass
class _Live:
    """What only the process knows of a job: how far it is."""

    what: str = ""
    done: int = 0
    total: int = 0
    began: float | None = None
    took: Sequence[int] = ()
    stop: threading.Event = field(default_factory=threading.Event)


class Jobs:
    """The jobs of one workspace: their records, and the threads that do them."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._live: dict[str, _Live] = {}
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="limner-job")
        with records.begin() as connection:
            connection.execute(
                text(
                    "UPDATE jobs SET status = 'failed', ended_at = :now, error = :error"
                    " WHERE status IN ('waiting', 'running')"
                ),
                {"now": micros(clock()), "error": json.dumps(_said(LimnerError("the process ended")))},
            )

    def begin(self, verb: str, subject: str, caller: Caller, work: Callable[[Progress], Json]) -> str:
        """The id of a new job, which begins as soon as a thread is free."""
        job = uuid.uuid4().hex
        with self._records.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO jobs (id, verb, subject, status, by, started_at)"
                    " VALUES (:id, :verb, :subject, 'waiting', :by, :now)"
                ),
                {
                    "id": job,
                    "verb": verb,
                    "subject": subject,
                    "by": caller.name,
                    "now": micros(self._clock()),
                },
            )
        self._live[job] = _Live(took=self._took(verb, subject))
        self._pool.submit(self._do, job, work)
        return job

    def _took(self, verb: str, subject: str) -> Sequence[int]:
        """The microseconds that the last jobs of this verb about this subject took."""
        with self._records.read() as connection:
            found = connection.execute(
                text(
                    "SELECT ended_at - started_at FROM jobs WHERE verb = :verb AND subject = :subject"
                    " AND status = 'done' ORDER BY started_at DESC LIMIT :alike"
                ),
                {"verb": verb, "subject": subject, "alike": ALIKE},
            )
            return found.scalars().all()

    def _do(self, job: str, work: Callable[[Progress], Json]) -> None:
        live = self._live[job]

        def progress(what: str, done: int, total: int) -> None:
            live.what, live.done, live.total = what, done, total
            if live.stop.is_set():
                raise CancelledError("cancelled")

        answer: Json | None = None
        error: LimnerError | None = None
        try:
            progress("", 0, 0)
            live.began = time.monotonic()
            self._mark(job, "running")
            answer = work(progress)
            status = "done"
        except CancelledError:
            status = "cancelled"
        except LimnerError as wrong:
            status, error = "failed", wrong
        except Exception as wrong:  # the thread must outlive any work; whoever asks sees that it failed
            log.error("a job failed", job=job, error=type(wrong).__name__, exc_info=wrong)
            status, error = "failed", LimnerError("something went wrong here; it was logged", code="internal")
        self._mark(job, status, answer=answer, error=error)
        self._live.pop(job, None)

    def _mark(
        self, job: str, status: str, *, answer: Json | None = None, error: LimnerError | None = None
    ) -> None:
        ended = status not in ("waiting", "running")
        with self._records.begin() as connection:
            connection.execute(
                text(
                    "UPDATE jobs SET status = :status, ended_at = :ended, answer = :answer, error = :error"
                    " WHERE id = :id"
                ),
                {
                    "id": job,
                    "status": status,
                    "ended": micros(self._clock()) if ended else None,
                    "answer": None if answer is None else json.dumps(answer, ensure_ascii=False, default=str),
                    "error": None if error is None else json.dumps(_said(error), ensure_ascii=False),
                },
            )

    def show(self, job: str) -> Json:
        """One job. Raises NotFoundError."""
        with self._records.read() as connection:
            row = (
                connection.execute(text("SELECT * FROM jobs WHERE id = :id"), {"id": job}).mappings().first()
            )
        if row is None:
            raise NotFoundError(f"there is no job '{job}'")
        return self._shown(row)

    def listed(self, *, status: str, by: str, limit: int, cursor: str) -> tuple[list[Json], str | None]:
        """Jobs, the latest first; of one status or one caller when they are named."""
        conditions, values = ["TRUE"], {"limit": size_of(limit) + 1, "status": status, "by": by}
        if status == "running":
            conditions.append("status IN ('waiting', 'running')")
        elif status:
            conditions.append("status = :status")
        if by:
            conditions.append("by = :by")
        if cursor:
            values["at"], values["id"] = place_of(cursor, 2)
            conditions.append("(started_at, id) < (:at, :id)")
        with self._records.read() as connection:
            rows = connection.execute(
                text(
                    f"SELECT * FROM jobs WHERE {' AND '.join(conditions)}"
                    " ORDER BY started_at DESC, id DESC LIMIT :limit"
                ),
                values,
            ).mappings().all()  # fmt: skip
        shown = rows[:limit]
        more = len(rows) > limit
        return (
            [self._shown(row) for row in shown],
            cursor_of(shown[-1]["started_at"], shown[-1]["id"]) if more else None,
        )

    def cancel(self, job: str) -> Json:
        """Asks the job to end; it does at its next step. Raises ConflictError when it has ended."""
        shown = self.show(job)
        live = self._live.get(job)
        if live is None:
            raise ConflictError(f"this job is {shown['status']} already")
        live.stop.set()
        return self.show(job)

    def close(self) -> None:
        """Asks every job to end and waits until they have."""
        for live in list(self._live.values()):
            live.stop.set()
        self._pool.shutdown(wait=True)

    def _shown(self, row: Any) -> Json:
        live = self._live.get(row["id"])
        eta = None
        if live is not None and live.began is not None:
            passed = time.monotonic() - live.began
            eta = left_of(live.took, passed * 1e6)
            if eta is None and 0 < live.done <= live.total:
                eta = round(passed / live.done * (live.total - live.done), 1)
        return {
            "id": row["id"],
            "verb": row["verb"],
            "subject": row["subject"],
            "status": row["status"],
            "by": row["by"],
            "what": live.what if live else "",
            "done": live.done if live else 0,
            "total": live.total if live else 0,
            "eta_seconds": eta,
            "started_at": instant(row["started_at"]).isoformat(),
            "ended_at": None if row["ended_at"] is None else instant(row["ended_at"]).isoformat(),
            "answer": None if row["answer"] is None else json.loads(row["answer"]),
            "error": None if row["error"] is None else json.loads(row["error"]),
        }


def _said(error: LimnerError) -> Json:
    return {"code": error.code, "message": error.message, "path": error.where, "hint": error.hint}
