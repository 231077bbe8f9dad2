"""Verbs of content and channels: the texts of messages, and the ways by which they leave."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from limner.accounts.keys import instant
from limner.campaigns.journey import Send, sends_of
from limner.campaigns.model import Campaign
from limner.errors import LimnerError, NotFoundError, did_you_mean
from limner.touches import entries
from limner.types import Json
from limner.workspace import definitions, recipients
from limner.workspace.files import TEMPLATE
from limner.workspace.workspace import Workspace

KINDS = {".html": "html", ".txt": "text", ".yml": "wechat"}


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
                "kind": KINDS[path.suffix],
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
    return {file for one in (item, *item.variants) for file in (one.template, one.text)}


def channel_list(workspace: Workspace) -> Json:
    """The channels: configured or what is missing, how fast they send, and what left in the last hour."""
    config = workspace.config
    since = workspace.clock() - timedelta(hours=1)
    lately = entries.lately(workspace.records, since=since)
    listed = []
    for kind in recipients.ADDRESS:
        missing = workspace.sending.missing(kind)
        if kind == "email" and not workspace.public_url:
            missing.append({"key": "public_url", "hint": 'public_url = "https://…" in limner.toml'})
        ended = lately.get(kind, Counter())
        listed.append(
            {
                "kind": kind,
                "configured": not missing,
                "missing": missing,
                "sender": config.email.sender if kind == "email" else config.wechat.app_id,
                "server": f"{config.email.host}:{config.email.port}"
                if kind == "email"
                else config.wechat.api,
                "secure": config.email.tls
                if kind == "email"
                else "https"
                if config.wechat.api.startswith("https")
                else "none",
                "per_second": workspace.sending.rate(kind),
                "last_hour": {
                    "sent": ended.get("sent", 0),
                    "failed": ended.get("failed", 0),
                    "in_doubt": ended.get("in_doubt", 0),
                },
            }
        )
    return {"channels": listed, "since": since.isoformat()}


def channel_test(workspace: Workspace, kind: str) -> Json:
    """Whether the channel's server lets us in; no message is sent, so it cannot tell whether one would arrive."""
    if kind not in recipients.ADDRESS:
        raise NotFoundError(f"there is no channel '{kind}'", hint=did_you_mean(kind, recipients.ADDRESS))
    try:
        heard = workspace.sending.probe(kind)
    except LimnerError as error:
        return {"kind": kind, "ok": False, "code": error.code, "message": error.message, "hint": error.hint}
    return {"kind": kind, "ok": True, "code": "ok", "message": heard, "hint": None}
