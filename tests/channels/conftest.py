from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.channels.channel_rigs import RIGS, Rigs

Rigging = Callable[..., Rigs]


@pytest.fixture
def rigged() -> Iterator[Rigging]:
    """Makes a rig of a kind; all are ended."""
    made: list[Rigs] = []

    def rig(kind: str, *, patience: float = 5.0) -> Rigs:
        made.append(RIGS[kind](patience=patience))
        return made[-1]

    yield rig
    for one in made:
        one.end()
