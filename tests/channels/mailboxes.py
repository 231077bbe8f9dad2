"""Two small servers that hold mails in memory: enough IMAP and POP3 to be read by the standard library."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any


class Box:
    """A mailbox on 127.0.0.1. `seen`: the numbers of mails that were marked as read, or deleted."""

    def __init__(
        self, protocol: str, mails: Sequence[bytes], *, word: str = "right", hangs: bool = False
    ) -> None:
        self.mails = list(mails)
        self.seen: set[int] = set()
        self.password = word
        self.hangs = threading.Event()
        if hangs:
            self.hangs.set()
        box = self

        class Talk(socketserver.StreamRequestHandler):
            def say(self, line: str | bytes) -> None:
                self.wfile.write((line.encode() if isinstance(line, str) else line) + b"\r\n")

            def handle(self) -> None:
                if box.hangs.is_set():
                    self.rfile.read()
                    return
                (box.imap if protocol == "imap" else box.pop3)(self)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Box:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def imap(self, talk: Any) -> None:
        talk.say("* OK IMAP4rev1 ready")
        for line in talk.rfile:
            tag, _, command = line.decode().strip().partition(" ")
            word = command.upper()
            if word.startswith("CAPABILITY"):
                talk.say("* CAPABILITY IMAP4rev1")
            elif word.startswith("LOGIN") and self.password not in command:
                talk.say(f"{tag} NO wrong password")
                continue
            elif word.startswith("SELECT"):
                talk.say(f"* {len(self.mails)} EXISTS")
            elif word.startswith("UID SEARCH"):
                unseen = " ".join(str(n + 1) for n in range(len(self.mails)) if n not in self.seen)
                talk.say(f"* SEARCH {unseen}".rstrip())
            elif word.startswith("UID FETCH"):
                uid, most = (int(found) for found in re.findall(r"FETCH (\d+) .*<0\.(\d+)>", word)[0])
                raw = self.mails[uid - 1][:most]
                talk.say(f"* {uid} FETCH (UID {uid} BODY[]<0> {{{len(raw)}}}")
                talk.wfile.write(raw)
                talk.say(")")
            elif word.startswith("UID STORE"):
                self.seen.add(int(word.split()[2]) - 1)
            elif word.startswith("LOGOUT"):
                talk.say("* BYE")
                talk.say(f"{tag} OK")
                return
            talk.say(f"{tag} OK done")

    def pop3(self, talk: Any) -> None:
        talk.say("+OK ready")
        going: set[int] = set()
        for line in talk.rfile:
            word, *rest = line.decode().split()
            left = [n for n in range(len(self.mails)) if n not in self.seen]
            match word.upper():
                case "PASS" if rest != [self.password]:
                    talk.say("-ERR wrong password")
                    continue
                case "LIST":
                    talk.say("+OK")
                    for n in left:
                        talk.say(f"{n + 1} {len(self.mails[n])}")
                    talk.say(".")
                    continue
                case "RETR" | "TOP":
                    talk.say("+OK")
                    for one in self.mails[int(rest[0]) - 1].split(b"\r\n"):
                        talk.say(b"." + one if one.startswith(b".") else one)
                    talk.say(".")
                    continue
                case "DELE":
                    going.add(int(rest[0]) - 1)
                case "QUIT":
                    self.seen |= going
                    talk.say("+OK bye")
                    return
            talk.say("+OK")
