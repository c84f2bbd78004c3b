"""The storage of a Dagster instance in SQLite files, with less work for each event.

Dagster connects to a file for every event by an engine of SQLAlchemy that it makes for this one
event, so that no compiled statement is used twice. Files, tables and rows are the same here.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Self

import sqlalchemy
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

_INDEX = "index"
_SECONDS = 30


class SqliteStorage(DagsterSqliteStorage):
    """Dagster's storage in SQLite files, for ``storage`` in ``dagster.yaml``.

    ::

        storage:
          custom:
            module: lydite.dagster.storage
            class: SqliteStorage
            config:
              base_dir:
                env: DAGSTER_HOME
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = _EventLog(str(Path(base_dir) / "history" / "runs"))

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        """Return the storage with the config of ``dagster.yaml``."""
        return cls.from_local(inst_data=inst_data, **config_value)


class _EventLog(SqliteEventLogStorage):
    """Dagster's storage of events, with one engine for each file."""

    def __init__(self, base_dir: str) -> None:
        self._engine = lru_cache(maxsize=16)(self._make_engine)
        self._one_at_a_time = Lock()
        super().__init__(base_dir)

    def run_connection(self, run_id: str | None = None) -> AbstractContextManager[Any]:
        """Return a connection to the file of a run."""
        return self._connection(run_id)

    def index_connection(self) -> AbstractContextManager[Any]:
        """Return a connection to the file of all runs."""
        return self._connection(_INDEX)

    @contextmanager
    def _connection(self, file: str | None) -> Iterator[sqlalchemy.Connection]:
        engine = self._engine(file)
        with self._one_at_a_time, engine.begin() as connection:
            yield connection

    def _make_engine(self, file: str | None) -> sqlalchemy.Engine:
        with super().run_connection(file):  # creates the file and its tables
            pass
        return sqlalchemy.create_engine(
            self.conn_string_for_shard(file or ""),
            poolclass=sqlalchemy.NullPool,
            connect_args={"timeout": _SECONDS},
        )
