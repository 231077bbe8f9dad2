"""How a verb is called on an open workspace: its arguments checked, and what it changed written in the audit."""

from __future__ import annotations

import hashlib
import hmac
import inspect
import typing
from typing import Any

from limner.accounts import audit
from limner.accounts.model import LOCAL, Caller, sees_personal
from limner.errors import (
    ConflictError,
    DeniedError,
    NotFoundError,
    UsageError,
    did_you_mean,
)
from limner.types import Json, Progress
from limner.workspace.verbs import VERBS, Verb
from limner.workspace.workspace import Workspace


def call(
    workspace: Workspace, name: str, arguments: Json, progress: Progress, caller: Caller = LOCAL
) -> Json:
    """The verb's answer on an open workspace. Raises UsageError for words that it does not know.

    What changed something, took people out or showed personal values stands in the audit when it returns;
    so does a change that failed on the way.
    """
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
    handed: Json = dict(given)
    if "progress" in verb.types:
        handed["progress"] = progress
    if verb.types.get("caller") is Caller:
        handed["caller"] = caller
    try:
        answer = verb.function(workspace, **handed)
    except (UsageError, NotFoundError, DeniedError, ConflictError):
        raise
    except Exception as error:
        if verb.audit == "change":
            _audited(workspace, name, verb, caller, given, {"failed": type(error).__name__})
        raise
    goes_on = any(given.get(word) for word in verb.quiet)
    if verb.audit and not goes_on and (verb.audit != "sight" or sees_personal(caller.role)):
        _audited(workspace, name, verb, caller, given, answer)
    return answer


def _audited(workspace: Workspace, name: str, verb: Verb, caller: Caller, given: Json, answer: Json) -> None:
    known = {**given, **answer}
    audit.append(
        workspace.records,
        at=workspace.clock(),
        caller=caller,
        action=name,
        kind=verb.audit,
        subject=_subject(workspace, verb, known),
        detail={
            word: known[word] for word in (*verb.detail, "failed") if known.get(word) not in (None, "", [])
        },
    )


def _subject(workspace: Workspace, verb: Verb, known: Json) -> str:
    word = next((word for word in verb.subject if known.get(word)), None)
    if word is None:
        return ""
    return person_mark(workspace, known[word]) if word == "person" else str(known[word])


def person_mark(workspace: Workspace, person_id: str) -> str:
    """How a person stands in the audit: a keyed hash, from which nobody is found once the person was erased."""
    return "person " + hmac.new(workspace.secret, person_id.encode(), hashlib.sha256).hexdigest()[:16]


def _fitting(key: str, value: Any, kind: Any) -> Any:
    """The argument as the verb takes it. Raises UsageError naming it when its type is another."""
    origin = typing.get_origin(kind)
    if kind is Any:
        return value
    if origin is list:
        if isinstance(value, str) and typing.get_args(kind) == (str,):
            return [value]
        inner = typing.get_args(kind)[0]
        if isinstance(value, list):
            return [_fitting(key, item, inner) for item in value]
        raise UsageError(f"'{key}' must be a list", where=key, code="invalid_type")
    if origin is dict:
        if isinstance(value, dict):
            return value
        raise UsageError(f"'{key}' must be an object", where=key, code="invalid_type")
    if kind is bool and isinstance(value, str) and value.lower() in ("true", "false", "1", "0"):
        return value.lower() in ("true", "1")
    if kind is int and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise UsageError(f"'{key}' must be {kind.__name__}", where=key, code="invalid_type")
    return value
