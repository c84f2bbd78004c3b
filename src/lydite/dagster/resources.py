"""The warehouse as a Dagster resource."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import dagster as dg
from filelock import FileLock, Timeout
from pydantic import PrivateAttr

from lydite.dagster.redaction import without_secrets
from lydite.engine import Engine, open_engine
from lydite.pipeline import upgrade_warehouse
from lydite.project import Project
from lydite.settings import EngineSettings


class Warehouse(dg.ConfigurableResource["Warehouse"]):
    """The engine on the DuckDB file of a project.

    One process at a time has it open: others of the same project wait, and DuckDB refuses any
    other program that opens the file. A run in one process keeps it open until it ends, so that
    two runs never mix. While it is open, the working directory is the project's folder, from
    which relative paths count.
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
            _acquire(Path(self.path), context),
            contextlib.chdir(self.folder),
            # An error of Spark may quote its settings.
            without_secrets(open_engine)(settings, self.path) as self._engine,
        ):
            upgraded = upgrade_warehouse(self._engine.local)
            if upgraded and context.log:
                context.log.info(upgraded)
            yield self

    @property
    def engine(self) -> Engine:
        """The engine of the run."""
        return self._engine


def _acquire(
    path: Path, context: dg.InitResourceContext
) -> contextlib.AbstractContextManager[FileLock]:
    """Lock the file for this process; wait while another process of the project holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    try:
        return lock.acquire(blocking=False)
    except Timeout:
        if context.log:
            context.log.warning(f"waiting for another run or step that uses {path}")
        return lock.acquire(poll_interval=0.5)
