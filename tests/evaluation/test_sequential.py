"""Sequential confidence: it holds however often somebody looks."""

from __future__ import annotations

import numpy as np
import pytest

from lydite.evaluation.sequential import MIN_BUCKETS, confidence_sequence

LOOKS, BUCKETS, HISTORIES, ALPHA = 26, 256, 300, 0.05


def history(rng: np.random.Generator, mean: float = 0.0, persistence: float = 0.3):
    """Loss differences with a part that stays with the users of a bucket, and skewed noise."""
    landmarks = rng.poisson(40, (LOOKS, BUCKETS)).astype(float)
    noise = rng.exponential(1.0, (LOOKS, BUCKETS)) - 1
    difference = np.sqrt(landmarks) * noise + persistence * landmarks**0.5 * rng.normal(
        size=BUCKETS
    )
    return difference + mean * landmarks, landmarks


def test_under_the_null_it_is_wrong_no_more_often_than_alpha_while_the_naive_test_is():
    rng = np.random.default_rng(20)
    ever, naive = 0, 0
    for _ in range(HISTORIES):
        difference, landmarks = history(rng, persistence=0.0)
        sequence = confidence_sequence(difference, landmarks, ALPHA)
        ever += bool(((sequence.low > 0) | (sequence.high < 0)).any())
        sums, counts = difference.cumsum(axis=0), landmarks.cumsum(axis=0)
        spread = sums - counts * (sums.sum(axis=1) / counts.sum(axis=1))[:, None]
        z = sums.sum(axis=1) / np.sqrt((spread**2).sum(axis=1))
        naive += bool((np.abs(z) > 1.96).any())
    error = np.sqrt(ALPHA * (1 - ALPHA) / HISTORIES)
    assert ever / HISTORIES <= ALPHA + 3 * error
    assert naive / HISTORIES > ALPHA + 3 * error


def test_what_stays_with_users_is_counted():
    rng = np.random.default_rng(21)
    ever = 0
    for _ in range(HISTORIES):
        sequence = confidence_sequence(*history(rng, persistence=1.0), ALPHA)
        ever += bool(((sequence.low > 0) | (sequence.high < 0)).any())
    assert ever / HISTORIES <= ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / HISTORIES)


def test_a_true_lead_is_found_and_the_bounds_hold_it():
    rng = np.random.default_rng(22)
    found = held = 0
    for _ in range(50):
        sequence = confidence_sequence(*history(rng, mean=0.02), ALPHA)
        found += sequence.first_above_zero() is not None
        held += bool(((sequence.low <= 0.02) & (sequence.high >= 0.02)).all())
    assert found >= 45
    assert held >= 45


def test_the_radius_shrinks_and_is_wider_than_one_fixed_look():
    difference, landmarks = history(np.random.default_rng(23), persistence=0)
    sequence = confidence_sequence(difference, landmarks, ALPHA)
    assert (np.diff(sequence.radius[::5]) < 0).all()
    counts = landmarks.sum(axis=0)
    sums = difference.sum(axis=0)
    fixed = 1.96 * np.sqrt(((sums - counts * sequence.mean[-1]) ** 2).sum()) / counts.sum()
    assert fixed < sequence.radius[-1] < 2.5 * fixed


def test_a_smaller_alpha_is_wider():
    difference, landmarks = history(np.random.default_rng(24))
    radii = [confidence_sequence(difference, landmarks, a).radius[-1] for a in (0.2, 0.05, 0.001)]
    assert radii == sorted(radii)


@pytest.mark.parametrize("scale", [1e-6, 3.0, 1e5])
def test_it_scales_with_the_losses(scale):
    difference, landmarks = history(np.random.default_rng(25))
    one = confidence_sequence(difference, landmarks, ALPHA)
    other = confidence_sequence(scale * difference, landmarks, ALPHA)
    np.testing.assert_allclose(other.mean, scale * one.mean, rtol=1e-9)
    np.testing.assert_allclose(other.radius, scale * one.radius, rtol=1e-9)


def test_what_is_past_does_not_change_as_evidence_comes_in():
    difference, landmarks = history(np.random.default_rng(26))
    whole = confidence_sequence(difference, landmarks, ALPHA)
    half = confidence_sequence(difference[:13], landmarks[:13], ALPHA)
    np.testing.assert_allclose(half.low, whole.low[:13])


def test_no_difference_is_known_to_be_none():
    zero = confidence_sequence(np.zeros((3, 256)), np.ones((3, 256)), ALPHA)
    assert zero.radius.tolist() == [0, 0, 0]
    assert zero.first_above_zero() is None


def test_of_few_buckets_nothing_is_sure():
    landmarks = np.zeros((3, 256))
    landmarks[:, : MIN_BUCKETS - 1] = 100
    sequence = confidence_sequence(landmarks * 0.5, landmarks, ALPHA)
    assert sequence.mean[-1] == 0.5
    assert np.isinf(sequence.radius).all()
    landmarks[2] = 100
    difference = np.random.default_rng(0).normal(1, 0.1, (3, 256)) * landmarks
    assert np.isfinite(confidence_sequence(difference, landmarks, ALPHA).radius).tolist() == [
        False, False, True
    ]  # fmt: skip


def test_a_lead_without_any_variance_is_not_sure():
    landmarks = np.ones((3, 256))
    assert np.isinf(confidence_sequence(0.1 * landmarks, landmarks, ALPHA).radius).all()


def test_periods_without_landmarks_wait():
    difference, landmarks = history(np.random.default_rng(27))
    difference[:2] = landmarks[:2] = 0
    sequence = confidence_sequence(difference, landmarks, ALPHA)
    assert np.isinf(sequence.radius).tolist() == [True] * 2 + [False] * 24
    assert np.isfinite(sequence.mean).all()
