"""Publishes the marts to a separate DuckDB file, which is replaced in one rename."""

from __future__ import annotations

from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from lydite.engine.duckdb import check_database_name, first_row, quote_literal
from lydite.engine.table_names import tables_in
from lydite.errors import InputError, UnavailableError, explain_system_error
from lydite.pipeline import SCHEMA_VERSION
from lydite.pipeline.touch_credit import MOST_IN_FILE, SELECT, count_touches
from lydite.pipeline.touch_credit_file import write_touch_credit
from lydite.replacing import new_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lydite.engine import DuckDBEngine

_TOUCH_CREDIT = "touch_credit"


def touch_credit_path(path: str | Path) -> Path:
    """Return where the credit of touches is published: the Parquet file next to `path`."""
    return Path(path).with_suffix(".touch_credit.parquet")


def publish(engine: DuckDBEngine, path: str | Path, *, touch_credit: bool = True) -> int:
    """Copy the schema ``mart``, with its comments, to a new file and rename it to `path`.

    A reader opens either the old file or the new one, never a partly written one, and keeps the
    one that it has open. Before the rename, a checksum of each table in the new file is compared
    with that of the table in the warehouse. The credit of touches goes to a Parquet file
    (`touch_credit_path`); up to `MOST_IN_FILE` touches are in the DuckDB file too, as
    ``touch_credit``.

    Parameters
    ----------
    engine
        Holds the marts.
    path
        The file to write; a missing folder is created.
    touch_credit
        Whether to publish the credit of touches. If not, a file of an earlier run is removed.

    Returns
    -------
    The number of tables and views that were published.

    Raises
    ------
    InputError
        When `path` cannot be written, or has the name of a schema.
    UnavailableError
        When the disk is full, the folder is not writable, or the copy is not what was computed.
    """
    path = Path(path)
    check_database_name(path)
    parquet = touch_credit_path(path)
    touches = count_touches(engine) if touch_credit else None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with new_version(path) as new_file, new_version(parquet) as new_parquet:
            if touches is not None:
                write_touch_credit(engine, new_parquet, parquet)
            in_file = touches is not None and touches <= MOST_IN_FILE
            tables = _copy_marts(engine, new_file, new_parquet if in_file else None)
            _check(new_file, tables, _checksums(engine.connection, _mart_tables(engine)))
            if touches is None:
                parquet.unlink(missing_ok=True)
            else:
                new_parquet.replace(parquet)
            # What another program wrote to the old file must not be applied to the new one.
            _write_ahead_log(path).unlink(missing_ok=True)
            new_file.replace(path)
            _write_ahead_log(path).unlink(missing_ok=True)
    except (OSError, duckdb.Error) as error:
        known = explain_system_error(f"{error}")
        if known is None and not isinstance(error, OSError | duckdb.IOException):
            raise
        raise known or InputError(f"{path} cannot be written: {error}") from error
    return len(tables)


def _write_ahead_log(path: Path) -> Path:
    """Return the file in which DuckDB keeps changes of a database that are not in it yet."""
    return path.with_name(path.name + ".wal")


