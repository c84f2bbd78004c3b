"""Cross-fitting: counts of the training data, and forecasts of a half by a fit on the other."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from lydite.evaluation.adjustment import log_odds
from lydite.evaluation.cross_fitting import Counts, CrossFitted
from lydite.evaluation.day_levels import HOURS, Levels
from lydite.evaluation.splits import Split
from lydite.models import TouchVolume, make_model
from lydite.paths.landmarks import UniqueFeatures
from tests.helpers.random_landmarks import draw_landmarks, weekly

LANDMARKS = draw_landmarks(np.random.default_rng(0), 6000)
SPLIT = Split.by_period(LANDMARKS, weekly(4, 6))


def known_before(split: Split, period: int) -> np.ndarray:
    """Return the landmarks that may train before a period."""
    known: set[int] = set()
    for turn in range(period + 1):
        known |= set(split.train_added[turn].tolist())
        known -= set(split.train_removed[turn].tolist())
    return np.array(sorted(known))


@pytest.mark.parametrize("split", [SPLIT, Split.by_fold(LANDMARKS)], ids=["weeks", "folds"])
@pytest.mark.parametrize("features", [3, 100_000], ids=["all numbered", "occurring numbered"])
def test_counts_are_those_of_the_training_data(split, features):
    index = np.random.default_rng(1).integers(0, features, len(LANDMARKS))
    counts = Counts(split, UniqueFeatures(index, np.zeros((features, 0))))
    gone = 0
    for period in (0, 1, 4):
        counts.add_periods(range(gone, period + 1))
        gone = period + 1
        known = known_before(split, period)
        half, cell = LANDMARKS.bucket & 1, split.activity.cell
        keys = list(zip(half[known], index[known], cell[known], strict=True))
        trials = Counter(keys)
        hits = Counter(
            key for key, hit in zip(keys, LANDMARKS.converted[known], strict=True) if hit
        )
        by_half = np.zeros((2, 2, features))
        for row, number in enumerate(counts.half_row):
            key = (number // features, number % features, counts.cell[row])
            assert counts.trials[row] == trials.pop(key, 0)
            assert counts.conversions[row] == hits.pop(key, 0)
            by_half[:, key[0], key[1]] += counts.trials[row], counts.conversions[row]
        assert not trials
        assert not hits
        np.testing.assert_array_equal(counts.by_half, by_half)


@pytest.mark.parametrize("subsample", [None, 1500], ids=["all", "subsample"])
def test_exposure_is_the_sum_of_the_levels_of_days_and_hours(subsample):
    split, rng = SPLIT.subsample_train(subsample), np.random.default_rng(2)
    timing, landmarks = split.timing, split.landmarks
    index = rng.integers(0, 3, len(landmarks))
    counts = Counts(split, UniqueFeatures(index, np.zeros((3, 0))))
    levels = Levels(rng.gamma(2, 1, len(timing.day_of_stratum)), rng.gamma(2, 1, HOURS), np.ones(1))
    for period in (0, 4):
        known = known_before(split, period)
        expected = Counter()
        level = levels.day[timing.stratum] * levels.hour[timing.hour] * landmarks.count
        for row in known.tolist():
            expected[landmarks.bucket[row] & 1, index[row], split.activity.cell[row]] += level[row]
        for row, exposure in enumerate(counts.exposure(period, levels)):
            half, feature = divmod(counts.half_row[row], 3)
            assert exposure == pytest.approx(expected[half, feature, counts.cell[row]], rel=1e-9)


@pytest.mark.parametrize("name", ["linear", "markov_2"])
def test_each_half_is_forecast_by_a_fit_on_the_other(name):
    fitted = CrossFitted(make_model(name), SPLIT)
    for period in (1, 4):
        fitted.fit_before(period)
        known = known_before(SPLIT, period)
        half = LANDMARKS.bucket[known] & 1
        index, size = fitted.features.inverse, len(fitted.features)

        def forecast(rows, index=index, size=size):
            trials = np.bincount(index[rows], minlength=size).astype(float)
            hits = np.bincount(index[rows], LANDMARKS.converted[rows], minlength=size)
            model = make_model(name).fit_counts(fitted.features, trials, hits)
            return model.forecast_unique(fitted.features)

        for side, crossed in enumerate(fitted.crossed()):
            expected = log_odds(forecast(known[half != side]))
            np.testing.assert_allclose(crossed, expected, rtol=1e-6, atol=1e-6)
        found = fitted.model.forecast_unique(fitted.features)
        np.testing.assert_allclose(found, forecast(known), rtol=1e-6)


def test_earlier_fits_do_not_matter():
    before = make_model("linear").fit(draw_landmarks(np.random.default_rng(9), 500))
    one, two = (CrossFitted(model, SPLIT) for model in (before, make_model("linear")))
    for fitted in (one, two):
        fitted.fit_before(3)
    np.testing.assert_array_equal(one.model.rates_, two.model.rates_)


def test_a_baseline_is_fitted_on_all_training_data_only():
    fitted = CrossFitted(TouchVolume(), SPLIT)
    fitted.fit_before(2)
    known = known_before(SPLIT, 2)
    assert fitted.model.rate_ == pytest.approx(LANDMARKS.converted[known].mean(), abs=1e-3)
