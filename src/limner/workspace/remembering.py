"""What was known at a past instant against what is true of it: two views, of data and of definitions."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import text

from limner.accounts.keys import micros
from limner.errors import ConflictError, DefinitionError, UsageError
from limner.identity import people
from limner.identity.model import PERSON, Identifier
from limner.identity.then import Then, Until, nobody, people_then
from limner.tags import text as tag_text
from limner.tags.model import Tag
from limner.types import naive
from limner.workspace.workspace import Workspace

KNOWN, TRUE = "known", "true"
"""By what had been received and defined by then; by everything that is received and defined today."""


def view_of(workspace: Workspace, view: str, at: datetime, *, ix: int | None = None) -> str:
    """The view that is asked for; without a wish what was known then.

    Before anything was heard at all (of everybody, or of one person) there is nothing to know: what was imported later
    tells of such an instant, and without a wish it is what is true of it. Raises UsageError for any other word.
    """
    if view in (KNOWN, TRUE):
        return view
    if view:
        raise UsageError(
            f"'{view}' is no view of the past", where="view", hint="known (then), or true (by all of today)"
        )
    return KNOWN if at >= workspace.clock() or heard(workspace, at, ix=ix) else TRUE


def heard(workspace: Workspace, at: datetime, *, ix: int | None = None) -> bool:
    """Whether anything had been received by then, of everybody or of one person."""
    mine = "" if ix is None else " AND ix = $ix"
    parts = [
        f"EXISTS (SELECT 1 FROM {table} WHERE received_at <= $at{mine})" for table in ("events", "attributes")
    ]
    found = workspace.engine.read(f"SELECT {' OR '.join(parts)} AS heard", {"at": naive(at), "ix": ix})
    return bool(found["heard"][0].as_py())


def forgotten(workspace: Workspace, ix: int, at: datetime) -> bool:
    """Whether anything was received, or joined, after that instant: only then is what was known then another thing."""
    if at >= workspace.clock():
        return False
    columns = workspace.columns
    return (
        columns is None or at < columns.as_of or moved_since(workspace, ix, at) or _heard_since(workspace, at)
    )


def _heard_since(workspace: Workspace, at: datetime) -> bool:
    found = workspace.engine.read(
        "SELECT EXISTS (FROM events WHERE received_at > $at) AS later", {"at": naive(at)}
    )
    return bool(found["later"][0].as_py())


def moved_since(workspace: Workspace, ix: int, at: datetime) -> bool:
    """Whether identifiers or events came to the person, or went, after that instant: no view unmakes that."""
    found = workspace.engine.read(
        "SELECT EXISTS (SELECT 1 FROM moved WHERE ix = $ix AND load_i >"
        " (SELECT COALESCE(MAX(load_i), 0) FROM events WHERE received_at <= $at)) AS moved",
        {"ix": ix, "at": naive(at)},
    )
    return bool(found["moved"][0].as_py())


@dataclass(frozen=True)
class Who:
    """Who somebody was at a past instant. `others`: who is one with them today and was not then.

    `unknown`: why it cannot be told, empty when it can; then `person` is None.
    """

    person: Then | None
    others: tuple[Then, ...] = ()
    unknown: str = ""

    @property
    def moved(self) -> bool:
        """Whether they are not who they were."""
        was = self.person is not None and bool(self.person.all_ids) and not self.person.same
        return was or bool(self.others)


def who_then(workspace: Workspace, id: str, ix: int, at: datetime, view: str) -> Who:
    """Who this was: by what had been heard by then, or by what had been so by then.

    Of whom nobody had heard has no identifier yet, and nothing is theirs. `ix`: whose ordinal it is today.
    """
    keys = workspace.config.strong_keys
    name = people.named(id, keys=keys)
    if people.find(workspace.engine, id, keys=keys) is None:
        name = Identifier(PERSON, id)
    try:
        person, others = people_then(workspace.engine, name, Until(at, true=view == TRUE))
    except ConflictError as error:
        return Who(None, unknown=error.message)
    if person is None:
        return Who(nobody(ix), others)
    if not person.known:
        return Who(None, unknown="it was part of somebody from the first, and nobody by itself")
    return Who(person, others)


def whose(workspace: Workspace, was: Who) -> Then | None:
    """Whose events count as of then; None: those of today's person, as far as they had been heard of."""
    person = was.person
    if person is None or not person.same or len(person.turns.device):
        return person
    found = workspace.engine.read(
        "SELECT EXISTS (FROM intervals WHERE ix = $ix) AS shared", {"ix": person.ix}
    )
    return person if found["shared"][0].as_py() else None


def tags_then(
    workspace: Workspace, tags: Mapping[str, Tag], at: datetime
) -> tuple[dict[str, Tag], list[str]]:
    """The tags as they were defined then, and which of them nobody had defined yet: these are as they began.

    Who may see a value, and what excludes what, is as it is today. A tag that was never applied is as it stands.
    """
    with workspace.records.read() as connection:
        rows = connection.execute(
            text("SELECT tag, text, at FROM tag_versions ORDER BY tag, version")
        ).mappings()
        versions: dict[str, list[tuple[int, str]]] = {}
        for row in rows:
            versions.setdefault(row["tag"], []).append((int(row["at"]), row["text"]))
    found: dict[str, Tag] = {}
    later: list[str] = []
    for key, tag in tags.items():
        held = versions.get(key, [])
        then = [written for applied_at, written in held if applied_at <= micros(at)]
        if not then:
            later.append(key)
        written = (then or [written for _, written in held[:1]] or [tag.text])[-1]
        found[key] = tag
        with suppress(DefinitionError):  # a text of then that this version no longer reads
            read = tag if written == tag.text else tag_text.read(written, key)
            found[key] = replace(
                read,
                group=tag.group,
                sensitivity=tag.sensitivity,
                measures=tag.measures,
                objects=tag.objects,
            )
    return found, later
