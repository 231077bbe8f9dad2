"""Verbs of ready journeys: what there is, what it would become here, and putting it in."""

from __future__ import annotations

from collections.abc import Mapping

from limner.accounts.model import LOCAL, Caller
from limner.campaigns import journey_text
from limner.campaigns.text import NAME
from limner.errors import ConflictError, LimnerError, UsageError, did_you_mean
from limner.tags.document import Document
from limner.templates import ready
from limner.templates.ready import Parameter, Ready
from limner.types import Json, ValueType
from limner.workspace import definitions, writing
from limner.workspace.runs import said
from limner.workspace.workspace import Workspace

_NONE: dict[str, str] = {}


def ready_list(workspace: Workspace) -> Json:
    """The ready journeys: what each is for, and which events and attributes it would read here."""
    workspace.load()
    return {"ready": [_described(workspace, ready.read(key)) for key in ready.names()]}


def ready_show(workspace: Workspace, key: str) -> Json:
    """One ready journey: what it asks for and what would be taken here, its messages in both languages, its files."""
    workspace.load()
    item = ready.read(key)
    return {
        **_described(workspace, item),
        "messages": [
            {
                "name": name,
                "subject": dict(copy.subject),
                "lines": {language: list(lines) for language, lines in copy.lines.items()},
            }
            for name, copy in item.messages.items()
        ],
    }


def ready_preview(
    workspace: Workspace, key: str, name: str, values: dict[str, str] = _NONE, language: str = "en"
) -> Json:
    """What installing the ready journey would write, as text and as the fields of its drawing; nothing is kept."""
    return ready_install(workspace, key, name, values, language, dry_run=True)


def ready_install(
    workspace: Workspace,
    key: str,
    name: str,
    values: dict[str, str] = _NONE,
    language: str = "en",
    dry_run: bool = False,
    caller: Caller = LOCAL,
) -> Json:
    """Writes the ready journey's files under this name, all or none; it does not start.

    `values`: what it asks for; what is not given is what fits here, or else what is usual. `unseen`: events and
    attributes that nobody here has had yet. Raises ConflictError where another file of a name is there.
    """
    workspace.load()
    item = ready.read(key)
    if not NAME.fullmatch(name):
        raise UsageError(f"'{name}' is no journey name", where="name", hint="use [a-z][a-z0-9_]*, at most 64")
    given = _given(workspace, item, values)
    tags = definitions.tags(workspace)
    wanted = ready.texts(
        item,
        name=name,
        given=given,
        language=language,
        flag=lambda tag: tag not in tags or tags[tag].type is ValueType.FLAG,
    )
    there = {place: writing.read_text(writing.path_of(workspace, *place)) for place in wanted}
    taken = [place for place, text in there.items() if text is not None and text != wanted[place]]
    if taken and not dry_run:
        raise ConflictError(
            f"{taken[0][0]}/{taken[0][1]} is there already",
            where="name",
            hint="install it under another name",
        )
    new = {place: text for place, text in wanted.items() if there[place] is None}
    problems = _problems(workspace, new)
    if problems and not dry_run:
        first = problems[0]
        raise UsageError(first["message"], where=first["where"], hint=first["hint"])
    if not dry_run and new:
        texts = {place: (None, text) for place, text in new.items()}
        writing.replace_together(workspace, texts, caller=caller, action=f"install journey {name}")
    return {
        "key": key,
        "name": name,
        "language": language,
        "dry_run": dry_run,
        "values": given,
        "files": [
            {"kind": kind, "name": file, "text": text, "exists": there[kind, file] is not None}
            for (kind, file), text in wanted.items()
        ],
        "taken": [f"{kind}/{file}" for kind, file in taken],
        "journeys": [
            {"name": file, "fields": journey_text.plain(Document(text, where=f"journeys/{file}.yml").root)}
            for (kind, file), text in wanted.items()
            if kind == "journeys"
        ],
        "unseen": [
            given[asked.name]
            for asked in item.parameters
            if asked.kind in ("event", "attribute") and not _is_known(workspace, asked, given[asked.name])
        ],
        "problems": problems,
    }


def _given(workspace: Workspace, item: Ready, values: Mapping[str, str]) -> dict[str, str]:
    names = [asked.name for asked in item.parameters]
    for name in values:
        if name not in names:
            raise UsageError(
                f"'{item.key}' does not ask for '{name}'",
                where=f"with.{name}",
                hint=did_you_mean(name, names) or f"one of {', '.join(names)}",
            )
    for name, value in values.items():
        if not isinstance(value, str):
            raise UsageError(f"'{name}' must be a text", where=f"with.{name}", code="invalid_type")
    return {**ready.usual(item, lambda asked: _fitting(workspace, asked)), **values}


def _described(workspace: Workspace, item: Ready) -> Json:
    found = ready.usual(item, lambda asked: _fitting(workspace, asked))
    return {
        "key": item.key,
        "titles": dict(item.title),
        "about": dict(item.about),
        "icon": item.icon,
        "journeys": list(item.journeys),
        "sends": len(item.messages),
        "parameters": [
            {
                "name": asked.name,
                "kind": asked.kind,
                "titles": dict(asked.title),
                "value": found[asked.name],
                "least": asked.least,
                "most": asked.most,
                "known": _is_known(workspace, asked, found[asked.name]),
            }
            for asked in item.parameters
        ],
    }


def _fitting(workspace: Workspace, asked: Parameter) -> str:
    """The name that is known here and fits best, '' if none does."""
    names = definitions.catalog(workspace)
    if asked.kind == "event":
        return next((event for event in asked.among if names.event_codes(event)), "")
    if asked.kind == "attribute" and asked.like:
        return next((name for name in names.attribute_names() if asked.like in name.lower()), "")
    return ""


def _is_known(workspace: Workspace, asked: Parameter, value: str) -> bool:
    """Whether somebody here has had the event or the attribute; anything else is as it is."""
    names = definitions.catalog(workspace)
    if asked.kind == "event":
        return bool(names.event_codes(value))
    if asked.kind == "attribute":
        return value.removeprefix("person.").partition(".")[0] in set(names.attribute_names())
    return True


def _problems(workspace: Workspace, new: Mapping[tuple[str, str], str]) -> list[Json]:
    """What would be wrong with the new files that is right without them."""
    found: list[Json] = []
    for (kind, file), text in new.items():
        if kind == "journeys":
            try:
                journey_text.read(text, file)
            except LimnerError as error:
                found.append(said(error))
    if found:
        return found
    before = {(item["where"], item["message"]) for item in definitions.problems(workspace)}
    return [
        item
        for item in definitions.problems(
            workspace, instead={place: text for place, text in new.items() if place[0] != "templates"}
        )
        if (item["where"], item["message"]) not in before
    ]
