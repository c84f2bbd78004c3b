"""Opens a source, file or frame, as rows that SQL can read in place."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import duckdb

from lydite.errors import InputError
from lydite.inputs import files, frames
from lydite.inputs.source_rows import Relation, nothing, refuse_twins

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    import polars as pl
    import pyarrow as pa
    import pyspark.sql

    from lydite.engine import DuckDBEngine
    from lydite.inputs.schema import Table

Source: TypeAlias = (
    "str | Path | pd.DataFrame | pl.DataFrame | pl.LazyFrame | pa.Table | pyspark.sql.DataFrame"
)
"""A path or glob of Parquet, CSV or JSON files, a `.sql` file, or a frame."""


@contextlib.contextmanager
def opened(engine: DuckDBEngine, table: Table, source: Source | None) -> Iterator[Relation]:
    """Lend the rows of a source to SQL for the time of the block.

    Parquet and frames are read in place. CSV, JSON and the result of a `.sql` file are first put
    into a temporary table: parsing is dear, and a select need not give the same rows twice.

    Parameters
    ----------
    engine
        Where the rows are wanted.
    table
        The input tables that the source is for.
    source
        The source; None stands for a table without rows.

    Raises
    ------
    InputError
        When the source cannot be read.
    """
    lent = f"source_{table.name}"
    if source is None:
        yield nothing(table, table.name)
    elif isinstance(source, str | Path):
        place = f"{table.name} ({source})"
        try:
            yield _read(engine, place, source, lent)
        finally:
            engine.run(f"drop table if exists temp.{lent}")
    elif frames.is_frame(source):
        place = f"{table.name} ({frames.name_of(source)})"
        rows = frames.to_arrow(place, source)
        if not rows.column_names:
            yield nothing(table, place)
            return
        engine.connection.register(lent, rows)
        try:
            yield Relation(place, lent, engine.columns(lent))
        finally:
            engine.connection.unregister(lent)
    else:
        raise InputError(
            f"{table.name}: cannot read a {type(source).__name__}. Give a path, or a pandas,"
            " polars or Arrow frame."
        )


def _read(engine: DuckDBEngine, place: str, pattern: str | Path, lent: str) -> Relation:
    found = files.find(place, pattern)
    kind = files.kind_of(place, found)
    if kind == "sql":
        return _run(engine, place, files.statement(engine, place, found[0]), lent)
    select = files.select(engine, place, kind, found)
    try:
        if kind == "parquet":
            return Relation(place, f"({select})", engine.columns(f"({select})"))
        return _stored(engine, place, select, lent)
    except duckdb.Error as error:
        files.unreadable(place, kind, found, error)


def _run(engine: DuckDBEngine, place: str, select: str, lent: str) -> Relation:
    try:
        refuse_twins(place, engine.connection.sql(select).columns)
        return _stored(engine, place, select, lent)
    except duckdb.Error as error:
        raise InputError(f"{place}: the select fails: {files.failure(error)}") from error


def _stored(engine: DuckDBEngine, place: str, select: str, lent: str) -> Relation:
    engine.run(f"create or replace temp table {lent} as\n{select}")
    return Relation(place, f"temp.{lent}", engine.columns(f"temp.{lent}"))
