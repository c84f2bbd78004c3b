"""Paths as slices of touches: those are alike whose channels are."""

from __future__ import annotations

from hypothesis import given

from lydite.paths.path_slices import distinct_paths
from tests.helpers.random_path_slices import channels_of, draw_stretches


@given(draw_stretches())
def test_paths_are_alike_where_their_channels_are(drawn):
    touch_arrays, paths = drawn
    channels = channels_of(touch_arrays, paths)
    path, first = distinct_paths(touch_arrays, paths)
    seen = list(dict.fromkeys(channels))
    assert path.tolist() == [seen.index(own) for own in channels]
    assert [channels[row] for row in first] == seen
