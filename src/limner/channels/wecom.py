"""WeCom: messages that members of staff send to their customers, to customer groups, and to the moments page.

The platform makes a task of each; nothing leaves before the member of staff confirms it. So what it takes is accepted,
and what became of it is asked for later (`sent_of`). A task has no id that makes a repeat harmless: a lost answer is in
doubt and is never asked for again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from limner.channels.http import Lost
from limner.channels.seam import Message, Outcome, Receipt, Unavailable
from limner.channels.tencent import WECOM, Api, Busy, Refused
from limner.types import Clock, Json

CUSTOMER, GROUP, MOMENT = "customer", "group", "moment"
SORTS = (CUSTOMER, GROUP, MOMENT)
"""To whom a message goes: each customer, the customer groups that they are in, or the moments page that they see."""

MOST = 10_000
"""Customers that one task takes."""
MOST_TAGS = 3_000
"""Tags that an employee may give one customer."""
MOST_ATTACHMENTS = 9
MARKS = "Limner"
"""The group of the tags by which a moment is shown to those who may see it, and to nobody else."""

_CUSTOMER = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Place:
    """Where a message to one customer goes: the member of staff who sends it, and the group chat for a group's."""

    staff: str
    chat: str = ""


Places = Callable[[str, Sequence[Message]], Mapping[str, Place]]
"""Asked for a sort and messages: where each goes, by message id; one that can go nowhere is absent."""

_NOWHERE = {
    CUSTOMER: "no member of staff has this customer",
    MOMENT: "no member of staff has this customer",
    GROUP: "in no group in which everybody may be written to",
}


