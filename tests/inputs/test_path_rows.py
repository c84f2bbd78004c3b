"""Rows of paths: runs laid end to end. What the rows come to is tested with the table."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lydite.inputs.path_rows import run_numbers, runs, starts


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5))))
def test_runs_equal_ranges(pairs):
    begin, size = np.array(pairs, dtype=int).reshape(-1, 2).T
    expected = [i for start, count in pairs for i in range(start, start + count)]
    assert runs(begin, size).tolist() == expected
    assert starts(size).tolist() == [int(size[:i].sum()) for i in range(len(size))]


@settings(deadline=None)
@given(st.lists(st.integers(1, 5)))
def test_runs_are_numbered(sizes):
    expected = [number for number, size in enumerate(sizes) for _ in range(size)]
    assert run_numbers(np.array(sizes, dtype=int)).tolist() == expected
