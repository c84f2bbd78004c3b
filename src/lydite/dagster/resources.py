"""The warehouse as a Dagster resource."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import dagster as dg
from filelock import FileLock
from pydantic import PrivateAttr

from lydite.dagster.project import Project
from lydite.engine import Engine, open_engine
from lydite.settings import EngineSettings


class Warehouse(dg.ConfigurableResource["Warehouse"]):
    """The engine on the DuckDB file of a project.

    While it is open, the working directory is the project's folder, from which relative paths
    count, and DuckDB refuses every other process that opens the file: two runs never mix. An
    in-process run keeps the file open until it ends. Where the steps of one run are processes of
    their own, they wait for each other.
    """

    folder: str
    path: str
    name: str = "duckdb"
    threads: int | None = None
    memory_limit: str | None = None
    spark: dict[str, str]
    _engine: Engine = PrivateAttr()

    @classmethod
    def of(cls, project: Project) -> Self:
        """Return the warehouse of a project."""
        settings = project.settings.engine.model_dump()
        return cls(folder=str(project.folder), path=str(project.warehouse), **settings)

    @contextlib.contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Self]:
        """Open the engine, and close it after the run or step."""
        settings = EngineSettings.model_validate(
            {name: getattr(self, name) for name in EngineSettings.model_fields}
        )
        with (
            _lock_of(context.run_id or "no-run"),
            contextlib.chdir(self.folder),
            open_engine(settings, self.path) as self._engine,
        ):
            yield self

    @property
    def engine(self) -> Engine:
        """The engine of the run."""
        return self._engine


def _lock_of(run_id: str) -> FileLock:
    """Return the lock that the processes of one run hold in turn."""
    return FileLock(Path(tempfile.gettempdir()) / f"lydite-{run_id}.lock", poll_interval=0.5)
