"""Gives every row of a load its person, inside the load's transaction, and moves earlier events if need be.

Everything is by set: one look-up for all identifiers of the batch, then only the people whom new claims
touch. A batch without unknown identifiers and new claims costs little more than the look-up. Person ordinals
depend on the order of rows only, not on how rows are cut into batches; who is one person depends on event
times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from limner.engine.seam import Transaction
from limner.identity import keep, known
from limner.identity.claims import ALIAS, CUT, LOGIN, Claims, claimed, nothing, unheard
from limner.identity.founding import Founding, found
from limner.identity.known import State
from limner.identity.mentions import Mentions, mentions
from limner.identity.model import DEVICE, USER, person_ids
from limner.identity.stitch import FOREVER, NOBODY, Flags, Ints, Turns, covering, join, share, standing


@dataclass(frozen=True)
class Resolution:
    """What a load's identifiers came to.

    `columns`: row, user_i, device_i, key_i, ix: one row per row of the batch, in its order. `reassigned`:
    from_ix, to_ix, at, whole: what went from one person to another; `whole` when the first person is now
    part of the second, else only something of it moved; `at` is the time of the newest new claim. `warnings`:
    (code, detail, how many). `people`: how many person ordinals were given out.
    """

    columns: pa.Table
    reassigned: pa.Table
    warnings: list[tuple[str, str, int]]
    people: int


@dataclass(frozen=True)
class _Looked:
    """Identifiers that were looked at again, sorted by `i`: their person `before` (NOBODY: new) and `now`."""

    i: Ints
    before: Ints
    now: Ints
    home: Ints
    user: Flags

    @property
    def moved(self) -> Flags:
        """Which of them went from one person to another."""
        moved: Flags = (self.before >= 0) & (self.before != self.now)
        return moved


def resolve(tx: Transaction, batch: pa.Table, *, secret: bytes, keys: Sequence[str]) -> Resolution:
    """The persons of the batch's rows; to be called before the batch's events are inserted.

    `batch`: row, user, device, keys (list of {kind, value}), previous, call, ts, id (decimal text or null).
    `keys`: the declared kinds, the most trusted first. `secret` makes the outward person ids.
    """
    # 1. What the batch says, and what of it is news.
    said = mentions(batch, keys=keys)
    state = known.lookup(tx, said)
    weak = known.is_kind(said.kind, DEVICE)
    claims = claimed(said)
    before, latest = _before(tx, claims, state)
    new = unheard(claims, before, latest=latest, weak=weak)
    fresh = (state.i < 0) & (said.first < FOREVER)
    warnings = [("blocked_identity", detail, n) for detail, n in sorted(said.blocked.items())]
    if not len(new) and not fresh.any():
        return _answer(tx, batch, said, state.i, state.label, warnings=warnings)
    # 2. Numbers for what is met for the first time.
    next_i, next_ix = known.next_ordinals(tx)
    born = found(
        said, i=state.i, home=state.home, claims=claims, before=before, next_i=next_i, next_ix=next_ix
    )
    on_device = weak[new.b]
    new = new.numbered(born.i)
    # 3. Who is one person now, among all whom the new claims can have changed.
    strong, conflicts = _strong(tx, said, born, new.only(~on_device), fresh & ~weak)
    devices, turns, newer = _devices(tx, said, state, born, new.only(on_device), strong, fresh & weak)
    turns_before = known.turns(tx, devices.i[devices.before >= 0])
    # 4. Keep it.
    label = state.label.copy()
    for looked in (strong, devices):
        _fill(label, born.i, looked)
    _keep(tx, said, state, born, strong, devices, fresh=fresh, label=label, secret=secret)
    ids = batch.column("id").cast(pa.string()) if "id" in batch.column_names else pa.nulls(len(said))
    new = new.plus(newer)
    keep.claims(tx, new, ids.take(pa.array(new.row, mask=new.row < 0)).to_pylist())
    changed, since = keep.changed_since(turns_before, turns)
    keep.turns(tx, devices=changed, now=_of(turns, changed))
    pairs = keep.move(tx, _to_move(strong, devices, turns, changed, since))
    reassigned = _reassigned(tx, strong, devices, pairs, at=int(new.ts.max(initial=0)))
    return _answer(
        tx,
        batch,
        said,
        born.i,
        label,
        warnings=[*warnings, *conflicts],
        reassigned=reassigned,
        people=len(born.new_ix),
    )


def _before(tx: Transaction, claims: Claims, state: State) -> tuple[Claims, Ints]:
    """Known claims on what the batch's claims are on, as codes: the earliest of each, and its latest time.

    Who claimed but is not in the batch gets a number below NOBODY.
    """
    there = np.flatnonzero(state.i >= 0)
    there = there[np.argsort(state.i[there])]
    ordinals = state.i[there]
    on = state.i[np.unique(claims.b)]
    found_, latest = known.claims_on(tx, on[on >= 0])
    if not len(found_):
        return found_, latest
    a_place = np.minimum(np.searchsorted(ordinals, found_.a), len(ordinals) - 1)
    a = np.where(ordinals[a_place] == found_.a, there[a_place], -2 - found_.a)
    b = there[np.searchsorted(ordinals, found_.b)]
    return Claims(a, b, found_.ts, found_.what, found_.row), latest


def _strong(
    tx: Transaction, said: Mentions, born: Founding, new: Claims, fresh: Flags
) -> tuple[_Looked, list[tuple[str, str, int]]]:
    """The strong identifiers that new claims can have changed, and the new ones; warnings of conflicts."""
    codes = np.flatnonzero(fresh)
    codes = codes[np.argsort(born.i[codes])]
    first_new = int(born.i[codes[0]]) if len(codes) else FOREVER
    ends = np.unique(np.concatenate((new.a, new.b)))
    members, links = known.neighbours(tx, ends[ends < first_new])
    i = np.concatenate((members.i, born.i[codes]))
    home = np.concatenate((members.home, born.home[codes]))
    before = np.concatenate((members.label, np.full(len(codes), NOBODY, dtype=np.int64)))
    kind = pa.concat_arrays([members.kind, said.kind.take(pa.array(codes))])
    value = pa.concat_arrays([members.value, said.value.take(pa.array(codes))])
    _overlay(home, i, born.i, born.home)
    claims = links.plus(new)
    a, b = np.searchsorted(i, claims.a), np.searchsorted(i, claims.b)
    user = known.is_kind(kind, USER)
    people = join(
        user=user,
        home=home,
        order=_order(kind, value),
        a=a,
        b=b,
        ts=claims.ts,
        alias=claims.is_(ALIAS),
        cut=claims.is_(CUT),
    )
    refused = people.refused[len(links) :]
    kinds = pc.value_counts(kind.take(pa.array(b[len(links) :][refused]))).to_pylist()
    conflicts = sorted(("key_conflict", str(each["values"]), int(each["counts"])) for each in kinds)
    return _Looked(i=i, before=before, now=people.label, home=home, user=user), conflicts


def _devices(
    tx: Transaction, said: Mentions, state: State, born: Founding, new: Claims, strong: _Looked, fresh: Flags
) -> tuple[_Looked, Turns, Claims]:
    """The devices that new logins or moved people can have changed, and the new ones; their turns now.

    The third answer is the logins that stored events tell of and that now have to be kept as claims: as long
    as one strong identifier logs in on a device only its first login is kept.
    """
    codes = np.flatnonzero(fresh)
    codes = codes[np.argsort(born.i[codes])]
    first_new = int(born.i[codes[0]]) if len(codes) else FOREVER
    followed = known.devices_of(tx, strong.i[strong.moved])
    touched = np.unique(np.concatenate((new.b[new.b < first_new], followed)))
    old, label_before, home_before = known.homes_of(tx, touched)
    i = np.concatenate((old, born.i[codes]))
    home = np.concatenate((home_before, born.home[codes]))
    before = np.concatenate((label_before, np.full(len(codes), NOBODY, dtype=np.int64)))
    _overlay(home, i, born.i, born.home)
    # Every login on these devices.
    logins = known.logins_on(tx, old)
    was, will = _claimants(logins, i), _claimants(logins.plus(new), i)
    newer = known.logins_in_events(tx, i[(was == 1) & (will > 1)])
    logins = logins.plus(new)
    newer = _absent(newer, logins)
    logins = logins.plus(newer)
    alias, cut = logins.is_(ALIAS), logins.is_(CUT)
    logins = logins.only(standing(a=logins.a, b=logins.b, ts=logins.ts, alias=alias, cut=cut))
    # The persons who logged in.
    who, inverse = np.unique(logins.a, return_inverse=True)
    person = _labels(tx, who, state, strong)[inverse]
    on = np.searchsorted(i, logins.b)
    order = np.zeros(len(logins), dtype=np.int64)
    if _simultaneous(on, logins.ts, person):
        kinds = known.rows_of(tx, who)
        kind = pa.concat_arrays([kinds.kind, said.kind])
        value = pa.concat_arrays([kinds.value, said.value])
        rank = np.zeros(len(who), dtype=np.int64)
        _overlay(rank, who, np.concatenate((kinds.i, born.i)), _order(kind, value))
        order = rank[inverse]
    label, turns = share(home=home, device=on, person=person, ts=logins.ts, order=order)
    turns = Turns(device=i[turns.device], person=turns.person, start=turns.start, end=turns.end)
    looked = _Looked(i=i, before=before, now=label, home=home, user=np.zeros(len(i), dtype=bool))
    return looked, turns, newer


def _labels(tx: Transaction, who: Ints, state: State, strong: _Looked) -> Ints:
    """The persons of strong identifiers now."""
    label = np.full(len(who), NOBODY, dtype=np.int64)
    _overlay(label, who, state.i, state.label)
    _overlay(label, who, strong.i, strong.now)
    missing = who[label < 0]
    if len(missing):
        there, persons, _ = known.homes_of(tx, missing)
        _overlay(label, who, there, persons)
    return label


def _keep(
    tx: Transaction,
    said: Mentions,
    state: State,
    born: Founding,
    strong: _Looked,
    devices: _Looked,
    *,
    fresh: Flags,
    label: Ints,
    secret: bytes,
) -> None:
    """Writes identifiers and persons."""
    codes = np.flatnonzero(fresh)
    codes = codes[np.argsort(born.i[codes])]
    keep.identifiers(
        tx,
        i=born.i[codes],
        kind=said.kind.take(pa.array(codes)),
        value=said.value.take(pa.array(codes)),
        label=label[codes],
        home=born.home[codes],
    )
    i = np.concatenate((strong.i, devices.i))
    sequence = np.argsort(i)
    i = i[sequence]
    before = np.concatenate((strong.before, devices.before))[sequence]
    now = np.concatenate((strong.now, devices.now))[sequence]
    home = np.concatenate((strong.home, devices.home))[sequence]
    home_before = home.copy()
    _overlay(home_before, i, state.i, state.home)
    altered = (before >= 0) & ((before != now) | (home != home_before))
    keep.labels(tx, i=i[altered], label=now[altered], home=home[altered])
    owns = home >= 0
    merged = np.where(now != home, now, NOBODY)
    old = owns & ~np.isin(home, born.new_ix)
    keep.merges(tx, ix=home[old], merged_into=merged[old])
    into = np.full(len(born.new_ix), NOBODY, dtype=np.int64)
    _overlay(into, born.new_ix, home[owns & ~old], merged[owns & ~old])
    names = person_ids(secret, born.founder)
    keep.persons(tx, ix=born.new_ix, person_id=names, since=born.since, merged_into=into)


def _to_move(strong: _Looked, devices: _Looked, turns: Turns, changed: Ints, since: Ints) -> keep.Moved:
    """Known identifiers whose stored rows may belong to somebody else now."""
    users, others = strong.moved & strong.user, strong.moved & ~strong.user
    start = np.full(len(devices.i), FOREVER, dtype=np.int64)
    _overlay(start, devices.i, changed, since)
    start[devices.moved] = keep.EARLIEST
    rows = (devices.before >= 0) & (start < FOREVER)
    return keep.Moved(
        user=strong.i[users],
        user_to=strong.now[users],
        key=strong.i[others],
        key_to=strong.now[others],
        device=devices.i[rows],
        device_to=devices.now[rows],
        device_since=start[rows],
        turns=_of(turns, devices.i[rows]),
    )


def _reassigned(
    tx: Transaction, strong: _Looked, devices: _Looked, pairs: tuple[Ints, Ints], *, at: int
) -> pa.Table:
    """Who became part of whom; corrects `created_at` of these people too."""
    old = np.concatenate((strong.before[strong.moved], devices.before[devices.moved], pairs[0]))
    new = np.concatenate((strong.now[strong.moved], devices.now[devices.moved], pairs[1]))
    both = np.unique(np.column_stack((old, new)), axis=0)
    table = pa.table({"from_ix": known.nullable(both[:, 0]), "to_ix": known.nullable(both[:, 1])})
    whole = pa.array(np.zeros(len(both), dtype=bool))
    if len(both):
        with tx.given("pairs_here", table):
            table = tx.read(
                "SELECT r.from_ix, r.to_ix, COALESCE(p.merged_into = r.to_ix, false) AS whole "
                "FROM pairs_here AS r JOIN persons AS p ON p.ix = r.from_ix ORDER BY r.from_ix, r.to_ix"
            )
        whole = table.column("whole")
        parts = table.filter(pc.invert(whole))
        ends = np.concatenate((known.ints(parts, "from_ix"), known.ints(parts, "to_ix")))
        keep.seen_again(tx, whole=table.filter(whole), parts=ends)
    return pa.table(
        {
            "from_ix": table.column("from_ix"),
            "to_ix": table.column("to_ix"),
            "at": known.instants(np.full(table.num_rows, at, dtype=np.int64)),
            "whole": whole,
        }
    )


def _answer(
    tx: Transaction,
    batch: pa.Table,
    said: Mentions,
    i: Ints,
    label: Ints,
    *,
    warnings: list[tuple[str, str, int]],
    reassigned: pa.Table | None = None,
    people: int = 0,
) -> Resolution:
    """The persons of the rows: by user id, else by key, else by device and time.

    An unlinking row is the user's alone: it says nothing about whose key or device it was.
    """
    strong = np.where(said.unlink, said.user, said.strong)
    ix = _at(label, strong)
    device = np.where(said.unlink, NOBODY, _at(i, said.device))
    by_device = np.flatnonzero((strong < 0) & (device >= 0))
    if len(by_device):
        ix[by_device] = label[said.device[by_device]]
        turns = known.turns(tx, device[by_device])
        turn = covering(turns, device=device[by_device], ts=said.ts[by_device])
        ix[by_device] = np.where(turn >= 0, turn, ix[by_device])
    keep.seen(tx, ix=ix, ts=said.ts)
    columns = pa.table(
        {
            "row": batch.column("row"),
            "user_i": known.nullable(_at(i, said.user)),
            "device_i": known.nullable(device),
            "key_i": known.nullable(np.where(said.unlink, NOBODY, _at(i, said.key))),
            "ix": known.nullable(ix),
        }
    )
    if reassigned is None:
        none = np.zeros(0, dtype=np.int64)
        reassigned = pa.table(
            {
                "from_ix": known.nullable(none),
                "to_ix": known.nullable(none),
                "at": known.instants(none),
                "whole": pa.array(none.astype(bool)),
            }
        )
    return Resolution(columns=columns, reassigned=reassigned, warnings=warnings, people=people)


def _at(values: Ints, codes: Ints) -> Ints:
    """The value of each code; NOBODY where there is no code."""
    if not len(values):
        return np.full(len(codes), NOBODY, dtype=np.int64)
    return np.where(codes >= 0, values[np.maximum(codes, 0)], NOBODY)


def _overlay(target: Ints, index: Ints, keys: Ints, values: Ints) -> None:
    """Sets target at the places of `index` (sorted, distinct) that equal one of the keys."""
    if not len(index) or not len(keys):
        return
    place = np.minimum(np.searchsorted(index, keys), len(index) - 1)
    there = index[place] == keys
    target[place[there]] = values[there]


def _fill(label: Ints, i: Ints, looked: _Looked) -> None:
    """Sets the label of every code whose identifier was looked at."""
    if not len(looked.i):
        return
    place = np.minimum(np.searchsorted(looked.i, i), len(looked.i) - 1)
    there = looked.i[place] == i
    label[there] = looked.now[place[there]]


def _order(kind: pa.Array, value: pa.Array) -> Ints:
    """Per identifier its rank by kind and value."""
    if not len(kind):
        return np.zeros(0, dtype=np.int64)
    names = pc.binary_join_element_wise(kind, pc.fill_null(value, ""), "\0")
    rank: Ints = pc.rank(names, tiebreaker="dense").to_numpy().astype(np.int64)
    return rank


def _of(turns: Turns, devices: Ints) -> Turns:
    """The turns on these devices."""
    rows = np.isin(turns.device, devices)
    return Turns(turns.device[rows], turns.person[rows], turns.start[rows], turns.end[rows])


def _claimants(logins: Claims, devices: Ints) -> Ints:
    """Per device (sorted) how many strong identifiers ever logged in on it."""
    logins = logins.only(logins.is_(LOGIN, ALIAS))
    pairs = np.unique(np.column_stack((np.searchsorted(devices, logins.b), logins.a)), axis=0)
    return np.bincount(pairs[:, 0], minlength=len(devices))


def _absent(claims: Claims, present: Claims) -> Claims:
    """Those of the claims whose (a, b, ts) is not among those present."""
    if not len(claims):
        return nothing()
    both = np.concatenate(
        (
            np.column_stack((present.a, present.b, present.ts)),
            np.column_stack((claims.a, claims.b, claims.ts)),
        )
    )
    _, number = np.unique(both, axis=0, return_inverse=True)
    number = number.reshape(-1)
    return claims.only(~np.isin(number[len(present) :], number[: len(present)]))


def _simultaneous(device: Ints, ts: Ints, person: Ints) -> bool:
    """Did two people log in on one device at the same instant?"""
    order = np.lexsort((person, ts, device))
    device, ts, person = device[order], ts[order], person[order]
    same = (device[1:] == device[:-1]) & (ts[1:] == ts[:-1]) & (person[1:] != person[:-1])
    return bool(same.any())