class Wecom:
    """One application of a company. `places`: who sends to whom, as the relations say."""

    kind = "wecom"
    together = MOST
    """So many messages are best handed over at once."""

    def __init__(
        self,
        *,
        api: str,
        corp_id: str,
        secret: str,
        clock: Clock,
        places: Places,
        timeout_seconds: float = 10.0,
    ) -> None:
        self.api = Api(
            WECOM,
            api=api,
            query={"corpid": corp_id, "corpsecret": secret},
            clock=clock,
            timeout_seconds=timeout_seconds,
        )
        self._places = places

    def send(self, message: Message) -> Receipt:
        """What the platform answered. Raises Unavailable when the message was certainly not handed over."""
        (receipt,) = self.send_together([message])
        return receipt

    def check(self) -> str:
        """That the platform gave the application an access token. Raises Unavailable."""
        return self.api.check()

    def close(self) -> None:
        """Lets go of connections; the next message opens another."""
        self.api.close()

    def send_together(self, messages: Sequence[Message]) -> list[Receipt]:
        """What became of each, in their order; those of the same words and sender are one task.

        Raises Unavailable only when none of them was handed over: after that, the others are deferred.
        """
        found: dict[str, Receipt] = {}
        good: list[Message] = []
        for message in messages:
            if _CUSTOMER.fullmatch(message.to):
                good.append(message)
            else:
                found[message.message_id] = _failed(message, "bad address: not an external_userid")
        taken = False
        for sort in SORTS:
            asked = [message for message in good if sort_of(message) == sort]
            places = self._places(sort, asked) if asked else {}
            for message in asked:
                if message.message_id not in places:
                    found[message.message_id] = _failed(message, _NOWHERE[sort])
            there = [message for message in asked if message.message_id in places]
            for task in _tasks(sort, there, places):
                try:
                    found.update({one.message_id: one for one in self._hand_over(sort, task, places)})
                    taken = True
                except Unavailable as error:
                    if not taken and not found:
                        raise
                    found.update({one.message_id: _deferred(one, error.message) for one in task})
        return [found[message.message_id] for message in messages]

    def sent_of(self, task: str) -> dict[str, Json]:
        """What became of a task, by customer (of a group's task: by chat): whether `sent`, and `why` not.

        Who waits is absent. Raises Unavailable and Refused.
        """
        if task.startswith("moment:"):
            return self._moment_sent(task.removeprefix("moment:"))
        found: dict[str, Json] = {}
        for member in self._pages(
            "/cgi-bin/externalcontact/get_groupmsg_task", {"msgid": task}, "task_list", most=1_000
        ):
            for row in self._pages(
                "/cgi-bin/externalcontact/get_groupmsg_send_result",
                {"msgid": task, "userid": member["userid"]},
                "send_list",
                most=1_000,
            ):
                status = row.get("status")
                if status:
                    found[row.get("chat_id") or row["external_userid"]] = {
                        "sent": status == 1,
                        "why": _WHY.get(int(status), str(status)),
                    }
        return found

    def cancel(self, task: str) -> bool:
        """Whether the task was taken back: whoever did not send it yet never will. Raises Unavailable."""
        moment = task.startswith("moment:")
        try:
            if moment:
                moment_id, _ = self._moment(task.removeprefix("moment:"))
                self.api.surely("/cgi-bin/externalcontact/cancel_moment_task", {"moment_id": moment_id})
            else:
                self.api.surely("/cgi-bin/externalcontact/cancel_groupmsg_send", {"msgid": task})
        except Refused:
            return False
        return True

    def mark(self, staff: str, customer: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """The member of staff's customer has these tags, and these no more. Raises Refused and Unavailable."""
        self.api.surely(
            "/cgi-bin/externalcontact/mark_tag",
            {
                "userid": staff,
                "external_userid": customer,
                "add_tag": list(add),
                "remove_tag": list(remove),
            },
        )

    def _new_tag(self, group: str, name: str) -> str:
        """The id of a new tag of the company, which nobody has. Raises Refused and Unavailable."""
        answer = self.api.surely(
            "/cgi-bin/externalcontact/add_corp_tag", {"group_name": group, "tag": [{"name": name}]}
        )
        return next(str(tag["id"]) for tag in answer["tag_group"]["tag"] if tag["name"] == name)

    def forget_mark(self, task: str) -> None:
        """The tag of a moment that is over is deleted, from every customer. Raises Unavailable."""
        answer = self.api.surely("/cgi-bin/externalcontact/get_corp_tag_list", {})
        wanted = _mark_name(task.removeprefix("moment:"))
        ids = [
            tag["id"]
            for group in answer.get("tag_group", [])
            if group["group_name"] == MARKS
            for tag in group["tag"]
            if tag["name"] == wanted
        ]
        if ids:
            self.api.surely("/cgi-bin/externalcontact/del_corp_tag", {"tag_id": ids})

    def _hand_over(self, sort: str, task: Sequence[Message], places: Mapping[str, Place]) -> list[Receipt]:
        if sort == MOMENT:
            return self._show(task, places)
        return self._make_task(sort, task, places)

    def _make_task(self, sort: str, task: Sequence[Message], places: Mapping[str, Place]) -> list[Receipt]:
        first = task[0]
        staff = places[first.message_id].staff
        body: Json = {
            "chat_type": "group" if sort == GROUP else "single",
            "sender": staff,
            **content_of(first),
        }
        chats = {message.message_id: places[message.message_id].chat for message in task}
        if sort == GROUP:
            body["chat_id_list"] = sorted(set(chats.values()))
        else:
            body["external_userid"] = [message.to for message in task]
        try:
            answer = self.api.ask("/cgi-bin/externalcontact/add_msg_template", body)
        except Lost as error:
            return [Receipt(one.message_id, Outcome.IN_DOUBT, f"no answer: {error}") for one in task]
        except Busy as error:
            return [_deferred(one, error.message) for one in task]
        except Refused as error:
            return [_failed(one, error.message) for one in task]
        msgid, failed = str(answer.get("msgid", "")), set(answer.get("fail_list") or ())

        def became(one: Message) -> Receipt:
            if (chats[one.message_id] or one.to) in failed:
                return _failed(one, "the platform does not let the member of staff write to this customer")
            provider = f"{msgid}/{chats[one.message_id]}" if sort == GROUP else msgid
            return Receipt(one.message_id, Outcome.ACCEPTED, provider_id=provider)

        return [became(one) for one in task]

    def _show(self, task: Sequence[Message], places: Mapping[str, Place]) -> list[Receipt]:
        """A moment that only those see who were given a tag of its own. Nothing is shown while a mark is missing."""
        first = task[0]
        name = first.message_id[:20]
        self.forget_mark(name)  # an earlier try may have marked somebody who may not see it any more
        tag = self._new_tag(MARKS, _mark_name(name))
        marked: list[Message] = []
        failed: dict[str, str] = {}
        for one in task:
            try:
                self.mark(places[one.message_id].staff, one.to, add=[tag])
                marked.append(one)
            except Refused as error:
                failed[one.message_id] = error.message
        job = ""
        doubt = ""
        if marked:
            content = content_of(first)
            try:
                answer = self.api.ask(
                    "/cgi-bin/externalcontact/add_moment_task",
                    {
                        **content,
                        "visible_range": {
                            "sender_list": {
                                "user_list": sorted({places[one.message_id].staff for one in marked})
                            },
                            "external_contact_list": {"tag_list": [tag]},
                        },
                    },
                )
                job = str(answer.get("jobid", ""))
            except Lost as error:
                doubt = f"no answer: {error}"
            except Refused as error:
                failed |= {one.message_id: error.message for one in marked}

        def became(one: Message) -> Receipt:
            if one.message_id in failed:
                return _failed(one, failed[one.message_id])
            if doubt:
                return Receipt(one.message_id, Outcome.IN_DOUBT, doubt)
            return Receipt(one.message_id, Outcome.ACCEPTED, provider_id=f"moment:{name}:{job}")

        return [became(one) for one in task]

    def _moment(self, task: str) -> tuple[str, Json]:
        """The id of a moment, '' while it is being made, and what the platform says of it."""
        job = task.partition(":")[2]
        answer = self.api.surely("/cgi-bin/externalcontact/get_moment_task_result", jobid=job)
        result = answer.get("result") or {}
        return (str(result.get("moment_id", "")) if answer.get("status") == 3 else ""), result

    def _moment_sent(self, task: str) -> dict[str, Json]:
        moment_id, _ = self._moment(task)
        if not moment_id:
            return {}
        found: dict[str, Json] = {}
        about: Json = {"moment_id": moment_id}
        for member in self._pages("/cgi-bin/externalcontact/get_moment_task", about, "task_list", most=1_000):
            if member.get("publish_status") != 1:
                continue
            one = {**about, "userid": member["userid"]}
            for row in self._pages(
                "/cgi-bin/externalcontact/get_moment_customer_list", one, "customer_list", most=1_000
            ):
                found[row["external_userid"]] = {
                    "sent": False,
                    "why": "the moment did not reach this customer",
                }
            for row in self._pages(
                "/cgi-bin/externalcontact/get_moment_send_result", one, "customer_list", most=3_000
            ):
                found[row["external_userid"]] = {"sent": True, "why": ""}
        return found

    def _pages(self, path: str, body: Json, key: str, *, most: int) -> Iterator[Json]:
        return pages(self.api, path, body, key, most=most)


_WHY = {
    2: "not the member of staff's customer any more",
    3: "had as many messages as the platform lets through",
}


def pages(api: Api, path: str, body: Json, key: str, *, most: int) -> Iterator[Json]:
    """Every row of a list that comes in pages. Raises Refused and Unavailable."""
    cursor = ""
    while True:
        answer = api.surely(path, {**body, "limit": most, **({"cursor": cursor} if cursor else {})})
        yield from answer.get(key) or ()
        cursor = str(answer.get("next_cursor") or "")
        if not cursor:
            return


def sort_of(message: Message) -> str:
    """To whom the message goes: see SORTS."""
    return message.data.get("as", CUSTOMER)


def content_of(message: Message) -> Json:
    """The text and the attachments as the platform takes them."""
    attachments = [attachment(title, target) for title, target in message.data.items() if title != "as"][
        :MOST_ATTACHMENTS
    ]
    return {
        **({"text": {"content": message.text}} if message.text else {}),
        **({"attachments": attachments} if attachments else {}),
    }


def attachment(title: str, target: str) -> Json:
    """What is attached: `https://…` is a link of that title; else image:, video: or file: and the id of an upload."""
    kind, _, rest = target.partition(":")
    if kind in ("image", "video", "file"):
        return {"msgtype": kind, kind: {"media_id": rest}}
    if kind == "miniprogram":
        app, page, picture = (*rest.split(" "), "", "")[:3]
        return {
            "msgtype": kind,
            kind: {"title": title, "appid": app, "page": page, "pic_media_id": picture},
        }
    return {"msgtype": "link", "link": {"title": title, "url": target}}


def _tasks(sort: str, messages: Sequence[Message], places: Mapping[str, Place]) -> Iterator[list[Message]]:
    """The messages of the same words, and of the same sender where that matters, at most MOST together."""
    several: dict[tuple[object, ...], list[Message]] = {}
    for message in messages:
        staff = "" if sort == MOMENT else places[message.message_id].staff
        several.setdefault((message.text, tuple(sorted(message.data.items())), staff), []).append(message)
    for some in several.values():
        for start in range(0, len(some), MOST):
            yield some[start : start + MOST]


def _mark_name(task: str) -> str:
    return f"moment {task.partition(':')[0]}"


def _failed(message: Message, why: str) -> Receipt:
    return Receipt(message.message_id, Outcome.FAILED, why)


def _deferred(message: Message, why: str) -> Receipt:
    return Receipt(message.message_id, Outcome.DEFERRED, why)
