"""Opens a file or frame as rows that DuckDB can read."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import duckdb

from lydite.environment import expand, is_reference, mask
from lydite.errors import InputError
from lydite.inputs import databases, files, frames, malformed_lines, remote
from lydite.inputs.source_rows import Relation, empty_relation
from lydite.settings import DatabaseSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd
    import polars as pl
    import pyarrow as pa
    import pyspark.sql

    from lydite.engine import DuckDBEngine
    from lydite.inputs.schema import Table

Source: TypeAlias = (
    "str | Path | DatabaseSource | pd.DataFrame | pl.DataFrame | pl.LazyFrame | pa.Table"
    " | pyspark.sql.DataFrame"
)
"""A path, glob or URL of Parquet, CSV or JSON files, a `.sql` file, a select of a database, or a
frame."""


@contextlib.contextmanager
def open_source(
    engine: DuckDBEngine,
    table: Table,
    source: Source | None,
    numbers: Mapping[str, int] | None = None,
) -> Iterator[Relation]:
    """Make the rows of a source readable from SQL within a ``with`` block.

    Parquet and frames are read in place. CSV, JSON and the result of a `.sql` file are stored in a
    temporary table: parsing is slow, and a select may return other rows the next time.

    Parameters
    ----------
    engine
        Reads the rows.
    table
        The input table.
    source
        The source; None for a table without rows.
    numbers
        Read only these files of the source, with their number in a column; None for all of them,
        without numbers.

    Raises
    ------
    InputError
        When the source cannot be read.
    """
    view = f"source_{table.name}"
    if source is None:
        yield empty_relation(table, table.name)
    elif isinstance(source, str | Path | DatabaseSource):
        with contextlib.ExitStack() as stack:
            stack.callback(engine.run, f"drop table if exists temp.{view}")
            yield _read(engine, stack, table.name, source, view, numbers)
    elif frames.is_frame(source):
        place = f"{table.name} ({frames.name_of(source)})"
        rows = frames.to_arrow(place, source)
        if not rows.column_names:
            yield empty_relation(table, place)
            return
        engine.connection.register(view, rows)
        try:
            yield Relation(place, view, engine.columns(view))
        finally:
            engine.connection.unregister(view)
    else:
        raise InputError(
            f"{table.name}: cannot read a {type(source).__name__}. Give a path, or a pandas,"
            " polars or Arrow frame."
        )


def _url_of(place: str, source: str) -> str:
    """Return the text from which the kind of a source is seen: a reference may stand for a URL."""
    return expand(source, place) if is_reference(source) else source


def local_files(name: str, source: str | Path) -> list[str] | None:
    """Return the Parquet, CSV or JSON files of a source on this machine; None for other sources.

    Raises
    ------
    InputError
        When no file is found, or their ending is unknown.
    """
    place = f"{name} ({mask(str(source))})"
    if isinstance(source, str) and remote.is_remote(place, _url_of(place, source)):
        return None
    found = files.find(place, expand(str(source), place))
    return None if files.kind_of(place, found) == "sql" else found


def _read(
    engine: DuckDBEngine,
    stack: contextlib.ExitStack,
    name: str,
    source: str | Path | DatabaseSource,
    view: str,
    numbers: Mapping[str, int] | None,
) -> Relation:
    if isinstance(source, DatabaseSource):
        return databases.read_select(engine, f"{name} ({source})", name, source, view)
    place = f"{name} ({mask(str(source))})"
    if numbers is not None:
        found = list(numbers)
    elif isinstance(source, str) and remote.is_remote(place, _url_of(place, source)):
        found = stack.enter_context(remote.downloaded(place, source))
    else:
        found = files.find(place, expand(str(source), place))
    kind = files.kind_of(place, found)
    if kind == "sql":
        select = files.statement(engine, place, found[0])
        return databases.run_select(engine, place, select, view)
    select = files.select(engine, place, kind, found, numbers)
    try:
        if kind == "parquet":
            return Relation(place, f"({select})", engine.columns(f"({select})"))
        engine.run(f"create or replace temp table {view} as\n{select}")
        return Relation(place, f"temp.{view}", engine.columns(f"temp.{view}"))
    except duckdb.Error as error:
        if kind == "csv":
            stack.callback(engine.run, f"drop table if exists temp.{view}_malformed")
            return malformed_lines.read_csv(engine, place, found, view, error)
        files.raise_unreadable(place, kind, found, error)
