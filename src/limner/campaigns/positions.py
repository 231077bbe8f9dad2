"""Where everybody in a journey stands, as records: entered, moved and ended set by set.

Every change of many people is one statement; those it is about stand in a temporary table of the connection.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from limner.accounts.keys import instant, micros
from limner.campaigns.arms import HELD_OUT, TREATED, held_out
from limner.campaigns.journey import END, Journey
from limner.campaigns.stepping import may_enter
from limner.errors import ConflictError, NotFoundError
from limner.store.records import Records
from limner.types import Json

RUNNING, PAUSED, STOPPED = "running", "paused", "stopped"


@dataclass(frozen=True)
class Running:
    """A journey that was started. `load_i`, `advanced_at`: up to where events and the time have moved it.

    `members`: who was in the audience that it watches when it was moved last; None before, or where it watches none.
    """

    journey: str
    status: str
    reason: str
    definition: str
    content: str
    seed: str
    started_at: datetime
    ended_at: datetime | None
    load_i: int
    advanced_at: datetime
    members: bytes | None


@dataclass(frozen=True, eq=False)
class Standing:
    """Some people at one step, in the order of their ids: person, how many times each has entered, since when, arm."""

    people: Sequence[str]
    entries: NDArray[np.int64]
    arrived: NDArray[np.int64]
    due: NDArray[np.int64]
    treated: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.people)

    def only(self, mask: NDArray[np.bool_]) -> Standing:
        """Those of the mask."""
        places = np.flatnonzero(mask)
        return Standing(
            [self.people[place] for place in places.tolist()],
            self.entries[places],
            self.arrived[places],
            self.due[places],
            self.treated[places],
        )


@dataclass(frozen=True, eq=False)
class Called:
    """Some people, each with an instant (microseconds): when something let them in, or out."""

    people: Sequence[str]
    at: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.people)

    def only(self, mask: NDArray[np.bool_]) -> Called:
        """Those of the mask."""
        places = np.flatnonzero(mask)
        return Called([self.people[place] for place in places.tolist()], self.at[places])


NOBODY = Called([], np.zeros(0, dtype=np.int64))


def start(
    connection: Connection, journey: Journey, *, content: str, seed: str, load_i: int, now: datetime
) -> None:
    """The journey runs from now on; one that was stopped or paused goes on with this definition."""
    connection.execute(
        text(
            "INSERT INTO journeys (journey, status, definition, content, seed, holdout_share, started_at, load_i,"
            " advanced_at) VALUES (:journey, 'running', :definition, :content, :seed, :share, :now, :load_i, :now)"
            " ON CONFLICT (journey) DO UPDATE SET status = 'running', reason = '', ended_at = NULL,"
            " definition = :definition, content = :content"
        ),
        {
            "journey": journey.name,
            "definition": journey.definition,
            "content": content,
            "seed": seed,
            "share": journey.holdout,
            "now": micros(now),
            "load_i": load_i,
        },
    )


@dataclass(frozen=True)
class Version:
    """One text of a journey that ran: since when, by whom, and what it did to those who were inside."""

    version: int
    definition: str
    at: datetime
    by: str
    moved: list[Json]


def add_version(
    connection: Connection, journey: Journey, *, by: str, moved: Sequence[Json], now: datetime
) -> int:
    """The number of the text that runs from now on; the same text as before keeps its number."""
    last = connection.execute(
        text(
            "SELECT version, definition FROM journey_versions WHERE journey = :journey ORDER BY version DESC LIMIT 1"
        ),
        {"journey": journey.name},
    ).first()
    if last is not None and last.definition == journey.definition:
        return int(last.version)
    number = 1 if last is None else int(last.version) + 1
    connection.execute(
        text("INSERT INTO journey_versions VALUES (:journey, :version, :definition, :now, :by, :moved)"),
        {
            "journey": journey.name,
            "version": number,
            "definition": journey.definition,
            "now": micros(now),
            "by": by,
            "moved": json.dumps(list(moved)),
        },
    )
    return number


def versions(records: Records, name: str) -> list[Version]:
    """Every text of the journey that ran, the latest first."""
    with records.read() as connection:
        found = connection.execute(
            text("SELECT * FROM journey_versions WHERE journey = :name ORDER BY version DESC"), {"name": name}
        ).all()
    return [
        Version(row.version, row.definition, instant(row.at), row.by, json.loads(row.moved)) for row in found
    ]


def stand(connection: Connection, name: str, people: Standing, *, step: str) -> None:
    """These people, who are in the journey, stand at that step, since and until their instants."""
    with among(connection, people.people, at=people.arrived, due_at=people.due):
        connection.execute(
            text(
                "UPDATE positions SET step = :step, arrived_at = s.at, due_at = s.due_at FROM some AS s"
                " WHERE positions.journey = :journey AND positions.ended_at IS NULL AND positions.person = s.person"
            ),
            {"journey": name, "step": step},
        )


def running(records: Records, name: str = "") -> list[Running]:
    """The journeys that were ever started, by name; or that one."""
    with records.read() as connection:
        found = connection.execute(
            text(f"SELECT * FROM journeys{' WHERE journey = :name' if name else ''} ORDER BY journey"),
            {"name": name},
        ).mappings()
        return [
            Running(
                journey=row["journey"],
                status=row["status"],
                reason=row["reason"],
                definition=row["definition"],
                content=row["content"],
                seed=row["seed"],
                started_at=instant(row["started_at"]),
                ended_at=None if row["ended_at"] is None else instant(row["ended_at"]),
                load_i=row["load_i"],
                advanced_at=instant(row["advanced_at"]),
                members=row["members"],
            )
            for row in found
        ]


def set_status(records: Records, name: str, status: str, *, reason: str, now: datetime) -> None:
    """The journey is paused, stopped or running from now on. Raises NotFoundError, and ConflictError for what ended."""
    found = running(records, name)
    if not found:
        raise NotFoundError(f"journey '{name}' was never started", hint=f"limner journey start {name}")
    if found[0].status == STOPPED and status == PAUSED:
        raise ConflictError("the journey is stopped and cannot become paused")
    with records.begin() as connection:
        connection.execute(
            text(
                "UPDATE journeys SET status = :status, reason = :reason, ended_at = :ended WHERE journey = :name"
            ),
            {
                "status": status,
                "reason": reason,
                "ended": None if status == RUNNING else micros(now),
                "name": name,
            },
        )


def advanced(
    connection: Connection, name: str, *, load_i: int, now: datetime, members: bytes | None = None
) -> None:
    """Writes down up to where the journey was moved."""
    connection.execute(
        text(
            "UPDATE journeys SET load_i = :load_i, advanced_at = :now, members = COALESCE(:members, members)"
            " WHERE journey = :name"
        ),
        {"load_i": load_i, "now": micros(now), "members": members, "name": name},
    )


@contextmanager
def among(connection: Connection, people: Sequence[str], **columns: NDArray[np.int64]) -> Iterator[None]:
    """Inside the block the people stand in the temporary table `some` (person, and these columns)."""
    names = ["person", *columns]
    connection.execute(
        text(f"CREATE TEMP TABLE some (person TEXT PRIMARY KEY{''.join(f', {c}' for c in columns)})")
    )
    try:
        rows = list(zip(people, *(values.tolist() for values in columns.values()), strict=True))
        marks = ", ".join("?" * len(names))
        raw = connection.connection.dbapi_connection
        assert raw is not None  # noqa: S101 - the connection is open
        raw.cursor().executemany(f"INSERT INTO some VALUES ({marks})", rows)
        yield
    finally:
        connection.execute(text("DROP TABLE some"))


def enter(
    connection: Connection,
    journey: Journey,
    called: Called,
    *,
    seed: str,
    due: Callable[[Called], NDArray[np.int64]],
    apart: Collection[str] = (),
) -> Called:
    """Who of these people enter, and when: each at the first of their instants at which they may.

    `due`: when those who enter are due at the first step; `apart`: who is held out whatever the journey's own lot says.
    """
    names = sorted(set(called.people))
    before: dict[str, tuple[int, int, int, bool]] = {}
    with among(connection, names):
        for person, entries, since, ended, inside in connection.execute(
            text(
                "SELECT p.person, MAX(p.entry), MAX(p.entered_at), MAX(COALESCE(p.ended_at, 0)),"
                " MAX(p.ended_at IS NULL) FROM positions AS p"
                " JOIN some AS s ON s.person = p.person WHERE p.journey = :journey GROUP BY p.person"
            ),
            {"journey": journey.name},
        ):
            before[person] = (entries, since, ended, bool(inside))
    known = [before.get(person, (0, 0, 0, False)) for person in called.people]
    may = may_enter(
        journey.again,
        inside=np.array([row[3] for row in known], dtype=np.bool_),
        entries=np.array([row[0] for row in known], dtype=np.int64),
        since=np.array([row[1] for row in known], dtype=np.int64),
        ended=np.array([row[2] for row in known], dtype=np.int64),
        at=called.at,
    )
    first = _firsts(called.only(may))
    out = held_out(first.people, seed=seed, share=journey.holdout)
    if apart:
        out |= np.array([person in apart for person in first.people], dtype=np.bool_)
    entries = np.array([before.get(person, (0,))[0] + 1 for person in first.people], dtype=np.int64)
    with among(
        connection, first.people, at=first.at, due_at=due(first), entry=entries, held=out.astype(np.int64)
    ):
        connection.execute(
            text(
                "INSERT INTO positions (journey, person, entry, arm, step, entered_at, arrived_at, due_at)"
                f" SELECT :journey, person, entry, CASE WHEN held THEN '{HELD_OUT}' ELSE '{TREATED}' END, :step,"
                " at, at, due_at FROM some"
            ),
            {"journey": journey.name, "step": journey.first},
        )
    return first


def _firsts(called: Called) -> Called:
    """Each person once, with the first of their instants, in the order of their ids."""
    if not len(called):
        return NOBODY
    names, which = np.unique(np.array(called.people, dtype=np.str_), return_inverse=True)
    at = np.full(len(names), np.iinfo(np.int64).max, dtype=np.int64)
    np.minimum.at(at, which, called.at)
    return Called(names.tolist(), at)


def leave_play(
    connection: Connection, name: str, entered: Called, others: Sequence[str]
) -> dict[str, Called]:
    """Who leaves which journey of a play, by its name, because they entered the journey `name`: whichever they
    entered last goes on."""
    gone: dict[str, Called] = {}
    for other in others:
        with among(connection, entered.people, at=entered.at):
            earlier = connection.execute(
                text(
                    "SELECT p.person, s.at FROM positions AS p JOIN some AS s ON s.person = p.person"
                    " WHERE p.journey = :other AND p.ended_at IS NULL AND p.entered_at <= s.at ORDER BY p.person"
                ),
                {"other": other},
            ).all()
            later = connection.execute(
                text(
                    "SELECT p.person, p.entered_at FROM positions AS p JOIN some AS s ON s.person = p.person"
                    " WHERE p.journey = :other AND p.ended_at IS NULL AND p.entered_at > s.at ORDER BY p.person"
                ),
                {"other": other},
            ).all()
        for journey, rows, why in ((other, earlier, name), (name, later, other)):
            some = Called([row[0] for row in rows], np.array([row[1] for row in rows], dtype=np.int64))
            if len(some):
                end(connection, journey, some, why=f"entered {why}")
                gone[journey] = some if journey not in gone else _both(gone[journey], some)
    return gone


def _both(one: Called, other: Called) -> Called:
    return Called([*one.people, *other.people], np.concatenate([one.at, other.at]))


def standing(connection: Connection, name: str, step: str, *, until: datetime | None = None) -> Standing:
    """Who stands at a step; with `until`, who is due there by then."""
    found = connection.execute(
        text(
            "SELECT person, entry, arrived_at, due_at, arm FROM positions WHERE journey = :journey AND step = :step"
            " AND ended_at IS NULL" + ("" if until is None else " AND due_at <= :until") + " ORDER BY person"
        ),
        {"journey": name, "step": step, "until": 0 if until is None else micros(until)},
    ).all()
    return Standing(
        [row[0] for row in found],
        np.array([row[1] for row in found], dtype=np.int64),
        np.array([row[2] for row in found], dtype=np.int64),
        np.array([row[3] for row in found], dtype=np.int64),
        np.array([row[4] == TREATED for row in found], dtype=np.bool_),
    )


def reachable(connection: Connection, name: str) -> Called:
    """Who is in the journey now, and who went to its end while a message of it still waits: since when they entered."""
    found = connection.execute(
        text(
            "SELECT person, MAX(entered_at) FROM (SELECT person, entered_at FROM positions"
            " WHERE journey = :journey AND ended_at IS NULL UNION ALL SELECT p.person, p.entered_at"
            " FROM (SELECT DISTINCT person FROM touches WHERE campaign = :journey AND status = 'waiting') AS w"
            " JOIN positions AS p ON p.journey = :journey AND p.person = w.person AND p.ended = 'end')"
            " GROUP BY person ORDER BY person"
        ),
        {"journey": name},
    ).all()
    return Called([row[0] for row in found], np.array([row[1] for row in found], dtype=np.int64))


def not_yet(connection: Connection, name: str, called: Called) -> Called:
    """Those whom these instants have not let in already."""
    if not len(called):
        return called
    found = connection.execute(
        text("SELECT person, entered_at FROM positions WHERE journey = :journey AND entered_at >= :since"),
        {"journey": name, "since": int(called.at.min())},
    ).all()
    known = {(row[0], row[1]) for row in found}
    pairs = zip(called.people, called.at.tolist(), strict=True)
    return called.only(np.array([pair not in known for pair in pairs], dtype=np.bool_))


def inside(connection: Connection, name: str) -> list[str]:
    """Everybody who is in the journey now, in the order of their ids."""
    return list(
        connection.execute(
            text(
                "SELECT person FROM positions WHERE journey = :journey AND ended_at IS NULL ORDER BY person"
            ),
            {"journey": name},
        ).scalars()
    )


def merge(connection: Connection, name: str, into: Mapping[str, str], *, now: datetime) -> int:
    """How many positions became another person's, who was found to be the same: of two in it the first entry stays.

    `into`: who took whose place, by person.
    """
    moved = 0
    for old, new in sorted(into.items()):
        open_now = connection.execute(
            text(
                "SELECT person, entry FROM positions WHERE journey = :journey AND ended_at IS NULL"
                " AND person IN (:old, :new) ORDER BY entered_at, person"
            ),
            {"journey": name, "old": old, "new": new},
        ).all()
        for person, entry in open_now[1:]:
            connection.execute(
                text(
                    "UPDATE positions SET ended_at = :now, ended = 'merged' WHERE journey = :journey"
                    " AND person = :person AND entry = :entry"
                ),
                {"journey": name, "person": person, "entry": entry, "now": micros(now)},
            )
        done = connection.execute(
            text(
                "UPDATE positions SET person = :new, entry = entry + (SELECT COALESCE(MAX(entry), 0) FROM positions"
                " WHERE journey = :journey AND person = :new) WHERE journey = :journey AND person = :old"
            ),
            {"journey": name, "old": old, "new": new},
        )
        moved += done.rowcount
    return moved


def erase(records: Records, person: str) -> int:
    """How many rows named the person; now they name nobody, and whoever was in a journey is not any more."""
    nobody = {"nobody": f"erased-{secrets.token_hex(8)}", "person": person}
    with records.begin() as connection:
        connection.execute(
            text(
                "UPDATE positions SET ended_at = arrived_at, ended = 'erased' WHERE person = :person"
                " AND ended_at IS NULL"
            ),
            nobody,
        )
        connection.execute(text("DELETE FROM charges WHERE person = :person AND done_at IS NULL"), nobody)
        return sum(
            connection.execute(
                text(f"UPDATE {table} SET person = :nobody WHERE person = :person"), nobody
            ).rowcount
            for table in ("positions", "charges")
        )


# What steps leave to be done


@dataclass(frozen=True)
class Charge:
    """What a step asks to be done for some people at once."""

    journey: str
    step: str
    people: tuple[str, ...]
    ids: tuple[int, ...]


def charge(connection: Connection, name: str, step: str, people: Standing) -> None:
    """Writes down that what the step says has to be done for these people since they were due; once for each entry."""
    with among(connection, people.people, entry=people.entries, at=people.due):
        connection.execute(
            text(
                "INSERT INTO charges (journey, step, person, entry, at) SELECT :journey, :step, person, entry, at"
                " FROM some WHERE TRUE ON CONFLICT DO NOTHING"
            ),
            {"journey": name, "step": step},
        )


def charges(records: Records) -> list[Charge]:
    """What is to be done, by journey and step, the oldest first."""
    with records.read() as connection:
        found = connection.execute(
            text("SELECT id, journey, step, person FROM charges WHERE done_at IS NULL ORDER BY id")
        ).all()
    several: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for number, journey, step, person in found:
        several.setdefault((journey, step), []).append((number, person))
    return [
        Charge(
            journey, step, tuple(dict.fromkeys(person for _, person in some)), tuple(one for one, _ in some)
        )
        for (journey, step), some in several.items()
    ]


@dataclass(frozen=True)
class OpenCharge:
    """What is to be done for one person, since when."""

    id: int
    journey: str
    step: str
    person: str
    at: datetime


def open_charges(records: Records, *, limit: int) -> list[OpenCharge]:
    """What is to be done for whom, the oldest first."""
    with records.read() as connection:
        found = connection.execute(
            text(
                "SELECT id, journey, step, person, at FROM charges WHERE done_at IS NULL ORDER BY id LIMIT :limit"
            ),
            {"limit": limit},
        ).all()
    return [OpenCharge(row[0], row[1], row[2], row[3], instant(row[4])) for row in found]


def done(records: Records, id: int, *, by: str, note: str, now: datetime) -> None:
    """It is done for that person, by whom, with what is to be remembered.

    Raises NotFoundError where nothing of that id was to be done.
    """
    with records.begin() as connection:
        changed = connection.execute(
            text(
                "UPDATE charges SET done_at = :now, done_by = :by, note = :note"
                " WHERE id = :id AND done_at IS NULL"
            ),
            {"now": micros(now), "by": by, "note": note, "id": id},
        )
    if not changed.rowcount:
        raise NotFoundError(f"there is no open task {id}", hint="limner journey tasks")


def discharge(records: Records, done: Charge, *, now: datetime) -> None:
    """Writes down that it is done."""
    with records.begin() as connection:
        connection.execute(
            text("UPDATE charges SET done_at = :now WHERE id = :id"),
            [{"now": micros(now), "id": number} for number in done.ids],
        )


def pass_on(
    connection: Connection,
    name: str,
    people: Standing,
    *,
    step: str,
    way: str,
    to: str,
    due: NDArray[np.int64],
) -> None:
    """These people, who stand at a step, go that way when they are due: to the next, or it ended for them."""
    with among(connection, people.people, at=people.due, due_at=due):
        ending = "ended_at = s.at, ended = 'end', " if to == END else ""
        connection.execute(
            text(
                f"UPDATE positions SET {ending}step = :to, arrived_at = s.at, due_at = s.due_at FROM some AS s"
                " WHERE positions.journey = :journey AND positions.ended_at IS NULL AND positions.person = s.person"
            ),
            {"journey": name, "to": step if to == END else to},
        )
    connection.execute(
        text(
            "INSERT INTO passed (journey, step, way, people) VALUES (:journey, :step, :way, :people)"
            " ON CONFLICT (journey, step, way) DO UPDATE SET people = people + :people"
        ),
        {"journey": name, "step": step, "way": way, "people": len(people)},
    )


def end(connection: Connection, name: str, called: Called, *, why: str) -> int:
    """How many of these people were in the journey and are not from their instants on."""
    with among(connection, called.people, at=called.at):
        done = connection.execute(
            text(
                "UPDATE positions SET ended_at = s.at, ended = :why FROM some AS s WHERE positions.journey = :journey"
                " AND positions.ended_at IS NULL AND positions.person = s.person"
            ),
            {"journey": name, "why": why},
        )
    return done.rowcount


@dataclass(frozen=True)
class Flow:
    """How many stand at each step now, passed each way of each, and ended how."""

    entered: int
    held_out: int
    at: dict[str, int]
    passed: dict[tuple[str, str], int]
    ended: dict[str, int]


def flow(records: Records, name: str) -> Flow:
    """Where everybody is who ever entered: standing at a step or ended, exactly."""
    with records.read() as connection:
        connection.exec_driver_sql("BEGIN")
        rows = connection.execute(
            text(
                "SELECT step, ended_at IS NOT NULL, ended, arm, COUNT(*) FROM positions WHERE journey = :name"
                " GROUP BY 1, 2, 3, 4"
            ),
            {"name": name},
        ).all()
        ways = connection.execute(
            text("SELECT step, way, people FROM passed WHERE journey = :name"), {"name": name}
        ).all()
        connection.exec_driver_sql("COMMIT")
    at: dict[str, int] = {}
    ended: dict[str, int] = {}
    for step, over, why, _, people in rows:
        if over:
            ended[why] = ended.get(why, 0) + people
        else:
            at[step] = at.get(step, 0) + people
    return Flow(
        entered=sum(row[4] for row in rows),
        held_out=sum(row[4] for row in rows if row[3] == HELD_OUT),
        at=at,
        passed={(step, way): people for step, way, people in ways},
        ended=ended,
    )


@dataclass(frozen=True)
class Stands:
    """Somebody who is in a journey now: where, since when, and when they are looked at next."""

    person: str
    step: str
    arm: str
    entered_at: datetime
    arrived_at: datetime
    due_at: datetime


def present(records: Records, name: str, *, step: str, limit: int) -> list[Stands]:
    """Who is in the journey now, at one step or ('') anywhere: whoever is due first comes first."""
    with records.read() as connection:
        found = connection.execute(
            text(
                "SELECT person, step, arm, entered_at, arrived_at, due_at FROM positions WHERE journey = :name"
                " AND ended_at IS NULL AND (:step = '' OR step = :step) ORDER BY due_at, person LIMIT :limit"
            ),
            {"name": name, "step": step, "limit": limit},
        ).all()
    return [Stands(*row[:3], *map(instant, row[3:])) for row in found]


def of_person(records: Records, person: str) -> list[dict[str, object]]:
    """Where one person stands or stood: journey, entry, arm, step, instants, how it ended; the latest first."""
    with records.read() as connection:
        found = connection.execute(
            text("SELECT * FROM positions WHERE person = :person ORDER BY entered_at DESC, journey"),
            {"person": person},
        ).mappings()
        return [
            {
                key: instant(value) if key.endswith("_at") and value is not None else value
                for key, value in row.items()
                if key != "person"
            }
            for row in found
        ]
