"""Commands about the library of content: its items, and who is shown which of them next."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import show
from limner.cli.ask import AsJson, Workspace, ask, noun, out
from limner.types import Json

content = noun("The library: articles, offers … and what of it each person is shown next.")


@content.command("list")
def content_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """All items: languages, what they are about, whether they may be shown now."""

    def shown(answer: Json) -> None:
        show.table(
            "Content",
            ("name", "title", "languages", "about", "words", "state", "until"),
            (
                [
                    item["name"], _title(item["titles"]), ", ".join(item["languages"]), ", ".join(item["about"]),
                    ", ".join(item["words"]), item["state"], item["until"] or "",
                ]
                for item in answer["items"]
            ),
        )  # fmt: skip
        for problem in answer["problems"]:
            out.print(f"{problem['where']}: {problem['message']}")

    ask("content list", {}, workspace=workspace, as_json=as_json, show=shown)


@content.command("show")
def content_show(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """One item: what it says in each language, who took it up, who would be shown it first."""

    def shown(answer: Json) -> None:
        out.print(f"{_title(answer['titles'])}: {answer['state']}")
        for language, words in answer["fields"]["languages"].items():
            out.print(f"  {language}: {words['title']} {words['text']} {words['link']}".rstrip())
        if answer["people"] is not None:
            out.print(f"{answer['people']:,} people took it up in the last 30 days")

    ask("content show", {"name": name}, workspace=workspace, as_json=as_json, show=shown)


@content.command("reach")
def content_reach(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """How many people would be shown an item first."""
    ask(
        "content reach",
        {"name": name},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(
            f"{answer['first']:,} of {answer['everybody']:,} people would be shown it first,"
            f" {answer['because']:,} of them because of an interest; {answer['among']:,} among their first three"
        ),
    )


@content.command("pick")
def content_pick(
    person: str,
    source: str = typer.Option(
        "content", "--from", help="The library, or a kind of objects such as product."
    ),
    count: int = typer.Option(3, help="How many, 1 to 20."),
    only: list[str] = typer.Option([], help="Only items of this word or name, or objects of this id."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What one person would be shown next, and why."""
    ask(
        "content pick",
        {"id": person, "source": source, "count": count, "only": list(only)},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            f"Next for {person}",
            ("name", "title", "score", "why"),
            ([one["name"], one["title"], f"{one['score']:.3f}", one["reason"]] for one in answer["picks"]),
        ),
    )


@content.command("evaluate")
def content_evaluate(
    source: str = typer.Option(
        "content", "--from", help="The library, or a kind of objects such as product."
    ),
    event: str = typer.Option("", help="The event that counts as taking up (default: any)."),
    days: int = typer.Option(30, help="How many days at the end are held out, 1 to 365."),
    count: int = typer.Option(10, help="How many are picked, 1 to 20."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """How often what people took up was among their picks of before, against what was popular."""

    def shown(answer: Json) -> None:
        out.print(f"{answer['people']:,} people: {answer['message']}")
        if answer["enough_data"]:
            show.table(
                f"The first thing they took up, among {count}",
                ("popularity", "picked", "popular", "ratio", ""),
                (
                    [
                        part["popularity"], part["picked"], answer["popular"], part["ratio"],
                        "advised" if part["advised"] else "",
                    ]
                    for part in answer["parts"]
                ),
            )  # fmt: skip

    ask(
        "content evaluate",
        {"source": source, "event": event, "days": days, "count": count},
        workspace=workspace,
        as_json=as_json,
        show=shown,
    )


def _title(titles: dict[str, str]) -> str:
    return titles.get("en") or titles.get("") or next(iter(titles.values()), "")
