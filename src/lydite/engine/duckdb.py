"""Runs SQL on DuckDB, in memory or in a file."""

from __future__ import annotations

import contextlib
import glob
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import duckdb
import numpy as np
import polars as pl

from lydite.engine.sql_files import read_comments, resolve_sql
from lydite.errors import InputError, LyditeError, UnavailableError, explain_system_error
from lydite.timezones import UTC

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Parameters = Mapping[str, object]

_PARAMETER = re.compile(r"\$([a-z_]\w*)")
_COMMENT = re.compile(r"--[^\n]*")
IS_DUCKDB_2 = int(duckdb.__version__.split(".")[0]) >= 2
# DuckDB 2 copies the rows once more when a connection returns Arrow, and not when a relation does.
# In DuckDB 1, relations with parameters take many times as long.
_ARROW_BY_RELATION = IS_DUCKDB_2
_ROWS_AT_ONCE = 250_000  # rows of a large result per batch, so that batches reuse memory
# The views of `information_schema` give the same result, and take six times as long. There are two
# statements, as their union takes ten times as long. Names are literals: for a parameter, DuckDB
# imports pandas, which takes half a second.
_KINDS = {
    kind: f"select 1 from duckdb_{kind}s() where database_name = current_database()"
    f" and schema_name = {{schema}} and {kind}_name = {{name}}"
    for kind in ("table", "view")
}
_PATH = "select path from duckdb_databases() where database_name = current_database()"
_SCHEMAS = frozenset(
    {
        "credit", "decisions", "evaluation", "inputs", "journeys", "landing", "ledger", "mart",
        "people", "quality", "quarantine", "raw",
    }
)  # fmt: skip


