"""Adjustment for activity: a logistic regression on counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from lydite.evaluation.adjustment import Activity, Adjustment, log_odds
from tests.helpers.random_landmarks import draw_landmarks


@pytest.fixture(scope="module")
def activity() -> Activity:
    return Activity(draw_landmarks(np.random.default_rng(0), 20_000, longest=9))


def fit(activity, cell, forecast, trials, conversions):
    """Fit on forecasts, None for activity alone."""
    score = None if forecast is None else log_odds(forecast)
    return Adjustment(activity.design()).fit(cell, score, trials, conversions)


def adjusted(fitted, cell, forecast):
    """Return adjusted probabilities."""
    return expit(fitted.adjusted(cell, None if forecast is None else log_odds(forecast)))


def rows(activity, seed=1, n=20_000, levels=(0.02, 0.05, 0.1, 0.2, 0.4)):
    """Draw counts by cell and forecast from the model with a slope of 0.8."""
    rng = np.random.default_rng(seed)
    cell = rng.choice(activity.cell, n)
    forecast = rng.choice(levels, n)
    terms = rng.normal(0, 0.4, activity.design().shape[1])
    truth = expit(-0.3 + 0.8 * logit(forecast) + (activity.design() @ terms)[cell])
    trials = rng.integers(1, 30, n).astype(float)
    return cell, forecast, trials, rng.binomial(trials.astype(int), truth).astype(float), truth


def test_activity_levels_of_hand_made_landmarks():
    drawn = draw_landmarks(np.random.default_rng(0), 10)
    activity = Activity(
        replace(
            drawn,
            paths=replace(drawn.paths, length=np.array([1, 2, 2, 7, 8, 50, 15, 16, 31, 32])),
            hours_since_previous=np.array([np.nan, 0.0, 1.5, 24.0, 168.0, 168.1, 2, 2, 2, 2]),
            hours_since_first=np.array([0.0, 1.0, 6.0, 72.1, 400.0, 168.0, 2, 2, 2, 2]),
        )
    )
    assert activity.levels[activity.cell].tolist() == [
        [0, 0, 0], [1, 1, 1], [1, 2, 2], [6, 3, 5], [7, 5, 6], [9, 6, 5],
        [7, 2, 2], [8, 2, 2], [8, 2, 2], [9, 2, 2],
    ]  # fmt: skip
    design = activity.design()
    assert design.shape == (9, 24)
    assert (design.sum(axis=1) == 3).all()


def test_the_generating_parameters_are_recovered(activity):
    cell, forecast, trials, conversions, truth = rows(activity, n=60_000)
    fitted = fit(activity, cell, forecast, trials, conversions)
    assert fitted.slope_ == pytest.approx(0.8, abs=0.02)
    error = logit(adjusted(fitted, cell, forecast)) - logit(truth)
    assert np.sqrt(np.average(error**2, weights=trials)) < 0.05


@pytest.mark.parametrize("alone", [False, True])
def test_it_equals_scikit_learn_if_there_are_few_distinct_scores(activity, alone):
    cell, forecast, trials, conversions, _ = rows(activity, seed=2)
    fitted = fit(activity, cell, None if alone else forecast, trials, conversions)
    # A column on a large scale is hardly penalised, as the slope must not be.
    columns = activity.design()[cell]
    if not alone:
        columns = np.column_stack([columns, 1e3 * logit(forecast)])
    reference = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-9).fit(
        np.vstack([columns, columns]),
        np.repeat([1, 0], len(cell)),
        sample_weight=np.concatenate([conversions, trials - conversions]),
    )
    np.testing.assert_allclose(
        adjusted(fitted, cell, None if alone else forecast),
        reference.predict_proba(columns)[:, 1],
        rtol=2e-5,
    )


def test_binning_the_score_changes_the_slope_little(activity):
    rng = np.random.default_rng(3)
    cell = rng.choice(activity.cell, 40_000)
    forecast = expit(rng.normal(-3, 1, 40_000))
    truth = expit(0.2 + 0.9 * logit(forecast))
    conversions = (rng.random(40_000) < truth).astype(float)
    fitted = fit(activity, cell, forecast, np.ones(40_000), conversions)
    assert fitted.slope_ == pytest.approx(0.9, abs=0.06)


def test_an_inverted_forecast_gets_a_slope_of_zero(activity):
    cell, forecast, trials, conversions, _ = rows(activity, seed=4)
    wrong = fit(activity, cell, 1 - forecast, trials, conversions)
    alone = fit(activity, cell, None, trials, conversions)
    assert wrong.slope_ == 0
    np.testing.assert_allclose(
        adjusted(wrong, cell, 1 - forecast), adjusted(alone, cell, None), rtol=1e-9
    )


@pytest.mark.parametrize("start", ["cold", "warm"])
def test_a_fit_does_not_depend_on_the_previous_fit(activity, start):
    cell, forecast, trials, conversions, _ = rows(activity, seed=5)
    expected = fit(activity, cell, forecast, trials, conversions)
    other = Adjustment(activity.design())
    if start == "warm":
        other.fit(cell, log_odds(1 - forecast), trials, conversions)
    other.fit(cell, log_odds(forecast), trials, conversions)
    np.testing.assert_allclose(
        adjusted(other, cell, forecast), adjusted(expected, cell, forecast), rtol=1e-8
    )


def test_constant_forecasts_and_extreme_ones_stay_probabilities(activity):
    cell, _, trials, conversions, _ = rows(activity, seed=6, n=500)
    for forecast in (np.full(500, 0.1), np.repeat([0.0, 1.0], 250)):
        fitted = fit(activity, cell, forecast, trials, conversions)
        p = adjusted(fitted, cell, forecast)
        assert ((p >= 0.999e-6) & (p <= 1 - 0.999e-6)).all()


def test_no_conversions_or_only_conversions(activity):
    cell, forecast, trials, _, _ = rows(activity, seed=7, n=500)
    for conversions, low, high in ((0 * trials, 0, 0.05), (trials, 0.95, 1)):
        p = fit(activity, cell, forecast, trials, conversions)
        assert (low <= adjusted(p, cell, forecast)).all()
        assert (adjusted(p, cell, forecast) <= high).all()


def test_a_nan_forecast_is_an_error():
    with pytest.raises(ValueError, match="a forecast is nan"):
        log_odds(np.array([0.5, np.nan]))
