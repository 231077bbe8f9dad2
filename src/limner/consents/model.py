"""What consent is and what it allows. Pure: knows no table and no clock."""

from __future__ import annotations

import hmac
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from limner.channels.kinds import KINDS, Kind

MARKETING = "marketing"
SERVICE = "service"
CLASSES = (MARKETING, SERVICE)

UNSUBSCRIBED = "unsubscribed"
COMPLAINED = "complained"
BOUNCED = "bounced"
REFUSED = "refused"
BLOCKED = "blocked"
REASONS = (UNSUBSCRIBED, COMPLAINED, BOUNCED, REFUSED, BLOCKED)
"""Why an address is suppressed; `blocked`: somebody here said that nothing at all goes there."""

# These end advertising; what a customer ordered (a receipt, a password) still goes out.
_ENDS_MARKETING_ONLY = (UNSUBSCRIBED, COMPLAINED)


_OTHER = Kind("")


class State(StrEnum):
    """What the recipient last said of one class of messages."""

    GRANTED = "granted"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Consent:
    """One recorded word of a recipient. `proof`: where it can be seen (a form's id, a file and row)."""

    person: str
    channel: str
    address_hash: str
    state: State
    at: datetime
    source: str
    proof: str = ""
    message_class: str = MARKETING


@dataclass(frozen=True)
class Standing:
    """All that decides whether one address may be written to: its consent now, its suppression ('' none)."""

    consented: bool = False
    suppressed: str = ""


NOBODY_ASKED = Standing()


def normalized(channel: str, address: str) -> str:
    """The one spelling of an address under which its consent is kept."""
    kind = KINDS.get(channel, _OTHER)
    return kind.spelling(unicodedata.normalize("NFKC", address).strip())


def address_hash(secret: bytes, channel: str, address: str) -> str:
    """The keyed hash under which an address is known: 64 hex digits, useless without the secret."""
    text = f"{channel}\0{normalized(channel, address)}"
    return hmac.digest(secret, text.encode("utf-8", "surrogatepass"), "sha256").hex()


def objection(standing: Standing, message_class: str) -> str:
    """Why this address may not get a message of this class; '' when it may.

    A service message needs no consent, and an unsubscription does not stop it; a dead address stops both.
    """
    if standing.suppressed and (
        message_class == MARKETING or standing.suppressed not in _ENDS_MARKETING_ONLY
    ):
        return standing.suppressed
    if message_class == MARKETING and not standing.consented:
        return "no consent"
    return ""
