"""Which member of staff knows which customer at WeCom, and who is in which group chat: records, changed set by set.

A customer is an external_userid, never a person: who that is, is asked of the engine, so people who are found to be one
need nothing moved here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from limner.accounts.keys import instant, micros
from limner.store.records import Records

REMOVED, LEFT, GIVEN = "removed by staff", "left by the customer", "handed over"
"""Why a relation ended."""

LIBRARY = "tags"
"""What in `stale_things` says that the company's tags must be read anew."""

_OWNER = (
    "SELECT customer, staff, ROW_NUMBER() OVER (PARTITION BY customer ORDER BY since, staff) AS place FROM follows"
    " WHERE ended_at IS NULL"
)
"""The owner of a customer is who has known them longest of those who still do."""


@dataclass(frozen=True)
class Follow:
    """One relation as the platform says it now."""

    staff: str
    customer: str
    since: datetime
    state: str = ""
    remark: str = ""
    tags: tuple[str, ...] = ()


def begin(connection: Connection, staff: str, customer: str, *, state: str, at: datetime) -> None:
    """The relation is there since then; told again, or late, it changes nothing."""
    connection.execute(
        text(
            "INSERT INTO follows (staff, customer, since, state, tags_at) VALUES (:staff, :customer, :at, :state, :at)"
            " ON CONFLICT DO UPDATE SET stale = 1, since = :at, state = :state, ended_at = NULL, ended = ''"
            " WHERE ended_at IS NOT NULL AND ended_at <= :at"
        ),
        {"staff": staff, "customer": customer, "state": state, "at": micros(at)},
    )
    connection.execute(
        text("INSERT INTO staff (staff) VALUES (:staff) ON CONFLICT DO NOTHING"), {"staff": staff}
    )


def end(connection: Connection, staff: str, customer: str, *, why: str, at: datetime) -> None:
    """The relation is over since then."""
    connection.execute(
        text(
            "UPDATE follows SET ended_at = :at, ended = :why, stale = 0 WHERE staff = :staff AND customer = :customer"
            " AND ended_at IS NULL AND since <= :at"
        ),
        {"staff": staff, "customer": customer, "why": why, "at": micros(at)},
    )


def ask_again(connection: Connection, customer: str) -> None:
    """What is true of the customer changed at the platform and must be asked for."""
    connection.execute(
        text("UPDATE follows SET stale = 1 WHERE customer = :customer AND ended_at IS NULL"),
        {"customer": customer},
    )


def note_stale(connection: Connection, what: str, *, at: datetime) -> None:
    """Something of the platform that belongs to nobody changed and must be read anew."""
    connection.execute(
        text("INSERT INTO stale_things (what, since) VALUES (:what, :at) ON CONFLICT DO NOTHING"),
        {"what": what, "at": micros(at)},
    )


def stale_thing(records: Records, what: str) -> bool:
    """Whether it must be read anew."""
    with records.read() as connection:
        return (
            connection.execute(text("SELECT 1 FROM stale_things WHERE what = :what"), {"what": what}).scalar()
            is not None
        )


def stale(records: Records, *, limit: int) -> list[str]:
    """Customers of whom the platform must be asked."""
    with records.read() as connection:
        return list(
            connection.execute(
                text("SELECT DISTINCT customer FROM follows WHERE stale = 1 ORDER BY customer LIMIT :limit"),
                {"limit": limit},
            ).scalars()
        )


