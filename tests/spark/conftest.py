"""One cluster for all of these tests, which `make test` runs in one process."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import missing, needs

if TYPE_CHECKING:
    from limner.engine.spark import Spark

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for the cluster is marked so, and may take longer."""
    for item in items:
        if HERE in item.path.parents and "spark" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.spark)
            item.add_marker(pytest.mark.timeout(1_200))


@pytest.fixture(scope="package")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    """An application on a real cluster, started for the first test that asks for it, gone after the last."""
    needs("java")
    if find_spec("pyspark") is None:
        missing("pyspark is missing; install it with: make setup")
    from limner.engine.spark import Spark
    from tests.spark.cluster import cluster

    with cluster(tmp_path_factory.mktemp("cluster")) as found, Spark(found.master) as opened:
        with pytest.MonkeyPatch.context() as environment:
            for name, value in found.environment.items():
                environment.setenv(name, value)
            _ = opened.session
        yield opened
