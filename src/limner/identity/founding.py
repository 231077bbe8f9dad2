"""New ordinals: for identifiers never met before, and for the people that they found. Pure columns.

Decided by the order of rows alone, and row by row, so that cutting the same rows into other batches gives the
same numbers:

1. A device met without anybody acting founds a person; so does the first key of a row without a user id, when
   none of the row's keys was met before; so does every user id.
2. Whoever founds a person by the very first login on a device takes over the device's own, if it has one: a
   visitor who registers stays the same person, and no event has to move.
3. A device that has no ordinal of its own founds its anonymous person when a second claimant logs in on it;
   so does an identifier that is cut off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from limner.identity.claims import ALIAS, CUT, LOGIN, Claims
from limner.identity.mentions import Mentions
from limner.identity.model import DEVICE, USER
from limner.identity.stitch import FOREVER, NOBODY, Flags, Ints

AGAIN = "\0again"
"""Marks the second person that a device founds, after its first was taken over."""


@dataclass(frozen=True)
class Founding:
    """Per code its ordinal `i` and the person ordinal that it owns, `home` (NOBODY: none).

    `new_ix`, `founder` (kind NUL value) and `since` (ts) describe the persons to be added, in order of ix.
    """

    i: Ints
    home: Ints
    new_ix: Ints
    founder: list[str]
    since: Ints


def found(
    said: Mentions, *, i: Ints, home: Ints, claims: Claims, before: Claims, next_i: int, next_ix: int
) -> Founding:
    """The numbers for a batch; `i`, `home` per code as known before, `before` earlier logins by code of b."""
    codes = len(i)
    user = pc.equal(said.kind, USER).to_numpy(zero_copy_only=False)
    weak = pc.equal(said.kind, DEVICE).to_numpy(zero_copy_only=False)
    new = (i < 0) & (said.first < FOREVER)
    # Identifiers, in order of their first mention.
    sequence = np.flatnonzero(new)
    sequence = sequence[np.argsort(said.first[sequence])]
    number = i.copy()
    number[sequence] = next_i + np.arange(len(sequence))
    # 1. Founders, each with its place (row and slot).
    founds = new & (user | _alone(said, new, weak) | _keys(said, new) | _unlinked(said))
    place = np.where(founds, said.first, FOREVER)
    owner_place = place.copy()
    # 2. First logins on devices that have a home and that nobody logged in on before.
    owned = home.copy()
    logins = claims.only(claims.is_(LOGIN, ALIAS) & weak[claims.b])
    first_login = np.full(codes, FOREVER, dtype=np.int64)
    np.minimum.at(first_login, logins.b, logins.row)
    ever = np.zeros(codes, dtype=bool)
    ever[before.b[before.is_(LOGIN, ALIAS)]] = True
    takes = (logins.row == first_login[logins.b]) & ~ever[logins.b]
    takes &= ((home >= 0) | founds)[logins.b] & founds[logins.a] & (said.first_row[logins.a] == logins.row)
    taker, taken = logins.a[takes], logins.b[takes]
    _, once = np.unique(taker, return_index=True)
    taker, taken = taker[once], taken[once]
    owner_place[taker] = place[taken]
    owned[taker] = home[taken]
    owner_place[taken] = FOREVER
    owned[taken] = NOBODY
    # 3. Devices without a home whose second claimant appears, and what is cut off.
    second = _second(logins, before, codes)
    taken_at = np.full(codes, NOBODY, dtype=np.int64)
    taken_at[taken] = first_login[taken]
    cuts = claims.only(claims.is_(CUT) & (claims.row > taken_at[claims.b]))
    np.minimum.at(second, cuts.b, cuts.row)
    again = (owned < 0) & (owner_place == FOREVER) & (second < FOREVER)
    # The new ordinals, in order of place.
    owners = np.concatenate((np.flatnonzero(owner_place < FOREVER), np.flatnonzero(again)))
    places = np.concatenate(
        (owner_place[owner_place < FOREVER], second[again] * said.width + (said.width - 1))
    )
    is_again = np.arange(len(owners)) >= int((owner_place < FOREVER).sum())
    order = np.lexsort((number[owners], places))
    owners, places, is_again = owners[order], places[order], is_again[order]
    new_ix = next_ix + np.arange(len(owners), dtype=np.int64)
    owned[owners] = new_ix
    # Whose name the person bears: the founder's, also where it was taken over.
    names = owners.copy()
    back = np.full(codes, NOBODY, dtype=np.int64)
    back[taker] = taken
    names = np.where((back[owners] >= 0) & ~is_again, back[owners], owners)
    founder = pc.binary_join_element_wise(said.kind, said.value, "\0").take(pa.array(names)).to_pylist()
    founder = [name + AGAIN if again_ else name for name, again_ in zip(founder, is_again, strict=True)]
    return Founding(i=number, home=owned, new_ix=new_ix, founder=founder, since=said.ts[places // said.width])


def _alone(said: Mentions, new: Flags, weak: Flags) -> Flags:
    """New devices whose first row names nobody who acts."""
    row = np.minimum(said.first_row, len(said) - 1)
    alone: Flags = new & weak & (said.strong[row] < 0)
    return alone


def _unlinked(said: Mentions) -> Flags:
    """Identifiers that the batch first mentions in order to cut them off."""
    return np.append(said.unlink, False)[np.minimum(said.first_row, len(said))]


def _keys(said: Mentions, new: Flags) -> Flags:
    """New keys that come first in a row without a user id, none of whose keys was met before."""
    answer = np.zeros(len(new), dtype=bool)
    if not len(said.key_row):
        return answer
    older = ~new[said.key_code] | (said.first_row[said.key_code] < said.key_row)
    met = np.zeros(len(said), dtype=bool)
    met[said.key_row[older]] = True
    rows = np.flatnonzero((said.key >= 0) & (said.user < 0) & ~met)
    answer[said.key[rows]] = True
    return answer


def _second(logins: Claims, before: Claims, codes: int) -> Ints:
    """Per code of a device the row at which a second claimant logs in; FOREVER when none does in this batch.

    Claimants of `before` are ordinals and those of `logins` codes: `before.a` holds codes too, or numbers
    below NOBODY for claimants that the batch does not name.
    """
    earlier = before.only(before.is_(LOGIN, ALIAS))
    device = np.concatenate((earlier.b, logins.b))
    claimant = np.concatenate((earlier.a, logins.a))
    row = np.concatenate((np.full(len(earlier), NOBODY, dtype=np.int64), logins.row))
    order = np.lexsort((row, claimant, device))
    device, claimant, row = device[order], claimant[order], row[order]
    starts = np.append(True, (device[1:] != device[:-1]) | (claimant[1:] != claimant[:-1]))[: len(device)]
    device, row = device[starts], row[starts]
    order = np.lexsort((row, device))
    device, row = device[order], row[order]
    first = np.append(True, device[1:] != device[:-1])[: len(device)]
    rank = np.arange(len(device)) - np.maximum.accumulate(np.where(first, np.arange(len(device)), 0))
    answer = np.full(codes, FOREVER, dtype=np.int64)
    is_second = (rank == 1) & (row >= 0)
    answer[device[is_second]] = row[is_second]
    return answer
