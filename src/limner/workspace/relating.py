"""Verbs of staff and their customers at WeCom: what callbacks say, what the platform is asked, hand-overs, tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from limner.accounts.model import LOCAL, Caller, sees_personal
from limner.campaigns import journey_text, positions
from limner.campaigns.journey import Task
from limner.channels import wecom as channel
from limner.channels.tencent import Api, Refused
from limner.channels.wecom import Wecom
from limner.contacts import follows
from limner.contacts.follows import Follow
from limner.errors import ConfigError, NotFoundError, UsageError, did_you_mean
from limner.events import wecom
from limner.identity import people
from limner.portraits import finding
from limner.types import Json, Progress
from limner.workspace import reaching, sending
from limner.workspace.paging import page
from limner.workspace.workspace import Workspace

AT_ONCE = 100
"""Customers and chats that are asked for together."""
_STAFF_AT_ONCE = 20
_NOT_A_CUSTOMER = (84061, 40096)
_NO_CHAT = (49008, 40050)
PAGE = "/cgi-bin/externalcontact"


@contextmanager
def opened(workspace: Workspace) -> Iterator[Wecom]:
    """The company's application, for this block alone. Raises ConfigError where it is not set up."""
    missing = workspace.sending.missing("wecom")
    if missing:
        raise ConfigError(f"{missing[0]['key']} is not set", hint=missing[0]["hint"])
    made = sending.wecom(workspace.config, workspace.clock, sending.nowhere)
    made.api.wait = workspace.stopping.wait
    try:
        yield made
    finally:
        made.close()


def is_set_up(workspace: Workspace) -> bool:
    """Whether the platform can be asked."""
    return not workspace.sending.missing("wecom")


# callbacks


def heard(workspace: Workspace, given: Mapping[str, str]) -> list[Json]:
    """The calls that a callback is; the relations know of it when this returns. Told again it changes nothing."""
    corp = workspace.config.wecom.corp_id
    event, kind = given.get("Event", ""), given.get("ChangeType", "")
    at = wecom.at_of(given)
    if event == wecom.CHAT:
        return _chat_heard(workspace, given, at)
    with workspace.records.begin() as connection:
        if event == wecom.TAG:
            follows.note_stale(connection, follows.LIBRARY, at=at)
        elif event == wecom.CUSTOMER:
            staff, customer = given.get("UserID", ""), given.get("ExternalUserID", "")
            match kind:
                case wecom.ADDED | wecom.HALF_ADDED:
                    follows.begin(connection, staff, customer, state=given.get("State", ""), at=at)
                case wecom.REMOVED:
                    follows.end(connection, staff, customer, why=follows.REMOVED, at=at)
                case wecom.LEFT:
                    follows.end(connection, staff, customer, why=follows.LEFT, at=at)
                case _:
                    follows.ask_again(connection, customer)
    call = wecom.call(given, corp_id=corp)
    return [] if call is None else [call]


def _chat_heard(workspace: Workspace, given: Mapping[str, str], at: datetime) -> list[Json]:
    chat = given.get("ChatId", "")
    with workspace.records.begin() as connection:
        if given.get("ChangeType") != "dismiss":
            follows.chat_changed(connection, chat)
            return []
        gone = follows.chat_over(connection, chat, at=at)
    return [_membership(workspace, wecom.LEFT_GROUP, chat, one, at) for one in gone]


def _membership(workspace: Workspace, event: str, chat: str, customer: str, at: datetime) -> Json:
    return wecom.about(
        customer,
        event,
        message_id=wecom.made_of(event, chat, customer, at.isoformat()),
        at=at,
        properties={"corp": workspace.config.wecom.corp_id, "group": chat},
    )


# asking the platform


def refresh(workspace: Workspace) -> int:
    """How many customers and chats the platform was asked of, because something about them changed."""
    customers = follows.stale(workspace.records, limit=AT_ONCE)
    chats = follows.stale_chats(workspace.records, limit=AT_ONCE)
    if not customers and not chats:
        return 0
    with opened(workspace) as there:
        for one in customers:
            _ask_customer(workspace, there.api, one)
        for chat in chats:
            _ask_chat(workspace, there.api, chat)
    return len(customers) + len(chats)


