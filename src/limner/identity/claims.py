"""What the rows of a batch claim: who logged in where, whose key it is, which ids are one. Pure columns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from limner.identity.mentions import Mentions
from limner.identity.stitch import FOREVER, NOBODY, Flags, Ints

LOGIN, KEY, ALIAS, CUT = 0, 1, 2, 3
WORDS = ("login", "key", "alias", "cut")


@dataclass(frozen=True)
class Claims:
    """`a`, `b`: identifiers (codes of a batch, or ordinals); `ts`; `what`; `row` of the batch or NOBODY."""

    a: Ints
    b: Ints
    ts: Ints
    what: Ints
    row: Ints

    def __len__(self) -> int:
        return len(self.a)

    def only(self, rows: Flags | Ints) -> Claims:
        """Some of the claims."""
        return Claims(self.a[rows], self.b[rows], self.ts[rows], self.what[rows], self.row[rows])

    def plus(self, other: Claims) -> Claims:
        """Both lots, this one first."""
        return Claims(
            np.concatenate((self.a, other.a)),
            np.concatenate((self.b, other.b)),
            np.concatenate((self.ts, other.ts)),
            np.concatenate((self.what, other.what)),
            np.concatenate((self.row, other.row)),
        )

    def numbered(self, i: Ints) -> Claims:
        """The same claims about ordinals: `i` holds the ordinal of each code."""
        return Claims(i[self.a], i[self.b], self.ts, self.what, self.row)

    def is_(self, *what: int) -> Flags:
        """Which of the claims are of these kinds."""
        return np.isin(self.what, what)


def nothing() -> Claims:
    """No claims."""
    empty = np.zeros(0, dtype=np.int64)
    return Claims(empty, empty, empty, empty, empty)


def claimed(said: Mentions) -> Claims:
    """All claims of a batch, by row; repeated ones included.

    Who acts (the user id, else the first declared key) is logged in on the row's device, and owns the row's
    other keys. An alias joins the user id with the previous id, be it a user's or a device's. An unlinking
    row claims nothing and cuts the user id from everything else that it names.
    """
    row = np.arange(len(said), dtype=np.int64)
    strong = said.strong
    owner = strong[said.key_row]
    parts = [
        (strong, said.device, row, LOGIN),
        (owner, said.key_code, said.key_row, KEY),
        (said.user, said.previous_user, row, ALIAS),
        (said.user, said.previous_device, row, ALIAS),
    ]
    lots = []
    for a, b, rows, what in parts:
        there = np.flatnonzero((a >= 0) & (b >= 0) & (a != b))
        if len(there):
            kinds = np.full(len(there), what, dtype=np.int64)
            lots.append(Claims(a[there], b[there], said.ts[rows[there]], kinds, rows[there]))
    if not lots:
        return nothing()
    found = lots[0]
    for lot in lots[1:]:
        found = found.plus(lot)
    cuts = said.unlink[found.row]
    if cuts.any():
        by_user = said.user[found.row] == found.a
        found = replace(found, what=np.where(cuts, CUT, found.what)).only(~cuts | by_user)
    return found


def distinct(claims: Claims, *, times: Flags) -> Claims:
    """One claim for each (a, b, what), the earliest; where `times` is set one for each (a, b, what, ts)."""
    if not len(claims):
        return claims
    (triple,) = _triples(claims)
    order = np.lexsort((claims.ts, triple))
    triple, ts, timed = triple[order], claims.ts[order], times[order]
    new = (triple[1:] != triple[:-1]) | (timed[1:] & (ts[1:] != ts[:-1]))
    return claims.only(order[np.append(True, new)])


def _triples(*lots: Claims) -> list[Ints]:
    """Per claim one number for its (a, b, what), the same in every lot; b must be a code of a batch."""
    floor = min((int(lot.a.min()) for lot in lots if len(lot)), default=0)
    width = max((int(lot.b.max()) for lot in lots if len(lot)), default=0) + 1
    return [((lot.a - floor) * width + lot.b) * len(WORDS) + lot.what for lot in lots]


def unheard(claims: Claims, before: Claims, *, latest: Ints, weak: Flags) -> Claims:
    """The claims that add something to those `before` (each with its earliest time, and its `latest`).

    A key claim adds when its pair is new or it is earlier; an alias or a cut when it lies outside the times
    of its pair; a login when its pair is new or its device has several claimants: there every login matters.
    `weak` says per code whether it is a device.
    """
    if not len(claims):
        return claims
    several = shared_devices(claims.plus(before), weak)
    once = distinct(claims, times=several[claims.b] | claims.is_(ALIAS, CUT))
    earliest = np.full(len(once), FOREVER, dtype=np.int64)
    last = np.full(len(once), NOBODY, dtype=np.int64)
    if len(before):
        asked, known = _triples(once, before)
        order = np.argsort(known)
        place = order[np.minimum(np.searchsorted(known[order], asked), len(order) - 1)]
        there = known[place] == asked
        earliest[there] = before.ts[place[there]]
        last[there] = latest[place[there]]
    adds = (earliest == FOREVER) | (once.is_(LOGIN) & several[once.b])
    adds |= once.is_(KEY) & (once.ts < earliest)
    adds |= once.is_(ALIAS, CUT) & ((once.ts < earliest) | (once.ts > last))
    return once.only(adds)


def shared_devices(claims: Claims, weak: Flags) -> Flags:
    """Per code: is it a device on which more than one strong identifier ever logged in?"""
    logins = claims.only(weak[claims.b] & claims.is_(LOGIN, ALIAS))
    most = np.full(len(weak), np.iinfo(np.int64).min, dtype=np.int64)
    least = np.full(len(weak), FOREVER, dtype=np.int64)
    np.maximum.at(most, logins.b, logins.a)
    np.minimum.at(least, logins.b, logins.a)
    shared: Flags = most > least
    return shared
