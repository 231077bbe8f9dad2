"""Commands that give tags' values by hand: to one person, to many, taken back, imported, and undone."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import show
from limner.cli.ask import After, AsJson, Most, Standing, Workspace, ask, noun, out
from limner.errors import NotFoundError, UsageError
from limner.types import Json

given = noun("Values given by hand.")

Where = typer.Option("", "--where", help="Everybody in this condition.")
People = typer.Option(
    None, "--people", help="Everybody in this file: an id (user id, or kind:value) in each line."
)
Yes = typer.Option(False, "--yes", "-y", help="Do it. Without it, what would change is shown.")
Dry = typer.Option(False, "--dry-run", help="Only show what would change.")


@given.command("give")
def tag_give(
    key: str,
    value: str = typer.Argument(..., help="The value; true for a flag that is set."),
    person: str = typer.Argument("", help="One person: a user id, or kind:value."),
    where: str = Where,
    people: Path = People,
    until: str = typer.Option("", "--until", help="When the value ends; default: by the tag's validity."),
    by_customer: bool = typer.Option(
        False, "--by-customer", help="The person said so: a correction of their own."
    ),
    yes: bool = Yes,
    dry_run: bool = Dry,
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Give a tag's value by hand: to one person at once, to many after a look at what would change (--yes).

    Of a tag that is computed, the given value stands in the place of the computed one until it is taken back.
    """
    if by_customer:
        if not person or where or people:
            raise UsageError("a customer corrects values of their own: name one person", where="person")
        asked = {"key": key, "value": value, "until": until, "person": person}
        ask("tag correct", asked, workspace=workspace, as_json=as_json, show=_given)
        return
    asked = {"key": key, "value": value, "until": until, **_whom(person, where, people)}
    go = _goes(person, yes=yes, dry_run=dry_run)
    ask("tag give" if go else "tag give preview", asked, workspace=workspace, as_json=as_json, show=_given)


