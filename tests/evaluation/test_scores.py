"""Scores from sums equal the scores that scikit-learn computes from the forecasts."""

from __future__ import annotations

from dataclasses import fields
from math import fsum

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from lydite.evaluation.scores import N_GRID, Outcomes, Scores


def drawn(seed=0, n=30_000, slope=1.0):
    rng = np.random.default_rng(seed)
    score = rng.normal(-3, 1.2, n)
    converted = rng.random(n) < expit(score)
    return rng.integers(0, 256, n), converted, expit(slope * score)


def scored(*parts) -> Scores:
    scores = Scores.empty(len(parts))
    for period, (bucket, converted, forecast) in enumerate(parts):
        scores.add(period, bucket, converted, forecast)
    return scores


@pytest.mark.parametrize("seed", range(3))
def test_scores_equal_scikit_learn(seed):
    bucket, converted, forecast = drawn(seed)
    scores = scored((bucket, converted, forecast))
    assert scores.log_loss_bits == pytest.approx(log_loss(converted, forecast) / np.log(2))
    assert scores.brier_score == pytest.approx(brier_score_loss(converted, forecast))
    assert scores.auc == pytest.approx(roc_auc_score(converted, forecast), abs=5e-4)
    expected = average_precision_score(converted, forecast)
    assert scores.average_precision == pytest.approx(expected, abs=5e-3)


def test_tied_forecasts_score_as_scikit_learn_scores_ties():
    bucket, converted, forecast = drawn(1)
    forecast = np.round(forecast, 1).clip(0.05, 0.95)
    scores = scored((bucket, converted, forecast))
    assert scores.auc == pytest.approx(roc_auc_score(converted, forecast), abs=1e-12)
    expected = average_precision_score(converted, forecast)
    assert scores.average_precision == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("slope", [0.5, 1.0, 2.0])
def test_the_calibration_slope_undoes_the_slope_of_the_forecast(slope):
    scores = scored(drawn(2, 100_000, slope))
    assert scores.calibration_slope == pytest.approx(1 / slope, rel=0.03)


def test_parts_add_up_to_the_whole():
    bucket, converted, forecast = drawn(3)
    whole = scored((bucket, converted, forecast))
    scores = Scores.empty(1)
    for part in np.array_split(np.arange(len(bucket)), 7):
        scores.add(0, bucket[part], converted[part], forecast[part])
    for field in fields(Scores):
        np.testing.assert_allclose(getattr(scores, field.name), getattr(whole, field.name))
    two = scored(*[(bucket[i::2], converted[i::2], forecast[i::2]) for i in (0, 1)])
    for name in ("log_loss_bits", "brier_score", "auc", "average_precision", "calibration_slope"):
        assert getattr(two, name) == pytest.approx(getattr(whole, name), rel=1e-9)


def test_counts_are_kept_by_period_and_bucket():
    scores = scored(
        (np.array([3, 3, 255]), np.array([True, False, False]), np.array([0.5, 0.25, 0.125])),
        (np.array([0]), np.array([False]), np.array([0.5])),
    )
    assert scores.landmarks[0, 3] == 2
    assert scores.conversions[0, 3] == 1
    assert scores.log_loss[0, 3] == pytest.approx(1 - np.log2(0.75))
    assert scores.brier[0, 3] == pytest.approx(0.25 + 0.0625)
    assert scores.landmarks.sum(axis=1).tolist() == [3, 1]
    assert scores.grid_landmarks.sum() == scores.landmarks.sum()


