"""Commands about channels, and about mails: their names in DNS, trials, and those that came back."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.channels.kinds import KINDS
from limner.cli import show
from limner.cli.ask import AsJson, Workspace, ask, noun, out
from limner.types import Json

channel = noun("The ways by which messages leave.")
mail = noun("Mails: trials to yourself, and those that came back.")


@channel.command("list")
def channel_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Every channel, whether it is set up, and what left in the last hour."""
    columns = ("kind", "configured", "sender", "server", "per_second")
    ask(
        "channel list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Channels", columns, ([row[c] for c in columns] for row in answer["channels"])
        ),
    )


@channel.command("test")
def channel_test(kind: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Connect and sign in; no message is sent."""
    ask(
        "channel test",
        {"kind": kind},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.pairs(kind, answer),
    )


@channel.command("check")
def channel_check(
    kind: str = typer.Argument(..., help=f"{', '.join(KINDS)} or webhooks."),
    offline: bool = typer.Option(False, "--offline", help="Only look at the settings; ask nobody."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What a channel needs, what is missing, and what its platform and DNS say; nothing is sent."""

    def told(answer: Json) -> None:
        show.table(
            f"{kind}: {'ready' if answer['ready'] else 'not ready'}",
            ("state", "need", "what", "name", "message", "put there"),
            (
                [row["state"], row["need"], row["what"], row["name"], row["message"],
                 "" if row["state"] == "ok" else row["fix"]]
                for row in answer["points"]
            ),
        )  # fmt: skip
        if answer["toml"]:
            out.print(f"add to limner.toml:\n{show.clean(answer['toml'])}")
        if answer["environment"]:
            out.print(f"and where the server starts:\n{show.clean(answer['environment'])}")

    ask("channel check", {"kind": kind, "offline": offline}, workspace=workspace, as_json=as_json, show=told)


@channel.command("dns")
def channel_dns(
    offline: bool = typer.Option(False, "--offline", help="Only say what to publish; ask nobody."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """The DNS records of the sender's domain: what to publish for DKIM, and what SPF, DKIM and DMARC say now."""
    ask(
        "channel dns",
        {"offline": offline},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            answer["sender"],
            ("", "name", "state", "what", "publish"),
            (
                [row["what"], row["name"], row["state"], row["message"], row["publish"]]
                for row in answer["checks"]
            ),
        ),
    )


@channel.command("send")
def channel_send(
    template: str = typer.Argument(..., help="A file of templates/; it says by which channel."),
    to: str = typer.Option(..., help="Your own address on that channel: phone, openid, device …"),
    person_id: str = typer.Option("", "--as", metavar="ID", help="Whose data fill it; default: somebody."),
    subject: str = typer.Option("", help="The subject, of a mail."),
    service: bool = typer.Option(False, "--service", help="A service message: it needs no way out."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Send a template of any channel to yourself; it is counted nowhere."""
    ask(
        "template send",
        {
            "name": template,
            "to": to,
            "person": person_id,
            "subject": subject,
            "message_class": "service" if service else "marketing",
        },
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.pairs(template, answer),
    )


@mail.command("list")
def mail_list(
    kind: str = typer.Option("", help="Only hard, soft, complaint, leaves, noise, unclear or unknown ones."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """The mails that came back, the latest first."""
    columns = ("at", "kind", "status", "message_id", "reason", "id")
    ask(
        "mail list",
        {"kind": kind},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Mails that came back", columns, ([row[c] for c in columns] for row in answer["mails"])
        ),
    )


@mail.command("show")
def mail_show(id: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """A mail that nobody could read, as it came."""
    ask(
        "mail show",
        {"id": id},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(answer["text"], markup=False, highlight=False),
    )


@mail.command("read")
def mail_read(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Read the mailbox of mails that came back now; a server does it by itself."""
    ask("mail read", {}, workspace=workspace, as_json=as_json, show=lambda answer: show.pairs("Read", answer))


@mail.command("take")
def mail_take(files: list[Path], workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Take mails that came back out of files, each one mail as it came."""
    columns = ("file", "kind", "message_id", "reason")
    ask(
        "mail take",
        {"files": [str(file.absolute()) for file in files]},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Taken", columns, ([row[c] for c in columns] for row in answer["mails"])
        ),
    )
