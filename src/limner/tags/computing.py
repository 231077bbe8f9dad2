"""Computing: who answers a run's queries. In place, in the engine that keeps the records, or beside it.

Whoever it is, records, settling of groups and publication stay in the run's own transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from limner.engine.seam import Query, Transaction
from limner.expressions.catalog import Catalog
from limner.expressions.together import Together
from limner.expressions.tree import Value
from limner.tags import homes
from limner.tags.graph import Graph
from limner.tags.increment import number
from limner.tags.model import Tag

Answers = Iterator[tuple[Tag, str, Mapping[str, Any]]]
"""Each tag with the SQL (ix, value) of its values in the run's own engine, and what it binds."""


class Work(Protocol):
    """One run's computing."""

    def number(
        self, values: Mapping[str, Value], *, home: str, catalog: Catalog, as_of: datetime
    ) -> dict[str, int | None]:
        """Makes the tables of the numbers that the values need; see `increment.number`."""

    def fill(
        self,
        home: str,
        found: Together,
        shelves: Sequence[tuple[str, ...]],
        some: Callable[[Sequence[str]], Query],
    ) -> None:
        """Makes the base of each shelf (`homes.shelf_of`) with these columns of what was found.

        `some`: the query of these columns alone.
        """

    def batches(self, tags: Sequence[Tag], graph: Graph) -> Iterator[list[Tag]]:
        """The tags in their order, in batches: nobody in a batch needs another of it."""

    def answers(self, queries: Sequence[tuple[Tag, Query]]) -> Answers:
        """Where the values (ix, value) of each tag's query can be read."""


class Computing(Protocol):
    """Who computes."""

    @property
    def carries(self) -> bool:
        """Whether statistics may be carried on from the last run instead."""

    def begin(self, tx: Transaction, *, run: str) -> AbstractContextManager[Work]:
        """Computing for one run, over what its transaction sees."""


class InPlace:
    """The engine that keeps the records computes."""

    carries = True

    @contextmanager
    def begin(self, tx: Transaction, *, run: str) -> Iterator[Work]:  # noqa: ARG002
        yield _Here(tx)


@dataclass(frozen=True)
class _Here:
    tx: Transaction

    def number(
        self, values: Mapping[str, Value], *, home: str, catalog: Catalog, as_of: datetime
    ) -> dict[str, int | None]:
        return number(self.tx, values, home=home, catalog=catalog, as_of=as_of)

    def fill(
        self,
        home: str,
        found: Together,  # noqa: ARG002
        shelves: Sequence[tuple[str, ...]],
        some: Callable[[Sequence[str]], Query],
    ) -> None:
        for place, names in enumerate(shelves):
            query = some(names)
            homes.make(self.tx, homes.shelf_of(home, place), query.sql, query.values)

    def batches(self, tags: Sequence[Tag], graph: Graph) -> Iterator[list[Tag]]:  # noqa: ARG002
        for tag in tags:
            yield [tag]

    def answers(self, queries: Sequence[tuple[Tag, Query]]) -> Answers:
        for tag, query in queries:
            yield tag, query.sql, query.values
