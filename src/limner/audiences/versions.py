"""Versions: what each audience's file said since when. A text by hand is noticed at the next run or snapshot."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, text

from limner.accounts.keys import instant, micros
from limner.audiences.model import Audience, read, write
from limner.errors import DefinitionError
from limner.store.records import Records

THEN, FIRST, TODAY = "then", "first", "today"
"""Which text stands for that of a past instant: it; the first that was kept, which is later; that of today."""


def keep(records: Records, saved: Mapping[str, Audience], *, now: datetime) -> None:
    """Writes down each text that is not the last one kept; the same call twice adds none."""
    with records.read() as connection:
        rows = connection.execute(
            text(
                "SELECT audience, text FROM audience_versions AS v WHERE version ="
                " (SELECT MAX(version) FROM audience_versions AS w WHERE w.audience = v.audience)"
            )
        ).all()
    last = {row.audience: row.text for row in rows}
    fresh = {name: audience.text for name, audience in saved.items() if audience.text != last.get(name)}
    if not fresh:
        return
    with records.begin() as connection:
        for name, said in sorted(fresh.items()):
            note(connection, name, said, now=now)


def note(connection: Connection, name: str, said: str, *, now: datetime) -> None:
    """Writes down what the audience says from now on, if it said something else."""
    connection.execute(
        text(
            "INSERT INTO audience_versions (audience, version, text, at)"
            " SELECT :name, COALESCE(MAX(version), 0) + 1, :said, :at FROM audience_versions WHERE audience = :name"
            " HAVING NOT EXISTS (SELECT 1 FROM audience_versions AS v WHERE v.audience = :name AND v.text = :said"
            " AND v.version = (SELECT MAX(version) FROM audience_versions AS w WHERE w.audience = :name))"
        ),
        {"name": name, "said": said, "at": micros(now)},
    )


def as_of(
    records: Records, saved: Mapping[str, Audience], at: datetime
) -> tuple[dict[str, Audience], dict[str, str]]:
    """The audiences as they were defined then, and of each which text it is: THEN, FIRST or TODAY."""
    with records.read() as connection:
        rows = connection.execute(
            text("SELECT audience, text, at FROM audience_versions ORDER BY audience, version")
        ).all()
    kept: dict[str, list[tuple[datetime, str]]] = {}
    for row in rows:
        kept.setdefault(row.audience, []).append((instant(row.at), row.text))
    found: dict[str, Audience] = {}
    which: dict[str, str] = {}
    for name, audience in saved.items():
        versions = kept.get(name, [])
        then = [said for since, said in versions if since <= at]
        said, word = (
            (then[-1], THEN) if then else (versions[0][1], FIRST) if versions else (audience.text, TODAY)
        )
        try:
            found[name] = audience if said == audience.text else read(said, name)
        except DefinitionError:  # a text of then that this version no longer reads
            found[name], word = audience, TODAY
        which[name] = word
    return found, which


def erase(records: Records, words: Collection[str]) -> int:
    """How many texts named one of these people in a list kept by hand; now they do not."""
    changed = 0
    with records.begin() as connection:
        rows = connection.execute(text("SELECT audience, version, text FROM audience_versions")).all()
        for row in rows:
            if not any(word in row.text for word in words):
                continue
            try:
                listed = read(row.text, row.audience)
            except DefinitionError:
                continue
            names = {*words, *(f"user:{word}" for word in words)}
            if listed.members is None or not names & set(listed.members):
                continue
            left = replace(listed, members=tuple(one for one in listed.members if one not in names))
            connection.execute(
                text(
                    "UPDATE audience_versions SET text = :text WHERE audience = :name AND version = :version"
                ),
                {"text": write(left), "name": row.audience, "version": row.version},
            )
            changed += 1
    return changed
