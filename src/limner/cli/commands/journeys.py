"""Commands about journeys."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import show
from limner.cli.ask import AsJson, Workspace, ask, noun, out
from limner.errors import UsageError
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


@journey.command("when")
def journey_when(name: str, step: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """When and by which channel the message of a step would go now to those in the journey; nothing is sent."""
    ask("journey when", {"name": name, "step": step}, workspace=workspace, as_json=as_json, show=show.when)


@journey.command("plan")
def journey_plan(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """What starting the changed file would do to everybody who is in the journey; nothing is changed.

    Exit 0: the file says what runs. 3: it says something else. 1: the file is wrong.
    """
    answer = ask("journey plan", {"name": name}, workspace=workspace, as_json=as_json, show=planned)
    if answer["problems"]:
        raise typer.Exit(1)
    if answer["changes"]:
        raise typer.Exit(3)


@journey.command("start")
def journey_start(
    name: str,
    plan: str = typer.Option(
        "", "--plan", help="The plan that was looked at; refused when it no longer fits."
    ),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """From now on people enter; one that was paused or stopped goes on, as its file says it now."""
    ask("journey start", {"name": name, "plan": plan}, workspace=workspace, as_json=as_json, show=drawn)


@journey.command("versions")
def journey_versions(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Every text of the journey that ran, and what each did to those who were inside."""
    ask(
        "journey versions",
        {"name": name},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            name,
            ("version", "at", "by", "people"),
            (
                [row["version"], row["at"], row["by"], "; ".join(map(_became, row["moved"]))]
                for row in answer["versions"]
            ),
        ),
    )


