"""Then: who was one person by what had been heard by an instant. What was claimed later joins nobody yet.

The pure decisions of `stitch` are made again over the claims of then, for one person and whoever any claim connects
with them. Nothing is written.
"""

from __future__ import annotations

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
from limner.identity.stitch import FOREVER, NOBODY, Ints, Turns, join, share, standing
from limner.types import naive


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


MINE = """(e.user_i IN (SELECT i FROM {ids}) OR (e.user_i IS NULL AND (e.key_i IN (SELECT i FROM {ids})
  OR (e.key_i IS NULL AND (EXISTS (FROM {turns} AS v WHERE v.device_i = e.device_i AND v.mine AND e.ts >= v."from"
      AND (v."to" IS NULL OR e.ts < v."to"))
    OR (e.device_i IN (SELECT i FROM {devices})
      AND NOT EXISTS (FROM {turns} AS v WHERE v.device_i = e.device_i AND e.ts >= v."from"
      AND (v."to" IS NULL OR e.ts < v."to"))))))))"""
"""Whether a row `e` with user_i, key_i, device_i and ts is the person's: by user id, else key, else device and time."""


def person_then(engine: Engine, name: Identifier, heard: datetime) -> Then:
    """Who this was by what had been received until that instant.

    Raises NotFoundError when nobody had heard of it by then, ConflictError when it is no longer known when something
    that joins people was heard.
    """
    with engine.write() as tx:
        asked = _asked(tx, name)
        row = known.rows_of(tx, np.array([asked], dtype=np.int64))
        if not _heard_of(tx, asked, heard):
            raise NotFoundError(
                f"nobody had heard of '{name.kind}:{name.value}' by {heard.isoformat()}",
                code="not_heard",
                hint="--view true tells of then by all that is known today",
            )
        return _then(tx, asked, is_device=bool(known.is_kind(row.kind, "device")[0]), heard=heard)


def _asked(tx: Transaction, name: Identifier) -> int:
    sql = "SELECT i FROM identifiers WHERE kind = $kind AND value = $value"
    if name.kind == PERSON:
        sql = "SELECT k.i FROM identifiers AS k JOIN persons AS p ON p.ix = k.home WHERE p.person_id = $value"
    found = tx.read(sql, {"kind": name.kind, "value": name.value}).column("i").to_pylist()
    if not found:
        raise NotFoundError(f"there is no person '{name.value}'")
    return int(found[0])


def _heard_of(tx: Transaction, i: int, heard: datetime) -> bool:
    any_of = " OR ".join(f"{column} = $i" for column in ("user_i", "key_i", "device_i"))
    found = tx.read(
        f"SELECT EXISTS (FROM events WHERE ({any_of}) AND received_at <= $heard) AS heard",
        {"i": i, "heard": naive(heard)},
    )
    return bool(found["heard"][0].as_py())


def _then(tx: Transaction, asked: int, *, is_device: bool, heard: datetime) -> Then:
    # 1. Everybody whom any claim ever connects with them, and what had been claimed by then.
    around = _around(tx, asked)
    members, _ = known.neighbours(tx, around)
    a, b, ts, what = _claims(tx, members.i, heard, _STRONG)
    inside = np.isin(a, members.i) & np.isin(b, members.i)
    a, b, ts, what = a[inside], b[inside], ts[inside], what[inside]
    user = known.is_kind(members.kind, USER)
    names = pc.binary_join_element_wise(members.kind, pc.fill_null(members.value, ""), "\0")
    order = pc.rank(names, tiebreaker="dense").to_numpy() if len(members.i) else members.i
    people = join(
        user=user,
        home=members.home,
        order=order.astype(np.int64),
        a=np.searchsorted(members.i, a),
        b=np.searchsorted(members.i, b),
        ts=ts,
        alias=what == ALIAS,
        cut=what == CUT,
    )
    # 2. Whose the devices were.
    devices = _devices(tx, members.i)
    if is_device:
        devices = np.union1d(devices, np.array([asked], dtype=np.int64))
    rows = known.homes_of(tx, devices)
    logins = _logins(tx, devices, heard)
    label = {int(i): int(person) for i, person in zip(members.i, people.label, strict=True)}
    person = np.array([label.get(int(i), FOREVER - 1 - int(i)) for i in logins[0]], dtype=np.int64)
    of_device, turns = share(
        home=rows[2],
        device=np.searchsorted(rows[0], logins[1]),
        person=person,
        ts=logins[2],
        order=np.zeros(len(person), dtype=np.int64),
    )
    turns = Turns(rows[0][turns.device], turns.person, turns.start, turns.end)
    whose = dict(zip(rows[0].tolist(), of_device.tolist(), strict=True))
    # 3. The one who was asked for.
    me = whose[asked] if is_device else label[asked]
    if me in (NOBODY, FOREVER):
        raise ConflictError(
            "who this was then cannot be told: it was part of somebody from the first",
            code="not_known_then",
            hint="ask with a user id, or --view true",
        )
    strong = sorted(i for i, ix in label.items() if ix == me)
    whole = sorted(i for i, ix in whose.items() if ix == me)
    today = tx.read("SELECT COALESCE(merged_into, ix) AS ix FROM persons WHERE ix = $me", {"me": me})
    now_ix = int(today.column("ix")[0].as_py())
    held = tx.read("SELECT i FROM identifiers WHERE ix = $ix", {"ix": now_ix}).column("i").to_pylist()
    mentioned = {i for i in held if _heard_of(tx, int(i), heard)}
    same = now_ix == me and mentioned <= {*strong, *whole} and not set(strong) - set(held)
    return Then(me, tuple(strong), tuple(whole), turns, same)


