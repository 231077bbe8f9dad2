"""The nouns of events. Knows no vendor, no disk and no engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

CALLS = ("identify", "track", "page", "screen", "group", "alias")
"""The kinds of call that a vendor may send."""

NAMES = {"identify": "$identify", "page": "$page", "screen": "$screen", "group": "$group", "alias": "$alias"}
"""The event name under which a call other than `track` is kept."""

IMPORTABLE = ("$page", "$screen")
"""Names of ours that an import may use: the others say who somebody is."""

CONTEXT = "$context"
ORIGINAL = "$original_timestamp"
SENT = "$sent_at"
EVENT = "$event"
"""Keys of an event's `rest` beside its properties: context, both client times, a name beyond the limit."""

Key = tuple[str, str]
"""A declared identifier: (kind, value), for example ('email', 'mei@example.test')."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call is not accepted: a stable code, one sentence and the place inside the call."""

    code: str
    message: str
    path: str | None = None
    status: int = 400


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about an accepted event that its sender should know; counted by (code, detail)."""

    code: str
    detail: str = ""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor call as decoded: nothing about it is checked yet, so every value may be anything."""

    index: int = 0
    type: Any = None
    name: Any = None
    category: Any = None
    user: Any = None
    device: Any = None
    message_id: Any = None
    previous: Any = None
    group: Any = None
    properties: Any = None
    traits: Any = None
    once: Any = None
    context: Any = None
    at: Any = None
    sent: Any = None
    raw: Any = None
    size: int = 0
    refusal: Refusal | None = None
    warnings: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One decoded body: its calls, the key found inside it, and whether it is a batch.

    `refusal` says why the whole body cannot be read; then there are no calls.
    """

    calls: Sequence[Call] = ()
    write_key: str | None = None
    batch: bool = False
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Attribute:
    """One change of one attribute: mode is 'set', 'once' or 'unset'; an unset has no value."""

    name: str
    mode: str
    value: Any = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted event. `properties` are flat (dotted names); lists stay whole.

    `ts` and `received_at` are naive UTC. It may name nobody. `said` is a hash of what the call said, without
    its times and context: two calls with one message id and different `said` are in conflict.
    """

    id: int
    message_id: str
    call: str
    name: str
    ts: datetime
    received_at: datetime
    source_i: int
    said: int = 0
    user: str | None = None
    device: str | None = None
    keys: tuple[Key, ...] = ()
    previous: str | None = None
    properties: Mapping[str, Any]
    around: Mapping[str, Any]
    attributes: tuple[Attribute, ...] = ()
    warnings: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One call or row that was kept aside; a call can be tried again. `origin`: DIGEST:ROW of a file's row."""

    id: int
    source_i: int | None
    received_at: datetime
    refusal: Refusal
    raw: str
    origin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What became of what was received: received = stored + duplicate + quarantined + rejected."""

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    rejected: int = 0

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(
            received=self.received + other.received,
            stored=self.stored + other.stored,
            duplicate=self.duplicate + other.duplicate,
            quarantined=self.quarantined + other.quarantined,
            rejected=self.rejected + other.rejected,
        )
