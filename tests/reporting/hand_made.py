"""Comparisons made by hand, so that every verdict can be shown without a trial."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from lydite.comparison import Comparison
from lydite.models.registry import DEFAULT_MODELS

CHANNELS = (
    "paid_search", "branded_search", "social", "display", "email", "affiliate", "video",
    "direct", "retargeting", "podcast",
)  # fmt: skip

_MODEL = {
    "outcome": pl.String, "segment": pl.String, "model": pl.String, "claim": pl.String,
    "rank": pl.Int64, "log_loss_bits": pl.Float64, "explained": pl.Float64,
    "explained_low": pl.Float64, "explained_high": pl.Float64, "share_of_ceiling": pl.Float64,
    "auc": pl.Float64, "average_precision": pl.Float64, "brier": pl.Float64,
    "calibration_slope": pl.Float64, "verdict": pl.String, "refuted_by": pl.String,
    "refuted_in": pl.Date, "same_forecast_as": pl.String, "landmarks": pl.Int64,
    "conversions": pl.Int64, "periods": pl.Int64, "warning": pl.String,
}  # fmt: skip
_CREDIT = {
    "outcome": pl.String, "model": pl.String, "channel": pl.String, "conversions": pl.Float64,
    "conversions_low": pl.Float64, "conversions_high": pl.Float64, "value": pl.Float64,
    "value_low": pl.Float64, "value_high": pl.Float64, "share": pl.Float64,
    "share_low": pl.Float64, "share_high": pl.Float64, "cost": pl.Float64, "cpa": pl.Float64,
    "cpa_low": pl.Float64, "cpa_high": pl.Float64, "roas": pl.Float64, "roas_low": pl.Float64,
    "roas_high": pl.Float64,
}  # fmt: skip
_EVIDENCE = {
    "outcome": pl.String, "segment": pl.String, "model": pl.String, "period_start": pl.Date,
    "landmarks": pl.Int64, "conversions": pl.Int64, "log_loss_bits": pl.Float64,
    "explained": pl.Float64, "explained_low": pl.Float64, "explained_high": pl.Float64,
}  # fmt: skip
_DAILY = {
    "date": pl.Date, "outcome": pl.String, "model": pl.String, "channel": pl.String,
    "campaign": pl.String, "conversions": pl.Float64, "value": pl.Float64,
}  # fmt: skip
_QUALITY = {"table_name": pl.String, "reason": pl.String, "rows": pl.Int64}

#: model, verdict, explained, refuted by, same forecast as
BEST = (
    ("linear", "best", 0.034, None, ""),
    ("time_decay", "too_early", 0.029, None, ""),
    ("markov_2", "refuted", 0.021, "linear", ""),
    ("last_touch", "refuted", 0.012, "linear", "markov_1"),
    ("markov_1", "refuted", 0.012, "linear", "last_touch"),
    ("position_based", "refuted", 0.011, "time_decay", ""),
    ("last_non_direct", "refuted", 0.009, "linear", ""),
    ("first_touch", "no_better_than_volume", 0.001, None, ""),
)
CONTENDERS = (
    ("linear", "contender", 0.034, None, ""),
    ("last_touch", "contender", 0.030, None, "markov_1"),
    ("markov_1", "contender", 0.030, None, "last_touch"),
    ("first_touch", "refuted", 0.001, "linear", ""),
)
TOO_EARLY = (
    ("linear", "too_early", 0.01, None, ""),
    ("first_touch", "too_early", -0.002, None, ""),
)
NO_BETTER = (
    ("linear", "no_better_than_volume", 0.001, None, ""),
    ("first_touch", "no_better_than_volume", -0.002, None, ""),
)
ALL_REFUTED = (
    ("linear", "refuted", 0.01, "first_touch", ""),
    ("first_touch", "refuted", 0.01, "linear", ""),
)
_LONGEST_FIRST = sorted(DEFAULT_MODELS, key=len, reverse=True)
MANY = (
    *(
        (model, "contender", 0.034 - place / 500, None, "")
        for place, model in enumerate(_LONGEST_FIRST[:6])
    ),
    *(
        (model, "refuted", 0.01 - place / 500, "position_based_fitted", "")
        for place, model in enumerate(_LONGEST_FIRST[6:])
    ),
    ("hopeless", "refuted", -0.9, "position_based_fitted", ""),
)
EVERY_KIND = {
    "best": BEST,
    "contenders": CONTENDERS,
    "too_early": TOO_EARLY,
    "no_better": NO_BETTER,
    "all_refuted": ALL_REFUTED,
}


def make_comparison(
    *outcomes: tuple[str, tuple[Any, ...]],
    note: str = "",
    channels: tuple[str, ...] = CHANNELS,
    quarantined: dict[str, dict[str, int]] | None = None,
) -> Comparison:
    """Return a comparison with these outcomes, each with its rivals as in `EVERY_KIND`."""
    outcomes = outcomes or (("purchase", BEST),)
    records, models, credit, evidence = [], [], [], []
    for outcome, rivals in outcomes:
        records.append(_record(outcome, note))
        models += _models(outcome, rivals)
        credit += _credit(outcome, rivals, channels)
        evidence += _evidence(outcome, rivals)
    days = [
        {**row, "date": date(2025, 1, 6) + timedelta(days=i), "campaign": None}
        for i, row in enumerate(credit)
    ]
    quality = [("touchpoints", "accepted", 120_345), ("touchpoints", "duplicate", 12)]
    marts = {
        "model_comparison": pl.DataFrame(models, schema=_MODEL),
        "channel_credit": pl.DataFrame(credit, schema=_CREDIT),
        "evidence": pl.DataFrame(evidence, schema=_EVIDENCE),
        "credit_daily": pl.DataFrame(days, schema=_DAILY),
        "data_quality": pl.DataFrame(quality, schema=_QUALITY, orient="row"),
    }
    return Comparison(marts, records, quarantined or {})


def make_path_comparison(rivals: tuple[Any, ...] = BEST) -> Comparison:
    """Return a comparison on a path table: no clock, no cost, no value, no evidence."""
    full = make_comparison(("conversion", rivals))
    record = {
        **full.outcomes[0], "lookback": None, "as_of": None, "periods": 5, "attributed": 2_311,
        "unattributed": 0,
    }  # fmt: skip
    credit, models = full.marts["channel_credit"], full.marts["model_comparison"]
    kept = ("conversions", "share")
    unknown = [name for name in credit.columns[3:] if name.split("_")[0] not in kept]
    marts = {
        "model_comparison": models.with_columns(
            pl.lit(None, dtype=pl.Date).alias("refuted_in"), pl.lit(5).alias("periods")
        ),
        "channel_credit": credit.filter(pl.col("channel") != "(unattributed)").with_columns(
            pl.lit(None, dtype=pl.Float64).alias(name) for name in unknown
        ),
        "evidence": full.marts["evidence"].clear(),
    }
    left_out = {"time_decay": "it needs to know when touches happened"}
    return Comparison(marts, [record], {}, left_out)


def make_empty(outcome: str = "purchase") -> Comparison:
    """Return a comparison whose frames hold no row."""
    full = make_comparison((outcome, BEST))
    return Comparison(
        {name: frame.clear() for name, frame in full.marts.items()}, full.outcomes, {}
    )


def _record(outcome: str, note: str) -> dict[str, Any]:
    return {
        "outcome": outcome, "lookback": "30d", "landmarks": 48_210, "conversions": 2_311,
        "attributed": 2_100, "unattributed": 211, "periods": 0 if note else 16,
        "as_of": datetime(2025, 7, 6, 23, 9, tzinfo=UTC), "sampled_landmarks": 48_210, "note": note,
    }  # fmt: skip


def _models(outcome: str, rivals: tuple[Any, ...]) -> list[dict[str, Any]]:
    common = {
        "outcome": outcome, "segment": "all", "average_precision": 0.1, "brier": 0.04,
        "calibration_slope": 1.0, "landmarks": 30_000, "conversions": 1_200, "periods": 16,
        "warning": "", "refuted_in": None,
    }  # fmt: skip
    rows = [
        common
        | {
            "model": model, "claim": f"what {model} says", "rank": rank,
            "log_loss_bits": 0.21 * (1 - explained), "explained": explained,
            "explained_low": explained - 0.008, "explained_high": explained + 0.008,
            "share_of_ceiling": explained / 0.045, "auc": 0.6 + explained, "verdict": verdict,
            "refuted_by": by, "refuted_in": by and date(2025, 5, 5), "same_forecast_as": same,
        }
        for rank, (model, verdict, explained, by, same) in enumerate(rivals, 1)
    ]  # fmt: skip
    references = [("base_rate", -0.06), ("touch_volume", 0.0), ("ceiling", 0.045)]
    rows += [
        common
        | {
            "model": model, "claim": f"what {model} says", "rank": None,
            "log_loss_bits": 0.21 * (1 - explained), "explained": explained,
            "explained_low": None, "explained_high": None, "share_of_ceiling": None,
            "auc": 0.6, "verdict": None, "refuted_by": None, "same_forecast_as": "",
        }
        for model, explained in references
    ]  # fmt: skip
    return rows


def _credit(
    outcome: str, rivals: tuple[Any, ...], channels: tuple[str, ...]
) -> list[dict[str, Any]]:
    rows = []
    for shift, (model, *_) in enumerate(rivals):
        weights = [1 + (3 * place + 2 * shift) % 7 for place in range(len(channels))]
        for channel, weight in zip(channels, weights, strict=True):
            share = weight / sum(weights)
            conversions, cost = 2_100 * share, 900.0 if channel != "direct" else None
            rows.append(
                {
                    "outcome": outcome, "model": model, "channel": channel,
                    "conversions": conversions, "value": 60 * conversions, "share": share,
                    "cost": cost, "cpa": cost and cost / conversions,
                    "roas": cost and 60 * conversions / cost,
                    **_bounds(conversions, share, cost),
                }
            )  # fmt: skip
        rows.append(
            {
                "outcome": outcome, "model": model, "channel": "(unattributed)",
                "conversions": 211.0, "value": 12_660.0, "share": None, "cost": None,
                "cpa": None, "roas": None, **_bounds(211.0, None, None),
            }
        )  # fmt: skip
    return rows


def _bounds(conversions: float, share: float | None, cost: float | None) -> dict[str, Any]:
    low, high = 0.9 * conversions, 1.1 * conversions
    return {
        "conversions_low": low, "conversions_high": high,
        "value_low": 60 * low, "value_high": 60 * high,
        "share_low": share and 0.9 * share, "share_high": share and 1.1 * share,
        "cpa_low": cost and cost / high, "cpa_high": cost and cost / low,
        "roas_low": cost and 60 * low / cost, "roas_high": cost and 60 * high / cost,
    }  # fmt: skip


def _evidence(outcome: str, rivals: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [
        {
            "outcome": outcome, "segment": "all", "model": model,
            "period_start": date(2025, 3, 3) + timedelta(weeks=week), "landmarks": 2_000,
            "conversions": 80, "log_loss_bits": 0.2, "explained": explained + 0.02 / (week + 2),
            "explained_low": explained - 0.15 / (week + 1),
            "explained_high": explained + 0.15 / (week + 1),
        }
        for model, _, explained, *_ in rivals
        for week in range(16)
    ]  # fmt: skip
