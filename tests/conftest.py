"""What all tests share: one thread per worker, so that parallel workers do not fight for cores."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lydite.engine import SparkEngine

# Before anything imports numpy, which reads them once.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# How long an example takes depends on what else the machine does.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# Small data: what takes long is to start, and to compile what runs once.
SPARK = {
    "spark.sql.shuffle.partitions": "3",
    "spark.default.parallelism": "3",
    "spark.sql.adaptive.enabled": "false",  # it would make one partition of the three
    "spark.sql.codegen.wholeStage": "false",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkEngine]:
    """Yield the one engine on Spark of this process: two cores, several shuffle partitions."""
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        pytest.skip("Java is not installed")
    from lydite.engine import SparkEngine  # noqa: PLC0415

    with SparkEngine(master="local[2]", settings=SPARK) as engine:
        yield engine
