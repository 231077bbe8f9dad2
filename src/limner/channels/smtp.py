"""E-mail over SMTP: one connection used again for many messages. Knows no campaign.

What an answer means depends on how far the dialogue came: until the text of the message is on its way nothing
was handed over; from then on a lost answer leaves the message in doubt.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import policy
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import formataddr, formatdate, parseaddr

from limner.channels.dkim import Signer
from limner.channels.seam import Message, Outcome, Receipt, Unavailable
from limner.types import Clock

_POLICY = policy.compat32.clone(linesep="\r\n")
# Enhanced status codes (RFC 3463) that say the mailbox itself is no more.
_GONE = ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1")


_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN = re.compile(r"[A-Za-z0-9.-]{1,255}")


class Smtp:
    """A relay at host:port. `timeout_seconds` bounds each message as a whole, however the server dawdles.

    `tls`: none, starttls or tls. `message_domain` stands in Message-ID after the @. `signer`: signs what leaves (DKIM).
    `bounces`: the address that mails come back to, `bounce@shop.example`; each message comes back to
    `bounce+ITS-ID@shop.example`. Without it they come back to the sender.
    """

    kind = "email"

    def __init__(
        self,
        *,
        host: str,
        port: int,
        sender: str,
        clock: Clock,
        username: str = "",
        password: str = "",
        tls: str = "none",
        timeout_seconds: float = 30.0,
        message_domain: str = "",
        signer: Signer | None = None,
        bounces: str = "",
    ) -> None:
        self.host = host
        self.port = port
        self.sender = sender
        self._clock = clock
        self._username = username
        self._password = password
        self._tls = tls
        self._timeout = timeout_seconds
        self._domain = message_domain or parseaddr(sender)[1].partition("@")[2] or "limner.invalid"
        self._signer = signer
        self._bounces = bounces
        self._connection: smtplib.SMTP | None = None

    def send(self, message: Message) -> Receipt:
        """What the relay answered. Raises Unavailable when the message was certainly not handed over."""
        try:
            content = self.compose(message)
        except ValueError as error:
            return Receipt(message.message_id, Outcome.FAILED, f"bad address or header: {error}")
        with self._deadline() as expired:
            return self._send(message, content, expired)

    def _send(self, message: Message, content: bytes, expired: threading.Event) -> Receipt:
        reused = self._connection is not None
        handed_over = False
        try:
            connection = self._connection or self._connect()
            try:
                refused = self._envelope(connection, message)
                ended = refused is not None and refused[0] == 421
            except (smtplib.SMTPServerDisconnected, OSError):
                if not reused or expired.is_set():
                    raise
                ended = True
            if ended and reused:
                # A relay may end a connection between messages; nothing of this one was handed over yet.
                self._drop()
                connection = self._connect()
                refused = self._envelope(connection, message)
            if refused is not None:
                return self._refusal(message, *refused)
            handed_over = True
            connection.send(_stuffed(content))
            code, reply = connection.getreply()
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            if handed_over:
                return Receipt(
                    message.message_id,
                    Outcome.IN_DOUBT,
                    f"no answer after the message was sent: {_said(error)}",
                )
            raise self._unavailable(error, timed_out=expired.is_set()) from error
        if 200 <= code < 300:
            return Receipt(message.message_id, Outcome.ACCEPTED, provider_id=_text(reply)[:200])
        return self._refusal(message, code, reply)

    def compose(self, message: Message) -> bytes:
        """The message as MIME: text, or text and HTML as alternatives. Raises ValueError for a bad header.

        Built from the older classes of `email`: the newer ones take ten times as long for each header.
        """
        text = MIMEText(message.text or message.subject or " ", "plain", "utf-8")
        mail: MIMEMultipart | MIMEText = text
        if message.html:
            mail = MIMEMultipart("alternative")
            mail.attach(text)
            mail.attach(MIMEText(message.html, "html", "utf-8"))
        mail["From"] = formataddr(parseaddr(self.sender), "utf-8")
        mail["To"] = _ascii_domain(message.to)
        mail["Subject"] = _subject(message.subject)
        mail["Message-ID"] = f"<{message.message_id}@{self._domain}>"
        mail["Date"] = formatdate(self._clock().timestamp())
        for header, value in message.headers.items():
            if not value.isascii() or not value.isprintable():
                raise ValueError(f"the header {header} holds more than printable ASCII")
            mail[header] = Header(value, maxlinelen=998).encode()
        content = mail.as_bytes(policy=_POLICY)
        return (
            content if self._signer is None else self._signer.sign(content, at=int(self._clock().timestamp()))
        )

    def check(self) -> str:
        """What the relay said after connecting, encrypting and logging in. Raises Unavailable."""
        with self._deadline() as expired:
            try:
                connection = self._connection or self._connect()
                code, reply = connection.noop()
            except (smtplib.SMTPException, OSError) as error:
                self._drop()
                raise self._unavailable(error, timed_out=expired.is_set()) from error
        if code != 250:
            raise Unavailable(f"the mail relay said {code} {_text(reply)}")
        return f"{self.host}:{self.port}: {code} {_text(reply)}"[:200]

    def close(self) -> None:
        """Ends the connection; the next message opens another."""
        if self._connection is not None:
            with self._deadline(), suppress(smtplib.SMTPException, OSError):
                self._connection.quit()
            self._drop()

    def _drop(self) -> None:
        """Lets go of a connection without a word: it may not answer any more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        connection: smtplib.SMTP
        if self._tls == "tls":
            connection = smtplib.SMTP_SSL(timeout=self._timeout, context=context)
        else:
            connection = smtplib.SMTP(timeout=self._timeout)
        self._connection = connection
        # `_host` is what smtplib checks the certificate against; `connect` alone does not set it.
        connection._host = self.host  # type: ignore[attr-defined]
        code, reply = connection.connect(self.host, self.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, reply)
        if self._tls == "starttls":
            connection.starttls(context=context)
        connection.ehlo_or_helo_if_needed()
        if self._username:
            connection.login(self._username, self._password)
        return connection

    def _envelope(self, connection: smtplib.SMTP, message: Message) -> tuple[int, bytes] | None:
        """None when the relay is ready for the text, else the reply that refused."""
        code, reply = connection.mail(
            returning(self._bounces, message.message_id) or parseaddr(self.sender)[1]
        )
        if code == 250:
            code, reply = connection.rcpt(_ascii_domain(message.to))
        if code in (250, 251):
            code, reply = connection.docmd("DATA")
        return None if code == 354 else (code, reply)

    def _refusal(self, message: Message, code: int, reply: bytes) -> Receipt:
        said = f"{code} {_text(reply)}"[:300]
        if code == 421:
            self._drop()
        else:
            try:
                if self._connection is not None:
                    self._connection.rset()
            except (smtplib.SMTPException, OSError):
                self._drop()
        if code >= 500:
            return Receipt(message.message_id, Outcome.FAILED, said, gone=_text(reply).split(" ")[0] in _GONE)
        return Receipt(message.message_id, Outcome.DEFERRED, said)

    def _unavailable(self, error: Exception, *, timed_out: bool) -> Unavailable:
        at = f"{self.host}:{self.port}"
        if isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPNotSupportedError):
            return Unavailable(
                f"the mail relay {at} refused to let us in: {_said(error)}",
                code="channel_down",
                hint="check username and password of [email]",
            )
        if isinstance(error, ssl.SSLCertVerificationError):
            return Unavailable(f"the mail relay {at} shows no valid certificate", code="channel_down")
        if timed_out or isinstance(error, TimeoutError):
            return Unavailable(
                f"the mail relay {at} did not answer within {self._timeout:g} s", code="smtp_timeout"
            )
        return Unavailable(f"the mail relay {at} cannot be used: {_said(error)}")

    @contextmanager
    def _deadline(self) -> Iterator[threading.Event]:
        """Inside the block the connection is cut when the time is over, even when bytes still drip in."""
        expired = threading.Event()

        def cut() -> None:
            expired.set()
            connection = self._connection
            sock = getattr(connection, "sock", None)
            if sock is not None:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(self._timeout, cut)
        timer.daemon = True
        timer.start()
        try:
            yield expired
        finally:
            timer.cancel()