def _ask_customer(workspace: Workspace, api: Api, customer: str) -> None:
    now = workspace.clock()
    try:
        answer = api.surely(f"{PAGE}/get", external_userid=customer)
    except Refused as error:
        if error.number not in _NOT_A_CUSTOMER:
            raise
        answer = {"external_contact": {}, "follow_user": []}
    rows = [
        Follow(
            str(row["userid"]),
            customer,
            _instant(row.get("createtime")),
            str(row.get("state") or ""),
            str(row.get("remark") or ""),
            tuple(str(tag["tag_id"]) for tag in row.get("tags") or () if tag.get("tag_id")),
        )
        for row in answer.get("follow_user") or ()
    ]
    if rows:
        reaching.keep_calls(workspace, [_identified(workspace, answer["external_contact"], now)])
    with workspace.records.begin() as connection:
        follows.keep(connection, rows, now=now, of=customer)


def _identified(workspace: Workspace, contact: Mapping[str, Any], now: datetime) -> Json:
    return wecom.identify(
        str(contact["external_userid"]),
        message_id=wecom.made_of("identify", workspace.new_id()),
        at=now,
        name=str(contact.get("name") or ""),
        unionid=str(contact.get("unionid") or ""),
    )


def _ask_chat(workspace: Workspace, api: Api, chat: str) -> None:
    now = workspace.clock()
    try:
        said = api.surely(f"{PAGE}/groupchat/get", {"chat_id": chat, "need_name": 0})["group_chat"]
    except Refused as error:
        if error.number not in _NO_CHAT:
            raise
        with workspace.records.begin() as connection:
            gone = follows.chat_over(connection, chat, at=now)
        reaching.keep_calls(
            workspace, [_membership(workspace, wecom.LEFT_GROUP, chat, one, now) for one in gone]
        )
        return
    members = {
        str(row["userid"]): _instant(row.get("join_time"))
        for row in said.get("member_list") or ()
        if row.get("type") == 2
    }
    with workspace.records.begin() as connection:
        came, left = follows.keep_chat(
            connection,
            chat,
            name=str(said.get("name") or ""),
            owner=str(said.get("owner") or ""),
            members=members,
        )
        calls = [
            *(_membership(workspace, wecom.JOINED_GROUP, chat, one, members[one]) for one in came),
            *(_membership(workspace, wecom.LEFT_GROUP, chat, one, now) for one in left),
        ]
        if calls:  # in the log before the records say that they are told
            reaching.keep_calls(workspace, calls)


def contact_sync(workspace: Workspace, progress: Progress) -> Json:
    """Every member of staff, customer, group chat and tag is read anew from WeCom."""
    workspace.load()
    now = workspace.clock()
    with workspace.runs.run("contact sync") as detail, opened(workspace) as there:
        staff = [
            str(one) for one in there.api.surely(f"{PAGE}/get_follow_user_list").get("follow_user") or ()
        ]
        names = {one: _name(there.api, one) for one in staff}
        before = {customer for _, customer, _, _ in follows.relations(workspace.records)}
        known = {row["staff"] for row in follows.members_of_staff(workspace.records)}
        with workspace.records.begin() as connection:
            follows.name_staff(connection, names)
            follows.leave(connection, sorted(known - set(staff)), now=now)
        found: set[str] = set()
        for start in range(0, len(staff), _STAFF_AT_ONCE):
            some = staff[start : start + _STAFF_AT_ONCE]
            found |= _read_customers(workspace, there.api, some, before | found, now)
            progress("staff", start + len(some), len(staff))
        chats = [
            str(row["chat_id"])
            for row in channel.pages(
                there.api, f"{PAGE}/groupchat/list", {"status_filter": 0}, "group_chat_list", most=1_000
            )
        ]
        for number, chat in enumerate(chats):
            _ask_chat(workspace, there.api, chat)
            progress("chats", number + 1, len(chats))
        detail.update({"staff": len(staff), "customers": len(found), "chats": len(chats)})
    workspace.load()
    return {key: detail[key] for key in ("staff", "customers", "chats")}


def _name(api: Api, staff: str) -> str:
    """What a member of staff is called; '' where the application may not know."""
    try:
        return str(api.surely("/cgi-bin/user/get", userid=staff).get("name") or "")
    except Refused:
        return ""


def _read_customers(
    workspace: Workspace, api: Api, staff: Sequence[str], known: set[str], now: datetime
) -> set[str]:
    rows: list[Follow] = []
    fresh: dict[str, Json] = {}
    asked = {"userid_list": list(staff)}
    for row in channel.pages(api, f"{PAGE}/batch/get_by_user", asked, "external_contact_list", most=100):
        contact, info = row["external_contact"], row["follow_info"]
        customer = str(contact["external_userid"])
        rows.append(
            Follow(
                str(info["userid"]),
                customer,
                _instant(info.get("createtime")),
                str(info.get("state") or ""),
                str(info.get("remark") or ""),
                tuple(str(tag) for tag in info.get("tag_id") or ()),
            )
        )
        if customer not in known and customer not in fresh:
            fresh[customer] = _identified(workspace, contact, now)
    if fresh:
        reaching.keep_calls(workspace, list(fresh.values()))
    with workspace.records.begin() as connection:
        follows.keep(connection, rows, now=now, whole=staff)
    return {row.customer for row in rows}