@journey.command("power")
def journey_power(
    name: str,
    effect: float = typer.Option(
        0.02, help="The rise of the goal's share that is to be told: 0.02 is 2 points."
    ),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """How many would enter a week, by history, and how long until the holdout tells an effect."""

    def told(answer: Json) -> None:
        per_week = answer["per_week"]
        if per_week is None:
            out.print(f"not enough data: {answer['reason']}")
            return
        out.print(f"about {per_week:,.1f} enter a week, by {answer['weeks_seen']} weeks of history")
        if answer["baseline"] is not None:
            out.print(f"{answer['baseline']:.1%} of them reach the goal without it")
        if answer["weeks"] is None:
            out.print(f"not enough data to say when an effect would be told: {answer['reason']}")
        else:
            out.print(f"a rise of {answer['effect']:.1%} is told after about {answer['weeks']} weeks")

    ask("journey power", {"name": name, "effect": effect}, workspace=workspace, as_json=as_json, show=told)


@journey.command("movement")
def journey_movement(
    name: str,
    tag: str = typer.Option("", help="The tag of stages; default: the one by which people enter."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """At which value of a tag they are now who entered, against those of them who were held out."""

    def told(answer: Json) -> None:
        rows = []
        for row in answer["values"]:
            rise = row["difference"]
            rows.append(
                [
                    row["value"] or "none",
                    f"{row['treated']:,}",
                    f"{row['held_out']:,}",
                    "not enough data"
                    if rise is None
                    else f"{rise['value']:+.1%} ({rise['low']:+.1%} to {rise['high']:+.1%})",
                ]
            )
        show.table(f"{name}: {answer['tag']} now", ("value", "treated", "held out", "difference"), rows)

    ask("journey movement", {"name": name, "tag": tag}, workspace=workspace, as_json=as_json, show=told)


ready = noun("Ready journeys with copy in English and Chinese.")
journey.add_typer(ready, name="ready")


@ready.command("list")
def ready_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """The ready journeys, and what each asks for."""
    ask(
        "ready list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Ready journeys",
            ("key", "title", "asks for"),
            (
                [
                    row["key"],
                    show.titled(row["titles"], row["key"]),
                    ", ".join(p["name"] for p in row["parameters"]),
                ]
                for row in answer["ready"]
            ),
        ),
    )


@ready.command("show")
def ready_show(key: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """One ready journey: what it asks for and what would be taken here, and what its messages say."""

    def told(answer: Json) -> None:
        out.print(show.clean(show.titled(answer["about"], "")), soft_wrap=True)
        show.table(
            "Asks for",
            ("name", "meaning", "here", "known"),
            (
                [
                    row["name"],
                    show.titled(row["titles"], ""),
                    row["value"],
                    "yes" if row["known"] else "not yet",
                ]
                for row in answer["parameters"]
            ),
        )
        for message in answer["messages"]:
            for language in sorted(message["subject"]):
                out.print(f"{message['name']} ({language}): {show.clean(message['subject'][language])}")

    ask("ready show", {"key": key}, workspace=workspace, as_json=as_json, show=told)


@ready.command("install")
def ready_install(
    key: str,
    name: str = typer.Option("", "--as", help="The journey's name; default: the ready one's key."),
    values: list[str] = typer.Option([], "--with", help="What it asks for, as name=value; several times."),
    language: str = typer.Option("en", "--language", help="The language of the messages: en or zh."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would be written; nothing is."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Write a ready journey's files under a name of its own; then it can be edited and started."""
    given = {}
    for item in values:
        word, equals, value = item.partition("=")
        if not equals:
            raise UsageError(f"'{item}' is not name=value", where="--with", hint="--with days=30")
        given[word.strip()] = value.strip()

    def told(answer: Json) -> None:
        said = "would be written" if answer["dry_run"] else "written"
        for file in answer["files"]:
            out.print(f"{file['kind']}/{file['name']}: {'is there' if file['exists'] else said}")
        for name in answer["unseen"]:
            out.print(f"nobody here has had '{show.clean(name)}' yet")
        for journey in answer["journeys"]:
            if not answer["dry_run"]:
                out.print(f"limner journey start {journey['name']}")

    ask(
        "ready install",
        {"key": key, "name": name or key, "values": given, "language": language, "dry_run": dry_run},
        workspace=workspace,
        as_json=as_json,
        show=told,
    )


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


@journey.command("breakdown")
def journey_breakdown(
    name: str,
    step: str = typer.Option("", help="A split, or a message with variants; default: the first."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What each way of a split, or each text of a message, did to those who went it, against who was held out."""

    def told(answer: Json) -> None:
        show.breakdown({**answer, "entry": answer["step"]})
        for row in answer["groups"]:
            made = row["others"]
            if made and made["per_person"] is not None:
                out.print(
                    f"{show.clean(row['value'])} against the other ways: {made['per_person']:+.1%}"
                    f" ({made['low']:+.1%} to {made['high']:+.1%}) {made['state'].replace('_', ' ')}"
                )

    ask("journey breakdown", {"name": name, "step": step}, workspace=workspace, as_json=as_json, show=told)


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


def planned(answer: Json) -> None:
    """What a new text would do to everybody who is in a journey."""
    for problem in answer["problems"]:
        out.print(f"{show.clean(problem['where'] or '')}: {show.clean(problem['message'])}", soft_wrap=True)
    if not answer["changes"]:
        out.print("nothing would change")
        return
    for what in ("added", "gone", "changed", "other"):
        if answer[what]:
            out.print(f"{what}: {', '.join(answer[what])}")
    columns = ("step", "people", "becomes", "at once", "first", "last")
    show.table(
        f"{answer['inside']:,} people are inside",
        columns,
        (
            [
                row["step"],
                f"{row['people']:,}",
                _fate(row),
                row["at_once"],
                row["first_due"] or "",
                row["last_due"] or "",
            ]
            for row in answer["steps"]
        ),
    )
    for row in answer["leaving"]:
        out.print(f"{row['people']:,} leave at once: {show.clean(row['name'])}")
    for row in answer["messages"]:
        out.print(f"{row['people']:,} messages of '{row['step']}' that wait are not sent")
    if answer["plan"]:
        out.print(f"limner journey start {answer['name']} --plan {answer['plan']}")


def _fate(row: Json) -> str:
    match row["fate"]:
        case "moves":
            return f"goes on at {row['to']}"
        case "leaves":
            return f"leaves: {row['reason']}"
        case "waits":
            return "waits until another moment"
        case _:
            return "stays"


def _became(row: Json) -> str:
    return f"{row['people']:,} at {row['step']}: {_fate(row)}"


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
