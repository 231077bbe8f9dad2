"""Verbs of mails that come back: bounces, complaints, wishes to leave, and what nobody can read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from limner.channels.mailbox import Mailbox
from limner.config import secret as secret_of
from limner.errors import ConfigError, InputError, NotFoundError, UsageError
from limner.feedback import returns
from limner.feedback.returned import MOST_BYTES, Kind
from limner.types import Json
from limner.workspace import reaching
from limner.workspace.workspace import Workspace

KINDS = (*(kind.value for kind in Kind), returns.UNKNOWN)


def take(workspace: Workspace, raw: bytes) -> returns.Taken:
    """What one mail was found to be; all that it changes is durable when this returns, also its event."""
    found = returns.take(
        workspace.records, raw, soft_in_a_row=workspace.config.email.soft_bounces, now=workspace.clock()
    )
    if found.call is not None:
        reaching.keep_calls(workspace, [found.call])
    return found


def mailbox_of(workspace: Workspace) -> Mailbox | None:
    """The mailbox that the settings name; None when they name none. Raises ConfigError."""
    said = workspace.config.mailbox
    if not said.host:
        return None
    if said.protocol not in ("imap", "pop3"):
        raise ConfigError(f"mailbox.protocol is imap or pop3, not '{said.protocol}'")
    if said.tls not in ("tls", "starttls", "none"):
        raise ConfigError(f"mailbox.tls is tls, starttls or none, not '{said.tls}'")
    return Mailbox(
        host=said.host,
        port=said.port,
        username=said.username,
        password=secret_of(said.password_env) if said.password_env else "",
        protocol=said.protocol,
        tls=said.tls,
        folder=said.folder,
    )


def mail_read(workspace: Workspace) -> Json:
    """Reads the mailbox now: how many mails of each kind were in it. Raises ConfigError and Unavailable."""
    box = mailbox_of(workspace)
    if box is None:
        raise ConfigError("mailbox.host is not set", hint='[mailbox] host = "imap.example"')
    found: Counter[str] = Counter()

    def one(raw: bytes) -> None:
        found[take(workspace, raw).kind] += 1

    try:
        n = box.read(one)
    finally:
        _tell(workspace, found)
    return {"read": n, "kinds": dict(found)}


def _tell(workspace: Workspace, found: Counter[str]) -> None:
    """Somebody must look at what nobody could read."""
    unclear = sum(found[kind] for kind in returns.KEPT_KINDS)
    if unclear:
        workspace.runs.alert("mails came back that nobody can read", {"mails": unclear})


def mail_take(workspace: Workspace, files: list[str]) -> Json:
    """Takes mails out of files, each one mail as it came (.eml): what each was found to be."""
    rows = []
    for name in files:
        try:
            with Path(name).open("rb") as file:
                raw = file.read(MOST_BYTES)
        except OSError as error:
            raise InputError(f"{name} cannot be read: {error.strerror}") from error
        found = take(workspace, raw)
        rows.append(
            {"file": name, "kind": found.kind, "message_id": found.message_id, "reason": found.reason}
        )
    return {"mails": rows}


def mail_list(workspace: Workspace, kind: str = "", limit: int = 200) -> Json:
    """The mails that came back, the latest first; `unclear` and `unknown` ones are kept whole for 30 days."""
    if kind and kind not in KINDS:
        raise UsageError(f"unknown kind '{kind}'", where="kind", hint=", ".join(KINDS))
    since = workspace.clock() - returns.KEPT
    return {
        "mails": returns.listed(workspace.records, kinds=(kind,) if kind else (), limit=limit),
        "counts": dict(returns.counted(workspace.records, since=since)),
        "since": since.isoformat(),
    }


def mail_show(workspace: Workspace, id: str) -> Json:
    """A mail that was kept whole, as text."""
    raw = returns.whole(workspace.records, id)
    if raw is None:
        raise NotFoundError("this mail is not kept", hint="limner mail list")
    return {"id": id, "text": raw.decode("utf-8", "replace")}
