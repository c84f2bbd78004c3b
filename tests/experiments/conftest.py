"""Declarations and users of small experiments."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from lydite.settings import ExperimentSettings

START = datetime(2026, 3, 1)


def plan_of(**changes) -> ExperimentSettings:
    """Return a holdout of e-mail with two arms."""
    values = {
        "channel": "email",
        "hypothesis": "E-mail brings purchases.",
        "outcome": "purchase",
        "window": "7d",
        "smallest_effect": 0.1,
        "planned_users": 400,
    }
    return ExperimentSettings(**{**values, **changes})


def units_of(arms) -> pl.DataFrame:
    """Return users, one assigned every hour, with the columns of ``experiments.units``."""
    n = len(arms)
    return pl.DataFrame(
        {
            "person": [f"u{i:05}" for i in range(n)],
            "arm": arms,
            "arms": [1] * n,
            "assigned_at": [START + timedelta(hours=i) for i in range(n)],
            "cluster": [f"u{i:05}" for i in range(n)],
            **dict.fromkeys(("touches", "touches_before", "exposed_early", "exposed"), [0] * n),
        },
        schema_overrides={"assigned_at": pl.Datetime("us")},
    )


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
