"""Markov models: forecasts shrunk to shorter states, and credit by removal effects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse, stats
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from lydite.models.markov import PSEUDO_COUNTS, Markov, most_likely_pseudo_count
from lydite.models.mixture import base_rate, fit_rates
from lydite.models.removal_effects import absorb
from lydite.models.transitions import Transitions
from lydite.paths.landmarks import DistinctPaths, Landmarks, PathChannels, Paths
from tests.helpers.examples import examples

CHANNELS = ("ads", "bing", "cold")


def landmarks_of(paths, converts, channels=CHANNELS):
    """Make a landmark of every touch of paths that end with or without a conversion."""
    rows = [
        (
            [path[i - back] if i >= back else -1 for back in range(4)],
            path[i + 1] if i + 1 < len(path) else -1,
            hit and i + 1 == len(path),
            i + 1,
        )
        for path, hit in zip(paths, converts, strict=True)
        for i in range(len(path))
    ]
    history, following, converted, length = map(np.array, zip(*rows, strict=True))
    n = len(history)
    nothing = np.zeros(0, dtype=int)
    return Landmarks(
        channels=channels,
        happened_at=np.zeros(n, dtype="datetime64[us]"),
        bucket=np.zeros(n, dtype=int),
        converted=converted.astype(bool),
        next_channel=following,
        hours_since_previous=np.full(n, np.nan),
        hours_since_first=np.zeros(n),
        hours_to_next=np.full(n, 24.0),
        count=np.ones(n),
        path=np.arange(n),
        paths=DistinctPaths(history, length, PathChannels(nothing, nothing, nothing)),
    )


def random_landmarks(seed=0, n=500):
    rng = np.random.default_rng(seed)
    paths = [rng.integers(0, 3, rng.integers(1, 8)).tolist() for _ in range(n)]
    return landmarks_of(paths, rng.random(n) < 0.4)


def fitted(order, states, trials, conversions):
    """Fit on counts of states, newest channel first, shorter ones padded with -1."""
    history = np.array([[*s, -1, -1, -1][:4] for s in states])
    landmarks = landmarks_of([[0]] * len(states), [False] * len(states))
    landmarks = replace(landmarks, paths=replace(landmarks.paths, history=history))
    model = Markov(order)
    features = model.encode(landmarks)
    model.fit_counts(features, np.array(trials, float), np.array(conversions, float))
    return model, model.forecast_unique(features)


# --- forecast -----------------------------------------------------------------------------------

one_hot_counts = st.lists(
    st.tuples(st.integers(0, 5000), st.floats(0, 1)), min_size=1, max_size=8
).map(lambda rows: [(n, round(n * share)) for n, share in rows])


@given(one_hot_counts)
def test_order_1_forecasts_as_last_touch_does(rows):
    trials, conversions = np.array(rows, dtype=float).T
    model, forecast = fitted(1, [[c] for c in range(len(rows))], trials, conversions)
    base = base_rate(trials, conversions)
    assert model.base_rate_ == base
    # The mixture that puts all weight on the last channel has its maximum where the logarithm of
    # each rate's posterior is flat, which is at (k + 1) / (n + 1 / base).
    np.testing.assert_allclose(forecast, (conversions + 1) / (trials + 1 / base), atol=1e-12)
    # So a fit that starts there stays, and a fit from elsewhere arrives there.
    shares = sparse.eye_array(len(rows), format="csr")
    np.testing.assert_allclose(
        fit_rates(shares, trials, conversions, base, forecast)[0], forecast, atol=1e-9
    )
    anywhere = np.full(len(rows), base)
    np.testing.assert_allclose(
        fit_rates(shares, trials, conversions, base, anywhere)[0], forecast, atol=1e-9
    )


def test_few_counts_are_shrunk_to_the_shorter_state():
    # After "ads" 10 % convert, whatever came before; one state occurred once, and converted.
    states = [[0, 0], [0, 1], [0, 2], [0]]
    model, forecast = fitted(2, states, [5000, 5000, 1, 5000], [500, 500, 1, 500])
    shorter = model.rates_[0][0]
    assert forecast[2] == pytest.approx(shorter, abs=0.01)
    assert forecast[0] == pytest.approx(0.1, abs=0.001)


def test_many_counts_have_their_own_rate():
    states = [[0, 0], [0, 1], [0, 2], [0]]
    trials, conversions = [5000, 5000, 5000, 5000], [100, 500, 1500, 2500]
    model, forecast = fitted(2, states, trials, conversions)
    np.testing.assert_allclose(forecast, [0.02, 0.1, 0.3, 0.5], atol=0.002)
    assert model.pseudo_counts_[1] < 100


def test_unknown_states_are_forecast_by_their_longest_known_suffix():
    states = [[0, 0, 0], [1, 0, 0], [0, 1, 2], [2, 2, 2]]
    model, forecast = fitted(3, states, [100, 400, 0, 0], [30, 40, 0, 0])
    assert forecast[2] == model.rates_[0][0]  # (c, b, a): only "a" was ever seen last
    assert forecast[3] == model.base_rate_  # "c" was never seen
    assert [len(states) for states in model.states_] == [2, 2, 2]


def test_features_of_another_sample_are_forecast_alike():
    train, test = random_landmarks(0), random_landmarks(1)
    model = Markov(3).fit(train)
    one_by_one = [model.forecast(test.take(np.array([i])))[0] for i in range(50)]
    np.testing.assert_array_equal(model.forecast(test)[:50], one_by_one)
    np.testing.assert_allclose(model.predict_proba(test).sum(axis=1), 1)


@given(
    st.integers(1, 4),
    st.lists(
        st.tuples(
            st.lists(st.integers(0, 2), min_size=1, max_size=4),
            st.integers(0, 10**6),
            st.sampled_from([0.0, 0.01, 0.5, 1.0]),
        ),
        min_size=1,
        max_size=12,
        unique_by=lambda row: tuple(row[0]),
    ),
)
@examples(60)
def test_forecasts_are_probabilities(order, rows):
    states = {tuple(s[:order]): (n, round(n * share)) for s, n, share in rows}
    trials, conversions = zip(*states.values(), strict=True)
    _, forecast = fitted(order, list(states), trials, conversions)
    assert (forecast > 0).all()
    assert (forecast < 1).all()


def test_nothing_to_fit_on_forecasts_the_same_for_all():
    _, forecast = fitted(2, [[0], [1, 0]], [0, 0], [0, 0])
    assert forecast.tolist() == [0.5, 0.5]


def test_no_conversion_at_all_forecasts_little():
    _, forecast = fitted(2, [[0], [1, 0]], [500, 500], [0, 0])
    assert (forecast < 0.001).all()


def test_unfitted_models_forecast_nothing():
    model = Markov(2)
    with pytest.raises(NotFittedError):
        model.forecast(random_landmarks())


# --- how much the shorter state counts ----------------------------------------------------------


@pytest.mark.parametrize("truth", [10, 100, np.inf])
def test_pseudo_count_is_found_again(truth):
    rng = np.random.default_rng(5)
    expected = rng.uniform(0.05, 0.3, 4000)
    trials = rng.integers(1, 400, 4000)
    rate = expected if np.isinf(truth) else rng.beta(truth * expected, truth * (1 - expected))
    found = most_likely_pseudo_count(trials, rng.binomial(trials, rate), expected)
    # The grid has no value above 10,000 but infinity, and states with one rate fit both.
    assert found == truth or (np.isinf(truth) and found >= 3000)


def test_pseudo_count_is_the_best_of_the_grid_by_the_library_of_distributions():
    rng = np.random.default_rng(6)
    expected = rng.uniform(0.05, 0.3, 60)
    trials = rng.integers(1, 200, 60)
    conversions = rng.binomial(trials, rng.beta(40 * expected, 40 * (1 - expected)))
    likelihood = {
        m: stats.betabinom.logpmf(conversions, trials, m * expected, m * (1 - expected)).sum()
        for m in PSEUDO_COUNTS[:-1]
    }
    likelihood[np.inf] = stats.binom.logpmf(conversions, trials, expected).sum()
    found = most_likely_pseudo_count(trials.astype(float), conversions.astype(float), expected)
    assert found == max(likelihood, key=likelihood.__getitem__)


def test_without_data_the_rate_is_that_of_the_shorter_state():
    nothing = np.zeros(0)
    assert most_likely_pseudo_count(nothing, nothing, nothing) == np.inf


# --- credit -------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_effects_are_those_of_the_chain(order):
    landmarks = random_landmarks()
    model = Markov(order).fit(landmarks)
    assert list(model.effects) == list(CHANNELS)
    expected = absorb(Transitions.from_landmarks(landmarks, order)).removal_effect
    np.testing.assert_array_equal(model.removal_effects_, expected)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_weights_of_units_count_as_repeated_landmarks(order):
    landmarks = random_landmarks()
    journey = np.cumsum(landmarks.path_length == 1)
    unit = np.random.default_rng(1).integers(0, 5, journey[-1] + 1)[journey]
    by_unit = replace(landmarks, bucket=unit)
    assert (
        Markov(order).fit(by_unit).removal_effects_ == Markov(order).fit(landmarks).removal_effects_
    ).all()
    weights = np.array([2.0, 0, 1, 3, 0])
    repeated = replace(landmarks, count=weights[unit])
    model = Markov(order)
    drawn = model.fit_credit(model.sufficient_statistics(by_unit, 5), weights).removal_effects_
    expected = model.fit(repeated).removal_effects_
    np.testing.assert_allclose(drawn, expected, atol=1e-6)


def test_shares_are_effects_of_the_channels_on_the_path():
    model = Markov(2).fit(random_landmarks())
    row, channel = np.array([0, 0, 1, 2, 2]), np.array([0, 2, 1, 0, 2])
    paths = Paths(CHANNELS, np.zeros(3, int), np.ones(3), np.ones(3),
                  PathChannels(row, channel, np.array([1, 5, 2, 3, 1])))  # fmt: skip
    features = model.encode_paths(paths)
    assert len(features) == 2  # the touches' number and order change nothing
    shares = model.shares(features).toarray()[features.inverse]
    effect = model.removal_effects_
    np.testing.assert_allclose(shares[0], [*(effect[[0]] / effect[[0, 2]].sum()), 0,
                                           *(effect[[2]] / effect[[0, 2]].sum())])  # fmt: skip
    np.testing.assert_allclose(shares[1], [0, 1, 0])
    model.removal_effects_ = np.zeros(3)
    np.testing.assert_allclose(model.shares(features).toarray()[features.inverse[0]], [0.5, 0, 0.5])


def test_effects_need_a_fit():
    with pytest.raises(NotFittedError):
        _ = Markov(1).effects


# --- identity -----------------------------------------------------------------------------------


def test_name_and_claim_follow_the_order():
    model = Markov()
    assert (model.name, model.claim) == ("markov_1", "the last touch and where it leads next")
    model.set_params(order=3)
    assert model.name == "markov_3"
    assert model.claim == "the last 3 touches in their order, and where they lead next"
    assert clone(model).get_params() == {"order": 3}
    assert Markov(1).fingerprint != Markov(2).fingerprint
    assert Markov(2).fit(random_landmarks()).fingerprint == Markov(2).fingerprint


@pytest.mark.parametrize("order", [0, 5])
def test_orders_without_a_history_are_refused(order):
    with pytest.raises(ValueError, match="1 to 4"):
        Markov(order)
