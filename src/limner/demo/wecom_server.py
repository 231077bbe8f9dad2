"""A local WeCom platform: staff and their customers, tags, contact codes, mass messages, moments, chats, hand-overs.

Follows the platform's documents: a token lives 7,200 s and a new one ends the old; a tag belongs to one employee and
customer, at most 3,000 a pair; names of tags have at most 30 characters and are unique in their group; a mass message
takes at most 10,000 customers and 9 attachments, tells at once who cannot be reached, and leaves only when the employee
confirms it; a moment is seen by those who have the tag when it is published; too many requests end in 45009.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from limner.channels.wechat_crypto import encrypted, signature
from limner.demo.platform import Asked, Platform, Reply

# Known to everybody: this platform is a toy that listens on its own machine only.
CORP, SECRET, AGENT = "ww-demo", "demo-secret", "1000002"
PAGE = "/cgi-bin/externalcontact"
TEMPLATE = f"{PAGE}/add_msg_template"
MOMENT = f"{PAGE}/add_moment_task"
MOST_TAGS = 3_000
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c63f80f00010101001bb6ee560000000049454e44ae426082"
)
"""A picture of one point: what is scanned is not read here."""


@dataclass
class Relation:
    """An employee's customer: since when, by which code, under which remark, with which tags."""

    since: int
    state: str = ""
    remark: str = ""
    tags: set[str] = field(default_factory=set)


@dataclass
class Customer:
    """One customer of the company, and whose they are."""

    name: str
    unionid: str = ""
    of: dict[str, Relation] = field(default_factory=dict)


@dataclass
class Task:
    """One mass message that waits for its sender, or a moment with its senders."""

    id: str
    sender: str
    text: str
    attachments: list[dict[str, Any]]
    customers: list[str]
    chats: list[str]
    confirmed: dict[str, int] = field(default_factory=dict)
    cancelled: bool = False
    tags: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    sent: dict[str, dict[str, int]] = field(default_factory=dict)
    """Customer or chat → {sender: status}."""


@dataclass(frozen=True)
class Sent:
    """A message that reached somebody: a customer, or a chat."""

    task: str
    to: str
    staff: str
    text: str


