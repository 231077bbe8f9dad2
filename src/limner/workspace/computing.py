"""Who computes this workspace's tags: its own engine, or a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from limner.config import Config
from limner.tags.computing import Computing
from limner.tags.run import IN_PLACE


@contextmanager
def computing(config: Config, folder: Path) -> Iterator[Computing]:
    """As limner.toml says; the cluster is let go of when the block ends. `folder`: the workspace's.

    Raises EngineError when the cluster cannot be used.
    """
    if config.engine == "duckdb":
        yield IN_PLACE
        return
    from limner.engine.spark import Spark  # needs the extra `spark`
    from limner.tags.cluster import OnSpark

    with Spark(config.spark.master, python=config.spark.python) as spark:
        yield OnSpark(spark, shared(config, folder))


def shared(config: Config, folder: Path) -> Path:
    """The folder that this machine and the workers share."""
    return (folder / config.spark.folder).resolve()
