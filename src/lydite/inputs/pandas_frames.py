"""Converts pandas frames to Arrow tables."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa

from lydite.inputs.source_rows import refuse_duplicate_columns


def from_pandas(place: str, frame: pd.DataFrame) -> pa.Table:
    """Return a frame as an Arrow table: columns of Python objects become text, NaN becomes null."""
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
