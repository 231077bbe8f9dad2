"""Posts one signed JSON message to a URL, as Standard Webhooks asks. Knows no meaning of its body.

Whoever may write a URL must not reach this machine or its neighbours by it: a name is looked up, and the connection
goes to the very address that was looked at. Redirects are not followed; time and size of an answer are bounded.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import json
import socket
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from limner.channels.http import Http, Lost, NotSent
from limner.channels.seam import Unavailable
from limner.errors import ChannelError, ConfigError

SECONDS = 10.0
GONE = "webhook_gone"
"""What the error of a URL is called that answers 410: nothing may be posted there any more."""
FORBIDDEN = "webhook_forbidden"
"""What the error of a URL is called that leads where nothing may be posted."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


def post(
    url: str,
    *,
    kind: str,
    data: dict[str, Any],
    message_id: str,
    at: datetime,
    secret: bytes = b"",
    allowed: Sequence[Network] | None = None,
    seconds: float = SECONDS,
) -> int:
    """The HTTP status of posting `{type, timestamp, data}` to `url`; redirects are not followed.

    `allowed`: networks besides the public ones that may be reached; None: any. Raises ChannelError when the URL cannot
    be reached or answers anything but 2xx (`webhook_gone`, `webhook_forbidden`), Unavailable with `until` where the
    answer says when to come again. After an error the same `message_id` is posted again: the receiver counts it once.
    """
    body = json.dumps(
        {"type": kind, "timestamp": at.isoformat(), "data": data}, ensure_ascii=False, separators=(",", ":")
    ).encode()
    stamp = str(int(at.timestamp()))
    headers = {"content-type": "application/json", "webhook-id": message_id, "webhook-timestamp": stamp}
    if secret:
        headers["webhook-signature"] = signature(body, message_id=message_id, stamp=stamp, secret=secret)
    parts = urlsplit(url)
    try:
        there = Http(
            f"{parts.scheme}://{parts.netloc}",
            seconds=seconds,
            address=None if allowed is None else lambda host, port: address(host, port, allowed=allowed),
        )
    except ConfigError as error:
        raise ChannelError(f"this is no URL that can be posted to: {error.message}", where=url) from error
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        answer = there.ask("POST", path, body=body, headers=headers)
    except Forbidden as error:
        raise ChannelError(str(error), code=FORBIDDEN, hint="[webhooks] allowed", where=url) from error
    except (NotSent, Lost) as error:
        raise ChannelError(f"the webhook cannot be reached: {error}", where=url) from error
    finally:
        there.close()
    if answer.status in (429, 503):
        raise Unavailable(
            f"the webhook answered {answer.status}", code="rate_limited", until=answer.retry_after(at)
        )
    if not 200 <= answer.status < 300:
        code = GONE if answer.status == 410 else None
        raise ChannelError(f"the webhook answered {answer.status}", code=code, where=url)
    return answer.status


def signature(body: bytes, *, message_id: str, stamp: str, secret: bytes) -> str:
    """The header `webhook-signature`: v1 and the HMAC-SHA256 of id, timestamp (seconds) and body; base64."""
    signed = hmac.new(secret, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(signed).decode()


def key(text: str) -> bytes:
    """The key that a secret names: `whsec_` and base64, or any text. Raises ConfigError."""
    if not text.startswith("whsec_"):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigError("the secret of webhooks is not whsec_ and base64", code="bad_key") from error


def networks(texts: Sequence[str], *, section: str = "webhooks") -> tuple[Network, ...]:
    """The networks, such as 10.0.0.0/8, and single addresses that may be reached. Raises ConfigError."""
    try:
        return tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError as error:
        raise ConfigError(f"'allowed' of [{section}]: {error}", hint='allowed = ["10.0.0.0/8"]') from error


def may_reach(there: Address, allowed: Sequence[Network]) -> bool:
    """Whether something may be posted to an address: a public one, or one of an allowed network.

    An address that carries another one inside (as IPv6 carries those of IPv4) is judged by both.
    """
    inside = _inside(there)
    if inside is not None:
        return may_reach(inside, allowed)
    if any(there.version == network.version and there in network for network in allowed):
        return True
    return there.is_global and not (there.is_multicast or there.is_reserved or there.is_unspecified)


def address(host: str, port: int, *, allowed: Sequence[Network]) -> str:
    """The address to connect to for a host; of several the first that may be reached. Raises NotSent."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotSent(f"{host} is unknown: {error}") from error
    for *_, there in found:
        one = str(there[0]).partition("%")[0]
        if may_reach(ipaddress.ip_address(one), allowed):
            return one
    raise Forbidden(f"{host} leads to an address that Limner may not reach")


class Forbidden(NotSent):
    """The host leads where nothing may be posted."""


def _inside(there: Address) -> ipaddress.IPv4Address | None:
    """The address of IPv4 that one of IPv6 stands for."""
    if there.version == 4:
        return None
    if there.ipv4_mapped is not None:
        return there.ipv4_mapped
    if there.sixtofour is not None:
        return there.sixtofour
    if there.teredo is not None:
        return there.teredo[1]
    if there in _TRANSLATED:
        return ipaddress.IPv4Address(int(there) & 0xFFFFFFFF)
    return None
