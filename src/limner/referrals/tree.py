"""Who brought whom: of all that was claimed what counts, and why the rest does not. Pure, over columns.

A claim says that somebody came by somebody's code at an instant. Of a person's claims the first that nothing stands
against counts, so all that count are trees. People who can stand on no circle are decided together; those who may, one
after the other in the order of their claims.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

COUNTS, SELF, SHARED, EXISTING, LAPSED, NOT_ALLOWED, SAME_AS_OTHER, CYCLE, LATER = range(9)
REASONS = (
    "", "self_referral", "shared", "existing_customer", "lapsed", "not_allowed", "same_as_another", "cycle",
    "another_came_first",
)  # fmt: skip
"""Why a claim does not count, by its number; the first counts."""

NOBODY = -1
_ROUNDS = 60


@dataclass(frozen=True)
class Claims:
    """Claims as columns, people numbered from 0: who came, by whose code, when; and what is known of each claim.

    `done`: when the new person first did what counts (`NEVER`: not yet); `allowed`: may whose code it is invite;
    `oldest`: claims of before are too old.
    """

    friend: Ints
    referrer: Ints
    at: Ints
    done: Ints
    oldest: Ints
    allowed: Flags


NEVER = np.iinfo(np.int64).max


def households(people: int, who: Ints, value: Ints) -> Ints:
    """The household of each person: the least of all who hang together by values that they share."""
    label = np.arange(people, dtype=np.int64)
    if not len(who):
        return label
    values = int(value.max()) + 1
    while True:
        least = np.full(values, people, dtype=np.int64)
        np.minimum.at(least, value, label[who])
        before = label.copy()
        np.minimum.at(label, who, least[value])
        label = label[label]
        if np.array_equal(label, before):
            return label


def verdicts(claims: Claims, household: Ints) -> Ints:
    """For each claim COUNTS, or why it does not count. Equal instants stand in the order of the claims."""
    found = np.zeros(len(claims.friend), dtype=np.int64)

    def refuse(mask: Flags, why: int) -> None:
        found[(found == COUNTS) & mask] = why

    refuse(claims.friend == claims.referrer, SELF)
    refuse(household[claims.friend] == household[claims.referrer], SHARED)
    refuse(claims.done < claims.at, EXISTING)
    refuse(claims.at < claims.oldest, LAPSED)
    refuse(~claims.allowed, NOT_ALLOWED)
    order = np.argsort(claims.at, kind="stable")
    _one_of_each_household(found, claims, household, order)
    left = order[found[order] == COUNTS]
    core = _may_be_round(claims.friend[left], claims.referrer[left])
    _one_by_one(found, claims, left[np.isin(claims.friend[left], claims.friend[left][core])])
    _first_only(found, claims, left)
    return found


def _one_of_each_household(found: Ints, claims: Claims, household: Ints, order: Ints) -> None:
    """Of a household only whoever came first is a new person."""
    open_ = order[found[order] == COUNTS]
    if not len(open_):
        return
    homes, first = np.unique(household[claims.friend[open_]], return_index=True)
    chosen = np.full(int(household.max()) + 1, NOBODY, dtype=np.int64)
    chosen[homes] = claims.friend[open_[first]]
    other = chosen[household[claims.friend[open_]]] != claims.friend[open_]
    found[open_[other]] = SAME_AS_OTHER


def _may_be_round(friend: Ints, referrer: Ints) -> Flags:
    """Of each claim whether it may lie on a circle: whoever only came, or only brought, does not.

    After some rounds the rest of long chains is left in it, which changes no answer.
    """
    kept = np.ones(len(friend), dtype=np.bool_)
    for _ in range(_ROUNDS):
        came, brought = np.unique(friend[kept]), np.unique(referrer[kept])
        both = np.intersect1d(came, brought, assume_unique=True)
        now = kept & np.isin(friend, both) & np.isin(referrer, both)
        if now.sum() == kept.sum():
            break
        kept = now
    return kept


def _one_by_one(found: Ints, claims: Claims, inside: Ints) -> None:
    """Decides claims that may be round in their order: one that would close a circle does not count."""
    root: dict[int, int] = {}
    settled: set[int] = set()

    def top(person: int) -> int:
        above = person
        while root.get(above, above) != above:
            above = root[above]
        while root.get(person, person) != above:
            root[person], person = above, root[person]
        return above

    for place, friend, referrer in zip(
        inside.tolist(), claims.friend[inside].tolist(), claims.referrer[inside].tolist(), strict=True
    ):
        if friend in settled:
            continue
        above = top(referrer)
        if above == friend:
            found[place] = CYCLE
            continue
        settled.add(friend)
        root[friend] = above


def _first_only(found: Ints, claims: Claims, left: Ints) -> None:
    """Of the claims of a person that nothing stands against the first counts."""
    open_ = left[found[left] == COUNTS]
    if len(open_):
        _, first = np.unique(claims.friend[open_], return_index=True)
        later = np.ones(len(open_), dtype=np.bool_)
        later[first] = False
        found[open_[later]] = LATER


def ancestors(people: int, friend: Ints, referrer: Ints, depth: int) -> list[Ints]:
    """Of each new person whoever stands so many generations above: the first is who brought them; NOBODY: nobody."""
    above = np.full(people + 1, NOBODY, dtype=np.int64)
    above[friend] = referrer
    found = [above[friend]]
    for _ in range(depth - 1):
        found.append(above[found[-1]])
    return found


def depths(people: int, friend: Ints, referrer: Ints) -> Ints:
    """How deep each new person stands: 1 below whoever was not brought by anybody."""
    above = np.full(people + 1, NOBODY, dtype=np.int64)
    above[friend] = referrer
    depth = np.zeros(len(friend), dtype=np.int64)
    at = friend.copy()
    while True:
        at = above[at]
        there = at != NOBODY
        if not there.any():
            return depth
        depth += there


def within_limit(who: Ints, at: Ints, *, most: int | None, per: int) -> Flags:
    """Of each success whether its person has room for it: at most so many in any such stretch of time."""
    fine = np.ones(len(who), dtype=np.bool_)
    if most is None:
        return fine
    _, place, count = np.unique(who, return_inverse=True, return_counts=True)
    order = np.lexsort((np.arange(len(at)), at))
    for person in np.flatnonzero(count > most).tolist():
        granted: list[int] = []
        for number in order[place[order] == person].tolist():
            if sum(then > at[number] - per for then in granted[-most:]) >= most:
                fine[number] = False
            else:
                granted.append(int(at[number]))
    return fine
