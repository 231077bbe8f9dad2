"""Then: who was one person at a past instant, by what had been heard by then or by what had been so by then.

The pure decisions of `stitch` are made again over the claims of then, for one person and whoever any claim connects
with them. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from limner.engine.seam import Engine, Transaction
from limner.errors import ConflictError, NotFoundError
from limner.identity import known
from limner.identity.claims import ALIAS, CUT, WORDS
from limner.identity.model import PERSON, USER, Identifier
from limner.identity.stitch import FOREVER, NOBODY, Flags, Ints, Turns, join, share, standing
from limner.types import Json, naive


@dataclass(frozen=True)
class Until:
    """What counts of what was said: what had been heard by `at`, or with `true` what had been so before it."""

    at: datetime
    true: bool = False

    def said(self, ts: str, received_at: str) -> str:
        """As a condition over these columns, which binds $at."""
        return f"{ts} < $at" if self.true else f"{received_at} <= $at"


@dataclass(frozen=True)
class Then:
    """Somebody as of then. `ix`: the ordinal they had; `ids`: their user ids, keys and devices, by number.

    `devices`: those whose events without an id are theirs while it is nobody's turn; `turns`: whose turn it was on
    devices of several people (`mine`: theirs). `same`: whether they are the same identifiers as today.
    """

    ix: int
    ids: tuple[int, ...]
    devices: tuple[int, ...]
    turns: Turns
    same: bool

    @property
    def known(self) -> bool:
        """Whether they had an ordinal: whoever was part of somebody from the first has none of their own."""
        return self.ix not in (NOBODY, FOREVER)

    @property
    def all_ids(self) -> tuple[int, ...]:
        """Every identifier that names them: the strong ones, then the devices that were theirs alone."""
        return (*self.ids, *self.devices)

    @property
    def mine(self) -> pa.Table:
        """(i) of the ids whose rows are theirs."""
        return pa.table({"i": pa.array(self.ids, pa.uint32())})

    @property
    def whole(self) -> pa.Table:
        """(i) of the devices that are theirs while it is nobody's turn."""
        return pa.table({"i": pa.array(self.devices, pa.uint32())})

    @property
    def in_turn(self) -> pa.Table:
        """(device_i, from, to, mine) of the turns."""
        return pa.table(
            {
                "device_i": pa.array(self.turns.device, pa.uint32()),
                "from": known.instants(self.turns.start),
                "to": known.instants(self.turns.end),
                "mine": pa.array(self.turns.person == self.ix, pa.bool_()),
            }
        )

    def theirs(self) -> tuple[str, Json]:
        """Whether a row `e` is theirs, as a condition by itself, and the values that it binds."""
        turns = self.in_turn
        return MINE.format(ids=_IDS, devices=_DEVICES, turns=_TURNS), {
            "then_ids": list(self.ids),
            "then_devices": list(self.devices),
            "turn_device": turns["device_i"].to_pylist(),
            "turn_from": turns["from"].to_pylist(),
            "turn_to": turns["to"].to_pylist(),
            "turn_mine": turns["mine"].to_pylist(),
        }


def nobody(ix: int) -> Then:
    """Of whom nobody has heard yet: nothing is theirs."""
    none = np.zeros(0, dtype=np.int64)
    return Then(ix, (), (), Turns(none, none, none, none), same=False)


MINE = """(e.user_i IN (SELECT i FROM {ids}) OR (e.user_i IS NULL AND (e.key_i IN (SELECT i FROM {ids})
  OR (e.key_i IS NULL AND (EXISTS (FROM {turns} AS v WHERE v.device_i = e.device_i AND v.mine AND e.ts >= v."from"
      AND (v."to" IS NULL OR e.ts < v."to"))
    OR (e.device_i IN (SELECT i FROM {devices})
      AND NOT EXISTS (FROM {turns} AS v WHERE v.device_i = e.device_i AND e.ts >= v."from"
      AND (v."to" IS NULL OR e.ts < v."to"))))))))"""
