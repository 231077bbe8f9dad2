"""A Spark cluster behind the engine's seam. The only importer of pyspark. Knows no table by name.

The cluster only computes: tables come as Parquet files in a folder that every worker reads, answers go back the same
way. Java runs beside this process as the cluster's driver while a `Spark` is open.
"""

from __future__ import annotations

import shutil
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar
from urllib.parse import urlsplit

from limner.config import variable
from limner.engine import borrowed
from limner.engine.portable import SparkQuery
from limner.errors import ConfigError, EngineError

try:
    from py4j.protocol import Py4JError
    from pyspark import SparkContext
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession
    from pyspark.sql.functions import arrow_udf
except ImportError as error:  # the extra `spark` is not installed
    raise EngineError(
        "the engine spark needs pyspark, which is not installed", hint="pip install 'limner[spark]'"
    ) from error

ANSWERS_WITHIN = 5.0
"""The master must answer within so many seconds."""

WORKERS_WITHIN = 120.0
"""So long it may take until a worker has joined."""

_SETTINGS = {
    "spark.driver.defaultJavaOptions": "-Xss16m",  # conditions stand within conditions
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.compression.codec": "zstd",
}
"""On these the answers rest. Sizes, memory and addresses: spark-defaults.conf in $SPARK_CONF_DIR."""


class Spark:
    """An application on the cluster at `master` (spark://HOST:PORT); it begins when it is first asked.

    All that this process has open on a cluster is one application, which ends with the last of them. `python`: the
    workers' Python, which needs Limner; default: the path of this one. Raises EngineError when there is no Java, no
    cluster or no worker.
    """

    _open: ClassVar[set[int]] = set()
    _lent: ClassVar[set[str]] = set()

    def __init__(self, master: str, *, python: str = "", name: str = "limner") -> None:
        self.master, self._python, self._name = master, python or sys.executable, name
        self._session: Any = None

    def __enter__(self) -> Spark:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def session(self) -> Any:
        """Spark's own session."""
        if self._session is None:
            _reachable(self.master)
            _java()
            builder = SparkSession.builder.master(self.master).appName(self._name)
            builder = builder.config("spark.ui.enabled", "false").config(
                "spark.ui.showConsoleProgress", "false"
            )
            for name, value in _SETTINGS.items():
                builder = builder.config(name, value)
            with _told():
                self._session = builder.getOrCreate()
            self._open.add(id(self))
            self._session.sparkContext.setLogLevel("ERROR")
            self._session.sparkContext.pythonExec = self._python
            self._joined()
        return self._session

    def _joined(self) -> None:
        """Waits for the first worker."""
        state = self._session.sparkContext._jsc.sc()
        until = time.monotonic() + WORKERS_WITHIN
        while state.getExecutorMemoryStatus().size() < 2:  # the driver itself is one
            if time.monotonic() > until:
                self.close()
                raise EngineError(
                    f"no worker of {self.master} joined within {WORKERS_WITHIN:.0f} seconds",
                    hint="start workers, or give them more memory: spark.executor.memory in spark-defaults.conf",
                )
            time.sleep(0.1)

    def table(self, name: str, files: Sequence[Path], schema: str) -> None:
        """The Parquet files can be read as the table; columns that a file lacks are missing values."""
        reader = self.session.read.schema(schema)
        with _told():
            reader.parquet(*(str(file) for file in files)).createOrReplaceTempView(name)

    def view(self, name: str, sql: str) -> None:
        """The table is what Spark's SQL says."""
        with _told():
            self.session.sql(sql).createOrReplaceTempView(name)

    def write(self, query: SparkQuery, folder: Path) -> None:
        """The query's answer as Parquet files in the folder."""
        with _told():
            self._frame(query).write.mode("overwrite").parquet(str(folder))

    def read(self, query: SparkQuery) -> Any:
        """The query's answer as an Arrow table, fetched whole."""
        with _told():
            return self._frame(query).toArrow()

    def _frame(self, query: SparkQuery) -> Any:
        session = self.session
        for name, lent in query.borrowed.items():
            if name not in self._lent:
                made = borrowed.function(lent.sql, dict(lent.values), lent.type)
                session.udf.register(name, arrow_udf(made, lent.type))
                self._lent.add(name)
        return session.sql(query.sql, args=dict(query.values) or None)

    def close(self) -> None:
        """Lets go of the application; the last one ends it, and Java with it."""
        if self._session is None:
            return
        session, self._session = self._session, None
        self._open.discard(id(self))
        if not self._open:
            self._lent.clear()
            session.stop()
            _end_java()


def _end_java() -> None:
    """Java ends when nobody talks to it any more."""
    gateway, SparkContext._gateway, SparkContext._jvm = SparkContext._gateway, None, None
    if gateway is not None:
        gateway.shutdown()
        process = getattr(gateway, "proc", None)
        if process is not None:
            process.stdin.close()
            process.wait(30)


def _reachable(master: str) -> None:
    parts = urlsplit(master)
    if parts.scheme != "spark" or not parts.hostname or not parts.port:
        raise ConfigError(
            f"spark.master is spark://HOST:PORT, not '{master}'",
            where="limner.toml",
            hint="see docs/how-to/move-to-spark.md",
        )
    try:
        socket.create_connection((parts.hostname, parts.port), ANSWERS_WITHIN).close()
    except OSError as error:
        raise EngineError(
            f"the cluster at {master} does not answer: {error}",
            hint="start its master, or set spark.master in limner.toml",
        ) from error


def _java() -> None:
    home = variable("JAVA_HOME")
    if not (home and (Path(home) / "bin" / "java").exists()) and shutil.which("java") is None:
        raise EngineError(
            "the engine spark needs Java 17 or newer on this machine too",
            hint="apt install openjdk-17-jre-headless",
        )


@contextmanager
def _told() -> Iterator[None]:
    """What Spark raises, as an error of ours with its first line."""
    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise EngineError(
            f"the cluster could not compute: {_said(error)}", hint="the cluster's logs say more"
        ) from error


def _said(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if "Exception" in line or "Error" in line or line.startswith("[")]
    return (told or lines or [type(error).__name__])[0][:400]
