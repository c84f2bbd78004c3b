"""Frames: what Arrow cannot represent is refused with the column."""

import pandas as pd
import polars as pl


def test_a_frame_that_arrow_cannot_hold(refused):
    frame = pl.DataFrame({"user_id": pl.Series([object()], dtype=pl.Object)})
    refused(frame, "polars DataFrame", "'user_id' has Python objects", "Cast the column")
    for odd in ([1 + 2j], pd.Series(["\ud800"], dtype=object)):
        refused(pd.DataFrame({"user_id": odd}), "pandas DataFrame", "cannot be read", "Cast the")


def test_a_lazy_frame_that_fails(refused):
    refused(pl.scan_csv("nowhere.csv"), "polars LazyFrame", "cannot be read", "nowhere.csv")
