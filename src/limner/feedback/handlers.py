"""What the public links of messages answer: open, click, unsubscribe. Knows no web framework.

A link must lead on even when the records cannot be read, and nobody is unsubscribed by a GET: mail filters
follow every link.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape

from sqlalchemy.exc import DatabaseError

from limner.consents import ledger
from limner.errors import LimnerError
from limner.feedback import receipts
from limner.store.records import Records
from limner.touches.links import Links
from limner.types import Json

GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
"""A transparent image of one pixel: the answer to every open, known or not."""

NO_STORE = {"Cache-Control": "no-store, no-cache, private, max-age=0", "Pragma": "no-cache"}
"""Headers of the image and of the page: nothing between us and the recipient may keep them."""

PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
"""The Content-Security-Policy of the unsubscribe page: it runs nothing."""


@dataclass(frozen=True)
class Click:
    """Where to lead the recipient (HTTP 302), and the call for the event log if there is one to keep."""

    target: str
    call: Json | None


def click(records: Records, links: Links, token: str, *, user_agent: str, now: datetime) -> Click | None:
    """The answer to a followed link; None for a token that we did not make (HTTP 404)."""
    found = links.clicked(token)
    if found is None:
        return None
    try:
        about = receipts.touched(records, found.message_id)
        if about is None:
            return Click(found.target, None)
        machine = receipts.is_machine(user_agent, at=now, sent_at=about.sent_at, click=True)
        if not machine:
            receipts.note(records, receipts.CLICKED, found.message_id, now)
        return Click(found.target, receipts.clicked(about, at=now, url=found.target, machine=machine))
    except (DatabaseError, LimnerError):
        # The recipient's way matters more than our count.
        return Click(found.target, None)


def opened(records: Records, links: Links, token: str, *, user_agent: str, now: datetime) -> Json | None:
    """The call for an opened message; None when there is nothing to keep. Always answer with GIF."""
    message_id = links.opened(token)
    if message_id is None:
        return None
    try:
        about = receipts.touched(records, message_id)
        if about is None:
            return None
        machine = receipts.is_machine(user_agent, at=now, sent_at=about.sent_at, click=False)
        if not machine:
            receipts.note(records, receipts.OPENED, message_id, now)
        return receipts.opened(about, at=now, machine=machine)
    except (DatabaseError, LimnerError):
        return None


def unsubscribe_page(links: Links, token: str, *, name: str) -> str | None:
    """The page that asks whether to unsubscribe (GET); None for a token that we did not make (HTTP 404).

    `name`: who sent the message.
    """
    found = links.leaving(token)
    if found is None:
        return None
    less = links.preferences_url(found.message_id, found.channel, found.address_hash)
    form = (
        '<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">'
        "<button>退订 · Unsubscribe</button></form>"
        f'<p><a href="/p/{less.rpartition("/")[2]}">只想少收一些 · Only less of it</a></p>'
    )
    return _page(
        name,
        "不再接收营销消息？",
        "Stop receiving marketing messages?",
        form,
    )


@dataclass(frozen=True)
class Unsubscribed:
    """The answer to a POST (HTTP 200, no redirect), and the call for the event log if there is one."""

    page: str
    call: Json | None


def unsubscribe(
    records: Records, links: Links, token: str, *, name: str, now: datetime
) -> Unsubscribed | None:
    """Ends the advertising to the address at once (POST, RFC 8058); None for a token that we did not make.

    The second time changes nothing and answers the same. Raises when the records cannot be written: the
    recipient must not be told of what did not happen.
    """
    found = links.leaving(token)
    if found is None:
        return None
    about = receipts.touched(records, found.message_id)
    ledger.unsubscribe(
        records,
        channel=found.channel,
        address_hash=found.address_hash,
        person=about.person if about else "",
        now=now,
        proof=f"message {found.message_id}",
    )
    page = _page(
        name, "已退订，不会再收到营销消息。", "Unsubscribed. You will get no more marketing messages."
    )
    if about is None:
        return Unsubscribed(page, None)
    receipts.note(records, receipts.UNSUBSCRIBED, found.message_id, now)
    return Unsubscribed(page, receipts.unsubscribed(about, at=now))


def _page(name: str, chinese: str, english: str, form: str = "") -> str:
    return (
        '<!doctype html><html lang="zh"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<title>{escape(name)}</title>"
        "<style>body{font:1.1em system-ui,sans-serif;max-width:32em;margin:12vh auto;padding:0 1em;"
        "text-align:center}button{font:inherit;padding:.6em 1.4em}</style>"
        f'<h1>{escape(name)}</h1><p>{escape(chinese)}</p><p lang="en">{escape(english)}</p>{form}</html>'
    )