def keep(
    connection: Connection, rows: Sequence[Follow], *, now: datetime, whole: Sequence[str] = (), of: str = ""
) -> None:
    """The relations are as these rows say.

    `whole`: staff whose every relation is among the rows, `of`: a customer whose every relation is: others are over.
    """
    connection.execute(
        text(
            "INSERT INTO staff (staff) SELECT DISTINCT value FROM json_each(:staff) WHERE TRUE ON CONFLICT DO NOTHING"
        ),
        {"staff": json.dumps(sorted({row.staff for row in rows}))},
    )
    given = json.dumps(
        [
            [row.staff, row.customer, micros(row.since), row.state, row.remark, json.dumps(sorted(row.tags))]
            for row in rows
        ]
    )
    connection.execute(
        text(
            "INSERT INTO follows (staff, customer, since, state, remark, tags, tags_at, stale)"
            " SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, :now, 0"
            " FROM json_each(:rows) WHERE TRUE"
            " ON CONFLICT DO UPDATE SET remark = excluded.remark, state = excluded.state,"
            " since = CASE WHEN ended_at IS NULL THEN MIN(since, excluded.since) ELSE excluded.since END,"
            " tags_at = CASE WHEN tags = excluded.tags THEN tags_at ELSE :now END,"
            " tags = excluded.tags, stale = 0, ended_at = NULL, ended = ''"
        ),
        {"rows": given, "now": micros(now)},
    )
    if whole or of:
        connection.execute(
            text(
                "UPDATE follows SET ended_at = :now, ended = :why, stale = 0 WHERE ended_at IS NULL"
                " AND (staff IN (SELECT value FROM json_each(:whole)) OR customer = :of)"
                " AND (staff, customer) NOT IN (SELECT value ->> 0, value ->> 1 FROM json_each(:rows))"
            ),
            {
                "now": micros(now),
                "why": "not at the platform any more",
                "whole": json.dumps(list(whole)),
                "of": of,
                "rows": given,
            },
        )


def name_staff(connection: Connection, names: Mapping[str, str]) -> None:
    """Members of staff and what they are called."""
    connection.execute(
        text(
            "INSERT INTO staff (staff, name) SELECT key, value FROM json_each(:names) WHERE TRUE"
            " ON CONFLICT DO UPDATE SET name = CASE WHEN excluded.name = '' THEN name ELSE excluded.name END,"
            " left_at = NULL"
        ),
        {"names": json.dumps(dict(names))},
    )


def leave(connection: Connection, gone: Sequence[str], *, now: datetime) -> None:
    """Members of staff whom the company has no more; their relations stay until they are handed over."""
    connection.execute(
        text(
            "UPDATE staff SET left_at = :now WHERE left_at IS NULL AND staff IN (SELECT value FROM json_each(:gone))"
        ),
        {"now": micros(now), "gone": json.dumps(list(gone))},
    )


def members_of_staff(records: Records) -> list[dict[str, Any]]:
    """Everybody who has or had customers: staff, name, left_at, how many customers they know and own."""
    with records.read() as connection:
        rows = connection.execute(
            text(
                f"WITH owners AS ({_OWNER}) SELECT s.staff, s.name, s.left_at,"
                " (SELECT COUNT(*) FROM follows AS f WHERE f.staff = s.staff AND f.ended_at IS NULL) AS customers,"
                " (SELECT COUNT(*) FROM owners AS o WHERE o.staff = s.staff AND o.place = 1) AS owned,"
                " (SELECT COUNT(*) FROM hand_overs AS h WHERE h.giver = s.staff AND h.status = 'waiting') AS going"
                " FROM staff AS s ORDER BY s.staff"
            )
        ).mappings()
        return [
            {**row, "left_at": None if row["left_at"] is None else instant(row["left_at"]).isoformat()}
            for row in rows
        ]


def owners(connection: Connection, customers: Sequence[str], *, here: bool = False) -> dict[str, str]:
    """Who owns each of the customers; whom nobody knows any more is absent. `here`: of those who are still with us."""
    present = " AND staff NOT IN (SELECT staff FROM staff WHERE left_at IS NOT NULL)" if here else ""
    rows = connection.execute(
        text(
            f"WITH owners AS ({_OWNER} AND customer IN (SELECT value FROM json_each(:customers)){present})"
            " SELECT customer, staff FROM owners WHERE place = 1"
        ),
        {"customers": json.dumps(list(customers))},
    )
    return {row[0]: row[1] for row in rows}


def customers_of(records: Records, staff: str, *, owned: bool = False) -> list[dict[str, Any]]:
    """The customers of a member of staff, the latest first, each with whether they own them."""
    with records.read() as connection:
        rows = connection.execute(
            text(
                f"WITH owners AS ({_OWNER}) SELECT f.customer, f.since, f.state, f.remark, f.tags, o.place = 1 AS owns"
                " FROM follows AS f JOIN owners AS o ON o.customer = f.customer AND o.staff = f.staff"
                " WHERE f.staff = :staff AND f.ended_at IS NULL"
                + (" AND o.place = 1" if owned else "")
                + " ORDER BY f.since DESC, f.customer"
            ),
            {"staff": staff},
        ).mappings()
        return [
            {
                **row,
                "since": instant(row["since"]).isoformat(),
                "tags": json.loads(row["tags"]),
                "owns": bool(row["owns"]),
            }
            for row in rows
        ]


