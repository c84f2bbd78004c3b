"""Marts of experiments that were made by hand or at random."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from lydite.experiments.agreement import VERDICT_COLUMNS
from lydite.experiments.calibrated_credit import BASELINE, CALIBRATED
from lydite.experiments.credit import AGREEMENT_COLUMNS
from lydite.experiments.readout import COLUMNS
from tests.helpers.made_comparisons import CONTENDERS
from tests.helpers.made_decisions import compare_with_decisions

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from lydite.decisions.log import Decision
    from lydite.results import Comparison

READ_ON = date(2026, 3, 9)
READOUT = {
    "experiment": "brand_holdout", "unit": "user", "varies": "channel",
    "channel": "branded_search", "outcome": "purchase", "metric": "rate", "is_primary": True,
    "arm": "treated", "control": "control", "may_read": "fixed",
    "readable_on": datetime(2026, 3, 9), "verdict": "too_small",
}  # fmt: skip
AGREEMENT = {
    "experiment": "brand_holdout", "outcome": "purchase", "channel": "branded_search",
    "model": "last_touch", "users": 20_000, "measured": 20.4, "measured_variance": 37.0**2,
    "credited": 182.2, "margin": 0.25, "status": "overstates", "users_needed": 165_808,
    "read_on": READ_ON,
}  # fmt: skip
VERDICT = {
    "outcome": "purchase", "model": "last_touch", "verdict": "contradicted",
    "experiment": "brand_holdout", "read_on": READ_ON, "experiments": 1, "p_value": 0.0001,
}  # fmt: skip
CALIBRATED_ROW = {
    "channel": "branded_search", "credited": 583.0, "incrementality": 0.11,
    "conversions": 61.2, "conversions_low": -116.4, "conversions_high": 240.3,
    "share_from_experiments": 0.62, "experiments": 1,
}  # fmt: skip


def compare_with_experiments(
    *,
    rivals: tuple[Any, ...] = CONTENDERS,
    log: Sequence[Decision] = (),
    readout: Sequence[dict[str, Any]] = (READOUT,),
    agreement: Sequence[dict[str, Any]] = (AGREEMENT,),
    verdicts: Sequence[dict[str, Any]] = (VERDICT,),
    calibrated: Sequence[dict[str, Any]] = (CALIBRATED_ROW,),
    checks: Sequence[dict[str, Any]] = (),
    **more: pl.DataFrame,
) -> Comparison:
    """Return a comparison for purchases with the marts of the experiments.

    By default, a holdout of branded search contradicts last touch, which is in use.
    """
    made = compare_with_decisions(rivals, *log)
    of_model = {"outcome": pl.String, "model": pl.String, **CALIBRATED}
    rows = [{"outcome": "purchase", "model": "last_touch", **row} for row in calibrated]
    check = {"experiment": pl.String, "check_name": pl.String, "status": pl.String}
    marts = {
        "experiments": pl.DataFrame(readout, schema=COLUMNS),
        "experiment_agreement": pl.DataFrame(agreement, schema=AGREEMENT_COLUMNS),
        "experiment_verdicts": pl.DataFrame(verdicts, schema=VERDICT_COLUMNS),
        "experiment_checks": pl.DataFrame(checks, schema=check),
        "calibrated_credit": pl.DataFrame(rows, schema=of_model),
    }
    return replace(made, marts=made.marts | marts | more)


def random_tables(rng: np.random.Generator, models: Sequence[str]) -> dict[str, Any]:
    """Return random rows of agreement, verdicts and calibrated credit, without regard to sense.

    Parameters
    ----------
    rng
        Draws them.
    models
        Models to compare with one to three experiments.
    """
    channels = ("branded_search", "retargeting", "email")[: rng.integers(1, 4)]
    statuses = ("agrees", "overstates", "understates", "uninformative")
    agreement = [
        AGREEMENT
        | {
            "experiment": f"{channel}_holdout", "channel": channel, "model": model,
            "measured": float(rng.normal(20, 60)),
            "measured_variance": float(rng.lognormal(6, 2)),
            "credited": float(rng.lognormal(3, 2)),
            "status": str(rng.choice(statuses)),
            "users_needed": int(rng.lognormal(11, 2)) if rng.random() < 0.9 else None,
        }
        for channel in channels
        for model in models
    ]  # fmt: skip
    verdicts = []
    for model in models:
        verdict = str(rng.choice(["contradicted", "agrees", "uninformative"]))
        named = f"{rng.choice(channels)}_holdout" if verdict == "contradicted" else None
        verdicts.append(VERDICT | {"model": model, "verdict": verdict, "experiment": named})
    calibrated = [
        CALIBRATED_ROW
        | {
            "channel": channel, "credited": float(rng.lognormal(5, 1)), "conversions": middle,
            "conversions_low": middle - width, "conversions_high": middle + width,
            "share_from_experiments": float(rng.random()),
        }
        for channel in channels
        for middle, width in [(float(rng.normal(50, 80)), float(rng.lognormal(3, 2)))]
    ]  # fmt: skip
    baseline = dict.fromkeys(CALIBRATED_ROW) | {"channel": BASELINE, "conversions": 900.0}
    return {
        "agreement": agreement, "verdicts": verdicts, "calibrated": [*calibrated, baseline],
    }  # fmt: skip
