"""Opens the engine that the settings ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.engine.duckdb import DuckDBEngine
from lydite.engine.spark import SparkEngine

if TYPE_CHECKING:
    from pathlib import Path

    from lydite.config import Engine as Settings
    from lydite.engine.base import Engine


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
