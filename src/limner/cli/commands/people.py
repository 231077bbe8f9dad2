"""Commands about one person, and lists of people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from limner.cli import show
from limner.cli.ask import After, AsJson, Masked, View, Workspace, ask, noun, out
from limner.types import Json

person = noun("One person.")
PersonWho = typer.Argument(
    ..., metavar="ID", help="A user id, kind:value such as device:d1 or email:a@b.c, or an outward id."
)


@person.command("list")
def person_list(
    word: str = typer.Argument(
        "",
        metavar="[WORD]",
        help="An id, an e-mail address, a phone's last digits, an openid, or part of a name.",
    ),
    where: str = typer.Option("", "--where", help="A condition, such as \"value_tier = 'high'\"."),
    sort: str = typer.Option("last_seen", help="last_seen, first_seen or id."),
    limit: int = typer.Option(20),
    cursor: str = After,
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """People found by a word and a condition."""

    def drawn(answer: Json) -> None:
        show.table(
            f"{answer['total']:,} of {answer['everybody']:,} people",
            ("person", "id", "name", "contact", "tags", "last seen", "events"),
            (
                [
                    row["person"],
                    (row["id"] or {}).get("value"),
                    row["name"],
                    (row["contact"] or {}).get("value"),
                    ", ".join(str(tag["value"]) for tag in row["tags"]),
                    (row["last_seen"] or "")[:19],
                    row["events"],
                ]
                for row in answer["people"]
            ),
        )

    ask(
        "person list",
        {"q": word, "where": where, "sort": sort, "limit": limit, "cursor": cursor},
        workspace=workspace,
        as_json=as_json,
        show=drawn,
    )


@person.command("show")
def person_show(
    who: str = PersonWho,
    as_of: str = typer.Option("", "--as-of"),
    view: str = View,
    masked: bool = Masked,
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """The portrait: identities, attributes, tags, consents, audiences."""

    def drawn(answer: Json) -> None:
        out.print(f"[bold]{show.clean(answer['person'])}[/bold]")
        show.table(
            "Identities",
            ("kind", "value", "evidence"),
            ([i["kind"], i["value"], i["evidence"]] for i in answer["identities"]),
        )
        show.table(
            "Attributes",
            ("name", "value", "since", "source", "kind"),
            ([a["name"], a["value"], a["at"], a["source"], a["kind"]] for a in answer["attributes"]),
        )
        show.table(
            "Tags",
            ("category", "tag", "value", "nature", "method", "expires"),
            (
                [c["category"], t["key"], _value(t), t["nature"], t["method"], t["expires_at"]]
                for c in answer["tags"]
                for t in c["tags"]
            ),
        )
        show.table(
            "Consents",
            ("channel", "class", "state", "since", "suppressed"),
            (
                [c["channel"], c["class"], c["state"], (c["at"] or "")[:19], c["suppressed"]]
                for c in answer["header"]["consents"]
            ),
        )
        show.table(
            "Audiences",
            ("audience", "since", "by"),
            ([a["name"], a["since"], a["by"]] for a in answer["audiences"]),
        )
        if answer["then"] is not None:
            _then(answer)

    ask(
        "person show",
        {"id": who, "as_of": as_of, "mask": masked, "view": view},
        workspace=workspace,
        as_json=as_json,
        show=drawn,
    )


def _then(answer: Json) -> None:
    """Who the person was at the past instant, and whose the events were known to be."""
    then, counted = answer["then"], answer["then"]["events"]
    out.print(
        f"as it was on {answer['as_of']}, by what {'was known' if answer['view'] == 'known' else 'is true'}"
    )
    if not then["known"]:
        out.print(show.clean(f"identities are those of today: {then['unknown']}"))
    for other in then["others"]:
        names = ", ".join(f"{item['kind']}:{item['value']}" for item in other["identities"])
        out.print(show.clean(f"one with them today, somebody else then: {names}"))
    whose = (
        "whose is not known"
        if counted["theirs"] is None
        else f"{counted['theirs']:,} known to be theirs then, {counted['others']:,} somebody else's"
    )
    out.print(
        f"of {counted['events']:,} events until then that are theirs today: {whose},"
        f" {counted['unheard']:,} not heard of yet"
    )


@person.command("diff")
def person_diff(
    who: str = PersonWho,
    since: str = typer.Option(..., "--from", help="An instant, such as 2026-05-01."),
    until: str = typer.Option("", "--to", help="Another; default: now."),
    view: str = View,
    masked: bool = Masked,
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What is otherwise of the person today than at an instant: attributes, tags, audiences, identifiers."""

    def drawn(answer: Json) -> None:
        seen = "was known then" if answer["view"] == "known" else "is true of it"
        out.print(f"from {answer['since'][:19]} to {answer['until'][:19]}, by what {seen}")
        if answer["unknown"]:
            out.print(show.clean(f"identities are those of today: {answer['unknown']}"))
        if not answer["changes"]:
            out.print("nothing changed")
            return
        valued = ("key", "what", "before", "after")
        for part, columns in (
            ("tags", valued),
            ("attributes", valued),
            ("audiences", ("key", "what")),
            ("identifiers", ("kind", "value", "what", "was")),
        ):
            if answer[part]:
                show.table(
                    part.capitalize(),
                    columns,
                    ([_listed(row[column]) for column in columns] for row in answer[part]),
                )

    ask(
        "person diff",
        {"id": who, "since": since, "until": until, "view": view, "mask": masked},
        workspace=workspace,
        as_json=as_json,
        show=drawn,
    )


