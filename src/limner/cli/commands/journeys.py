"""Commands about journeys."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import show
from limner.cli.ask import AsJson, Workspace, ask, noun, out
from limner.types import Json

journey = noun("Journeys: people enter by what they do or become, and go from step to step.")


@journey.command("list")
def journey_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """All journeys: whether each runs, how many ever entered and how many are in it."""
    columns = ("name", "status", "entered", "inside", "changed", "reason")
    ask(
        "journey list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Journeys", columns, ([row[column] for column in columns] for row in answer["journeys"])
        ),
    )


@journey.command("show")
def journey_show(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """One journey: how many stand at each step, went which way, and where its messages are."""
    ask("journey show", {"name": name}, workspace=workspace, as_json=as_json, show=drawn)


@journey.command("people")
def journey_people(
    name: str,
    step: str = typer.Option("", help="Only who stands at this step."),
    limit: int = typer.Option(200, help="At most so many."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Who is in a journey now, and when they move."""
    columns = ("person", "called", "step", "arm", "arrived_at", "due_at")
    ask(
        "journey people",
        {"name": name, "step": step, "limit": limit},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            f"{answer['total']:,} people",
            columns,
            ([row[column] for column in columns] for row in answer["people"]),
        ),
    )


@journey.command("check")
def journey_check(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """What is wrong with a journey's file; nothing when it can be started."""

    def told(answer: Json) -> None:
        for problem in answer["problems"]:
            out.print(f"{show.clean(problem['where'])}: {show.clean(problem['message'])}")
        if not answer["problems"]:
            out.print("nothing is wrong")

    ask("journey check", {"name": name}, workspace=workspace, as_json=as_json, show=told)


@journey.command("try")
def journey_try(name: str, person: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """What would happen to one person who entered now, if nothing else happened; nothing is kept."""

    def told(answer: Json) -> None:
        if answer["may"]:
            out.print(f"may not enter: {show.clean(answer['may'])}")
        if answer["held_out"]:
            out.print("held out: walks this way, and gets nothing")
        columns = ("step", "kind", "at", "way", "next", "why")
        show.table(name, columns, ([row[column] for column in columns] for row in answer["path"]))

    ask("journey try", {"name": name, "person": person}, workspace=workspace, as_json=as_json, show=told)


@journey.command("start")
def journey_start(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """From now on people enter; one that was paused or stopped goes on, as its file says it now."""
    ask("journey start", {"name": name}, workspace=workspace, as_json=as_json, show=drawn)


@journey.command("pause")
def journey_pause(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Nobody moves, and no message leaves, until it is started again."""
    ask("journey pause", {"name": name}, workspace=workspace, as_json=as_json, show=drawn)


@journey.command("stop")
def journey_stop(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Nobody moves and no message leaves any more."""
    ask("journey stop", {"name": name}, workspace=workspace, as_json=as_json, show=drawn)


@journey.command("report")
def journey_report(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """What it truly changed: who entered against who entered and was held out."""

    def told(answer: Json) -> None:
        for arm, rate in (answer["converted"] or {}).items():
            out.print(
                f"{arm.replace('_', ' ')}: {rate['k']:,} of {rate['n']:,} converted ({rate['rate']:.1%})"
            )
        out.print(show.clean(answer["message"]))

    ask("journey report", {"name": name}, workspace=workspace, as_json=as_json, show=told)


@journey.command("tasks")
def journey_tasks(
    limit: int = typer.Option(200, help="At most so many."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What journeys ask members of staff to do, the oldest first."""
    columns = ("id", "journey", "person", "called", "text", "to", "since", "until", "late")
    ask(
        "journey tasks",
        {"limit": limit},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Tasks", columns, ([row[column] for column in columns] for row in answer["tasks"])
        ),
    )


@journey.command("done")
def journey_done(
    id: int,
    note: str = typer.Option("", help="What is to be remembered of it."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """A task is done."""
    ask(
        "journey done",
        {"id": id, "note": note},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(f"task {answer['id']} is done"),
    )


def drawn(answer: Json) -> None:
    """A journey as a table of its steps."""
    rows = []
    for step in answer["steps"]:
        led = ", ".join(
            f"{way['name'] + ' ' if way['name'] else ''}→ {way['next']}: {way['people']:,}"
            for way in step["ways"]
        )
        rows.append([step["name"], step["kind"], step["here"], led, _messages(step["messages"])])
    show.table(f"{answer['name']}: {answer['status']}", ("step", "kind", "here", "went", "messages"), rows)
    ended = ", ".join(f"{why}: {people:,}" for why, people in answer["ended"].items())
    out.print(
        f"{answer['entered']:,} entered ({answer['held_out']:,} held out), {answer['inside']:,} are in it"
        + (f"; ended: {show.clean(ended)}" if ended else "")
    )


def _messages(counts: Json | None) -> str:
    if counts is None:
        return ""
    parts = {
        **{key: counts[key] for key in ("waiting", "sent", "failed", "in_doubt")},
        **counts["suppressed"],
    }
    return ", ".join(f"{people:,} {name}" for name, people in parts.items() if people)
