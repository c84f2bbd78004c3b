"""What every asset tells of itself: rows, columns with their meaning, tables to look at."""

from typing import Any

import dagster as dg
import polars as pl

from lydite.engine import DuckDBEngine
from lydite.engine.files import describe

OWNERS = ["team:data"]
POOL = "duckdb_writer"


def about(engine: DuckDBEngine, table: str, file: str | None = None) -> dict[str, Any]:
    """Return row count and column schema of a table; meanings from the SQL file that made it."""
    meanings = describe(file)[1] if file else {}
    columns = engine.rows(f"select column_name, column_type from (describe {table})")
    return {
        "dagster/row_count": engine.scalar(f"select count(*) from {table}"),
        "dagster/table_name": table,
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(name=name, type=kind, description=meanings.get(name))
                for name, kind in columns
            ]
        ),
    }


def markdown(frame: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """Return a small frame as a table to read in the UI."""
    head = "| " + " | ".join(frame.columns) + " |"
    rule = "|" + " --- |" * frame.width
    rows = ["| " + " | ".join(_cell(value) for value in row) + " |" for row in frame.iter_rows()]
    return dg.MetadataValue.md("\n".join([head, rule, *rows]))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value).replace("|", "\\|")