"""Whether a row `e` with user_i, key_i, device_i and ts is the person's: by user id, else key, else device and time."""

_IDS = "(SELECT UNNEST($then_ids::UINTEGER[]) AS i)"
_DEVICES = "(SELECT UNNEST($then_devices::UINTEGER[]) AS i)"
_TURNS = (
    '(SELECT UNNEST($turn_device::UINTEGER[]) AS device_i, UNNEST($turn_from::TIMESTAMP[]) AS "from",'
    ' UNNEST($turn_to::TIMESTAMP[]) AS "to", UNNEST($turn_mine::BOOLEAN[]) AS mine)'
)


def person_then(engine: Engine, name: Identifier, heard: datetime) -> Then:
    """Who this was by what had been received until that instant.

    Raises NotFoundError when nobody had heard of it by then, ConflictError when it is no longer known when something
    that joins people was heard.
    """
    until = Until(heard)
    with engine.write() as tx:
        asked, ix, own = _asked(tx, name)
        found = _people(tx, ix, until, also=asked)
    me = chosen(found, asked, own)
    if me is None:
        raise NotFoundError(
            f"nobody had heard of '{name.kind}:{name.value}' by {heard.isoformat()}",
            code="not_heard",
            hint="--view true tells of then by all that is known today",
        )
    if not me.known:
        raise ConflictError(
            "who this was then cannot be told: it was part of somebody from the first",
            code="not_known_then",
            hint="ask with a user id, or --view true",
        )
    return me


def people_then(engine: Engine, name: Identifier, until: Until) -> tuple[Then | None, tuple[Then, ...]]:
    """Who this was then (None: nobody yet), and who else is one with them today and was not then.

    Raises NotFoundError when there is no such person today, ConflictError as `person_then` does.
    """
    with engine.write() as tx:
        asked, ix, own = _asked(tx, name)
        found = _people(tx, ix, until, also=asked)
    me = chosen(found, asked, own)
    return me, tuple(one for one in found if one is not me)


def chosen(found: Sequence[Then], asked: int | None, own: int) -> Then | None:
    """The one that was asked for: by the identifier; by an outward id whoever bore it, else the first of them."""
    if asked is not None:
        return next((one for one in found if asked in one.all_ids), None)
    bore = next((one for one in found if one.ix == own), None)
    return bore or min(found, key=lambda one: (not one.known, one.ix), default=None)


def _asked(tx: Transaction, name: Identifier) -> tuple[int | None, int, int]:
    """(the identifier that was asked for, None: an outward id; whose it is today; the ordinal of the outward id)."""
    if name.kind == PERSON:
        sql = "SELECT NULL AS i, COALESCE(merged_into, ix) AS ix, ix AS own FROM persons WHERE person_id = $value"
    else:
        sql = "SELECT i, ix, ix AS own FROM identifiers WHERE kind = $kind AND value = $value"
    found = tx.read(sql, {"kind": name.kind, "value": name.value}).to_pylist()
    if not found:
        raise NotFoundError(f"there is no person '{name.value}'")
    return found[0]["i"], int(found[0]["ix"]), int(found[0]["own"])


@dataclass(frozen=True)
class Everyone:
    """Who was whom at an instant, of all who are not who they were: tables for the engine.

    `who` (i, ix): strong identifiers; `devices` (i, ix): whose their events without an id were, but in `turns`
    (device_i, from, to, ix); `homes` (ix, merged_into): the people whom these identifiers founded.
    """

    who: pa.Table
    devices: pa.Table
    turns: pa.Table
    homes: pa.Table