def _instant(seconds: object) -> datetime:
    return datetime.fromtimestamp(int(str(seconds or 0)), UTC)


# staff


def staff_list(workspace: Workspace) -> Json:
    """Everybody of the staff: how many customers they know and own, how many tasks wait, whether they left."""
    tasks: dict[str, int] = {}
    for task in _tasks(workspace, LOCAL):
        tasks[task["staff"]] = tasks.get(task["staff"], 0) + 1
    rows = follows.members_of_staff(workspace.records)
    return {
        "staff": [{**row, "tasks": tasks.get(row["staff"], 0)} for row in rows],
        "hand_overs": follows.hand_overs(workspace.records),
        "groups": follows.chats(workspace.records),
        "configured": is_set_up(workspace),
    }


def staff_customers(
    workspace: Workspace, staff: str, limit: int = 50, cursor: str = "", caller: Caller = LOCAL
) -> Json:
    """The customers of a member of staff, the latest first: who they are, and by which code they came."""
    _known(workspace, staff)
    rows = follows.customers_of(workspace.records, staff)
    shown, following = page(rows, "customer", cursor=cursor, limit=limit)
    ixs = people.find_all(
        workspace.engine,
        [f"external_userid:{row['customer']}" for row in shown],
        keys=workspace.config.strong_keys,
    )
    there = sorted({ix for ix in ixs if ix is not None})
    about_them = finding.rows(
        workspace.engine,
        there,
        now=workspace.clock(),
        personal=workspace.config.personal,
        mask=not sees_personal(caller.role),
    )
    told = dict(zip(there, about_them, strict=True))
    listed = []
    for row, ix in zip(shown, ixs, strict=True):
        about = told.get(ix) if ix is not None else None
        listed.append(
            {
                "person": about["person"] if about else None,
                "called": (about["name"] if about else "") or "",
                "since": row["since"],
                "scene": row["state"],
                "owns": row["owns"],
                "tags": len(row["tags"]),
            }
        )
    return {"staff": staff, "total": len(rows), "customers": listed, "next": following}


def _known(workspace: Workspace, staff: str) -> dict[str, Any]:
    rows = {row["staff"]: row for row in follows.members_of_staff(workspace.records)}
    if staff not in rows:
        raise NotFoundError(
            f"there is no member of staff '{staff}'", hint=did_you_mean(staff, rows) or "limner contact sync"
        )
    return rows[staff]


def staff_tasks(workspace: Workspace, staff: str = "", caller: Caller = LOCAL) -> Json:
    """What journeys ask of a member of staff for the customers that they own (default: of everybody)."""
    if staff:
        _known(workspace, staff)
    return {
        "staff": staff,
        "tasks": [task for task in _tasks(workspace, caller) if staff in ("", task["staff"])],
    }


def _tasks(workspace: Workspace, caller: Caller) -> list[Json]:
    steps = {
        item.journey: journey_text.read(item.definition, item.journey).steps
        for item in positions.running(workspace.records)
    }
    charges = [
        item
        for item in positions.open_charges(workspace.records, limit=10_000)
        if isinstance(steps.get(item.journey, {}).get(item.step), Task)
    ]
    if not charges:
        return []
    customers: Mapping[str, Sequence[str]] = customers_by_person(
        workspace, sorted({item.person for item in charges})
    )
    with workspace.records.read() as connection:
        owners = follows.owners(
            connection, sorted({one for several in customers.values() for one in several}), here=True
        )
    rows = []
    for item in charges:
        step = steps[item.journey][item.step]
        assert isinstance(step, Task)  # noqa: S101 - chosen above
        owned = [owners[one] for one in customers.get(item.person, ()) if one in owners]
        until = None if step.within is None else item.at + step.within
        rows.append(
            {
                "id": item.id,
                "journey": item.journey,
                "person": item.person,
                "customer": next(iter(customers.get(item.person, ())), ""),
                "staff": owned[0] if owned else "",
                "text": step.text,
                "to": step.to,
                "since": item.at.isoformat(),
                "until": None if until is None else until.isoformat(),
                "late": until is not None and until < workspace.clock(),
            }
        )
    called = _called(workspace, [str(row["person"]) for row in rows], caller)
    return [{**row, "called": called.get(str(row["person"]), row["person"])} for row in rows]