def test_undefined_scores_are_none():
    none = scored((np.zeros(4, int), np.zeros(4, bool), np.full(4, 0.1)))
    assert none.auc is None
    assert none.average_precision is None
    assert none.calibration_slope is None
    alike = scored((np.zeros(4, int), np.array([True, False] * 2), np.full(4, 0.1)))
    assert alike.auc == 0.5
    assert alike.calibration_slope is None
    for apart in ([0.1, 0.1, 0.9, 0.9], [0.9, 0.9, 0.1, 0.1], [0.1, 0.1, 0.1, 0.9]):
        forecast = np.array(apart)
        separated = scored((np.zeros(4, int), np.array([False, False, True, True]), forecast))
        assert separated.auc in (0.0, 0.75, 1.0)
        assert separated.calibration_slope is None
    assert np.isnan(Scores.empty(2).log_loss_bits)
    assert np.isnan(Scores.empty(2).brier_score)


def test_extreme_forecasts_are_in_the_grid():
    scores = scored((np.zeros(2, int), np.array([True, False]), np.array([1 - 1e-6, 1e-6])))
    assert scores.auc == 1
    assert scores.average_precision == 1


# --- errors of the grid, within their bounds ----------------------------------------------------

#: Forecasts are counted in steps of their logit.
STEP = 28.0 / N_GRID