def everyone_then(tx: Transaction, heard: datetime) -> Everyone | None:
    """Who was whom by what had been received until that instant; None: nobody was joined or parted since.

    What joined people at a time that is no longer known counts as heard.
    """
    touched = tx.read(
        "SELECT i, kind FROM identifiers WHERE ix IN (SELECT k.ix FROM identifiers AS k JOIN"
        " (SELECT c.a AS i, c.id FROM claims AS c UNION ALL SELECT c.b, c.id FROM claims AS c) AS t ON t.i = k.i"
        " JOIN events AS e ON e.id = t.id WHERE e.received_at > $at) ORDER BY i",
        {"at": naive(heard)},
    )
    if not touched.num_rows:
        return None
    weak = pc.equal(touched["kind"], "device").to_numpy()
    i = known.ints(touched, "i")
    stood = _stood(tx, i[~weak], i[weak], Until(heard), strict=False)
    home = np.concatenate((stood.home, stood.device_home))
    label = np.concatenate((stood.label, stood.whose))
    founded = (home != NOBODY) & (label != NOBODY) & (label != FOREVER)
    home, label = home[founded], label[founded]
    strong, device = stood.label != FOREVER, (stood.whose != NOBODY) & (stood.whose != FOREVER)
    turns = stood.turns
    return Everyone(
        known.ordinals(stood.i[strong], ix=stood.label[strong]),
        known.ordinals(stood.device[device], ix=stood.whose[device]),
        pa.table(
            {
                "device_i": known.nullable(turns.device),
                "from": known.instants(turns.start),
                "to": known.instants(turns.end),
                "ix": known.nullable(turns.person),
            }
        ),
        pa.table(
            {
                "ix": known.nullable(home),
                "merged_into": known.nullable(np.where(label == home, NOBODY, label)),
            }
        ),
    )


@dataclass(frozen=True)
class _Stood:
    """Whose the strong identifiers `i` and the devices were; `home`, `device_home`: the ordinals they own today."""

    i: Ints
    home: Ints
    label: Ints
    device: Ints
    device_home: Ints
    whose: Ints
    turns: Turns


def _stood(tx: Transaction, strong: Ints, devices: Ints, until: Until, *, strict: bool = True) -> _Stood:
    """How these identifiers, and all that any claim ever connects with them, hung together.

    Raises ConflictError when it is no longer known when something was heard that joins them; not `strict`: it was.
    """
    # 1. Everybody whom any claim ever connects with them, and what had been claimed by then.
    members, _ = known.neighbours(tx, np.union1d(strong, _on(tx, devices)))
    a, b, ts, what = _claims(tx, members.i, until, _STRONG, strict=strict)
    inside = np.isin(a, members.i) & np.isin(b, members.i)
    a, b, ts, what = a[inside], b[inside], ts[inside], what[inside]
    user = known.is_kind(members.kind, USER)
    names = pc.binary_join_element_wise(members.kind, pc.fill_null(members.value, ""), "\0")
    order = pc.rank(names, tiebreaker="dense").to_numpy() if len(members.i) else members.i
    label = join(
        user=user,
        home=members.home,
        order=order.astype(np.int64),
        a=np.searchsorted(members.i, a),
        b=np.searchsorted(members.i, b),
        ts=ts,
        alias=what == ALIAS,
        cut=what == CUT,
    ).label
    # 2. Whose the devices were.
    devices = np.union1d(devices, _devices(tx, members.i))
    there, _, home = known.homes_of(tx, devices)
    logins = _logins(tx, there, until)
    then = _homes_then(tx, there, home, quiet=~np.isin(there, logins[1]), until=until)
    place = np.minimum(np.searchsorted(members.i, logins[0]), max(len(members.i) - 1, 0))
    inside = members.i[place] == logins[0] if len(members.i) else np.zeros(len(logins[0]), dtype=np.bool_)
    person = FOREVER - 1 - logins[0]
    person[inside] = label[place[inside]]
    whose, turns = share(
        home=then,
        device=np.searchsorted(there, logins[1]),
        person=person,
        ts=logins[2],
        order=np.zeros(len(person), dtype=np.int64),
    )
    turns = Turns(there[turns.device], turns.person, turns.start, turns.end)
    return _Stood(members.i, members.home, label, there, home, whose, turns)


