"""The warehouse: the one DuckDB file that the pipeline writes."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from lydite.engine import DuckDBEngine


class Warehouse(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Opens the warehouse file for one step, and closes it after."""

    path: str
    threads: int | None = None
    memory_limit: str | None = None

    @contextmanager
    def open(self) -> Iterator[DuckDBEngine]:
        """Yield an engine on the warehouse."""
        with DuckDBEngine(
            self.path, threads=self.threads, memory_limit=self.memory_limit
        ) as engine:
            yield engine