@contextmanager
def open_published(path: str | Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a published file for reading, and close it after the block.

    Raises
    ------
    InputError
        When there is no such file, it is no DuckDB file, another version of Lydite wrote it, or
        another program changed it.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"there is no published file {path}: run the comparison first")
    if _write_ahead_log(path).exists():
        raise InputError(
            f"{_write_ahead_log(path)} holds changes that another program made to the published"
            " file. Remove it, or run the comparison again, which does"
        )
    try:
        with duckdb.connect(str(path), read_only=True) as reader:
            _check_version(reader, path)
            yield reader
    except duckdb.Error as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def _check_version(reader: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Raise where the tables are those of an earlier or a later version."""
    found = first_row(
        reader,
        "select count(*) from duckdb_tables()"
        " where schema_name = 'mart' and table_name = 'schema_version'",
    )
    again = "Run the comparison again"
    if not found or not found[0]:
        raise InputError(
            f"{path} lacks the table mart.schema_version: an earlier version published it, or it is"
            f" another database. {again}"
        )
    row = first_row(reader, "select schema_version, lydite_version from mart.schema_version")
    version, writer = row or (0, "unknown")
    if version < SCHEMA_VERSION:
        raise InputError(
            f"{path} was published by Lydite {writer} with version {version} of the tables; this"
            f" version reads {SCHEMA_VERSION}. {again}"
        )
    if version > SCHEMA_VERSION:
        raise InputError(
            f"{path} was published by Lydite {writer} with version {version} of the tables; this"
            f" version reads {SCHEMA_VERSION}. Update Lydite"
        )


def _copy_marts(engine: DuckDBEngine, path: Path, touch_credit: Path | None) -> list[str]:
    """Copy the tables and views of ``mart``, and make each readable without the schema too.

    `touch_credit` is a Parquet file that becomes a table.
    """
    tables = _mart_tables(engine)
    views = _views(engine)
    engine.run(f"attach {quote_literal(str(path))} as published")
    try:
        # One transaction: in a file, every commit waits for the disk.
        with engine.transaction():
            _write_published(engine, tables, views, touch_credit)
        engine.run("checkpoint published")
    finally:
        engine.run("detach published")
    more = [] if touch_credit is None else [_TOUCH_CREDIT]
    return [*tables, *(name for name, _ in views), *more]


def _write_published(
    engine: DuckDBEngine,
    tables: Sequence[str],
    views: Sequence[tuple[str, str]],
    touch_credit: Path | None,
) -> None:
    """Create the tables and views of the attached database ``published``, with comments."""
    engine.run("create schema published.mart")
    for name in tables:
        engine.run(f"create table published.mart.{name} as from mart.{name}")
    if touch_credit is not None:
        engine.run(
            f"create table published.mart.{_TOUCH_CREDIT} as"
            f" from read_parquet({quote_literal(str(touch_credit))})"
        )
    with engine.use_database("published"):
        for _, sql in views:
            engine.run(sql)
        for name in [*tables, *(name for name, _ in views)]:
            engine.run(f"create view main.{name} as from mart.{name}")
        if touch_credit is not None:
            engine.run(f"create view main.{_TOUCH_CREDIT} as from mart.{_TOUCH_CREDIT}")
            for schema in ("mart", "main"):
                engine.comment(f"{schema}.{_TOUCH_CREDIT}", SELECT)
    _copy_comments(engine, tables, [name for name, _ in views])


def _views(engine: DuckDBEngine) -> list[tuple[str, str]]:
    """Return name and SQL of the views of ``mart``, each after those that it reads."""
    sql = dict(
        engine.rows(
            "select view_name, sql from duckdb_views() where schema_name = 'mart'"
            " and database_name = current_database() order by view_name"
        )
    )
    reads = {name: tables_in(text.split(" AS ", 1)[1].rstrip(";")) for name, text in sql.items()}
    graph = {name: [other for other in sql if f"mart.{other}" in reads[name]] for name in sql}
    return [(name, sql[name]) for name in TopologicalSorter(graph).static_order()]


def _copy_comments(engine: DuckDBEngine, tables: Sequence[str], views: Sequence[str]) -> None:
    """Copy the comments of ``mart`` to the tables and views of the same names in both schemas.

    In ``main`` there are only views.
    """
    kinds = dict.fromkeys(tables, "table") | dict.fromkeys(views, "view")
    statements = []
    for name, column, comment in engine.rows(_COMMENTS):
        for schema in ("mart", "main") if name in kinds else ():
            target = f"published.{schema}.{name}"
            kind = kinds[name] if schema == "mart" else "view"
            what = f"{kind} {target}" if column is None else f'column {target}."{column}"'
            statements.append(f"comment on {what} is {quote_literal(comment)}")
    if statements:
        engine.run(";\n".join(statements))


_COMMENTS = " union all ".join(
    f"select {kind}_name, {column}, comment from duckdb_{kinds}() where schema_name = 'mart'"
    " and database_name = current_database() and comment is not null"
    for kind, kinds, column in (
        ("table", "tables", "null"),
        ("view", "views", "null"),
        ("table", "columns", "column_name"),
    )
)


def _mart_tables(engine: DuckDBEngine) -> list[str]:
    rows = engine.rows(
        "select table_name from duckdb_tables() where schema_name = 'mart'"
        " and database_name = current_database() order by table_name"
    )
    return [name for (name,) in rows]


def _checksums(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """Return the number of rows of each table of ``mart``, and the sum of their hashes."""
    found = {}
    for name in tables:
        row = first_row(
            connection,
            f"select count(*), coalesce(sum(hash(rows)::hugeint), 0) from mart.{name} as rows",
        )
        found[name] = row or (0, 0)
    return found


def _check(path: Path, tables: Sequence[str], computed: Mapping[str, tuple[int, int]]) -> None:
    """Check the new file as a reader finds it, before it replaces the old one.

    Parameters
    ----------
    tables
        Names that can be read without the schema.
    computed
        Checksums of the tables that were copied.

    Raises
    ------
    UnavailableError
        When a table is not what was computed.
    """
    with duckdb.connect(str(path), read_only=True) as reader:
        for name in tables:
            first_row(reader, f"select count(*) from {name}")
        copied = _checksums(reader, list(computed))
    for name, checksum in computed.items():
        if copied[name] != checksum:
            raise UnavailableError(
                f"the copy of mart.{name} for {path.parent} is not what the run computed. Run it"
                " again; if that happens again, look for errors of the disk"
            )
