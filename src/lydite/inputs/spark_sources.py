"""Opens a source on Spark: Parquet that the cluster reaches, a table of its catalog, a frame."""

from __future__ import annotations

import contextlib
import glob
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lydite.errors import InputError
from lydite.inputs import frames
from lydite.inputs.source_rows import Relation, gist, nothing, refuse_twins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lydite.engine import SparkEngine
    from lydite.inputs.schema import Table

_TABLE = re.compile(r"(\w+|`[^`]+`)(\.(\w+|`[^`]+`)){0,2}")
_NOT_READ = (".csv", ".json", ".ndjson", ".jsonl", ".sql", ".gz", ".zst", ".tsv", ".txt")


@contextlib.contextmanager
def opened(engine: SparkEngine, table: Table, source: Any) -> Iterator[Relation]:  # noqa: ANN401
    """Lend the rows of a source to SQL for the time of the block.

    Parquet and the catalog's tables are read in place. A frame of Spark is stored first: it need
    not give the same rows twice, and may be dear to compute.

    Parameters
    ----------
    engine
        Where the rows are wanted.
    table
        The input tables that the source is for.
    source
        A path or glob of Parquet files, a table such as ``catalog.schema.table``, or a frame of
        Spark, polars, pandas or Arrow; None stands for a table without rows.

    Raises
    ------
    InputError
        When the source cannot be read.
    """
    if source is None:
        yield nothing(table, table.name)
        return
    named = isinstance(source, str | Path)
    place = f"{table.name} ({source if named else frames.name_of(source)})"
    with contextlib.ExitStack() as stack:
        try:
            relation = _lent(engine, stack, place, f"source_{table.name}", source)
        except engine.error as error:
            raise InputError(
                f"{place}: cannot be read: {gist(error)}. Correct the name, or write it again as"
                " Parquet with times in microseconds."
            ) from error
        yield relation or nothing(table, place)


def _lent(
    engine: SparkEngine,
    stack: contextlib.ExitStack,
    place: str,
    name: str,
    source: Any,  # noqa: ANN401 - as above
) -> Relation | None:
    if isinstance(source, str | Path):
        rows = _read(engine, place, str(source))
    elif hasattr(source, "createOrReplaceTempView"):
        rows = _stored(engine, stack, place, name, source)
    elif frames.is_frame(source):
        rows = frames.to_arrow(place, source)
        if not rows.column_names:
            return None
    else:
        raise InputError(
            f"{place}: is nothing that can be read. Give a path, a table's name or a frame."
        )
    stack.enter_context(engine.registered(rows, name))
    return Relation(place, name, engine.columns(name))


def _read(engine: SparkEngine, place: str, source: str) -> Any:  # noqa: ANN401 - Spark's frame
    if source.lower().endswith(_NOT_READ):
        raise InputError(
            f"{place}: Spark reads Parquet and tables of its catalog here, since text is split and"
            " typed otherwise than on DuckDB. Convert it to Parquet, or name a table or view."
        )
    if _TABLE.fullmatch(source) and not source.lower().endswith(".parquet"):
        return engine.session.table(source)
    # Spark counts paths from where its own process began, which may be elsewhere.
    path = str(Path(source).absolute()) if glob.glob(source, recursive=True) else source  # noqa: PTH207
    rows = engine.session.read.option("mergeSchema", "true").parquet(path)
    refuse_twins(place, rows.columns)
    return rows


def _stored(
    engine: SparkEngine,
    stack: contextlib.ExitStack,
    place: str,
    name: str,
    rows: Any,  # noqa: ANN401 - Spark's frame
) -> Any:  # noqa: ANN401
    refuse_twins(place, rows.columns)
    table = f"source.{name}"
    with engine.registered(rows, name):
        engine.create(table, f"from {name}")
    stack.callback(engine.drop, table)
    return engine.query(f"from {table}")
