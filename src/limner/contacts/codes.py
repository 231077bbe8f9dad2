"""Channel codes: a file per code under codes/, and what was made of it at the platform. Pure, and records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path

from sqlalchemy import text

from limner.accounts.keys import instant, micros
from limner.campaigns.text import NAME, choice
from limner.errors import DefinitionError, LimnerError
from limner.store.records import Records
from limner.tags.document import Document

WECOM, OFFICIAL = "wecom", "official_account"
KINDS = (WECOM, OFFICIAL)
KEYS = ("kind", "title", "scene", "staff", "skip_verify", "remark", "lasts", "owner", "why")
MOST_SCENE = {WECOM: 30, OFFICIAL: 64}
"""Characters of a scene that the platforms take."""
MOST_STAFF = 100
LONGEST = timedelta(days=30)


@dataclass(frozen=True)
class Code:
    """One code. `scene`: what comes back with everybody who comes by it; `staff`: whose customers they become (WeCom);
    `lasts`: how long a code of an official account works, None for ever."""

    name: str
    kind: str
    title: Mapping[str, str]
    scene: str
    staff: tuple[str, ...] = ()
    skip_verify: bool = True
    remark: str = ""
    lasts: timedelta | None = None

    @property
    def digest(self) -> str:
        """What tells whether the platform must be told of the file's text."""
        said = [self.kind, self.scene, list(self.staff), self.skip_verify, self.remark, str(self.lasts)]
        return blake2b(json.dumps(said).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Made:
    """What there is at the platform: its own id of the code, and where its picture is."""

    name: str
    kind: str
    made: str
    url: str
    digest: str
    made_at: datetime
    ends_at: datetime | None


def read(text_: str, name: str, *, file: str | None = None) -> Code:
    """The code that the text defines. Raises DefinitionError at the place that is wrong."""
    document = Document(text_, where=file or f"codes/{name}.yml")
    if not NAME.fullmatch(name):
        raise DefinitionError(
            f"'{name}' is no name of a code", where=document.where, hint="use [a-z][a-z0-9_]*, at most 64"
        )
    document.known_keys(KEYS)
    kind = choice(document, "kind", among=KINDS, default=WECOM)
    scene = document.string("scene") or name
    if not scene.strip() or len(scene) > MOST_SCENE[kind]:
        raise document.error(f"the scene of a code has 1 to {MOST_SCENE[kind]} characters", "scene")
    skip = document.value("skip_verify")
    if skip is not None and not isinstance(skip, bool):
        raise document.error("'skip_verify' is true or false", "skip_verify")
    staff = document.strings("staff") if document.value("staff") is not None else ()
    lasts = document.duration("lasts")
    if kind == WECOM and not 1 <= len(staff) <= MOST_STAFF:
        raise document.error(
            f"whose customers do they become? 1 to {MOST_STAFF} members of staff",
            code="missing",
            hint="staff: [wei]",
        )
    if kind == OFFICIAL and (staff or skip is not None or document.value("remark") is not None):
        raise document.error("a code of an official account has no staff, skip_verify and remark")
    if lasts is not None and (kind == WECOM or not timedelta(minutes=1) <= lasts <= LONGEST):
        raise document.error("a code of an official account lasts 1 minute to 30 days, or for ever", "lasts")
    return Code(
        name,
        kind,
        document.titles("title") or {"": name},
        scene,
        staff,
        True if skip is None else skip,
        document.string("remark"),
        lasts,
    )


def read_folder(folder: Path) -> tuple[dict[str, Code], list[LimnerError]]:
    """Every code of `folder/*.yml` that can be read, by name, and what is wrong with the others."""
    found: dict[str, Code] = {}
    wrong: list[LimnerError] = []
    for path in sorted(folder.glob("*.yml")) if folder.is_dir() else ():
        try:
            found[path.stem] = read(path.read_text(encoding="utf-8"), path.stem)
        except UnicodeDecodeError:
            wrong.append(DefinitionError("the file is not UTF-8", where=f"codes/{path.name}"))
        except LimnerError as error:
            wrong.append(error)
    return found, wrong


def made(records: Records) -> dict[str, Made]:
    """What there is at the platforms, by name."""
    with records.read() as connection:
        rows = connection.execute(text("SELECT * FROM codes ORDER BY name")).mappings()
        return {
            row["name"]: Made(
                row["name"],
                row["kind"],
                row["made"],
                row["url"],
                row["digest"],
                instant(row["made_at"]),
                None if row["ends_at"] is None else instant(row["ends_at"]),
            )
            for row in rows
        }


def keep(records: Records, one: Made) -> None:
    """The platform has it."""
    with records.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO codes (name, kind, made, url, digest, made_at, ends_at)"
                " VALUES (:name, :kind, :made, :url, :digest, :made_at, :ends_at) ON CONFLICT DO UPDATE SET"
                " kind = :kind, made = :made, url = :url, digest = :digest, made_at = :made_at, ends_at = :ends_at"
            ),
            {
                "name": one.name,
                "kind": one.kind,
                "made": one.made,
                "url": one.url,
                "digest": one.digest,
                "made_at": micros(one.made_at),
                "ends_at": None if one.ends_at is None else micros(one.ends_at),
            },
        )


def forget(records: Records, name: str) -> None:
    """The platform has it no more."""
    with records.begin() as connection:
        connection.execute(text("DELETE FROM codes WHERE name = :name"), {"name": name})


def wanted(code: Code, there: Made | None, *, now: datetime) -> str:
    """What is to be done at the platform: `make`, `change`, or '' for nothing.

    A code of an official account is never changed: another scene or time is another code.
    """
    if there is None or there.kind != code.kind:
        return "make"
    if there.ends_at is not None and there.ends_at <= now:
        return "make"
    if there.digest == code.digest:
        return ""
    return "change" if code.kind == WECOM else "make"
