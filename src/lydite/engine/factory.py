"""Opens the engine that the settings ask for."""

from __future__ import annotations

import contextlib
import glob
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lydite.engine.duckdb import DuckDBEngine
from lydite.engine.spark import SparkEngine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lydite.engine.base import Engine
    from lydite.settings import EngineSettings as Settings

#: Bytes of input files, some twenty million touches of Parquet: what is laid out of more is many
#: times as much as memory holds.
LARGE = 160_000_000
# Of the machine's memory, for DuckDB; the models need as much again.
_SHARE = 0.25


def open_engine(settings: Settings, path: str | Path = ":memory:") -> Engine:
    """Return the engine of the settings, to be used in a ``with`` block.

    Parameters
    ----------
    path
        The DuckDB file: on Spark, of what comes to this machine.

    Raises
    ------
    InputError
        When the file cannot be opened, or what Spark needs is missing.
    """
    local = DuckDBEngine(path, threads=settings.threads, memory_limit=settings.memory_limit)
    if settings.name == "duckdb":
        return local
    try:
        return SparkEngine(settings=settings.spark, local=local)
    except BaseException:
        local.close()
        raise


@contextlib.contextmanager
def open_temporary_engine(settings: Settings, sources: Iterable[object]) -> Iterator[Engine]:
    """Open the engine for one trial, which leaves nothing behind.

    It works in memory, and where the files among the sources are large, in a file of the folder
    for temporary files, within a part of the memory.

    Raises
    ------
    InputError
        As `open_engine` does.
    """
    if settings.name == "spark" or sum(map(_size, sources)) < LARGE:
        with open_engine(settings) as engine:
            yield engine
        return
    limit = settings.memory_limit or f"{_SHARE * _memory() / 1e9:.1f}GB"
    with tempfile.TemporaryDirectory(prefix="lydite_") as folder:
        file = Path(folder, "temporary.duckdb")
        with DuckDBEngine(
            file, threads=settings.threads, memory_limit=limit, temporary=True
        ) as engine:
            yield engine


def _size(source: object) -> int:
    """Return the bytes of the files that a source names; 0 of a frame."""
    if not isinstance(source, str | Path):
        return 0
    found = glob.glob(str(source), recursive=True)  # noqa: PTH207 - Path.glob refuses absolute ones
    return sum(os.stat(file).st_size for file in found)  # noqa: PTH116


def _memory() -> int:
    """Return the bytes of memory that the machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
