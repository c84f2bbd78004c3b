"""Slices of one array, against Python's ranges."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lydite.inputs.slices import slice_positions, slice_starts


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5))))
def test_slices_equal_ranges(pairs):
    start, size = np.array(pairs, dtype=int).reshape(-1, 2).T
    expected = [i for begin, count in pairs for i in range(begin, begin + count)]
    assert slice_positions(start, size).tolist() == expected
    assert slice_starts(size).tolist() == [int(size[:i].sum()) for i in range(len(size))]


def test_small_integers_do_not_overflow():
    size = np.full(3, 100, dtype=np.int8)
    start = np.array([120, 0, 27], dtype=np.int8)
    expected = [*range(120, 220), *range(100), *range(27, 127)]
    assert slice_positions(start, size).tolist() == expected
