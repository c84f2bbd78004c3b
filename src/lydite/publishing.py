"""Publication: the marts in a DuckDB file of their own, put in place in one rename."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from lydite.engine.duckdb import check_database_name, quote_literal
from lydite.errors import InputError

if TYPE_CHECKING:
    from lydite.engine import DuckDBEngine


def publish(engine: DuckDBEngine, path: str | Path) -> int:
    """Copy the schema ``mart``, comments and all, to a new file and move it to `path`.

    A reader of `path` sees the file of before or the new one, never one half-written, and keeps
    the one it has open.

    Returns
    -------
    The number of tables that were published.

    Raises
    ------
    InputError
        When the folder of `path` cannot be written, or it is called like a schema.
    """
    path = Path(path)
    check_database_name(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error}") from error
    try:
        tables = _copy_marts(engine, beside)
        _check(beside, tables)
        beside.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error}") from error
    except duckdb.IOException as error:
        raise InputError(f"{path} cannot be written: {error}") from error
    finally:
        beside.unlink(missing_ok=True)
        beside.with_name(beside.name + ".wal").unlink(missing_ok=True)
    return len(tables)


def _copy_marts(engine: DuckDBEngine, path: Path) -> list[str]:
    tables = [
        name
        for (name,) in engine.rows(
            "select table_name from duckdb_tables() where schema_name = 'mart'"
            " and database_name = current_database() order by table_name"
        )
    ]
    engine.run(f"attach {quote_literal(str(path))} as published")
    try:
        engine.run("create schema published.mart")
        for name in tables:
            engine.run(f"create table published.mart.{name} as from mart.{name}")
            _copy_comments(engine, name)
        engine.run("checkpoint published")
    finally:
        engine.run("detach published")
    return tables


def _copy_comments(engine: DuckDBEngine, name: str) -> None:
    about = engine.scalar(
        "select comment from duckdb_tables() where schema_name = 'mart' and table_name = $name"
        " and database_name = current_database()",
        {"name": name},
    )
    if about:
        engine.run(f"comment on table published.mart.{name} is {quote_literal(about)}")
    for column, comment in engine.rows(
        "select column_name, comment from duckdb_columns() where schema_name = 'mart'"
        " and table_name = $name and database_name = current_database()",
        {"name": name},
    ):
        if comment:
            engine.run(
                f'comment on column published.mart.{name}."{column}" is {quote_literal(comment)}'
            )


def _check(path: Path, tables: list[str]) -> None:
    """Read the new file as a reader would, before anybody can see it."""
    with duckdb.connect(str(path), read_only=True) as reader:
        for name in tables:
            reader.execute(f"select count(*) from mart.{name}")
