"""Verbs of content and channels: the texts of messages, and the ways by which they leave."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path

from limner.accounts.keys import instant
from limner.campaigns.journey import Send, sends_of
from limner.campaigns.model import Campaign, files_of
from limner.channels import mail_dns
from limner.channels.kinds import KINDS
from limner.errors import ChannelError, ConfigError, LimnerError, NotFoundError, did_you_mean
from limner.touches import entries, letter
from limner.types import Json
from limner.workspace import definitions
from limner.workspace.files import TEMPLATE
from limner.workspace.sending import signer_of
from limner.workspace.workspace import Workspace

TEXTS = {".html": "html", ".mjml": "mjml", ".txt": "text"}


def template_list(workspace: Workspace) -> Json:
    """The files of templates/: kind, size, when they were changed, and what uses them."""
    used: dict[str, list[Json]] = {}

    def note(kind: str, name: str, files: set[str]) -> None:
        for file in files - {""}:
            used.setdefault(file, []).append({"kind": kind, "name": name})

    for name, (item, _problem) in definitions.campaign_files(workspace).items():
        if item is not None:
            note("campaign", name, _files(item))
    for name, (journey, _problem) in definitions.journey_files(workspace).items():
        if journey is not None:
            note("journey", name, set().union(*(_files(send) for send in sends_of(journey))))
    folder = workspace.paths.folder / "templates"
    listed = []
    for path in sorted(folder.glob("*")) if folder.is_dir() else []:
        if not TEMPLATE.fullmatch(path.name) or not path.is_file():
            continue
        about = path.stat()
        listed.append(
            {
                "name": path.name,
                "kind": TEXTS.get(path.suffix) or _channel(path),
                "bytes": about.st_size,
                "changed_at": instant(int(about.st_mtime * 1_000_000)).isoformat(),
                "used_by": used.get(path.name, []),
            }
        )
    there = {row["name"] for row in listed}
    missing = [{"name": name, "used_by": users} for name, users in sorted(used.items()) if name not in there]
    return {"templates": listed, "missing": missing}


def _files(item: Campaign | Send) -> set[str]:
    """The files that its message and the variants of it are made of."""
    return files_of(item.template, item.templates, item.variants) | {
        one.text for one in (item, *item.variants)
    }


def _channel(path: Path) -> str:
    """The channel that a template of keys is of; `unknown` where it cannot be told."""
    try:
        return letter.channel_of(path.read_text(encoding="utf-8"), file=path.name)
    except (LimnerError, UnicodeDecodeError):
        return "unknown"


def channel_list(workspace: Workspace) -> Json:
    """The channels: configured or what is missing, how fast they send, and what left in the last hour."""
    since = workspace.clock() - timedelta(hours=1)
    lately = entries.lately(workspace.records, since=since)
    listed = []
    for kind in KINDS:
        missing = workspace.sending.missing(kind)
        if kind == "email" and not workspace.public_url:
            missing.append({"key": "public_url", "hint": 'public_url = "https://…" in limner.toml'})
        ended = lately.get(kind, Counter())
        server, secure = workspace.sending.server(kind)
        listed.append(
            {
                "kind": kind,
                "configured": not missing,
                "missing": missing,
                "sender": workspace.sending.sender(kind),
                "server": server,
                "secure": secure,
                "per_second": workspace.sending.rate(kind),
                "last_hour": {
                    "sent": ended.get("sent", 0),
                    "failed": ended.get("failed", 0),
                    "in_doubt": ended.get("in_doubt", 0),
                },
            }
        )
    return {"channels": listed, "since": since.isoformat()}


def channel_dns(workspace: Workspace, offline: bool = False) -> Json:
    """The DNS records of the sender's domain: what they say, and what to publish. `offline`: nobody is asked."""
    mail = workspace.config.email
    sender = parseaddr(mail.sender)[1].rpartition("@")[2]
    if not sender:
        raise ConfigError("email.sender is not set", hint='[email] sender = "Shop <hello@shop.example>"')
    signer = signer_of(workspace.config, workspace.paths.folder)
    found = mail_dns.checks(
        sender=sender,
        returns_to=mail.bounces.rpartition("@")[2] or sender,
        signer=signer,
        resolve=_nobody if offline else workspace.sending.resolve,
    )
    return {
        "sender": sender,
        "zone_line": signer.zone_line if signer else None,
        "checks": [asdict(check) for check in found],
    }


def _nobody(name: str) -> list[str]:
    raise ChannelError(f"{name} was not asked")


def channel_test(workspace: Workspace, kind: str) -> Json:
    """Whether the channel's server lets us in; no message is sent, so it cannot tell whether one would arrive."""
    if kind not in KINDS:
        raise NotFoundError(f"there is no channel '{kind}'", hint=did_you_mean(kind, KINDS))
    try:
        heard = workspace.sending.probe(kind)
    except LimnerError as error:
        return {"kind": kind, "ok": False, "code": error.code, "message": error.message, "hint": error.hint}
    return {"kind": kind, "ok": True, "code": "ok", "message": heard, "hint": None}
