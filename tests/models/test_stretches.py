"""Paths as stretches of touches: those are alike whose channels are."""

from __future__ import annotations

from drawn_stretches import channels_of, draw_stretches
from hypothesis import given

from lydite.models.stretches import distinct_paths


@given(draw_stretches())
def test_paths_are_alike_where_their_channels_are(drawn):
    touched, paths = drawn
    channels = channels_of(touched, paths)
    path, first = distinct_paths(touched, paths)
    seen = list(dict.fromkeys(channels))
    assert path.tolist() == [seen.index(own) for own in channels]
    assert [channels[row] for row in first] == seen
