"""A real SMTP server for the demo and for trying failures: keeps and counts what it takes by Message-ID.

It can refuse, defer, close connections, swallow its answer after DATA, ask for a password, or never greet.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(frozen=True)
class Mail:
    """One message that the server took."""

    message_id: str
    sender: str
    to: str
    content: bytes

    @property
    def parsed(self) -> EmailMessage:
        """The message with its headers and parts."""
        return message_from_bytes(self.content, policy=policy.default)

    @property
    def html(self) -> str:
        """The HTML that the recipient sees; '' when there is none."""
        return self._part("html")

    @property
    def text(self) -> str:
        """The text that the recipient sees; '' when there is none."""
        return self._part("plain")

    def _part(self, kind: str) -> str:
        for part in message_from_bytes(self.content).walk():
            if part.get_content_type() == f"text/{kind}":
                content = part.get_payload(decode=True)
                return content.decode(part.get_content_charset("utf-8")) if isinstance(content, bytes) else ""
        return ""


class MailServer:
    """Listens on 127.0.0.1 (`port` 0: any free one). Use as a context manager, or `start` and `stop`.

    The knobs may be turned at any time: `answer_to(address)` gives the reply to RCPT or None for yes;
    `answer_data` the reply to the text; `drop_after_data(n)` takes n messages without answering;
    `close_every(n)` ends each connection after n messages; `tarpit()` never greets, `drip()` greets without an end;
    `drop_at_data(n)` ends the connection when the text is asked for. With `ledger` every
    Message-ID it took is appended to that file before the answer, so that a killed client can be audited.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        on_mail: Callable[[Mail], None] | None = None,
        ledger: Path | None = None,
        password: tuple[str, str] | None = None,
    ) -> None:
        self._taken: list[Mail] = []
        self.counts: Counter[str] = Counter()
        self.answer_to: Callable[[str], str | None] = lambda _address: None
        self.answer_data: Callable[[], str | None] = lambda: None
        self.on_mail = on_mail
        self._dropping = 0
        self._close_every = 0
        self._cutting = 0
        self._tarpit = False
        self._dripping = False
        self._ledger = ledger.open("ab") if ledger else None
        self._password = password
        self._lock = threading.Lock()
        self.dialogues: set[_Dialogue] = set()
        self._controller = _Listening(self, port)

    @property
    def host(self) -> str:
        """Where it listens."""
        return "127.0.0.1"

    @property
    def port(self) -> int:
        """The port that it listens on, once started."""
        return int(self._controller.port)

    def start(self) -> MailServer:
        """Listens from now on."""
        self._controller.start()
        return self

    def stop(self) -> None:
        """Stops listening and ends every connection."""
        self.heal()
        ended = threading.Event()

        def end_all() -> None:
            for dialogue in list(self.dialogues):
                dialogue.end()
            self._controller.loop.call_later(0.01, ended.set)

        self._controller.loop.call_soon_threadsafe(end_all)
        ended.wait(2)
        self._controller.stop(no_assert=True)
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    def __enter__(self) -> MailServer:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def messages(self) -> list[Mail]:
        """What it took so far, the first first."""
        with self._lock:
            return list(self._taken)

    def drop_after_data(self, times: int = 1) -> None:
        """The next `times` messages are taken, but the connection ends instead of an answer."""
        self._dropping = times

    def drop_at_data(self, times: int = 1) -> None:
        """The connection of the next `times` messages ends before their text was taken."""
        self._cutting = times

    def close_every(self, messages: int) -> None:
        """Each connection ends after so many messages; 0: never."""
        self._close_every = messages

    def tarpit(self, on: bool = True) -> None:
        """Connections are taken and never greeted."""
        self._tarpit = on

    def drip(self, on: bool = True) -> None:
        """Connections are greeted one byte at a time, without an end."""
        self._dripping = on

    def heal(self) -> None:
        """It works as it should."""
        self.answer_to = lambda _address: None
        self.answer_data = lambda: None
        self._dropping = self._cutting = self._close_every = 0
        self._tarpit = self._dripping = False

    @property
    def cuts(self) -> bool:
        """Whether the connection of this message ends now."""
        with self._lock:
            cut = self._cutting > 0
            self._cutting -= cut
            return cut

    @property
    def drips(self) -> bool:
        """Whether connections are greeted without an end."""
        return self._dripping

    @property
    def twice(self) -> list[str]:
        """Message-IDs taken more than once."""
        return [message_id for message_id, count in self.counts.items() if count > 1]

    def take(self, envelope: Envelope) -> bool:
        """Keeps the message; the answer is whether the sender shall hear of it."""
        content = envelope.content or b""
        content = content.encode() if isinstance(content, str) else content
        header = message_from_bytes(content[:65_536], policy=policy.compat32)
        message_id = str(header["Message-ID"] or "").strip("<> ")
        mail = Mail(message_id, str(envelope.mail_from), str(envelope.rcpt_tos[0]), content)
        with self._lock:
            self._taken.append(mail)
            self.counts[message_id] += 1
            if self._ledger is not None:
                line = json.dumps({"message_id": message_id, "to": mail.to}) + "\n"
                self._ledger.write(line.encode())
                self._ledger.flush()
                os.fsync(self._ledger.fileno())
            heard = self._dropping <= 0
            self._dropping -= 0 if heard else 1
        if self.on_mail is not None:
            self.on_mail(mail)
        return heard


