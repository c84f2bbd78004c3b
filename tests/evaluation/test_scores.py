"""Scores as sums: what they say is what scikit-learn says of the forecasts themselves."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from lydite.evaluation.scores import Scores


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


def test_what_cannot_be_told_is_none():
    none = scored((np.zeros(4, int), np.zeros(4, bool), np.full(4, 0.1)))
    assert none.auc is None
    assert none.average_precision is None
    assert none.calibration_slope is None
    alike = scored((np.zeros(4, int), np.array([True, False] * 2), np.full(4, 0.1)))
    assert alike.auc == 0.5
    assert alike.calibration_slope is None
    assert np.isnan(Scores.empty(2).log_loss_bits)
    assert np.isnan(Scores.empty(2).brier_score)


def test_forecasts_at_the_ends_have_a_place():
    scores = scored((np.zeros(2, int), np.array([True, False]), np.array([1 - 1e-6, 1e-6])))
    assert scores.auc == 1
    assert scores.average_precision == 1
