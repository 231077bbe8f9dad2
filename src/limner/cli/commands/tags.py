"""Commands about tags."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import typer

from limner.cli import reasons, show
from limner.cli.ask import AsJson, View, Workspace, ask, noun, out
from limner.cli.commands import giving, groups
from limner.errors import UsageError
from limner.types import Json

tag = noun("What we believe about people.")
tag.add_typer(giving.given)


@tag.command("run")
def tag_run(
    keys: list[str] = typer.Argument(None, help="Only these tags and what they need; default: all."),
    as_of: str = typer.Option("", "--as-of", help="As if it were this instant; default: now."),
    full: bool = typer.Option(
        False, "--full", help="Compute all anew instead of carrying on from the last run."
    ),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Compute and publish tags; a failure leaves the previous values untouched.

    A tag that cannot be computed keeps its former values, and so does what refers to it; all others are published.

    Exit 0: every tag was computed. 1: some could not be.
    """
    answer = ask(
        "tag run",
        {"keys": list(keys or []), "as_of": as_of, "full": full},
        workspace=workspace,
        as_json=as_json,
        show=_ran,
    )
    if answer["aside"]:
        raise typer.Exit(1)


@tag.command("runs")
def tag_runs(
    key: str,
    limit: int = typer.Option(20, help="1 to 50."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """The last runs of a tag: how long each took, how long the tag itself, and whom it changed."""

    def drawn(answer: Json) -> None:
        show.table(
            f"Runs of {key}",
            ("started_at", "status", "run seconds", "tag seconds", "with", "people", "entered", "left"),
            (
                (
                    row["started_at"],
                    row["status"],
                    row["seconds"],
                    *(
                        (took["seconds"], _with(took), took["people"], took["entered"], took["left"])
                        if (took := row["took"])
                        else ()
                    ),
                )
                for row in answer["runs"]
            ),
        )

    ask("tag runs", {"key": key, "limit": limit}, workspace=workspace, as_json=as_json, show=drawn)


def _with(took: Json) -> str:
    return "alone" if took["together"] == 1 else f"{took['together'] - 1:,} others"


@tag.command("whatif")
def tag_whatif(
    key: str,
    on: list[str] = typer.Option(..., "--on", help="A past instant; several times, up to 24."),
    file: Path | None = typer.Option(
        None, "--file", help="A draft of the tag's file; default: the file itself."
    ),
    then: str = typer.Option(
        "", "--then", help='What they may have done next: did "Order Paid" in last 30 days.'
    ),
    after: int = typer.Option(30, "--after", help="So many days later `then` is asked."),
    view: str = View,
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What a draft would have given at past instants: who, how many, and what they did next. Publishes nothing."""
    try:
        text = "" if file is None else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the draft cannot be read: {error}", where=str(file)) from error

    def drawn(answer: Json) -> None:
        for row in answer["instants"]:
            show.table(
                f"{answer['key']} as of {row['as_of']}: {row['people']:,} of {row['everybody']:,} people",
                ("value", "people", *(("did", "share", "95 %") if answer["then"] else ())),
                (
                    (
                        "nobody's" if value["value"] is None else value["value"],
                        f"{value['people']:,}",
                        *(_did(value["did"]) if answer["then"] else ()),
                    )
                    for value in row["values"]
                ),
            )

    asked = {"key": key, "on": on, "text": text, "then": then, "after_days": after, "view": view}
    ask("tag whatif", asked, workspace=workspace, as_json=as_json, show=drawn)


def _did(share: Json | None) -> tuple[str, str, str]:
    if share is None:
        return "not yet", "", ""
    if share["share"] is None:
        return f"{share['people']:,}", "not enough data", ""
    return f"{share['people']:,}", f"{share['share']:.1%}", f"{share['low']:.1%} – {share['high']:.1%}"


@tag.command("report")
def tag_report(
    key: str = typer.Argument(help="A tag with a goal."),
    as_of: str = typer.Option("", "--as-of", help="As if it were this instant; default: now."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Whether what the tag is for came about: the goal's metric now, against its baseline and each stage's target."""

    def drawn(answer: Json) -> None:
        said, unit = answer["state"].replace("_", " "), answer["metric"]["unit"]
        was, now = answer["baseline"], answer["now"]
        rows = [
            ("baseline", was["at"], was["stated"], _measured(was), "stated"),
            *(
                ("stage", row["by"], row["target"], _measured(row), row["state"].replace("_", " "))
                for row in answer["stages"]
            ),
            ("now", now["at"], "", _measured(now), ""),
        ]
        of = f" of {answer['where']}" if answer["where"] else ""
        show.table(
            f"{key}: {said}. {answer['metric']['measured']}{of}{f' in {unit}' if unit else ''}",
            ("", "date", "target", "measured", ""),
            rows,
        )

    ask("tag report", {"key": key, "as_of": as_of}, workspace=workspace, as_json=as_json, show=drawn)


def _measured(row: Json) -> str:
    """The number and of how many people."""
    if row["active"] is None:
        return "not yet"
    value = "no number" if row["value"] is None else f"{row['value']:g}"
    return f"{value} ({row['active']:,} people)"


@tag.command("predict")
def tag_predict(
    keys: list[str] = typer.Argument(None, help="Only these tags; default: all."),
    then: str = typer.Option(
        "", "--then", help='What is reached: did "Order Paid" (the default), or metric(revenue) >= 100.'
    ),
    on: str = typer.Option("", "--on", help="As of this past date; default: so many days ago."),
    after: int = typer.Option(30, "--after", help="Within so many days from then."),
    view: str = View,
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What each tag of a past date told of who would do something in the days after; the one that tells most first."""

    def drawn(answer: Json) -> None:
        show.table(
            f"{answer['then']} from {answer['as_of']}: {answer['reached']:,} of {answer['everybody']:,} people"
            f"{'' if answer['enough'] else '; not enough data'}",
            ("tag", "", "worth", "95 %", "best value", "lift", "95 %", "used", ""),
            (
                (
                    row["key"],
                    row["verdict"].replace("_", " "),
                    *_with_interval(row, "worth"),
                    *(
                        ("", "", "")
                        if row["best"] is None
                        else (row["best"]["value"] or "no value", *_with_interval(row["best"], "lift"))
                    ),
                    row["used"],
                    row["proposal"],
                )
                for row in answer["tags"]
            ),
        )

    asked = {"keys": list(keys or []), "then": then, "on": on, "after_days": after, "view": view}
    ask("tag predict", asked, workspace=workspace, as_json=as_json, show=drawn)


def _with_interval(row: Json, name: str) -> tuple[str, str]:
    if row[name] is None:
        return "", ""
    known = row["low"] is not None and row["high"] is not None
    return f"{row[name]:.3f}", f"{row['low']:.3f} – {row['high']:.3f}" if known else ""


@tag.command("coverage")
def tag_coverage(key: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """How many people of each source have the tag; who is known from several sources counts in each."""

    def drawn(answer: Json) -> None:
        show.table(
            f"{answer['key']}: {answer['people']:,} of {answer['everybody']:,} people",
            ("source", "people", "with the tag", "share"),
            (
                (r["source"], f"{r['people']:,}", f"{r['tagged']:,}", f"{r['share']:.1%}")
                for r in answer["sources"]
            ),
        )

    ask("tag coverage", {"key": key}, workspace=workspace, as_json=as_json, show=drawn)


@tag.command("counts")
def tag_counts(
    category: str = typer.Option("", help="Only this category and those below it."),
    days: int = typer.Option(30, help="1 to 366."),
    file: Path | None = typer.Option(
        None, "--csv", help="Also write each tag's people by day into a file that opens in Excel."
    ),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """How many tags there are and how many people have each, by category, with what changed in the last days."""

    def drawn(answer: Json) -> None:
        show.table(
            f"{answer['used']} of {answer['defined']} tags have values; {answer['tagged']:,} of"
            f" {answer['everybody']:,} people have any",
            ("category", "tags", "with values", "people", "values", "coverage"),
            (
                (
                    r["path"] or "–",
                    r["tags"],
                    r["used"],
                    "" if r["people"] is None else f"{r['people']:,}",
                    f"{r['values']:,}",
                    "" if r["coverage"] is None else f"{r['coverage']:.1%}",
                )
                for r in answer["categories"]
            ),
        )
        show.table(
            f"Tags, and what changed in {days} days",
            ("tag", "category", "people", "coverage", "change", "stale"),
            (
                (
                    r["key"],
                    r["category"] or "",
                    f"{r['people']:,}",
                    f"{r['coverage']:.1%}",
                    "" if r["change"] is None else f"{r['change']:+,}",
                    r["freshness"]["reason"],
                )
                for r in answer["tags"]
            ),
        )

    answer = ask(
        "tag counts", {"category": category, "days": days}, workspace=workspace, as_json=as_json, show=drawn
    )
    if file is not None:
        _counts_file(answer, file)


def _counts_file(answer: Json, file: Path) -> None:
    """One line a tag, with its people at the end of each day; UTF-8 with the mark that Excel needs."""
    with file.open("w", newline="", encoding="utf-8-sig") as opened:
        rows = csv.writer(opened)
        days = [row["day"] for row in answer["days"]]
        rows.writerow(["key", "category", "people", "coverage", "change", *days])
        for row in answer["tags"]:
            rows.writerow(
                [
                    row["key"],
                    row["category"] or "",
                    row["people"],
                    row["coverage"],
                    row["change"],
                    *row["trend"],
                ]
            )


@tag.command("transitions")
def tag_transitions(
    key: str,
    since: str = typer.Option(
        "", "--from", help="The earlier instant; default: 30 days before the later one."
    ),
    until: str = typer.Option("", "--to", help="The later instant; default: now."),
    view: str = View,
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """From which value of a tag to which people went between two instants; the counts add up to everybody."""

    def drawn(answer: Json) -> None:
        show.table(
            f"{answer['key']} from {answer['since']} to {answer['until']}: {answer['everybody']:,} people,"
            f" {answer['stayed']:,} stayed, {answer['moved']:,} moved, {answer['new']:,} new",
            ("was \\ is", *(_place(place) for place in answer["after"]), "all"),
            (
                (_place(place), *(f"{people:,}" for people in row), f"{place['people']:,}")
                for place, row in zip(answer["before"], answer["moves"], strict=True)
            ),
        )

    asked = {"key": key, "since": since, "until": until, "view": view}
    ask("tag transitions", asked, workspace=workspace, as_json=as_json, show=drawn)


def _place(place: Json) -> str:
    words = {"absent": "not here yet", "none": "no value", "rest": "all others"}
    return str(words.get(place["kind"], place["value"]))


@tag.command("members")
def tag_members(
    key: str,
    value: str = typer.Option("", "--value", help="Only who had this flag or text."),
    on: str = typer.Option("", "--on", help="At this instant; default: now."),
    limit: int = typer.Option(50),
    cursor: str = typer.Option("", help="`next` of the page before."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Who had the tag at an instant, as it was published then."""
    ask(
        "tag members",
        {"key": key, "value": value, "on": on, "limit": limit, "cursor": cursor},
        workspace=workspace,
        as_json=as_json,
        show=show.members,
    )


@tag.command("compare")
def tag_compare(
    keys: list[str] = typer.Argument(None, help="Only these tags and what they need; default: all."),
    as_of: str = typer.Option("", "--as-of", help="As if it were this instant; default: now."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Compute tags on the cluster and on this machine, publish neither, and count the values that differ.

    Exit 0: every value is equal. 1: some differ.
    """

    def drawn(answer: Json) -> None:
        show.table(
            f"{answer['differ']:,} values differ as of {answer['as_of']}",
            ("tag", "people", "differ"),
            ([row["tag"], row["people"], row["differ"]] for row in answer["tags"]),
        )

    answer = ask(
        "tag compare",
        {"keys": list(keys or []), "as_of": as_of},
        workspace=workspace,
        as_json=as_json,
        show=drawn,
    )
    if answer["differ"]:
        raise typer.Exit(1)


def _ran(answer: Json) -> None:
    columns = ("tag", "people", "entered", "left", "changed", "seconds")
    show.table(
        f"Tags as of {answer['as_of']}",
        columns,
        ([row.get(c) for c in columns] for row in answer["tags"]),
    )
    for row in answer["aside"]:
        hint = f"\n  hint: {row['hint']}" if row["hint"] else ""
        where = f"{row['where']}: " if row["where"] else ""
        said = f"not computed, {row['tag']} keeps its former values: {where}{row['message']}{hint}"
        out.print(show.clean_lines(said), soft_wrap=True)


@tag.command("plan")
def tag_plan(
    keys: list[str] = typer.Argument(None, help="Only these tags, and what goes along; default: all."),
    as_of: str = typer.Option("", "--as-of", help="As if they were computed at this instant; default: now."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What applying the tag files would change; nothing is published or written.

    Exit 0: nothing would change. 3: something would. 1: a definition is wrong.
    """
    answer = ask(
        "tag plan",
        {"keys": list(keys or []), "as_of": as_of},
        workspace=workspace,
        as_json=as_json,
        show=show.plan,
    )
    if answer["problems"]:
        raise typer.Exit(1)
    if answer["changes"]:
        raise typer.Exit(3)


@tag.command("apply")
def tag_apply(
    keys: list[str] = typer.Argument(None, help="Only these tags, and what goes along; default: all."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not show the plan and ask."),
    plan: str = typer.Option(
        "", "--plan", help="The plan that was looked at; refused when it no longer fits."
    ),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Show the plan, ask, then compute and publish exactly the tags that it names."""
    asked = {"keys": list(keys or [])}
    if not yes:
        if as_json:
            raise UsageError("--json cannot ask", where="--json", hint="say --yes too")
        shown = ask("tag plan", asked, workspace=workspace, as_json=False, show=show.plan)
        if shown["plan"] is None:
            raise typer.Exit(1)
        if not shown["changes"]:
            return
        if not typer.confirm("Apply this?"):
            out.print("nothing was applied")
            raise typer.Exit(1)
        plan = plan or shown["plan"]

    def drawn(answer: Json) -> None:
        if answer["run"] is None:
            out.print("nothing to apply")
            return
        _ran(answer["run"])
        if answer["removed"]:
            out.print(f"removed: {show.clean(', '.join(answer['removed']))}")

    ask("tag apply", {**asked, "plan": plan}, workspace=workspace, as_json=as_json, show=drawn)


@tag.command("schema")
def tag_schema() -> None:
    """Print the JSON Schema of tag files, by which editors complete and mark them."""
    from limner.tags import schema  # read here only

    typer.echo(json.dumps(schema.schema(), ensure_ascii=False, indent=2))


@tag.command("cut")
def tag_cut(
    key: str = typer.Argument(help="A tag with cuts at percentiles."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Compute a tag's cut points from what is published into its file; tag plan shows who would move."""

    def drawn(answer: Json) -> None:
        rows = zip(answer["at"], answer["before"], answer["frozen"], strict=True)
        show.table(f"{key}: {answer['people']:,} people have {answer['of']}", ("at", "was", "is"), rows)

    ask("tag cut", {"key": key}, workspace=workspace, as_json=as_json, show=drawn)


@tag.command("learn")
def tag_learn(
    key: str = typer.Argument(help="A tag of method learned."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Learn a tag's weights from past dates into its file; tag plan shows whose chance would change."""

    def drawn(answer: Json) -> None:
        rows = [(row["tag"], row["weight"], row["mean"]) for row in answer["features"]]
        show.table(
            f"{key}: AUC {answer['auc']} on {answer['tested']:,} later examples; learned from {answer['examples']:,},"
            f" of whom {answer['reached']:,} reached the label",
            ("feature", "weight", "mean"),
            rows,
        )
        out.print(answer["said"])

    ask("tag learn", {"key": key}, workspace=workspace, as_json=as_json, show=drawn)


@tag.command("test")
def tag_test(
    keys: list[str] = typer.Argument(None, help="Only these tags; default: all that have tests."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Try the tests that stand in the tag files, on people of their own; nobody's data take part.

    Exit 0: every test passed. 1: one failed, or a definition is wrong.
    """

    def drawn(answer: Json) -> None:
        show.table(
            f"{answer['passed']} passed, {answer['failed']} failed",
            ("tag", "test", ""),
            ([row["tag"], row["name"], "passed" if row["passed"] else "FAILED"] for row in answer["tests"]),
        )
        for row in answer["tests"]:
            if not row["passed"]:
                wanted, got = (show.clean(row[name] or "no value") for name in ("expected", "got"))
                out.print(f"{show.clean(row['where'])}: expected {wanted}, got {got}", soft_wrap=True)
        if answer["problems"]:
            show.problems(answer["problems"])

    answer = ask("tag test", {"keys": list(keys or [])}, workspace=workspace, as_json=as_json, show=drawn)
    if not answer["ok"]:
        raise typer.Exit(1)


@tag.command("list")
def tag_list(
    owner: str = typer.Option("", "--owner", help="Only tags that this department answers for."),
    source: str = typer.Option("", "--source", help="Only tags whose data come from this channel."),
    category: str = typer.Option("", "--category", help="Only this category and those below it."),
    nature: str = typer.Option("", "--nature", help="Only fact, model or prediction."),
    method: str = typer.Option("", "--method", help="Only observed, statistic, rule …"),
    static: bool = typer.Option(
        None, "--static/--dynamic", help="Only tags that stay, or that change as people act."
    ),
    stage: str = typer.Option("", "--stage", help="Only draft, review, published or deprecated."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """All tags with nature, method, people and freshness; with --owner how many people a department knows."""
    columns = ("key", "title", "nature", "method", "type", "owner", "stage", "people", "coverage", "as_of")

    def drawn(answer: Json) -> None:
        show.table(
            "Tags",
            columns,
            (
                [show.titled(row["titles"], row["key"]) if c == "title" else row[c] for c in columns]
                for row in answer["tags"]
            ),
        )
        for row in answer["owners"]:
            if owner and row["owner"] == owner:
                out.print(
                    f"{show.clean(owner)}: {row['tags']} tags, {row['people'] or 0:,} people have any of them"
                )

    ask(
        "tag list",
        {
            "owner": owner,
            "source": source,
            "category": category,
            "nature": nature,
            "method": method,
            "kind": "" if static is None else "static" if static else "dynamic",
            "stage": stage,
        },
        workspace=workspace,
        as_json=as_json,
        show=drawn,
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
        if answer["labels"]:
            show.table(
                f"Weights: {answer['formula']}",
                ("label", "mean", "people", "top of"),
                ([r["label"], f"{r['mean']:.3f}", r["people"], r["top"]] for r in answer["labels"]),
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


@tag.command("why")
def tag_why(
    who: str = typer.Argument(
        ...,
        metavar="PERSON",
        help="A user id, kind:value such as device:d1 or email:a@b.c, or an outward id.",
    ),
    key: str = typer.Argument(..., metavar="TAG"),
    as_of: str = typer.Option("", "--as-of"),
    view: str = View,
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Why the person has the tag, or has it not: what decided, what is missing, until when."""
    ask(
        "person why",
        {"id": who, "key": key, "as_of": as_of, "view": view},
        workspace=workspace,
        as_json=as_json,
        show=reasons.tag,
    )


@tag.command("lint")
def tag_lint(
    key: str = typer.Option("", "--tag", help="Only what concerns this tag."),
    code: str = typer.Option("", "--code", help="Only findings of this kind, such as same_definition."),
    level: str = typer.Option("", "--level", help="Only bad, warn or note."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What somebody should look at: names, definitions, people, use, coverage, freshness, unrest; with proposals."""
    ask(
        "tag lint",
        {"key": key, "code": code, "level": level},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Findings",
            ("level", "code", "what", "proposal", "hint"),
            ([row[c] for c in ("level", "code", "text", "proposal", "hint")] for row in answer["findings"]),
        ),
    )


@tag.command("siblings")
def tag_siblings(
    category: str = typer.Option("", "--category", help="Only this category and those below it."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """How the flags of a category relate by their definitions and their people, and groups that they could make."""

    def drawn(answer: Json) -> None:
        show.table("Siblings", groups.PAIR, (groups.pair(row) for row in answer["pairs"]))
        for item in answer["proposals"]:
            out.print(
                f"proposed: groups/NAME.yml of {item['proved']} proved and {item['suggested']} suggested pairs"
            )
            out.print(show.clean_lines(item["text"]))

    ask("tag siblings", {"category": category}, workspace=workspace, as_json=as_json, show=drawn)


@tag.command("lineage")
def tag_lineage(
    focus: str = typer.Argument(
        "", help="Only what this rests on and what rests on it: tag:vip, event:visit."
    ),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What is made of what: events and attributes, tags, audiences, campaigns."""

    def drawn(answer: Json) -> None:
        used: dict[str, list[str]] = {}
        for edge in answer["edges"]:
            used.setdefault(edge["to"], []).append(edge["from"])
        show.table(
            "Lineage",
            ("what", "people", "made of"),
            (
                (
                    node["id"],
                    "" if node["people"] is None else f"{node['people']:,}",
                    ", ".join(used.get(node["id"], ())),
                )
                for node in answer["nodes"]
            ),
        )

    ask("tag lineage", {"focus": focus}, workspace=workspace, as_json=as_json, show=drawn)


@tag.command("submit")
def tag_submit(
    key: str,
    reason: str = typer.Option("", "--reason", help="What the others should know."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Ask for the approval of a tag's file as it stands (where `approvals = true`)."""
    ask("tag submit", {"key": key, "reason": reason}, workspace=workspace, as_json=as_json, show=_review)


@tag.command("decide")
def tag_decide(
    key: str,
    decision: str = typer.Argument(help="approve or refuse."),
    reason: str = typer.Option("", "--reason", help="Why."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Approve or refuse a tag's text as it stands; whoever wrote or submitted it cannot."""
    ask(
        "tag decide",
        {"key": key, "decision": decision, "reason": reason},
        workspace=workspace,
        as_json=as_json,
        show=_review,
    )


def _review(answer: Json) -> None:
    show.pairs(answer["tag"], {word: answer[word] for word in ("state", "asked_by", "decided_by", "reason")})


@tag.command("reviews")
def tag_reviews(
    state: str = typer.Option("", "--state", help="Only waiting, approved, refused or void."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """The questions about tags and their answers, the latest first."""
    columns = ("tag", "state", "asked_by", "asked_at", "decided_by", "why", "metric", "reason")
    ask(
        "tag reviews",
        {"state": state},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Approvals of tags", columns, ([row[c] for c in columns] for row in answer["approvals"])
        ),
    )


@tag.command("versions")
def tag_versions(key: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Every text of a tag that was applied, the latest first."""
    columns = ("version", "at", "by", "approved_by", "run", "fingerprint", "current", "in_file")
    ask(
        "tag versions",
        {"key": key},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            f"Versions of {key}", columns, ([row[c] for c in columns] for row in answer["versions"])
        ),
    )


@tag.command("rollback")
def tag_rollback(key: str, version: int, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Write the text of a version back into the tag's file; the next run applies it."""
    ask(
        "tag rollback",
        {"key": key, "version": version},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(
            f"tags/{answer['key']}.yml holds version {answer['version']} again; next: limner tag run"
        ),
    )
