"""What an expression may ask about the world: a Catalog for names, TagColumns for published values.

Both are given as arguments: the language knows no tag, event or audience by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from limner.expressions.tree import Expr
from limner.types import ValueType


class Catalog(Protocol):
    """Names and where their values lie."""

    @property
    def zone(self) -> str:
        """The workspace's time zone, such as Asia/Shanghai."""

    def event_codes(self, name: str) -> tuple[int, ...]:
        """The `name_i` of the event; `prefix*` gives those of every name that begins so; unknown gives ()."""

    def event_names(self) -> Mapping[str, int] | Iterable[str]:
        """The event names seen so far."""

    def property(self, name: str) -> tuple[str, ValueType] | None:
        """The column of `events` that holds the property, and its type; None = never seen."""

    def property_names(self) -> Iterable[str]:
        """The names of the event properties seen so far."""

    def tag(self, key: str) -> tuple[str, ValueType] | None:
        """The table (ix, value, expires_at) that holds the tag, and its type; None = no such tag."""

    def tag_keys(self) -> Iterable[str]:
        """The keys of all tags."""

    def weighted(self, key: str) -> bool:
        """Whether the tag gives labels with weights: the relation `interests.weights_of` of its table holds them."""

    def audience(self, name: str) -> Expr | frozenset[int] | None:
        """The audience's condition, or the ordinals of a static list; None = no such audience."""

    def audience_names(self) -> Iterable[str]:
        """The names of all audiences."""

    def attribute_names(self) -> Iterable[str]:
        """The names of the attributes seen so far."""

    def source_codes(self) -> Mapping[str, int]:
        """The `source_i` of each source by name."""


class ColumnOf(Protocol):
    """One tag's published value of everybody, by ordinal.

    Coded: `codes` (uint8/16/32, 0 = unknown) and `labels` (labels[c - 1] is the value of code c).
    Plain: `codes` is None, `values` (float64, or int64 for money in 1/10,000 and instants in microseconds)
    and `known`. Labels of money and instants are integers likewise.
    """

    @property
    def type(self) -> ValueType: ...
    @property
    def codes(self) -> npt.NDArray[Any] | None: ...
    @property
    def labels(self) -> Sequence[Any] | npt.NDArray[Any] | None: ...
    @property
    def values(self) -> npt.NDArray[Any] | None: ...
    @property
    def known(self) -> npt.NDArray[np.bool_]: ...


class TagColumns(Protocol):
    """The published tags of one epoch."""

    @property
    def n(self) -> int: ...
    @property
    def dead(self) -> npt.NDArray[np.integer]:
        """Ordinals of people who were merged into others or erased, ascending."""
        ...

    def column(self, key: str) -> ColumnOf | None: ...
