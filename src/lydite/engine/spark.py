"""Runs the same SQL files on Spark, for more rows than one machine holds.

PySpark is an optional dependency, imported when an engine is created.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
import uuid
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl

from lydite.engine.duckdb import DuckDBEngine
from lydite.engine.sql_files import read_comments, resolve_sql
from lydite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    Parameters = Mapping[str, object]

# Session settings with which the SQL has the same meaning as on DuckDB.
_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    # Numbers that overflow and casts that fail are errors, not nulls.
    "spark.sql.ansi.enabled": "true",
    # Without it, sliding windows are quadratic in the touches of a user (Spark 4.3).
    "spark.sql.window.segmentTree.enabled": "true",
    # Joins on the user and other columns need no shuffle of data that are partitioned by user.
    "spark.sql.requireAllClusterKeysForCoPartition": "false",
    "spark.sql.caseSensitive": "false",
    "spark.sql.parser.escapedStringLiterals": "false",
}
# Further settings of a session that is started here.
_LOCAL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.catalogImplementation": "in-memory",
}
_STORED = "lydite.stored"  # property of a view: the name of the table that it shows
_INSTALL = "pip install 'lydite[spark]'"
_JAVA = "Install Java 17 or newer (Debian: apt-get install default-jre-headless), or set JAVA_HOME."
_TYPES = {
    "string": "VARCHAR",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "timestamp_ntz": "TIMESTAMP",
    "binary": "BLOB",
}


class SparkEngine:
    """A Spark session; see `lydite.engine.Engine` for the methods.

    Every schema is a database of the session's catalog. A table is written as Parquet under a
    unique name. When it is complete, a view with the table's name is replaced to show it, and the
    table shown before is dropped. So no reader gets a partly written table, and no table is
    computed twice.

    Parameters
    ----------
    session
        The session to use, such as ``spark`` in a notebook; its settings are changed (UTC, ANSI)
        until the engine is closed. When None, the active session, or else a new one.
    master
        Where a new session runs; ``local[*]`` when None, unless spark-submit says otherwise.
    warehouse
        Folder of a new session's tables; when None, a temporary one.
    settings
        Settings such as ``{"spark.sql.shuffle.partitions": "2000"}``; static ones have effect on a
        new session only.
    prefix
        Prefix of database names, to avoid collisions in a shared catalog.
    local
        The DuckDB engine on the driver for the sample, the scores and the marts; closed with this
        engine. One in memory when None.

    Raises
    ------
    InputError
        When PySpark or Java is missing.
    """

    def __init__(
        self,
        session: SparkSession | None = None,
        *,
        master: str | None = None,
        warehouse: str | Path | None = None,
        settings: Mapping[str, str] | None = None,
        prefix: str = "lydite_",
        local: DuckDBEngine | None = None,
    ) -> None:
        _require_packages()
        self._prefix = prefix
        self._views: dict[str, str] = {}  # the session's view, by what the SQL calls it
        self._staged: dict[str, str] | None = (
            None  # in a transaction: tables to be shown at its end
        )
        self._files: dict[str, str] = {}  # what is said of a table, by the table
        self._cleanup = contextlib.ExitStack()
        self._local = self._cleanup.enter_context(local or DuckDBEngine())
        running = session or _running()
        self.session = running or self._start(master, warehouse, settings or {})
        self._cleanup.callback(self._restore, self._set({**_SETTINGS, **(settings or {})}))

    def _start(
        self, master: str | None, warehouse: str | Path | None, settings: Mapping[str, str]
    ) -> SparkSession:
        from pyspark.sql import SparkSession

        _require_java()
        # Spark's errors are raised: logging them would report them twice.
        logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
        if warehouse is None:
            warehouse = self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="lydite_"))
        builder = SparkSession.builder.appName("lydite")
        if master is not None:
            builder = builder.master(master)
        own = {**_LOCAL, "spark.sql.warehouse.dir": str(warehouse), **_SETTINGS, **settings}
        for name, value in own.items():
            builder = builder.config(name, value)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the versions of pandas, which is not used here
            started = builder.getOrCreate()
        self._cleanup.callback(started.stop)
        return started

    def _set(self, settings: Mapping[str, str]) -> dict[str, str | None]:
        """Change settings of the session, and return their old values."""
        before: dict[str, str | None] = {}
        for name, value in settings.items():
            if not self.session.conf.isModifiable(name):
                continue  # a static setting, such as the memory
            before[name] = self.session.conf.get(name, None)
            self.session.conf.set(name, value)
        return before

    def _restore(self, settings: Mapping[str, str | None]) -> None:
        for name, value in settings.items():
            if value is None:
                self.session.conf.unset(name)
            else:
                self.session.conf.set(name, value)

    def __enter__(self) -> Self:
        """Return the engine; leaving the block closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the engine."""
        self.close()

    def close(self) -> None:
        """Stop the session if it was started here, or else restore its settings."""
        for name in list(self._views):
            self._drop_view(name)
        self._cleanup.close()

    @property
    def error(self) -> tuple[type[Exception], ...]:
        """The exceptions that failing statements raise."""
        from py4j.protocol import Py4JJavaError
        from pyspark.errors import PySparkException

        return PySparkException, Py4JJavaError  # the latter for errors that Spark does not classify

    @property
    def local(self) -> DuckDBEngine:
        """The DuckDB engine on the driver for the sample, the scores and the marts."""
        return self._local

    @property
    def threads(self) -> int:
        """How many threads the driver has, where models are fitted."""
        return self._local.threads

    # --- tables ---------------------------------------------------------------------------------

    def create(self, table: str, select: str, parameters: Parameters | None = None) -> None:
        """Create or replace `table` with the rows of `select`."""
        database, _ = self._place(table)
        self.session.sql(f"create database if not exists `{database}`")
        stored = f"{self._named(table)}__{uuid.uuid4().hex[:12]}"
        try:
            rows = self.query(select, parameters)
            rows.write.format("parquet").saveAsTable(stored)
        except BaseException:
            self.session.sql(f"drop table if exists {stored}")
            raise
        if self._staged is None:
            self._show(table, stored)
        else:
            self._forget(self._staged.get(table))
            self._staged[table] = stored

    def create_view(self, name: str, select: str) -> None:
        """Create or replace the temporary view `name`, which belongs to the session."""
        text = self._translated(select, None)
        own = "__".join(self._place(name))
        self.session.sql(f"create or replace temporary view `{own}` as {text}")
        self._views[name] = f"`{own}`"

    def append(self, table: str, select: str, parameters: Parameters | None = None) -> None:
        """Append the rows of `select` to `table` by column name, or create the table from them."""
        if not self.exists(table):
            self.create(table, select, parameters)
            return
        text = self._translated(select, parameters)
        self.session.sql(f"insert into {self._stored(table)} by name\n{text}")

    def store(self, table: str, frame: pl.DataFrame) -> None:
        """Create or replace `table` with the rows of a frame."""
        with self.registered(frame) as name:
            self.create(table, f"from {name}")

    def append_local(self, table: str, select: str, parameters: Parameters | None = None) -> None:
        """Append the rows of `select`, in their order, to a `table` of `local`."""
        with self.local.registered(self._arrow(select, parameters)) as rows:
            self.local.append(table, f"from {rows}")

    def copy_from_local(self, table: str) -> None:
        """Copy a `table` of `local` to Spark."""
        self.store(table, self.local.frame(f"from {table}"))

    def comment(self, table: str, file: str) -> None:
        """Set the comments of `table` and its columns to those of a SQL file."""
        self._files[table] = file
        stored = self._stored(table)
        if stored is not None and self._staged is None:
            self._show(table, stored)

    def drop(self, table: str) -> None:
        """Drop the table or view `table` if it exists."""
        if table in self._views:
            self._drop_view(table)
            return
        if self._staged is not None:
            self._forget(self._staged.pop(table, None))
        stored = self._stored(table)
        if stored is not None:
            self.session.sql(f"drop view if exists {self._named(table)}")
            self._forget(stored)

    def exists(self, table: str) -> bool:
        """Return whether the table or view `table` exists."""
        known = table in self._views or table in (self._staged or {})
        return known or self._is_there(table)

    def columns(self, relation: str) -> dict[str, str]:
        """Return the DuckDB types of the columns of a relation, by name."""
        schema = self.query(f"select * from {relation}").schema
        return {field.name: _type_name(field.dataType.simpleString()) for field in schema}

    def comments(self, table: str) -> dict[str, str]:
        """Return the comments of the columns of a table, by name."""
        return read_comments(self._files[table])[1] if table in self._files else {}

    def translation_error(self, expression: str) -> str | None:
        """Return why an expression cannot be translated to Spark, None if it can."""
        from lydite.engine.dialect import UntranslatableError

        try:
            self._translated(f"select {expression}", None)
        except UntranslatableError as error:
            return str(error)
        return None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Replace all views at the end of the block, or none of them after an error.

        Spark has no transactions: views are replaced one after the other, so another session may
        see new and old ones together. Appends and drops in the block take effect at once.
        """
        self._staged = {}
        try:
            yield
        except BaseException:
            for stored in self._staged.values():
                self._forget(stored)
            self._staged = None
            raise
        staged, self._staged = self._staged, None
        for table, stored in staged.items():
            self._show(table, stored)

    # --- results --------------------------------------------------------------------------------

    def run(self, sql: str, parameters: Parameters | None = None) -> None:
        """Execute a statement."""
        self.query(sql, parameters)

    def query(self, sql: str, parameters: Parameters | None = None) -> DataFrame:
        """Return the result as a lazy Spark frame."""
        return self.session.sql(self._translated(sql, parameters))

    def scalar(self, sql: str, parameters: Parameters | None = None) -> Any:  # noqa: ANN401
        """Return the first value of the first row, None if there are no rows."""
        rows = self.rows(sql, parameters)
        return rows[0][0] if rows else None

    def rows(self, sql: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """Return all rows as tuples; for small results."""
        table = self._arrow(sql, parameters)
        columns = [column.to_pylist() for column in table.columns]
        return list(zip(*columns, strict=True))

    def frame(self, sql: str, parameters: Parameters | None = None) -> pl.DataFrame:
        """Return the result as a polars frame."""
        return pl.DataFrame(self._arrow(sql, parameters))

    def fetch_numpy(self, sql: str, parameters: Parameters | None = None) -> dict[str, np.ndarray]:
        """Return the result as numpy arrays by column; columns must not hold nulls."""
        table = self._arrow(sql, parameters)
        return {name: np.asarray(table[name].to_numpy()) for name in table.column_names}

    def _arrow(self, sql: str, parameters: Parameters | None) -> pa.Table:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the versions of pandas, which is not used here
            return self.query(sql, parameters).toArrow()

    @contextlib.contextmanager
    def registered(self, frame: Any, name: str = "registered_frame") -> Iterator[str]:  # noqa: ANN401
        """Register a frame (polars, Arrow, Spark) as a view in the block; yield its name."""
        if not hasattr(frame, "createOrReplaceTempView"):
            frame = self._distributed(frame.to_arrow() if hasattr(frame, "to_arrow") else frame)
        frame.createOrReplaceTempView(name)
        try:
            yield name
        finally:
            self.session.catalog.dropTempView(name)

    def _distributed(self, table: pa.Table) -> DataFrame:
        """Return an Arrow table as a Spark frame; times without a time zone keep having none."""
        kind = "spark.sql.timestampType"
        before = self.session.conf.get(kind) or "TIMESTAMP_LTZ"
        self.session.conf.set(kind, "TIMESTAMP_NTZ")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # as above
                return self.session.createDataFrame(table)
        finally:
            self.session.conf.set(kind, before)

    # --- names ----------------------------------------------------------------------------------

    def _translated(self, sql: str, parameters: Parameters | None) -> str:
        from lydite.engine.dialect import translate

        return translate(resolve_sql(sql), parameters, self._renamed, self.local.timezone)

    def _renamed(self, table: str) -> str:
        """Return the name on Spark of a table in a statement; it has a schema, or it stays."""
        if table in self._views:
            return self._views[table]
        if self._staged and table in self._staged:
            return self._staged[table]
        return self._named(table) if "." in table else table

    def _place(self, table: str) -> tuple[str, str]:
        schema, name = table.split(".")
        return self._prefix + schema, name

    def _named(self, table: str) -> str:
        return ".".join(self._place(table))

    def _is_there(self, table: str) -> bool:
        return bool(self.session.catalog.tableExists(self._named(table)))

    def _stored(self, table: str) -> str | None:
        """Return the table that the view of `table` shows, if there is one."""
        if self._staged and table in self._staged:
            return self._staged[table]
        if not self._is_there(table):
            return None
        statement = f"show tblproperties {self._named(table)} ('{_STORED}')"
        rows = self.session.sql(statement).collect()
        return str(rows[0]["value"])

    def _show(self, table: str, stored: str) -> None:
        """Let the view of `table` show a stored table."""
        before = self._stored(table)
        about, columns = read_comments(self._files[table]) if table in self._files else ("", {})
        names = [field.name for field in self.session.table(stored).schema]
        self.session.sql(
            f"create or replace view {self._named(table)} ({_commented(names, columns)})"
            f" comment {_quoted(about)} tblproperties ('{_STORED}' = '{stored}')"
            f" as select * from {stored}"
        )
        if before != stored:
            self._forget(before)

    def _forget(self, stored: str | None) -> None:
        if stored is not None:
            self.session.sql(f"drop table if exists {stored}")

    def _drop_view(self, name: str) -> None:
        self.session.catalog.dropTempView(self._views.pop(name).strip("`"))


def _commented(names: Sequence[str], columns: Mapping[str, str]) -> str:
    """Return the column list of a view, with comments."""
    commented = ((name, columns.get(name)) for name in names)
    return ", ".join(
        f"{_quote_identifier(name)}{'' if text is None else f' comment {_quoted(text)}'}"
        for name, text in commented
    )


def _quoted(text: str) -> str:
    """Return `text` as a Spark string literal, in which backslashes are escaped."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _quote_identifier(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _type_name(kind: str) -> str:
    return _TYPES.get(kind, kind.upper())


# --- requirements ---------------------------------------------------------------------------------


def _require_packages() -> None:
    try:
        import pyspark
        import sqlglot
    except ImportError as error:
        raise InputError(f'engine = "spark" needs {error.name}: {_INSTALL}') from error
    del pyspark, sqlglot


def _require_java() -> None:
    home = os.environ.get("JAVA_HOME")
    found = Path(home, "bin", "java").exists() if home else shutil.which("java")
    if not found:
        problem = f"JAVA_HOME is {home}, which has no bin/java" if home else "none was found"
        raise InputError(f'engine = "spark" needs Java, and {problem}. {_JAVA}')


def _running() -> SparkSession | None:
    from pyspark.sql import SparkSession

    return SparkSession.getActiveSession()
