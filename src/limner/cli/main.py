"""The command `limner`: noun, verb, options. Exit 0 done, 1 could not, 2 wrong usage; no traceback without --debug."""

from __future__ import annotations

import sys
from pathlib import Path

import typer
from typer.exceptions import TyperException

from limner import __version__
from limner.cli import show
from limner.cli.ask import JsonOption, WorkspaceOption, ask, bar, errors, out
from limner.errors import LimnerError
from limner.types import Json
from limner.workspace.files import init as make_workspace
from limner.workspace.verbs import restore as restore_backup

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Limner (绘客): tags, portraits, audiences, messages, effects.",
)
_nouns: dict[str, typer.Typer] = {}

Workspace = WorkspaceOption
AsJson = JsonOption
PersonWho = typer.Argument(
    ..., metavar="ID", help="A user id, kind:value such as device:d1 or email:a@b.c, or an outward id."
)


def _noun(name: str, text: str) -> typer.Typer:
    made = typer.Typer(no_args_is_help=True, help=text)
    app.add_typer(made, name=name)
    _nouns[name] = made
    return made


source = _noun("source", "Where events come from; each has a write key.")
user = _noun("user", "Who signs in, and as what.")
key = _noun("key", "Keys to the management API.")
audit = _noun("audit", "Who did what; a chain that shows every tampering.")
event = _noun("event", "What happened.")
tag = _noun("tag", "What we believe about people.")
audience = _noun("audience", "Who.")
person = _noun("person", "One person.")
campaign = _noun("campaign", "Messages with a holdout.")
consent = _noun("consent", "Who agreed to what.")
run = _noun("run", "What was computed and sent, and how it ended.")


