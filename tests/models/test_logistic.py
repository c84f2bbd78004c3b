"""Bagged logistic regression: coefficients, bags, forecasts and credit."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, sparse, stats
from scipy.special import expit, log_expit
from sklearn.linear_model import LogisticRegression

from lydite.models import base
from lydite.models.base import FeatureCounts
from lydite.models.logistic import PRIOR_SPREAD, BaggedLogistic, fit_logistic
from lydite.paths.landmarks import UniqueFeatures
from tests.helpers.examples import examples
from tests.helpers.random_landmarks import draw_landmarks

WHOLE = {"bags": 1, "sample_share": 1.0}  # no bagging at all
LOG_ODDS = np.array([0.8, -1.1, 0.3, 1.5, 0.0])
INTERCEPT = -2.5


def all_sets(channels):
    """Return every set of at least one channel, as rows of 0 and 1."""
    return (np.arange(1, 2**channels)[:, None] >> np.arange(channels) & 1).astype(float)


def features_of(met):
    return UniqueFeatures(np.arange(len(met)), sparse.csr_array(np.asarray(met, dtype=float)))


def simulated(rng, met, per_set, log_odds=LOG_ODDS, intercept=INTERCEPT):
    """Draw trials and conversions of sets by the law of the model."""
    trials = rng.poisson(per_set, len(met)).astype(float)
    return trials, rng.binomial(trials.astype(int), expit(intercept + met @ log_odds)).astype(float)


def by_optimiser(met, hits, misses, centre):
    """Maximise the posterior with scipy."""
    design = np.column_stack([np.ones(len(met)), met])
    start = np.append(centre, np.zeros(met.shape[1]))

    def loss(theta):
        odds, away = design @ theta, (theta - start) / PRIOR_SPREAD
        value = -(hits @ log_expit(odds) + misses @ log_expit(-odds)) + away @ away / 2
        slope = design.T @ ((hits + misses) * expit(odds) - hits) + away / PRIOR_SPREAD
        return value, slope

    return optimize.minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-9}).x


# --- the fit ------------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.sampled_from([1, 20, 1000]), st.integers(1, 4))
@examples(40)
def test_each_bag_is_at_the_maximum_over_its_channels(seed, most, channels):
    rng = np.random.default_rng(seed)
    met = all_sets(channels)
    hits, misses = rng.integers(0, most + 1, (2, len(met), 3)).astype(float)
    held = rng.random((3, channels)) < 0.7
    fitted = fit_logistic(sparse.csr_array(met), hits, misses, held, -1.5)
    for bag in range(3):
        expected = by_optimiser(met[:, held[bag]], hits[:, bag], misses[:, bag], -1.5)
        np.testing.assert_allclose(fitted[bag, np.append(True, held[bag])], expected, atol=2e-5)
        assert (fitted[bag, 1:][~held[bag]] == 0).all()


def test_without_bagging_it_equals_scikit_learn():
    met = all_sets(5)
    trials, conversions = simulated(np.random.default_rng(0), met, 20_000)
    model = BaggedLogistic(**WHOLE).fit_counts(features_of(met), trials, conversions)
    theirs = LogisticRegression(C=PRIOR_SPREAD**2, tol=1e-10, max_iter=10_000).fit(
        np.vstack([met, met]),
        np.repeat([1, 0], len(met)),
        sample_weight=np.concatenate([conversions, trials - conversions]),
    )
    # Theirs has no prior on the intercept; with so many landmarks it counts for nothing.
    np.testing.assert_allclose(model.coefficients_, theirs.coef_[0], atol=1e-4)
    assert model.intercept_ == pytest.approx(theirs.intercept_[0], abs=1e-4)
    np.testing.assert_allclose(
        model.forecast_unique(features_of(met)), theirs.predict_proba(met)[:, 1], rtol=1e-4
    )


def test_coefficients_are_recovered_within_their_errors():
    met, rng = all_sets(5), np.random.default_rng(1)
    design = np.column_stack([np.ones(len(met)), met])
    truth = np.append(INTERCEPT, LOG_ODDS)
    squares, scores = [], []
    for _ in range(200):
        trials, conversions = simulated(rng, met, 300)
        model = BaggedLogistic(**WHOLE).fit_counts(features_of(met), trials, conversions)
        p = expit(design @ truth)
        information = design.T @ (design * (trials * p * (1 - p))[:, None])
        away = np.append(model.intercept_, model.coefficients_) - truth
        squares.append(away @ information @ away)
        scores.append(away / np.sqrt(np.diag(np.linalg.inv(information))))
    # The squares follow a chi-square law with one degree for each of the six parameters.
    assert stats.kstest(squares, stats.chi2(6).cdf).pvalue > 0.001
    within = (np.abs(scores) < 1.96).mean(axis=0)
    assert ((within > 0.9) & (within < 0.99)).all()


def test_separable_data_has_finite_coefficients():
    met = np.array([[1.0, 0], [0, 1], [1, 1]])
    for size in (1.0, 1e3, 1e10):
        model = BaggedLogistic().fit_counts(
            features_of(met), np.full(3, size), np.array([size, 0, size])
        )
        assert np.isfinite([model.intercept_, *model.coefficients_]).all()
        assert model.coefficients_[0] > 0 > model.coefficients_[1]


def test_a_first_step_that_overshoots_is_shortened():
    # At the base rate the curve is so flat that a plain step leads to log-odds of ten thousands.
    met, trials, conversions = np.eye(2), np.array([1e9, 1e3]), np.array([10.0, 500.0])
    fitted = fit_logistic(
        sparse.csr_array(met),
        conversions[:, None],
        (trials - conversions)[:, None],
        np.ones((1, 2), dtype=bool),
        np.log(5e-7),
    )
    forecast = expit(fitted[0, 0] + fitted[0, 1:])
    np.testing.assert_allclose(forecast, conversions / trials, rtol=0.2)  # the prior's pull


def test_channels_that_always_occur_together_have_the_same_coefficient():
    met = np.array([[1.0, 1, 0], [0, 0, 1], [1, 1, 1]])
    model = BaggedLogistic().fit_counts(
        features_of(met), np.array([1e4, 1e4, 1e4]), np.array([2e3, 1e3, 4e3])
    )
    assert model.coefficients_[0] == pytest.approx(model.coefficients_[1], abs=1e-9)


# --- bags ---------------------------------------------------------------------------------------


def test_bags_have_a_share_of_the_landmarks():
    counts = np.tile([0.0, 1, 40, 10**10], 500)
    drawn = BaggedLogistic(bags=7, sample_share=0.3)._draw_landmarks(
        counts, np.random.default_rng(0)
    )
    assert drawn.shape == (2000, 7)
    assert (drawn[counts == 0] == 0).all()
    for count in (1, 40):
        often = np.bincount(drawn[counts == count].astype(int).ravel(), minlength=count + 1)
        expected = stats.binom(count, 0.3).pmf(np.arange(count + 1)) * 3500
        likely = expected > 5
        excess = ((often - expected)[likely] ** 2 / expected[likely]).sum()
        assert stats.chi2(likely.sum()).sf(excess) > 0.001
    np.testing.assert_allclose(drawn[counts == 10**10], 3e9, rtol=1e-4)


def test_bags_with_everything_have_the_exact_counts():
    counts = np.array([0.0, 3, 0.25, 1e10])
    drawn = BaggedLogistic(bags=2, sample_share=1.0)._draw_landmarks(
        counts, np.random.default_rng(0)
    )
    np.testing.assert_array_equal(drawn, np.column_stack([counts, counts]))


def test_fractions_of_landmarks_are_in_as_many_bags():
    drawn = BaggedLogistic(bags=20_000)._draw_landmarks(
        np.array([0.25, 2.5]), np.random.default_rng(0)
    )
    np.testing.assert_allclose(drawn.mean(axis=1), [0.125, 1.25], atol=0.02)


@pytest.mark.parametrize(
    ("share", "channels", "size"), [(1.0, 6, 6), (0.5, 6, 3), (0.5, 7, 4), (0.01, 6, 1)]
)
def test_bags_have_a_share_of_the_channels(share, channels, size):
    model = BaggedLogistic(bags=4000, channel_share=share)
    held = model._draw_channels(channels, np.random.default_rng(0))
    assert (held.sum(axis=1) == size).all()
    np.testing.assert_allclose(held.mean(axis=0), size / channels, atol=0.04)


def test_a_coefficient_is_the_mean_over_the_bags_with_its_channel():
    met = all_sets(4)
    trials, conversions = simulated(np.random.default_rng(2), met, 500, LOG_ODDS[:4])
    parameters = {"bags": 6, "sample_share": 1.0, "channel_share": 0.5}
    model = BaggedLogistic(**parameters).fit_counts(features_of(met), trials, conversions)
    held = BaggedLogistic(**parameters)._draw_channels(4, np.random.default_rng(0))
    centre = np.log(conversions.sum() + 0.5) - np.log((trials - conversions).sum() + 0.5)
    fits = np.zeros((6, 5))
    for bag in range(6):
        fits[bag, np.append(True, held[bag])] = by_optimiser(
            met[:, held[bag]], conversions, trials - conversions, centre
        )
    mean = [fits[held[:, c], c + 1].mean() for c in range(4)]
    np.testing.assert_allclose(model.coefficients_, mean, atol=1e-6)
    assert model.intercept_ == pytest.approx(fits[:, 0].mean(), abs=1e-6)


def test_many_bags_agree_with_all_landmarks():
    met = all_sets(5)
    trials, conversions = simulated(np.random.default_rng(3), met, 2000)
    bagged, whole = (
        BaggedLogistic(**parameters).fit_counts(features_of(met), trials, conversions)
        for parameters in ({"bags": 400}, WHOLE)
    )
    np.testing.assert_allclose(bagged.coefficients_, whole.coefficients_, atol=0.01)


def test_channels_left_out_of_bags_bias_channels_that_occur_with_them():
    # Channel 1 does nothing but comes with channel 0, which does: the reason for the default.
    met = np.array([[1.0, 1, 0], [0, 0, 1], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 1, 1], [1, 0, 1]])
    trials = np.array([9e6, 9e6, 9e6, 1e6, 1e6, 1e6, 1e6])
    conversions = np.rint(trials * expit(-3 + met @ [1.5, 0, 0]))
    whole, part = (
        BaggedLogistic(bags=50, channel_share=share)
        .fit_counts(features_of(met), trials, conversions)
        .coefficients_
        for share in (1.0, 0.5)
    )
    np.testing.assert_allclose(whole, [1.5, 0, 0], atol=0.01)
    assert part[1] > 0.3


def test_the_same_seed_draws_the_same_bags_in_any_order_of_rows():
    met, rng = all_sets(5), np.random.default_rng(4)
    trials, conversions = simulated(rng, met, 20)
    order = rng.permutation(len(met))

    def fit(order, seed):
        model = BaggedLogistic(bags=3, channel_share=0.6, seed=seed)
        model.fit_counts(features_of(met[order]), trials[order], conversions[order])
        return [model.intercept_, *model.coefficients_]

    assert fit(order, 0) == fit(np.arange(len(met)), 0)
    assert fit(order, 0) != fit(order, 1)


def test_sets_without_landmarks_do_not_change_the_draws():
    met = all_sets(4)
    trials, conversions = simulated(np.random.default_rng(5), met, 30, LOG_ODDS[:4])
    trials[::3] = conversions[::3] = 0
    seen = trials > 0
    some = BaggedLogistic().fit_counts(features_of(met[seen]), trials[seen], conversions[seen])
    every = BaggedLogistic().fit_counts(features_of(met), trials, conversions)
    np.testing.assert_array_equal(some.coefficients_, every.coefficients_)


# --- forecast and credit ------------------------------------------------------------------------


def test_forecast_and_credit_follow_from_the_coefficients():
    model = BaggedLogistic()
    model.intercept_, model.coefficients_ = INTERCEPT, LOG_ODDS
    met = all_sets(5)
    np.testing.assert_allclose(
        model.forecast_unique(features_of(met)), expit(INTERCEPT + met @ LOG_ODDS)
    )
    shares = model.shares(features_of(met)).toarray()
    for row, share in zip(met, shares, strict=True):
        whole = INTERCEPT + row @ LOG_ODDS
        lost = np.maximum(row * (expit(whole) - expit(whole - LOG_ODDS)), 0)
        expected = lost if lost.any() else row  # where nothing helps, alike
        np.testing.assert_allclose(share, expected / expected.sum(), atol=1e-12)


def test_landmarks_with_one_set_have_one_forecast():
    landmarks = draw_landmarks(np.random.default_rng(6), 2000)
    model = BaggedLogistic().fit(landmarks)
    met = landmarks.paths.path_channels.matrix(
        np.ones(len(landmarks.paths.path_channels.row)), 2000, 4
    )
    np.testing.assert_allclose(
        model.forecast(landmarks), expit(model.intercept_ + met @ model.coefficients_)
    )


# --- identity -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"bags": 0}, "at least one bag, not 0"),
        ({"sample_share": 0.0}, "sample_share is above 0 and up to 1, not 0"),
        ({"channel_share": 1.5}, "channel_share is above 0 and up to 1, not 1.5"),
    ],
)
def test_impossible_bags_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        BaggedLogistic(**parameters)


def test_every_parameter_is_part_of_the_fingerprint():
    changed = [{}, {"bags": 21}, {"sample_share": 0.6}, {"channel_share": 0.5}, {"seed": 1}]
    assert len({BaggedLogistic(**parameters).fingerprint for parameters in changed}) == 5


# --- refits -------------------------------------------------------------------------------------


def by_user(rng, met, users=4000):
    """Return statistics of journeys of users in 256 buckets, by the law of the model."""
    landmarks = rng.integers(0, len(met), 3 * users)
    hit = rng.random(len(landmarks)) < expit(INTERCEPT + met[landmarks] @ LOG_ODDS)
    unit, shape = rng.integers(0, 256, len(landmarks)), (len(met), 256)
    ones = np.ones(len(landmarks))
    return FeatureCounts(
        features_of(met),
        base.by_unit(landmarks, unit, ones, shape),
        base.by_unit(landmarks[hit], unit[hit], ones[hit], shape),
    )


@pytest.mark.parametrize("options", [{}, {"bags": 4, "sample_share": 0.3}, WHOLE])
def test_refits_spread_as_complete_refits(options):
    rng, met = np.random.default_rng(5), all_sets(5)
    statistics = by_user(rng, met)
    weights = rng.multinomial(256, np.full(256, 1 / 256), 200).astype(float)
    model = BaggedLogistic(**options).fit_credit(statistics, np.ones(256))
    quick, whole = (
        np.array([[own.intercept_, *own.coefficients_] for own in refits])
        for refits in (
            copy.deepcopy(model).refits(statistics, weights),
            base.Model.refits(copy.deepcopy(model), statistics, weights),
        )
    )
    fitted = np.append(model.intercept_, model.coefficients_)
    spread = whole.std(axis=0)
    # Of 200 draws a standard deviation has an error of 5 %.
    np.testing.assert_allclose(quick.std(axis=0) / spread, 1, atol=0.15)
    assert (np.abs(quick.mean(axis=0) - fitted) / spread).max() < 0.25
    if options == WHOLE:  # without bags the refits are exact
        np.testing.assert_allclose(quick, whole, rtol=1e-6, atol=1e-8)


def test_refits_of_bags_with_some_channels_are_complete_fits():
    rng, met = np.random.default_rng(6), all_sets(3)
    trials, conversions = simulated(rng, met, 200, LOG_ODDS[:3])
    shape, place = (len(met), 2), np.arange(len(met))
    counts = [base.by_unit(place, place % 2, own, shape) for own in (trials, conversions)]
    statistics = FeatureCounts(features_of(met), *counts)
    model = BaggedLogistic(bags=5, channel_share=0.5).fit_credit(statistics, np.ones(2))
    for refitted, row in zip(
        copy.deepcopy(model).refits(statistics, np.eye(2)), np.eye(2), strict=True
    ):
        expected = copy.deepcopy(model).fit_credit(statistics, row)
        np.testing.assert_allclose(refitted.coefficients_, expected.coefficients_)
