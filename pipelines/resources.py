"""The warehouse as a Dagster resource: one run at a time may write it."""

import contextlib
from collections.abc import Iterator
from typing import Self

import dagster as dg
from pydantic import PrivateAttr

from lydite.engine import Engine, open_engine
from lydite.settings import EngineSettings
from pipelines.project import Project

_SETTINGS = tuple(EngineSettings.model_fields)


class Warehouse(dg.ConfigurableResource["Warehouse"]):
    """The engine, with the pipeline's DuckDB file.

    For the length of a run the process stands in the project's folder, from which all paths count,
    and keeps the file open: DuckDB then refuses every other process, so two runs never mix.
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
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Self]:  # noqa: ARG002
        """Hold the warehouse for the length of a run."""
        with contextlib.chdir(self.folder), open_engine(self._settings, self.path) as self._engine:
            yield self

    @property
    def _settings(self) -> EngineSettings:
        return EngineSettings.model_validate({name: getattr(self, name) for name in _SETTINGS})

    @property
    def engine(self) -> Engine:
        """The engine of the run."""
        return self._engine
