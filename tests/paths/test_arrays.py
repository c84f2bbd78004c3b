"""Helpers on arrays, against plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.paths.arrays import as_slice, factorize, parts, scatter, sums_of_slices


@pytest.mark.parametrize("dtype", [np.uint64, np.int64, np.int32, np.int16])
@given(st.data())
def test_factorize_numbers_keys_in_order_of_appearance(dtype, data):
    bounds = np.iinfo(dtype)
    some = st.integers(bounds.min, bounds.max) | st.integers(0, 4)
    keys = data.draw(st.lists(some))
    codes, first = factorize(np.array(keys, dtype=dtype))
    seen = list(dict.fromkeys(keys))
    assert codes.tolist() == [seen.index(key) for key in keys]
    assert first.tolist() == [keys.index(key) for key in seen]


@given(st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=4), max_size=8))
def test_sums_of_slices_are_modulo_a_power_of_two(slices):
    values = np.array([value for own in slices for value in own], dtype=np.uint64)
    edges = np.cumsum([0, *map(len, slices)])
    assert sums_of_slices(values, edges).tolist() == [sum(own) % 2**64 for own in slices]


@given(st.permutations(range(9)))
def test_scatter_puts_each_value_at_its_position(order):
    values = np.arange(9, 18, dtype=np.float32)
    found = scatter(values, np.array(order))
    assert found.dtype == values.dtype
    assert found[order].tolist() == values.tolist()


@given(st.lists(st.integers(0, 9), max_size=8))
def test_consecutive_rows_are_a_slice(rows):
    found = as_slice(np.array(rows, dtype=int))
    assert np.arange(10)[found].tolist() == rows
    consecutive = rows == list(range(rows[0], rows[0] + len(rows))) if rows else False
    assert isinstance(found, slice) == consecutive


@given(st.integers(0, 30), st.integers(1, 9))
def test_parts_are_all_rows_in_order(length, size):
    found = [row for part in parts(length, size) for row in range(part.start, part.stop)]
    assert found == list(range(length))
