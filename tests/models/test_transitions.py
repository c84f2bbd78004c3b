"""Transition counts: from paths and from landmarks, by name, and packed states."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.models.transitions import Transitions, find, pack, shorten
from tests.helpers.examples import examples
from tests.helpers.random_path_tables import (
    ORDERS,
    A,
    B,
    count_paths,
    from_landmark_counts,
    landmark_counts,
    path_tables,
)


@given(path_tables(), st.sampled_from(ORDERS))
def test_landmarks_of_whole_paths_count_as_the_paths(table, order):
    paths, conversions, nulls, n_channels = table
    counted = from_landmark_counts(landmark_counts(paths, conversions, nulls), order, n_channels)
    expected = Transitions.from_paths(paths, conversions, nulls, order, n_channels)
    for name, value in vars(expected).items():
        np.testing.assert_array_equal(getattr(counted, name), value, err_msg=name)


def test_empty_paths_and_unknown_orders_are_refused():
    with pytest.raises(ValueError, match="path 1 has no touch"):
        Transitions.from_paths([[A], []], [1, 1], [0, 0], 1, 1)
    with pytest.raises(ValueError, match="1 to 4, not 5"):
        Transitions.from_paths([[A]], [1], [0], 5, 1)
    with pytest.raises(ValueError, match="at most 65535 channels"):
        Transitions.from_paths([[A]], [1], [0], 1, 65_536)


def test_transition_matrix_by_name():
    transitions = Transitions.from_paths([[A, A, B], [B]], [2, 1], [1, 0], 1, 3)
    matrix = transitions.transition_matrix(["ads", "bing", "cold"])
    assert set(matrix.rows()) == {
        ("(start)", "ads", 3.0, 0.75),
        ("(start)", "bing", 1.0, 0.25),
        ("ads", "ads", 3.0, 0.5),
        ("ads", "bing", 3.0, 0.5),
        ("bing", "(conversion)", 3.0, 0.75),
        ("bing", "(null)", 1.0, 0.25),
    }
    longer = Transitions.from_paths([[A, A, B], [B]], [2, 1], [1, 0], 2, 3)
    assert set(longer.transition_matrix(["ads", "bing", "cold"]).rows()) == {
        ("(start)", "ads", 3.0, 0.75),
        ("(start)", "bing", 1.0, 0.25),
        ("ads", "ads", 3.0, 1.0),
        ("ads > ads", "bing", 3.0, 1.0),
        ("ads > bing", "(conversion)", 2.0, 2 / 3),
        ("ads > bing", "(null)", 1.0, 1 / 3),
        ("bing", "(conversion)", 1.0, 1.0),
    }


@given(path_tables(), st.sampled_from(ORDERS))
@examples(30)
def test_states_are_the_histories_on_the_paths(table, order):
    paths, conversions, nulls, n_channels = table
    counts = count_paths(paths, conversions, nulls, order)
    transitions = Transitions.from_paths(paths, conversions, nulls, order, n_channels)
    assert {tuple(row) for row in transitions.histories.tolist()} == set(counts) - {"start"}
    np.testing.assert_array_equal(transitions.histories[:, -1], transitions.last_channel)


def test_packed_states_shorten_to_their_newest_channels():
    history = np.array([[3, 65_534, 0, 65_534], [0, -1, -1, -1]])
    keys = pack(history)
    for order in ORDERS:
        np.testing.assert_array_equal(shorten(keys, order), pack(history[:, :order]))
    with pytest.raises(ValueError, match="at most 4"):
        pack(np.zeros((1, 5), dtype=int))


def test_find_in_sorted_keys():
    among = np.array([2, 5, 9], dtype=np.uint64)
    assert find(np.array([9, 1, 5, 10], dtype=np.uint64), among).tolist() == [2, -1, 1, -1]
    assert find(among, among[:0]).tolist() == [-1, -1, -1]
