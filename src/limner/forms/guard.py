"""Who is no person: tokens with a time, a field that nobody sees, and how many answers come from one address.

A token is made for each page that is shown. It says when, so an answer that comes too soon or too late is known; it is
good for one answer, so sending it again adds nothing. Nothing here reads a clock.
"""

from __future__ import annotations

import ipaddress
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from threading import Lock

from limner.accounts.keys import instant, micros
from limner.forms.model import Bots

FORGED, TOO_SOON, TOO_OLD, TRAPPED, TOO_MANY, UNANSWERED = (
    "forged", "too_soon", "too_old", "trapped", "too_many", "unanswered",
)  # fmt: skip
"""Why an answer is not taken."""

TRAP = "website"
"""The field that people do not see."""
QUESTION = "sum"
"""The field of the question that is asked of a busy address."""
HOUR = timedelta(hours=1)
MOST_ADDRESSES = 50_000


@dataclass(frozen=True)
class Page:
    """One page of a form that was shown: for which form, when, and the id that its answer gets."""

    form: str
    at: datetime
    id: str


def parts(page: Page) -> tuple[str, str, str]:
    """What stands in the page's token."""
    return page.form, str(micros(page.at)), page.id


def read(given: list[str] | None, form: str) -> Page | None:
    """The page of a token's parts; None for a token of another form, or that nobody here made."""
    if given is None or given[0] != form or not given[1].isdigit():
        return None
    return Page(given[0], instant(int(given[1])), given[2])


def objection(page: Page | None, bots: Bots, *, trapped: bool, now: datetime) -> str:
    """Why this answer is a machine's, whoever sends it; '' when nothing says so."""
    if page is None:
        return FORGED
    if trapped:
        return TRAPPED
    age = now - page.at
    if age < bots.least:
        return TOO_SOON
    return TOO_OLD if age > bots.valid else ""


def sum_of(page: Page) -> tuple[int, int]:
    """The two numbers, 2 to 9, that somebody at a busy address is asked to add; the page's own."""
    digest = blake2b(page.id.encode(), digest_size=2).digest()
    return 2 + digest[0] % 8, 2 + digest[1] % 8


def network(address: str) -> str:
    """What counts as one address: of IPv4 itself, of IPv6 the 64 bits that a household has."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or ipaddress.ip_network((parsed, 64), strict=False).network_address)
    return str(parsed)


@dataclass
class Gate:
    """Counts the answers of each address to each form by the hour; and what was turned away, since it was made.

    It forgets when the process ends: what has to last lies in the token.
    """

    turned_away: Counter[tuple[str, str]] = field(default_factory=Counter)
    _taken: OrderedDict[tuple[str, str], tuple[datetime, int]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def taken(self, form: str, address: str, *, now: datetime) -> int:
        """How many answers came from the address in the hour that runs."""
        begun, count = self._taken.get((form, network(address)), (now, 0))
        return 0 if now - begun >= HOUR else count

    def take(self, form: str, address: str, *, now: datetime) -> None:
        """One answer more."""
        key = (form, network(address))
        with self._lock:
            begun, count = self._taken.pop(key, (now, 0))
            self._taken[key] = (now, 1) if now - begun >= HOUR else (begun, count + 1)
            while len(self._taken) > MOST_ADDRESSES:
                self._taken.popitem(last=False)

    def busy(self, form: str, address: str, bots: Bots, *, answered: bool, now: datetime) -> str:
        """Why no further answer is taken from the address now; '' when one is."""
        count = self.taken(form, address, now=now)
        if count >= bots.most:
            return TOO_MANY
        return "" if count < bots.free or answered else UNANSWERED

    def turn_away(self, form: str, why: str) -> None:
        """One more that was turned away."""
        with self._lock:
            self.turned_away[form, why] += 1
