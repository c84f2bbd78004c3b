"""A simulated holdout of e-mail, as frames."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl

START = datetime(2026, 3, 1)
PLAN = {
    "channel": "email",
    "hypothesis": "E-mail brings purchases.",
    "outcome": "purchase",
    "window": "7d",
    "smallest_effect": 0.2,
    "planned_users": 2_000,
}


def simulate_holdout(users: int = 2_000, rates: tuple[float, float] = (0.1, 0.16), seed: int = 0):
    """Return touchpoints, conversions and assignments of a holdout named ``email``.

    Parameters
    ----------
    users
        Half of them are in the control arm, which gets no e-mail.
    rates
        Share of the control arm and of the treated arm that buys within the window.
    """
    rng = np.random.default_rng(seed)
    treated = rng.permutation(np.arange(users) % 2)
    at = [START + timedelta(minutes=i) for i in range(users)]
    buys = rng.random(users) < np.array(rates)[treated]
    assignments = pl.DataFrame(
        {
            "experiment": "email",
            "user_id": [f"u{i}" for i in range(users)],
            "arm": np.where(treated, "treated", "control"),
            "assigned_at": at,
        }
    )
    touchpoints = pl.DataFrame(
        {
            "user_id": [f"u{i}" for i in range(users) if treated[i]] + ["end"],
            "touched_at": [at[i] + timedelta(hours=1) for i in range(users) if treated[i]]
            + [START + timedelta(days=30)],
            "channel": "email",
        }
    )
    conversions = pl.DataFrame(
        {
            "user_id": [f"u{i}" for i in range(users) if buys[i]] + ["end"],
            "converted_at": [at[i] + timedelta(days=2) for i in range(users) if buys[i]]
            + [START + timedelta(days=30)],
            "outcome": "purchase",
            "value": 20.0,
        }
    )
    return touchpoints, conversions, assignments