def knows(records: Records, staff: str, customer: str) -> bool:
    """Whether the customer is one of the member of staff now."""
    with records.read() as connection:
        return (
            connection.execute(
                text(
                    "SELECT 1 FROM follows WHERE staff = :staff AND customer = :customer AND ended_at IS NULL"
                ),
                {"staff": staff, "customer": customer},
            ).scalar()
            is not None
        )


def relations(records: Records) -> list[tuple[str, str, tuple[str, ...], int]]:
    """Every open relation: staff, customer, ids of the company's tags, and since when those stand (microseconds)."""
    with records.read() as connection:
        rows = connection.execute(
            text(
                "SELECT staff, customer, tags, tags_at FROM follows WHERE ended_at IS NULL ORDER BY customer, staff"
            )
        )
        return [(staff, customer, tuple(json.loads(tags)), at) for staff, customer, tags, at in rows]


# group chats


def keep_chat(
    connection: Connection,
    chat: str,
    *,
    name: str,
    owner: str,
    members: Mapping[str, datetime],
) -> tuple[list[str], list[str]]:
    """The chat is as it is said; the answer is which customers came, and which left."""
    before = set(
        connection.execute(
            text("SELECT customer FROM chat_members WHERE chat = :chat"), {"chat": chat}
        ).scalars()
    )
    connection.execute(
        text(
            "INSERT INTO chats (chat, name, owner, stale) VALUES (:chat, :name, :owner, 0)"
            " ON CONFLICT DO UPDATE SET name = :name, owner = :owner, stale = 0, ended_at = NULL"
        ),
        {"chat": chat, "name": name, "owner": owner},
    )
    connection.execute(text("DELETE FROM chat_members WHERE chat = :chat"), {"chat": chat})
    connection.execute(
        text(
            "INSERT INTO chat_members (chat, customer, joined_at) SELECT :chat, key, value FROM json_each(:members)"
        ),
        {"chat": chat, "members": json.dumps({one: micros(at) for one, at in members.items()})},
    )
    return sorted(set(members) - before), sorted(before - set(members))


def chat_changed(connection: Connection, chat: str) -> None:
    """The chat must be asked for."""
    connection.execute(
        text("INSERT INTO chats (chat) VALUES (:chat) ON CONFLICT DO UPDATE SET stale = 1"), {"chat": chat}
    )


def chat_over(connection: Connection, chat: str, *, at: datetime) -> list[str]:
    """The chat is no more; the answer is who was in it."""
    members = list(
        connection.execute(
            text("SELECT customer FROM chat_members WHERE chat = :chat"), {"chat": chat}
        ).scalars()
    )
    connection.execute(text("DELETE FROM chat_members WHERE chat = :chat"), {"chat": chat})
    connection.execute(
        text("UPDATE chats SET ended_at = :at, stale = 0 WHERE chat = :chat"),
        {"chat": chat, "at": micros(at)},
    )
    return members


def stale_chats(records: Records, *, limit: int) -> list[str]:
    """Chats that the platform must be asked for."""
    with records.read() as connection:
        return list(
            connection.execute(
                text(
                    "SELECT chat FROM chats WHERE stale = 1 AND ended_at IS NULL ORDER BY chat LIMIT :limit"
                ),
                {"limit": limit},
            ).scalars()
        )


def chats(records: Records) -> list[dict[str, Any]]:
    """Every group chat: chat, name, owner, how many customers are in it."""
    with records.read() as connection:
        rows = connection.execute(
            text(
                "SELECT c.chat, c.name, c.owner, COUNT(m.customer) AS customers FROM chats AS c"
                " LEFT JOIN chat_members AS m ON m.chat = c.chat WHERE c.ended_at IS NULL"
                " GROUP BY c.chat ORDER BY c.chat"
            )
        ).mappings()
        return [dict(row) for row in rows]


