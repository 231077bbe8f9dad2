"""A local SMS platform: SendSms of Aliyun as its documents say, with signatures, limits and receipts.

A wrong key or signature is HTTP 4xx with the platform's code, everything about the message HTTP 200 with `Code`. The
same OutId is sent again when it is asked for again: the real one does so, too.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote

from limner.demo.platform import Asked, Platform, Reply

# Known to everybody: this platform is a toy that listens on its own machine only.
ACCESS_KEY, SECRET = "demo-key", "demo-secret"


@dataclass(frozen=True)
class Short:
    """One text message that the platform took."""

    biz_id: str
    out_id: str
    to: str
    sign: str
    template: str
    values: dict[str, str]


class SmsServer(Platform[Short]):
    """One account of the platform; see `Platform` for how it is used.

    Knobs besides: `invalid`: numbers that are none; `templates` and `signs` that are approved (None: any); `a_day`
    messages to one number; `money`: messages that are paid for; `fail_next(code, times)` answers a code.
    """

    name = "sms"

    def __init__(self, *, port: int = 0, access_key: str = ACCESS_KEY, secret: str = SECRET) -> None:
        self.access_key = access_key
        self.secret = secret
        self.invalid: set[str] = set()
        self.templates: set[str] | None = None
        self.signs: set[str] | None = None
        self.a_day = 1_000
        self.money = 1_000_000
        self._today: Counter[str] = Counter()
        self._nonces: set[str] = set()
        self._codes: list[str] = []
        super().__init__(port=port)

    def fail_next(self, code: str, times: int = 1) -> None:
        """The next `times` messages are answered with this code."""
        with self.lock:
            self._codes.extend([code] * times)

    def heal(self) -> None:
        """It works as it should."""
        super().heal()
        with self.lock:
            self._codes.clear()

    def sends(self, asked: Asked) -> bool:
        """Whether the request sends a message."""
        return _values(asked).get("Action") == "SendSms"

    def answer(self, asked: Asked) -> Reply:
        """What the platform says."""
        values = _values(asked)
        with self.lock:
            if values.get("AccessKeyId") != self.access_key:
                return _said("InvalidAccessKeyId.NotFound", status=404)
            if values.pop("Signature", "") != _signature(asked.method, values, self.secret):
                return _said("SignatureDoesNotMatch", status=400)
            if values.get("SignatureNonce", "") in self._nonces:
                return _said("SignatureNonceUsed", status=400)
            self._nonces.add(values.get("SignatureNonce", ""))
            if values.get("Action") == "QuerySendDetails":
                return Reply({"Code": "OK", "Message": "OK", "TotalCount": 0, "SmsSendDetailDTOs": {}})
            if values.get("Action") != "SendSms" or values.get("Version") != "2017-05-25":
                return _said("InvalidAction.NotFound", status=404)
            if self._codes:
                return _said(self._codes.pop(0))
            return self._sent(values)

    def _sent(self, values: Mapping[str, str]) -> Reply:
        to, sign, template = (
            values.get("PhoneNumbers", ""),
            values.get("SignName", ""),
            values.get("TemplateCode", ""),
        )
        if not to.isdigit() or len(to) < 5 or to in self.invalid:
            return _said("isv.MOBILE_NUMBER_ILLEGAL")
        if not sign or (self.signs is not None and sign not in self.signs):
            return _said("isv.SMS_SIGNATURE_ILLEGAL")
        if not template or (self.templates is not None and template not in self.templates):
            return _said("isv.SMS_TEMPLATE_ILLEGAL")
        try:
            given = json.loads(values.get("TemplateParam") or "{}")
        except ValueError:
            given = None
        if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
            return _said("isv.INVALID_JSON_PARAM")
        if self.money < 1:
            return _said("isv.AMOUNT_NOT_ENOUGH")
        if self._today[to] >= self.a_day:
            return _said("isv.BUSINESS_LIMIT_CONTROL")
        self._today[to] += 1
        self.money -= 1
        taken = Short(f"{len(self._taken) + 1}^0", values.get("OutId", ""), to, sign, template, given)
        return Reply(
            {"Code": "OK", "Message": "OK", "BizId": taken.biz_id, "RequestId": f"R{len(self._taken) + 1}"},
            heard=self.take(taken.out_id, taken),
        )

    @staticmethod
    def report(taken: Short, *, delivered: bool = True, code: str = "") -> dict[str, Any]:
        """What the platform posts about a message once it was delivered, or was not (in an array)."""
        return {
            "phone_number": taken.to,
            "send_time": "2026-03-02 18:00:00",
            "report_time": "2026-03-02 18:00:05",
            "success": delivered,
            "err_code": code or ("DELIVERED" if delivered else "MOBILE_NOT_ON_SERVICE"),
            "err_msg": "" if delivered else "the number is out of service",
            "sms_size": "1",
            "biz_id": taken.biz_id,
            "out_id": taken.out_id,
        }

    @staticmethod
    def reply(number: str, content: str, *, sequence: int = 1) -> dict[str, Any]:
        """What the platform posts about a text that somebody sent back (in an array)."""
        return {
            "phone_number": number,
            "content": content,
            "send_time": "2026-03-02 18:10:00",
            "sign_name": "示例商店",
            "dest_code": "1234",
            "sequence_id": sequence,
        }


def _values(asked: Asked) -> dict[str, str]:
    if asked.method == "GET":
        return dict(asked.query)
    return dict(parse_qsl(asked.body.decode("utf-8", "replace"), keep_blank_values=True))


def _said(code: str, *, status: int = 200) -> Reply:
    return Reply({"Code": code, "Message": "as the platform says", "RequestId": "R0"}, status)


def _signature(method: str, values: Mapping[str, str], secret: str) -> str:
    line = "&".join(
        f"{quote(key, safe='-_.~')}={quote(value, safe='-_.~')}" for key, value in sorted(values.items())
    )
    text = "&".join((method, "%2F", quote(line, safe="-_.~")))
    return base64.b64encode(hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()).decode()
