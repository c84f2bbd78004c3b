"""The order of paths, against Python's order of tuples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.inputs.path_order import sort_paths
from tests.helpers.examples import examples


def sort(paths):
    channel = np.array([channel for path in paths for channel in path], dtype=int)
    order, is_first = sort_paths(channel, np.array([len(path) for path in paths], dtype=int))
    return order.tolist(), is_first.tolist()


def assert_sorted(paths):
    order, is_first = sort(paths)
    # Sorting in Python keeps the order of equals too.
    assert order == sorted(range(len(paths)), key=lambda i: paths[i])
    ranked = [paths[i] for i in order]
    assert is_first == [i == 0 or ranked[i] != ranked[i - 1] for i in range(len(ranked))]


@st.composite
def path_lists(draw):
    """Paths of few or many channels, some of which begin alike or are the same."""
    most = draw(st.sampled_from([0, 1, 2, 14, 15, 70_000]))
    path = st.lists(st.integers(0, most), min_size=1, max_size=8).map(tuple)
    paths = draw(st.lists(path, max_size=12))
    if paths:
        some = st.sampled_from(paths)
        repeated = st.lists(some, min_size=1, max_size=9).map(lambda parts: sum(parts, ()))
        paths += draw(st.lists(repeated, max_size=8))
    return paths


@examples(200)
@given(path_lists())
def test_paths_are_sorted_as_tuples_are(paths):
    assert_sorted(paths)


@pytest.mark.parametrize("channels", [1, 2, 10_000])
def test_long_paths_that_differ_at_the_end(channels):
    long = tuple(i % channels for i in range(10_000))
    assert_sorted([(*long, 1), long, (*long, 0), (0,), (*long, 1), long[:-1]])
