"""What models expect against what holdouts measured, where the model is true and where not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats

from lydite.experiments.agreement import MARGIN
from lydite.experiments.counterfactual import WindowLandmarks
from lydite.experiments.expectations import Units, expect
from lydite.experiments.hypothesis_check import Expected, check_row
from lydite.experiments.jackknife import estimate
from lydite.experiments.training import Training
from lydite.experiments.window_paths import WindowPaths
from lydite.models import make_models
from lydite.paths.landmarks import N_BUCKETS
from tests.experiments.conftest import plan_of
from tests.helpers.random_landmarks import draw_landmarks

if TYPE_CHECKING:
    from lydite.settings import ExperimentSettings

RATES = np.array([0.02, 0.05, 0.1, 0.2])
HELD_OUT = 3


@dataclass(frozen=True)
class Made:
    """What `check_row` reads of a holdout."""

    persons: range
    is_treated: np.ndarray
    plan: ExperimentSettings

    @property
    def keys(self):
        return {"experiment": "email", "users": len(self.persons)}


def simulate(rng, *, share=1.0, users=4_000):
    """Return a row of last touch in a holdout of the last channel, whose users have one touch each.

    Last touch is true, if the channel causes all conversions after it and not a `share` of them.
    """
    sample = draw_landmarks(rng, n=6_000, longest=1, rates=RATES)
    treated = rng.random(users) < 0.5
    touched = draw_landmarks(rng, n=users, longest=1, rates=RATES)
    channel = touched.paths.history[touched.path, 0]
    removed = (channel == HELD_OUT) & treated
    kept = ~((channel == HELD_OUT) & ~treated)
    anyway = rng.random(users) < RATES[HELD_OUT] * (1 - share)
    conversions = np.where(kept, touched.converted, anyway).astype(float)
    rows = np.flatnonzero(removed)
    landmarks = WindowLandmarks(
        rows, np.ones(len(rows), dtype=bool), touched.converted[rows], np.ones(len(rows))
    )
    bucket = rng.integers(0, N_BUCKETS, users)
    paths = WindowPaths(landmarks, touched.take(rows), touched.take(rows[:0]))
    training = Training("other users", np.ones(len(sample), dtype=bool))
    [model] = make_models(["last_touch"])
    [found] = expect(model, sample, training, [Units(bucket, treated, paths)])
    values = np.column_stack([conversions, found.by_user])
    estimates = estimate(values, treated, bucket, found.shift)
    made = Made(range(users), treated, plan_of())
    return check_row(Expected(made, "last_touch", "other users", estimates), 1)


def test_z_of_a_true_model_is_standard_normal(rng):
    z = np.array([simulate(rng)["z"] for _ in range(150)])
    assert stats.kstest(z, "norm").pvalue > 0.01
    assert (np.abs(z) > 1.96).mean() < 0.1


def test_a_model_that_expects_what_comes_anyway_overstates(rng):
    row = simulate(rng, share=0.1, users=20_000)
    assert row["status"] == "overstates"
    assert row["z"] > 3
    assert row["expected"] > 2 * row["measured"]


def test_a_small_experiment_says_how_many_users_it_would_have_taken(rng):
    row = simulate(rng, users=400)
    assert row["status"] == "uninformative"
    assert row["users_needed"] > 400
    assert row["margin"] == MARGIN


def test_a_large_experiment_agrees_with_a_true_model(rng):
    row = simulate(rng, users=60_000)
    assert row["status"] == "agrees"
    assert row["expected"] == pytest.approx(row["measured"], rel=MARGIN)
