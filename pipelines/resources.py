"""The warehouse as a Dagster resource: one run at a time may write it."""

import contextlib
from collections.abc import Iterator
from typing import Self

import dagster as dg

from lydite.engine import DuckDBEngine
from pipelines.project import Project


class Warehouse(dg.ConfigurableResource["Warehouse"]):
    """Opens the pipeline's DuckDB file.

    For the length of a run the process stands in the project's folder, from which all paths count,
    and keeps the file open: DuckDB then refuses every other process, so two runs never mix.
    """

    folder: str
    path: str
    threads: int | None = None
    memory_limit: str | None = None

    @classmethod
    def of(cls, project: Project) -> Self:
        """Return the warehouse of a project."""
        engine = project.settings.engine
        return cls(
            folder=str(project.folder),
            path=str(project.warehouse),
            threads=engine.threads,
            memory_limit=engine.memory_limit,
        )

    @contextlib.contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Self]:  # noqa: ARG002
        """Hold the warehouse for the length of a run."""
        with contextlib.chdir(self.folder), self.open():
            yield self

    def open(self) -> DuckDBEngine:
        """Return a connection of its own, to be used in a ``with`` block."""
        return DuckDBEngine(self.path, threads=self.threads, memory_limit=self.memory_limit)
