"""Levels of days and hours, compared with brute force and with regressions of scikit-learn."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from lydite.evaluation.adjustment import Activity
from lydite.evaluation.day_levels import HOURS, MAX_SHIFT, DayLevels, level_shifts
from lydite.evaluation.splits import Split
from tests.helpers.examples import examples
from tests.helpers.random_landmarks import DAY, START, draw_landmarks, reordered, weekly

if TYPE_CHECKING:
    from lydite.models import Landmarks

# --- shifts to the conversions of each stratum ----------------------------------------------------


def counted(stratum: np.ndarray, count: np.ndarray, converted: np.ndarray, strata: int):
    """Return the landmarks and conversions of each stratum."""
    return tuple(np.bincount(stratum, own, strata) for own in (count, count * converted))


def shifted_mean(log_odds: np.ndarray, count: np.ndarray, shift: float) -> float:
    return float(count @ expit(log_odds + shift) / count.sum())


@examples(200)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 60),
    spread=st.sampled_from([0.0, 1.0, 4.0, 13.0]),
    rate=st.sampled_from([0.01, 0.3, 0.95]),
    weighted=st.booleans(),
)
def test_shifts_give_each_stratum_the_mean_that_was_observed(seed, n, spread, rate, weighted):
    rng = np.random.default_rng(seed)
    log_odds = np.clip(rng.normal(-2, spread, n), -13.8, 13.8)
    stratum, converted = rng.integers(0, 4, n), rng.random(n) < rate
    count = rng.integers(1, 5, n).astype(float) if weighted else np.ones(n)
    landmarks, conversions = counted(stratum, count, converted, 5)
    shift = level_shifts(log_odds, stratum, count if weighted else None, landmarks, conversions)
    for own in range(5):
        mine = stratum == own
        if conversions[own] == 0:
            assert shift[own] == -MAX_SHIFT
        elif conversions[own] == landmarks[own]:
            assert shift[own] == MAX_SHIFT
        else:
            observed = conversions[own] / landmarks[own]
            expected = brentq(
                lambda s, mine=mine, observed=observed: (
                    shifted_mean(log_odds[mine], count[mine], s) - observed
                ),
                -40,
                40,
                xtol=1e-12,
            )
            assert shift[own] == pytest.approx(expected, abs=1e-5)
            mean = shifted_mean(log_odds[mine], count[mine], shift[own])
            assert mean == pytest.approx(observed, rel=1e-6)


def test_half_of_the_forecasts_near_zero_and_half_near_one():
    """The mean changes fast, then hardly, then fast with the shift."""
    log_odds = np.repeat([-13.8, 13.8], 500)
    for conversions in (1, 499, 500, 501, 750, 999):
        [shift] = level_shifts(
            log_odds, np.zeros(1000, int), None, np.array([1000.0]), np.array([float(conversions)])
        )
        assert 1000 * shifted_mean(log_odds, np.ones(1000), shift) == pytest.approx(conversions)


def test_without_landmarks_there_are_no_shifts():
    none = np.empty(0)
    assert len(level_shifts(none, none.astype(int), None, none, none)) == 0


# --- levels of days and hours ---------------------------------------------------------------------

DAYS = 84
CALENDAR = weekly(4, 8)


def drawn(
    seed: int,
    n: int = 6000,
    day_effect: np.ndarray | None = None,
    hour_effect: np.ndarray | None = None,
    base: float = -1.5,
) -> Landmarks:
    """Draw landmarks that convert by day, hour and the channel that is their last."""
    rng = np.random.default_rng(seed)
    landmarks = draw_landmarks(rng, n, days=DAYS)
    hours = (landmarks.happened_at - START) // np.timedelta64(1, "h")
    effect = np.full(n, base)
    if day_effect is not None:
        effect += day_effect[hours // HOURS]
    if hour_effect is not None:
        effect += hour_effect[hours % HOURS]
    return replace(landmarks, converted=rng.random(n) < expit(effect))


def levels_of(landmarks: Landmarks) -> DayLevels:
    return DayLevels(
        landmarks, Activity(landmarks), CALENDAR.first_training_period(landmarks.happened_at)
    )


def days_of(landmarks: Landmarks) -> np.ndarray:
    return (landmarks.happened_at - START) // DAY


NOON = np.where(np.abs(np.arange(HOURS) - 12) < 5, 0.5, -0.5)


@pytest.mark.parametrize("period", [0, 3, 7])
def test_levels_equal_a_joint_regression_with_a_dummy_for_each_day(period, monkeypatch):
    rng = np.random.default_rng(1)
    landmarks = drawn(2, day_effect=rng.normal(0, 1, DAYS), hour_effect=NOON)
    activity = Activity(landmarks)
    columns = np.hstack([activity.design()[activity.cell], np.eye(HOURS)[
        (landmarks.happened_at - START) // np.timedelta64(1, "h") % HOURS
    ]])  # fmt: skip
    precision = rng.gamma(4, 1, columns.shape[1])
    monkeypatch.setattr(DayLevels, "_estimate_precision", lambda *_: precision)
    own = levels_of(landmarks)
    found = own.before(period)
    training = CALENDAR.first_training_period(landmarks.happened_at) <= period
    days, converts = days_of(landmarks), landmarks.converted
    mixed = [day for day in np.unique(days[training])
             if 0 < converts[training & (days == day)].mean() < 1]  # fmt: skip
    used = training & np.isin(days, mixed)
    dummies = (days[:, None] == mixed) * 1e4  # a column on a large scale is hardly penalised
    x = np.hstack([dummies, columns / np.sqrt(precision)])[used]
    fitted = LogisticRegression(fit_intercept=False, solver="newton-cholesky", tol=1e-10)
    coefficients = fitted.fit(x, converts[used]).coef_[0]
    hour = coefficients[-HOURS:] / np.sqrt(precision[-HOURS:])
    np.testing.assert_allclose(np.log(found.hour), hour, atol=2e-5)
    day = np.full(DAYS, -np.inf)
    day[mixed] = 1e4 * coefficients[: len(mixed)]
    level = np.log(found.day[own.timing.stratum[used]]) - day[days[used]]
    assert np.ptp(level) < 5e-5  # days are relative to their mean
    np.testing.assert_array_equal(found.precision, precision[:-HOURS])


def test_day_factors_are_one_on_average_and_zero_where_nothing_is_known():
    landmarks = drawn(3, n=700)  # eight a day: some days have no conversion
    own, train_from = levels_of(landmarks), CALENDAR.first_training_period(landmarks.happened_at)
    found = own.before(2)
    factor, training = found.day[own.timing.stratum], train_from <= 2
    assert (factor[~training] == 0).all()
    days, rate = days_of(landmarks), {}
    for day in np.unique(days[training]):
        rate[day] = landmarks.converted[training & (days == day)].mean()
        assert (factor[training & (days == day)] == 0).all() == (rate[day] in {0.0, 1.0})
    assert 0 < sum(own == 0 for own in rate.values()) < len(rate)
    known = factor > 0
    assert 0.8 < factor[known].mean() < 1.2


@pytest.mark.parametrize("converts", [False, True])
def test_without_conversions_or_others_nothing_is_known_about_hours(converts):
    landmarks = drawn(4, n=300)
    landmarks = replace(landmarks, converted=np.full(300, converts))
    own = levels_of(landmarks)
    found = own.before(7)
    assert (found.hour == 1).all()
    assert (found.precision == 1).all()
    training = CALENDAR.first_training_period(landmarks.happened_at) <= 7
    assert (found.day[own.timing.stratum] == training).all()


def test_before_any_training_data_there_are_no_levels():
    late = drawn(5, n=500)
    late = late.take(np.flatnonzero(late.happened_at > CALENDAR.starts[2]))
    found = levels_of(late).before(0)
    assert (found.day == 0).all()
    assert (found.hour == 1).all()


def test_hours_that_matter_are_found_and_hours_that_do_not_vanish():
    with_hours, without = (
        levels_of(drawn(6, 60_000, hour_effect=effect)).before(7) for effect in (NOON, None)
    )
    log_hour = np.log(with_hours.hour)
    assert np.abs(log_hour - log_hour.mean() - NOON + NOON.mean()).max() < 0.15
    assert np.abs(np.log(without.hour)).max() < 0.02


def test_levels_of_days_do_not_change_the_terms_of_hours():
    """Days that convert at very different rates, and days that all convert at the same."""
    days = np.random.default_rng(7).normal(0, 1.5, DAYS)
    found = [
        np.log(levels_of(drawn(seed, 60_000, own, NOON)).before(7).hour)
        for seed, own in ((8, None), (9, days))
    ]
    for own in found:
        assert np.abs(own - own.mean() - NOON + NOON.mean()).max() < 0.2
    # The standard error of a difference is about 0.09.
    assert np.abs(found[0] - found[1]).mean() < 0.1


def test_more_landmarks_on_some_days_do_not_change_the_terms_of_hours():
    """Although these days convert more often, and at other hours of the day."""
    landmarks = drawn(10, 60_000, np.where(np.arange(DAYS) % 2, 1.0, -1.0), NOON)
    hour = (landmarks.happened_at - START) // np.timedelta64(1, "h") % HOURS
    odd = days_of(landmarks) % 2 == 1
    kept = np.flatnonzero(odd == (np.random.default_rng(11).random(60_000) < hour / HOURS))
    assert landmarks.converted[hour > 18].mean() < landmarks.converted[hour == 12].mean()
    log_hour = np.log(levels_of(landmarks.take(kept)).before(7).hour)
    assert np.abs(log_hour - log_hour.mean() - NOON + NOON.mean()).max() < 0.25


def test_activity_that_matters_has_a_small_precision():
    """Precision is that of the prior of each group of activity terms."""
    rng = np.random.default_rng(12)
    landmarks = drawn(13, 40_000)
    activity = Activity(landmarks)
    level = activity.levels[activity.cell]
    converted = rng.random(40_000) < expit(-2 + 0.5 * (level[:, 0] - 2))
    precision = levels_of(replace(landmarks, converted=converted)).before(7).precision
    touches, since_previous, since_first = np.split(precision, np.cumsum(activity.sizes)[:-1])
    for own in (touches, since_previous, since_first):
        assert np.ptp(own) == 0
    assert touches[0] < 20 < min(since_previous[0], since_first[0])


# --- no change with later data or another order ---------------------------------------------------


def same_levels(one: DayLevels, of: np.ndarray, other: DayLevels, and_of: np.ndarray, period: int):
    """Check that two fits agree on the levels of landmarks."""
    a, b = one.before(period), other.before(period)
    np.testing.assert_allclose(a.hour, b.hour, rtol=1e-8)
    np.testing.assert_allclose(a.precision, b.precision, rtol=1e-6)
    mine, theirs = a.day[one.timing.stratum[of]], b.day[other.timing.stratum[and_of]]
    np.testing.assert_allclose(mine, theirs, rtol=1e-8)


@pytest.mark.parametrize("lookback", [timedelta(days=10), timedelta(hours=36)])
def test_later_landmarks_and_periods_do_not_change_earlier_levels(lookback):
    landmarks = drawn(14, hour_effect=NOON)
    calendar = weekly(4, 8, lookback)
    whole = Split.by_period(landmarks, calendar)
    for periods in (2, 5):
        until = calendar.starts[periods - 1] + 7 * DAY
        early = np.flatnonzero(landmarks.happened_at < until)
        part = Split.by_period(landmarks.take(early), weekly(4, periods, lookback))
        assert part.day_levels is not None
        assert whole.day_levels is not None
        for period in range(periods):
            rows = np.arange(len(early))
            same_levels(part.day_levels, rows, whole.day_levels, early, period)


@pytest.mark.parametrize("lookback", [timedelta(days=10), timedelta(hours=36)])
def test_landmarks_are_scored_by_whole_days_however_much_is_known(lookback):
    """Also on a day on which a training set ends."""
    landmarks = drawn(15)
    for periods in (3, 8):
        split = Split.by_period(landmarks, weekly(4, periods, lookback))
        batch = split.batch(range(3))
        days = days_of(landmarks)[batch.rows]
        pairs = {*zip(days.tolist(), batch.outcomes.stratum.tolist(), strict=True)}
        assert len(pairs) == len({*days.tolist()}) == 21


def test_the_order_of_landmarks_does_not_matter():
    landmarks = drawn(16, hour_effect=NOON)
    order = np.random.default_rng(17).permutation(len(landmarks))
    other = levels_of(reordered(landmarks, order))
    same_levels(levels_of(landmarks), order, other, np.arange(len(order)), 5)


def test_a_row_that_stands_for_several_landmarks_counts_as_many():
    landmarks = drawn(18, 2000)
    twice = np.repeat(np.arange(2000), 2)
    counted_twice = levels_of(replace(landmarks, count=np.full(2000, 2.0)))
    same_levels(counted_twice, twice, levels_of(landmarks.take(twice)), np.arange(4000), 6)


def test_folds_have_no_levels():
    landmarks = drawn(19, 500)
    split = Split.by_fold(landmarks)
    assert split.levels(0) is None
    assert split.batch(range(1)).outcomes.stratum is None
