"""The seam to an engine: a Query is named steps and a final SELECT with bound values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa


@dataclass(frozen=True)
class Step:
    """One named step of a query (a common table expression)."""

    name: str
    sql: str


@dataclass(frozen=True)
class Query:
    """Steps, a final SELECT over them and the values bound by name (`$name`)."""

    steps: tuple[Step, ...]
    final: str
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sql(self) -> str:
        """The whole statement: WITH each step, then the final SELECT."""
        if not self.steps:
            return self.final
        steps = ",\n".join(f"{quoted(step.name)} AS (\n{step.sql}\n)" for step in self.steps)
        return f"WITH {steps}\n{self.final}"


class Transaction(Protocol):
    """What may be done inside one write: all of it is kept, or none."""

    def execute(self, sql: str, values: Mapping[str, Any] | None = None) -> None: ...
    def read(self, sql: str, values: Mapping[str, Any] | None = None) -> pa.Table: ...
    def insert(self, table: str, rows: pa.Table) -> None: ...
    def given(self, name: str, rows: pa.Table) -> AbstractContextManager[None]: ...


class Engine(Protocol):
    """Reads at any time, from any thread; one write at a time."""

    def read(
        self, sql: str, values: Mapping[str, Any] | None = None, given: Mapping[str, pa.Table] | None = None
    ) -> pa.Table: ...
    def write(self) -> AbstractContextManager[Transaction]: ...


def quoted(name: str) -> str:
    """The name as a quoted SQL identifier; the only place where identifiers are quoted."""
    return '"' + name.replace('"', '""') + '"'


def rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """The rows of a small result as dictionaries; not for tables of people."""
    yield from table.to_pylist()
