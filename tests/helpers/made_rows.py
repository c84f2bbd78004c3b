"""The rows of the tables of a comparison that is made by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any

import polars as pl

from lydite.evaluation.error_budget import primary_among
from lydite.settings import EvaluationSettings

#: Weeks of evidence; in the first `EARLY_WEEKS` it is too early to say anything.
WEEKS, EARLY_WEEKS = 16, 2

MODEL = {
    "outcome": pl.String, "segment": pl.String, "model": pl.String, "claim": pl.String,
    "rank": pl.Int64, "log_loss_bits": pl.Float64, "explained": pl.Float64,
    "explained_low": pl.Float64, "explained_high": pl.Float64, "share_of_ceiling": pl.Float64,
    "auc": pl.Float64, "average_precision": pl.Float64, "brier": pl.Float64,
    "calibration_slope": pl.Float64, "primary": pl.Boolean, "verdict": pl.String,
    "stands": pl.Boolean, "refuted_by": pl.String,
    "refuted_in": pl.Date, "moved_in": pl.Date, "same_forecast_as": pl.String,
    "restated_explained": pl.Float64, "restated_verdict": pl.String, "landmarks": pl.Int64,
    "conversions": pl.Int64, "periods": pl.Int64, "warning": pl.String,
}  # fmt: skip
CREDIT = {
    "outcome": pl.String, "model": pl.String, "credit": pl.String, "channel": pl.String,
    "is_champion": pl.Boolean, "conversions": pl.Float64, "conversions_low": pl.Float64,
    "conversions_high": pl.Float64,
    "standing_low": pl.Float64, "standing_high": pl.Float64, "value": pl.Float64,
    "value_low": pl.Float64, "value_high": pl.Float64, "share": pl.Float64,
    "share_low": pl.Float64, "share_high": pl.Float64, "cost": pl.Float64, "cpa": pl.Float64,
    "cpa_low": pl.Float64, "cpa_high": pl.Float64, "roas": pl.Float64, "roas_low": pl.Float64,
    "roas_high": pl.Float64,
}  # fmt: skip
EVIDENCE = {
    "outcome": pl.String, "segment": pl.String, "model": pl.String, "period_start": pl.Date,
    "landmarks": pl.Int64, "conversions": pl.Int64, "log_loss_bits": pl.Float64,
    "explained": pl.Float64, "explained_low": pl.Float64, "explained_high": pl.Float64,
    "verdict": pl.String, "restated_conversions": pl.Int64, "restated_log_loss_bits": pl.Float64,
}  # fmt: skip
PAIRS = {
    "outcome": pl.String, "segment": pl.String, "ahead": pl.String, "behind": pl.String,
    "lead": pl.Float64, "lead_low": pl.Float64, "lead_high": pl.Float64,
    "counted_from": pl.Date, "separated": pl.Boolean, "since": pl.Date,
    "more_landmarks": pl.Int64, "more_users": pl.Int64,
    "more_periods": pl.Int64, "projection": pl.String,
}  # fmt: skip
WARNINGS = {
    "outcome": pl.String, "segment": pl.String, "model": pl.String, "kind": pl.String,
    "text": pl.String,
}  # fmt: skip
DAILY = {
    "date": pl.Date, "outcome": pl.String, "model": pl.String, "channel": pl.String,
    "campaign": pl.String, "conversions": pl.Float64, "value": pl.Float64,
}  # fmt: skip
QUALITY = {"table_name": pl.String, "reason": pl.String, "rows": pl.Int64}


def record_of(outcome: str, note: str) -> dict[str, Any]:
    return {
        "outcome": outcome, "lookback": "30d", "landmarks": 48_210, "conversions": 2_311,
        "attributed": 2_100, "unattributed": 211, "periods": 0 if note else 16,
        "as_of": datetime(2025, 7, 6, 23, 9, tzinfo=UTC), "sampled_landmarks": 48_210, "note": note,
        "first_forecast": None, "cost_share": 1.0,
    }  # fmt: skip


def model_rows(
    outcome: str, segment: str, rivals: tuple[Any, ...], changed: dict[str, tuple[str, int]]
) -> list[dict[str, Any]]:
    common = {
        "outcome": outcome, "segment": segment, "average_precision": 0.1, "brier": 0.04,
        "calibration_slope": 1.0, "landmarks": 30_000 if segment == "all" else 5_000 + len(segment),
        "conversions": 1_200 if segment == "all" else 200 + len(segment), "periods": 16,
        "warning": "", "refuted_in": None, "moved_in": None, "restated_explained": None,
        "restated_verdict": None,
    }  # fmt: skip
    primary = primary_among(EvaluationSettings().primary, [rival[0] for rival in rivals])
    rows = [
        common
        | {
            "model": model, "claim": f"what {model} says", "rank": rank,
            "log_loss_bits": 0.21 * (1 - explained), "explained": explained,
            "explained_low": explained - 0.008, "explained_high": explained + 0.008,
            "share_of_ceiling": explained / 0.045, "auc": 0.6 + explained, "verdict": verdict,
            "primary": model in primary, "stands": verdict != "refuted",
            "refuted_by": by, "refuted_in": by and date(2025, 5, 5), "same_forecast_as": same,
            "moved_in": week_of(changed[model][1]) if model in changed else None,
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
            "auc": 0.6, "primary": None, "verdict": None, "stands": None, "refuted_by": None,
            "same_forecast_as": "",
        }
        for model, explained in references
    ]  # fmt: skip
    return rows


def pair_rows(
    outcome: str,
    segment: str,
    rivals: tuple[Any, ...],
    projections: dict[tuple[str, str], tuple[int, int] | None],
) -> list[dict[str, Any]]:
    """Return every pair of different forecasts; a pair is separated if one model is refuted."""
    kept: list[Any] = []
    for rival in rivals:
        if not any(rival[0] in other[4] for other in kept):
            kept.append(rival)
    null = ("touch_volume", "", 0.0, None, "")
    rows = []
    for place, (one, other) in enumerate([*combinations(kept, 2), *((r, null) for r in kept)], 1):
        lead = one[2] - other[2]
        separated = "refuted" in {one[1], other[1]} or (
            other is null and one[1] in {"best", "contender"}
        )
        weeks, users = projections.get((one[0], other[0]), (100 * place, 28_488 * place)) or (0, 0)
        open_row = {
            "more_landmarks": 1_500 * weeks, "more_users": users, "more_periods": weeks,
            "projection": f"{weeks} more weeks",
        } if weeks else {"projection": "not at any realistic size"}  # fmt: skip
        rows.append(
            {
                "outcome": outcome, "segment": segment, "ahead": one[0], "behind": other[0],
                "lead": lead, "lead_low": lead - 0.006, "lead_high": lead + 0.006,
                "counted_from": date(2025, 1, 6), "separated": separated,
                "since": date(2025, 5, 5) if separated else None,
                **({} if separated else open_row),
            }
        )  # fmt: skip
    return rows


def credit_rows(
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
                    "is_champion": model == "last_touch",
                    "conversions": conversions, "value": 60 * conversions, "share": share,
                    "cost": cost, "cpa": cost and cost / conversions,
                    "roas": cost and 60 * conversions / cost,
                    **_bounds(conversions, share, cost),
                }
            )  # fmt: skip
        rows.append(
            {
                "outcome": outcome, "model": model, "channel": "(unattributed)",
                "is_champion": model == "last_touch",
                "conversions": 211.0, "value": 12_660.0, "share": None, "cost": None,
                "cpa": None, "roas": None, **_bounds(211.0, None, None),
            }
        )  # fmt: skip
    return rows


def _bounds(conversions: float, share: float | None, cost: float | None) -> dict[str, Any]:
    low, high = 0.9 * conversions, 1.1 * conversions
    return {
        "conversions_low": low, "conversions_high": high,
        "credit": "rule", "standing_low": 0.8 * conversions, "standing_high": 1.2 * conversions,
        "value_low": 60 * low, "value_high": 60 * high,
        "share_low": share and 0.9 * share, "share_high": share and 1.1 * share,
        "cpa_low": cost and cost / high, "cpa_high": cost and cost / low,
        "roas_low": cost and 60 * low / cost, "roas_high": cost and 60 * high / cost,
    }  # fmt: skip


def evidence_rows(
    outcome: str,
    segment: str,
    rivals: tuple[Any, ...],
    changed: dict[str, tuple[str, int]],
    weeks: int = WEEKS,
) -> list[dict[str, Any]]:
    return [
        {
            "outcome": outcome, "segment": segment, "model": model,
            "period_start": week_of(week), "landmarks": 2_000,
            "conversions": 80, "log_loss_bits": 0.2, "explained": explained + 0.02 / (week + 2),
            "explained_low": explained - 0.15 / (week + 1),
            "explained_high": explained + 0.15 / (week + 1),
            "verdict": _verdict(verdict, week, changed.get(model)),
        }
        for model, verdict, explained, *_ in rivals
        for week in range(weeks)
    ]  # fmt: skip


def _verdict(now: str, week: int, before: tuple[str, int] | None) -> str:
    if week < EARLY_WEEKS:
        return "too_early"
    return before[0] if before and week < before[1] else now


def week_of(number: int) -> date:
    """Return the first day of a week of the evidence."""
    return date(2025, 3, 3) + timedelta(weeks=number)