def returning(bounces: str, message_id: str) -> str:
    """The address that one message comes back to; '' where none is set."""
    local, at, domain = bounces.rpartition("@")
    return f"{local}+{message_id}@{domain}" if at else ""


def _stuffed(content: bytes) -> bytes:
    """The text as it goes after DATA: lines that begin with a dot get a second one, then the final dot."""
    lines = content.replace(b"\r\n.", b"\r\n..")
    if lines.startswith(b"."):
        lines = b"." + lines
    return lines + (b"" if lines.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _ascii_domain(address: str) -> str:
    """The address with its domain in ASCII. Raises ValueError when it is none."""
    local, at, domain = address.strip().rpartition("@")
    if not at or not domain or not _LOCAL.fullmatch(local):
        raise ValueError("not an e-mail address")
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError("not an e-mail address") from error
    if not _DOMAIN.fullmatch(ascii_domain):
        raise ValueError("not an e-mail address")
    return f"{local}@{ascii_domain}"


def _subject(text: str) -> str:
    """The subject as one line; what is not ASCII is encoded after RFC 2047."""
    line = " ".join(text.split())
    return Header(line, "us-ascii" if line.isascii() else "utf-8", header_name="Subject").encode()


def _text(reply: bytes) -> str:
    return reply.decode("utf-8", "replace").replace("\n", " ").strip()


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {_text(said) if isinstance(said, bytes) else said}"
    return str(error) or type(error).__name__
