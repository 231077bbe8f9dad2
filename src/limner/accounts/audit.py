"""Who did what: a list to which rows are only appended, each holding the hash of the one before.

A row that is changed, removed, inserted or moved breaks the chain there. Rows cut off at the end are found
by who remembers an earlier head. Details hold neither personal values nor secrets.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from limner.accounts.keys import instant, micros
from limner.accounts.model import Caller
from limner.errors import CancelledError, UsageError
from limner.store.records import Records
from limner.types import Json

FIRST = "0" * 64
"""What the first row holds in place of a hash before it."""

CONTENT = ("seq", "at", "caller_kind", "caller_id", "caller_name", "action", "kind", "subject", "detail")


@dataclass(frozen=True)
class Entry:
    """One row: who (`caller_*`) did what (`action`, of this `kind`) to whom or what (`subject`)."""

    seq: int
    at: datetime
    caller_kind: str
    caller_id: str
    caller_name: str
    action: str
    kind: str
    subject: str
    detail: Json
    hash: str


def append(
    to: Connection | Records,
    *,
    at: datetime,
    caller: Caller,
    action: str,
    kind: str,
    subject: str,
    detail: Json,
) -> int:
    """The sequence number of a new row.

    Given a connection (of `Records.begin`) it is written with that transaction, or not at all.
    """
    if isinstance(to, Records):
        with to.begin() as connection:
            return append(
                connection, at=at, caller=caller, action=action, kind=kind, subject=subject, detail=detail
            )
    last = to.execute(text("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")).first()
    seq, previous = (1, FIRST) if last is None else (last.seq + 1, last.hash)
    row = {
        "seq": seq,
        "at": micros(at),
        "caller_kind": caller.kind,
        "caller_id": caller.id,
        "caller_name": caller.name,
        "action": action,
        "kind": kind,
        "subject": subject,
        "detail": _canonical(detail),
    }
    to.execute(
        text(
            "INSERT INTO audit (seq, at, caller_kind, caller_id, caller_name, action, kind, subject, detail,"
            " previous, hash) VALUES (:seq, :at, :caller_kind, :caller_id, :caller_name, :action, :kind,"
            " :subject, :detail, :previous, :hash)"
        ),
        {**row, "previous": previous, "hash": _linked(previous, row)},
    )
    return seq


def listed(
    records: Records,
    *,
    limit: int,
    before: int | None = None,
    caller: str = "",
    action: str = "",
    kind: str = "",
    subject: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Entry]:
    """At most `limit` rows older than row `before`, newest first; each condition that is given must hold.

    `caller` is an id or a name; `since` and `until` bound the time half-open.
    """
    conditions = {
        "seq < :before": before,
        "(caller_id = :caller OR caller_name = :caller)": caller or None,
        "action = :action": action or None,
        "kind = :kind": kind or None,
        "subject = :subject": subject or None,
        "at >= :since": None if since is None else micros(since),
        "at < :until": None if until is None else micros(until),
    }
    held = [condition for condition, value in conditions.items() if value is not None]
    names = ("before", "caller", "action", "kind", "subject", "since", "until")
    values = {n: v for n, v in zip(names, conditions.values(), strict=True) if v is not None}
    where = f" WHERE {' AND '.join(held)}" if held else ""
    with records.read() as connection:
        found = connection.execute(
            text(f"SELECT * FROM audit{where} ORDER BY seq DESC LIMIT :limit"), {**values, "limit": limit}
        ).mappings()
        return [_entry(row) for row in found]


def head(records: Records) -> str:
    """`SEQ:HASH` of the last row, to be remembered elsewhere; empty when there is none."""
    with records.read() as connection:
        last = connection.execute(text("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")).first()
    return "" if last is None else f"{last.seq}:{last.hash}"


def verify(records: Records, *, head: str = "", stopped: Callable[[], bool] = lambda: False) -> Json:
    """{ok, rows, head, first_wrong: {seq, why} or None}: whether every row is as it was written.

    `head`: what an earlier answer said; rows cut off since then are found by it. Raises CancelledError when
    `stopped` says so on the way.
    """
    remembered = _remembered(head)
    previous, expected, wrong = FIRST, 1, None
    rows, last = 0, ""
    with records.read() as connection:
        for row in connection.execute(text("SELECT * FROM audit ORDER BY seq")).mappings():
            rows, last = rows + 1, f"{row['seq']}:{row['hash']}"
            if rows % 1_000 == 0 and stopped():
                raise CancelledError("the verification was stopped")
            if wrong is None:
                why = _wrong(row, expected, previous)
                if why is None and remembered is not None and row["seq"] == remembered[0]:
                    why = None if row["hash"] == remembered[1] else "it is not the row that was remembered"
                wrong = None if why is None else {"seq": min(expected, row["seq"]), "why": why}
                previous, expected = row["hash"], expected + 1
    if wrong is None and remembered is not None and rows < remembered[0]:
        wrong = {"seq": rows + 1, "why": f"the last {remembered[0] - rows} remembered rows are missing"}
    return {"ok": wrong is None, "rows": rows, "head": last, "first_wrong": wrong}


def _wrong(row: Any, expected: int, previous: str) -> str | None:
    if row["seq"] != expected:
        return f"row {min(expected, row['seq'])} is missing or out of order"
    if row["previous"] != previous:
        return "it does not follow the row before it"
    if row["hash"] != _linked(previous, {name: row[name] for name in CONTENT}):
        return "its content is not what was written"
    return None


def _remembered(head: str) -> tuple[int, str] | None:
    if not head:
        return None
    seq, _, hashed = head.partition(":")
    if not seq.isdecimal() or len(hashed) != len(FIRST):
        raise UsageError("a head is written SEQ:HASH", where="head", hint="limner audit verify --json")
    return int(seq), hashed


def _linked(previous: str, row: Json) -> str:
    return hashlib.sha256((previous + _canonical(row)).encode()).hexdigest()


def _canonical(content: Json) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str)


def _entry(row: Any) -> Entry:
    return Entry(
        row["seq"],
        instant(row["at"]),
        row["caller_kind"],
        row["caller_id"],
        row["caller_name"],
        row["action"],
        row["kind"],
        row["subject"],
        json.loads(row["detail"]),
        row["hash"],
    )