class DuckDBEngine:
    """A connection to DuckDB; see `lydite.engine.Engine` for the methods.

    Parameters
    ----------
    path
        The database file, or ``":memory:"``.
    threads
        Number of threads; all cores when None.
    memory_limit
        Such as ``"8GB"``; 80 % of the machine's memory when None. Above it, DuckDB spills to disk.
    temporary
        Whether the file is deleted after use, so that nothing is kept from run to run.
    """

    #: The exception that failing statements raise.
    error = duckdb.Error
    #: Raised by statements that name a missing column or table.
    binder_error = duckdb.BinderException

    def __init__(
        self,
        path: str | Path = ":memory:",
        *,
        threads: int | None = None,
        memory_limit: str | None = None,
        temporary: bool = False,
    ) -> None:
        self._temporary = temporary
        self._in_transaction = False
        settings: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": False,
        }
        if threads is not None:
            settings["threads"] = threads
        if memory_limit is not None:
            settings["memory_limit"] = memory_limit
        if str(path) != ":memory:":
            check_database_name(path)
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        try:
            self.connection = duckdb.connect(str(path), config=settings)
        except duckdb.Error as error:
            raise _not_opened(path, error) from error
        if str(path) != ":memory:":
            _remove_leftovers(Path(path))
        self._lookup = self.connection.cursor()
        self._database = self._current_database()
        self.run("set enable_progress_bar = false")
        # By default a file is brought up to date after 16 MB of changes: many times in a run.
        self.run("set checkpoint_threshold = '256MB'")
        self.run("set TimeZone = 'UTC'")
        # The cache compares times of files in whole seconds: a file that is rewritten within a
        # second would be read from the cache.
        self.run("set enable_external_file_cache = false")
        self._timezone = self._read_timezone()
        self._define_local_time()

    def __enter__(self) -> Self:
        """Return the engine; leaving the block closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._lookup.close()
        self.connection.close()

    @property
    def local(self) -> Self:
        """The engine itself."""
        return self

    @property
    def threads(self) -> int:
        """How many threads DuckDB may use, and so may Python code."""
        return int(self.scalar("select current_setting('threads')"))

    @property
    def is_persistent(self) -> bool:
        """Whether tables outlive the engine: in a file that is not temporary."""
        return not self._temporary and self.scalar(_PATH) is not None

    # --- local time -----------------------------------------------------------------------------

    @property
    def timezone(self) -> str:
        """The time zone of days and weeks, and of ``local_time`` and ``from_local_time``."""
        return self._timezone

    def set_timezone(self, timezone: str) -> None:
        """Set the time zone of days and weeks; a database file keeps it."""
        if timezone != self._timezone or self._read_timezone() != timezone:
            self.create("quality.timezone", f"select {quote_literal(timezone)} as timezone")
        self._timezone = timezone
        self._define_local_time()

    def _read_timezone(self) -> str:
        found = self.scalar("from quality.timezone") if self.exists("quality.timezone") else None
        return found or UTC

    def _define_local_time(self) -> None:
        zone = quote_literal(self._timezone)
        macros = {
            "local_time": f"timezone({zone}, timezone('UTC', t))",
            "from_local_time": f"make_timestamp(epoch_us(timezone({zone}, t)))",
        }
        for name, body in macros.items():
            text = "t" if self._timezone == UTC else body
            self.run(f"create or replace temp macro {name}(t) as {text}")

    # --- tables ---------------------------------------------------------------------------------

    def create(self, table: str, select: str, parameters: Parameters | None = None) -> None:
        """Create or replace `table` with the rows of `select`."""
        self._schema_of(table)
        self.run(f"create or replace table {table} as\n{resolve_sql(select)}", parameters)

    def create_view(self, name: str, select: str) -> None:
        """Create or replace the view `name`; `select` has no parameters."""
        self._schema_of(name)
        self.run(f"create or replace view {name} as\n{resolve_sql(select)}")

    def append(self, table: str, select: str, parameters: Parameters | None = None) -> None:
        """Append the rows of `select` to `table` by column name, or create the table from them."""
        if self.exists(table):
            self.run(f"insert into {table} by name\n{resolve_sql(select)}", parameters)
        else:
            self.create(table, select, parameters)

    def store(self, table: str, frame: pl.DataFrame) -> None:
        """Create or replace `table` with the rows of a frame."""
        with self.registered(frame) as name:
            self.create(table, f"from {name}")

    def append_local(self, table: str, select: str, parameters: Parameters | None = None) -> None:
        """Append the rows of `select` to `table`, like `append`: this engine is the local one."""
        self.append(table, select, parameters)

    def copy_from_local(self, table: str) -> None:
        """Do nothing: this engine is the local one."""

    def comment(self, table: str, file: str) -> None:
        """Set the comments of a table or view, and of its columns, to those of a SQL file."""
        about, columns = read_comments(file)
        kind = self._kind(table)
        # In a file, every commit waits for the disk: all comments are one.
        with contextlib.nullcontext() if self._in_transaction else self.transaction():
            self.run(f"comment on {kind} {table} is {quote_literal(about)}")
            for column, text in columns.items():
                self.run(f'comment on column {table}."{column}" is {quote_literal(text)}')

    def drop(self, table: str) -> None:
        """Drop the table or view `table` if it exists."""
        kind = self._kind(table)
        if kind is not None:
            self.run(f"drop {kind} {table}")

    def exists(self, table: str) -> bool:
        """Return whether the table or view `table` exists."""
        return self._kind(table) is not None

    def _kind(self, table: str) -> str | None:
        return "table" if self._is_table(table) else self._list_kind("view", table)

    def _is_table(self, table: str) -> bool:
        """Return whether a table exists, without a list of all tables, which takes long.

        A missing table is an error, and errors end transactions, so it is looked up on another
        connection. That does not see what a transaction has created.
        """
        if self._in_transaction:
            return self._list_kind("table", table) is not None
        try:
            self._lookup.table(f"{self._database}.{table}")
        except duckdb.CatalogException:
            return False
        # From DuckDB 2 on, views are found like tables.
        return not IS_DUCKDB_2 or self._list_kind("view", table) is None

    def _list_kind(self, kind: str, table: str) -> str | None:
        schema, name = map(quote_literal, table.split("."))
        return kind if self.rows(_KINDS[kind].format(schema=schema, name=name)) else None

    def columns(self, relation: str) -> dict[str, str]:
        """Return the types of the columns of a relation, by name."""
        return {name: kind for name, kind, *_ in self.rows(f"describe from {relation}")}

    def comments(self, table: str) -> dict[str, str]:
        """Return the comments of the columns of a table, by name."""
        schema, name = table.split(".")
        return dict(
            self.rows(
                "select column_name, comment from duckdb_columns() where comment is not null"
                " and database_name = current_database() and schema_name = $schema"
                " and table_name = $name order by column_index",
                {"schema": schema, "name": name},
            )
        )

    def translation_error(self, expression: str) -> None:
        """Return None: DuckDB runs every expression."""

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all writes of the block at its end, or none of them after an error."""
        self.run("begin transaction")
        self._in_transaction = True
        try:
            yield
        except BaseException:
            self.run("rollback")
            raise
        else:
            self.run("commit")
        finally:
            self._in_transaction = False

    @contextlib.contextmanager
    def staging_database(self) -> Iterator[str]:
        """Attach an empty in-memory database while the block runs; yield its name."""
        name = "lydite_staging"
        self.run(f"attach ':memory:' as {name}")
        try:
            yield name
        finally:
            self.run(f"detach {name}")

    @contextlib.contextmanager
    def scratch_database(self) -> Iterator[str]:
        """Attach an empty database while the block runs, and delete it after that; yield its name.

        It is a file next to that of the engine, or in memory as the engine is. Nothing in it is
        kept from run to run.
        """
        name, was_temporary = "lydite_scratch", self._temporary
        path = self.scalar(_PATH)
        file = None if path is None else Path(f"{path}.{secrets.token_hex(4)}.scratch")
        self.run(f"attach {quote_literal(str(file or ':memory:'))} as {name}")
        self._temporary = True
        try:
            yield name
        finally:
            self._temporary = was_temporary
            self.run(f"detach {name}")
            if file is not None:
                for own in (file, file.with_name(file.name + ".wal")):
                    own.unlink(missing_ok=True)

    @contextlib.contextmanager
    def use_database(self, database: str) -> Iterator[str]:
        """Resolve all table names in `database` while the block runs; yield the main one's name."""
        main = self._database
        self.run(f"use {database}")
        self._database = database
        try:
            yield main
        finally:
            self.run(f"use {main}")
            self._database = main

    def _current_database(self) -> str:
        return quote_identifier(self.scalar("select current_database()"))

    # --- results --------------------------------------------------------------------------------

    def run(self, sql: str, parameters: Parameters | None = None) -> None:
        """Execute a statement."""
        self.rows(sql, parameters)

    def scalar(self, sql: str, parameters: Parameters | None = None) -> Any:  # noqa: ANN401
        """Return the first value of the first row, None if there are no rows."""
        rows = self.rows(sql, parameters)
        return rows[0][0] if rows else None

    def rows(self, sql: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """Return all rows as tuples; for small results."""
        text = resolve_sql(sql)
        values = _only_used(text, parameters)
        # All rows are fetched: DuckDB 2 refuses other work while a result is unfinished.
        with self._ends_with_signal():
            return self.connection.execute(text, values).fetchall()

    def frame(self, sql: str, parameters: Parameters | None = None) -> pl.DataFrame:
        """Return the result as a polars frame."""
        with self._ends_with_signal():
            return pl.DataFrame(self._arrow(sql, parameters).to_arrow_table())

    def fetch_numpy(
        self, sql: str, parameters: Parameters | None = None, *, rows: int | None = None
    ) -> dict[str, np.ndarray]:
        """Return the result as numpy arrays by column; columns must not hold nulls.

        With the number of `rows`, a large result takes half the time and memory.
        """
        with self._ends_with_signal():
            if rows is None:
                text = resolve_sql(sql)
                result = self.connection.execute(text, _only_used(text, parameters))
                return {name: np.asarray(column) for name, column in result.fetchnumpy().items()}
            return self._fetch_known_rows(sql, parameters, rows)

    def _fetch_known_rows(
        self, sql: str, parameters: Parameters | None, rows: int
    ) -> dict[str, np.ndarray]:
        """Return a result with so many rows, read in parts."""
        batches, low = self._arrow(sql, parameters).to_arrow_reader(_ROWS_AT_ONCE), 0
        nothing = batches.schema.empty_table()
        arrays = {
            name: np.empty(rows, dtype=nothing[name].to_numpy().dtype)
            for name in nothing.column_names
        }
        for batch in batches:
            for values, column in zip(arrays.values(), batch.columns, strict=True):
                values[low : low + len(batch)] = column.to_numpy(zero_copy_only=False)
            low += len(batch)
        return arrays

    @contextlib.contextmanager
    def _ends_with_signal(self) -> Iterator[None]:
        """Interrupt a query that a signal has ended in Python.

        DuckDB goes on with it, and the next statement, such as a rollback, would wait for its end.
        """
        try:
            yield
        except duckdb.Error:
            raise
        except BaseException:
            self.connection.interrupt()
            raise

    def _arrow(self, sql: str, parameters: Parameters | None) -> Any:  # noqa: ANN401
        """Return a result that can be read as Arrow: a relation, or the connection itself."""
        text = resolve_sql(sql)
        values = _only_used(text, parameters)
        if _ARROW_BY_RELATION:
            return self.connection.sql(text, params=values)
        return self.connection.execute(text, values)

    @contextlib.contextmanager
    def registered(self, frame: object) -> Iterator[str]:
        """Register a frame (pandas, polars, Arrow) as a view in the block; yield its name."""
        name = "registered_frame"
        self.connection.register(name, frame)
        try:
            yield name
        finally:
            self.connection.unregister(name)

    def _schema_of(self, table: str) -> None:
        self.run(f"create schema if not exists {table.split('.', maxsplit=1)[0]}")


def quote_literal(text: str) -> str:
    """Return `text` as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def quote_identifier(name: str) -> str:
    """Return `name` as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def first_row(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()
) -> tuple[Any, ...] | None:
    """Return the first row of a small result, None without rows.

    All rows are fetched: DuckDB 2 refuses other work while a result is unfinished.
    """
    rows = connection.execute(sql, list(parameters)).fetchall()
    return rows[0] if rows else None


def check_database_name(path: str | Path) -> None:
    """Raise an error when a database file has the name of one of its schemas.

    Raises
    ------
    InputError
        When the name is taken: ``mart.evidence`` could mean a database or a schema.
    """
    if Path(path).stem.lower() in _SCHEMAS:
        raise InputError(
            f"{path}: a DuckDB file cannot be called like a schema in it"
            f" ({', '.join(sorted(_SCHEMAS))}). Give it another name, such as attribution.duckdb."
        )


def _only_used(sql: str, parameters: Parameters | None) -> Parameters | None:
    """Keep the parameters that the statement uses: DuckDB refuses others."""
    if not parameters:
        return None
    used = set(_PARAMETER.findall(_COMMENT.sub("", sql)))
    return {name: value for name, value in parameters.items() if name in used} or None


def _remove_leftovers(path: Path) -> None:
    """Remove what killed processes have left next to a database that only this one has open.

    These are scratch databases, and rows that did not fit into memory.
    """
    name = glob.escape(path.name)
    spilled = path.parent.glob(f"{name}.tmp/duckdb_temp_*")
    for file in (*path.parent.glob(f"{name}.*.scratch*"), *spilled):
        with contextlib.suppress(OSError):
            file.unlink()


def _not_opened(path: str | Path, error: Exception) -> LyditeError:
    if re.search(r"\block\b|another process", str(error)):
        return UnavailableError(
            f"{path} is being written by another process; a DuckDB file has one writer at a time."
            " Wait for it, or read the published copy."
        )
    known = explain_system_error(f"{error}")
    if known is not None:
        return UnavailableError(f"{path}: {known}")
    return InputError(
        f"{path} cannot be opened as a DuckDB file: {error} If it was one, restore it from a backup"
        " or remove it"
    )
