"""Frames: what Arrow cannot represent is refused with the column."""

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from lydite.inputs.frames import is_frame, name_of, to_arrow

FRAME = pl.DataFrame({"n": [1, None], "text": ["a", "é"], "empty": [None, None]})


def test_a_frame_that_arrow_cannot_hold(refused):
    frame = pl.DataFrame({"user_id": pl.Series([object()], dtype=pl.Object)})
    refused(frame, "polars DataFrame", "'user_id' has Python objects", "Cast the column")
    for odd in ([1 + 2j], pd.Series(["\ud800"], dtype=object)):
        refused(pd.DataFrame({"user_id": odd}), "pandas DataFrame", "cannot be read", "Cast the")


def test_a_lazy_frame_that_fails(refused):
    refused(pl.scan_csv("nowhere.csv"), "polars LazyFrame", "cannot be read", "nowhere.csv")


@pytest.mark.parametrize("frame", [FRAME, FRAME.lazy(), FRAME.to_pandas(), FRAME.to_arrow()])
def test_every_frame_becomes_the_same_arrow_table(frame):
    assert is_frame(frame)
    table = to_arrow("here", frame)
    assert table.to_pydict() == {"n": [1, None], "text": ["a", "é"], "empty": [None, None]}
    assert table.schema.field("empty").type in {pa.string(), pa.large_string()}


def test_what_is_not_a_frame():
    assert not is_frame("t.csv")
    assert not is_frame([1])


def test_frames_are_named_by_library_and_class():
    assert name_of(FRAME) == "polars DataFrame"
    assert name_of(FRAME.to_pandas()) == "pandas DataFrame"
    assert name_of(FRAME.to_arrow()) == "pyarrow Table"
