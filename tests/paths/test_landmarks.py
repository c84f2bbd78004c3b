"""Landmarks as columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.paths.landmarks import N_BUCKETS, UniqueFeatures, first_buckets
from tests.helpers.random_landmarks import draw_landmarks


def test_other_outcomes_change_nothing_else():
    landmarks = draw_landmarks(np.random.default_rng(0), 50)
    other = landmarks.without_outcome(~landmarks.converted)
    assert (other.converted != landmarks.converted).all()
    assert other.path is landmarks.path
    assert len(other) == len(landmarks) == 50


def test_the_length_of_unique_features_is_the_number_of_rows():
    assert len(UniqueFeatures(np.array([0, 1, 1, 0]), np.zeros((2, 3)))) == 2


@pytest.mark.parametrize("index", [[0, 2], [-1, 0]])
def test_a_number_without_feature_row_is_refused(index):
    with pytest.raises(
        ValueError, match="2 feature rows, so that their numbers are from 0 to 1, not"
    ):
        UniqueFeatures(np.array(index), np.zeros((2, 3)))


def test_some_landmarks_keep_their_paths():
    landmarks = draw_landmarks(np.random.default_rng(4), 300)
    rows = np.sort(np.random.default_rng(5).choice(300, 120, replace=False))
    part = landmarks.take(rows).with_used_paths()
    assert len(part) == 120
    np.testing.assert_array_equal(part.happened_at, landmarks.happened_at[rows])
    np.testing.assert_array_equal(part.history, landmarks.history[rows])
    assert len(part.paths) == 120
    for name in ("touches", "linear"):
        whole, some = (
            own.paths.path_channels.matrix(
                own.paths.path_channels.touches
                if name == "touches"
                else own.paths.path_channels.weights[name],
                len(own.paths),
                len(own.channels),
            ).toarray()[own.path]
            for own in (landmarks, part)
        )
        np.testing.assert_array_equal(some, whole[rows])
    assert len(landmarks.take(np.empty(0, dtype=int))) == 0


@given(st.lists(st.tuples(st.integers(0, N_BUCKETS - 1), st.integers(1, 9))), st.integers(0, 60))
def test_first_buckets_hold_as_many_rows_as_allowed(rows, at_most):
    bucket, counts = (np.array([row[i] for row in rows], dtype=int) for i in (0, 1))
    found = first_buckets(bucket, counts, at_most)
    assert 1 <= found <= N_BUCKETS
    assert found == 1 or counts[bucket < found].sum() <= at_most
    assert found == N_BUCKETS or counts[bucket <= found].sum() > at_most
    assert first_buckets(np.repeat(bucket, counts), None, at_most) == found
