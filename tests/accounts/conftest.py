"""Records, a clock that the test turns, and passwords that are hashed fast and counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from limner.accounts import passwords
from limner.store.records import Records

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that the test turns."""

    now: datetime = NOW

    def after(self, **time: float) -> datetime:
        """The time has passed; now it is the answer."""
        self.now += timedelta(**time)
        return self.now


class Counted(PasswordHasher):
    """A fast argon2id that notes what it did."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=16, parallelism=1)
        self.work: list[str] = []

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.work.append("hash")
        return super().hash(password, salt=salt)

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        self.work.append("verify")
        return super().verify(hash, password)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    made = Records(tmp_path / "records.sqlite")
    made.migrate()
    yield made
    made.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hasher(monkeypatch: pytest.MonkeyPatch) -> Counted:
    made = Counted()
    monkeypatch.setattr(passwords, "HASHER", made)
    return made
