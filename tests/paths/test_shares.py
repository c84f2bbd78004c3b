"""Shares of paths: rounded to steps, deduplicated, and means weighted by them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.models import PathChannels, Rule, make_model
from lydite.paths import shares
from lydite.paths.path_slices import distinct_paths
from lydite.paths.rule_weights import LandmarkPaths, describe_paths
from lydite.paths.shares import STEPS_BY_ORDER, mixed_rates, share_rows
from tests.helpers.examples import examples
from tests.helpers.random_landmarks import draw_landmarks, with_paths
from tests.helpers.random_path_slices import HOUR, draw_paths, touches_of

RATES = np.array([0.1, 0.4, 0.7])


def drawn_with(weights: list[list[float]]):
    """Return landmarks whose paths have these weights, a list for each, by channel."""
    landmark = np.repeat(np.arange(len(weights)), [len(own) for own in weights])
    channel = np.concatenate([np.arange(len(own)) for own in weights])
    touches = 1 + (np.arange(len(landmark)) % 3)
    touched = PathChannels(landmark, channel, touches, {"linear": np.concatenate(weights)})
    return with_paths(draw_landmarks(np.random.default_rng(0), len(weights)), touched)


def exact_shares(drawn) -> np.ndarray:
    """Return the shares of each path by channel; by touches where there is no weight."""
    touched, shape = drawn.paths.path_channels, (len(drawn), len(drawn.channels))
    weight, touches = np.zeros(shape), np.zeros(shape)
    weight[touched.row, touched.channel] = touched.weights["linear"]
    touches[touched.row, touched.channel] = touched.touches
    empty = weight.sum(axis=1) == 0
    weight[empty] = touches[empty]
    return weight / weight.sum(axis=1, keepdims=True)


some_weights = st.lists(
    st.lists(st.floats(0, 1).map(lambda x: round(x, 3)), min_size=1, max_size=4),
    min_size=1, max_size=20,
)  # fmt: skip


@examples(60)
@given(some_weights)
def test_shares_are_rounded_to_a_step_and_sum_to_one(weights):
    drawn = drawn_with(weights)
    index, [rows] = share_rows(drawn, ["linear"], STEPS_BY_ORDER)
    found = np.asarray(rows)[index]
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)
    # Half a step by rounding, and what the rounding of the others adds when they are summed to 1.
    assert np.abs(found - exact_shares(drawn)).max() <= 2.5 / (STEPS_BY_ORDER - 2)


def test_equal_shares_are_exact():
    drawn = drawn_with([[1.0] * size for size in range(1, 11)])
    drawn = replace(drawn, channels=tuple("abcdefghij"))
    index, [rows] = share_rows(drawn, ["linear"], STEPS_BY_ORDER)
    assert len(rows) == 10
    expected = np.tril(np.ones((10, 10))) / np.arange(1, 11)[:, None]
    np.testing.assert_allclose(rows[index], expected, rtol=1e-12)


@examples(60)
@given(some_weights)
def test_the_form_of_the_matrix_changes_nothing(weights):
    drawn = drawn_with(weights)
    index, [rows] = share_rows(drawn, ["linear"], STEPS_BY_ORDER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shares, "MAX_FULL_CHANNELS", 1)
        other_index, [other] = share_rows(drawn_with(weights), ["linear"], STEPS_BY_ORDER)
    np.testing.assert_array_equal(other_index, index)
    np.testing.assert_array_equal(other.toarray(), rows)


def test_rows_are_equal_only_if_all_columns_have_equal_shares():
    drawn = drawn_with([[1.0, 1.0], [2.0, 2.0], [1.0, 3.0], [1.0, 1.0]])
    model = make_model("position_based_fitted")
    first, second, *others = model.columns
    linear = drawn.paths.path_channels.weights["linear"]
    weights = {first: linear, second: np.array([1, 1, 1, 1, 1, 3, 1, 3.0])}
    weights |= dict.fromkeys(others, np.ones(8))
    index, rows = share_rows(
        with_paths(drawn, replace(drawn.paths.path_channels, weights=weights)),
        model.columns,
        STEPS_BY_ORDER,
    )
    assert index.tolist() == [0, 0, 1, 2]
    np.testing.assert_allclose(rows[0][:, :2], [[0.5, 0.5], [0.25, 0.75], [0.5, 0.5]])
    np.testing.assert_allclose(rows[1][:, :2], [[0.5, 0.5], [0.25, 0.75], [0.25, 0.75]])


@examples(60)
@given(some_weights)
def test_rates_are_mixed_by_shares(weights):
    drawn = drawn_with(weights)
    rates = np.array([0.1, 0.2, 0.5, 0.9])
    expected = exact_shares(drawn) @ rates
    np.testing.assert_allclose(mixed_rates(drawn, "linear", rates), expected, rtol=1e-12)


@given(draw_paths(), st.integers(1, 9))
def test_rates_are_mixed_by_weights_that_depend_on_times(paths, most):
    if not len(paths):
        return
    # On a path of which every touch is of one instant, no touch has any weight.
    rule = Rule("before", "hours", "hours_before_end")
    number, first = distinct_paths(paths)
    described = describe_paths(paths.take(first), {})
    own = LandmarkPaths(paths, number, described, rule.weight_columns)
    some = replace(
        draw_landmarks(np.random.default_rng(0), len(paths), channels=3),
        path=number, paths=described.paths, landmark_paths=own,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lydite.paths.touch_weights._MAX_TOUCHES", most)
        found = mixed_rates(some, "before", RATES)
    for row, touches in enumerate(touches_of(paths)):
        hours = (paths.touches.at_us[touches[-1]] - paths.touches.at_us[touches]) / HOUR
        weight = hours if hours.sum() > 0 else np.ones(len(hours))
        expected = np.average(RATES[paths.touches.channel[touches]], weights=weight)
        assert found[row] == pytest.approx(expected, rel=1e-9)
