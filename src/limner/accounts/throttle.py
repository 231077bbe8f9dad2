"""How fast somebody may guess: after some failures each further attempt must wait twice as long.

An attempt is counted before it is judged, so that many at once are no way around; success takes it back.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from limner.accounts.keys import micros
from limner.accounts.model import digest
from limner.errors import DeniedError
from limner.store.records import Records

FREE = 5
"""So many failures within the window cost nothing."""

WINDOW = timedelta(minutes=15)
"""So long a failure is remembered."""

LONGEST = int(WINDOW.total_seconds())


class TooManyAttemptsError(DeniedError):
    """Too many failures before this attempt; it was not judged. `retry_after` is in seconds."""

    code = "too_many_attempts"
    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many attempts; try again in {retry_after} seconds")
        self.retry_after = retry_after


@dataclass(frozen=True)
class Subject:
    """Whose failures are counted: an account, an address, or an address that tries one-time links."""

    kind: str
    key: str


def account(login: str) -> Subject:
    """An account by its login, whether or not there is one."""
    return Subject("account", digest(login))


def address(given: str) -> Subject:
    """An address; of IPv6 the network of 64 bits, since each household has a whole one."""
    return Subject("address", digest(_network(given)))


def links(given: str) -> Subject:
    """An address as a bringer of one-time links."""
    return Subject("link", digest(_network(given)))


def delay(failures: int) -> int:
    """Seconds to wait after so many failures: 0 below FREE, then 2, 4, 8 … up to the whole window."""
    return 0 if failures < FREE else int(min(2 ** min(failures - FREE + 1, 20), LONGEST))


def admit(records: Records, subjects: Sequence[Subject], *, now: datetime) -> tuple[int, ...]:
    """The attempt's rows, counted as failures until `succeeded` takes them back.

    Raises TooManyAttemptsError, and counts nothing, when one of the subjects must still wait.
    """
    with records.begin() as connection:
        connection.execute(text("DELETE FROM attempts WHERE at <= :old"), {"old": micros(now - WINDOW)})
        wait = max((_wait(connection, subject, now) for subject in subjects), default=0)
        if wait > 0:
            raise TooManyAttemptsError(wait)
        return tuple(
            connection.execute(
                text("INSERT INTO attempts (kind, subject, at) VALUES (:kind, :subject, :at) RETURNING id"),
                {"kind": subject.kind, "subject": subject.key, "at": micros(now)},
            ).scalar_one()
            for subject in subjects
        )


def succeeded(records: Records, admitted: Sequence[int], *, forget: Subject | None = None) -> None:
    """The attempt was no failure; everything that is counted against `forget` is forgotten too."""
    with records.begin() as connection:
        for row in admitted:
            connection.execute(text("DELETE FROM attempts WHERE id = :id"), {"id": row})
        if forget is not None:
            connection.execute(
                text("DELETE FROM attempts WHERE kind = :kind AND subject = :subject"),
                {"kind": forget.kind, "subject": forget.key},
            )


def _wait(connection: Connection, subject: Subject, now: datetime) -> int:
    failures, last = connection.execute(
        text("SELECT COUNT(*), MAX(at) FROM attempts WHERE kind = :kind AND subject = :subject"),
        {"kind": subject.kind, "subject": subject.key},
    ).one()
    if failures < FREE:
        return 0
    left = int(last) + delay(failures) * 1_000_000 - micros(now)
    return max(0, -(-left // 1_000_000))


def _network(given: str) -> str:
    try:
        parsed = ipaddress.ip_address(given.partition("%")[0])
    except ValueError:
        return given
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or ipaddress.ip_network((parsed, 64), strict=False).network_address)
    return str(parsed)
