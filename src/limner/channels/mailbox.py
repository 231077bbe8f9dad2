"""Reads a mailbox over IMAP or POP3: each mail is handed over, and marked as read only after it was taken.

One visit at a time and bounded: at most so many mails, at most so many bytes of each, and a deadline for every answer.
"""

from __future__ import annotations

import imaplib
import poplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from limner.channels.seam import Unavailable

MOST_MAILS = 200
MOST_BYTES = 2_000_000
_LINES = 20_000
"""Lines of a mail that POP3 is asked for: it knows no bytes."""

Take = Callable[[bytes], None]


@dataclass(frozen=True)
class Mailbox:
    """A mailbox at host:port. `protocol`: imap or pop3; `tls`: tls, starttls or none."""

    host: str
    port: int
    username: str
    password: str
    protocol: str = "imap"
    tls: str = "tls"
    folder: str = "INBOX"
    timeout_seconds: float = 20.0

    def read(self, take: Take) -> int:
        """How many mails were taken. Raises Unavailable; what was not taken is there the next time."""
        try:
            return self._imap(take) if self.protocol == "imap" else self._pop3(take)
        except (imaplib.IMAP4.error, poplib.error_proto) as error:
            raise Unavailable(
                f"the mailbox {self.host}:{self.port} refused: {_said(error)}",
                code="channel_down",
                hint="check username, password and folder of [mailbox]",
            ) from error
        except (OSError, EOFError) as error:
            raise Unavailable(
                f"the mailbox {self.host}:{self.port} cannot be read: {_said(error)}"
            ) from error

    def _imap(self, take: Take) -> int:
        context = ssl.create_default_context()
        box: imaplib.IMAP4
        if self.tls == "tls":
            box = imaplib.IMAP4_SSL(self.host, self.port, ssl_context=context, timeout=self.timeout_seconds)
        else:
            box = imaplib.IMAP4(self.host, self.port, timeout=self.timeout_seconds)
        try:
            if self.tls == "starttls":
                box.starttls(context)
            box.login(self.username, self.password)
            quoted = self.folder.replace("\\", "\\\\").replace('"', '\\"')
            status, said = box.select(f'"{quoted}"')
            if status != "OK":
                raise imaplib.IMAP4.error(f"no folder {self.folder}: {said!r}")
            _, found = box.uid("SEARCH", "UNSEEN")
            taken = 0
            for uid in (found[0] or b"").decode().split()[:MOST_MAILS]:
                _, parts = box.uid("FETCH", uid, f"(BODY.PEEK[]<0.{MOST_BYTES}>)")
                raw = next((part[1] for part in parts if isinstance(part, tuple)), None)
                if raw is not None:
                    take(raw)
                    taken += 1
                box.uid("STORE", uid, "+FLAGS.SILENT", "(\\Seen)")
            return taken
        finally:
            with suppress(imaplib.IMAP4.error, OSError):
                box.logout()

    def _pop3(self, take: Take) -> int:
        context = ssl.create_default_context()
        box: poplib.POP3
        if self.tls == "tls":
            box = _Pop3Tls(self.host, self.port, timeout=self.timeout_seconds, context=context)
        else:
            box = _Pop3(self.host, self.port, timeout=self.timeout_seconds)
        taken = 0
        try:
            if self.tls == "starttls":
                box.stls(context)
            box.user(self.username)
            box.pass_(self.password)
            _, listed, _ = box.list()
            for line in listed[:MOST_MAILS]:
                number, size = (int(word) for word in line.split()[:2])
                _, lines, _ = box.retr(number) if size <= MOST_BYTES else box.top(number, _LINES)
                take(b"\r\n".join(lines)[:MOST_BYTES])
                box.dele(number)
                taken += 1
            box.quit()  # only now what was taken is deleted
            return taken
        finally:
            with suppress(poplib.error_proto, OSError):
                box.close()


class _Pop3(poplib.POP3):
    """Closes its connection when no greeting comes: the standard library leaves it open."""

    def _getresp(self) -> bytes:
        try:
            return super()._getresp()  # type: ignore[misc,no-any-return]
        except (OSError, poplib.error_proto):
            self.close()
            raise


class _Pop3Tls(_Pop3, poplib.POP3_SSL):
    """The same, encrypted from the first byte."""


def _said(error: BaseException) -> str:
    said = error.args[0] if error.args else ""
    return (said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) or type(error).__name__
