"""Settings of all tests: one thread per worker, since workers run in parallel."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lydite.engine import SparkEngine

# Set before numpy is imported, which reads them once.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# The duration of an example depends on other work of the machine: no deadline.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")

# Small data: most of the time is spent on start-up and on compiling code that runs once.
SPARK = {
    "spark.sql.shuffle.partitions": "3",
    "spark.default.parallelism": "3",
    "spark.sql.adaptive.enabled": "false",  # it would make one partition of the three
    "spark.sql.codegen.wholeStage": "false",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkEngine]:
    """Yield the Spark engine of this process: two cores, several shuffle partitions."""
    pytest.importorskip("pyspark")
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        pytest.skip("Java is not installed")
    from lydite.engine import SparkEngine  # noqa: PLC0415

    with SparkEngine(master="local[2]", settings=SPARK) as engine:
        yield engine
