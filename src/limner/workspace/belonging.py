"""Which saved audiences somebody was in at a past instant: by their conditions, and by the snapshots of then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from sqlalchemy import bindparam, text

from limner.accounts.keys import micros
from limner.audiences import model as audiences
from limner.audiences import versions
from limner.audiences.model import Audience
from limner.audiences.snapshot import MEMBER
from limner.errors import LimnerError
from limner.expressions.tree import InAudience
from limner.identity import people
from limner.identity.model import Identifier
from limner.identity.then import Everyone, Then
from limner.portraits import why as reasons
from limner.tags.graph import Graph
from limner.types import Json, naive, utc
from limner.workspace import definitions
from limner.workspace.catalog import WorkspaceCatalog
from limner.workspace.workspace import Workspace

SNAPSHOT, CONDITION, BOTH = "snapshot", "condition", "both"
"""By what somebody is in an audience: its last snapshot, its condition at the instant, or both."""


def keep_versions(workspace: Workspace) -> None:
    """Writes down what every audience says now, where it says something else than the last time."""
    saved, _ = audiences.read_folder_leniently(workspace.paths.folder / "audiences")
    versions.keep(workspace.records, saved, now=workspace.clock())


@dataclass(frozen=True)
class Named:
    """The saved audiences of an instant, which text stands for each (see `versions`), and what all names mean."""

    saved: Mapping[str, Audience]
    which: Mapping[str, str]
    names: WorkspaceCatalog


def named_at(
    workspace: Workspace,
    at: datetime,
    *,
    then: bool = False,
    person: Then | None = None,
    everyone: Everyone | None = None,
) -> Named:
    """The audiences as they are defined today, or with `then` as they were.

    `person`: who somebody was then. Lists kept by hand hold nobody else, so only they may be asked for. `everyone`: who
    all were then, which is who is on lists.
    """
    saved, _ = audiences.read_folder_leniently(workspace.paths.folder / "audiences")
    which = dict.fromkeys(saved, versions.TODAY)
    if then:
        saved, which = versions.as_of(workspace.records, saved, at)
    names = definitions.catalog_of(workspace, saved)
    if person is not None:
        mine = people.named_by(workspace.engine, person.all_ids)
        for name, audience in saved.items():
            if audience.members is not None:
                inside = _listed(audience.members, mine, keys=workspace.config.strong_keys)
                names.list_as(name, frozenset({person.ix} if inside else ()))
    if everyone is not None:
        for name, audience in saved.items():
            if audience.members is not None:
                names.list_as(name, _members_then(workspace, audience.members, everyone))
    return Named(saved, which, names)


def _members_then(workspace: Workspace, members: Sequence[str], everyone: Everyone) -> frozenset[int]:
    """Whose then the identifiers of a list were; an outward id is whoever bore it."""
    keys = workspace.config.strong_keys
    wanted = [people.named(member, keys=keys) for member in members]
    found = workspace.engine.read(
        "SELECT COALESCE(t.ix, i.ix) AS ix FROM wanted AS w"
        " JOIN identifiers AS i ON i.kind = w.kind AND i.value = w.value LEFT JOIN"
        " (SELECT i, ix FROM who UNION ALL SELECT i, ix FROM devices) AS t ON t.i = i.i"
        " UNION SELECT CASE WHEN h.ix IS NULL THEN COALESCE(p.merged_into, p.ix)"
        " ELSE COALESCE(h.merged_into, p.ix) END FROM wanted AS w JOIN persons AS p ON p.person_id = w.value"
        " AND w.kind = 'person' LEFT JOIN homes AS h ON h.ix = p.ix",
        given={
            "wanted": pa.table(
                {
                    "kind": pa.array([name.kind for name in wanted], pa.string()),
                    "value": pa.array([name.value for name in wanted], pa.string()),
                }
            ),
            "who": everyone.who,
            "devices": everyone.devices,
            "homes": everyone.homes,
        },
    )
    return frozenset(found.column("ix").to_pylist())


def _listed(members: Sequence[str], mine: set[Identifier], *, keys: Sequence[str]) -> bool:
    return any(people.named(member, keys=keys) in mine for member in members)


def audiences_at(
    workspace: Workspace,
    ix: int,
    at: datetime,
    *,
    named: Named,
    graph: Graph,
    heard: datetime | None = None,
    person: Then | None = None,
) -> list[Json]:
    """The audiences whose condition held for the person at the instant, or whose snapshot of then has them.

    Each with `since` when by its snapshots, `by` what (`condition`, `snapshot`, `both`), and which text was asked
    (`definition`). An audience that cannot be asked is there by its snapshot only. `heard`, `person`: by what had been
    received by then, of who they were then.
    """
    held = _held(workspace, ix, at, named=named, graph=graph, heard=heard, person=person)
    kept = since_then(workspace, ix, at, heard=heard, person=person)
    return [
        {
            "name": name,
            "titles": dict(audience.title),
            "since": kept[name].isoformat() if name in kept else None,
            "by": BOTH if name in held and name in kept else CONDITION if name in held else SNAPSHOT,
            "definition": named.which[name],
        }
        for name, audience in named.saved.items()
        if name in held or name in kept
    ]


def _held(
    workspace: Workspace,
    ix: int,
    at: datetime,
    *,
    named: Named,
    graph: Graph,
    heard: datetime | None,
    person: Then | None,
) -> set[str]:
    """The audiences whose condition held: asked together, and one by one when one of them cannot be asked."""

    def asked(wanted: list[str]) -> list[bool]:
        return reasons.all_held(
            workspace.engine,
            ix,
            [InAudience(name) for name in wanted],
            graph=graph,
            catalog=named.names,
            at=at,
            heard=heard,
            person=person,
        )

    wanted = list(named.saved)
    try:
        return {name for name, holds in zip(wanted, asked(wanted), strict=True) if holds}
    except LimnerError:
        found = set()
        for name in wanted:
            with suppress(LimnerError):
                found |= {name} if asked([name])[0] else set()
        return found


def since_then(
    workspace: Workspace,
    ix: int,
    at: datetime,
    *,
    heard: datetime | None = None,
    person: Then | None = None,
) -> dict[str, datetime]:
    """The audiences in whose snapshots the person was at the instant, and since when.

    Of everybody who is one with them; with `person` of whoever was then. `heard`: by the snapshots that had been taken.
    """
    engine = workspace.engine
    if person is None:
        ixs = engine.read("SELECT ix FROM persons WHERE ix = $ix OR merged_into = $ix", {"ix": ix})
    else:
        ixs = engine.read(
            "SELECT $ix::UINTEGER AS ix UNION SELECT home FROM identifiers WHERE home IS NOT NULL"
            " AND i IN (SELECT UNNEST($ids::UINTEGER[]))",
            {"ix": ix, "ids": list(person.all_ids)},
        )
    asked = {"ixs": ixs.column("ix").to_pylist(), "at": naive(at)}
    mine = (
        "ix IN (SELECT UNNEST($ixs::UINTEGER[])) AND starts_with(subject, 'audience:') AND ts <= $at"
        " AND NOT list_contains($late::VARCHAR[], run)"
    )
    late: list[str] = []
    if heard is not None:
        runs = engine.read(f"SELECT DISTINCT run FROM changes WHERE {mine}", {**asked, "late": []})
        late = _begun_after(workspace, runs.column("run").to_pylist(), heard)
    rows = engine.read(
        "SELECT subject, MIN(since) AS since FROM (SELECT subject, ix, MAX(ts) AS since,"
        f" ARG_MAX(ROW(after), ROW(ts, rowid))[1] AS held FROM changes WHERE {mine} GROUP BY subject, ix)"
        " WHERE held = $member GROUP BY subject",
        {**asked, "late": late, "member": MEMBER},
    ).to_pylist()
    return {row["subject"].removeprefix("audience:"): utc(row["since"]) for row in rows}


def snapped(workspace: Workspace, name: str, at: datetime, *, heard: datetime | None = None) -> bool:
    """Whether there was a snapshot of the audience by then; `heard`: one that had been taken."""
    found = workspace.engine.read(
        "SELECT DISTINCT run FROM changes WHERE subject = $subject AND ts <= $at",
        {"subject": f"audience:{name}", "at": naive(at)},
    )
    runs = found.column("run").to_pylist()
    return bool(set(runs) - set([] if heard is None else _begun_after(workspace, runs, heard)))


def _begun_after(workspace: Workspace, runs: Sequence[str], at: datetime) -> list[str]:
    """Those of the runs that began later, whatever instant they were asked for."""
    with workspace.records.read() as connection:
        found = connection.execute(
            text("SELECT id FROM runs WHERE id IN :runs AND started_at > :at").bindparams(
                bindparam("runs", expanding=True)
            ),
            {"runs": list(runs), "at": micros(at)},
        )
        return [row.id for row in found]
