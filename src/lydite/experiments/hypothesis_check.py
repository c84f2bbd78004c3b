"""Compares what models expect of a channel with what holdouts measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from lydite.experiments.agreement import MARGIN, adjust, conclude
from lydite.experiments.expectations import Units, expect
from lydite.experiments.jackknife import Estimates, estimate
from lydite.experiments.window_paths import load_window_paths
from lydite.journeys import direct_channels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lydite.engine import Engine
    from lydite.experiments.expectations import Expectation
    from lydite.experiments.holdouts import Holdout
    from lydite.experiments.training import Training
    from lydite.models import Landmarks, Model

#: The table with a row per holdout that is over and model.
CHECKED = "experiments.hypotheses"
CHECKED_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "experiment": pl.String, "outcome": pl.String, "channel": pl.String, "model": pl.String,
    "users": pl.Int64, "treated": pl.Int64, "measured": pl.Float64,
    "measured_variance": pl.Float64, "expected": pl.Float64, "expected_variance": pl.Float64,
    "covariance": pl.Float64, "z": pl.Float64, "p_value": pl.Float64, "margin": pl.Float64,
    "status": pl.String, "users_needed": pl.Int64, "fitted_on": pl.String, "read_on": pl.Date,
    "registered_at": pl.Datetime("us"), "registered": pl.Float64,
    "registered_variance": pl.Float64, "log_score": pl.Float64,
}  # fmt: skip


class Expected(NamedTuple):
    """What one model expects in one holdout, next to what was measured.

    Attributes
    ----------
    holdout : Holdout
    model
        Name of the model.
    fitted_on
        What it was fitted on.
    estimates : Estimates
        What was measured and what the model expects.
    """

    holdout: Holdout
    model: str
    fitted_on: str
    estimates: Estimates

    @property
    def treated(self) -> int:
        """The number of treated users."""
        return int(self.holdout.is_treated.sum())


def expect_in_holdouts(
    engine: Engine,
    holdouts: Sequence[Holdout],
    training: Training,
    models: Sequence[Model],
    sample: Landmarks,
) -> list[Expected]:
    """Return what every model expects in holdouts on one outcome with the same training data.

    Parameters
    ----------
    engine
        Holds the journeys and the tables of the experiments.
    holdouts
        The holdouts.
    training
        What models are fitted on.
    models
        The models.
    sample
        The mature landmarks of the outcome.
    """
    direct = np.array([name in direct_channels(engine) for name in sample.channels], dtype=bool)
    units = [
        Units(
            holdout.bucket,
            holdout.is_treated,
            load_window_paths(
                engine,
                holdout.name,
                holdout.plan.outcome,
                holdout.persons.to_list(),
                sample,
                models,
                direct,
            ),
        )
        for holdout in holdouts
    ]
    return [
        Expected(holdout, model.name, training.fitted_on, _estimate(holdout, expectation))
        for model in models
        for holdout, expectation in zip(
            holdouts, expect(model, sample, training, units), strict=True
        )
    ]


def _estimate(holdout: Holdout, expectation: Expectation) -> Estimates:
    """Estimate both increments, after what was known before the assignment is accounted for."""
    arm = holdout.is_treated.astype(np.int64)
    values = np.column_stack(
        [
            adjust(of_user, holdout.observed.covariates, arm)
            for of_user in (holdout.observed.conversions, expectation.by_user)
        ]
    )
    return estimate(values, holdout.is_treated, holdout.bucket, expectation.shift)


def check_row(expected: Expected, rivals: int) -> dict[str, Any]:
    """Return the row of a model in a holdout that is over.

    Parameters
    ----------
    expected
        What was measured and what the model expects.
    rivals
        How many models are compared with the holdout.
    """
    holdout, covariance = expected.holdout, expected.estimates.covariance
    measured, increment = (float(value) for value in expected.estimates.values)
    found = conclude(
        measured,
        increment,
        covariance,
        len(holdout.persons),
        alpha=holdout.plan.alpha,
        rivals=rivals,
    )
    return {
        **holdout.keys,
        "model": expected.model,
        "treated": expected.treated,
        "measured": measured,
        "measured_variance": float(covariance[0, 0]),
        "expected": increment,
        "expected_variance": float(covariance[1, 1]),
        "covariance": float(covariance[0, 1]),
        "z": None if found.z is None else -found.z,  # expected less measured
        "p_value": found.p_value,
        "margin": MARGIN,
        "status": found.status,
        "users_needed": found.users_needed,
        "fitted_on": expected.fitted_on,
    }
