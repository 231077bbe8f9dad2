"""A mail that came back → what it says: undeliverable for good or for now, a complaint, a wish to leave. Pure.

Reports of the standards are read first (RFC 3464, RFC 5965), then what mail servers write that know none. What a
mail says is anybody's word: it names a message by an id that only its recipient and our servers have seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message as Mail
from email.utils import getaddresses
from enum import StrEnum

from limner.touches.plain import plain

MOST_BYTES = 2_000_000
"""A longer mail is not read beyond this."""
_TEXT = 200_000
_PARTS = 100


class Kind(StrEnum):
    """What a returned mail says. NOISE: nothing that matters, such as an automatic answer. UNCLEAR: nobody can tell."""

    HARD = "hard"
    SOFT = "soft"
    COMPLAINT = "complaint"
    LEAVES = "leaves"
    NOISE = "noise"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Returned:
    """What one mail says. `message_id`: of the message that it is about, '' when it names none of ours."""

    kind: Kind
    message_id: str = ""
    status: str = ""
    reason: str = ""


_ID = r"[0-9a-z]{16,32}"
_VERP = re.compile(rf"\+({_ID})@", re.IGNORECASE)
_MESSAGE_ID = re.compile(rf"<({_ID})@[^<>\s]+>")
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<![\d.])([45]\d\d)(?=[\s-])")
_GONE_STATUS = re.compile(r"5\.1\.(?:1|2|3|6|10)$|5\.2\.1$|5\.4\.4$")
_GONE_TEXT = re.compile(
    r"user unknown|unknown user|no such (?:user|recipient|mailbox|address|person)"
    r"|(?:user|mailbox|address|account|recipient)"
    r"[^.\n]{0,40}(?:not found|does ?n[o']t exist|not exist|unknown|disabled|deactivated|is inactive)"
    r"|invalid (?:recipient|mailbox)|mailbox unavailable|does not have an? [^.\n]{0,30}account|unrouteable address"
    r"|(?:用户|帐号|账号|帐户|账户|收件人|邮箱|地址)[^。\n]{0,10}(?:不存在|已停用|被停用|已注销|被禁用|未找到)|无此用户|不存在的(?:用户|帐号|账号|邮箱)",
    re.IGNORECASE,
)
_SOFT_TEXT = re.compile(
    r"quota|mailbox (?:is )?full|over ?quota|temporar|try again|greylist|too many|rate limit|timed? ?out|spam|blocked"
    r"|blacklist"
    r"|content rejected|policy|邮箱(?:空间)?已?满|容量不足|空间不足|稍后|频率|过于频繁|垃圾邮件|被拦截|拒收|超时",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[^\s<>@:;,()\"']+@[^\s<>@:;,()\"']+")
"""An address of a person: it is not repeated where the reason is shown."""
_BOUNCES = re.compile(
    r"undeliver|delivery (?:status|failure|has failed|incomplete|problem)|returned (?:mail|to sender)|failure notice"
    r"|could ?n[o']t be delivered|mail delivery failed|退信|投递失败|无法投递|未能送达|发送失败|系统退回",
    re.IGNORECASE,
)
_DAEMONS = re.compile(r"^(?:mailer-daemon|postmaster|mail-?daemon|bounce)", re.IGNORECASE)
_COMPLAINTS = ("abuse", "fraud", "virus")


def read(raw: bytes) -> Returned:
    """What the mail says; never raises, whatever it holds."""
    try:
        mail = message_from_bytes(raw[:MOST_BYTES], policy=policy.compat32)
        return _read(mail)
    except Exception as error:  # a mail of anybody's making must not stop the next one
        return Returned(Kind.UNCLEAR, reason=f"cannot be read: {type(error).__name__}")


def _read(mail: Mail) -> Returned:
    parts = list(_parts(mail))
    message_id = _about(mail, parts)
    for part in parts:
        match part.get_content_type():
            case "message/feedback-report":
                return _complaint(part, message_id)
            case "message/delivery-status":
                return _status(part, message_id, _spoken(mail, parts))
    if _wants_to_leave(mail):
        return Returned(Kind.LEAVES, message_id, reason="a mail with the subject unsubscribe")
    if _is_bounce(mail):
        return _by_words(_spoken(mail, parts), message_id)
    if str(mail.get("Auto-Submitted", "no")).lower() != "no" or mail.get("X-Autoreply"):
        return Returned(Kind.NOISE, message_id, reason="an automatic answer")
    return Returned(Kind.UNCLEAR, message_id, reason="neither a bounce nor a complaint")


def _parts(mail: Mail) -> Iterator[Mail]:
    """The parts of the mail, those within a returned mail last."""
    waiting, count = [mail], 0
    while waiting and count < _PARTS:
        part = waiting.pop(0)
        count += 1
        yield part
        inside = part.get_payload()
        if isinstance(inside, list):
            waiting += [one for one in inside if isinstance(one, Mail)]


def _about(mail: Mail, parts: list[Mail]) -> str:
    """The id of the message: of the address that it came back to, of the returned headers, or of the text."""
    for name in ("To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To"):
        for _, address in getaddresses([_line(value) for value in mail.get_all(name, [])]):
            found = _VERP.search(address)
            if found:
                return found[1].lower()
    for part in parts[1:]:
        found = _MESSAGE_ID.search(_line(part.get("Message-ID", "")))
        if found:
            return found[1]
    for part in parts:
        if part.get_content_type() in (
            "text/rfc822-headers",
            "message/feedback-report",
            "message/delivery-status",
        ):
            found = _MESSAGE_ID.search(_text(part))
            if found:
                return found[1]
    for name in ("In-Reply-To", "References", "X-Failed-Message-ID", "Original-Message-ID"):
        found = _MESSAGE_ID.search(_line(mail.get(name, "")))
        if found:
            return found[1]
    for part in parts:
        if part.get_content_maintype() == "text":
            found = _MESSAGE_ID.search(_text(part)) or _VERP.search(_text(part))
            if found:
                return found[1].lower()
    return ""


def _complaint(part: Mail, message_id: str) -> Returned:
    fields = _fields(_text(part))
    kind = fields.get("feedback-type", "").lower()
    if kind in _COMPLAINTS:
        return Returned(Kind.COMPLAINT, message_id, reason=kind)
    if kind.startswith("opt-out"):
        return Returned(Kind.LEAVES, message_id, reason=kind)
    return Returned(Kind.NOISE if kind else Kind.UNCLEAR, message_id, reason=kind or "a report of no type")


def _status(part: Mail, message_id: str, spoken: str) -> Returned:
    """The verdict of a delivery report; of several recipients the first that failed counts."""
    groups = [_fields(group) for group in re.split(r"\n\s*\n", _text(part).replace("\r\n", "\n"))]
    about = [fields for fields in groups if "action" in fields or "final-recipient" in fields]
    failed = next((fields for fields in about if fields.get("action", "").lower().startswith("fail")), None)
    if failed is None:
        if about and all(fields.get("action") for fields in about):
            return Returned(
                Kind.NOISE, message_id, about[0].get("status", ""), f"action {about[0]['action']}"[:200]
            )
        return Returned(Kind.UNCLEAR, message_id, reason="a delivery report that names no action")
    diagnostic = failed.get("diagnostic-code", "")
    said = _STATUS.search(failed.get("status", ""))
    inner = _STATUS.search(diagnostic)
    # A server that only forwards says 5.0.0; what the last server said is in its words.
    status = inner[0] if inner and (said is None or said[0].endswith(".0.0")) else said[0] if said else ""
    return _verdict(status, diagnostic or spoken, message_id)


def _by_words(text: str, message_id: str) -> Returned:
    """The verdict of a bounce that follows no standard."""
    status = _STATUS.search(text)
    code = _CODE.search(text)
    return _verdict(status[0] if status else f"{code[1][0]}.0.0" if code else "", text, message_id)


def _verdict(status: str, text: str, message_id: str) -> Returned:
    reason = _ADDRESS.sub("…", " ".join(f"{status} {_excerpt(text)}".split()))[:300]
    if _GONE_STATUS.fullmatch(status):
        return Returned(Kind.HARD, message_id, status, reason)
    if status.startswith("4"):
        return Returned(Kind.SOFT, message_id, status, reason)
    vague = status in ("", "5.0.0", "5.5.0", "5.7.1") or status.startswith("5.1.")
    if vague and _GONE_TEXT.search(text) and not (status == "5.7.1" and _SOFT_TEXT.search(text)):
        return Returned(Kind.HARD, message_id, status, reason)
    if status.startswith("5") or _SOFT_TEXT.search(text):
        return Returned(Kind.SOFT, message_id, status, reason)
    return Returned(Kind.UNCLEAR, message_id, status, reason or "a bounce that gives no reason")


def _excerpt(text: str) -> str:
    """The words around the reason, for people."""
    found = _GONE_TEXT.search(text) or _SOFT_TEXT.search(text) or _STATUS.search(text) or _CODE.search(text)
    return text[max(0, found.start() - 80) : found.end() + 120] if found else text[:200]


def _wants_to_leave(mail: Mail) -> bool:
    subject = _words(mail.get("Subject", "")).strip().lower()
    return subject in ("unsubscribe", "退订") and not _is_automatic(mail)


def _is_automatic(mail: Mail) -> bool:
    return str(mail.get("Auto-Submitted", "no")).lower() != "no"


def _is_bounce(mail: Mail) -> bool:
    if mail.get("X-Failed-Recipients"):
        return True
    senders = [address for _, address in getaddresses([_line(mail.get("From", ""))])]
    empty = _line(mail.get("Return-Path", "x")).strip() == "<>"
    daemon = empty or any(_DAEMONS.match(address) for address in senders)
    return daemon and bool(
        _BOUNCES.search(_words(mail.get("Subject", "")) or "") or _BOUNCES.search(_first(mail))
    )


def _first(mail: Mail) -> str:
    return next((_text(part)[:5_000] for part in _parts(mail) if part.get_content_maintype() == "text"), "")


def _spoken(_mail: Mail, parts: list[Mail]) -> str:
    """What the server wrote for people: the texts before the returned mail."""
    found = []
    for part in parts:
        kind = part.get_content_type()
        if kind == "text/plain":
            found.append(_text(part))
        elif kind == "text/html":
            found.append(plain(_text(part)))
        if sum(map(len, found)) > _TEXT:
            break
    # A text bounce carries the returned mail below a line; what stands there is our own text.
    text = "\n".join(found)
    return re.split(
        r"\n-{2,}[^\n]{0,60}(?:original|below|copy|原|message)[^\n]*\n", text, flags=re.IGNORECASE
    )[0]


def _fields(text: str) -> dict[str, str]:
    """The fields of a report in lower case; folded lines are joined, of several the first counts."""
    found: dict[str, str] = {}
    for line in re.sub(r"\r?\n[ \t]+", " ", text).splitlines():
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip().lower(), value.strip())
    return found


def _text(part: Mail) -> str:
    """What a part says: reports may be kept as parts of their own, texts may be encoded."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return "\n\n".join(
            "\n".join(f"{name}: {_line(value)}" for name, value in inner.items()) + "\n" + _text_of(inner)
            for inner in payload
            if isinstance(inner, Mail)
        )[:_TEXT]
    return _text_of(part)


def _text_of(part: Mail) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    for charset in (str(part.get_content_charset() or "utf-8"), "gb18030"):
        try:
            return content[:_TEXT].decode(charset)
        except (LookupError, UnicodeDecodeError):
            continue
    return content[:_TEXT].decode("utf-8", "replace")


def _line(value: object) -> str:
    return " ".join(str(value).split())


def _words(value: object) -> str:
    """A header as people read it."""
    try:
        return "".join(
            piece.decode(charset or "utf-8", "replace") if isinstance(piece, bytes) else piece
            for piece, charset in decode_header(_line(value))
        )
    except (LookupError, ValueError, HeaderParseError):
        return _line(value)
