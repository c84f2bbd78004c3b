"""What a run shows of its tables: row counts, column schemas, small tables as markdown."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from lydite.engine import DuckDBEngine, Engine
from lydite.engine.sql_files import read_comments


def table_metadata(engine: Engine, table: str, file: str | None = None) -> dict[str, Any]:
    """Return the row count and the columns of a table.

    Parameters
    ----------
    table
        Its name, ``schema.name``.
    file
        The SQL file whose comments describe columns that carry no comment in the database.
    """
    return {
        "dagster/table_name": table,
        "dagster/row_count": engine.scalar(f"select count(*) from {table}"),
        "dagster/column_schema": _schema(engine, table, file),
    }


def _schema(engine: Engine, table: str, file: str | None) -> dg.TableSchema:
    told = {**(read_comments(file)[1] if file else {}), **engine.comments(table)}
    return dg.TableSchema(
        [
            dg.TableColumn(column, kind, description=told.get(column))
            for column, kind in engine.columns(table).items()
        ]
    )


def materialized(
    engine: Engine,
    table: str,
    file: str | None = None,
    more: Mapping[str, Any] | None = None,
) -> dg.MaterializeResult[Any]:
    """Return the result of an asset that is a table: its metadata, and `more` of it."""
    metadata = {**table_metadata(engine, table, file), **(more or {})}
    return dg.MaterializeResult(asset_key=table.split("."), metadata=metadata)


def markdown(engine: DuckDBEngine, select: str) -> dg.MarkdownMetadataValue:
    """Return the rows of a small select as a markdown table."""
    frame = engine.frame(select)
    lines = [frame.columns, ["---"] * frame.width, *(map(_cell, row) for row in frame.rows())]
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(line)} |" for line in lines))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|")
