"""A system that is told by webhooks: it checks signatures, and counts each id once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from limner.demo.platform import Asked, Platform, Reply

SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four").decode()


@dataclass(frozen=True)
class Told:
    """One post that was signed as it must be."""

    id: str
    kind: str
    data: Mapping[str, Any]


class Receiver(Platform[Told]):
    """Takes every post to any path; see `Platform` for its knobs. `counts`: how often each id came."""

    name = "receiver"

    def __init__(self) -> None:
        self.unsigned = 0
        super().__init__()

    def sends(self, asked: Asked) -> bool:
        return asked.method == "POST"

    def answer(self, asked: Asked) -> Reply:
        with self.lock:
            id_, stamp = asked.headers.get("webhook-id", ""), asked.headers.get("webhook-timestamp", "")
            key = base64.b64decode(SECRET.removeprefix("whsec_"))
            signed = hmac.new(key, f"{id_}.{stamp}.".encode() + asked.body, hashlib.sha256).digest()
            if asked.headers.get("webhook-signature") != "v1," + base64.b64encode(signed).decode():
                self.unsigned += 1
                return Reply({}, 401)
            body = json.loads(asked.body)
            return Reply({}, heard=self.take(id_, Told(id_, body["type"], body["data"])))

    def book(self) -> list[Told]:
        """What it was told, each id once."""
        return list({told.id: told for told in self.messages()}.values())
