"""The projection: as many times the evidence as it takes when more of the same comes in."""

from __future__ import annotations

import numpy as np
import pytest

from lydite.evaluation.confidence_sequence import ConfidenceSequence, confidence_sequence
from lydite.evaluation.sample_size import MAX_FACTOR, required_sample_factor

PERIODS, BUCKETS, LEVEL = 4, 256, 0.01


def evidence(lead: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return differences of a few periods with just this mean, in standard errors of the mean."""
    rng = np.random.default_rng(seed)
    landmarks = rng.poisson(40, (PERIODS, BUCKETS)).astype(float)
    noise = np.sqrt(landmarks) * rng.standard_normal(landmarks.shape)
    noise -= landmarks * noise.sum() / landmarks.sum()
    return noise + landmarks * lead / np.sqrt(landmarks.sum()), landmarks


def grown(difference: np.ndarray, landmarks: np.ndarray, copies: int) -> ConfidenceSequence:
    """Let the same evidence come in again and again, a copy each period, of other users.

    What the periods so far had is in the first buckets; each copy is in buckets of its own.
    """
    periods, buckets = landmarks.shape
    size = (periods + copies - 1, buckets * copies)
    all_differences, all_landmarks = np.zeros(size), np.zeros(size)
    all_differences[:periods, :buckets], all_landmarks[:periods, :buckets] = difference, landmarks
    for copy in range(1, copies):
        own = slice(copy * buckets, (copy + 1) * buckets)
        all_differences[periods + copy - 1, own] = difference.sum(axis=0)
        all_landmarks[periods + copy - 1, own] = landmarks.sum(axis=0)
    return confidence_sequence(all_differences, all_landmarks, LEVEL)


@pytest.mark.parametrize("lead", [3.0, 2.0, 1.3, -1.0, 0.8])
@pytest.mark.parametrize("seed", range(2))
def test_it_is_what_evidence_takes_that_repeats_itself(lead, seed):
    difference, landmarks = evidence(lead, seed)
    times = required_sample_factor(confidence_sequence(difference, landmarks, LEVEL), LEVEL)
    assert 1 < times < 60
    copies = int(np.ceil(times)) + 2
    sequence = grown(difference, landmarks, copies)
    surely = (sequence.low > 0) | (sequence.high < 0)
    assert not surely[: PERIODS - 1].any()
    after = 1 + int(np.flatnonzero(surely)[0]) - PERIODS + 1  # copies, the first one included
    # Of k copies the variance has the correction of k times the buckets: 0.4 % less, at most.
    assert after - 1 <= times * 1.005
    assert times * 0.995 <= after


def test_the_sequence_excludes_zero_from_just_there_on():
    """At `x` times sum, variance and landmarks, by the formula of the bounds themselves."""
    sequence = confidence_sequence(*evidence(1.5), LEVEL)
    times = required_sample_factor(sequence, LEVEL)
    n, s = sequence.landmarks[-1], sequence.mean[-1] * sequence.landmarks[-1]
    v, r = sequence.variance[-1], sequence.mixture
    for x, sure in ((times * 0.999, False), (times * 1.001, True)):
        spread = x * v * r + 1
        radius = np.sqrt(spread / r * np.log(spread / LEVEL**2)) / (x * n)
        assert (abs(s) / n > radius) == sure


def test_the_clearer_the_lead_and_the_looser_the_level_the_less_it_takes():
    taken = [
        required_sample_factor(confidence_sequence(*evidence(lead), LEVEL), LEVEL)
        for lead in (0.5, 1.0, 2.0, 3.0)
    ]
    assert taken == sorted(taken, reverse=True)
    sequence = confidence_sequence(*evidence(1.0), LEVEL)
    levels = [required_sample_factor(sequence, level) for level in (0.001, 0.01, 0.1)]
    assert levels == sorted(levels, reverse=True)
    opposite = confidence_sequence(-evidence(1.0)[0], evidence(1.0)[1], LEVEL)
    assert required_sample_factor(opposite, LEVEL) == pytest.approx(
        required_sample_factor(sequence, LEVEL)
    )


@pytest.mark.parametrize("lead", [6.0, -30.0])
def test_what_is_separated_takes_no_more(lead):
    sequence = confidence_sequence(*evidence(lead), LEVEL)
    assert abs(sequence.mean[-1]) > sequence.radius[-1]
    assert required_sample_factor(sequence, LEVEL) == 1.0


def test_what_does_not_differ_never_parts():
    landmarks = np.ones((3, BUCKETS))
    nothing = confidence_sequence(np.zeros_like(landmarks), landmarks, LEVEL)
    assert required_sample_factor(nothing, LEVEL) == np.inf
    balanced = np.tile([1.0, -1.0], (3, BUCKETS // 2))
    assert required_sample_factor(confidence_sequence(balanced, landmarks, LEVEL), LEVEL) == np.inf


def test_what_is_out_of_reach_is_called_so():
    sequence = confidence_sequence(*evidence(0.01), LEVEL)
    assert required_sample_factor(sequence, LEVEL) == np.inf
    near = [required_sample_factor(confidence_sequence(*evidence(lead), LEVEL), LEVEL)
            for lead in np.geomspace(0.05, 0.5, 30)]  # fmt: skip
    assert all(times == np.inf or times <= MAX_FACTOR for times in near)
    assert {times == np.inf for times in near} == {True, False}


def test_of_too_few_buckets_nothing_can_be_told():
    difference, landmarks = evidence(6.0)
    landmarks[:, 10:] = difference[:, 10:] = 0
    assert (
        required_sample_factor(confidence_sequence(difference, landmarks, LEVEL), LEVEL) == np.inf
    )
