"""Mails in the shapes in which mail servers send them back. `{id}`: the message that they are about."""

from __future__ import annotations

import base64

_RETURNED = """From: Shop <shop@shop.example>
To: <ann@example.com>
Subject: =?utf-8?b?5pil6Iy2?=
Message-ID: <{id}@shop.example>
Date: Mon, 02 Mar 2026 10:00:00 +0000

"""


def _dsn(words: str, status: str, *, sender: str = "MAILER-DAEMON@mx.example", to: str = "shop@shop.example",
         charset: str = "utf-8", returned: str = "message/rfc822", subject: str = "Undelivered Mail Returned to Sender",
         encoded: bool = False) -> str:  # fmt: skip
    text = base64.encodebytes(words.encode(charset)).decode() if encoded else words
    way = "base64" if encoded else "8bit"
    return f"""Return-Path: <>
From: <{sender}>
To: {to}
Subject: {subject}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B1"

--B1
Content-Type: text/plain; charset={charset}
Content-Transfer-Encoding: {way}

{text}

--B1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Arrival-Date: Mon, 2 Mar 2026 10:00:01 +0000

{status}

--B1
Content-Type: {returned}

{_RETURNED}
--B1--
"""


def _group(action: str, status: str, diagnostic: str) -> str:
    lines = ["Final-Recipient: rfc822; ann@example.com", f"Action: {action}", f"Status: {status}"]
    return "\n".join([*lines, f"Diagnostic-Code: {diagnostic}"] if diagnostic else lines)


def _plain(sender: str, subject: str, body: str, *, extra: str = "", charset: str = "utf-8") -> str:
    return (
        f"Return-Path: <>\nFrom: {sender}\nTo: shop@shop.example\nSubject: {subject}\n{extra}"
        f"MIME-Version: 1.0\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n{body}\n"
    )


def _arf(kind: str) -> str:
    return f"""From: <feedback@isp.example>
To: bounce@shop.example
Subject: FW: Spring
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="A1"

--A1
Content-Type: text/plain

This is an email abuse report for a message received from 192.0.2.1.

--A1
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <shop@shop.example>

--A1
Content-Type: message/rfc822

{_RETURNED}
--A1--
"""


MAILS: dict[str, tuple[str, str]] = {
    "Postfix, unknown mailbox": ("hard", _dsn(
        "This is the mail system at host mx.example.\n\n<ann@example.com>: host mx.example.com said: 550 5.1.1 unknown",
        _group("failed", "5.1.1", "smtp; 550 5.1.1 <ann@example.com>: Recipient address rejected: User unknown"))),
    "Postfix, domain gone": ("hard", _dsn(
        "<ann@example.com>: Host or domain name not found.", _group("failed", "5.4.4", "X-Postfix; Host not found"))),
    "Exchange, generic status": ("hard", _dsn(
        "Delivery has failed to these recipients or groups:", _group(
            "failed", "5.0.0", "smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address"),
        sender="postmaster@outlook.example", subject="Undeliverable: Spring")),
    "full mailbox": ("soft", _dsn(
        "mailbox full", _group("failed", "5.2.2", "smtp; 552 5.2.2 Mailbox full"))),
    "gave up after days": ("soft", _dsn(
        "could not be delivered for 5 days", _group("failed", "4.4.1", "smtp; connect to mx.example.com: timed out"))),
    "held for spam": ("soft", _dsn(
        "blocked", _group("failed", "5.7.1", "smtp; 550 5.7.1 message content rejected, user unknown to us as spam"))),
    "only delayed": ("noise", _dsn(
        "THIS IS A WARNING MESSAGE ONLY.", _group("delayed", "4.4.1", "smtp; timed out"), subject="Delayed Mail")),
    "delivered": ("noise", _dsn("It arrived.", _group("delivered", "2.0.0", ""), subject="Successful Mail Delivery")),
    "headers only": ("hard", _dsn(
        "unknown", _group("failed", "5.1.1", "smtp; 550 5.1.1 unknown"), returned="text/rfc822-headers")),
    "VERP, nothing returned": ("hard", _dsn(
        "unknown", _group("failed", "5.1.1", "smtp; 550 no"), to="bounce+{id}@shop.example").replace(
            "<{id}@shop.example>", "<lost@elsewhere.example>")),
    "NetEase, in GBK": ("hard", _dsn(
        "您的邮件无法投递到以下收件人：\nann@example.com 收件人不存在", _group("failed", "5.0.0", ""),
        sender="Postmaster@163.example", subject="=?gb18030?b?z7XNs83L0MU=?=", charset="gb18030", encoded=True)),
    "Tencent, no report": ("hard", _plain(
        "<PostMaster@qq.example>", "=?utf-8?b?5oqV6YCS5aSx6LSl?=",
        "很抱歉，您发送的邮件被退回。\n收件人：ann@example.com\n"
        "原因：550 该邮箱帐号不存在\n邮件编号 <{id}@shop.example>")),
    "Chinese, full": ("soft", _plain(
        "<postmaster@mail.example>", "系统退信", "邮件未能送达：552 收件人邮箱空间已满。<{id}@shop.example>")),
    "qmail": ("hard", _plain(
        "MAILER-DAEMON@qmail.example", "failure notice",
        "Hi. This is the qmail-send program at qmail.example.\nI'm afraid I wasn't able to deliver your message.\n\n"
        "<ann@example.com>:\nSorry, no mailbox here by that name. 550 5.1.1 No such user (#5.1.1)\n\n"
        "--- Below this line is a copy of the message.\n\nMessage-ID: <{id}@shop.example>\n")),
    "Exim": ("hard", _plain(
        "Mail Delivery System <Mailer-Daemon@exim.example>", "Mail delivery failed: returning message to sender",
        "A message that you sent could not be delivered:\n\n  ann@example.com\n    Unrouteable address\n\n"
        "------ This is a copy of your message ------\nMessage-ID: <{id}@shop.example>\n",
        extra="X-Failed-Recipients: ann@example.com\n")),
    "complaint": ("complaint", _arf("abuse")),
    "complaint, not spam": ("noise", _arf("not-spam")),
    "opt-out": ("leaves", _arf("opt-out-list")),
    "wants to leave": ("leaves", _plain("Ann <ann@example.com>", "Unsubscribe", "").replace(
        "To: shop@", "To: bounce+{id}@")),
    "out of office": ("noise", _plain("Ann <ann@example.com>", "Out of office", "Back on Monday",
        extra="Auto-Submitted: auto-replied\nIn-Reply-To: <{id}@shop.example>\n")),
    "a person writes": ("unclear", _plain("Ann <ann@example.com>", "Re: Spring", "Where is my parcel? 5 4 3",
        extra="In-Reply-To: <{id}@shop.example>\n")),
    "a bounce without a reason": ("unclear", _plain("MAILER-DAEMON@x.example", "failure notice", "Sorry. <{id}@a.b>")),
    "a report of nothing": ("unclear", _dsn("?", "Nothing: here")),
}  # fmt: skip
"""What each is, and its text."""


def mail(name: str, message_id: str) -> bytes:
    """The mail as it comes over the wire."""
    return MAILS[name][1].replace("{id}", message_id).replace("\n", "\r\n").encode()
