"""Frames given back: results come as the kind of frame that the data came in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl


def kind_of(source: object) -> str:
    """Return the library of a frame, pandas for anything else: the commonest in notebooks."""
    library = type(source).__module__.split(".")[0]
    return library if library in ("polars", "pyarrow") else "pandas"


def to_frame(frame: pl.DataFrame, kind: str) -> Any:  # noqa: ANN401
    """Return a frame as one of the given library."""
    if kind == "pandas":
        return frame.to_pandas()
    return frame.to_arrow() if kind == "pyarrow" else frame