class _Listening(Controller):
    def __init__(self, mails: MailServer, port: int) -> None:
        self._mails = mails
        settings: dict[str, Any] = {"enable_SMTPUTF8": True, "data_size_limit": 20_000_000}
        if mails._password is not None:
            settings |= {
                "authenticator": _authenticator(*mails._password),
                "auth_required": True,
                "auth_require_tls": False,
            }
        super().__init__(_Handler(mails), hostname="127.0.0.1", port=port, **settings)

    def factory(self) -> SMTP:
        return _Dialogue(self._mails, self.handler, **self.SMTP_kwargs)

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


class _Dialogue(SMTP):
    def __init__(self, mails: MailServer, handler: Any, **settings: Any) -> None:
        self._mails = mails
        self.taken = 0
        with warnings.catch_warnings():
            # It warns of passwords without TLS; this server is reached from its own machine only.
            warnings.simplefilter("ignore")
            super().__init__(handler, **settings)

    async def _handle_client(self) -> None:
        while self._mails._tarpit:
            await asyncio.sleep(0.02)
        if self._mails.drips:
            writer: Any = self._writer
            writer.write(b"220-")
            while self._mails.drips and not writer.is_closing():
                await asyncio.sleep(0.02)
                writer.write(b"x")
            self.end()
            return
        await super()._handle_client()

    def connection_made(self, transport: Any) -> None:
        self._mails.dialogues.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._mails.dialogues.discard(self)
        super().connection_lost(error)

    def end(self) -> None:
        transport: Any = self.transport
        if transport is not None:
            transport.abort()

    def finish(self) -> None:
        """Ends the connection once what was written has gone."""
        if self.transport is not None:
            self.transport.close()


class _Handler:
    def __init__(self, mails: MailServer) -> None:
        self._mails = mails

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        refused = self._mails.answer_to(address)
        if refused:
            return refused
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: _Dialogue, _session: Session, envelope: Envelope) -> str:
        refused = self._mails.answer_data()
        if refused:
            return refused
        if self._mails.cuts:
            server.end()
            return "250 nobody hears this"
        heard = self._mails.take(envelope)
        server.taken += 1
        if not heard:
            server.end()
            return "250 nobody hears this"
        every = self._mails._close_every
        if every and server.taken >= every:
            # After this answer was written.
            asyncio.get_running_loop().call_soon(server.finish)
        return "250 OK"


def _authenticator(username: str, password: str) -> Any:
    def authenticate(
        _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any
    ) -> AuthResult:
        known = LoginPassword(username.encode(), password.encode())
        return AuthResult(success=given == known, handled=False)

    return authenticate