def _people(tx: Transaction, ix: int, until: Until, *, also: int | None) -> tuple[Then, ...]:
    """Everybody who then had one of the identifiers that are this person's today, or the one asked for."""
    mine = known.ints(tx.read("SELECT i FROM identifiers WHERE ix = $ix", {"ix": ix}), "i")
    if also is not None:
        mine = np.union1d(mine, np.array([also], dtype=np.int64))
    rows = known.rows_of(tx, mine)
    weak = known.is_kind(rows.kind, "device")
    stood = _stood(tx, rows.i[~weak], rows.i[weak], until)
    label = dict(zip(stood.i.tolist(), stood.label.tolist(), strict=True))
    whose = dict(zip(stood.device.tolist(), stood.whose.tolist(), strict=True))
    spoken = first_said(tx, [*label, *whose], until)
    there = {i for i in rows.i.tolist() if i in spoken}
    found = []
    for me in dict.fromkeys(_key({**label, **whose}[i], i) for i in sorted(there)):
        ids = sorted(i for i, one in label.items() if i in spoken and _key(one, i) == me)
        whole = sorted(i for i, one in whose.items() if i in spoken and _key(one, i) == me)
        same = me[0] == ix and {*ids, *whole} == there
        found.append(Then(me[0], tuple(ids), tuple(whole), stood.turns, same))
    return tuple(found)


def _key(me: int, i: int) -> tuple[int, int]:
    """What tells people of then apart: their ordinal, and for those without one the identifier."""
    return (me, i if me in (NOBODY, FOREVER) else NOBODY)


def _on(tx: Transaction, devices: Ints) -> Ints:
    """Who ever logged in on these devices, or was declared one with them: strong identifiers."""
    if not len(devices):
        return devices
    with tx.given("then_devices", known.ordinals(devices)):
        found = tx.read(
            "SELECT DISTINCT COALESCE(user_i, key_i) AS i FROM events WHERE device_i IN (SELECT i FROM then_devices)"
            " AND COALESCE(user_i, key_i) IS NOT NULL"
            " UNION SELECT a FROM claims WHERE b IN (SELECT i FROM then_devices)"
        )
    return known.ints(found, "i")


def _homes_then(tx: Transaction, devices: Ints, home: Ints, *, quiet: Flags, until: Until) -> Ints:
    """The ordinals that devices owned then: who registers on a visitor's device takes over the visitor's ordinal.

    `quiet`: nobody had logged in on the device yet.
    """
    asked = devices[quiet]
    if not len(asked):
        return home
    with tx.given("then_devices", known.ordinals(asked)):
        first = tx.read(
            "SELECT b, ARG_MIN(a, rowid) AS a FROM claims WHERE b IN (SELECT i FROM then_devices)"
            " AND what IN ('login', 'alias') GROUP BY b"
        )
    device, taker = known.ints(first, "b"), known.ints(first, "a")
    there, _, owns = known.homes_of(tx, taker)
    if not len(there):
        return home
    spoken = np.array(sorted(first_said(tx, there.tolist(), until)), dtype=np.int64)
    taken = owns[np.searchsorted(there, taker)]
    place = np.searchsorted(devices, device)
    then = home.copy()
    takes = (taker > device) & ~np.isin(taker, spoken) & (taken != NOBODY)
    takes &= (then[place] == NOBODY) | (taken < then[place])
    then[place[takes]] = taken[takes]
    return then


def first_said(tx: Engine | Transaction, ids: Sequence[int], until: Until) -> Mapping[int, Json]:
    """When each of these identifiers was first heard of, and seen, as far as it counts: i → {heard, seen}.

    Identifiers of which nobody had heard are absent; `heard` None: it is not known when.
    """
    counts = until.said("ts", "received_at")
    parts = [
        f"SELECT {column} AS i, ts, received_at FROM events WHERE {column} IN (SELECT i FROM w)"
        for column in ("user_i", "key_i", "device_i")
    ]
    parts += [
        f"SELECT {column} AS i, ts, ts AS received_at FROM given WHERE {column} IN (SELECT i FROM w)"
        for column in ("user_i", "key_i", "device_i")
    ]
    parts += [
        f"SELECT c.{column} AS i, c.ts, e.received_at FROM claims AS c LEFT JOIN events AS e ON e.id = c.id"
        f" WHERE c.{column} IN (SELECT i FROM w)"
        for column in ("a", "b")
    ]
    found = tx.read(
        "WITH w AS (SELECT UNNEST($ids::UINTEGER[]) AS i)"
        f" SELECT i, MIN(received_at) AS heard, MIN(ts) AS seen FROM ({' UNION ALL '.join(parts)})"
        f" WHERE {counts} GROUP BY i",
        {"ids": list(ids), "at": naive(until.at)},
    )
    return {row["i"]: {"heard": row["heard"], "seen": row["seen"]} for row in found.to_pylist()}