@app.callback()
def options(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    """Options for every command."""
    if debug:
        _state["debug"] = True


_state: dict[str, bool] = {"debug": False}


@app.command()
def version() -> None:
    """This version."""
    out.print(__version__)


@app.command()
def init(
    folder: Path, demo_files: bool = typer.Option(False, "--example", help="With the demo's definitions.")
) -> None:
    """Make a workspace in a new or empty folder."""
    made = make_workspace(folder, example=demo_files)
    out.print(f"made {show.clean(made)}: limner.toml, tags/, audiences/, campaigns/, templates/")
    out.print("next: limner source add web, then limner serve")


@app.command()
def demo(
    people: int = typer.Option(20_000, min=500, help="How many people the shop has."),
    folder: Path = typer.Option(
        Path("limner-demo"), "--to", help="Where the demo's workspace is made (replaced)."
    ),
    seed: int = typer.Option(3, help="The same seed gives the same shop, people and arms."),
    no_serve: bool = typer.Option(False, "--no-serve", help="End with the summary."),
    port: int = typer.Option(0, help="The server's port; 0 takes a free one."),
    as_json: bool = AsJson,
) -> None:
    """A generated shop from raw events to a measured campaign, in under three minutes."""
    from limner.cli.demo import demo as run_demo  # the web framework is needed here only

    run_demo(folder, people=people, seed=seed, serve=not no_serve, port=port, as_json=as_json)


@app.command()
def serve(
    workspace: Path = Workspace,
    port: int = typer.Option(8800, help="0 takes a free port."),
    host: str = typer.Option("127.0.0.1"),
) -> None:
    """Collect events, run schedules and campaigns, answer the API; prints `listening on URL`."""
    from limner.cli.serve import serve as run_server  # the web framework is needed here only

    run_server(workspace, host=host, port=port)


@source.command("add")
def source_add(
    name: str,
    kind: str = typer.Option("segment", help="segment or import"),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """A new source and its write key, shown once."""
    ask(
        "source add",
        {"name": name, "kind": kind},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(f"write key of {show.clean(name)} (shown once): {answer['write_key']}"),
    )


@source.command("list")
def source_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Each source: received = stored + duplicate + quarantined + rejected."""
    columns = ("name", "kind", "key_tail", "received", "stored", "duplicate", "quarantined", "rejected")
    ask(
        "source list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Sources", columns, ([row[c] for c in columns] for row in answer["sources"])
        ),
    )


@source.command("rotate")
def source_rotate(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """A new write key; the old one stops working at once."""
    ask(
        "source rotate",
        {"name": name},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(f"new write key (shown once): {answer['write_key']}"),
    )


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
    cursor: str = typer.Option("", help="`next` of the page before."),
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


@app.command("import")
def import_file(
    file: Path,
    mapping: Path = typer.Option(..., "--map", help="The mapping: which column is what."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """CSV, JSON lines or Parquet (also .gz): each row becomes an event; the same file twice adds nothing."""
    arguments = {"file": str(file.absolute()), "map": str(mapping.absolute())}
    ask(
        "import",
        arguments,
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.pairs(str(file), answer),
    )


@event.command("summary")
def event_summary(
    where: str = typer.Option("", help="An expression over event properties."),
    by: list[str] = typer.Option([], help="Group by this property."),
    sum_of: str = typer.Option("", "--sum", help="Sum this property."),
    distinct: str = typer.Option(
        "", help="Count distinct values of this property, or of several joined by commas."
    ),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Counts and exact sums over all events."""
    arguments = {"where": where, "by": list(by), "sum": sum_of, "distinct": distinct}

    def drawn(answer: Json) -> None:
        groups = answer["groups"] if by else [answer]
        columns = [*by, *(c for c in ("events", "sum", "distinct") if any(c in g for g in groups))]
        show.table("Events", columns, ([group.get(c) for c in columns] for group in groups))

    ask("event summary", arguments, workspace=workspace, as_json=as_json, show=drawn)


@event.command("quarantine")
def event_quarantine(limit: int = 50, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Events that were set aside, each with its reason."""
    columns = ("received_at", "source", "code", "path", "message")
    ask(
        "event quarantine",
        {"limit": limit},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Quarantine", columns, ([row[c] for c in columns] for row in answer["events"])
        ),
    )


@tag.command("run")
def tag_run(
    keys: list[str] = typer.Argument(None, help="Only these tags and what they need; default: all."),
    as_of: str = typer.Option("", "--as-of", help="As if it were this instant; default: now."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Compute and publish tags; a failure leaves the previous values untouched."""

    def drawn(answer: Json) -> None:
        columns = ("tag", "people", "entered", "left", "changed", "seconds")
        show.table(
            f"Tags as of {answer['as_of']}",
            columns,
            ([row.get(c) for c in columns] for row in answer["tags"]),
        )

    ask(
        "tag run",
        {"keys": list(keys or []), "as_of": as_of},
        workspace=workspace,
        as_json=as_json,
        show=drawn,
    )


@tag.command("list")
def tag_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """All tags with nature, method, people and freshness."""
    columns = ("key", "title", "nature", "method", "type", "people", "coverage", "as_of")
    ask(
        "tag list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Tags",
            columns,
            (
                [show.titled(row["titles"], row["key"]) if c == "title" else row[c] for c in columns]
                for row in answer["tags"]
            ),
        ),
    )


@tag.command("show")
def tag_show(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """One tag: its definition, coverage and distribution; people without a value are a value of their own."""

    def drawn(answer: Json) -> None:
        out.print(show.clean_lines(answer["text"]))
        facts = ("state", "people", "coverage", "sum", "as_of", "expires_at", "used_by", "needs", "run")
        show.pairs(name, {fact: answer[fact] for fact in facts})
        if answer["health"]:
            show.table(
                "Health", ("level", "what"), ([item["level"], item["code"]] for item in answer["health"])
            )
        show.table(
            "Values",
            ("value", "people", "share"),
            ([r["value"], r["people"], r["share"]] for r in answer["values"]),
        )

    ask("tag show", {"key": name}, workspace=workspace, as_json=as_json, show=drawn)


@tag.command("check")
def tag_check(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Reads every definition (tags, audiences, campaigns) and reports what is wrong, with line and column."""
    answer = ask(
        "check",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Definitions",
            ("where", "problem", "hint"),
            ([p["where"], p["message"], p["hint"]] for p in answer["problems"]),
        ),
    )
    if answer["problems"]:
        raise typer.Exit(2)


@audience.command("count")
def audience_count(
    expression: str,
    as_of: str = typer.Option("", "--as-of"),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """How many people an expression holds, exactly."""
    ask(
        "audience count",
        {"expression": expression, "as_of": as_of},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(f"{answer['count']:,}"),
    )


@audience.command("list")
def audience_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """All saved audiences."""
    columns = ("name", "title", "expression", "people", "as_of")
    ask(
        "audience list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Audiences", columns, ([r.get(c) for c in columns] for r in answer["audiences"])
        ),
    )


@audience.command("save")
def audience_save(
    name: str,
    expression: str,
    title: str = "",
    owner: str = "",
    why: str = "",
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Write audiences/NAME.yml."""
    arguments = {"name": name, "expression": expression, "title": title, "owner": owner, "why": why}
    ask(
        "audience save",
        arguments,
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(f"saved {show.clean(answer['path'])}: {answer['count']:,} people"),
    )


@audience.command("snapshot")
def audience_snapshot(
    name: str, as_of: str = typer.Option("", "--as-of"), workspace: Path = Workspace, as_json: bool = AsJson
) -> None:
    """Keep who is in the audience now, and record who entered and left since the last snapshot."""
    ask(
        "audience snapshot",
        {"name": name, "as_of": as_of},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(
            f"{answer['people']:,} people: +{answer['entered']:,} −{answer['left']:,}"
        ),
    )


@audience.command("portrait")
def audience_portrait(
    name: str = typer.Argument(..., help="A saved audience, or an expression."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Each tag's distribution in the crowd against everybody: TGI with its 95 % interval."""

    def drawn(answer: Json) -> None:
        out.print(f"{answer['people']:,} of {answer['everybody']:,} people")
        columns = ("tag", "value", "crowd", "everybody", "tgi", "low", "high", "significant")
        lines = (
            [t["tag"], v["value"], f"{v['share']:.1%}", f"{v['base_share']:.1%}",
             *(_round(v[c]) for c in ("tgi", "low", "high")), "yes" if v["significant"] else ""]
            for t in answer["tags"] for v in t["values"]
        )  # fmt: skip
        show.table("Portrait", columns, lines)

    ask("audience portrait", {"name": name}, workspace=workspace, as_json=as_json, show=drawn)


def _round(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


@audience.command("export")
def audience_export(
    name: str,
    to: Path = typer.Option(..., "--to", help="A .csv or .parquet file."),
    columns: str = typer.Option(
        "", help="Tags and person.attributes to add, joined by commas; default: all tags."
    ),
    reason: str = "",
    masked: bool = typer.Option(False, "--masked", help="Personal values masked, as a viewer sees them."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """The people of an audience with their tags; every export is logged."""
    arguments = {
        "name": name,
        "to": str(to.absolute()),
        "columns": columns.split(",") if columns else [],
        "reason": reason,
        "mask": masked,
    }
    ask(
        "audience export",
        arguments,
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(f"{answer['people']:,} people written to {show.clean(answer['path'])}"),
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
    cursor: str = typer.Option("", help="`next` of the page before."),
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
    masked: bool = typer.Option(False, "--masked", help="Personal values masked, as a viewer sees them."),
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
                [c["category"], t["key"], t["value"], t["nature"], t["method"], t["expires_at"]]
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
        show.table("Audiences", ("audience", "since"), ([a["name"], a["since"]] for a in answer["audiences"]))

    ask(
        "person show",
        {"id": who, "as_of": as_of, "mask": masked},
        workspace=workspace,
        as_json=as_json,
        show=drawn,
    )


@person.command("timeline")
def person_timeline(
    who: str = PersonWho,
    event: list[str] = typer.Option([], "--event", help="Only events of this name; may be repeated."),
    source: str = typer.Option("", help="Only of this source."),
    since: str = typer.Option("", help="From this instant on."),
    until: str = typer.Option("", help="Before this instant."),
    limit: int = typer.Option(50),
    cursor: str = typer.Option("", help="`next` of the page before."),
    masked: bool = typer.Option(False, "--masked", help="Personal values masked, as a viewer sees them."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What happened, newest first."""
    ask(
        "person timeline",
        {
            "id": who, "event": event, "source": source, "since": since, "until": until,
            "limit": limit, "cursor": cursor, "mask": masked,
        },
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            f"{answer['total']:,} events",
            ("at", "event", "source", "properties"),
            ([e["at"][:19], e["event"], e["source"], e["properties"]] for e in answer["events"]),
        ),
    )  # fmt: skip


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


@person.command("why")
def person_why(
    who: str = PersonWho,
    tag: str = typer.Argument(..., metavar="TAG"),
    as_of: str = typer.Option("", "--as-of"),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Why the person has the tag, or has it not: the events, cases and attributes that decided."""

    def drawn(answer: Json) -> None:
        value = answer["value"] if answer["known"] else "no value"
        out.print(f"[bold]{show.clean(answer['key'])}[/bold] = {show.clean(value)}")
        out.print(show.clean(answer["definition"]))
        out.print(f"as of {answer['as_of']}, valid until {answer['expires_at'] or 'further notice'}")
        rule, statistic, observed = answer["rule"], answer["statistic"], answer["observed"]
        if rule:
            show.table(
                "Cases",
                ("holds", "value", "when"),
                (["yes" if c["holds"] else "no", c["then"], c["when"]] for c in rule["cases"]),
            )
            show.table("Inputs", ("what", "value"), ([i["text"], i["value"]] for i in rule["inputs"]))
        if observed:
            show.table(
                "Said",
                ("at", "source", "value", "holds"),
                ([w["at"][:19], w["source"], w["value"], w["decides"] or ""] for w in observed["said"]),
            )
        for found in [statistic] if statistic else (rule or {}).get("evidence", []):
            show.table(
                f"{found['deciding']:,} deciding of {found['considered']:,} events",
                ("at", "event", "properties"),
                ([e["at"][:19], e["event"], e["properties"]] for e in found["events"]),
            )

    ask(
        "person why",
        {"id": who, "key": tag, "as_of": as_of},
        workspace=workspace,
        as_json=as_json,
        show=drawn,
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


@campaign.command("list")
def campaign_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """All campaigns and how their last sending stands."""
    columns = ("name", "title", "audience", "channel", "status", "sent")
    ask(
        "campaign list",
        {"limit": 200},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Campaigns",
            columns,
            (
                [show.titled(row["titles"], row["name"]) if c == "title" else row[c] for c in columns]
                for row in answer["campaigns"]
            ),
        ),
    )


@campaign.command("send")
def campaign_send(
    name: str,
    dry_run: bool = typer.Option(
        False, "--dry-run", help="Who would get it, who not and why; nothing is sent."
    ),
    entry: str = typer.Option(
        "", help="A name for this sending; the same entry never reaches anybody twice."
    ),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Send to the audience except the holdout; consent, caps and quiet hours are checked at the moment of sending."""
    ask(
        "campaign send",
        {"name": name, "dry_run": dry_run, "entry": entry},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: _campaign_sent(name, answer),
    )


def _campaign_sent(name: str, answer: Json) -> None:
    show.pairs(name, {key: value for key, value in answer.items() if key != "approval"})
    if answer.get("approval") == "owner":
        out.print("sent without a second person's approval: this is the command line of the machine's owner")


@campaign.command("stop")
def campaign_stop(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """No further message leaves, within a second."""
    ask(
        "campaign stop",
        {"name": name},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.pairs(name, answer),
    )


@campaign.command("test")
def campaign_test(
    name: str,
    to: str = typer.Option(..., help="Your own address."),
    person_id: str = typer.Option(..., "--as", metavar="ID", help="Whose data fills the message."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Send it to yourself as one person would get it; it is not counted."""
    ask(
        "campaign test",
        {"name": name, "to": to, "person": person_id},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.pairs(name, answer),
    )


@campaign.command("report")
def campaign_report(
    name: str,
    entry: str = typer.Option("", help="Which sending; default: the last."),
    as_of: str = typer.Option("", "--as-of"),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What it truly changed: incremental buyers and money against the holdout, then the rates."""
    ask(
        "campaign report",
        {"name": name, "entry": entry, "as_of": as_of},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(f"{name} {answer['entry']}", ("", ""), show.effect(answer)),
    )


@consent.command("import")
def consent_import(file: Path, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """A CSV with user_id (or id as kind:value), channel, address, state, at, source: each row is proof."""
    ask(
        "consent import",
        {"file": str(file.absolute())},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.pairs(str(file), answer),
    )


@run.command("list")
def run_list(limit: int = 20, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """The latest runs."""
    columns = ("started_at", "what", "subject", "status", "seconds", "detail")
    ask(
        "run list",
        {"limit": limit},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Runs", columns, ([r.get(c) for c in columns] for r in answer["runs"])
        ),
    )


@app.command()
def backup(file: Path, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """One consistent file of everything, also while the server runs."""
    ask(
        "backup",
        {"file": str(file.absolute())},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.pairs(str(file), answer),
    )


@app.command()
def restore(file: Path, folder: Path, as_json: bool = AsJson) -> None:
    """A backup into a new folder; a damaged backup is refused before anything is written."""
    with bar() as progress:
        answer = restore_backup(file, folder, progress)
    if as_json:
        out.print_json(data=answer)
    else:
        show.pairs(str(folder), answer)


@app.command()
def rebuild(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Make the engine file again from the log (the server must be stopped)."""
    ask(
        "rebuild", {}, workspace=workspace, as_json=as_json, show=lambda answer: show.pairs("rebuilt", answer)
    )


def main() -> None:
    """The entry point."""
    try:
        code = app(standalone_mode=False)
    except typer.Abort:
        errors.print("stopped")
        sys.exit(1)
    except TyperException as error:  # the words of the command line are wrong
        said = getattr(error, "show", None)
        if callable(said):
            said()
        else:
            errors.print(f"[red]error:[/red] {show.clean_lines(str(error))}")
        sys.exit(getattr(error, "exit_code", 2))
    except LimnerError as error:
        if _state["debug"]:
            raise
        errors.print(f"[red]error:[/red] {show.clean_lines(str(error))}")
        sys.exit(error.exit_code)
    except Exception as error:  # whatever it is, nobody but a developer wants the traceback
        if _state["debug"]:
            raise
        errors.print(f"[red]error:[/red] {show.clean(type(error).__name__)}: {show.clean_lines(str(error))}")
        errors.print("  hint: this is a fault of Limner; limner --debug … shows where")
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
