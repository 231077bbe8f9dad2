"""Signed tokens in messages: which message was opened or clicked, which address unsubscribes.

A click's target stands inside the signed token, so nobody can turn a link of ours into a way to elsewhere. A
token names the message only by its id; whose it was is looked up when it comes back.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

OPEN = b"o"
CLICK = b"c"
UNSUBSCRIBE = b"u"
PREFERENCES = b"p"
FORM = b"f"
"""A page of a form that was shown."""
ME = b"k"
"""The recipient of a message, in a link of theirs to a form."""
VISITOR = b"v"
"""A browser, in a cookie of ours."""
_SIGNATURE = 16
_LONGEST = 4096


@dataclass(frozen=True)
class Clicked:
    """A click's token read back."""

    message_id: str
    target: str


@dataclass(frozen=True)
class Leaving:
    """An unsubscribe token read back: it says all that is needed even when the message is forgotten."""

    message_id: str
    channel: str
    address_hash: str


@dataclass(frozen=True)
class Links:
    """Makes and reads the tokens of one workspace. `public_url`: where the recipient reaches it."""

    secret: bytes
    public_url: str

    def click_url(self, message_id: str, target: str) -> str:
        """The address that notes the click and leads on to the target."""
        return f"{self._base}/c/{self._token(CLICK, message_id, target)}"

    def open_url(self, message_id: str) -> str:
        """The address of the one-pixel image that notes that the message was opened."""
        return f"{self._base}/o/{self._token(OPEN, message_id)}"

    def unsubscribe_url(self, message_id: str, channel: str, address_hash: str) -> str:
        """The address of the page that ends the advertising to this address."""
        return f"{self._base}/u/{self._token(UNSUBSCRIBE, message_id, channel, address_hash)}"

    def preferences_url(self, message_id: str, channel: str, address_hash: str) -> str:
        """The address of the recipient's preference centre."""
        return f"{self._base}/p/{self._token(PREFERENCES, message_id, channel, address_hash)}"

    def form_url(self, name: str, message_id: str) -> str:
        """The recipient's own address of a hosted form."""
        return f"{self._base}/f/{name}?k={self._token(ME, message_id)}"

    def referral_url(self, code: str) -> str:
        """The address that a person sends on to invite others."""
        return f"{self._base}/i/{code}"

    def sealed(self, kind: bytes, *parts: str) -> str:
        """A token of ours that holds these texts, for anybody to read and nobody to change."""
        return self._token(kind, *parts)

    def unsealed(self, kind: bytes, token: str, count: int) -> list[str] | None:
        """The texts of such a token; None for one that we did not make."""
        return self._read(kind, token, count)

    def preferring(self, token: str) -> Leaving | None:
        """Whose preference centre it is; None for a token that we did not make."""
        parts = self._read(PREFERENCES, token, 3)
        return Leaving(*parts) if parts else None

    def opened(self, token: str) -> str | None:
        """The message that was opened; None for a token that we did not make."""
        parts = self._read(OPEN, token, 1)
        return parts[0] if parts else None

    def clicked(self, token: str) -> Clicked | None:
        """The message and target of a click; None for a token that we did not make."""
        parts = self._read(CLICK, token, 2)
        return Clicked(*parts) if parts and is_safe_target(parts[1]) else None

    def leaving(self, token: str) -> Leaving | None:
        """The address that unsubscribes; None for a token that we did not make."""
        parts = self._read(UNSUBSCRIBE, token, 3)
        return Leaving(*parts) if parts else None

    @property
    def _base(self) -> str:
        return self.public_url.rstrip("/")

    def _token(self, kind: bytes, *parts: str) -> str:
        payload = "\0".join(parts).encode()
        return _to_text(self._sign(kind, payload) + payload)

    def _read(self, kind: bytes, token: str, count: int) -> list[str] | None:
        if not 0 < len(token) <= _LONGEST or not token.isascii():
            return None
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        signature, payload = raw[:_SIGNATURE], raw[_SIGNATURE:]
        if not hmac.compare_digest(signature, self._sign(kind, payload)):
            return None
        if _to_text(raw) != token:
            # Another spelling of the same bytes: not the token that we made.
            return None
        parts = payload.decode().split("\0")
        return parts if len(parts) == count else None

    def _sign(self, kind: bytes, payload: bytes) -> bytes:
        return hmac.digest(self.secret, b"link\0" + kind + b"\0" + payload, sha256)[:_SIGNATURE]


class Inert(Links):
    """Links of a message that nobody gets: each leads where the reader would end up, and counts nothing."""

    def __init__(self) -> None:
        super().__init__(b"", "about:blank")

    def click_url(self, _message_id: str, target: str) -> str:
        """The target itself."""
        return target

    def open_url(self, _message_id: str) -> str:
        """No image."""
        return "data:,"

    def unsubscribe_url(self, _message_id: str, _channel: str, _address_hash: str) -> str:
        """A place in the message: nobody is unsubscribed by a preview."""
        return "#unsubscribe"

    def preferences_url(self, _message_id: str, _channel: str, _address_hash: str) -> str:
        """A place in the message."""
        return "#preferences"

    def form_url(self, name: str, _message_id: str) -> str:
        """A place in the message."""
        return f"#form-{name}"

    def referral_url(self, code: str) -> str:
        """A place in the message."""
        return f"#invite-{code}"


def _to_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def is_safe_target(url: str) -> bool:
    """Whether a link may lead there: http or https, a host, printable ASCII or letters, no spaces."""
    if len(url) > 2000 or not url.isprintable() or " " in url or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and port_ok
