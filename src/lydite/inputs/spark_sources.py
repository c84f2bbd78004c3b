"""Opens Parquet files, a table of the catalog or a frame as rows that Spark can read."""

from __future__ import annotations

import contextlib
import glob
import re
from pathlib import Path
from typing import TYPE_CHECKING, cast

from lydite.environment import expand, mask
from lydite.errors import InputError
from lydite.inputs import frames
from lydite.inputs.source_rows import (
    Relation,
    empty_relation,
    refuse_duplicate_columns,
    short_message,
)
from lydite.settings import DatabaseSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame as SparkFrame

    from lydite.engine import SparkEngine
    from lydite.inputs.schema import Table
    from lydite.inputs.sources import Source

_TABLE = re.compile(r"(\w+|`[^`]+`)(\.(\w+|`[^`]+`)){0,2}")
_NOT_READ = (".csv", ".json", ".ndjson", ".jsonl", ".sql", ".gz", ".zst", ".tsv", ".txt")


@contextlib.contextmanager
def open_source(engine: SparkEngine, table: Table, source: Source | None) -> Iterator[Relation]:
    """Make the rows of a source readable from SQL within a ``with`` block.

    Parquet and tables of the catalog are read in place. A frame of Spark is stored first: it may be
    slow to compute, and return other rows the next time.

    Parameters
    ----------
    engine
        Reads the rows.
    table
        The input table.
    source
        A path or glob of Parquet files, a table such as ``catalog.schema.table``, or a frame of
        Spark, polars, pandas or Arrow; None for a table without rows.

    Raises
    ------
    InputError
        When the source cannot be read.
    """
    if source is None:
        yield empty_relation(table, table.name)
        return
    _refuse_unreadable(table, source)
    named = isinstance(source, str | Path)
    place = f"{table.name} ({source if named else frames.name_of(source)})"
    with contextlib.ExitStack() as stack:
        try:
            relation = _register(engine, stack, place, f"source_{table.name}", source)
        except engine.error as error:
            raise InputError(
                f"{place}: cannot be read: {short_message(error)}. Correct the name, or write it"
                " again as Parquet with times in microseconds."
            ) from error
        yield relation or empty_relation(table, place)


def _refuse_unreadable(table: Table, source: Source) -> None:
    """Refuse sources that only DuckDB reads."""
    text = str(source) if isinstance(source, str | Path | DatabaseSource) else ""
    place = f"{table.name} ({mask(text)})"
    if isinstance(source, DatabaseSource):
        raise InputError(
            f"{place}: Spark does not run selects of other databases here. Load the rows into a"
            ' table of the catalog and name it, or set engine.name = "duckdb".'
        )
    if text.lower().startswith(("http://", "https://")):
        raise InputError(
            f"{place}: Spark cannot read web addresses. Copy the file to the cluster's store, or"
            ' set engine.name = "duckdb".'
        )


def _register(
    engine: SparkEngine,
    stack: contextlib.ExitStack,
    place: str,
    name: str,
    source: Source,
) -> Relation | None:
    if isinstance(source, str | Path):
        rows = _read(engine, place, expand(str(source), place))
    elif hasattr(source, "createOrReplaceTempView"):
        rows = _store(engine, stack, place, name, cast("SparkFrame", source))
    elif frames.is_frame(source):
        rows = frames.to_arrow(place, source)
        if not rows.column_names:
            return None
    else:
        raise InputError(f"{place}: cannot be read. Give a path, the name of a table or a frame.")
    stack.enter_context(engine.registered(rows, name))
    return Relation(place, name, engine.columns(name))


def _read(engine: SparkEngine, place: str, source: str) -> SparkFrame:
    if source.lower().endswith(_NOT_READ):
        raise InputError(
            f"{place}: on Spark, sources are Parquet or tables of the catalog, as Spark parses text"
            " differently from DuckDB. Convert it to Parquet, or name a table or view."
        )
    if _TABLE.fullmatch(source) and not source.lower().endswith(".parquet"):
        return engine.session.table(source)
    # Spark resolves paths from where its process started, which may be another folder.
    path = str(Path(source).absolute()) if glob.glob(source, recursive=True) else source  # noqa: PTH207
    rows = engine.session.read.option("mergeSchema", "true").parquet(path)
    refuse_duplicate_columns(place, rows.columns)
    return rows


def _store(
    engine: SparkEngine,
    stack: contextlib.ExitStack,
    place: str,
    name: str,
    rows: SparkFrame,
) -> SparkFrame:
    refuse_duplicate_columns(place, rows.columns)
    table = f"source.{name}"
    with engine.registered(rows, name):
        engine.create(table, f"from {name}")
    stack.callback(engine.drop, table)
    return engine.query(f"from {table}")