def _around(tx: Transaction, asked: int) -> Ints:
    """The identifier, and if it is a device whoever ever logged in on it."""
    found = tx.read(
        "SELECT DISTINCT COALESCE(user_i, key_i) AS i FROM events WHERE device_i = $i"
        " AND COALESCE(user_i, key_i) IS NOT NULL UNION SELECT a FROM claims WHERE b = $i UNION SELECT $i",
        {"i": asked},
    )
    rows = known.rows_of(tx, known.ints(found, "i"))
    strong: Ints = rows.i[~known.is_kind(rows.kind, "device")]
    return strong


_STRONG = "c.a IN (SELECT i FROM then_members) AND c.what <> 'login'"
_ON_DEVICES = "c.b IN (SELECT i FROM then_members)"


def _claims(tx: Transaction, i: Ints, heard: datetime, which: str) -> tuple[Ints, Ints, Ints, Ints]:
    """(a, b, ts, what) of the claims about these identifiers that had been heard by then."""
    with tx.given("then_members", known.ordinals(np.unique(i))):
        found = tx.read(
            "SELECT c.a, c.b, c.ts, c.what, e.received_at FROM claims AS c LEFT JOIN events AS e ON e.id = c.id"
            f" WHERE {which}"
        )
    if which == _STRONG and found["received_at"].null_count:
        raise ConflictError(
            "who this was then cannot be told: when it was heard that they are one is no longer known",
            code="not_known_then",
            hint="--view true tells of then by all that is known today",
        )
    kept = found.filter(pc.less_equal(found["received_at"], pa.scalar(naive(heard), pa.timestamp("us"))))
    what = np.array([WORDS.index(word) for word in kept["what"].to_pylist()], dtype=np.int64)
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


def _logins(tx: Transaction, devices: Ints, heard: datetime) -> tuple[Ints, Ints, Ints]:
    """(who, device, ts) of every login on the devices that had been heard of by then and that no cut undid."""
    if not len(devices):
        return devices, devices, devices
    a, b, ts, what = _claims(tx, devices, heard, _ON_DEVICES)
    with tx.given("then_devices", known.ordinals(devices)):
        seen = tx.read(
            "SELECT DISTINCT COALESCE(user_i, key_i) AS a, device_i AS b, ts FROM events"
            " WHERE device_i IN (SELECT i FROM then_devices) AND COALESCE(user_i, key_i) IS NOT NULL"
            " AND received_at <= $heard",
            {"heard": naive(heard)},
        )
    a = np.concatenate((known.ints(seen, "a"), a))
    b = np.concatenate((known.ints(seen, "b"), b))
    ts = np.concatenate((known.ints(seen, "ts"), ts))
    what = np.concatenate((np.zeros(seen.num_rows, dtype=np.int64), what))
    holds = standing(a=a, b=b, ts=ts, alias=what == ALIAS, cut=what == CUT)
    return a[holds], b[holds], ts[holds]
