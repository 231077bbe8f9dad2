"""Commands about what other systems are told."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import show
from limner.cli.ask import AsJson, Workspace, ask, noun, out
from limner.types import Json

webhook = noun("Webhooks: other systems are told who entered and left audiences, and what journeys post.")


@webhook.command("list")
def webhook_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Every hook and every step that posts, and how many posts are waiting, sent and failed."""

    def told(answer: Json) -> None:
        columns = ("name", "url", "waiting", "sent", "failed", "reason")
        show.table("Webhooks", columns, ([row[column] for column in columns] for row in answer["webhooks"]))
        for problem in answer["problems"]:
            out.print(f"{show.clean(problem['where'])}: {show.clean(problem['message'])}")

    ask("webhook list", {}, workspace=workspace, as_json=as_json, show=told)


@webhook.command("posts")
def webhook_posts(
    name: str = typer.Argument("", help="Of one hook or step; default: of all."),
    status: str = typer.Option("", help="waiting, sent or failed; default: any."),
    limit: int = typer.Option(50, help="How many."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What was and is to be posted, the latest first, and why not."""
    columns = ("at", "name", "of", "status", "tries", "reason")
    ask(
        "webhook posts",
        {"name": name, "status": status, "limit": limit},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Posts", columns, ([row[column] for column in columns] for row in answer["posts"])
        ),
    )


@webhook.command("replay")
def webhook_replay(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Posts again what failed, by the ids that it had."""
    ask(
        "webhook replay",
        {"name": name},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(f"{answer['again']:,} posts are tried again"),
    )