class WecomServer(Platform[Sent]):
    """One company of the platform; see `Platform` for how it is used.

    `confirms`: employees send what they are asked to at once; else `confirm(task)` does. Knobs besides: `unreachable`
    customers stand in `fail_list`; `full` ones had too many messages (status 3); `fail_next(code, times)` answers an
    errcode; `per_minute` requests, then 45009; `expire_tokens()` ends the tokens given so far.
    """

    name = "wecom"

    def __init__(
        self, *, port: int = 0, corp_id: str = CORP, secret: str = SECRET, agent: str = AGENT
    ) -> None:
        self.corp_id, self.secret, self.agent = corp_id, secret, agent
        self.clock: Callable[[], float] = time.time
        self.staff: dict[str, str] = {}
        self.gone: set[str] = set()
        self.customers: dict[str, Customer] = {}
        self.groups: dict[str, dict[str, str]] = {}
        """Names of tags by id, by the name of their group."""
        self.chats: dict[str, dict[str, Any]] = {}
        self.ways: dict[str, dict[str, Any]] = {}
        self.tasks: dict[str, Task] = {}
        self.confirms = False
        self.unreachable: set[str] = set()
        self.full: set[str] = set()
        self.per_minute: int | None = None
        self.most_corp_tags = 10_000
        self.transfers: dict[tuple[str, str, str], int] = {}
        self.asked: Counter[str] = Counter()
        """How often each path was asked."""
        self.codes: dict[str, str] = {}
        """The codes that browsers bring back from signing in, and whose they are."""
        self.tokens_given = 0
        self._made = 0
        self._token = ""
        self._token_until = 0.0
        self._numbers: list[int] = []
        self._minute: tuple[int, int] = (0, 0)
        super().__init__(port=port)

    # what a test or a demo sets up

    def add_customer(
        self, customer: str, staff: str, *, name: str = "", unionid: str = "", state: str = "", at: int = 0
    ) -> None:
        """Somebody becomes a customer of an employee."""
        with self.lock:
            self.staff.setdefault(staff, staff.title())
            one = self.customers.setdefault(customer, Customer(name or customer, unionid))
            one.of[staff] = Relation(at or int(self.clock()), state)

    def remove_customer(self, customer: str, staff: str) -> None:
        """They are not each other's any more."""
        with self.lock:
            self.customers[customer].of.pop(staff, None)

    def add_chat(
        self, chat: str, owner: str, customers: Sequence[str], *, name: str = "", at: int = 0
    ) -> None:
        """A group chat of customers."""
        with self.lock:
            self.staff.setdefault(owner, owner.title())
            since = at or int(self.clock())
            self.chats[chat] = {
                "name": name or chat, "owner": owner, "members": dict.fromkeys(customers, since),
            }  # fmt: skip

    def tag_id(self, group: str, name: str) -> str:
        """The id of the tag, which is made where there is none."""
        with self.lock:
            known = self.groups.setdefault(group, {})
            for tag, called in known.items():
                if called == name:
                    return tag
            tag = f"et{self._next():06d}"
            known[tag] = name
            return tag

    def tags_of(self, staff: str, customer: str) -> set[str]:
        """The names of the tags that an employee's customer has, with their groups: `group/name`."""
        with self.lock:
            names = {
                tag: f"{group}/{name}" for group, known in self.groups.items() for tag, name in known.items()
            }
            return {names[tag] for tag in self.customers[customer].of[staff].tags}

    def tag(self, staff: str, customer: str, group: str, name: str, *, on: bool = True) -> None:
        """An employee tags a customer, or takes the tag away."""
        tag = self.tag_id(group, name)
        with self.lock:
            tags = self.customers[customer].of[staff].tags
            tags.add(tag) if on else tags.discard(tag)

    def confirm(self, task: str = "", *, staff: str = "") -> int:
        """How many tasks employees sent just now: that one, or all of them, of one employee or of each."""
        with self.lock:
            found = [self.tasks[task]] if task else list(self.tasks.values())
            done = 0
            for one in found:
                for sender in one.senders:
                    if sender not in one.confirmed and not one.cancelled and staff in ("", sender):
                        self._leave(one, sender)
                        done += 1
            return done

    def settle_transfers(self, status: int = 1) -> None:
        """What was to be handed over is (1), was refused by the customer (3), or the taker has too many (4)."""
        with self.lock:
            for (giver, taker, customer), waiting in list(self.transfers.items()):
                if waiting != 2:
                    continue
                self.transfers[giver, taker, customer] = status
                if status == 1:
                    relation = self.customers[customer].of.pop(giver)
                    self.customers[customer].of[taker] = relation

    def calls(
        self, fields: Mapping[str, str], *, token: str, key: str, at: int = 0, nonce: str = "n1"
    ) -> tuple[dict[str, str], str]:
        """The query and the body of a callback with these fields, encrypted and signed as the platform does."""
        stamp = str(at or int(self.clock()))
        given = {
            "ToUserName": self.corp_id, "FromUserName": "sys", "CreateTime": stamp, "MsgType": "event", **fields,
        }  # fmt: skip
        xml = (
            "<xml>" + "".join(f"<{name}>{escape(value)}</{name}>" for name, value in given.items()) + "</xml>"
        )
        inner = encrypted(xml, key=key, app_id=self.corp_id, noise=bytes(16))
        body = (
            f"<xml><ToUserName>{self.corp_id}</ToUserName><Encrypt>{inner}</Encrypt>"
            f"<AgentID>{self.agent}</AgentID></xml>"
        )
        query = {"msg_signature": signature([token, stamp, nonce, inner]), "timestamp": stamp, "nonce": nonce}
        return query, body

    # the knobs

    def expire_tokens(self) -> None:
        """Every token given so far is answered with 42001."""
        with self.lock:
            self._token_until = self.clock() - 1

    def fail_next(self, number: int, times: int = 1) -> None:
        """The next `times` messages are answered with this errcode."""
        with self.lock:
            self._numbers.extend([number] * times)

    def heal(self) -> None:
        """It works as it should."""
        super().heal()
        with self.lock:
            self._numbers.clear()

    # the platform

    def sends(self, asked: Asked) -> bool:
        """Whether the request makes a task that sends."""
        return asked.path in (TEMPLATE, MOMENT)

    def answer(self, asked: Asked) -> Reply:
        """What the platform says, always with HTTP 200."""
        with self.lock:
            self.asked[asked.path] += 1
            if asked.path.startswith("/qr/"):
                return Reply(PICTURE)
            if asked.path == "/cgi-bin/gettoken":
                return Reply(self._give_token(asked))
            wrong = self._not_let_in(asked)
            if wrong is not None:
                return Reply(wrong)
            body = asked.json() if asked.method == "POST" else dict(asked.query)
            if body is None:
                return Reply(_error(40058, "invalid request parameter"))
            if self.sends(asked):
                if self._numbers:
                    return Reply(_error(self._numbers.pop(0), "as told to"))
                made = self._add_template(body) if asked.path == TEMPLATE else self._add_moment(body)
                return Reply(made, heard=bool(made["errcode"]) or not self.turned("lose"))
            found = _ANSWERS.get(asked.path)
            return Reply(_error(40066, "invalid url") if found is None else found(self, body))

    def _next(self) -> int:
        self._made += 1
        return self._made

    def _give_token(self, asked: Asked) -> dict[str, Any]:
        if asked.query.get("corpid") != self.corp_id:
            return _error(40013, "invalid corpid")
        if asked.query.get("corpsecret") != self.secret:
            return _error(40001, "invalid credential")
        self.tokens_given += 1
        self._token = f"token-{self.tokens_given}"
        self._token_until = self.clock() + 7200
        return {"errcode": 0, "errmsg": "ok", "access_token": self._token, "expires_in": 7200}

    def _not_let_in(self, asked: Asked) -> dict[str, Any] | None:
        if not self._token or asked.query.get("access_token") != self._token:
            return _error(40014, "invalid access_token")
        if self.clock() >= self._token_until:
            return _error(42001, "access_token expired")
        if self.per_minute is not None:
            minute = int(self.clock() // 60)
            count = self._minute[1] + 1 if self._minute[0] == minute else 1
            self._minute = (minute, count)
            if count > self.per_minute:
                return _error(45009, "api freq out of limit")
        return None

    # customers

    def _staff_list(self, _body: Mapping[str, Any]) -> dict[str, Any]:
        return _ok(follow_user=sorted(set(self.staff) - self.gone))

    def _user(self, body: Mapping[str, Any]) -> dict[str, Any]:
        staff = str(body.get("userid"))
        if staff not in self.staff or staff in self.gone:
            return _error(60111, "userid not found")
        return _ok(userid=staff, name=self.staff[staff])

    def _customer(self, body: Mapping[str, Any]) -> dict[str, Any]:
        one = str(body.get("external_userid"))
        known = self.customers.get(one)
        if known is None or not known.of:
            return _error(84061, "not external contact")
        names = {tag: (group, name) for group, tags in self.groups.items() for tag, name in tags.items()}
        return _ok(
            external_contact=self._said(one),
            follow_user=[
                {
                    "userid": staff, "remark": relation.remark, "createtime": relation.since, "state": relation.state,
                    "tags": [
                        {"group_name": names[tag][0], "tag_name": names[tag][1], "tag_id": tag, "type": 1}
                        for tag in sorted(relation.tags)
                    ],
                }
                for staff, relation in sorted(known.of.items())
            ],
        )  # fmt: skip

    def _said(self, one: str) -> dict[str, Any]:
        known = self.customers[one]
        return {"external_userid": one, "name": known.name, "type": 1, "gender": 0, "unionid": known.unionid}

    def _by_user(self, body: Mapping[str, Any]) -> dict[str, Any]:
        staff, limit = list(body.get("userid_list") or ()), int(body.get("limit", 50))
        if not 1 <= len(staff) <= 100 or not 1 <= limit <= 100:
            return _error(40058, "invalid Request Parameter")
        if set(staff) - set(self.staff):
            return _error(40003, "invalid userid")
        rows = [
            (customer, one, self.customers[customer].of[one])
            for one in staff
            for customer in sorted(self.customers)
            if one in self.customers[customer].of
        ]
        start = int(body.get("cursor") or 0)
        shown = rows[start : start + limit]
        following = str(start + limit) if start + limit < len(rows) else ""
        return _ok(
            external_contact_list=[
                {
                    "external_contact": self._said(customer),
                    "follow_info": {
                        "userid": one, "remark": relation.remark, "createtime": relation.since,
                        "state": relation.state, "tag_id": sorted(relation.tags),
                    },
                }
                for customer, one, relation in shown
            ],
            next_cursor=following,
        )  # fmt: skip

    # tags

    def _tag_list(self, _body: Mapping[str, Any]) -> dict[str, Any]:
        return _ok(
            tag_group=[
                {
                    "group_id": f"eg-{group}",
                    "group_name": group,
                    "tag": [{"id": tag, "name": name} for tag, name in tags.items()],
                }
                for group, tags in self.groups.items()
            ]
        )

    def _add_tag(self, body: Mapping[str, Any]) -> dict[str, Any]:
        group, names = str(body.get("group_name", "")), [one["name"] for one in body.get("tag") or ()]
        if not group or not names or any(not 1 <= len(name) <= 30 for name in (*names, group)):
            return _error(40058, "invalid Request Parameter")
        known = self.groups.get(group, {})
        if set(names) & set(known.values()) or len(set(names)) < len(names):
            return _error(40071, "tag name already exists")
        if sum(len(tags) for tags in self.groups.values()) + len(names) > self.most_corp_tags:
            return _error(40072, "too many tags")
        made = [{"id": self.tag_id(group, name), "name": name} for name in names]
        return _ok(tag_group={"group_id": f"eg-{group}", "group_name": group, "tag": made})

    def _del_tag(self, body: Mapping[str, Any]) -> dict[str, Any]:
        for tag in body.get("tag_id") or ():
            for group, tags in list(self.groups.items()):
                tags.pop(tag, None)
                if not tags:
                    del self.groups[group]
            for customer in self.customers.values():
                for relation in customer.of.values():
                    relation.tags.discard(tag)
        return _ok()

    def _mark(self, body: Mapping[str, Any]) -> dict[str, Any]:
        staff, customer = str(body.get("userid")), str(body.get("external_userid"))
        known = self.customers.get(customer)
        if staff not in self.staff:
            return _error(40003, "invalid userid")
        if known is None or staff not in known.of:
            return _error(84061, "not external contact")
        add, remove = set(body.get("add_tag") or ()), set(body.get("remove_tag") or ())
        every = {tag for tags in self.groups.values() for tag in tags}
        if (add | remove) - every:
            return _error(40068, "invalid tagid")
        tags = (known.of[staff].tags - remove) | add
        if len(tags) > MOST_TAGS:
            return _error(40073, "too many tags of one contact")
        known.of[staff].tags = tags
        return _ok()

    # contact codes

    def _add_way(self, body: Mapping[str, Any]) -> dict[str, Any]:
        wrong = self._wrong_way(body)
        if wrong is not None:
            return wrong
        config = f"way{self._next():06d}"
        self.ways[config] = {**body, "config_id": config, "qr_code": f"{self.url}/qr/{config}.png"}
        return _ok(config_id=config, qr_code=self.ways[config]["qr_code"])

    def _wrong_way(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        if len(str(body.get("state", ""))) > 30:
            return _error(40058, "state is longer than 30")
        users = body.get("user") or []
        if set(users) - set(self.staff) or (not users and not body.get("party")):
            return _error(40003, "invalid userid")
        if body.get("type", 1) not in (1, 2) or body.get("scene", 2) not in (1, 2):
            return _error(40058, "invalid Request Parameter")
        if body.get("type") == 1 and len(users) != 1:
            return _error(40058, "type 1 has one user")
        return None

    def _update_way(self, body: Mapping[str, Any]) -> dict[str, Any]:
        config = str(body.get("config_id"))
        if config not in self.ways:
            return _error(41044, "invalid config_id")
        merged = {**self.ways[config], **body}
        wrong = self._wrong_way(merged)
        if wrong is None:
            self.ways[config] = merged
        return wrong or _ok()

    def _get_way(self, body: Mapping[str, Any]) -> dict[str, Any]:
        found = self.ways.get(str(body.get("config_id")))
        return _error(41044, "invalid config_id") if found is None else _ok(contact_way=found)

    def _del_way(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return (
            _ok() if self.ways.pop(str(body.get("config_id")), None) else _error(41044, "invalid config_id")
        )

    # mass messages and moments

    def _add_template(self, body: Mapping[str, Any]) -> dict[str, Any]:
        text = str((body.get("text") or {}).get("content", ""))
        attachments = list(body.get("attachments") or ())
        if (not text and not attachments) or len(attachments) > 9 or len(text.encode()) > 4_000:
            return _error(40058, "invalid Request Parameter")
        sender = str(body.get("sender", ""))
        if sender and (sender not in self.staff or sender in self.gone):
            return _error(40003, "invalid userid")
        if body.get("chat_type") == "group":
            return self._make(body, sender, text, attachments, [], self._chats_of(body, sender))
        wanted = list(body.get("external_userid") or ())
        if len(wanted) > 10_000:
            return _error(40058, "too many external_userid")
        if not wanted and not body.get("tag_filter"):
            return _error(40058, "to whom?")
        if not wanted:
            wanted = self._filtered(body["tag_filter"], sender)
        reachable = [one for one in wanted if self._reaches(one, sender)]
        if not reachable:
            return _error(41048, "no customer to send")
        return self._make(
            body,
            sender,
            text,
            attachments,
            reachable,
            [],
            [one for one in wanted if one not in set(reachable)],
        )

    def _reaches(self, one: str, sender: str) -> bool:
        known = self.customers.get(one)
        return known is not None and one not in self.unreachable and sender in known.of

    def _filtered(self, given: Mapping[str, Any], sender: str) -> list[str]:
        """Or inside a group of tags, and across groups."""
        groups = [set(group["tag_list"]) for group in given.get("group_list") or ()]
        return [
            one
            for one, known in self.customers.items()
            if sender in known.of and all(known.of[sender].tags & tags for tags in groups)
        ]

    def _chats_of(self, body: Mapping[str, Any], sender: str) -> list[str]:
        asked = body.get("chat_id_list") or [
            chat for chat, about in self.chats.items() if about["owner"] == sender
        ]
        return [chat for chat in asked if self.chats.get(chat, {}).get("owner") == sender]

    def _make(
        self,
        _body: Mapping[str, Any],
        sender: str,
        text: str,
        attachments: list[dict[str, Any]],
        customers: list[str],
        chats: list[str],
        failed: Sequence[str] = (),
    ) -> dict[str, Any]:
        if not customers and not chats:
            return _error(41048, "nobody to send to")
        task = Task(f"msg{self._next():06d}", sender, text, attachments, customers, chats, senders=(sender,))
        self.tasks[task.id] = task
        if self.confirms:
            self._leave(task, sender)
        return _ok(msgid=task.id, fail_list=list(failed))

    def _leave(self, task: Task, sender: str) -> None:
        """The employee sends it."""
        task.confirmed[sender] = int(self.clock())
        if task.tags:
            self._publish(task, sender)
            return
        for one in (*task.customers, *task.chats):
            known = self.customers.get(one)
            if one in task.customers and (known is None or sender not in known.of):
                status = 2
            else:
                status = 3 if one in self.full else 1
            task.sent.setdefault(one, {})[sender] = status
            if status == 1:
                self._reached(task, one, sender)

    def _publish(self, task: Task, sender: str) -> None:
        for one, known in self.customers.items():
            relation = known.of.get(sender)
            if relation is not None and relation.tags & set(task.tags):
                status = 3 if one in self.full else 1
                task.sent.setdefault(one, {})[sender] = status
                if status == 1:
                    self._reached(task, one, sender)

    def _reached(self, task: Task, to: str, sender: str) -> None:
        self._taken.append(Sent(task.id, to, sender, task.text))
        self.counts[f"{task.id} {to}"] += 1

    def _msg_tasks(self, body: Mapping[str, Any]) -> dict[str, Any]:
        task = self.tasks.get(str(body.get("msgid")))
        if task is None:
            return _error(41061, "invalid msgid")
        return _ok(
            task_list=[
                {
                    "userid": one,
                    "status": 2 if one in task.confirmed else 0,
                    "send_time": task.confirmed.get(one, 0),
                }
                for one in task.senders
            ]
        )

    def _msg_results(self, body: Mapping[str, Any]) -> dict[str, Any]:
        task, sender = self.tasks.get(str(body.get("msgid"))), str(body.get("userid"))
        limit = int(body.get("limit", 500))
        if task is None or not 1 <= limit <= 1_000:
            return _error(41061, "invalid msgid")
        rows = [
            *((one, "external_userid") for one in task.customers),
            *((one, "chat_id") for one in task.chats),
        ]
        start = int(body.get("cursor") or 0)
        shown = [
            {key: one, "userid": sender, "status": task.sent.get(one, {}).get(sender, 0)}
            for one, key in rows[start : start + limit]
        ]
        return _ok(send_list=shown, next_cursor=str(start + limit) if start + limit < len(rows) else "")

    def _cancel(self, body: Mapping[str, Any]) -> dict[str, Any]:
        task = self.tasks.get(str(body.get("msgid") or body.get("moment_id")))
        if task is None:
            return _error(41061, "invalid msgid")
        task.cancelled = True
        return _ok()

    def _add_moment(self, body: Mapping[str, Any]) -> dict[str, Any]:
        seen = body.get("visible_range") or {}
        tags = tuple((seen.get("external_contact_list") or {}).get("tag_list") or ())
        senders = tuple((seen.get("sender_list") or {}).get("user_list") or sorted(self.staff))
        text = str((body.get("text") or {}).get("content", ""))
        attachments = list(body.get("attachments") or ())
        if (not text and not attachments) or len(attachments) > 9 or not tags:
            return _error(40058, "invalid Request Parameter")
        task = Task(f"mom{self._next():06d}", "", text, attachments, [], [], tags=tags, senders=senders)
        self.tasks[task.id] = task
        if self.confirms:
            for sender in senders:
                self._leave(task, sender)
        return _ok(jobid=f"job-{task.id}")

    def _moment_job(self, body: Mapping[str, Any]) -> dict[str, Any]:
        task = str(body.get("jobid", "")).removeprefix("job-")
        if task not in self.tasks:
            return _error(40058, "invalid jobid")
        return _ok(status=3, type="add_moment_task", result={"errcode": 0, "errmsg": "ok", "moment_id": task})

    def _moment_tasks(self, body: Mapping[str, Any]) -> dict[str, Any]:
        task = self.tasks.get(str(body.get("moment_id")))
        if task is None:
            return _error(40058, "invalid moment_id")
        return _ok(
            task_list=[{"userid": one, "publish_status": int(one in task.confirmed)} for one in task.senders]
        )

    def _moment_customers(self, body: Mapping[str, Any], *, sent: bool) -> dict[str, Any]:
        task, sender = self.tasks.get(str(body.get("moment_id"))), str(body.get("userid"))
        if task is None:
            return _error(40058, "invalid moment_id")
        rows = [
            {"external_userid": one, "userid": sender}
            for one, became in sorted(task.sent.items())
            if sender in became and (not sent or became[sender] == 1)
        ]
        return _ok(customer_list=rows)

    # chats

    def _chat_list(self, body: Mapping[str, Any]) -> dict[str, Any]:
        start, limit = int(body.get("cursor") or 0), int(body.get("limit", 100))
        chats = sorted(self.chats)
        return _ok(
            group_chat_list=[{"chat_id": chat, "status": 0} for chat in chats[start : start + limit]],
            next_cursor=str(start + limit) if start + limit < len(chats) else "",
        )

    def _chat(self, body: Mapping[str, Any]) -> dict[str, Any]:
        found = self.chats.get(str(body.get("chat_id")))
        if found is None:
            return _error(49008, "invalid chat id")
        return _ok(
            group_chat={
                "chat_id": body["chat_id"],
                "name": found["name"],
                "owner": found["owner"],
                "member_list": [
                    {"userid": found["owner"], "type": 1, "join_time": 0},
                    *(
                        {"userid": one, "type": 2, "join_time": at, "name": one}
                        for one, at in found["members"].items()
                    ),
                ],
            }
        )

    # hand-overs

    def _transfer(self, body: Mapping[str, Any], *, resigned: bool) -> dict[str, Any]:
        giver, taker = str(body.get("handover_userid")), str(body.get("takeover_userid"))
        wanted = list(body.get("external_userid") or ())
        if taker not in self.staff or taker in self.gone or giver not in self.staff:
            return _error(40003, "invalid userid")
        if not 1 <= len(wanted) <= 100 or resigned is not (giver in self.gone):
            return _error(40058, "invalid Request Parameter")
        rows = []
        for one in wanted:
            known = self.customers.get(one)
            number = 0 if known is not None and giver in known.of else 40096
            if not number:
                self.transfers[giver, taker, one] = 2
            rows.append({"external_userid": one, "errcode": number})
        return _ok(customer=rows)

    def _transferred(self, body: Mapping[str, Any]) -> dict[str, Any]:
        giver, taker = str(body.get("handover_userid")), str(body.get("takeover_userid"))
        return _ok(
            customer=[
                {"external_userid": one, "status": status, "takeover_time": int(self.clock())}
                for (by, to, one), status in self.transfers.items()
                if (by, to) == (giver, taker)
            ],
            next_cursor="",
        )

    # the sidebar

    def _who(self, body: Mapping[str, Any]) -> dict[str, Any]:
        staff = self.codes.pop(str(body.get("code", "")), None)
        return _error(40029, "invalid code") if staff is None else _ok(userid=staff)

    def _ticket(self, body: Mapping[str, Any]) -> dict[str, Any]:
        of = str(body.get("type", "corp"))
        return _ok(
            ticket=sha1(f"{of} {self.corp_id}".encode(), usedforsecurity=False).hexdigest(), expires_in=7200
        )

    def signed_in(self, staff: str, *, code: str = "code-1", state: str = "") -> str:
        """The query with which a browser comes back from signing in as that employee."""
        with self.lock:
            self.staff.setdefault(staff, staff.title())
            self.codes[code] = staff
        return urlencode({"code": code, "state": state})


def _ok(**answer: Any) -> dict[str, Any]:
    return {"errcode": 0, "errmsg": "ok", **answer}


def _error(number: int, said: str) -> dict[str, Any]:
    return {"errcode": number, "errmsg": said}


_ANSWERS: Mapping[str, Callable[[WecomServer, Mapping[str, Any]], dict[str, Any]]] = {
    f"{PAGE}/get_follow_user_list": WecomServer._staff_list,
    "/cgi-bin/user/get": WecomServer._user,
    f"{PAGE}/get": WecomServer._customer,
    f"{PAGE}/batch/get_by_user": WecomServer._by_user,
    f"{PAGE}/get_corp_tag_list": WecomServer._tag_list,
    f"{PAGE}/add_corp_tag": WecomServer._add_tag,
    f"{PAGE}/del_corp_tag": WecomServer._del_tag,
    f"{PAGE}/mark_tag": WecomServer._mark,
    f"{PAGE}/add_contact_way": WecomServer._add_way,
    f"{PAGE}/update_contact_way": WecomServer._update_way,
    f"{PAGE}/get_contact_way": WecomServer._get_way,
    f"{PAGE}/del_contact_way": WecomServer._del_way,
    f"{PAGE}/get_groupmsg_task": WecomServer._msg_tasks,
    f"{PAGE}/get_groupmsg_send_result": WecomServer._msg_results,
    f"{PAGE}/cancel_groupmsg_send": WecomServer._cancel,
    f"{PAGE}/cancel_moment_task": WecomServer._cancel,
    f"{PAGE}/get_moment_task_result": WecomServer._moment_job,
    f"{PAGE}/get_moment_task": WecomServer._moment_tasks,
    f"{PAGE}/get_moment_customer_list": lambda server, body: server._moment_customers(body, sent=False),
    f"{PAGE}/get_moment_send_result": lambda server, body: server._moment_customers(body, sent=True),
    f"{PAGE}/groupchat/list": WecomServer._chat_list,
    f"{PAGE}/groupchat/get": WecomServer._chat,
    f"{PAGE}/transfer_customer": lambda server, body: server._transfer(body, resigned=False),
    f"{PAGE}/resigned/transfer_customer": lambda server, body: server._transfer(body, resigned=True),
    f"{PAGE}/transfer_result": WecomServer._transferred,
    f"{PAGE}/resigned/transfer_result": WecomServer._transferred,
    "/cgi-bin/auth/getuserinfo": WecomServer._who,
    "/cgi-bin/get_jsapi_ticket": WecomServer._ticket,
    "/cgi-bin/ticket/get": WecomServer._ticket,
}
