"""pandas frames: what their Python objects become."""

import decimal

import pandas as pd

from lydite.inputs.pandas_frames import from_pandas


def test_objects_of_pandas_become_text():
    cells = [5, 5.0, decimal.Decimal("2.50"), b"x", None, float("nan"), "a"]
    frame = pd.DataFrame({"x": pd.Series(cells, dtype=object)})
    found = from_pandas("here", frame).to_pydict()["x"]
    assert found == ["5", "5", "2.50", "x", None, None, "a"]
