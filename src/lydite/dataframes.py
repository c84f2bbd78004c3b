"""Frame types: results come back as the kind of frame that the input was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from typing_extensions import TypeVar

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

DataFrame: TypeAlias = "pl.DataFrame | pd.DataFrame | pa.Table"
FrameKind: TypeAlias = Literal["polars", "pandas", "pyarrow"]
#: The frame type of an argument.
FrameT = TypeVar("FrameT", bound=DataFrame)
#: The frame type of a result. Covariant: a result in pandas frames is a result in any frames.
FrameT_co = TypeVar("FrameT_co", bound=DataFrame, covariant=True, default=DataFrame)


def kind_of(source: object) -> FrameKind:
    """Return the library of a frame; pandas for files and for frames of other libraries."""
    library = type(source).__module__.split(".")[0]
    if library == "polars":
        return "polars"
    return "pyarrow" if library == "pyarrow" else "pandas"


def to_frame(frame: pl.DataFrame, kind: FrameKind) -> DataFrame:
    """Convert a polars frame to a frame of the given library."""
    if kind == "pandas":
        return frame.to_pandas()
    return frame.to_arrow() if kind == "pyarrow" else frame
