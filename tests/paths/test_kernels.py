"""Compiled kernels against loops of Python; what is out of bounds is refused before they run."""

from __future__ import annotations

import inspect
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from lydite.paths import kernels
from lydite.paths.path_slices import PathSlices, TouchArrays
from tests.helpers.random_path_slices import HOUR, NAMES, channels_of, draw_paths, touches_of

VALUES = np.array([0.5, 2.0, 3.0])
TOUCHES = TouchArrays(NAMES, np.array([0, 1, 2, 0]), np.array([0, 1, 2, 3]) * HOUR)


@kernels.compiled
def total(values: np.ndarray) -> float:
    result = 0.0
    for value in values:
        result += value
    return result


@kernels.compiled
def turn_until(flag: np.ndarray, turns: np.ndarray) -> None:
    while flag[0] == 0:  # `turns` might be the same array, so that `flag` is read at every turn
        turns[0] += 1


def test_a_compiled_loop_does_what_python_does():
    values = np.arange(10.0)
    assert total(values) == total.__wrapped__(values) == 45


def test_other_threads_run_during_a_compiled_loop():
    turn_until(np.ones(1), np.zeros(1))  # compiled by now
    flag, turns = np.zeros(1), np.zeros(1)
    turning = threading.Thread(target=turn_until, args=(flag, turns))
    turning.start()
    while turns[0] == 0:
        pass
    flag[0] = 1.0
    turning.join()


@given(draw_paths())
def test_hours_are_to_the_end_of_the_path(paths):
    at = [paths.touches.at_us[own] / HOUR for own in touches_of(paths)]
    expected = [x for own in at for x in own[-1] - own]
    np.testing.assert_allclose(kernels.hours_before_end(paths), expected, atol=1e-9)


@given(draw_paths())
def test_sums_are_weighted_by_path(paths):
    weight = np.arange(1.0, 1 + paths.kept.sum())
    weights, products = kernels.weighted_sums(paths, weight, VALUES)
    begin = 0
    for row, own in enumerate(channels_of(paths)):
        part = weight[begin : begin + len(own)]
        begin += len(own)
        assert weights[row] == part.sum()
        assert products[row] == part @ VALUES[list(own)]


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


def test_weights_and_values_of_other_lengths_are_refused():
    paths = PathSlices(TOUCHES, np.array([0]), np.array([4]), np.array([3]))
    for weights, values in ((np.ones(4), VALUES), (np.ones(3), VALUES[:2])):
        with pytest.raises(ValueError, match="one weight per touch"):
            kernels.weighted_sums(paths, weights, values)


def test_hours_without_times_are_refused():
    paths = PathSlices(TOUCHES.without_times(), np.array([0]), np.array([4]), np.array([3]))
    with pytest.raises(ValueError, match="no times"):
        kernels.hours_before_end(paths)


def test_there_are_few_kernels():
    source = inspect.getsource(kernels)
    assert source.count("@compiled\ndef ") <= 8


