"""Verbs of what people said to us: texts and replies, what each did, and which of them somebody has dealt with."""

from __future__ import annotations

from email.parser import BytesHeaderParser
from email.policy import default

from limner.accounts.model import LOCAL, Caller, sees_personal
from limner.errors import NotFoundError, UsageError
from limner.events import arrivals, wechat
from limner.feedback import handled, receipts, returns, shorts
from limner.feedback.returned import Kind
from limner.identity import people
from limner.tags.masking import masked
from limner.types import Json
from limner.workspace import knowing
from limner.workspace.paging import cursor_of, place_of, size_of
from limner.workspace.suppressing import NOBODY, living
from limner.workspace.workspace import Workspace

SAID = {receipts.REPLIED: "sms", wechat.MESSAGE: "wechat"}
"""What people say by event, and the channel on which they say it."""
MAIL = "email"
CHANNELS = (*SAID.values(), MAIL)
MAILS = (*returns.KEPT_KINDS, Kind.LEAVES.value)
"""Mails that somebody may have written: what nobody could read, and wishes to leave."""
MOST_MAILS = 200


def inbox_list(
    workspace: Workspace,
    channel: str = "",
    open: bool = True,
    person: str = "",
    limit: int = 50,
    cursor: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """What people said, the latest that came first: who, by which channel, about which message, and what it did.

    `open`: only what nobody has dealt with. Mails of which nobody knows the writer stand apart in `mails`.
    """
    workspace.load()
    size_of(limit)
    if channel and channel not in CHANNELS:
        raise UsageError(f"nothing is heard on '{channel}'", where="channel", hint=", ".join(CHANNELS))
    done = handled.ids(workspace.records) if open else []
    wanted = arrivals.Wanted(
        names=tuple(event for event, kind in SAID.items() if channel in ("", kind)),
        besides=tuple(done),
        ix=knowing.person_ix(workspace, person) if person else None,
    )
    below = _place(cursor) if cursor else arrivals.end(workspace.engine) + 1
    found = arrivals.latest(workspace.engine, wanted, limit=limit + 1, below=below) if channel != MAIL else []
    shown = found[:limit]
    mails = [] if cursor or person or channel not in ("", MAIL) else _mails(workspace, open, caller)
    return {
        "said": _said(workspace, [row for _, row in shown], caller),
        "mails": mails,
        "next": cursor_of(shown[-1][0]) if len(found) > limit else None,
        "masked": not sees_personal(caller.role),
    }


def _said(workspace: Workspace, rows: list[Json], caller: Caller) -> list[Json]:
    ixs = sorted({row["ix"] for row in rows if row["ix"] is not None})
    ids = {row["ix"]: row["person_id"] for row in people.person_ids(workspace.engine, ixs).to_pylist()}
    names = living(workspace, list(ids.values()), caller)
    marks = handled.of(workspace.records, [row["id"] for row in rows])
    shown = sees_personal(caller.role)
    made = []
    for row in rows:
        about = row["properties"]
        text = str(about.get("text") or "")
        who = names.get(ids.get(row["ix"], ""), NOBODY)
        made.append(
            {
                "id": row["id"],
                "at": row["at"],
                "channel": SAID[row["event"]],
                "kind": str(about.get("kind") or "text"),
                "text": text if shown else masked(text),
                "person": who["person"],
                "name": who["name"],
                "called": who["id"],
                "campaign": str(about.get("campaign") or ""),
                "left": row["event"] == receipts.REPLIED and shorts.leaves(text),
                "answered": str(about.get("keyword") or ""),
                "handled": _mark(marks.get(row["id"])),
            }
        )
    return made


def _mark(mark: handled.Handled | None) -> Json | None:
    return None if mark is None else {"by": mark.by, "at": mark.at.isoformat(), "note": mark.note}


def _mails(workspace: Workspace, open: bool, caller: Caller) -> list[Json]:
    """The latest mails, with who and what their heads say, as long as they are kept."""
    found = returns.listed(workspace.records, kinds=MAILS, limit=MOST_MAILS)
    marks = handled.of(workspace.records, [row["id"] for row in found])
    heads = returns.heads(workspace.records, [row["id"] for row in found if row["kept"]])
    shown = sees_personal(caller.role)
    made = []
    for row in found:
        if open and row["id"] in marks:
            continue
        head = BytesHeaderParser(policy=default).parsebytes(heads.get(row["id"], b""))
        who, what = str(head.get("from", "")), str(head.get("subject", ""))
        made.append(
            {
                "id": row["id"],
                "at": row["at"],
                "kind": row["kind"],
                "sender": who if shown else masked(who),
                "subject": what if shown else masked(what),
                "kept": row["kept"],
                "left": row["kind"] == Kind.LEAVES.value,
                "handled": _mark(marks.get(row["id"])),
            }
        )
    return made


def _place(cursor: str) -> int:
    (place,) = place_of(cursor, 1)
    if not isinstance(place, int):
        raise UsageError("this cursor was not given by this list", where="cursor", code="bad_cursor")
    return place


def inbox_handle(
    workspace: Workspace, id: str, note: str = "", handled: bool = True, caller: Caller = LOCAL
) -> Json:
    """Somebody has dealt with what was said (or has not after all), and what is to be remembered of it."""
    workspace.load()
    _set(workspace, id, _whose(workspace, id), note, handled, caller)
    return {"id": id, "handled": handled, "note": note if handled else ""}


def _set(workspace: Workspace, id: str, person: str, note: str, done: bool, caller: Caller) -> None:
    if done:
        handled.mark(workspace.records, id, person=person, by=caller.name, note=note, now=workspace.clock())
    else:
        handled.unmark(workspace.records, id)


def _whose(workspace: Workspace, id: str) -> str:
    """The person who said it, '' where nobody knows. Raises NotFoundError for what nobody said."""
    ix = arrivals.said_by(workspace.engine, id, tuple(SAID))
    if ix is not None:
        found = people.person_ids(workspace.engine, [ix]).to_pylist() if ix >= 0 else []
        return str(found[0]["person_id"]) if found else ""
    if any(row["id"] == id for row in returns.listed(workspace.records, kinds=MAILS, limit=MOST_MAILS)):
        return ""
    raise NotFoundError("nobody said this", where="id", hint="limner inbox list")
