"""The whole error tree. Each says what, where, what was known and what to do next.

LimnerError                 could not (exit 1, HTTP 500)
├── UsageError              the call's words are wrong (exit 2, HTTP 422)
│   ├── ConfigError         limner.toml
│   ├── DefinitionError     a tag, audience or campaign file: file:line:column
│   ├── ExpressionError     an expression: line and column, code syntax | unknown_function | …
│   ├── TemplateError       a message template
│   ├── MappingError        an import's mapping
│   └── InputError          a request's or file's content; carries its own HTTP status
├── NotFoundError           no such person, tag, audience … (exit 1, HTTP 404)
├── DeniedError             a role may not do this (exit 1, HTTP 403; without a key 401)
├── ConflictError           somebody else changed it (exit 1, HTTP 409)
│   └── CancelledError      long work was asked to end
├── OwnedError              another process owns the workspace (exit 1, HTTP 409)
├── DamagedError            a stored file does not match its checksum (exit 1, HTTP 500)
├── StorageError            disk full or an fsync that failed (exit 1, HTTP 503)
├── EngineError             the computing engine is not installed, not reachable or failed (exit 1, HTTP 503)
└── ChannelError            a channel refused or could not be reached (exit 1, HTTP 502)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LimnerError(Exception):
    """Something could not be done.

    `code` is a stable word for programs, `where` a place such as `tags/vip.yml:4:7` or a JSON path,
    `hint` what to do next.
    """

    code = "failed"
    status = 500
    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        where: str | None = None,
        hint: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class UsageError(LimnerError):
    """The words of the call are wrong; nothing was changed."""

    code = "usage"
    status = 422
    exit_code = 2


class ConfigError(UsageError):
    """limner.toml holds a key or value that is not understood."""

    code = "config"


class DefinitionError(UsageError):
    """A tag, audience or campaign file is wrong; `where` is file:line:column."""

    code = "definition"


class ExpressionError(UsageError):
    """An expression is wrong; `line` and `column` count from 1 within its text."""

    code = "syntax"

    def __init__(
        self,
        message: str,
        *,
        line: int = 1,
        column: int = 1,
        code: str | None = None,
        hint: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, code=code, where=f"{line}:{column}", hint=hint, status=status)
        self.line = line
        self.column = column


class TemplateError(UsageError):
    """A message template is wrong or asks for what templates may not do."""

    code = "template_syntax"


class MappingError(UsageError):
    """An import's mapping does not fit the file."""

    code = "mapping"


class InputError(UsageError):
    """The content of a request or file is wrong."""

    code = "invalid_input"
    status = 400


class NotFoundError(LimnerError):
    """There is no such thing."""

    code = "not_found"
    status = 404


class DeniedError(LimnerError):
    """Who asks may not do this."""

    code = "denied"
    status = 403


class ConflictError(LimnerError):
    """Somebody else changed the same thing first."""

    code = "conflict"
    status = 409


class CancelledError(ConflictError):
    """The work was asked to end before it was done."""

    code = "cancelled"


class OwnedError(LimnerError):
    """Another process owns the workspace."""

    code = "owned"
    status = 409


class DamagedError(LimnerError):
    """A stored file does not match its checksum, or cannot be read."""

    code = "damaged"


class StorageError(LimnerError):
    """The disk is full, or it did not confirm a write; nothing was acknowledged."""

    code = "storage_full"
    status = 503


class EngineError(LimnerError):
    """The computing engine is not installed, cannot be reached or could not compute; nothing was published."""

    code = "engine"
    status = 503


OUT_OF_RANGE = "out_of_range"
"""The code of an EngineError that the data cause: a value is beyond what its type holds."""


class ChannelError(LimnerError):
    """A channel refused, or could not be reached."""

    code = "channel"
    status = 502


def did_you_mean(wrong: str, known: Iterable[str]) -> str | None:
    """The nearest known name as a hint, or None when nothing is near."""
    near = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else None
