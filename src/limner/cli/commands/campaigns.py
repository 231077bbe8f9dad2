"""Commands about campaigns and consents."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import show
from limner.cli.ask import AsJson, Workspace, ask, noun, out
from limner.types import Json

campaign = noun("Messages with a holdout.")
consent = noun("Who agreed to what.")
hold = noun("Sends that hold themselves because their tags are stale or their audience moved.")


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


@campaign.command("when")
def campaign_when(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """When and by which channel it would go if it began now: people by hour and by channel; nothing is sent."""
    ask("campaign when", {"name": name}, workspace=workspace, as_json=as_json, show=show.when)


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
    channel: str = typer.Option("", help="Of a campaign by several channels, which; default: the first."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Send it to yourself as one person would get it; it is not counted."""
    ask(
        "campaign test",
        {"name": name, "to": to, "person": person_id, "channel": channel},
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


@campaign.command("breakdown")
def campaign_breakdown(
    name: str,
    by: str = typer.Option(..., "--by", help="A tag's key, or variant, or channel."),
    entry: str = typer.Option("", help="Which sending; default: the last."),
    as_of: str = typer.Option("", "--as-of"),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What it did to the people of each value of a tag, or by variant or channel: rates, effect, and who left."""
    ask(
        "campaign breakdown",
        {"name": name, "by": by, "entry": entry, "as_of": as_of},
        workspace=workspace,
        as_json=as_json,
        show=show.breakdown,
    )


@consent.command("permissions")
def permission_import(file: Path, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Read permissions to send one message each from a CSV: channel, address, template, proof, perhaps n."""
    ask(
        "permission import",
        {"file": str(file.absolute())},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(f"{answer['stored']:,} of {answer['received']:,} permissions were new"),
    )


@campaign.command("overall")
def campaign_overall(
    event: str = typer.Argument(..., help="What counts, for example 'Order Paid'."),
    where: str = typer.Option("", help="Only where this holds of the event."),
    money: str = typer.Option("", help="The property that is earned."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What all marketing together changed: everybody against the global holdout of policy.yml, since its day."""
    ask(
        "effect overall",
        {"event": event, "where": where, "money": money},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(f"since {answer['since']}", ("", ""), show.changed(answer)),
    )


@campaign.command("suppressions")
def campaign_suppressions(
    name: str = typer.Argument("", help="Of one campaign or journey; default: of all."),
    days: int = typer.Option(30, help="Of so many days up to now."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What was not sent and why, by reason, class, channel, campaign or journey and day."""
    columns = ("reason", "class", "channel", "kind", "name", "day", "count")
    ask(
        "campaign suppressions",
        {"name": name, "days": days},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            f"Not sent: {answer['total']}",
            columns,
            ([row[column] for column in columns] for row in answer["rows"]),
        ),
    )


@hold.command("list")
def hold_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """What holds itself now, since when and why."""
    columns = ("kind", "name", "entry", "since", "reason")
    ask(
        "hold list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Held", columns, ([row[column] for column in columns] for row in answer["holds"])
        ),
    )


@hold.command("release")
def hold_release(
    name: str,
    why: str = typer.Option(..., help="Why it may go on; it stands in the audit."),
    entry: str = typer.Option("", help="Which sending; default: all of it."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Let a held campaign or journey go on, knowingly."""
    ask(
        "hold release",
        {"name": name, "why": why, "entry": entry},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.pairs(name, answer),
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
