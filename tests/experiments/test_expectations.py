"""Expectations of models and their changes without groups of users, against fits without it."""

from __future__ import annotations

import numpy as np
import pytest

from lydite.experiments.counterfactual import WindowLandmarks, expected_increments
from lydite.experiments.expectations import Units, expect
from lydite.experiments.jackknife import group_of
from lydite.experiments.training import Training
from lydite.experiments.window_paths import WindowPaths
from lydite.models import make_models
from lydite.paths.landmarks import N_BUCKETS
from tests.helpers.random_landmarks import draw_landmarks

USERS = 300
MODELS = ("last_touch", "linear", "markov_2", "bagged_logistic")


@pytest.fixture(scope="module")
def drawn():
    """A sample, and the landmarks of an experiment with other paths without the channel."""
    rng = np.random.default_rng(3)
    sample, with_channel = draw_landmarks(rng, n=4_000), draw_landmarks(rng, n=900)
    user = np.sort(rng.integers(0, USERS, 900))
    removed = rng.random(900) < 0.3
    without = draw_landmarks(rng, n=int((~removed).sum()))
    landmarks = WindowLandmarks(user, removed, rng.random(900) < 0.1, np.ones(900))
    units = Units(
        rng.integers(0, N_BUCKETS, USERS), rng.random(USERS) < 0.5,
        WindowPaths(landmarks, with_channel, without),
    )  # fmt: skip
    return sample, units


def by_hand(name, sample, units, rows, used):
    """Return the increments of users by a model that is fitted on some rows; 0 for other users."""
    [model] = make_models([name])
    model = model.without_draws()
    model.fit(sample.take(np.flatnonzero(rows)).with_used_paths())
    paths = units.paths
    without = np.zeros(len(paths.landmarks))
    features = model.encode(paths.without_channel)
    without[~paths.landmarks.is_removed] = model.forecast_unique(features)[features.inverse]
    features = model.encode(paths.with_channel)
    forecast = model.forecast_unique(features)[features.inverse]
    found = expected_increments(paths.landmarks, forecast, without, USERS).by_user
    return np.where(used[units.bucket], found, 0.0)


@pytest.mark.parametrize("name", MODELS)
def test_users_of_a_half_have_the_forecasts_of_a_fit_on_the_other(drawn, name):
    sample, units = drawn
    training = Training("halves", np.ones(len(sample), dtype=bool))
    [found] = expect(make_models([name])[0], sample, training, [units])
    expected = sum(
        by_hand(name, sample, units, fits[sample.bucket], used) for fits, used in training.parts
    )
    np.testing.assert_allclose(found.by_user, expected, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("fitted_on", ["halves", "other users"])
def test_the_change_without_a_group_is_that_of_a_fit_without_it(drawn, name, fitted_on):
    sample, units = drawn
    rows = np.arange(len(sample)) % 5 > 0
    training = Training(fitted_on, rows)
    [found] = expect(make_models([name])[0], sample, training, [units])
    groups = group_of(sample.bucket)
    for group in (0, 9, 31):
        change = np.zeros(2)
        for fits, used in training.parts:
            trained = rows & fits[sample.bucket]
            before = by_hand(name, sample, units, trained, used)
            after = by_hand(name, sample, units, trained & (groups != group), used)
            change += np.bincount(units.is_treated, after - before, minlength=2)
        np.testing.assert_allclose(found.shift[group], change, rtol=0.1, atol=0.03)


def test_a_fit_that_draws_at_random_is_replaced_by_one_that_does_not():
    [bagged] = make_models(["bagged_logistic"])
    assert bagged.without_draws().bags == 1
    [rule] = make_models(["linear"])
    assert rule.without_draws() is rule
