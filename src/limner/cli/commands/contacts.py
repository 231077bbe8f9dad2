"""Commands about staff and their customers, channel codes, menus, and tags on both sides."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import show
from limner.cli.ask import AsJson, Workspace, ask, noun, out
from limner.types import Json

contact = noun("Customers of the staff at WeCom, read from the platform.")
staff = noun("Staff: whose customers are whose, what is to be done for them, hand-overs.")
code = noun("Channel codes of WeCom and official accounts: files in codes/, made at the platform.")
menu = noun("The menu of an official account: menus/official_account.yml.")
sync = noun("Tags on both sides: files in sync/ say which of ours are which of a platform's.")

_PLATFORM = typer.Argument("wecom", help="`wecom` or `official_account`.")


def _columns(title: str, key: str, columns: tuple[str, ...], answer: Json) -> None:
    def said(value: object) -> object:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    show.table(title, columns, ([said(row[column]) for column in columns] for row in answer[key]))


@contact.command("sync")
def contact_sync(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Reads every member of staff, customer and group chat anew."""
    ask(
        "contact sync", {}, workspace=workspace, as_json=as_json,
        show=lambda answer: out.print(
            f"{answer['staff']:,} members of staff, {answer['customers']:,} customers, {answer['chats']:,} groups"
        ),
    )  # fmt: skip


