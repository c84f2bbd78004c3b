"""Opens the engine of the settings."""

from __future__ import annotations

import contextlib
import glob
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lydite.engine.duckdb import DuckDBEngine
from lydite.engine.spark import SparkEngine
from lydite.environment import expand, is_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lydite.engine.base import Engine
    from lydite.settings import EngineSettings as Settings

#: Bytes of input files (some twenty million touches in Parquet) above which a temporary file is
#: used: the tables that are built from them are many times as large as memory.
LARGE_INPUT = 160_000_000
# Share of the machine's memory for DuckDB; the models need as much again.
_MEMORY_SHARE = 0.25


def open_engine(settings: Settings, path: str | Path = ":memory:") -> Engine:
    """Return the engine of the settings; use it in a ``with`` block.

    Parameters
    ----------
    path
        The DuckDB file; with Spark, that of the local engine.

    Raises
    ------
    InputError
        When the file cannot be opened, PySpark or Java is missing, or an environment variable that
        the settings of Spark name is not set.
    """
    local = DuckDBEngine(path, threads=settings.threads, memory_limit=settings.memory_limit)
    if settings.name == "duckdb":
        return local
    try:
        spark = {
            name: expand(value, f"engine.spark.{name}", secret=is_reference(value))
            for name, value in settings.spark.items()
        }
        return SparkEngine(settings=spark, local=local)
    except BaseException:
        local.close()
        raise


@contextlib.contextmanager
def open_temporary_engine(settings: Settings, sources: Iterable[object]) -> Iterator[Engine]:
    """Open an engine for one run, which leaves no files.

    It runs in memory. If the input files are large, it uses a temporary file and a limited part of
    the memory.

    Raises
    ------
    InputError
        As `open_engine` does.
    """
    if settings.name == "spark" or sum(map(_size, sources)) < LARGE_INPUT:
        with open_engine(settings) as engine:
            yield engine
        return
    limit = settings.memory_limit or f"{_MEMORY_SHARE * _memory() / 1e9:.1f}GB"
    with tempfile.TemporaryDirectory(prefix="lydite_") as folder:
        file = Path(folder, "temporary.duckdb")
        with DuckDBEngine(
            file, threads=settings.threads, memory_limit=limit, temporary=True
        ) as engine:
            yield engine


def _size(source: object) -> int:
    """Return the size of the files of a source in bytes; 0 for a frame."""
    if not isinstance(source, str | Path):
        return 0
    found = glob.glob(str(source), recursive=True)  # noqa: PTH207 - Path.glob refuses absolute ones
    return sum(os.stat(file).st_size for file in found)  # noqa: PTH116


def _memory() -> int:
    """Return the memory of the machine in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
