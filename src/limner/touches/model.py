"""What a touch is: one message to one person of one entry. Frozen nouns without effects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

CAMPAIGN, JOURNEY = "campaign", "journey"
"""Whose entry it is: one send of a campaign, or a step of a journey, to which people come one by one."""

STEP = "send"
"""The step of a campaign's one message; longer paths name theirs."""

TAKEN = "status IN ('claimed', 'sent', 'in_doubt')"
"""A condition over touches: the message left, is leaving, or may have left; it counts for caps and quotas."""


@dataclass(frozen=True)
class Recipient:
    """One person as the sending moment knows them.

    `former`: the ids of those who were found to be this person; what they got counts as this person's.
    `identifier_kind`, `identifier_value`: under which name events about the person are written. `zone`: the
    person's time zone by IANA name, None when unknown. The mappings are what templates may read. `picks`: what is
    shown to the person, by the name of the list, of which `lacking` are too short; they hold before `picked_until` and
    while the library has the digest `picked_from`; `codes`: by which code the person invites others, by referral.
    `unprofiled`: nothing of the message may be chosen by what is computed of the person.
    """

    address: str
    identifier_kind: str
    identifier_value: str
    zone: str | None = None
    former: Sequence[str] = ()
    person: Mapping[str, Any] = field(default_factory=dict)
    tag: Mapping[str, Any] = field(default_factory=dict)
    content: Mapping[str, Any] = field(default_factory=dict)
    picks: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    lacking: Sequence[str] = ()
    picked_until: datetime | None = None
    picked_from: str = ""
    codes: Mapping[str, str] = field(default_factory=dict)
    unprofiled: bool = False


Stale = Callable[[Recipient, datetime], bool]
"""Whether what was picked for a recipient may not be sent any more at that instant."""

Recipients = Callable[[Sequence[str]], Mapping[str, Recipient]]
"""Asked for some person ids, tells how each can be reached now; who is erased or merged away is absent."""


@dataclass(frozen=True)
class Entry:
    """One run of a campaign as it was launched; `definition` and `content` are frozen with it."""

    campaign: str
    entry: str
    status: str
    reason: str
    started_at: datetime
    ended_at: datetime | None
    as_of: datetime
    seed: str
    audience_text: str
    definition: str
    content: str
    people: int
    holdout_share: float
    not_before: datetime | None
    kind: str


@dataclass(frozen=True)
class Counts:
    """Where everybody of an entry is; the parts add up to the audience.

    `sending` is the part of `waiting` that is being handed over at this moment.
    """

    audience: int
    held_out: int
    suppressed: Mapping[str, int]
    waiting: int
    sending: int
    sent: int
    failed: int
    in_doubt: int

    @property
    def exact(self) -> bool:
        """Whether nobody is missing and nobody stands twice."""
        parts = self.held_out + sum(self.suppressed.values())
        return self.audience == parts + self.waiting + self.sent + self.failed + self.in_doubt


@dataclass(frozen=True)
class Worked:
    """What one call of `work` did, and when there is something to do again (None: nothing is waiting).

    `handed_over` messages wait for a member of staff. `alarm`: why the entry stopped itself or waits for the next
    month, '' when it did not; `harmed`: it did harm.
    """

    sent: int = 0
    failed: int = 0
    deferred: int = 0
    in_doubt: int = 0
    suppressed: int = 0
    status: str = "running"
    reason: str = ""
    next_due: datetime | None = None
    alarm: str = ""
    harmed: bool = False
    handed_over: int = 0


def message_id(secret: bytes, campaign: str, entry: str, step: str, person: str, channel: str) -> str:
    """The one id of this touch: 32 hex digits, the same on every attempt, not to be guessed."""
    text = "\0".join((campaign, entry, step, person, channel))
    return blake2b(text.encode(), digest_size=16, key=blake2b(secret).digest()[:32]).hexdigest()