@contact.command("settle")
def contact_settle(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Asks what became of messages and hand-overs that wait for staff or customers."""
    ask(
        "contact settle", {}, workspace=workspace, as_json=as_json,
        show=lambda answer: out.print(
            f"{answer['messages']:,} messages ended, {answer['customers']:,} customers settled"
        ),
    )  # fmt: skip


@staff.command("list")
def staff_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Everybody: how many customers they know and own, and how many tasks wait for them."""

    def told(answer: Json) -> None:
        _columns(
            "Staff", "staff", ("staff", "name", "customers", "owned", "tasks", "going", "left_at"), answer
        )
        if answer["hand_overs"]:
            columns = ("giver", "taker", "status", "customers", "reason", "at")
            _columns("Hand-overs", "hand_overs", columns, answer)

    ask("staff list", {}, workspace=workspace, as_json=as_json, show=told)


@staff.command("customers")
def staff_customers(
    name: str,
    limit: int = typer.Option(50, help="At most so many."),
    cursor: str = typer.Option("", help="`next` of the page before."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """The customers of a member of staff, the latest first."""
    columns = ("called", "person", "since", "scene", "owns", "tags")
    ask(
        "staff customers", {"staff": name, "limit": limit, "cursor": cursor}, workspace=workspace, as_json=as_json,
        show=lambda answer: _columns(f"{answer['total']:,} customers", "customers", columns, answer),
    )  # fmt: skip


@staff.command("tasks")
def staff_tasks(
    name: str = typer.Argument("", help="Whose; default: everybody's."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What journeys ask of the owners of customers."""
    columns = ("id", "staff", "called", "text", "journey", "until", "late")
    ask(
        "staff tasks", {"staff": name}, workspace=workspace, as_json=as_json,
        show=lambda answer: _columns("Tasks", "tasks", columns, answer),
    )  # fmt: skip


@staff.command("hand-over")
def staff_hand_over(
    giver: str,
    taker: str,
    message: str = typer.Option("", help="What customers are told, where the giver has not left."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only say how many."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Hands every customer whom a member of staff owns over to another."""
    ask(
        "staff hand over",
        {"giver": giver, "taker": taker, "message": message, "dry_run": dry_run},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(
            f"{answer['customers']:,} customers: {answer['waiting']:,} wait for them or the platform,"
            f" {answer['refused']:,} refused"
        ),
    )


@code.command("list")
def code_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Every code: its scene, whose customers come by it, how many came, and what the platform must be told."""

    def told(answer: Json) -> None:
        _columns(
            "Codes", "codes", ("name", "kind", "scene", "staff", "people", "made", "ends_at", "todo"), answer
        )
        show.problems(answer["problems"])

    ask("code list", {}, workspace=workspace, as_json=as_json, show=told)


@code.command("apply")
def code_apply(
    names: list[str] = typer.Argument(None, help="Which; default: all."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only say what would be done."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Makes, changes and deletes codes at the platforms until they are what the files say."""

    def told(answer: Json) -> None:
        for word in ("made", "changed", "removed"):
            out.print(f"{word}: {', '.join(answer[word]) or '–'}")

    ask(
        "code apply",
        {"only": names or [], "dry_run": dry_run},
        workspace=workspace,
        as_json=as_json,
        show=told,
    )


@code.command("picture")
def code_picture(
    name: str,
    to: Path = typer.Option(..., help="The file that is written."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Fetches the picture that is to be scanned."""
    ask(
        "code picture", {"name": name, "to": str(to.resolve())}, workspace=workspace, as_json=as_json,
        show=lambda answer: out.print(f"{answer['bytes']:,} bytes in {show.clean(answer['path'])}"),
    )  # fmt: skip


@menu.command("show")
def menu_show(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """The menu of the file, and whether the account has it."""
    ask(
        "menu show", {}, workspace=workspace, as_json=as_json,
        show=lambda answer: out.print("the account has it" if answer["same"] else "the account has another"),
    )  # fmt: skip


@menu.command("apply")
def menu_apply(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Gives the account the menu of the file."""
    ask(
        "menu apply", {}, workspace=workspace, as_json=as_json,
        show=lambda answer: out.print(f"{answer['entries']} entries"),
    )  # fmt: skip


@sync.command("list")
def sync_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """The platforms whose tags are mapped."""
    ask(
        "sync list", {}, workspace=workspace, as_json=as_json,
        show=lambda answer: _columns("Platforms", "platforms", ("platform", "there", "began", "problem"), answer),
    )  # fmt: skip


def _planned(answer: Json) -> None:
    columns = ("key", "group", "wins", "out_added", "out_removed", "in_people", "conflicts", "clashes")
    _columns(
        f"+{answer['added']:,} −{answer['removed']:,} there, {answer['in_people']:,} people here",
        "tags",
        columns,
        answer,
    )
    if answer["conflicts"]:
        sides = ("staff", "customer", "key", "ours", "theirs", "way", "why")
        _columns("Conflicts", "conflicts", sides, answer)
    if answer["too_many"]:
        out.print(f"too many: {answer['tags_after']:,} tags there, at most {answer['most_tags']:,}")


@sync.command("plan")
def sync_plan(platform: str = _PLATFORM, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """What would change on both sides; nothing is changed."""
    ask("sync plan", {"platform": platform}, workspace=workspace, as_json=as_json, show=_planned)


@sync.command("run")
def sync_run(platform: str = _PLATFORM, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Makes both sides agree; from then on they are kept so."""

    def told(answer: Json) -> None:
        done = answer["done"]
        out.print(
            f"+{done['added']:,} −{done['removed']:,} there, {done['in_people']:,} people here,"
            f" {done['refused_total']:,} refused"
        )
        if done["stopped"]:
            out.print(f"stopped: {show.clean(done['stopped'])}")

    ask("sync run", {"platform": platform}, workspace=workspace, as_json=as_json, show=told)


@sync.command("changes")
def sync_changes(
    platform: str = _PLATFORM,
    limit: int = typer.Option(50, help="At most so many."),
    cursor: str = typer.Option("", help="`next` of the page before."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Who was changed where and why, the latest first."""
    columns = ("at", "staff", "customer", "key", "way", "before", "after", "why")
    ask(
        "sync changes", {"platform": platform, "limit": limit, "cursor": cursor}, workspace=workspace, as_json=as_json,
        show=lambda answer: _columns("Changes", "changes", columns, answer),
    )  # fmt: skip
