"""Who sends a message to a customer at WeCom: the owner; or the owner of a group in which nobody may be left out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from limner.campaigns import policy_text
from limner.campaigns.policy import in_global_holdout
from limner.channels.seam import Message
from limner.channels.wecom import GROUP, Place
from limner.consents.ledger import standings
from limner.consents.model import MARKETING, address_hash, objection
from limner.contacts import follows
from limner.identity import people

if TYPE_CHECKING:
    from limner.workspace.workspace import Workspace


def places(workspace: Workspace, sort: str, messages: Sequence[Message]) -> Mapping[str, Place]:
    """Where each message goes, by its id; whom nobody may write to is absent.

    A group gets a message when none of its customers refused, is held out, or was set aside in the same sending. What
    they are asked of is the ledger and the arms, as of now.
    """
    customers = [message.to for message in messages]
    with workspace.records.read() as connection:
        if sort != GROUP:
            owners = follows.owners(connection, customers, here=True)
            return {
                message.message_id: Place(owners[message.to]) for message in messages if message.to in owners
            }
        chats = follows.members_with(connection, customers)
        others = sorted({one for _, members in chats.values() for one in members} - set(customers))
        barred = _barred(workspace, connection, others, messages[0])
    wanted = set(customers)
    open_chats = {
        chat: (owner, members) for chat, (owner, members) in chats.items() if not barred.intersection(members)
    }
    placed: dict[str, Place] = {}
    for chat, (owner, members) in sorted(
        open_chats.items(), key=lambda item: (-len(wanted.intersection(item[1][1])), item[0])
    ):
        for one in wanted.intersection(members):
            placed.setdefault(one, Place(owner, chat))
    return {message.message_id: placed[message.to] for message in messages if message.to in placed}


def _barred(
    workspace: Workspace, connection: Connection, customers: Sequence[str], message: Message
) -> set[str]:
    """Those of the customers who must not get the message, also not by the way."""
    hashed = {one: address_hash(workspace.secret, "wecom", one) for one in customers}
    standing = standings(connection, "wecom", list(hashed.values()), message_class=message.message_class)
    # Only a refusal bars a group: who was never asked is not written to, but stands in the group anyway.
    barred = {
        one
        for one, where in hashed.items()
        if where in standing and objection(standing[where], message.message_class)
    }
    known = people.person_ids_of(
        workspace.engine,
        [f"external_userid:{one}" for one in customers],
        keys=workspace.config.strong_keys,
    )
    of = {person: name.partition(":")[2] for name, person in known.items()}
    if message.message_class == MARKETING:
        policy = policy_text.read_folder(workspace.paths.folder)
        out = in_global_holdout(policy, list(of), message.message_class)
        barred |= {of[person] for person, yes in zip(of, out, strict=True) if yes}
    aside = connection.execute(
        text(
            "SELECT a.person FROM touches AS m JOIN arms AS a ON a.campaign = m.campaign AND a.entry = m.entry"
            " LEFT JOIN touches AS t ON t.campaign = a.campaign AND t.entry = a.entry AND t.person = a.person"
            " WHERE m.message_id = :message AND a.person IN (SELECT value FROM json_each(:people))"
            " AND (a.arm <> 'treated' OR t.status = 'suppressed')"
        ),
        {"message": message.message_id, "people": json.dumps(list(of))},
    ).scalars()
    return barred | {of[person] for person in aside}
