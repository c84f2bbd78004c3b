"""Further tables of a comparison made by hand: paths, segments, bins, runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from lydite.results import Comparison

PATHS = pl.DataFrame(
    {
        "outcome": "purchase", "rank": range(1, 31), "path": ["paid_ads > mail"] * 30,
        "journeys": range(60, 30, -1), "conversions": 3, "conversion_rate": 0.05,
    }
)  # fmt: skip
LENGTHS = pl.DataFrame(
    {"outcome": "purchase", "path_length": [0, 1, 2, 7, 40], "conversions": [10, 30, 20, 39, 1]}
)
LAGS = pl.DataFrame(
    {
        "outcome": "purchase", "days": [0, 1, 5, 29],
        "conversions": [20, 30, 40, 10], "conversions_since_last": [90, 10, 0, 0],
    }
)  # fmt: skip
ROLES = pl.DataFrame(
    {
        "outcome": "purchase", "channel": ["mail", "paid_ads", "tv"], "on_path": [50, 80, 5],
        "first": [20, 60, 5], "last": [40, 50, 0], "assisted": [10, 30, 5], "alone": [5, 20, 0],
    }
)  # fmt: skip
RUN_ID = "0b7d9b52-5a0c-4f1e-9d43-6f2f5f0a7c11"
RUNS = pl.DataFrame(
    {"run_id": [RUN_ID], "finished_at": [datetime(2026, 3, 1, 6)], "lydite_version": ["1.0"]}
)


def segment_credit(
    comparison: Comparison, names: tuple[str, ...] = ("region = east", "region = west")
) -> pl.DataFrame:
    """Return credit by segment: that of all users, and the channels reversed in later segments."""
    credit = comparison.marts["channel_credit"].filter(pl.col("channel") != "(unattributed)")
    rows = credit.select("outcome", "model", "channel", "conversions", "share")
    reverse = rows.with_columns(pl.col("conversions", "share").reverse().over("model"))
    return pl.concat(
        (reverse if place else rows).with_columns(pl.lit(name).alias("segment"))
        for place, name in enumerate(names)
    )


def calibration(comparison: Comparison) -> pl.DataFrame:
    """Return ten bins for each model and two segments."""
    models = comparison.marts["model_comparison"].filter(pl.col("verdict").is_not_null())
    rows = [
        {
            "outcome": outcome, "segment": segment, "model": model, "bin": number,
            "landmarks": 500, "conversions": number, "forecast": number / 500,
            "observed": (number + 1) / 500,
        }
        for outcome, model in models.select("outcome", "model").unique().sort("model").rows()
        for segment in ("all", "region = east")
        for number in range(1, 11)
    ]  # fmt: skip
    return pl.DataFrame(rows)


def lookbacks(comparison: Comparison) -> dict[str, pl.DataFrame]:
    """Return the models and the credit with two lookbacks, of which the first is the main one."""
    models = comparison.marts["model_comparison"].filter(
        (pl.col("segment") == "all") & pl.col("verdict").is_not_null()
    )
    sizes = {"conversions": 2_311, "attributed": 2_100}
    shared = ("outcome", "model", "rank", "verdict", "explained", "explained_low", "explained_high")
    credit = comparison.marts["channel_credit"].select(
        "outcome", "model", "channel", "conversions", "value", "share"
    )

    def each(rows: pl.DataFrame) -> pl.DataFrame:
        return pl.concat(
            rows.with_columns(
                pl.lit(name).alias("lookback"), pl.lit(name == "30d").alias("is_main")
            )
            for name in ("30d", "7d")
        )

    sized = models.select(*shared, *(pl.lit(number).alias(name) for name, number in sizes.items()))
    return {"lookback_comparison": each(sized), "lookback_credit": each(credit)}


def with_all_marts(comparison: Comparison) -> Comparison:
    """Return a comparison with every table that the report reads."""
    more = {
        "paths": PATHS, "path_lengths": LENGTHS, "time_lags": LAGS, "channel_roles": ROLES,
        "runs": RUNS, "segment_credit": segment_credit(comparison),
        "calibration": calibration(comparison), **lookbacks(comparison),
    }  # fmt: skip
    return replace(comparison, marts={**comparison.marts, **more})
