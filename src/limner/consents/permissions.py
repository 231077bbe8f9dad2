"""Permissions to send one message of a template each: counted as they are given, used up by the claim of a message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from limner.accounts.keys import micros
from limner.store.records import Records

NONE_LEFT = "no permission left"
"""Why somebody gets no message who gave no permission, or none that is not used up."""


@dataclass(frozen=True)
class Permission:
    """`n` messages of a template to an address; `proof`: what makes it count once, such as the app's own id of it."""

    channel: str
    address_hash: str
    template: str
    proof: str
    n: int = 1


def give(records: Records, given: Sequence[Permission], *, now: datetime) -> int:
    """How many of these permissions were new; one whose proof is known already changes nothing."""
    new = 0
    with records.begin() as connection:
        for one in given:
            done = connection.execute(
                text("INSERT INTO permissions_given (proof, at) VALUES (:proof, :at) ON CONFLICT DO NOTHING"),
                {"proof": f"{one.channel}\0{one.template}\0{one.proof}", "at": micros(now)},
            )
            if done.rowcount:
                _add(connection, one.channel, one.address_hash, one.template, one.n)
                new += 1
    return new


def use(connection: Connection, channel: str, wanted: Sequence[tuple[str, str]]) -> list[bool]:
    """Whether each address (hash, template) has a permission left: it is used up now, in the caller's transaction."""
    return [
        bool(
            connection.execute(
                text(
                    "UPDATE permissions SET left = left - 1 WHERE channel = :channel AND address_hash = :hash"
                    " AND template = :template AND left > 0"
                ),
                {"channel": channel, "hash": hashed, "template": template},
            ).rowcount
        )
        for hashed, template in wanted
    ]


def give_back(connection: Connection, channel: str, unused: Sequence[tuple[str, str]]) -> None:
    """These permissions were not used after all: the message was certainly not handed over."""
    for hashed, template in unused:
        _add(connection, channel, hashed, template, 1)


def left(records: Records, channel: str, address_hash: str) -> dict[str, int]:
    """How many messages of each template the address may still get."""
    with records.read() as connection:
        rows = connection.execute(
            text(
                "SELECT template, left FROM permissions WHERE channel = :channel AND address_hash = :hash AND left > 0"
            ),
            {"channel": channel, "hash": address_hash},
        ).all()
    return {template: int(n) for template, n in rows}


def _add(connection: Connection, channel: str, hashed: str, template: str, n: int) -> None:
    connection.execute(
        text(
            "INSERT INTO permissions (channel, address_hash, template, left) VALUES (:channel, :hash, :template, :n)"
            " ON CONFLICT (channel, address_hash, template) DO UPDATE SET left = left + :n"
        ),
        {"channel": channel, "hash": hashed, "template": template, "n": n},
    )
