"""Settings of all tests: one thread per worker, since workers run in parallel."""

from __future__ import annotations

import functools
import os
import shutil
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import settings

from tests.helpers import object_store, postgres_server, workers
from tests.helpers.examples import USUAL, few

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lydite.engine import SparkEngine

#: How many threads DuckDB uses where neither test nor settings say it: more take longer on small
#: tables. `make test-lowest` runs the tests of the library with two.
DUCKDB_THREADS = int(os.environ.get("TEST_DUCKDB_THREADS", "1"))

# Set before numpy is imported, which reads them once.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# The duration of an example depends on other work of the machine: no deadline. The same examples
# are run every time, so that a change is not refused for what it did not touch; `make slow` draws
# more, and new ones.
settings.register_profile("new_examples", deadline=None)
settings.register_profile("same_examples", deadline=None, derandomize=True, max_examples=few(USUAL))
settings.load_profile("same_examples")

_connect = duckdb.connect


@functools.wraps(_connect)
def connect(
    database: str | Path = ":memory:",
    read_only: bool = False,
    config: dict[str, Any] | None = None,
) -> duckdb.DuckDBPyConnection:
    """Open a database with few threads."""
    return _connect(database, read_only, {"threads": DUCKDB_THREADS} | (config or {}))


duckdb.connect = connect

# Small data: most of the time is spent on start-up and on compiling code that runs once.
SPARK = {
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.sql.adaptive.enabled": "false",  # it would make one partition of the two
    "spark.shuffle.checksum.enabled": "false",
    "spark.shuffle.compress": "false",
    "spark.sql.parquet.compression.codec": "uncompressed",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    # The default cache for compiled code is small here: it would be cleaned all the time.
    "spark.driver.extraJavaOptions": (
        "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC -Xmn384m"
    ),
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> workers.ByGroup | None:
    """Return the scheduler of ``--dist loadscope``, as `make test` runs."""
    return workers.ByGroup(config, log) if config.getvalue("dist") == "loadscope" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests for the workers."""
    found = workers.outside_of_spark(items)
    if found:
        raise pytest.UsageError(f"add the file to GROUPS of tests/helpers/workers.py: {found}")
    if "PYTEST_XDIST_WORKER" in os.environ:
        items[:] = workers.longest_first(items)


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkEngine]:
    """Yield the Spark engine of this process: two cores, several shuffle partitions."""
    pytest.importorskip("pyspark")
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        pytest.skip("Java is not installed")
    from lydite.engine import SparkEngine  # noqa: PLC0415

    with SparkEngine(master="local[2]", settings=SPARK) as engine:
        yield engine


@pytest.fixture(scope="session")
def running_postgres() -> Iterator[postgres_server.Server]:
    """Yield the PostgreSQL server of this process."""
    pytest.importorskip("adbc_driver_postgresql", reason="adbc-driver-postgresql is not installed")
    if not (postgres_server.find_program("initdb") and postgres_server.find_program("postgres")):
        pytest.skip("PostgreSQL is not installed: initdb and postgres are needed")
    with postgres_server.running_server() as server:
        yield server


@pytest.fixture
def postgres(
    running_postgres: postgres_server.Server, monkeypatch: pytest.MonkeyPatch
) -> postgres_server.Server:
    """Return a PostgreSQL server without tables, whose password is in the environment."""
    monkeypatch.setenv("TEST_PASSWORD", running_postgres.password)
    running_postgres.run("drop schema public cascade", "create schema public")
    return running_postgres


@pytest.fixture(scope="session")
def running_store() -> Iterator[object_store.Store]:
    """Yield the object store of this process."""
    pytest.importorskip("obstore", reason="obstore is not installed")
    pytest.importorskip("moto", reason="moto is not installed")
    with object_store.running_store() as store:
        yield store


@pytest.fixture
def store(running_store: object_store.Store, monkeypatch: pytest.MonkeyPatch) -> object_store.Store:
    """Return an object store, whose credentials and address are in the environment."""
    running_store.set_environment(monkeypatch)
    return running_store
