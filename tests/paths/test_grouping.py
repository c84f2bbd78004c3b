"""Telling numbers apart and adding up by them, as plain Python does it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.paths.grouping import counted, distinct, placed, taken


def in_order_of_appearance(keys, index, first) -> None:
    seen = list(dict.fromkeys(keys))
    assert index.tolist() == [seen.index(key) for key in keys]
    assert first.tolist() == [keys.index(key) for key in seen]


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 4)))
def test_distinct_numbers_keys_in_order_of_appearance(keys):
    in_order_of_appearance(keys, *distinct(np.array(keys, dtype=np.uint64)))


@given(st.lists(st.integers(-9, 9)), st.sampled_from([np.int16, np.int32, np.int64]))
def test_keys_may_be_of_any_width_and_sign(keys, kind):
    in_order_of_appearance(keys, *distinct(np.array(keys, dtype=kind)))


@given(st.lists(st.integers(0, 9), max_size=30))
def test_small_keys_are_numbered_in_the_same_way(keys):
    in_order_of_appearance(keys, *distinct(np.array(keys, dtype=int), size=10))


@pytest.mark.parametrize("step", [1, 2**20, 2**44, 0x9E3779B97F4A7C15])
def test_many_keys_that_lie_regularly_are_told_apart(step):
    keys = np.arange(30_000, dtype=np.uint64) * np.uint64(step)
    index, first = distinct(np.concatenate([keys, keys[::-1]]))
    numbers = np.arange(30_000)
    np.testing.assert_array_equal(index, np.concatenate([numbers, numbers[::-1]]))
    np.testing.assert_array_equal(first, numbers)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-50, 50))), st.sampled_from("?bif"))
def test_values_are_added_up_by_their_number(rows, kind):
    index = np.array([own for own, _ in rows], dtype=np.int32)
    values = np.array([value for _, value in rows]).astype(kind)
    expected = [float(sum(values[index == number].tolist())) for number in range(6)]
    assert counted(index, values, 6).tolist() == expected


@given(st.permutations(range(9)), st.sampled_from([np.int16, np.int32, np.int64]))
def test_values_are_taken_from_places_and_put_there_again(order, kind):
    place, values = np.array(order, dtype=kind), np.arange(9, 18, dtype=np.float32)
    found = taken(values, place)
    assert found.dtype == values.dtype
    assert found.tolist() == [9 + own for own in order]
    assert placed(place, found).tolist() == values.tolist()
