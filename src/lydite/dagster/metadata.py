"""The metadata of materialised tables: row counts, column schemas and small tables."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import dagster as dg

from lydite.engine import DuckDBEngine, Engine
from lydite.engine.sql_files import read_comments

Metadata: TypeAlias = Mapping[
    str,
    dg.MetadataValue[Any]
    | dg.TableSchema
    | dg.TableColumnLineage
    | dict[str, Any]
    | str
    | float
    | bool,
]
Result: TypeAlias = dg.MaterializeResult[Any]


def mart_file(table: str) -> str:
    """Return the SQL file that describes a table of the schema ``mart``."""
    return table.replace("mart.", "marts/")


def table_metadata(engine: Engine, table: str, file: str | None = None) -> Metadata:
    """Return the row count and the columns of a table.

    Parameters
    ----------
    table
        Name of the table (``schema.name``).
    file
        SQL file whose comments describe columns. If it lacks any, those in the database do.
    """
    return {
        "dagster/table_name": table,
        "dagster/row_count": engine.scalar(f"select count(*) from {table}"),
        "dagster/column_schema": _schema(engine, table, file),
    }


def _schema(engine: Engine, table: str, file: str | None) -> dg.TableSchema:
    columns = engine.columns(table)
    comments = read_comments(file)[1] if file else {}
    if not columns.keys() <= comments.keys():  # DuckDB lists the columns of all tables for it
        comments = {**comments, **engine.comments(table)}
    return dg.TableSchema(
        [
            dg.TableColumn(column, kind, description=comments.get(column))
            for column, kind in columns.items()
        ]
    )


def materialized(
    key: dg.AssetKey,
    engine: Engine,
    table: str,
    file: str | None = None,
    more: Metadata | None = None,
) -> Result:
    """Return the result of an asset that is a table, with its metadata.

    Parameters
    ----------
    key
        Key of the asset.
    table, file
        As for `table_metadata`.
    more
        Further metadata.
    """
    return dg.MaterializeResult(
        asset_key=key, metadata={**table_metadata(engine, table, file), **(more or {})}
    )


def markdown(
    engine: DuckDBEngine, select: str, labels: Mapping[str, Callable[[Any], str]] | None = None
) -> dg.MarkdownMetadataValue:
    """Return the rows of a small select as a Markdown table.

    Parameters
    ----------
    labels
        For columns with names of models or verdicts: the function that returns the name for
        readers.
    """
    frame = engine.frame(select)
    shown = [(labels or {}).get(name) for name in frame.columns]
    rows = [
        [_cell(label(value) if label and value else value)
         for label, value in zip(shown, row, strict=True)]
        for row in frame.rows()
    ]  # fmt: skip
    lines = [frame.columns, ["---"] * frame.width, *rows]
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(line)} |" for line in lines))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|")
