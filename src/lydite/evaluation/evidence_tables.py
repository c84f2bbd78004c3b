"""The evidence by period, and the calibration of forecasts, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lydite.evaluation.pairs import NO_LOSS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.evaluation.scores import Scores
    from lydite.evaluation.segment_results import SegmentResult

EVIDENCE_SCHEMA = {
    "outcome": pl.String,
    "segment": pl.String,
    "model": pl.String,
    "period_start": pl.Date,
    "landmarks": pl.Int64,
    "conversions": pl.Int64,
    "log_loss_bits": pl.Float64,
    "explained": pl.Float64,
    "explained_low": pl.Float64,
    "explained_high": pl.Float64,
    "verdict": pl.String,
    "restated_conversions": pl.Int64,
    "restated_log_loss_bits": pl.Float64,
}
CALIBRATION_SCHEMA = {
    "outcome": pl.String,
    "segment": pl.String,
    "model": pl.String,
    "bin": pl.Int64,
    "landmarks": pl.Int64,
    "conversions": pl.Int64,
    "forecast": pl.Float64,
    "observed": pl.Float64,
}
_CALIBRATION_BINS = 20


def _or_nan(numbers: NDArray[np.float64], least: float = 0.0) -> NDArray[np.float64]:
    """Replace infinite numbers by nan, and small ones, which stand for periods without any loss."""
    return np.where(np.isfinite(numbers) & (np.abs(numbers) > least), numbers, np.nan)


def evidence_table(result: SegmentResult, late: SegmentResult | None) -> pl.DataFrame:
    """Return a row per model and period; none for folds."""
    calendar = result.calendar
    if calendar is None:
        return pl.DataFrame(schema=EVIDENCE_SCHEMA)
    unknown = np.full(len(calendar), np.nan)
    parts = []
    for name, scores in result.scores.items():
        landmarks, loss = scores.landmarks.sum(axis=1), scores.log_loss.sum(axis=1)
        landmarks_so_far = np.maximum(landmarks.cumsum(), 1)
        null_loss = (result.null.log_loss * scores.cells).sum(axis=1)
        null_so_far = _or_nan(null_loss.cumsum() / landmarks_so_far, NO_LOSS)
        so_far = loss.cumsum() / landmarks_so_far
        verdict = result.judged.verdicts.get(name)
        low = _or_nan(verdict.gain.low / null_so_far) if verdict else unknown
        high = np.minimum(_or_nan(verdict.gain.high / null_so_far), 1) if verdict else unknown
        parts.append(
            pl.DataFrame(
                {
                    "outcome": [result.outcome] * len(calendar),
                    "segment": [result.segment] * len(calendar),
                    "model": [name] * len(calendar),
                    "period_start": calendar.local_starts.astype("datetime64[D]"),
                    "landmarks": landmarks.astype(np.int64),
                    "conversions": scores.conversions.sum(axis=1).astype(np.int64),
                    "log_loss_bits": loss / np.maximum(landmarks, 1),
                    "explained": 1 - so_far / null_so_far,
                    "explained_low": low,
                    "explained_high": high,
                    "verdict": list(verdict.history) if verdict else [None] * len(calendar),
                    **_restated_evidence(late, name, scores),
                },
                schema=EVIDENCE_SCHEMA,
            ).with_columns(pl.col("explained", "explained_low", "explained_high").fill_nan(None))
        )
    return pl.concat(parts)


def _restated_evidence(late: SegmentResult | None, name: str, first: Scores) -> dict[str, Any]:
    """Return conversions and loss of the periods that were restated, None for the others."""
    if late is None:
        nothing = [None] * len(first.landmarks)
        return {"restated_conversions": nothing, "restated_log_loss_bits": nothing}
    now = late.scores[name]
    changed = (now.landmarks != first.landmarks) | (now.conversions != first.conversions)
    restated = changed.any(axis=1)
    loss = now.log_loss.sum(axis=1) / np.maximum(now.landmarks.sum(axis=1), 1)
    conversions = now.conversions.sum(axis=1).astype(int)
    return {
        column: [value if shown else None for value, shown in zip(values, restated, strict=True)]
        for column, values in (
            ("restated_conversions", conversions.tolist()),
            ("restated_log_loss_bits", loss.tolist()),
        )
    }


def calibration_table(result: SegmentResult) -> pl.DataFrame:
    """Return forecast and outcome in bins of about as many landmarks each, by model."""
    parts = []
    for name, scores in result.scores.items():
        if not scores.cells.any():
            continue
        grid = (scores.grid_landmarks, scores.grid_conversions, scores.grid_forecast)
        n, converted, forecast = (sums.sum(axis=0) for sums in grid)
        quantile = (n.cumsum() - n / 2) / n.sum()
        bins = np.minimum((quantile * _CALIBRATION_BINS).astype(int), _CALIBRATION_BINS - 1)
        n, converted, forecast = (
            np.bincount(bins, sums, minlength=_CALIBRATION_BINS)
            for sums in (n, converted, forecast)
        )
        filled = np.flatnonzero(n)
        parts.append(
            pl.DataFrame(
                {
                    "outcome": [result.outcome] * len(filled),
                    "segment": [result.segment] * len(filled),
                    "model": [name] * len(filled),
                    "bin": np.arange(1, len(filled) + 1),
                    "landmarks": n[filled].astype(np.int64),
                    "conversions": converted[filled].astype(np.int64),
                    "forecast": forecast[filled] / n[filled],
                    "observed": converted[filled] / n[filled],
                },
                schema=CALIBRATION_SCHEMA,
            )
        )
    return pl.concat(parts)
