"""Converts frames to Arrow tables, whose types DuckDB need not guess."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

import pandas as pd
import polars as pl
import pyarrow as pa

from lydite.errors import InputError
from lydite.inputs.source_rows import refuse_duplicate_columns

if TYPE_CHECKING:
    from collections.abc import Callable


class ArrowStream(Protocol):
    """A frame of any library that exports its rows as Arrow data, such as polars and pandas."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the rows as an Arrow C stream."""


def is_frame(source: object) -> TypeGuard[ArrowStream | pl.LazyFrame]:
    """Return whether `source` is a pandas, polars or Arrow frame, or exports Arrow data."""
    return isinstance(source, pl.LazyFrame) or hasattr(source, "__arrow_c_stream__")


def name_of(source: object) -> str:
    """Return the name of a frame in messages, such as ``pandas DataFrame``."""
    return f"{type(source).__module__.split('.')[0]} {type(source).__name__}"


def to_arrow(place: str, frame: ArrowStream | pl.LazyFrame) -> pa.Table:
    """Return the rows of a frame as an Arrow table.

    Parameters
    ----------
    place
        Table and source for messages.
    frame
        A pandas, polars or Arrow frame. A polars LazyFrame is collected.

    Raises
    ------
    InputError
        When a column name occurs twice, or values have no Arrow type.
    """
    try:
        table = _convert(place, frame.collect() if isinstance(frame, pl.LazyFrame) else frame)
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError, TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{place}: cannot be read: {reason}. Cast the column to text, numbers or times first."
        ) from error
    refuse_duplicate_columns(place, table.column_names)
    return _without_null_type(table)


def _convert(place: str, frame: ArrowStream) -> pa.Table:
    if isinstance(frame, pd.DataFrame):
        return _from_pandas(place, frame)
    if isinstance(frame, pl.DataFrame):
        _refuse_objects(place, frame)
        return frame.to_arrow()  # plain strings: DuckDB scans them faster than string views
    return pa.table(frame)


def _refuse_objects(place: str, frame: pl.DataFrame) -> None:
    """Refuse columns of Python objects, which polars exports as meaningless pointers."""
    for name, kind in frame.schema.items():
        if kind == pl.Object:
            raise InputError(
                f"{place}: column {name!r} has Python objects, which polars cannot export."
                " Cast the column to text, numbers or times first."
            )


def _from_pandas(place: str, frame: pd.DataFrame) -> pa.Table:
    """Convert column by column: columns of Python objects become text, NaN becomes null."""
    names = [str(name) for name in frame.columns]
    refuse_duplicate_columns(place, names)
    columns = [_array(frame.iloc[:, i]) for i in range(len(names))]
    return pa.table(columns, names=names)


def _array(series: pd.Series[Any]) -> pa.Array | pa.ChunkedArray:
    if isinstance(series.dtype, pd.CategoricalDtype):
        codes = pa.array(series.cat.codes, mask=(series.cat.codes < 0).to_numpy())
        return pa.DictionaryArray.from_arrays(codes, _array(series.cat.categories.to_series()))
    if series.dtype != object:
        return pa.array(series, from_pandas=True)
    if _has_lists(series):
        lists = [None if _is_missing(cell) else [_text(value) for value in cell] for cell in series]
        return pa.array(lists, type=pa.list_(pa.large_string()))
    if pd.api.types.infer_dtype(series, skipna=True) != "string":
        series = series.map(_text)
    return pa.array(series, type=pa.large_string(), from_pandas=True)


def _has_lists(series: pd.Series[Any]) -> bool:
    """Return whether every value is a list, a tuple or an array of single values."""
    cells = [cell for cell in series if not _is_missing(cell)]
    return bool(cells) and all(
        pd.api.types.is_list_like(cell, allow_sets=False)
        and not isinstance(cell, dict)
        and not any(map(pd.api.types.is_list_like, cell))
        for cell in cells
    )


def _is_missing(value: Any) -> bool:  # noqa: ANN401 - any Python object
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _text(value: Any) -> str | None:  # noqa: ANN401 - any Python object
    """Return a Python object as text: 5.0 as 5, and times with their zone."""
    if _is_missing(value):
        return None
    if isinstance(value, float | Decimal) and math.isfinite(value) and value == value // 1:
        return str(int(value))
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _without_null_type(table: pa.Table) -> pa.Table:
    """Type columns without any value as text: DuckDB would read them as integers."""
    as_text: Callable[[pa.Field], pa.Field] = lambda field: (  # noqa: E731
        field.with_type(pa.string()) if pa.types.is_null(field.type) else field
    )
    return table.cast(pa.schema([as_text(field) for field in table.schema]))