def forecasts(kind: str, seed: int, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Return outcomes and forecasts: well spread, rare, overconfident, biased, of a few values."""
    rng = np.random.default_rng(seed)
    score = rng.normal(-2, 1, n)
    converted = rng.random(n) < expit(score)
    match kind:
        case "spread":
            own = score + rng.normal(0, 0.7, n)
        case "rare":
            converted = rng.random(n) < expit(score - 3)
            own = score - 3
        case "overconfident":
            own = 2.5 * score
        case "biased":
            own = 0.4 * score + 1.5
        case "few":
            own = np.round(2 * score) / 2
        case "certain":
            own = np.clip(9 * score, -13.8, 13.8)
        case _:
            raise AssertionError(kind)
    return converted, expit(own)


KINDS = ["spread", "rare", "overconfident", "biased", "few", "certain"]
each = pytest.mark.parametrize(
    ("kind", "seed"), [(kind, seed) for kind in KINDS for seed in (0, 1)]
)


def scored_alone(kind: str, seed: int) -> tuple[Scores, np.ndarray, np.ndarray]:
    converted, forecast = forecasts(kind, seed)
    bucket = np.random.default_rng(seed).integers(0, 256, len(converted))
    return scored((bucket, converted, forecast)), converted, forecast


@each
def test_log_loss_and_brier_are_exact_sums(kind, seed):
    scores, converted, forecast = scored_alone(kind, seed)
    p = np.where(converted, forecast, 1 - forecast)
    assert scores.log_loss.sum() == pytest.approx(fsum(-np.log2(p)), rel=1e-13)
    assert scores.brier.sum() == pytest.approx(fsum((forecast - converted) ** 2), rel=1e-13)
    assert scores.log_loss_bits * np.log(2) == pytest.approx(
        log_loss(converted, forecast), rel=1e-9
    )
    assert scores.brier_score == pytest.approx(brier_score_loss(converted, forecast), rel=1e-12)


@each
def test_the_sums_of_a_bucket_are_those_of_its_landmarks(kind, seed):
    converted, forecast = forecasts(kind, seed, 3000)
    bucket = np.random.default_rng(seed).integers(0, 256, 3000)
    count = np.random.default_rng(seed).integers(1, 5, 3000).astype(float)
    scores = Scores.empty(2)
    scores.add(1, bucket, converted, forecast, count)
    assert not scores.landmarks[0].any()
    for own in (0, 17, 255):
        mine = bucket == own
        loss = -np.log2(np.where(converted, forecast, 1 - forecast))[mine]
        assert scores.landmarks[1, own] == fsum(count[mine])
        assert scores.conversions[1, own] == fsum(count[mine] * converted[mine])
        assert scores.log_loss[1, own] == pytest.approx(fsum(count[mine] * loss), rel=1e-13)
        squared = (forecast - converted)[mine] ** 2
        assert scores.brier[1, own] == pytest.approx(fsum(count[mine] * squared), rel=1e-13)


@each
def test_auc_differs_from_the_exact_one_by_pairs_within_a_bin_only(kind, seed):
    """A pair in one bin counts one half instead of 0 or 1: it is wrong by one half at most."""
    scores, converted, forecast = scored_alone(kind, seed)
    positive = scores.grid_conversions.sum(axis=0)
    negative = scores.grid_landmarks.sum(axis=0) - positive
    bound = 0.5 * (positive @ negative) / (positive.sum() * negative.sum())
    assert abs(scores.auc - roc_auc_score(converted, forecast)) <= bound + 1e-12
    assert bound < 0.02 or kind in {"few", "certain"}  # of which many are tied
    # The errors of many pairs are either way, and all but cancel.
    assert scores.auc == pytest.approx(roc_auc_score(converted, forecast), abs=1e-3)


@each
def test_average_precision_differs_from_the_exact_one_by_the_order_within_bins_only(kind, seed):
    """Within a bin the precision is between all converting last and all converting first."""
    scores, converted, forecast = scored_alone(kind, seed)
    positive = scores.grid_conversions.sum(axis=0)[::-1]
    called = scores.grid_landmarks.sum(axis=0)[::-1]
    before = positive.cumsum() - positive, called.cumsum() - called
    met = positive > 0
    taken = (before[0] + positive)[met] / (before[1] + called)[met]
    highest = (before[0] + positive)[met] / (before[1] + positive)[met]
    lowest = (before[0] + 1)[met] / (before[1] + called - positive + 1)[met]
    furthest = np.maximum(highest - taken, taken - lowest)
    bound = furthest @ positive[met] / positive.sum()
    exact = average_precision_score(converted, forecast)
    assert abs(scores.average_precision - exact) <= bound + 1e-12
    # What is counted is the precision at the end of each bin: a little less than along the way,
    # the more so the fewer bins the forecasts are in.
    assert -0.01 < scores.average_precision - exact < 0.001


@each
def test_the_calibration_slope_is_that_of_a_logistic_regression(kind, seed):
    """A regression on the forecast's logit, without penalty, as scikit-learn fits it.

    A bin's mean stands for each of its forecasts, at most a step away from it. Such an error e of
    the regressor x, 0 on average in every bin, flattens the slope by var(e) / var(x), which is at
    most (step / 2)^2 / var(x). By chance it moves it by sum e (y - p) / sum w (x - mean)^2,
    with w = p (1 - p), of which the standard deviation is at most
    (step / 2) sqrt(sum w) / sum w (x - mean)^2; four of these are allowed.
    """
    scores, converted, forecast = scored_alone(kind, seed)
    x = logit(forecast)
    fit = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(x[:, None], converted)
    slope = float(fit.coef_[0, 0])
    w = fit.predict_proba(x[:, None]).prod(axis=1)
    spread = w @ (x - w @ x / w.sum()) ** 2
    flattened = slope * (STEP / 2) ** 2 / (spread / w.sum())
    bound = flattened + 4 * (STEP / 2) * np.sqrt(w.sum()) / spread
    assert abs(scores.calibration_slope - slope) <= bound + 1e-6
    assert bound < 0.02 * slope
    if kind == "few":  # each bin holds one value: nothing is lost
        assert scores.calibration_slope == pytest.approx(slope, rel=1e-5)


@each
def test_the_error_of_the_slope_is_that_of_maximum_likelihood(kind, seed):
    scores, converted, forecast = scored_alone(kind, seed)
    x = logit(forecast)
    fit = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(x[:, None], converted)
    w = fit.predict_proba(x[:, None]).prod(axis=1)
    exact = 1 / np.sqrt(w @ (x - w @ x / w.sum()) ** 2)
    slope, error = scores.calibration
    assert slope == scores.calibration_slope
    assert error == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize("name", ["auc", "average_precision", "calibration_slope", "brier_score"])
def test_counts_stand_for_as_many_landmarks(name):
    converted, forecast = forecasts("spread", 3, 4000)
    rng = np.random.default_rng(3)
    bucket, count = rng.integers(0, 256, 4000), rng.integers(1, 6, 4000)
    counted, repeated = Scores.empty(1), Scores.empty(1)
    counted.add(0, bucket, converted, forecast, count.astype(float))
    repeated.add(0, *(np.repeat(own, count) for own in (bucket, converted, forecast)))
    assert getattr(counted, name) == pytest.approx(getattr(repeated, name), rel=1e-10)


def test_the_first_periods_equal_scores_of_those_periods():
    parts = [(np.zeros(50, int), *forecasts("spread", seed, 50)) for seed in range(5)]
    whole = scored(*parts)
    for periods in range(1, 6):
        then = scored(*parts[:periods])
        for field in fields(Scores):
            kept = getattr(whole.first(periods), field.name)
            np.testing.assert_array_equal(kept, getattr(then, field.name))


def test_outcomes_prepared_once_serve_every_forecast():
    rng = np.random.default_rng(6)
    n = 5000
    period, bucket = rng.integers(3, 6, n), rng.integers(0, 256, n)
    converted, count = rng.random(n) < 0.2, rng.integers(1, 4, n).astype(float)
    for weight in (np.ones(n), count):
        outcomes = Outcomes.of(period, bucket, converted, weight)
        for forecast in (rng.beta(2, 9, n), np.full(n, 0.2)):
            one, two = Scores.empty(8), Scores.empty(8)
            one.add_outcomes(outcomes, logit(forecast))
            for turn in range(8):
                own = period == turn
                two.add(turn, bucket[own], converted[own], forecast[own], weight[own])
            for field in fields(Scores):
                np.testing.assert_allclose(
                    getattr(one, field.name), getattr(two, field.name), rtol=1e-12, atol=1e-12
                )


@pytest.mark.parametrize("log_odds", [-800.0, -40.0, 0.0, 40.0, 800.0])
def test_no_forecast_overflows(log_odds):
    scores = Scores.empty(1)
    both = np.array([False, True])
    with np.errstate(all="raise", under="ignore"):
        scores.add_outcomes(
            Outcomes.of(np.zeros(2, int), np.array([0, 1]), both, np.ones(2)),
            np.full(2, log_odds),
        )
    missed = np.logaddexp(0, [log_odds, -log_odds]) / np.log(2)
    np.testing.assert_allclose(scores.log_loss[0, :2], missed, rtol=1e-12)
    np.testing.assert_allclose(scores.brier[0, :2], (expit(log_odds) - both) ** 2, rtol=1e-12)


def test_no_landmarks_add_nothing():
    scores, none = Scores.empty(2), np.empty(0)
    scores.add_outcomes(Outcomes.of(none.astype(int), none.astype(int), none > 0, none), none)
    assert not scores.landmarks.any()
    assert not scores.log_loss.any()


@pytest.mark.parametrize("log_odds", [np.zeros(1), np.zeros(3), np.array([0.0, np.nan])])
def test_each_landmark_needs_a_forecast(log_odds):
    outcomes = Outcomes.of(np.zeros(2, int), np.array([0, 1]), np.array([False, True]), np.ones(2))
    with pytest.raises(ValueError, match="each landmark needs a forecast"):
        Scores.empty(1).add_outcomes(outcomes, log_odds)


def test_buckets_are_within_the_sums():
    with pytest.raises(ValueError, match="reshape"):
        Outcomes.of(np.zeros(1, int), np.array([256]), np.array([True]), np.ones(1))


# --- forecasts shifted to the conversions of each day ---------------------------------------------


def by_day(
    seed: int, *, counted: bool = False, day_rate: bool = False
) -> tuple[Outcomes, np.ndarray, np.ndarray]:
    """Return outcomes on 20 days, forecasts and days; the first two days have equal outcomes."""
    rng = np.random.default_rng(seed)
    n = 2000
    day, score = rng.integers(0, 20, n), rng.normal(-2, 1, n)
    converted = rng.random(n) < expit(score)
    converted[day == 0], converted[day == 1] = False, True
    count = rng.integers(1, 4, n).astype(float) if counted else np.ones(n)
    rate = rng.uniform(0.05, 0.4, 20) if day_rate else None
    outcomes = Outcomes.of(day // 7, rng.integers(0, 256, n), converted, count, day, rate)
    return outcomes, score, day


def of(outcomes: Outcomes, log_odds: np.ndarray) -> Scores:
    scores = Scores.empty(3)
    scores.add_outcomes(outcomes, log_odds)
    return scores


@pytest.mark.parametrize("counted", [False, True])
def test_a_model_gains_nothing_by_guessing_the_level_of_a_day(counted):
    outcomes, score, day = by_day(1, counted=counted)
    levels = np.random.default_rng(2).normal(0, 2, 20)
    plain, levelled = of(outcomes, score), of(outcomes, score + levels[day])
    np.testing.assert_allclose(levelled.log_loss, plain.log_loss, rtol=1e-5, atol=1e-9)
    assert not np.allclose(levelled.brier, plain.brier, rtol=0.01)  # of forecasts as made


@pytest.mark.parametrize("counted", [False, True])
def test_the_log_loss_is_that_of_forecasts_with_the_mean_of_their_day(counted):
    """The shift of each day is found by bisection."""
    outcomes, score, day = by_day(3, counted=counted)
    count = np.ones(len(day)) if outcomes.count is None else outcomes.count
    loss = np.zeros((3, 256))
    for own in range(2, 20):
        mine = day == own
        hit, n = outcomes.converted[mine], count[mine]

        def excess(shift: float, own: np.ndarray = score[mine], n=n, hit=hit) -> float:
            return float(n @ (expit(own + shift) - hit))

        p = expit(score[mine] + brentq(excess, -30, 30, xtol=1e-12))
        bits = -np.log2(np.where(hit, p, 1 - p)) * n
        np.add.at(loss, (own // 7, outcomes.bucket[mine]), bits)
    np.testing.assert_allclose(of(outcomes, score).log_loss, loss, rtol=1e-5, atol=1e-9)


def test_days_on_which_all_landmarks_or_none_convert_decide_nothing():
    outcomes, score, day = by_day(4)
    some = day > 1
    only = Outcomes.of(
        outcomes.period[some], outcomes.bucket[some], outcomes.converted[some],
        np.ones(some.sum()), day[some],
    )  # fmt: skip
    with_them, without = of(outcomes, score), of(only, score[some])
    np.testing.assert_allclose(with_them.log_loss, without.log_loss, rtol=1e-9, atol=1e-9)
    assert with_them.landmarks.sum() > without.landmarks.sum()


def test_a_sample_of_a_day_is_shifted_to_the_rate_of_the_whole_day():
    outcomes, score, day = by_day(5, day_rate=True)
    shift = outcomes.shifts(score)
    for own in range(20):
        mean = expit(score[day == own] + shift[own]).mean()
        assert mean == pytest.approx(outcomes.day_rate[own], rel=1e-6)


def test_without_days_forecasts_are_scored_as_made():
    outcomes, score, _ = by_day(6)
    plain = Outcomes.of(outcomes.period, outcomes.bucket, outcomes.converted, np.ones(len(score)))
    assert plain.shifts(score) is None
    found = of(plain, score)
    assert found.log_loss_bits == pytest.approx(
        log_loss(outcomes.converted, expit(score)) / np.log(2)
    )
    for name in ("brier", "grid_landmarks", "grid_conversions", "grid_forecast", "conversions"):
        np.testing.assert_array_equal(getattr(found, name), getattr(of(outcomes, score), name))
