"""What a model expects of a channel, against sums in plain Python and exact probabilities."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from lydite.experiments.counterfactual import WindowLandmarks, expected_increments


def draw(rng, users=40, most=6):
    """Return landmarks of users with forecasts, and the forecasts."""
    user = np.repeat(np.arange(users), rng.integers(0, most, users))
    n = len(user)
    landmarks = WindowLandmarks(
        user, rng.random(n) < 0.3, rng.random(n) < 0.2, rng.choice([0.0, 0.5, 1.0], n)
    )
    return landmarks, rng.uniform(0.05, 0.4, n), rng.uniform(0.05, 0.4, n)


def in_plain_python(landmarks, forecast, without, users):
    """Return the increments by loops over users and landmarks."""
    found = [0.0] * users
    for user in range(users):
        weight = 1.0
        for t in np.flatnonzero(landmarks.user == user):
            p, share = forecast[t], landmarks.in_window[t]
            q = 0.0 if landmarks.is_removed[t] else without[t]
            found[user] += share * (p - weight * q)
            weight *= q / p if landmarks.converted[t] else (1 - q) / (1 - p)
    return found


def test_increments_are_sums_over_landmarks(rng):
    landmarks, p, q = draw(rng)
    found = expected_increments(landmarks, p, q, 40).by_user
    np.testing.assert_allclose(found, in_plain_python(landmarks, p, q, 40), atol=1e-12)


def test_a_channel_without_touches_is_expected_to_cause_nothing(rng):
    landmarks, p, _ = draw(rng)
    nothing = WindowLandmarks(
        landmarks.user, np.zeros(len(p), dtype=bool), landmarks.converted, landmarks.in_window
    )
    np.testing.assert_allclose(expected_increments(nothing, p, p, 40).by_user, 0, atol=1e-12)


def test_slopes_are_derivatives(rng):
    landmarks, p, q = draw(rng, users=5)
    found, step = expected_increments(landmarks, p, q, 5), 1e-6
    for t, user in enumerate(landmarks.user):
        for slope, which in ((found.slope, 0), (found.slope_without, 1)):
            both = [p.copy(), q.copy()]
            both[which][t] += step
            higher = expected_increments(landmarks, *both, 5).by_user[user]
            both[which][t] -= 2 * step
            lower = expected_increments(landmarks, *both, 5).by_user[user]
            assert slope[t] == pytest.approx((higher - lower) / (2 * step), abs=1e-6)


def test_the_mean_increment_is_the_difference_of_both_worlds():
    # A user has three touches, the first and third of the channel, and leaves after a conversion.
    # The probability of a conversion is 0.3 after the first touch, and 0.2 after one without it.
    p, q = np.array([0.3, 0.4, 0.5]), np.array([0.0, 0.2, 0.0])
    removed = np.array([True, False, True])
    mean = 0.0
    for last, converts in product(range(3), (True, False)):
        if not converts and last < 2:
            continue  # who does not convert stays
        hit = np.zeros(last + 1, dtype=bool)
        hit[last] = converts
        n = last + 1
        landmarks = WindowLandmarks(np.zeros(n, dtype=int), removed[:n], hit, np.ones(n))
        chance = np.prod(np.where(hit, p[:n], 1 - p[:n]))
        mean += chance * expected_increments(landmarks, p[:n], q[:n], 1).by_user[0]
    with_channel = 1 - np.prod(1 - p)
    assert mean == pytest.approx(with_channel - 0.2)


def test_users_without_landmarks_have_no_increment():
    none = np.zeros(0)
    landmarks = WindowLandmarks(none.astype(int), none.astype(bool), none.astype(bool), none)
    assert expected_increments(landmarks, none, none, 3).by_user.tolist() == [0, 0, 0]
