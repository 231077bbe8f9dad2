"""A workspace's folder: where everything stands in it, and how a new one is made."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from limner.config import FILE
from limner.errors import ConflictError

DEFINITIONS = (
    "tags",
    "metrics",
    "objects",
    "groups",
    "audiences",
    "scenes",
    "campaigns",
    "journeys",
    "templates",
    "mappings",
    "content",
    "forms",
    "referrals",
)
BESIDES = ("replies", "webhooks", "codes", "sync", "menus")
"""Folders of files that are read as well, and written by hand alone."""

TEMPLATE = re.compile(r"[^\W_][\w-]{0,99}\.(html|mjml|txt|yml)")
"""What a template's file may be called."""

FIRST_TOML = """\
# A Limner workspace. Every key is explained in docs/reference/configuration.md.
name = "{name}"
zone = "UTC"              # calendar windows and schedules follow it, e.g. "Asia/Shanghai"
currency = "CNY"
strong_keys = ["email", "phone", "openid", "unionid", "external_userid"]  # besides the user id
refresh = "0 3 * * *"     # when all tags are computed (cron, in the zone above); "" = only by hand

[email]
host = "127.0.0.1"
port = 25
sender = ""               # e.g. "Shop <hello@shop.example>"
"""

GITIGNORE = "data/\n"


@dataclass(frozen=True)
class Paths:
    """Where everything of one workspace stands."""

    folder: Path

    @property
    def data(self) -> Path:
        """Everything that is not a definition."""
        return self.folder / "data"

    @property
    def engine(self) -> Path:
        """DuckDB's file."""
        return self.data / "engine.duckdb"

    @property
    def records(self) -> Path:
        """SQLite's file."""
        return self.data / "records.sqlite"

    @property
    def log(self) -> Path:
        """The event log's segments."""
        return self.data / "log"

    @property
    def columns(self) -> Path:
        """Published tag columns."""
        return self.data / "columns"

    @property
    def snapshots(self) -> Path:
        """Audience snapshots."""
        return self.data / "snapshots"

    @property
    def uploads(self) -> Path:
        """Files that were uploaded and wait to be imported."""
        return self.data / "uploads"

    @property
    def exports(self) -> Path:
        """The default place of exports."""
        return self.data / "exports"

    def definition(self, kind: str, name: str) -> Path:
        """The file that defines a tag, group, audience or campaign."""
        return self.folder / kind / f"{name}.yml"


def init(folder: Path, *, example: bool = False) -> Path:
    """A new workspace in `folder`, which must not exist or be empty. Raises ConflictError."""
    if folder.exists() and any(folder.iterdir()):
        raise ConflictError(f"{folder} is not empty", hint="name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    for name in DEFINITIONS:
        (folder / name).mkdir()
    if example:
        copy_example(folder)
    else:
        (folder / FILE).write_text(FIRST_TOML.format(name=folder.resolve().name), encoding="utf-8")
    (folder / ".gitignore").write_text(GITIGNORE, encoding="utf-8")
    return folder


def copy_example(folder: Path, of: str = "files") -> None:
    """A demo's definitions copied into the folder: the shop's, or those of another demo."""
    with resources.as_file(resources.files("limner.demo") / of) as files:
        shutil.copytree(files, folder, dirs_exist_ok=True)
