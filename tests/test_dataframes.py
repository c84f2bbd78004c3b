"""Frame types: which one a source has, and conversion without loss."""

from datetime import date
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from lydite.dataframes import kind_of, to_frame

FRAME = pl.DataFrame(
    {"model": ["linear", None], "share": [0.5, None], "day": [date(2025, 1, 6), None]}
)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (FRAME, "polars"),
        (FRAME.lazy(), "polars"),
        (FRAME.to_pandas(), "pandas"),
        (FRAME.to_arrow(), "pyarrow"),
        ("touchpoints.parquet", "pandas"),
        (Path("touchpoints.csv"), "pandas"),
        (object(), "pandas"),
    ],
)
def test_the_kind_of_a_source(source, kind):
    assert kind_of(source) == kind


@pytest.mark.parametrize(
    ("kind", "frame_type"),
    [("polars", pl.DataFrame), ("pandas", pd.DataFrame), ("pyarrow", pa.Table)],
)
def test_a_frame_keeps_its_rows_in_any_library(kind, frame_type):
    frame = to_frame(FRAME, kind)
    assert isinstance(frame, frame_type)
    assert pl.DataFrame(frame).equals(FRAME)
