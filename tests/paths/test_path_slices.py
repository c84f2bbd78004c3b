"""Paths as slices of touches: equal channels have equal hashes and numbers."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from lydite.paths.path_slices import distinct_paths, path_hashes
from tests.helpers.random_path_slices import channels_of, draw_paths


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
