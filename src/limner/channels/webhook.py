"""Posts one signed JSON message to a URL, as Standard Webhooks asks. Knows no meaning of its body."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

import httpx2

from limner.errors import ChannelError

SECONDS = 10.0


def post(
    url: str, *, kind: str, data: dict[str, Any], message_id: str, at: datetime, secret: bytes = b""
) -> int:
    """The HTTP status of posting `{type, timestamp, data}` to `url`; redirects are not followed.

    Raises ChannelError when the URL cannot be reached or answers 4xx or 5xx.
    """
    body = json.dumps(
        {"type": kind, "timestamp": at.isoformat(), "data": data}, ensure_ascii=False, separators=(",", ":")
    ).encode()
    stamp = str(int(at.timestamp()))
    headers = {"content-type": "application/json", "webhook-id": message_id, "webhook-timestamp": stamp}
    if secret:
        signed = hmac.new(secret, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
        headers["webhook-signature"] = "v1," + base64.b64encode(signed).decode()
    try:
        answer = httpx2.post(url, content=body, headers=headers, timeout=SECONDS, follow_redirects=False)
    except httpx2.HTTPError as error:
        raise ChannelError(f"the webhook cannot be reached: {error}", where=url) from error
    if answer.status_code >= 300:
        raise ChannelError(f"the webhook answered {answer.status_code}", where=url)
    return int(answer.status_code)
