"""Verbs of the addresses that are written to no more: who, why, and how one is added or taken off by hand."""

from __future__ import annotations

import re
from collections.abc import Sequence

from limner.accounts.keys import micros
from limner.accounts.model import LOCAL, Caller, sees_personal
from limner.channels.kinds import KINDS
from limner.consents import ledger
from limner.consents.model import (
    BLOCKED,
    COMPLAINED,
    MARKETING,
    NOBODY_ASKED,
    REASONS,
    UNSUBSCRIBED,
    address_hash,
    objection,
)
from limner.errors import ConflictError, NotFoundError, UsageError
from limner.identity import erase as identity
from limner.identity import people
from limner.touches import stopped
from limner.touches.stopped import Which
from limner.types import Json
from limner.workspace import knowing, previewing
from limner.workspace.paging import cursor_of, place_of, size_of
from limner.workspace.workspace import Workspace

BY_HAND = (UNSUBSCRIBED, BLOCKED)
"""Why an address is added by hand: its owner wants no advertising, or nothing at all may be sent there."""

NOBODY: Json = {"person": None, "name": None, "id": None}

_HASH = re.compile(r"[0-9a-f]{64}")


def suppression_list(
    workspace: Workspace,
    channel: str = "",
    reason: str = "",
    q: str = "",
    limit: int = 50,
    cursor: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """The addresses that are written to no more, the latest first, and how many there are by channel and reason.

    Addresses are kept as keyed hashes alone. `q`: an address, or a person by id or kind:value.
    """
    workspace.load()
    size_of(limit)
    if channel:
        _known(channel, tuple(KINDS), "channel")
    if reason:
        _known(reason, REASONS, "reason")
    which = Which(channel, reason, _among(workspace, q.strip()) if q.strip() else None)
    after = None
    if cursor:
        at, last_channel, address = place_of(cursor, 3)
        after = (int(at), str(last_channel), str(address))
    found = stopped.page(workspace.records, which, limit=limit + 1, after=after)
    shown = found[:limit]
    names = living(workspace, [one.person for one in shown], caller)
    last = shown[-1] if len(found) > limit else None
    counts = stopped.counted(workspace.records, which)
    return {
        "suppressed": [
            {
                "channel": one.channel,
                "hash": one.address_hash,
                "reason": one.reason,
                "at": one.at.isoformat(),
                **names.get(one.person, NOBODY),
            }
            for one in shown
        ],
        "counts": [{"channel": name, "reason": why, "addresses": n} for name, why, n in counts],
        "total": sum(n for _, _, n in counts),
        "next": cursor_of(micros(last.at), last.channel, last.address_hash) if last else None,
        "masked": not sees_personal(caller.role),
    }


def suppression_add(
    workspace: Workspace, channel: str, address: str, why: str, reason: str = UNSUBSCRIBED
) -> Json:
    """The address is written to no more: `unsubscribed` ends advertising, `blocked` everything.

    `why` stands in the audit. An address that is stopped already keeps its first reason, unless `blocked` stops more.
    """
    _known(channel, tuple(KINDS), "channel")
    _known(reason, BY_HAND, "reason")
    if not address.strip():
        raise UsageError("which address?", where="address", code="missing")
    _said(why, "say why it may not be written to")
    hashed = address_hash(workspace.secret, channel, address)
    now = workspace.clock()
    before = stopped.reason_of(workspace.records, channel, hashed)
    if reason == BLOCKED:
        ledger.block(workspace.records, channel, hashed, now=now)
    else:
        ledger.unsubscribe(
            workspace.records,
            channel=channel,
            address_hash=hashed,
            person=stopped.whose(workspace.records, channel, hashed),
            now=now,
            proof="by hand",
        )
    after = stopped.reason_of(workspace.records, channel, hashed)
    return {"channel": channel, "hash": hashed, "reason": after, "added": before is None, "why": why}


def suppression_remove(workspace: Workspace, channel: str, address: str, why: str) -> Json:
    """The address may be written to again, as far as its consent goes: a withdrawn consent stays withdrawn.

    `address`: itself, or its keyed hash as the list shows it. `why` stands in the audit.
    """
    _known(channel, tuple(KINDS), "channel")
    _said(why, "say why it may be written to again")
    hashed = address if _HASH.fullmatch(address) else address_hash(workspace.secret, channel, address)
    reason = stopped.reason_of(workspace.records, channel, hashed)
    if reason is None:
        raise NotFoundError(
            "this address is not on the list", where="address", hint="limner suppression list"
        )
    if reason == COMPLAINED:
        raise ConflictError(
            "who complained is written to no more: only they themselves can ask for messages again",
            where="address",
            code="complained",
        )
    ledger.lift(workspace.records, channel, hashed)
    with workspace.records.read() as connection:
        standing = ledger.standings(connection, channel, [hashed]).get(hashed, NOBODY_ASKED)
    return {
        "channel": channel,
        "hash": hashed,
        "reason": reason,
        "why": why,
        "still": objection(standing, MARKETING),
    }


def living(workspace: Workspace, person_ids: Sequence[str], caller: Caller) -> dict[str, Json]:
    """Person, name and id by outward id, also of those who are part of another now; the erased are absent."""
    ixs = people.persons_of(workspace.engine, [one for one in person_ids if one])
    rows = people.person_ids(workspace.engine, sorted(set(ixs.values()))).to_pylist()
    ids = {row["ix"]: row["person_id"] for row in rows}
    names = previewing.names_of(workspace, sorted(ids.values()), caller)
    return {was: names[ids[ix]] for was, ix in ixs.items() if ids.get(ix) in names}


def _among(workspace: Workspace, q: str) -> list[str]:
    """The keyed hashes that a search means: of an address on any channel, of a person's, or one itself."""
    if _HASH.fullmatch(q):
        return [q]
    found = {address_hash(workspace.secret, kind, q) for kind in KINDS}
    try:
        ix = knowing.person_ix(workspace, q)
    except NotFoundError:
        return sorted(found)
    person_ids, words = identity.traces(workspace.engine, ix)
    found.update(address_hash(workspace.secret, kind, word) for kind in KINDS for word in words)
    found.update(stopped.of_people(workspace.records, person_ids))
    return sorted(found)


def _known(word: str, words: Sequence[str], where: str) -> None:
    if word not in words:
        raise UsageError(
            f"unknown {where}: '{word}'", where=where, code=f"unknown_{where}", hint=", ".join(words)
        )


def _said(why: str, wanted: str) -> None:
    if not why.strip():
        raise UsageError(wanted, where="why", code="missing")
