"""Opens a select that a database runs: PostgreSQL, or another DuckDB file."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from lydite.engine.duckdb import quote_literal
from lydite.environment import expand, hide
from lydite.errors import InputError, LyditeError, UnavailableError
from lydite.inputs import files, landing, postgres, remote
from lydite.inputs.channels import create_macros
from lydite.inputs.source_rows import Relation, refuse_duplicate_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lydite.engine import DuckDBEngine
    from lydite.settings import DatabaseSource

_ATTACHED = "lydite_source"


def read_select(
    engine: DuckDBEngine, place: str, name: str, source: DatabaseSource, view: str
) -> Relation:
    """Store the rows of a select that a database runs, and return them.

    Parameters
    ----------
    engine
        Holds the rows.
    place
        Table and source for messages.
    name
        Name of the input table.
    source
        The select and its database.
    view
        Name of the temporary table for rows that are read whole.

    Raises
    ------
    InputError
        When the rows cannot be read; the message shows no password.
    """
    [file] = files.find(place, source.select)
    if not source.is_postgres:
        return _read_duckdb(engine, place, files.statement(engine, place, file), source, view)
    select = postgres.only_select(place, files.text_of(place, file))
    if source.watermark is not None and engine.is_persistent:
        return landing.refresh(engine, place, name, source, select)
    with postgres.reader(place, source.database, select) as rows, engine.registered(rows) as given:
        columns = postgres.columns_of(rows.schema)
        engine.run(f"create or replace temp table {view} as select {columns} from {given}")
    return Relation(place, f"temp.{view}", engine.columns(f"temp.{view}"))


def run_select(engine: DuckDBEngine, place: str, select: str, view: str) -> Relation:
    """Store the rows of a select that DuckDB runs in a temporary table, and return them.

    Raises
    ------
    InputError
        When the select fails.
    """
    create_macros(engine)
    with remote.readable(engine, place, select):
        try:
            refuse_duplicate_columns(place, engine.connection.sql(select).columns)
            engine.run(f"create or replace temp table {view} as\n{select}")
        except duckdb.Error as error:
            reason = f"{place}: the select fails: {files.full_message(error)}"
            problem = InputError(hide(remote.message_in(error) or reason))
        else:
            return Relation(place, f"temp.{view}", engine.columns(f"temp.{view}"))
    raise problem


def _read_duckdb(
    engine: DuckDBEngine, place: str, select: str, source: DatabaseSource, view: str
) -> Relation:
    with (
        _attached(engine, place, expand(source.database, place)) as name,
        engine.use_database(name),
    ):
        return run_select(engine, place, select, view)


@contextlib.contextmanager
def _attached(engine: DuckDBEngine, place: str, path: str) -> Iterator[str]:
    """Attach a DuckDB file, only to read it, within a ``with`` block; yield its name."""
    if not Path(path).exists():
        raise InputError(f"{place}: there is no DuckDB file {path}. Correct the path.")
    try:
        engine.run(f"attach {quote_literal(path)} as {_ATTACHED} (read_only)")
    except duckdb.Error as error:
        raise _not_attached(place, path, files.full_message(error)) from error
    try:
        yield _ATTACHED
    finally:
        engine.run(f"detach {_ATTACHED}")


def _not_attached(place: str, path: str, text: str) -> LyditeError:
    if "already attached" in text:
        return InputError(
            f"{place}: {path} is the warehouse itself: name the .sql file without a database."
        )
    if "lock" in text.lower():
        return UnavailableError(
            f"{place}: {path} is being written by another process. Load it again when that is done."
        )
    return InputError(f"{place}: {path} cannot be opened: {text}. Give a DuckDB file.")
