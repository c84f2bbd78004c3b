"""Refits of the additive hazard on resamples equal complete fits."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest

from lydite.models import make_model
from tests.helpers.hazard_journeys import BASELINE, HAZARDS, landmarks_of, simulate


def found(model):
    return np.append(model.baseline_, model.hazards_)


def with_rare_channel(rng, size):
    """Draw journeys in which the last channel is rare and has little effect."""
    journeys = simulate(rng, size, (0.001, (0.02, 0.01, 0.0005), 24.0))
    return [
        replace(
            journey,
            touches=[(h, c if c < 2 or rng.random() < 0.05 else 0) for h, c in journey.touches],
        )
        for journey in journeys
    ]


@pytest.mark.parametrize(
    ("journeys", "channels"),
    [
        (simulate(np.random.default_rng(9), 60, (0.002, (0.03, 0.005), 24.0)), 2),
        (simulate(np.random.default_rng(10), 400, (BASELINE, HAZARDS, 24.0)), 3),
        (with_rare_channel(np.random.default_rng(11), 800), 3),
        (simulate(np.random.default_rng(12), 400, (BASELINE, HAZARDS, 24.0)), 40),  # sparse
    ],
)
def test_refits_equal_complete_fits(journeys, channels):
    landmarks = landmarks_of(journeys, channels)
    model = make_model("additive_hazard").fit(landmarks)
    statistics = model.sufficient_statistics(landmarks, 256)
    weights = np.random.default_rng(13).multinomial(256, np.full(256, 1 / 256), 60).astype(float)
    quick = [(own.chosen_, found(own)) for own in copy.deepcopy(model).refits(statistics, weights)]
    whole = [(own.chosen_, found(own)) for own in
             (copy.deepcopy(model).fit_credit(statistics, row) for row in weights)]  # fmt: skip
    same = np.array([mine == theirs for (mine, _), (theirs, _) in zip(quick, whole, strict=True)])
    assert same.mean() >= 0.95
    mine, theirs = (np.array([theta for _, theta in fits])[same] for fits in (quick, whole))
    edges = np.quantile(theirs, (0.025, 0.975), axis=0)
    width = edges[1] - edges[0]
    assert (width > 0.1 * theirs.mean(axis=0)).sum() >= 2  # there was something to follow
    reached = np.quantile(mine, (0.025, 0.975), axis=0)
    assert (np.abs(reached - edges) / width).max() < 0.01


def test_refits_stay_above_0_for_any_resample():
    some = landmarks_of(simulate(np.random.default_rng(1), 1200, (BASELINE, HAZARDS, 24.0)))
    model = make_model("additive_hazard").fit(some)
    statistics = model.sufficient_statistics(some, 256)
    weights = np.zeros((3, 256))
    weights[1, 0], weights[2] = 256, 1
    fits = [found(own) for own in copy.deepcopy(model).refits(statistics, weights)]
    assert np.isfinite(fits).all()
    assert (np.array(fits) > 0).all()
    np.testing.assert_allclose(fits[2], found(model), rtol=1e-5)
