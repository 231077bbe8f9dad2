"""Commands of an operator's desk: addresses that are written to no more, and what people said."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import show
from limner.cli.ask import AsJson, Workspace, ask, noun
from limner.types import Json

suppression = noun("Addresses that are written to no more.")
inbox = noun("What people said: text messages, WeChat texts, mails.")


@suppression.command("list")
def suppression_list(
    q: str = typer.Argument("", help="An address, or a person by id or kind:value; default: all."),
    channel: str = typer.Option("", help="Of one channel."),
    reason: str = typer.Option("", help="unsubscribed, complained, bounced, refused or blocked."),
    limit: int = typer.Option(50, help="How many."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """The addresses that are written to no more, by their keyed hashes, why, and whose they are."""
    columns = ("channel", "reason", "at", "id", "name", "hash")
    ask(
        "suppression list",
        {"q": q, "channel": channel, "reason": reason, "limit": limit},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            f"Written to no more: {answer['total']:,}",
            columns,
            ([row[column] or "" for column in columns] for row in answer["suppressed"]),
        ),
    )


@suppression.command("add")
def suppression_add(
    channel: str,
    address: str,
    why: str = typer.Option(..., help="Why; it stands in the audit."),
    everything: bool = typer.Option(False, "--everything", help="No service messages either."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Write to an address no more."""
    ask(
        "suppression add",
        {
            "channel": channel,
            "address": address,
            "why": why,
            "reason": "blocked" if everything else "unsubscribed",
        },
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.pairs(channel, answer),
    )


@suppression.command("remove")
def suppression_remove(
    channel: str,
    address: str,
    why: str = typer.Option(..., help="Why it may be written to again; it stands in the audit."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Let an address (or its keyed hash) be written to again, as far as its consent goes."""
    ask(
        "suppression remove",
        {"channel": channel, "address": address, "why": why},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.pairs(channel, answer),
    )


@inbox.command("list")
def inbox_list(
    channel: str = typer.Option("", help="sms, wechat or email."),
    everything: bool = typer.Option(False, "--all", help="Also what somebody has dealt with."),
    person: str = typer.Option("", help="Of one person."),
    limit: int = typer.Option(50, help="How many."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What people said, the latest first, and what it did."""

    def did(row: Json) -> str:
        return (
            "unsubscribed" if row["left"] else f"answered: {row['answered']}" if row.get("answered") else ""
        )

    def told(answer: Json) -> None:
        show.table(
            "Said",
            ("at", "channel", "who", "text", "did", "id"),
            (
                [
                    row["at"],
                    row["channel"],
                    row["name"] or row["called"] or "",
                    row["text"],
                    did(row),
                    row["id"],
                ]
                for row in answer["said"]
            ),
        )
        if answer["mails"]:
            show.table(
                "Mails",
                ("at", "from", "subject", "did", "id"),
                ([row["at"], row["sender"], row["subject"], did(row), row["id"]] for row in answer["mails"]),
            )

    ask(
        "inbox list",
        {"channel": channel, "open": not everything, "person": person, "limit": limit},
        workspace=workspace,
        as_json=as_json,
        show=told,
    )


@inbox.command("handle")
def inbox_handle(
    id: str,
    note: str = typer.Option("", help="What is to be remembered of it."),
    again: bool = typer.Option(False, "--again", help="It is not dealt with after all."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Somebody has dealt with what a person said."""
    ask(
        "inbox handle",
        {"id": id, "note": note, "handled": not again},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.pairs(id, answer),
    )
