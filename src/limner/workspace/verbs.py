"""The verbs that every door uses, by name; and how one is performed, here or by the workspace's owner."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limner.config import find
from limner.errors import NotFoundError, OwnedError, UsageError, did_you_mean
from limner.types import Json, Progress
from limner.workspace import backup as archive
from limner.workspace import collecting, keeping, knowing, logs, reaching
from limner.workspace.owner import ask
from limner.workspace.workspace import Workspace

PATIENCE = 3
"""How often a verb is tried when the owner ends or begins just then."""


@dataclass(frozen=True)
class Verb:
    """One verb: a function of an open workspace, progress and named arguments; the answer is JSON."""

    function: Callable[..., Json]
    parameters: Mapping[str, inspect.Parameter]
    types: Mapping[str, Any]

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (inspect.getdoc(self.function) or "").splitlines()[0]


def _verb(function: Callable[..., Json]) -> Verb:
    parameters = dict(inspect.signature(function).parameters)
    for given in ("workspace", "progress"):
        parameters.pop(given, None)
    return Verb(function, parameters, typing.get_type_hints(function))


_FUNCTIONS: dict[str, Callable[..., Json]] = {
    "source add": collecting.source_add,
    "source list": collecting.source_list,
    "source rotate": collecting.source_rotate,
    "key add": collecting.key_add,
    "key list": collecting.key_list,
    "key remove": collecting.key_remove,
    "counters": collecting.counters,
    "import": collecting.import_file,
    "event summary": collecting.event_summary,
    "event list": collecting.event_list,
    "event quarantine": collecting.event_quarantine,
    "expression check": knowing.expression_check,
    "check": knowing.check,
    "tag run": knowing.tag_run,
    "tag list": knowing.tag_list,
    "tag show": knowing.tag_show,
    "audience count": knowing.audience_count,
    "audience list": knowing.audience_list,
    "audience save": knowing.audience_save,
    "audience snapshot": knowing.audience_snapshot,
    "audience portrait": knowing.audience_portrait,
    "audience export": knowing.audience_export,
    "person show": knowing.person_show,
    "template preview": reaching.template_preview,
    "campaign list": reaching.campaign_list,
    "campaign send": reaching.campaign_send,
    "campaign stop": reaching.campaign_stop,
    "campaign test": reaching.campaign_test,
    "campaign report": reaching.campaign_report,
    "consent import": reaching.consent_import,
    "run list": keeping.run_list,
    "person erase": keeping.person_erase,
    "person export": keeping.person_export,
    "backup": keeping.backup,
    "rebuild": keeping.rebuild,
}

VERBS = {name: _verb(function) for name, function in _FUNCTIONS.items()}
"""Every verb by its name."""


def call(workspace: Workspace, name: str, arguments: Json, progress: Progress) -> Json:
    """The verb's answer on an open workspace. Raises UsageError for words that it does not know."""
    verb = VERBS.get(name)
    if verb is None:
        raise UsageError(f"there is no verb '{name}'", hint=did_you_mean(name, VERBS))
    given = {key: value for key, value in arguments.items() if value is not None}
    for key, value in given.items():
        if key not in verb.parameters:
            raise UsageError(
                f"'{name}' has no argument '{key}'", where=key, hint=did_you_mean(key, verb.parameters)
            )
        given[key] = _fitting(key, value, verb.types[key])
    for key, parameter in verb.parameters.items():
        if parameter.default is inspect.Parameter.empty and key not in given:
            raise UsageError(f"'{name}' needs '{key}'", where=key)
    if "progress" in verb.types:
        given["progress"] = progress
    return verb.function(workspace, **given)


def _fitting(key: str, value: Any, kind: Any) -> Any:
    if isinstance(kind, types.GenericAlias):
        if isinstance(value, str):
            return [value]
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        if kind.__origin__ is dict and isinstance(value, dict):
            return value
        raise UsageError(f"'{key}' must be a list of texts", where=key, code="invalid_type")
    if kind is bool and isinstance(value, str) and value.lower() in ("true", "false", "1", "0"):
        return value.lower() in ("true", "1")
    if kind is int and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise UsageError(f"'{key}' must be {kind.__name__}", where=key, code="invalid_type")
    return value


def perform(folder: Path | None, name: str, arguments: Json, progress: Progress) -> Json:
    """The verb's answer on the workspace at `folder` (default: the nearest upward).

    The folder is free: it is opened here. Another process owns it: that process performs the verb.
    """
    here = find(folder or Path.cwd())
    if folder is not None and here != folder.resolve():
        raise NotFoundError(f"there is no limner.toml in {folder}", hint=f"limner init {folder}")
    for attempt in range(PATIENCE):
        try:
            opened = Workspace.open(here)
        except OwnedError:
            try:
                return ask(here / "data", name, arguments, progress)
            except OwnedError:
                if attempt == PATIENCE - 1:
                    raise
                continue
        with opened:
            logs.configure("critical")
            opened.load(progress)
            return call(opened, name, arguments, progress)
    raise OwnedError("the workspace changed hands again and again", hint="run the command again")


def restore(source: Path, folder: Path, progress: Progress) -> Json:
    """A backup's workspace in a new folder; see `backup.restore`."""
    return archive.restore(source, folder, progress)
