"""Publishes the marts to a separate DuckDB file, which is replaced in one rename."""

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
    """Copy the schema ``mart``, with its comments, to a new file and rename it to `path`.

    A reader opens either the old file or the new one, never a partly written one, and keeps the
    one that it has open.

    Returns
    -------
    The number of tables and views that were published.

    Raises
    ------
    InputError
        When `path` cannot be written, or has the name of a schema.
    """
    path = Path(path)
    check_database_name(path)
    new_file = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            tables = _copy_marts(engine, new_file)
            _check(new_file, tables)
            new_file.replace(path)
        finally:
            new_file.unlink(missing_ok=True)
            new_file.with_name(new_file.name + ".wal").unlink(missing_ok=True)
    except (OSError, duckdb.IOException) as error:
        raise InputError(f"{path} cannot be written: {error}") from error
    return len(tables)


def _copy_marts(engine: DuckDBEngine, path: Path) -> list[str]:
    """Copy the tables and views of ``mart``, and make each readable without the schema too."""
    tables = [name for name, sql in _names(engine, "duckdb_tables()", "table_name")]
    views = _names(engine, "duckdb_views()", "view_name")
    engine.run(f"attach {quote_literal(str(path))} as published")
    try:
        engine.run("create schema published.mart")
        for name in tables:
            engine.run(f"create table published.mart.{name} as from mart.{name}")
            _copy_comments(engine, name, "table", "mart")
        with engine.use_database("published"):
            for _, sql in views:
                engine.run(sql)
            for name in [*tables, *(name for name, _ in views)]:
                engine.run(f"create view main.{name} as from mart.{name}")
        for name, _ in views:
            _copy_comments(engine, name, "view", "mart")
        for name in [*tables, *(name for name, _ in views)]:
            _copy_comments(engine, name, "table" if name in tables else "view", "main")
        engine.run("checkpoint published")
    finally:
        engine.run("detach published")
    return [*tables, *(name for name, _ in views)]


def _names(engine: DuckDBEngine, catalog: str, column: str) -> list[tuple[str, str]]:
    """Return name and SQL of the tables or views of ``mart``, in the order of their creation."""
    rows = engine.rows(
        f"select {column}, sql from {catalog} where schema_name = 'mart'"
        f" and database_name = current_database() order by {_ORDER[catalog]}"
    )
    return [(name, sql) for name, sql in rows]


#: A view is created after those that it reads.
_ORDER = {"duckdb_tables()": "table_name", "duckdb_views()": "view_oid"}


def _copy_comments(engine: DuckDBEngine, name: str, kind: str, schema: str) -> None:
    """Copy the comments of a table or view to that of the same name in a published schema.

    In ``main`` there are only views.
    """
    published = "view" if schema == "main" else kind
    about = engine.scalar(
        f"select comment from duckdb_{kind}s() where schema_name = 'mart' and {kind}_name = $name"
        " and database_name = current_database()",
        {"name": name},
    )
    if about:
        engine.run(f"comment on {published} published.{schema}.{name} is {quote_literal(about)}")
    for column, comment in engine.rows(
        "select column_name, comment from duckdb_columns() where schema_name = 'mart'"
        " and table_name = $name and database_name = current_database()",
        {"name": name},
    ):
        if comment:
            target = f'published.{schema}.{name}."{column}"'
            engine.run(f"comment on column {target} is {quote_literal(comment)}")


def _check(path: Path, tables: list[str]) -> None:
    """Check that a reader can open the new file, before it replaces the old one."""
    with duckdb.connect(str(path), read_only=True) as reader:
        for name in tables:
            reader.execute(f"select count(*) from {name}")
