"""Commands about scenes, and the calendar of all sends."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import show
from limner.cli.ask import AsJson, Workspace, ask, noun, out
from limner.types import Json

scene = noun("Scenes: a goal, products, an audience, channels and dates over campaigns and journeys.")


@scene.command("list")
def scene_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """All scenes: their dates, whom each may reach, and how much belongs to it."""
    columns = ("name", "state", "from", "until", "audience", "campaigns", "journeys")
    ask(
        "scene list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Scenes", columns, ([row[column] for column in columns] for row in answer["scenes"])
        ),
    )


@scene.command("show")
def scene_show(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """One scene: dates, audience with its size, channels, and its campaigns and journeys as they stand."""

    def told(answer: Json) -> None:
        show.table(
            show.titled(answer["titles"], name),
            ("", ""),
            [
                ("state", answer["state"]),
                ("dates", f"{answer['from'] or '…'} to {answer['until'] or '…'}"),
                ("audience", answer["audience"] or "everybody"),
                ("people", answer["people"]),
                ("products", answer["products"]),
                ("channels", ", ".join(answer["channels"]) or "any"),
                ("held out", f"{answer['holdout']:.1%}"),
            ],
        )
        rows = [("campaign", row["name"], row["status"], row["channel"]) for row in answer["campaigns"]]
        rows += [
            ("journey", row["name"], row["status"], ", ".join(row["channels"])) for row in answer["journeys"]
        ]
        show.table("In it", ("", "name", "status", "channel"), rows)
        if answer["problems"]:
            show.problems({"where": f"line {row['line']}", **row} for row in answer["problems"])

    ask("scene show", {"name": name}, workspace=workspace, as_json=as_json, show=told)


@scene.command("report")
def scene_report(
    name: str,
    as_of: str = typer.Option("", "--as-of"),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """How it stands: its number against baseline and target, what it changed, what went out, and what that cost."""

    def told(answer: Json) -> None:
        show.table(show.titled(answer["titles"], name), ("", ""), _against_goal(answer))
        show.table(
            "What it changed", ("", ""), [*show.changed(answer["effect"]), *show.returned(answer["returned"])]
        )
        columns = ("kind", "name", "people", "sent", "waiting", "failed", "held_out", "cost")
        show.table(
            "What went out", columns, ([row[column] for column in columns] for row in answer["members"])
        )
        for reason, people in answer["total"]["suppressed"].items():
            out.print(f"not sent: {people:,} {show.clean(reason)}")

    ask("scene report", {"name": name, "as_of": as_of}, workspace=workspace, as_json=as_json, show=told)


def _against_goal(answer: Json) -> list[tuple[str, object]]:
    """The number against baseline and target, as lines."""
    if answer["goal"] is None:
        return [("goal", "none is stated")]
    baseline, so_far, goal = answer["baseline"], answer["so_far"], answer["goal"]
    lines: list[tuple[str, object]] = [
        ("goal", f"{goal['metric'] or goal['event']} {goal['unit']}".strip()),
        ("so far", "not begun" if so_far is None else _number(so_far["value"])),
    ]
    if answer["before"] is not None:
        lines.append(("as far into the time before", _number(answer["before"]["value"])))
    if baseline["value"] is None:
        lines.append(("baseline", f"not enough data: {(baseline['why_not'] or '').replace('_', ' ')}"))
    else:
        of = "as stated" if baseline["stated"] is not None else f"from {baseline['from'][:10]} on"
        lines.append(("baseline", f"{_number(baseline['value'])} ({of})"))
    if answer["target"] is not None:
        reached = "" if answer["progress"] is None else f" ({answer['progress']:.0%} of it so far)"
        lines.append(("target", f"{_number(answer['target'])}{reached}"))
    elif goal["target"] is not None:
        lines.append(("target", f"{goal['target']['number']:+.1%} of the baseline"))
    return [*lines, ("judged", answer["judged"].replace("_", " ")), *_message(answer)]


def _message(answer: Json) -> list[tuple[str, object]]:
    return [("problem", answer["message"])] if answer["message"] else []


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}".removesuffix(".00")


@scene.command("calendar")
def calendar(
    start: str = typer.Option("", "--from", help="The first day; default: this week's Monday."),
    days: int = typer.Option(42, help="How many days."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Every send of some days, those that were and those to come, of every scene and of none."""
    columns = ("day", "times", "n", "kind", "name", "scene", "state")
    ask(
        "calendar",
        {"start": start, "days": days},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            f"{answer['from']} to {answer['until']} ({answer['zone']})",
            columns,
            (
                [", ".join(row[column]) if column == "times" else row[column] for column in columns]
                for row in answer["sends"]
            ),
        ),
    )