def members_with(connection: Connection, customers: Sequence[str]) -> dict[str, tuple[str, list[str]]]:
    """The chats that any of the customers is in: (owner, every customer in it) by chat."""
    rows = connection.execute(
        text(
            "SELECT c.chat, c.owner, m.customer FROM chats AS c JOIN chat_members AS m ON m.chat = c.chat"
            " WHERE c.ended_at IS NULL AND c.owner <> '' AND c.chat IN (SELECT chat FROM chat_members WHERE customer IN"
            " (SELECT value FROM json_each(:customers))) ORDER BY c.chat, m.customer"
        ),
        {"customers": json.dumps(list(customers))},
    )
    found: dict[str, tuple[str, list[str]]] = {}
    for chat, owner, customer in rows:
        found.setdefault(chat, (owner, []))[1].append(customer)
    return found


# hand-overs


def hand_over(
    connection: Connection,
    giver: str,
    taker: str,
    became: Mapping[str, str],
    *,
    resigned: bool,
    now: datetime,
) -> None:
    """The platform was asked to hand these customers over; `became`: '' or why it refused, by customer."""
    connection.execute(
        text(
            "INSERT INTO hand_overs (giver, taker, customer, at, status, reason, resigned, done_at)"
            " SELECT :giver, :taker, key, :now, CASE value WHEN '' THEN 'waiting' ELSE 'refused' END, value, :resigned,"
            " CASE value WHEN '' THEN NULL ELSE :now END FROM json_each(:became) WHERE TRUE"
            " ON CONFLICT DO UPDATE SET taker = :taker, at = :now, status = excluded.status, reason = excluded.reason,"
            " resigned = :resigned, done_at = excluded.done_at"
        ),
        {
            "giver": giver,
            "taker": taker,
            "became": json.dumps(dict(became)),
            "resigned": resigned,
            "now": micros(now),
        },
    )


def handed_over(
    connection: Connection, giver: str, taker: str, became: Mapping[str, str], *, now: datetime
) -> None:
    """What became of customers who were to be handed over: '' they are the taker's now, else why not."""
    given = json.dumps(dict(became))
    connection.execute(
        text(
            "UPDATE hand_overs SET status = CASE j.value WHEN '' THEN 'done' ELSE 'refused' END, reason = j.value,"
            " done_at = :now FROM json_each(:became) AS j WHERE giver = :giver AND taker = :taker"
            " AND customer = j.key AND status = 'waiting'"
        ),
        {"giver": giver, "taker": taker, "became": given, "now": micros(now)},
    )
    moved = {"giver": giver, "taker": taker, "why": GIVEN, "became": given, "now": micros(now)}
    # The taker has known the customer as long as the giver had: the ownership goes over with the relation.
    connection.execute(
        text(
            "INSERT INTO follows (staff, customer, since, state, remark, tags, tags_at)"
            " SELECT :taker, customer, since, state, remark, tags, :now FROM follows WHERE staff = :giver"
            " AND ended_at IS NULL AND customer IN (SELECT key FROM json_each(:became) WHERE value = '')"
            " ON CONFLICT DO UPDATE SET stale = 1, ended_at = NULL, ended = '', since = MIN(since, excluded.since)"
        ),
        moved,
    )
    connection.execute(
        text(
            "UPDATE follows SET ended_at = :now, ended = :why, stale = 0 WHERE staff = :giver AND ended_at IS NULL"
            " AND customer IN (SELECT key FROM json_each(:became) WHERE value = '')"
        ),
        moved,
    )


def hand_overs(records: Records, *, waiting: bool = False) -> list[dict[str, Any]]:
    """What was handed over, the latest first: how many customers of whom to whom are where, with reasons."""
    with records.read() as connection:
        rows = connection.execute(
            text(
                "SELECT giver, taker, resigned, status, reason, COUNT(*) AS customers, MAX(at) AS at FROM hand_overs"
                + (" WHERE status = 'waiting'" if waiting else "")
                + " GROUP BY giver, taker, resigned, status, reason ORDER BY at DESC, giver, taker, status, reason"
            )
        ).mappings()
        return [
            {**row, "resigned": bool(row["resigned"]), "at": instant(row["at"]).isoformat()} for row in rows
        ]


def erase(records: Records, words: Sequence[str]) -> int:
    """How many rows named customers by these identifiers; they are gone."""
    with records.begin() as connection:
        return sum(
            connection.execute(
                text(f"DELETE FROM {table} WHERE customer IN (SELECT value FROM json_each(:words))"),
                {"words": json.dumps(list(words))},
            ).rowcount
            for table in ("follows", "chat_members", "platform_marks", "platform_changes", "hand_overs")
        )
