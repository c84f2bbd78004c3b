"""Converts frames to Arrow tables, whose types DuckDB need not guess."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol, TypeGuard

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
    pandas = sys.modules.get("pandas")  # it takes long to import, so only the caller does
    if pandas is not None and isinstance(frame, pandas.DataFrame):
        from lydite.inputs.pandas_frames import from_pandas  # noqa: PLC0415 - as above

        return from_pandas(place, frame)
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


def _without_null_type(table: pa.Table) -> pa.Table:
    """Type columns without any value as text: DuckDB would read them as integers."""
    as_text: Callable[[pa.Field], pa.Field] = lambda field: (  # noqa: E731
        field.with_type(pa.string()) if pa.types.is_null(field.type) else field
    )
    return table.cast(pa.schema([as_text(field) for field in table.schema]))