_STRONG = "c.a IN (SELECT i FROM then_members) AND c.what <> 'login'"
_ON_DEVICES = "c.b IN (SELECT i FROM then_members)"


def _claims(
    tx: Transaction, i: Ints, until: Until, which: str, *, strict: bool = False
) -> tuple[Ints, Ints, Ints, Ints]:
    """(a, b, ts, what) of the claims about these identifiers that count by then.

    Of logins on devices the events themselves tell, of all else a claim of an unknown time counts, unless `strict`.
    """
    with tx.given("then_members", known.ordinals(np.unique(i))):
        found = tx.read(
            "SELECT c.a, c.b, c.ts, c.what, e.received_at FROM claims AS c LEFT JOIN events AS e ON e.id = c.id"
            f" WHERE {which}"
        )
    if strict and not until.true and found["received_at"].null_count:
        raise ConflictError(
            "who this was then cannot be told: when it was heard that they are one is no longer known",
            code="not_known_then",
            hint="--view true tells of then by all that is known today",
        )
    at = pa.scalar(naive(until.at), pa.timestamp("us"))
    heard = pc.fill_null(pc.less_equal(found["received_at"], at), which == _STRONG)
    kept = found.filter(pc.less(found["ts"], at) if until.true else heard)
    what = pc.index_in(kept["what"], value_set=pa.array(WORDS)).to_numpy().astype(np.int64)
    return known.ints(kept, "a"), known.ints(kept, "b"), known.ints(kept, "ts"), what


def _devices(tx: Transaction, i: Ints) -> Ints:
    """The devices on which any of these was ever logged in."""
    with tx.given("then_members", known.ordinals(np.unique(i))):
        found = tx.read(
            "SELECT DISTINCT device_i AS i FROM events WHERE device_i IS NOT NULL"
            " AND COALESCE(user_i, key_i) IN (SELECT i FROM then_members)"
            " UNION SELECT c.b FROM claims AS c JOIN identifiers AS k ON k.i = c.b AND k.kind = 'device'"
            " WHERE c.a IN (SELECT i FROM then_members)"
        )
    return known.ints(found, "i")


def _logins(tx: Transaction, devices: Ints, until: Until) -> tuple[Ints, Ints, Ints]:
    """(who, device, ts) of every login on the devices that counts by then and that no cut undid."""
    if not len(devices):
        return devices, devices, devices
    a, b, ts, what = _claims(tx, devices, until, _ON_DEVICES)
    with tx.given("then_devices", known.ordinals(devices)):
        seen = tx.read(
            "SELECT DISTINCT COALESCE(user_i, key_i) AS a, device_i AS b, ts FROM events"
            " WHERE device_i IN (SELECT i FROM then_devices) AND COALESCE(user_i, key_i) IS NOT NULL"
            f" AND {until.said('ts', 'received_at')}",
            {"at": naive(until.at)},
        )
    a = np.concatenate((known.ints(seen, "a"), a))
    b = np.concatenate((known.ints(seen, "b"), b))
    ts = np.concatenate((known.ints(seen, "ts"), ts))
    what = np.concatenate((np.zeros(seen.num_rows, dtype=np.int64), what))
    holds = standing(a=a, b=b, ts=ts, alias=what == ALIAS, cut=what == CUT)
    return a[holds], b[holds], ts[holds]
