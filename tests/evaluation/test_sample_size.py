"""Required sample size, compared with sequences of repeated data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from lydite.evaluation.sample_size import MAX_FACTOR, required_sample_factor
from tests.helpers.made_sequences import bounded

if TYPE_CHECKING:
    from lydite.evaluation.confidence_sequence import ConfidenceSequence

PERIODS, BUCKETS, LEVEL = 4, 256, 0.01


def evidence(lead: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return differences of a few periods with exactly this mean, in standard errors."""
    rng = np.random.default_rng(seed)
    landmarks = rng.poisson(40, (PERIODS, BUCKETS)).astype(float)
    noise = np.sqrt(landmarks) * rng.standard_normal(landmarks.shape)
    noise -= landmarks * noise.sum() / landmarks.sum()
    return noise + landmarks * lead / np.sqrt(landmarks.sum()), landmarks


def grown(difference: np.ndarray, landmarks: np.ndarray, copies: int) -> ConfidenceSequence:
    """Return a sequence in which the same data repeats every period, for other users.

    The data so far is in the first buckets, and each copy in other buckets.
    """
    periods, buckets = landmarks.shape
    size = (periods + copies - 1, buckets * copies)
    all_differences, all_landmarks = np.zeros(size), np.zeros(size)
    all_differences[:periods, :buckets], all_landmarks[:periods, :buckets] = difference, landmarks
    for copy in range(1, copies):
        own = slice(copy * buckets, (copy + 1) * buckets)
        all_differences[periods + copy - 1, own] = difference.sum(axis=0)
        all_landmarks[periods + copy - 1, own] = landmarks.sum(axis=0)
    return bounded(all_differences, all_landmarks, LEVEL)


@pytest.mark.parametrize("lead", [3.0, 2.0, 1.3, -1.0, 0.8])
@pytest.mark.parametrize("seed", range(2))
def test_the_factor_agrees_with_repeated_data(lead, seed):
    difference, landmarks = evidence(lead, seed)
    times = required_sample_factor(bounded(difference, landmarks, LEVEL), LEVEL)
    assert 1 < times < 60
    copies = int(np.ceil(times)) + 2
    sequence = grown(difference, landmarks, copies)
    surely = (sequence.low > 0) | (sequence.high < 0)
    assert not surely[: PERIODS - 1].any()
    after = 1 + int(np.flatnonzero(surely)[0]) - PERIODS + 1  # copies, including the first
    # With k copies the correction of the variance is for k times the buckets: at most 0.4 % less.
    assert after - 1 <= times * 1.005
    assert times * 0.995 <= after


def test_the_sequence_excludes_zero_exactly_from_the_factor():
    """Checks the formula of the bounds at `x` times sum, variance and landmarks."""
    sequence = bounded(*evidence(1.5), LEVEL)
    times = required_sample_factor(sequence, LEVEL)
    n, s = sequence.landmarks[-1], sequence.mean[-1] * sequence.landmarks[-1]
    v, r = sequence.variance[-1], sequence.mixture
    for x, sure in ((times * 0.999, False), (times * 1.001, True)):
        spread = x * v * r + 1
        radius = np.sqrt(spread / r * np.log(spread / LEVEL**2)) / (x * n)
        assert (abs(s) / n > radius) == sure


def test_the_factor_falls_with_the_lead_and_with_the_level():
    taken = [
        required_sample_factor(bounded(*evidence(lead), LEVEL), LEVEL)
        for lead in (0.5, 1.0, 2.0, 3.0)
    ]
    assert taken == sorted(taken, reverse=True)
    sequence = bounded(*evidence(1.0), LEVEL)
    levels = [required_sample_factor(sequence, level) for level in (0.001, 0.01, 0.1)]
    assert levels == sorted(levels, reverse=True)
    opposite = bounded(-evidence(1.0)[0], evidence(1.0)[1], LEVEL)
    assert required_sample_factor(opposite, LEVEL) == pytest.approx(
        required_sample_factor(sequence, LEVEL)
    )


@pytest.mark.parametrize("lead", [6.0, -30.0])
def test_the_factor_of_a_separated_pair_is_1(lead):
    sequence = bounded(*evidence(lead), LEVEL)
    assert abs(sequence.mean[-1]) > sequence.radius[-1]
    assert required_sample_factor(sequence, LEVEL) == 1.0


def test_the_factor_without_a_difference_is_infinite():
    landmarks = np.ones((3, BUCKETS))
    nothing = bounded(np.zeros_like(landmarks), landmarks, LEVEL)
    assert required_sample_factor(nothing, LEVEL) == np.inf
    balanced = np.tile([1.0, -1.0], (3, BUCKETS // 2))
    assert required_sample_factor(bounded(balanced, landmarks, LEVEL), LEVEL) == np.inf


def test_factors_above_the_maximum_are_infinite():
    sequence = bounded(*evidence(0.01), LEVEL)
    assert required_sample_factor(sequence, LEVEL) == np.inf
    near = [required_sample_factor(bounded(*evidence(lead), LEVEL), LEVEL)
            for lead in np.geomspace(0.05, 0.5, 30)]  # fmt: skip
    assert all(times == np.inf or times <= MAX_FACTOR for times in near)
    assert {times == np.inf for times in near} == {True, False}


def test_the_factor_with_too_few_buckets_is_infinite():
    difference, landmarks = evidence(6.0)
    landmarks[:, 10:] = difference[:, 10:] = 0
    assert required_sample_factor(bounded(difference, landmarks, LEVEL), LEVEL) == np.inf
