"""Baselines do not depend on channels."""

from __future__ import annotations

import numpy as np
import pytest

from lydite.models import BaseRate, PathChannels, Paths, TouchVolume
from tests.helpers.random_landmarks import draw_landmarks


@pytest.mark.parametrize("kind", [BaseRate, TouchVolume])
def test_a_baseline_has_one_feature_row_and_forecasts_one_rate(kind):
    landmarks = draw_landmarks(np.random.default_rng(0), 1000)
    model = kind().fit(landmarks)
    k, n = landmarks.converted.sum(), len(landmarks)
    np.testing.assert_allclose(model.forecast(landmarks), (k + 0.5) / (n + 1))
    assert len(model.encode(landmarks)) == 1
    assert model.is_baseline
    paths = Paths(("a", "b", "c"), np.zeros(2, int), np.ones(2), np.ones(2),
                  PathChannels(np.array([0, 0, 1]), np.array([0, 2, 1]), np.ones(3)))  # fmt: skip
    shares = model.shares(model.encode_paths(paths)).toarray()
    np.testing.assert_allclose(shares, [[0.5, 0, 0.5], [0, 1, 0]])


def test_names_and_claims_differ():
    assert BaseRate.name == "base_rate"
    assert TouchVolume.name == "touch_volume"
    assert BaseRate.claim != TouchVolume.claim
    assert BaseRate().fingerprint != TouchVolume().fingerprint
