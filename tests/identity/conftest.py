"""Closes the engine that all worlds of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from identity_world import shared_engine


@pytest.fixture(scope="session", autouse=True)
def close_shared_engine() -> Iterator[None]:
    yield
    shared_engine().close()
    shared_engine.cache_clear()
