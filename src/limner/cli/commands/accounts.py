"""Commands about who comes in: users, keys, the audit."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import show
from limner.cli.ask import After, AsJson, Workspace, ask, noun, out
from limner.types import Json

user = noun("Who signs in, and as what.")
key = noun("Keys to the management API.")
audit = noun("Who did what; a chain that shows every tampering.")


def _link(answer: Json) -> None:
    out.print(f"{show.clean(answer['login'])} sets a password here, once, until {answer['expires_at']}:")
    out.print(show.clean(answer["link"]), soft_wrap=True)


@user.command("add")
def user_add(
    login: str = typer.Argument(..., help="An e-mail address or a name; upper and lower case are the same."),
    role: str = typer.Option(..., help="admin, operator or viewer"),
    name: str = typer.Option("", help="How the user is shown."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """A new user, and the one-time link (shown once, 72 hours) that sets the first password."""
    arguments = {"login": login, "role": role, "name": name}
    ask("user add", arguments, workspace=workspace, as_json=as_json, show=_link)


@user.command("list")
def user_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """All users."""
    columns = ("id", "login", "name", "role", "enabled", "invited", "seen_at")
    ask(
        "user list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Users", columns, ([row[c] for c in columns] for row in answer["users"])
        ),
    )


@user.command("change")
def user_change(
    who: str = typer.Argument(..., metavar="LOGIN"),
    role: str = typer.Option("", help="admin, operator or viewer; ends the user's sessions."),
    name: str = typer.Option("", help="How the user is shown."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Another role or name."""
    arguments = {"id": who, "role": role, "name": name}
    ask(
        "user change",
        arguments,
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(f"{show.clean(answer['login'])} is {answer['role']}"),
    )


@user.command("reset")
def user_reset(
    who: str = typer.Argument(..., metavar="LOGIN"), workspace: Path = Workspace, as_json: bool = AsJson
) -> None:
    """A one-time link that sets a new password; the old one holds until then."""
    ask("user reset", {"id": who}, workspace=workspace, as_json=as_json, show=_link)


@user.command("disable")
def user_disable(
    who: str = typer.Argument(..., metavar="LOGIN"), workspace: Path = Workspace, as_json: bool = AsJson
) -> None:
    """The user can sign in no more; sessions end at once."""
    ask(
        "user disable",
        {"id": who},
        workspace=workspace,
        as_json=as_json,
        show=lambda _: out.print("disabled"),
    )


@user.command("enable")
def user_enable(
    who: str = typer.Argument(..., metavar="LOGIN"), workspace: Path = Workspace, as_json: bool = AsJson
) -> None:
    """The user can sign in again, with the same password."""
    ask("user enable", {"id": who}, workspace=workspace, as_json=as_json, show=lambda _: out.print("enabled"))


@user.command("remove")
def user_remove(
    who: str = typer.Argument(..., metavar="LOGIN"), workspace: Path = Workspace, as_json: bool = AsJson
) -> None:
    """Only for somebody who never set a password; others are disabled."""
    ask("user remove", {"id": who}, workspace=workspace, as_json=as_json, show=lambda _: out.print("removed"))


@key.command("add")
def key_add(
    role: str = typer.Option(..., help="admin, operator or viewer"),
    note: str = "",
    scope: list[str] = typer.Option([], help="Only this, for example people:read; several; default: all."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """A new API key, shown once."""
    ask(
        "key add",
        {"role": role, "note": note, "scopes": list(scope)},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(f"key (shown once): {answer['key']}"),
    )


@key.command("list")
def key_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """All API keys, without their secrets."""
    columns = ("id", "role", "scopes", "tail", "created_at", "last_used_at", "note")
    ask(
        "key list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Keys", columns, ([row[c] for c in columns] for row in answer["keys"])
        ),
    )


@key.command("remove")
def key_remove(key_id: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """The key stops working at once."""
    ask(
        "key remove",
        {"id": key_id},
        workspace=workspace,
        as_json=as_json,
        show=lambda _: out.print("removed"),
    )


@audit.command("list")
def audit_list(
    who: str = typer.Option("", help="The id or name of who did it."),
    action: str = typer.Option("", help="What was done, for example: person erase."),
    kind: str = typer.Option("", help="change, export, sight, session or refused"),
    subject: str = typer.Option("", help="To whom or what."),
    since: str = typer.Option("", help="From this instant on."),
    until: str = typer.Option("", help="Before this instant."),
    limit: int = typer.Option(50, help="How many rows, 1 to 200."),
    cursor: str = After,
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Who did what, newest first."""

    def drawn(answer: Json) -> None:
        columns = ("seq", "at", "caller", "action", "subject", "detail")
        rows = ({**row, "caller": row["caller"]["name"]} for row in answer["audit"])
        show.table("Audit", columns, ([row[c] for c in columns] for row in rows))
        if answer["next"]:
            out.print(f"more: --cursor {answer['next']}", soft_wrap=True)

    arguments = {
        "who": who, "action": action, "kind": kind, "subject": subject,
        "since": since, "until": until, "limit": limit, "cursor": cursor,
    }  # fmt: skip
    ask("audit list", arguments, workspace=workspace, as_json=as_json, show=drawn)


@audit.command("verify")
def audit_verify(
    head: str = typer.Option(
        "", help="What an earlier verification said, SEQ:HASH; finds rows cut off since."
    ),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Whether every row is as it was written; exit 1 names the first that is not."""
    answer = ask(
        "audit verify",
        {"head": head},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.pairs("audit", answer),
    )
    if not answer["ok"]:
        raise typer.Exit(1)
