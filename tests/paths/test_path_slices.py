"""Paths as slices of touches: bounds are checked; equal channels have equal hashes and numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from lydite.paths.path_slices import PathSlices, TouchArrays, distinct_paths, path_hashes
from tests.helpers.random_path_slices import HOUR, NAMES, channels_of, draw_paths

TOUCHES = TouchArrays(NAMES, np.array([0, 1, 2, 0]), np.array([0, 1, 2, 3]) * HOUR)


@given(draw_paths())
def test_paths_with_the_same_channels_have_one_number(paths):
    channels = channels_of(paths)
    path, first = distinct_paths(paths)
    seen = list(dict.fromkeys(channels))
    assert path.tolist() == [seen.index(own) for own in channels]
    assert [channels[row] for row in first] == seen


@given(draw_paths())
def test_hashes_are_polynomials_modulo_a_power_of_two(paths):
    codes, base = [3**40, 5**27, 7**22], 11**18 | 1
    found = path_hashes(paths, np.array([code % 2**64 for code in codes], dtype=np.uint64), base)
    for own, value in zip(channels_of(paths), found.tolist(), strict=True):
        expected = 0
        for channel in own:
            expected = expected * base + codes[channel]
        assert value == expected % 2**64


@pytest.mark.parametrize(
    ("first", "length", "kept"),
    [(-1, 2, 2), (0, 5, 1), (3, 2, 2), (0, 2, 3), (0, 2, 0), (0, 0, 0), (4, 1, 1)],
)
def test_a_path_outside_the_touches_is_refused(first, length, kept):
    with pytest.raises(ValueError, match="paths are slices of 4 touches"):
        PathSlices(TOUCHES, np.array([0, first]), np.array([4, length]), np.array([4, kept]))


def test_columns_of_different_lengths_are_refused():
    one, two = np.ones(1, dtype=int), np.ones(2, dtype=int)
    with pytest.raises(ValueError, match="one row per path"):
        PathSlices(TOUCHES, two, two, one)
    with pytest.raises(ValueError, match="4 touches and 1 times"):
        TouchArrays(NAMES, TOUCHES.channel, one)


@pytest.mark.parametrize("channel", [-1, 3])
def test_a_channel_without_name_is_refused(channel):
    with pytest.raises(ValueError, match="channel numbers are from 0 to 2"):
        TouchArrays(NAMES, np.array([0, channel]))