def _listed(value: Any) -> Any:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else value


def _value(tag: Json) -> Any:
    """The value; of a tag with weights every label with its own."""
    return ", ".join(f"{item['label']} {item['weight']:.2f}" for item in tag["labels"]) or tag["value"]


@person.command("timeline")
def person_timeline(
    who: str = PersonWho,
    event: list[str] = typer.Option([], "--event", help="Only events of this name; may be repeated."),
    source: str = typer.Option("", help="Only of this source."),
    since: str = typer.Option("", help="From this instant on."),
    until: str = typer.Option("", help="Before this instant."),
    as_of: str = typer.Option("", "--as-of", help="As a portrait of that past instant tells it."),
    view: str = typer.Option("true", "--view", help="With --as-of: `known` then, or `true` by all of today."),
    limit: int = typer.Option(50),
    cursor: str = After,
    masked: bool = Masked,
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What happened, newest first."""
    ask(
        "person timeline",
        {
            "id": who, "event": event, "source": source, "since": since, "until": until,
            "limit": limit, "cursor": cursor, "mask": masked, "as_of": as_of, "view": view,
        },
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            f"{answer['total']:,} events",
            ("at", "event", "source", "properties"),
            ([e["at"][:19], e["event"], e["source"], e["properties"]] for e in answer["events"]),
        ),
    )  # fmt: skip


@person.command("when")
def person_when(who: str = PersonWho, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """When the person is there, the best hours to write and why; and how they answer by channel."""
    ask("person when", {"id": who}, workspace=workspace, as_json=as_json, show=show.habit)


@person.command("memberships")
def person_memberships(who: str = PersonWho, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Which tag values the person had and which audiences it was in, since when and until when."""
    ask(
        "person memberships",
        {"id": who},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Memberships",
            ("what", "value", "since", "until", "cause", "ended by"),
            (
                [
                    s["subject"],
                    s["value"],
                    s["since"][:19],
                    (s["until"] or "")[:19],
                    s["cause"],
                    s["ended_by"],
                ]
                for s in answer["spells"]
            ),
        ),
    )


@person.command("journeys")
def person_journeys(who: str = PersonWho, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Where the person stands or stood in every journey."""
    columns = ("journey", "entry", "arm", "step", "entered_at", "arrived_at", "due_at", "ended_at", "ended")
    ask(
        "person journeys",
        {"id": who},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Journeys", columns, ([row[column] for column in columns] for row in answer["journeys"])
        ),
    )


@person.command("messages")
def person_messages(who: str = PersonWho, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """What was sent, and which campaigns held the person out."""
    columns = ("at", "campaign", "channel", "status", "reason", "opened_at", "clicked_at")
    ask(
        "person messages",
        {"id": who},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Messages", columns, ([m[c] for c in columns] for m in answer["messages"])
        ),
    )


@person.command("erase")
def person_erase(
    who: str = typer.Argument(..., metavar="ID"),
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Remove every trace of a person, now and for ever."""
    if not yes:
        typer.confirm(f"Erase everything about {who}? This cannot be undone", abort=True)
    ask(
        "person erase",
        {"id": who},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.pairs("erased", answer),
    )


@person.command("export")
def person_export(
    who: str = typer.Argument(..., metavar="ID"),
    to: Path = typer.Option(..., "--to"),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Everything kept about a person, as JSON."""
    ask(
        "person export",
        {"id": who, "to": str(to.absolute())},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(f"written to {show.clean(answer['path'])}"),
    )
