"""Commands about exclusive groups."""

from __future__ import annotations

from pathlib import Path

from limner.cli import show
from limner.cli.ask import After, AsJson, Most, Standing, Workspace, ask, noun, out
from limner.types import Json

group = noun("Tags of which nobody has two at once.")


@group.command("list")
def group_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """All exclusive groups with their tags, what is kept, and how many conflicts stand."""
    columns = ("key", "tags", "keep", "conflicts", "standing", "why")
    ask(
        "group list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Exclusive groups",
            columns,
            ([", ".join(row[c]) if c == "tags" else row[c] for c in columns] for row in answer["groups"]),
        ),
    )


@group.command("conflicts")
def group_conflicts(
    key: str,
    standing: bool = Standing,
    limit: int = Most,
    cursor: str = After,
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Who had two tags of a group at once, which was kept and which was not; the latest first."""
    ask(
        "group conflicts",
        {"key": key, "standing": standing, "limit": limit, "cursor": cursor},
        workspace=workspace,
        as_json=as_json,
        show=show.conflicts(("person", "kept", "dropped", "at", "ended", "run")),
    )


@group.command("check")
def group_check(key: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Whether a group's tags exclude each other by their definitions, with values that make two of them true."""

    def drawn(answer: Json) -> None:
        show.table(f"{key}: keep {answer['keep']}", PAIR, (pair(row) for row in answer["pairs"]))
        out.print(
            "proved: no two of them can ever be true at once"
            if answer["proved"]
            else f"not proved: the group settles what comes; {answer['standing']:,} conflicts stand"
        )

    ask("group check", {"key": key}, workspace=workspace, as_json=as_json, show=drawn)


PAIR = ("first", "second", "relation", "with both", "by chance", "witness")


def pair(row: Json) -> list[object]:
    """How two flags relate, as a line of a table."""
    people = row["people"] or {"both": None, "expected": None}
    said = ", ".join(f"{leaf} = {value}" for leaf, value in row["witness"].items())
    which = {
        "first": f" ({row['first']} in {row['second']})",
        "second": f" ({row['second']} in {row['first']})",
    }
    relation = row["relation"] + which.get(row["implies"], "")
    return [row["first"], row["second"], relation, people["both"], people["expected"], said or row["why"]]
