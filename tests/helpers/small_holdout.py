"""A small random world with a holdout of e-mail, and the steps of a run up to its reading."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.models import models_from_settings
from lydite.pipeline.backtests import build_samples
from lydite.pipeline.marts import attribute_conversions
from lydite.pipeline.whole import prepare
from lydite.settings import parse_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lydite.models import Model
    from lydite.settings import Settings

START = datetime(2026, 3, 1)
CHANNELS = ("tv", "search", "email")
WINDOW = timedelta(days=7)


def small_world(
    users: int = 400, assigned: int = 400, seed: int = 0, effect: float = 0.2
) -> dict[str, pl.DataFrame]:
    """Return touchpoints, conversions and assignments; the control arm gets no e-mail.

    Parameters
    ----------
    users, assigned
        How many users there are, and how many of them are in the experiment.
    seed
        Seeds the draws.
    effect
        The probability of a purchase after an e-mail; after other touches it is 0.1.
    """
    rng = np.random.default_rng(seed)
    touches, orders, arms = [], [], []
    for number in range(users):
        user = f"u{number:04}"
        at = START + timedelta(days=10, minutes=int(number))
        treated = bool(rng.random() < 0.5)
        if number < assigned:
            arms.append((user, "treated" if treated else "control", at))
        times = np.sort(rng.uniform(0, 20, rng.integers(1, 9)))
        for day in times:
            channel = CHANNELS[rng.integers(3)]
            moment = START + timedelta(days=float(day))
            in_window = at <= moment < at + WINDOW
            if channel == "email" and number < assigned and in_window and not treated:
                continue
            touches.append((user, moment, channel))
            if rng.random() < (effect if channel == "email" else 0.1):
                orders.append((user, moment + timedelta(minutes=30), "purchase"))
    end = START + timedelta(days=40)
    touches.append(("end", end, "tv"))
    orders.append(("end", end, "purchase"))
    assignments = pl.DataFrame(arms, ["user_id", "arm", "assigned_at"], orient="row")
    return {
        "touchpoints": pl.DataFrame(touches, ["user_id", "touched_at", "channel"], orient="row"),
        "conversions": pl.DataFrame(orders, ["user_id", "converted_at", "outcome"], orient="row"),
        "experiments": assignments.select(pl.lit("email").alias("experiment"), pl.all()),
    }


def settings_of(
    models: list[str], *, users: int = 400, people: dict[str, object] | None = None, **evaluation
) -> Settings:
    """Return settings with the holdout."""
    plan = {
        "channel": "email", "hypothesis": "E-mail brings purchases.", "outcome": "purchase",
        "window": "7d", "smallest_effect": 0.2, "planned_users": users,
    }  # fmt: skip
    return parse_settings(
        {
            "sources": {"touchpoints": "t.csv", "conversions": "c.csv"},
            "models": models,
            "people": people or {},
            "evaluation": {"lookback": "5d", "after_conversion": "restart", **evaluation},
            "experiments": {"email": plan},
        },
        "test",
    )


@contextmanager
def read_world(
    sources: dict[str, pl.DataFrame], settings: Settings
) -> Iterator[tuple[DuckDBEngine, list[Model]]]:
    """Yield an engine with journeys, credit and the reading of the experiments, and the models."""
    models = models_from_settings(settings)
    with DuckDBEngine(threads=1) as engine:
        prepare(engine, sources, settings)
        build_samples(engine, 1_000_000)
        attribute_conversions(engine, models, None)
        pipeline.read_experiments(engine, settings)
        yield engine, models
