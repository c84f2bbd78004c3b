"""Draws paths as slices of an array of touches."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from lydite.paths.path_slices import PathSlices, TouchArrays

NAMES = ("a", "direct", "c")
HOUR = 3_600_000_000


@st.composite
def draw_paths(draw):
    """Draw paths, of which some have touches that do not count."""
    channel = np.array(draw(st.lists(st.integers(0, 2), min_size=1, max_size=30)))
    ends = st.tuples(st.integers(0, len(channel) - 1), st.integers(0, len(channel) - 1))
    some = [sorted(pair) for pair in draw(st.lists(ends, max_size=12))]
    first = np.array([a for a, _ in some], dtype=int)
    length = np.array([b - a + 1 for a, b in some], dtype=int)
    most = draw(st.integers(2, 8))
    at = np.cumsum(draw(st.lists(st.integers(0, 9 * HOUR), min_size=30, max_size=30)))
    touches = TouchArrays(NAMES, channel, at[: len(channel)])
    return PathSlices(touches, first, length, np.minimum(length, most))


def touches_of(paths):
    """Return the positions of the touches that count on each path."""
    return [
        [first, *range(first + length - kept + 1, first + length)]
        for first, length, kept in zip(paths.first, paths.length, paths.kept, strict=True)
    ]


def channels_of(paths):
    return [tuple(paths.touches.channel[touches].tolist()) for touches in touches_of(paths)]
