"""Channels on paths with weights: of distinct paths, and of the path of each landmark."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.models import Rule, make_model
from lydite.models.base import weight_columns
from lydite.paths import touch_weights
from lydite.paths.path_slices import distinct_paths
from lydite.paths.rule_weights import LandmarkPaths, channels_on, describe_paths
from tests.helpers.random_path_slices import HOUR, channels_of, draw_paths, touches_of


@given(draw_paths())
def test_distinct_paths_have_history_channels_and_weights(paths):
    models = [make_model("linear"), make_model("last_non_direct"), make_model("w_shaped")]
    described = describe_paths(paths, weight_columns(models)).paths
    for row, touched in enumerate(channels_of(paths)):
        assert described.history[row].tolist() == [*touched[::-1], -1, -1, -1, -1][:4]
        known = [place for place, channel in enumerate(touched) if channel != 1]
        last = known[-1] if known else len(touched) - 1
        own = described.path_channels.row == row
        assert described.path_channels.channel[own].tolist() == sorted(set(touched))
        for place, channel in zip(np.flatnonzero(own), sorted(set(touched)), strict=True):
            assert described.path_channels.touches[place] == touched.count(channel)
            assert described.path_channels.weights["linear"][place] == touched.count(channel)
            assert described.path_channels.weights["last_non_direct"][place] == (
                touched[last] == channel
            )
    # Three alike, or 0.3 for the first, the middle and the last, and 0.1 for all others together.
    w_shaped = described.path_channels.weights["w_shaped"]
    total = np.bincount(described.path_channels.row, w_shaped, minlength=len(paths))
    expected = np.where(paths.kept > 3, 1.0, paths.kept)
    np.testing.assert_allclose(total, expected, rtol=1e-9)


@given(draw_paths(), st.integers(1, 9), st.randoms(use_true_random=False))
def test_paths_of_landmarks_have_the_weights_of_paths(paths, most, random):
    rules = [
        Rule("before", "hours", "hours_before_end"),
        Rule("both", "hours and place", "position + hours_after_start"),
    ]
    expected = channels_on(paths, weight_columns(rules))
    number, first = distinct_paths(paths)
    described = describe_paths(paths.take(first), {})
    own = LandmarkPaths(paths, number, described, weight_columns(rules))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(touch_weights, "_MAX_TOUCHES", most)
        found = own.path_channels(["both", "before"])
    for name in ("row", "channel", "touches"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    for name in ("before", "both"):
        np.testing.assert_allclose(found.weights[name], expected.weights[name], rtol=1e-6)
    assert "before" in own
    assert "other" not in own
    rows = np.array(random.sample(range(len(paths)), len(paths) // 2), dtype=int)
    part = own.take(rows).path_channels(["before"])
    assert list(part.weights) == ["before"]
    whole = expected.matrix(expected.weights["before"], len(paths), 3).toarray()
    np.testing.assert_allclose(
        part.matrix(part.weights["before"], len(rows), 3).toarray(), whole[rows], rtol=1e-6
    )


@given(draw_paths(), st.integers(1, 9))
def test_weights_and_their_products_with_values_are_summed_by_path(paths, most):
    rule = Rule("before", "hours", "1 + hours_before_end")
    number, first = distinct_paths(paths)
    described = describe_paths(paths.take(first), {})
    own = LandmarkPaths(paths, number, described, weight_columns([rule]))
    values = np.array([0.5, 2.0, 3.0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(touch_weights, "_MAX_TOUCHES", most)
        weights, products = own.sums("before", values)
    for row, touches in enumerate(touches_of(paths)):
        hours = paths.touches.at_us[touches] / HOUR
        weight = 1 + hours[-1] - hours
        assert weights[row] == pytest.approx(weight.sum())
        assert products[row] == pytest.approx(weight @ values[paths.touches.channel[touches]])
