"""Text messages over Aliyun's SMS API, SendSms of 2017-05-25. Knows no campaign.

The platform says `Code` OK or what is wrong; it does not know a message id a second time, so a lost answer leaves the
message in doubt and nothing is asked again. Its receipts tell `OutId`, which is our message id.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from urllib.parse import quote

from limner.channels import http
from limner.channels.beijing import midnight
from limner.channels.http import Http, Lost
from limner.channels.kinds import phone
from limner.channels.seam import Message, Outcome, Receipt, Unavailable
from limner.types import Clock, Json

VERSION = "2017-05-25"
_PHONE = re.compile(r"\+?\d{5,20}")
# What the platform says of one recipient or text: code → reason.
_RECIPIENT: dict[str, str] = {
    "isv.MOBILE_NUMBER_ILLEGAL": "invalid phone number",
    "isv.BLACK_KEY_CONTROL_LIMIT": "a value holds a forbidden word",
    "isv.TEMPLATE_MISSING_PARAMETERS": "a parameter of the template is missing",
    "isv.TEMPLATE_PARAMS_ILLEGAL": "a value does not fit the template",
    "isv.INVALID_JSON_PARAM": "the parameters are no JSON object of texts",
    "isv.INVALID_PARAMETERS": "invalid parameters",
    "isv.PARAM_LENGTH_LIMIT": "a value is too long",
    "isv.PARAM_NOT_SUPPORT_URL": "a value holds a link",
}
# So many a minute, an hour and a day to one number: later it may go.
_OFTEN = "isv.BUSINESS_LIMIT_CONTROL"
_BUSY = ("isp.SYSTEM_ERROR", "isp.GATEWAY_ERROR", "isv.SYSTEM_ERROR", "InternalError", "ServiceUnavailable")
_TODAY = ("isv.DAY_LIMIT_CONTROL",)
_RATE = ("Throttling", "Throttling.User", "Throttling.Api")
# What only a person can mend.
_SET_UP: dict[str, str] = {
    "isv.AMOUNT_NOT_ENOUGH": "the account has no money left",
    "isv.OUT_OF_SERVICE": "the account is suspended",
    "isv.PRODUCT_UN_SUBSCRIPT": "the account has not ordered the service",
    "isv.PRODUCT_UNSUBSCRIBE": "the account has not ordered the service",
    "isv.ACCOUNT_NOT_EXISTS": "there is no such account",
    "isv.ACCOUNT_ABNORMAL": "something is wrong with the account",
    "isv.SMS_TEMPLATE_ILLEGAL": "the template is not approved",
    "isv.SMS_SIGNATURE_ILLEGAL": "the signature is not approved",
    "isv.MONTH_LIMIT_CONTROL": "the account's own limit of this month is reached",
    "isp.RAM_PERMISSION_DENY": "the key may not send",
    "Forbidden.RAM": "the key may not send",
    "InvalidAccessKeyId.NotFound": "there is no such key",
    "InvalidAccessKeyId.Inactive": "the key is switched off",
    "SignatureDoesNotMatch": "the secret is wrong",
    "InvalidTimeStamp.Expired": "this machine's clock is wrong",
    "IncompleteSignature": "the secret is wrong",
}


class Sms:
    """One account. `timeout_seconds` bounds each request; `nonce`: a text that is used once."""

    kind = "sms"

    def __init__(
        self,
        *,
        api: str,
        access_key: str,
        secret: str,
        clock: Clock,
        timeout_seconds: float = 10.0,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._access_key = access_key
        self._secret = secret
        self._clock = clock
        self._nonce = nonce
        self._http = Http(api, seconds=timeout_seconds)

    def send(self, message: Message) -> Receipt:
        """What the platform answered. Raises Unavailable when the message was certainly not handed over."""
        number = phone(message.to)
        if not _PHONE.fullmatch(number):
            return Receipt(message.message_id, Outcome.FAILED, "bad address: not a phone number")
        body = {
            "PhoneNumbers": number.removeprefix("+"),
            "SignName": message.sign,
            "TemplateCode": message.template_id,
            "TemplateParam": json.dumps(dict(message.data), ensure_ascii=False),
            "OutId": message.message_id,
        }
        answer, doubt = http.answered(lambda: self._ask("SendSms", body), name="the SMS platform", tries=1)
        if answer is None:
            return Receipt(message.message_id, Outcome.IN_DOUBT, doubt)
        code, said = str(answer.get("Code", "")), str(answer.get("Message", ""))[:200]
        if code == "OK":
            return Receipt(message.message_id, Outcome.ACCEPTED, provider_id=str(answer.get("BizId", "")))
        return self._refusal(message, code, said)

    def check(self) -> str:
        """That the platform knows the key: a question about a number that nothing was sent to. Raises Unavailable."""
        try:
            answer = self._ask(
                "QuerySendDetails",
                {
                    "PhoneNumber": "13000000000",
                    "SendDate": self._clock().astimezone(UTC).strftime("%Y%m%d"),
                    "PageSize": "1",
                    "CurrentPage": "1",
                },
            )
        except (http.NotSent, Lost) as error:
            raise Unavailable(f"the SMS platform cannot be reached: {error}") from error
        code = str(answer.get("Code", ""))
        if code in _SET_UP:
            raise self._down(code, str(answer.get("Message", ""))[:200])
        return f"{self._http.base}: {code or 'answered'}"

    def close(self) -> None:
        """Lets go of connections; the next message opens another."""
        self._http.close()

    def _refusal(self, message: Message, code: str, said: str) -> Receipt:
        if code in _TODAY or code in _RATE:
            raise Unavailable(
                f"the SMS platform takes no more now: {code} {said}",
                code="rate_limited",
                until=midnight(self._clock()) if code in _TODAY else None,
            )
        if code in _SET_UP:
            raise self._down(code, said)
        if code == _OFTEN or code in _BUSY:
            return Receipt(message.message_id, Outcome.DEFERRED, f"{code} {said}")
        return Receipt(message.message_id, Outcome.FAILED, f"{code} {_RECIPIENT.get(code, said)}")

    def _down(self, code: str, said: str) -> Unavailable:
        return Unavailable(
            f"the SMS platform refused: {code} {_SET_UP.get(code, said)}",
            code="channel_down",
            hint="check access_key and secret of [sms], the account, and the template's signature and code",
        )

    def _ask(self, action: str, values: Mapping[str, str]) -> Json:
        """The JSON object of the answer, whatever its status says. Raises NotSent, Lost and Unavailable."""
        given = {
            **values,
            "Action": action,
            "Version": VERSION,
            "RegionId": "cn-hangzhou",
            "Format": "JSON",
            "AccessKeyId": self._access_key,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureVersion": "1.0",
            "SignatureNonce": self._nonce(),
            "Timestamp": self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        given["Signature"] = signature(given, method="POST", secret=self._secret)
        answer = self._http.ask(
            "POST",
            "/",
            body=_joined(given).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        later = http.later(answer, name="the SMS platform", now=self._clock())
        if later is not None:
            raise later
        try:
            found = answer.json()
        except ValueError as error:
            raise Lost(f"HTTP {answer.status}: {error}") from error
        if answer.status >= 500 or not found.get("Code"):
            raise Lost(f"HTTP {answer.status}")
        return found


def signature(values: Mapping[str, str], *, method: str, secret: str) -> str:
    """The signature of a call: HMAC-SHA1 over the method and its sorted, twice percent-encoded parameters; base64."""
    text = f"{method}&{_encoded('/')}&{_encoded(_joined(values))}"
    signed = hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(signed).decode()


def _joined(values: Mapping[str, str]) -> str:
    return "&".join(f"{_encoded(key)}={_encoded(values[key])}" for key in sorted(values))


def _encoded(text: str) -> str:
    """RFC 3986: everything but letters, digits and -_.~ as %XX."""
    return quote(text, safe="-_.~")


# How long a text is


_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWICE = frozenset("^{}\\[~]|€\f")
"""Characters of GSM 03.38 that take two places."""


@dataclass(frozen=True)
class Length:
    """How long a text message is: `units` of its alphabet (gsm7 or ucs2), and the segments that are paid for."""

    alphabet: str
    units: int
    segments: int


def length(text: str) -> Length:
    """The length of a whole text, its signature in 【】 included.

    One segment holds 160 characters of GSM 03.38 or 70 UTF-16 units; each of several holds 153 or 67.
    """
    if all(letter in _GSM or letter in _GSM_TWICE for letter in text):
        units = sum(2 if letter in _GSM_TWICE else 1 for letter in text)
        return Length("gsm7", units, _segments(units, 160, 153))
    units = len(text.encode("utf-16-be", "surrogatepass")) // 2
    return Length("ucs2", units, _segments(units, 70, 67))


def _segments(units: int, alone: int, of_several: int) -> int:
    return 1 if units <= alone else -(-units // of_several)