def _called(workspace: Workspace, persons: Sequence[str], caller: Caller) -> dict[str, str]:
    ixs = people.find_all(
        workspace.engine, [f"person:{one}" for one in persons], keys=workspace.config.strong_keys
    )
    there = sorted({ix for ix in ixs if ix is not None})
    rows = finding.rows(
        workspace.engine,
        there,
        now=workspace.clock(),
        personal=workspace.config.personal,
        mask=not sees_personal(caller.role),
    )
    return {row["person"]: row["name"] or row["person"] for row in rows}


def customers_by_person(workspace: Workspace, persons: Sequence[str]) -> dict[str, list[str]]:
    """The external_userids of people, by outward id; whoever has none is absent."""
    rows = workspace.engine.read(
        "SELECT w.person, i.value FROM wanted AS w JOIN persons AS o ON o.person_id = w.person"
        " JOIN identifiers AS i ON i.ix = COALESCE(o.merged_into, o.ix) AND i.kind = 'external_userid'"
        " WHERE i.value IS NOT NULL ORDER BY w.person, i.i",
        given={"wanted": pa.table({"person": pa.array(persons, pa.string())})},
    ).to_pylist()
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["person"], []).append(row["value"])
    return found


def staff_done(workspace: Workspace, id: int, note: str = "", caller: Caller = LOCAL) -> Json:
    """A task of a member of staff is done; what is to be remembered of it."""
    positions.done(workspace.records, id, by=caller.name, note=note, now=workspace.clock())
    return {"id": id, "note": note}


# hand-overs


def staff_hand_over(
    workspace: Workspace,
    progress: Progress,
    giver: str,
    taker: str,
    message: str = "",
    dry_run: bool = False,
) -> Json:
    """Every customer whom a member of staff owns becomes another's; the platform decides each of them.

    A customer may refuse within 24 hours. Of somebody who left the company, the customers are taken over at once.
    """
    about, other = _known(workspace, giver), _known(workspace, taker)
    if giver == taker or other["left_at"] is not None:
        raise UsageError(f"'{taker}' cannot take customers over", where="taker")
    resigned = about["left_at"] is not None
    wanted = [row["customer"] for row in follows.customers_of(workspace.records, giver, owned=True)]
    answer: Json = {
        "giver": giver, "taker": taker, "resigned": resigned, "customers": len(wanted), "waiting": 0, "refused": 0,
    }  # fmt: skip
    if dry_run or not wanted:
        return answer
    path = f"{PAGE}/resigned/transfer_customer" if resigned else f"{PAGE}/transfer_customer"
    with opened(workspace) as there:
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            body: Json = {"handover_userid": giver, "takeover_userid": taker, "external_userid": some}
            if message and not resigned:
                body["transfer_success_msg"] = message
            rows = there.api.surely(path, body).get("customer") or ()
            became = {
                str(row["external_userid"]): "" if not row.get("errcode") else f"refused: {row['errcode']}"
                for row in rows
            }
            with workspace.records.begin() as connection:
                follows.hand_over(connection, giver, taker, became, resigned=resigned, now=workspace.clock())
            answer["waiting"] += sum(not why for why in became.values())
            answer["refused"] += sum(bool(why) for why in became.values())
            progress("customers", start + len(some), len(wanted))
    return answer


_BECAME = {1: "", 3: "the customer refused", 4: "the taker has too many customers"}


def settle_hand_overs(workspace: Workspace) -> int:
    """How many customers who were to be handed over are settled now."""
    waiting = {
        (row["giver"], row["taker"], row["resigned"])
        for row in follows.hand_overs(workspace.records, waiting=True)
    }
    if not waiting:
        return 0
    settled = 0
    with opened(workspace) as there:
        for giver, taker, resigned in sorted(waiting):
            path = f"{PAGE}/resigned/transfer_result" if resigned else f"{PAGE}/transfer_result"
            body = {"handover_userid": giver, "takeover_userid": taker}
            became = {
                str(row["external_userid"]): _BECAME[row["status"]]
                for row in channel.pages(there.api, path, body, "customer", most=1_000)
                if row.get("status") in _BECAME
            }
            with workspace.records.begin() as connection:
                follows.handed_over(connection, giver, taker, became, now=workspace.clock())
            settled += len(became)
    return settled
