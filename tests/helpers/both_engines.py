"""DuckDB and Spark compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import polars.selectors as cs
from polars.testing import assert_frame_equal

if TYPE_CHECKING:
    from lydite.engine import Engine, SparkEngine


def stored(spark: SparkEngine, schema: str) -> list[str]:
    """Return the tables, and views of tables, that a database holds."""
    rows = spark.session.sql(f"show tables in lydite_{schema}").collect()
    return sorted(row["tableName"] for row in rows if not row["isTemporary"])


def same(
    one: Engine, other: Engine, select: str, parameters: dict[str, object] | None = None
) -> None:
    """Assert that both give the same rows, floats to the ninth digit and all else exactly.

    Columns without a name are named differently by each, and whole numbers are not
    always as wide: columns are compared by place, and by value.
    """
    left, right = (_plain(engine.frame(select, parameters)) for engine in (one, other))
    right = right.rename(dict(zip(right.columns, left.columns, strict=True)))
    assert_frame_equal(left, right, check_row_order=False, rel_tol=1e-9, abs_tol=1e-9)


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    whole = cs.integer() | cs.decimal()
    return frame.with_columns(whole.cast(pl.Int64), cs.by_dtype(pl.Float32).cast(pl.Float64))