@given(st.integers(0, 1000), st.integers(0, 60), st.booleans())
def test_scores_are_added_to_the_cell_of_each_landmark(seed, n, counted):
    rng = np.random.default_rng(seed)
    # Beyond the ends of a grid of 8 bins from -2 to 2, and at its edges.
    log_odds = np.append(rng.normal(0, 3, n), [-2.0, -0.5, 0.0, 1.9, 2.0, -700.0, 700.0])
    size = len(log_odds)
    period, bucket = rng.integers(0, 3, size), rng.integers(0, 5, size)
    converted, count = rng.random(size) < 0.4, rng.integers(0, 4, size).astype(float)
    scored = log_odds + rng.normal(0, 1, size)
    losses, grid = np.zeros((3, 5, 2)), np.zeros((3, 8, 3))
    odds = np.exp(-np.abs(log_odds))
    kernels.add_scores(
        log_odds, odds, scored, np.log1p(np.exp(-np.abs(scored))), period, bucket, converted,
        count if counted else None, 2, losses, grid,
    )  # fmt: skip
    expected = np.zeros_like(losses), np.zeros_like(grid)
    for row in range(size):
        n_landmarks = count[row] if counted else 1.0
        p = 1 / (1 + np.exp(-log_odds[row]))
        loss = np.logaddexp(0, -scored[row] if converted[row] else scored[row])
        added = [loss, (p - converted[row]) ** 2]
        expected[0][period[row], bucket[row]] += n_landmarks * np.array(added)
        place = min(max(int(np.floor(2 * (log_odds[row] + 2))), 0), 7)
        expected[1][period[row], place] += n_landmarks * np.array([1, converted[row], p])
    np.testing.assert_allclose(losses, expected[0], rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(grid, expected[1], rtol=1e-12, atol=1e-300)


@given(st.integers(0, 1000), st.integers(0, 40), st.booleans())
def test_forecasts_and_their_variances_are_added_by_stratum(seed, n, counted):
    rng = np.random.default_rng(seed)
    odds, factor = np.exp(rng.normal(0, 4, n)), np.exp(rng.normal(0, 2, 5))
    stratum, count = rng.integers(0, 5, n), rng.integers(0, 4, n).astype(float)
    sums = np.zeros((5, 2))
    kernels.add_forecasts(odds, factor, stratum, count if counted else None, sums)
    p = odds * factor[stratum] / (1 + odds * factor[stratum])
    n_landmarks = count if counted else np.ones(n)
    for own, values in enumerate((p, p * (1 - p))):
        expected = np.bincount(stratum, n_landmarks * values, 5)
        np.testing.assert_allclose(sums[:, own], expected, rtol=1e-9)


@given(st.integers(0, 1000), st.integers(1, 40))
def test_exposure_is_the_sum_of_the_levels_of_days_and_hours(seed, n):
    rng = np.random.default_rng(seed)
    row, count = rng.integers(0, 7, n), rng.integers(1, 4, n).astype(float)
    stratum, hour = rng.integers(0, 5, n), rng.integers(0, 24, n)
    day_level, hour_level = rng.gamma(2, 1, 5), rng.gamma(2, 1, 24)
    some, exposure = rng.permutation(n)[: rng.integers(0, n + 1)], np.zeros(7)
    kernels.add_exposure(some, row, count, stratum, hour, day_level, hour_level, exposure)
    levels = count * day_level[stratum] * hour_level[hour]
    np.testing.assert_allclose(exposure, np.bincount(row[some], levels[some], 7), rtol=1e-12)


@given(st.integers(0, 1000), st.integers(0, 20))
def test_exposures_are_sums_over_observed_intervals(seed, n):
    rng = np.random.default_rng(seed)
    dense = rng.random((2, n, 3)) * (rng.random((n, 3)) < 0.5)
    strengths = [sparse.csr_array(of_half_life) for of_half_life in dense]
    trials, fading = rng.integers(0, 3, n).astype(float), rng.random((2, n))
    exposures = np.zeros((2, 3))
    kernels.add_exposures(
        strengths[0].indptr,
        strengths[0].indices,
        tuple(own.data for own in strengths),
        tuple(fading),
        trials,
        exposures,
    )
    expected = np.einsum("hnc,hn,n->hc", dense, fading, trials)
    np.testing.assert_allclose(exposures, expected, rtol=1e-12)


@given(st.integers(0, 1000), st.integers(1, 50))
def test_counts_are_added_and_taken_off_again(seed, n):
    rng = np.random.default_rng(seed)
    row, converted, count = rng.integers(0, 7, n), rng.random(n) < 0.4, rng.integers(1, 4, n) * 1.0
    some = rng.permutation(n)[: rng.integers(0, n + 1)]
    trials, conversions = np.zeros(7), np.zeros(7)
    kernels.add_counts(some, 1.0, row, converted, count, trials, conversions)
    for number in range(7):
        own = some[row[some] == number]
        assert trials[number] == count[own].sum()
        assert conversions[number] == count[own][converted[own]].sum()
    kernels.add_counts(some, -1.0, row, converted, count, trials, conversions)
    assert not trials.any()
    assert not conversions.any()


def test_counts_out_of_range_are_refused():
    two, rows = np.ones(2), np.zeros(3)
    for landmarks in ([-1], [2]):
        with pytest.raises(ValueError, match="landmarks are from 0 to 1"):
            kernels.add_counts(
                np.array(landmarks), 1.0, np.zeros(2, int), two > 0, two, rows, rows.copy()
            )
    with pytest.raises(ValueError, match="same length"):
        kernels.add_counts(np.array([0]), 1.0, np.zeros(3, int), two > 0, two, rows, rows.copy())
