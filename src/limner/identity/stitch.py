"""Which identifiers are one person: pure decisions over columns. Knows no table, no engine and no clock.

Strong identifiers (user ids, declared keys) are joined by claims; a device is then given to the person, or in
turns to the people, who logged in on it. Ties in time are broken by the identifiers' values, so that the
answer does not depend on the order in which claims arrived.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NOBODY = -1
"""No person, no identifier: the missing value in every column here."""

FOREVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class People:
    """`label`: per identifier the ordinal of its person. `refused`: the claims that would have fused two."""

    label: Ints
    refused: Flags


@dataclass(frozen=True)
class Turns:
    """Who was logged in on devices of several people, sorted by (device, start): [start, end)."""

    device: Ints
    person: Ints
    start: Ints
    end: Ints


def _components(n: int, a: Ints, b: Ints) -> Ints:
    """Per node the number of its connected component."""
    from scipy.sparse import coo_matrix  # slow to load
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(a), dtype=np.int8), (a, b)), shape=(n, n))
    _, found = connected_components(graph, directed=False)
    return np.asarray(found, dtype=np.int64)


def join(
    *, user: Flags, home: Ints, order: Ints, a: Ints, b: Ints, ts: Ints, alias: Flags, cut: Flags
) -> People:
    """The people among strong identifiers.

    `user`, `home`, `order` describe the identifiers (is it a user id; the ordinal that it owns or NOBODY; its
    rank by kind and value); `a`, `b`, `ts`, `alias`, `cut` the claims, as positions. Rules:

    1. Cuts undo claims (see `standing`); an alias that stands always joins.
    2. The other claims are taken in the order of (ts, order of a, order of b). A claim that would join two
       people who both have user ids is refused, so a key belongs to whoever claimed it first.
    3. A person's label is the smallest ordinal owned by one of its user ids, else by one of its keys.
    """
    n = len(home)
    # 1. Aliases.
    holds = standing(a=a, b=b, ts=ts, alias=alias, cut=cut)
    tied = holds & alias
    account = _components(n, a[tied], b[tied])
    # 2. All claims together: right wherever at most one account takes part, which is nearly everywhere.
    together = _components(n, a[holds], b[holds])
    refused = np.zeros(len(a), dtype=bool)
    of = np.unique(together[user] * n + account[user]) // max(n, 1)
    rivals = np.flatnonzero(np.bincount(of, minlength=1) > 1)
    if len(rivals):
        disputed = holds & ~alias & np.isin(together[a], rivals)
        queue = np.flatnonzero(disputed)
        queue = queue[np.lexsort((order[b[queue]], order[a[queue]], ts[queue]))]
        refused[disputed] = True
        refused[_take(queue, account=account, user=user, a=a, b=b)] = False
        holds &= ~refused
        together = _components(n, a[holds], b[holds])
    # 3. Labels.
    owned = np.where(home >= 0, home, FOREVER)
    label = np.full(n, FOREVER, dtype=np.int64)
    np.minimum.at(label, together[user], owned[user])
    without = label[together] == FOREVER
    np.minimum.at(label, together[without], owned[without])
    return People(label=label[together], refused=refused)


def _take(claims: Ints, *, account: Ints, user: Flags, a: Ints, b: Ints) -> list[int]:
    """Those of the claims that hold when taken in turn and none may join two accounts with user ids."""
    known: dict[int, int] = {}
    strong = {int(each) for each in np.unique(account[user])}

    def root(node: int) -> int:
        while (up := known.get(node, node)) != node:
            known[node] = node = known.get(up, up)
        return node

    taken = []
    pairs = zip(claims.tolist(), account[a[claims]].tolist(), account[b[claims]].tolist(), strict=True)
    for claim, left, right in pairs:
        one, other = root(left), root(right)
        if one != other:
            if one in strong and other in strong:
                continue
            if other in strong:
                one, other = other, one
            known[other] = one
        taken.append(claim)
    return taken


def standing(*, a: Ints, b: Ints, ts: Ints, alias: Flags, cut: Flags) -> Flags:
    """Which claims no cut of the same pair undoes; cuts themselves do not stand.

    A cut undoes every login and key claim of its pair, whenever made, and the aliases up to its own time:
    only a later alias joins the pair again.
    """
    holds: Flags = ~cut
    last: dict[tuple[int, int], int] = {}
    for each in np.flatnonzero(cut):
        pair = (int(a[each]), int(b[each]))
        last[pair] = max(last.get(pair, int(ts[each])), int(ts[each]))
    for (left, right), until in last.items():
        of_pair = ((a == left) & (b == right)) | ((a == right) & (b == left))
        holds &= ~(of_pair & (~alias | (ts <= until)))
    return holds


def share(*, home: Ints, device: Ints, person: Ints, ts: Ints, order: Ints) -> tuple[Ints, Turns]:
    """Per device its person, and the turns on devices of several people.

    `home` is per device the ordinal that it owns; `device`, `person`, `ts`, `order` describe the logins
    (order: rank of who logged in). A device that nobody logged in on is its own anonymous person; one whose
    logins are all of one person is wholly that person's, its time before the login too; else it stays its own
    anonymous person except in turns: from a login to the next login of somebody else.
    """
    label = home.copy()
    least = np.full(len(home), FOREVER, dtype=np.int64)
    most = np.full(len(home), NOBODY, dtype=np.int64)
    np.minimum.at(least, device, person)
    np.maximum.at(most, device, person)
    single = (most != NOBODY) & (least == most)
    label[single] = most[single]
    shared = (most != NOBODY) & (least != most)
    rows = np.flatnonzero(shared[device])
    rows = rows[np.lexsort((order[rows], ts[rows], device[rows]))]
    on, who, when = device[rows], person[rows], ts[rows]
    # Of simultaneous logins the last by value counts; then only changes of person begin a turn.
    counts = np.append((on[1:] != on[:-1]) | (when[1:] != when[:-1]), True)[: len(rows)]
    on, who, when = on[counts], who[counts], when[counts]
    begins = np.append(True, (on[1:] != on[:-1]) | (who[1:] != who[:-1]))[: len(on)]
    on, who, when = on[begins], who[begins], when[begins]
    end = np.full(len(on), FOREVER, dtype=np.int64)
    if len(on) > 1:
        end[:-1] = np.where(on[1:] == on[:-1], when[1:], FOREVER)
    return label, Turns(device=on, person=who, start=when, end=end)


def covering(turns: Turns, *, device: Ints, ts: Ints) -> Ints:
    """Per (device, ts) the person whose turn it was, or NOBODY."""
    answer = np.full(len(device), NOBODY, dtype=np.int64)
    if not len(turns.device) or not len(device):
        return answer
    asked = np.flatnonzero(np.isin(device, turns.device))
    devices = np.concatenate((turns.device, device[asked]))
    times = np.concatenate((turns.start, ts[asked]))
    is_asked = np.arange(len(devices)) >= len(turns.device)
    sequence = np.lexsort((is_asked, times, devices))
    source = np.where(is_asked[sequence], NOBODY, sequence)
    latest = np.maximum.accumulate(np.where(source >= 0, np.arange(len(source)), NOBODY))
    turn = np.where(latest >= 0, source[np.maximum(latest, 0)], NOBODY)
    place = is_asked[sequence] & (turn >= 0)
    row, turn = sequence[place] - len(turns.device), turn[place]
    same = turns.device[turn] == device[asked[row]]
    answer[asked[row[same]]] = turns.person[turn[same]]
    return answer