@given.command("take")
def tag_take(
    key: str,
    person: str = typer.Argument("", help="One person: a user id, or kind:value."),
    where: str = Where,
    people: Path = People,
    yes: bool = Yes,
    dry_run: bool = Dry,
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Take values that were given by hand back; what is computed or imported counts again."""
    go = _goes(person, yes=yes, dry_run=dry_run)
    ask(
        "tag take" if go else "tag take preview",
        {"key": key, **_whom(person, where, people)},
        workspace=workspace,
        as_json=as_json,
        show=_given,
    )


@given.command("import")
def tag_import(
    key: str,
    file: Path = typer.Argument(..., help="A file with the columns person and value, perhaps expires_at."),
    source: str = typer.Option("", "--source", help="Where the values come from; default: the tag's source."),
    until: str = typer.Option("", "--until", help="When they end; default: by the tag's validity."),
    dry_run: bool = Dry,
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Give the values of a file to its people; a value that was given by hand stays.

    Exit 0: every row was taken. 1: rows were rejected; they are listed with their reasons.
    """
    if not file.is_file():
        raise NotFoundError(f"there is no file '{file}'")

    def drawn(answer: Json) -> None:
        out.print(
            f"{answer['rows']:,} rows: {answer['taken']:,} taken ({answer['changes']:,} changes, {answer['same']:,}"
            f" as before), {answer['rejected_total']:,} rejected"
        )
        if answer["by_hand"]:
            out.print(f"{answer['by_hand']:,} people keep another value that was given by hand")
        _listed(answer, ("line", "person", "reason"))
        _next(answer)

    answer = ask(
        "tag import preview" if dry_run else "tag import",
        {"key": key, "file": str(file.resolve()), "source": source, "until": until},
        workspace=workspace,
        as_json=as_json,
        show=drawn,
    )
    if answer["rejected_total"]:
        raise typer.Exit(1)


@given.command("batches")
def tag_batches(
    key: str = typer.Argument("", help="Only of this tag."),
    limit: int = Most,
    cursor: str = After,
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """What was given, taken, imported and undone, the latest first; `standing`: of whom it is still the state."""
    columns = ("batch", "what", "tag", "value", "at", "by", "chosen", "people", "standing", "undone_by")
    ask(
        "tag batches",
        {"key": key, "limit": limit, "cursor": cursor},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Batches", columns, ([row[c] for c in columns] for row in answer["batches"])
        ),
    )


@given.command("undo")
def tag_undo(
    batch: str,
    dry_run: bool = Dry,
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Give everybody in a batch exactly what was there before it; who was changed since is left and named.

    Exit 0: everybody has it again. 1: some were changed since.
    """

    def drawn(answer: Json) -> None:
        would = "" if answer["batch"] else "would "
        back = "have again what was there before" if answer["batch"] else "get back what was there before"
        out.print(f"{answer['changes']:,} of {answer['people']:,} people {would}{back}")
        if answer["changed_total"]:
            show.table(
                f"{answer['changed_total']:,} have another value since and keep it",
                ("person", "by", "at"),
                ([row[c] for c in ("person", "by", "at")] for row in answer["changed"]),
            )
        _listed(answer, ("person", "reason"))
        _next(answer)

    answer = ask(
        "tag undo preview" if dry_run else "tag undo",
        {"batch": batch},
        workspace=workspace,
        as_json=as_json,
        show=drawn,
    )
    if answer["changed_total"] or answer["rejected_total"]:
        raise typer.Exit(1)


@given.command("conflicts")
def tag_conflicts(
    key: str = typer.Argument("", help="The tag; without it, every tag that has conflicts."),
    standing: bool = Standing,
    limit: int = Most,
    cursor: str = After,
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Where a value given by hand differs from the computed or imported one; the one given by hand counts."""
    if not key:
        columns = ("key", "standing", "total")
        ask(
            "conflict list",
            {},
            workspace=workspace,
            as_json=as_json,
            show=lambda answer: show.table(
                "Conflicts of given values", columns, ([row[c] for c in columns] for row in answer["tags"])
            ),
        )
        return
    ask(
        "tag conflicts",
        {"key": key, "standing": standing, "limit": limit, "cursor": cursor},
        workspace=workspace,
        as_json=as_json,
        show=show.conflicts(("person", "given", "computed", "by", "at", "ended")),
    )


@given.command("accuracy")
def tag_accuracy(key: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """How often a tag is right about people whose truth was declared: precision, recall, with their intervals."""

    def drawn(answer: Json) -> None:
        if not answer["enough"]:
            out.print(
                f"not enough data: the truth of {answer['people']:,} people is known, {answer['needed']:,} are needed"
            )
        else:
            rows = [("all", answer), *((row["value"], row) for row in answer["values"])]
            show.table(
                f"{key} against {answer['truth']}: {answer['people']:,} people,"
                f" {answer['corrected']:,} corrected by hand",
                ("value", "precision", "recall"),
                ([name, _percent(row["precision"]), _percent(row["recall"])] for name, row in rows),
            )
        declared = answer["declared"]
        shares = ", ".join(
            f"{100 * declared[word]:.1f} % of {said}"
            for word, said in (
                ("of_everybody", "everybody"),
                ("of_tagged", "those with the tag"),
                ("of_others", "the others"),
            )
            if declared[word] is not None
        )
        out.print(f"who declared: {shares}")
        if answer["meets"] is not None:
            out.print(
                f"it must be right about {answer['at_least']:.0%}: {'met' if answer['meets'] else 'not met'}"
            )

    ask("tag accuracy", {"key": key}, workspace=workspace, as_json=as_json, show=drawn)


def _percent(found: Json | None) -> str | None:
    if found is None:
        return None
    low, high = (100 * found[end] for end in ("low", "high"))
    return f"{100 * found['share']:.1f} % ({low:.1f} to {high:.1f}), {found['right']:,} of {found['of']:,}"


def _whom(person: str, where: str, people: Path | None) -> Json:
    if sum(map(bool, (person, where, people))) != 1:
        raise UsageError("name one person, --where a condition, or --people a file", where="--where")
    if people is None:
        return {"person": person, "where": where}
    if not people.is_file():
        raise NotFoundError(f"there is no file '{people}'")
    lines = people.read_text(encoding="utf-8-sig").splitlines()
    listed = [line.strip() for line in lines if line.strip()]
    if not listed:
        raise UsageError(f"{people} names nobody", where="--people")
    return {"people": listed}


def _goes(person: str, *, yes: bool, dry_run: bool) -> bool:
    """Whether it is done: for one person unless it is a dry run, for many only when they said so."""
    return not dry_run and (yes or bool(person))


def _given(answer: Json) -> None:
    what = "take the value from" if answer["value"] is None else f"give {show.clean(answer['value'])} to"
    out.print(
        f"{answer['changes']:,} of {answer['people']:,} people change ({what} them);"
        f" {answer['same']:,} stay as they are"
    )
    if answer["before"]:
        show.table(
            f"{answer['tag']} before",
            ("value", "people"),
            ([row["value"], f"{row['people']:,}"] for row in answer["before"]),
        )
    _listed(answer, ("person", "reason"))
    _next(answer, yes=True)


def _listed(answer: Json, columns: tuple[str, ...]) -> None:
    if answer["rejected_total"]:
        show.table(
            f"{answer['rejected_total']:,} left out",
            columns,
            ([row[c] for c in columns] for row in answer["rejected"]),
        )


def _next(answer: Json, *, yes: bool = False) -> None:
    if answer["batch"]:
        out.print(f"back again: limner tag undo {answer['batch']}")
    elif answer["changes"]:
        out.print("nothing was written; with --yes it is" if yes else "nothing was written")
