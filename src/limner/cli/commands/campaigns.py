"""Commands about campaigns and consents."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import show
from limner.cli.ask import AsJson, Workspace, ask, noun, out
from limner.types import Json

campaign = noun("Messages with a holdout.")
consent = noun("Who agreed to what.")


@campaign.command("list")
def campaign_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """All campaigns and how their last sending stands."""
    columns = ("name", "title", "audience", "channel", "status", "sent")
    ask(
        "campaign list",
        {"limit": 200},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Campaigns",
            columns,
            (
                [show.titled(row["titles"], row["name"]) if c == "title" else row[c] for c in columns]
                for row in answer["campaigns"]
            ),
        ),
    )


def _campaign_sent(name: str, answer: Json) -> None:
    show.pairs(name, {key: value for key, value in answer.items() if key != "approval"})
    if answer.get("approval") == "owner":
        out.print("sent without a second person's approval: this is the command line of the machine's owner")


@campaign.command("send")
def campaign_send(
    name: str,
    dry_run: bool = typer.Option(
        False, "--dry-run", help="Who would get it, who not and why; nothing is sent."
    ),
    entry: str = typer.Option(
        "", help="A name for this sending; the same entry never reaches anybody twice."
    ),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Send to the audience except the holdout; consent, caps and quiet hours are checked at the moment of sending."""
    ask(
        "campaign send",
        {"name": name, "dry_run": dry_run, "entry": entry},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: _campaign_sent(name, answer),
    )


@campaign.command("stop")
def campaign_stop(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """No further message leaves, within a second."""
    ask(
        "campaign stop",
        {"name": name},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.pairs(name, answer),
    )


@campaign.command("test")
def campaign_test(
    name: str,
    to: str = typer.Option(..., help="Your own address."),
    person_id: str = typer.Option(..., "--as", metavar="ID", help="Whose data fills the message."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Send it to yourself as one person would get it; it is not counted."""
    ask(
        "campaign test",
        {"name": name, "to": to, "person": person_id},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.pairs(name, answer),
    )


@campaign.command("report")
def campaign_report(
    name: str,
    entry: str = typer.Option("", help="Which sending; default: the last."),
    as_of: str = typer.Option("", "--as-of"),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What it truly changed: incremental buyers and money against the holdout, then the rates."""
    ask(
        "campaign report",
        {"name": name, "entry": entry, "as_of": as_of},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(f"{name} {answer['entry']}", ("", ""), show.effect(answer)),
    )


@consent.command("import")
def consent_import(file: Path, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """A CSV with user_id (or id as kind:value), channel, address, state, at, source: each row is proof."""
    ask(
        "consent import",
        {"file": str(file.absolute())},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.pairs(str(file), answer),
    )
