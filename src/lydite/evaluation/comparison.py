"""The comparison of one outcome's rivals, as tables: verdicts, evidence by period, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lydite.evaluation import ceiling
from lydite.evaluation.verdicts import NULL, SAME, judge
from lydite.models import BaseRate, TouchVolume

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from lydite.config import Evaluation
    from lydite.evaluation.calendar import Calendar
    from lydite.evaluation.scores import Scores
    from lydite.evaluation.verdicts import Judgement
    from lydite.models import Model

_CALIBRATION_BINS = 20
_REFERENCES = {
    BaseRate.name: BaseRate.claim,
    TouchVolume.name: TouchVolume.claim,
    ceiling.NAME: ceiling.CLAIM,
}


def compare_outcome(
    outcome: str,
    models: Sequence[Model],
    scores: Mapping[str, Scores],
    calendar: Calendar | None,
    evaluation: Evaluation,
    notes: Mapping[str, str] | None = None,
) -> dict[str, pl.DataFrame]:
    """Compare the rivals of one outcome.

    Parameters
    ----------
    models
        The rivals; the scores may hold more.
    scores
        Scores by name, with those of the baselines and of the ceiling.
    calendar
        The periods that were forecast; None where folds were, which are not in time.
    notes
        What to beware of in a model, by name.

    Returns
    -------
    Tables by name: ``model_comparison``, ``evidence``, ``calibration``.
    """
    null = scores[NULL]
    rivals = {model.name: scores[model.name] for model in models}
    judged = judge(rivals, null, evaluation.alpha, evaluation.worthwhile)
    claims = {model.name: model.claim for model in models} | _REFERENCES
    shown = {**rivals, **{name: scores[name] for name in _REFERENCES}}
    return {
        "model_comparison": _comparison(outcome, claims, shown, judged, calendar, notes or {}),
        "evidence": _evidence(outcome, shown, judged, null, calendar) if calendar else _NO_EVIDENCE,
        "calibration": _calibration(outcome, shown),
    }


def _comparison(
    outcome: str,
    claims: Mapping[str, str],
    scores: Mapping[str, Scores],
    judged: Mapping[str, Judgement],
    calendar: Calendar | None,
    notes: Mapping[str, str],
) -> pl.DataFrame:
    null_loss = scores[NULL].log_loss_bits
    ranks = _ranks({name: scores[name].log_loss_bits for name in judged})
    top_gain = null_loss - min(scores[name].log_loss_bits for name in judged)
    reach = null_loss - scores[ceiling.NAME].log_loss_bits
    usable = reach > 0 and reach >= top_gain
    rows = []
    for name, own in scores.items():
        verdict = judged.get(name)
        gain = null_loss - own.log_loss_bits
        rows.append(
            {
                "outcome": outcome,
                "segment": "all",
                "model": name,
                "claim": claims[name],
                "rank": ranks.get(name),
                "log_loss_bits": own.log_loss_bits,
                "explained": gain / null_loss,
                "explained_low": verdict and _finite(verdict.gain.low[-1] / null_loss),
                "explained_high": verdict and _finite(verdict.gain.high[-1] / null_loss),
                "share_of_ceiling": gain / reach if usable and verdict else None,
                "auc": own.auc,
                "average_precision": own.average_precision,
                "brier": own.brier_score,
                "calibration_slope": own.calibration_slope,
                "verdict": verdict and verdict.verdict,
                "refuted_by": verdict and verdict.refuted_by,
                "refuted_in": _start(calendar, verdict.refuted_in) if verdict else None,
                "same_forecast_as": ", ".join(verdict.same_forecast_as) if verdict else "",
                "landmarks": int(own.landmarks.sum()),
                "conversions": int(own.conversions.sum()),
                "periods": len(own.landmarks),
                "warning": "; ".join(
                    filter(None, [_warning(name, own, usable=usable), notes.get(name)])
                ),
            }
        )
    return pl.DataFrame(rows, schema=_COMPARISON).sort(
        pl.col("rank").fill_null(99), "model", maintain_order=True
    )


_COMPARISON = {
    "outcome": pl.String,
    "segment": pl.String,
    "model": pl.String,
    "claim": pl.String,
    "rank": pl.Int64,
    "log_loss_bits": pl.Float64,
    "explained": pl.Float64,
    "explained_low": pl.Float64,
    "explained_high": pl.Float64,
    "share_of_ceiling": pl.Float64,
    "auc": pl.Float64,
    "average_precision": pl.Float64,
    "brier": pl.Float64,
    "calibration_slope": pl.Float64,
    "verdict": pl.String,
    "refuted_by": pl.String,
    "refuted_in": pl.Date,
    "same_forecast_as": pl.String,
    "landmarks": pl.Int64,
    "conversions": pl.Int64,
    "periods": pl.Int64,
    "warning": pl.String,
}


def _ranks(losses: Mapping[str, float]) -> dict[str, int]:
    """Rank by loss; rivals with the same forecast share their rank."""
    return {
        name: 1 + sum(other < loss * (1 - SAME) for other in losses.values())
        for name, loss in losses.items()
    }


def _finite(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None


def _start(calendar: Calendar | None, period: int | None) -> object:
    if period is None or calendar is None:
        return None
    return calendar.starts[period].astype("datetime64[D]").item()


def _warning(name: str, own: Scores, *, usable: bool) -> str:
    slope = own.calibration_slope
    if name == ceiling.NAME and not usable:
        return "it explains no more than the best rival: no share of what could be explained"
    if name not in _REFERENCES and slope is not None and not 0.5 <= slope <= 2:
        return "its forecasts are badly calibrated"
    return ""


def _or_nan(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put nan where there is no number above -inf and below inf, or 0 where nothing was seen."""
    return np.where(np.isfinite(numbers) & (numbers != 0), numbers, np.nan)


def _evidence(
    outcome: str,
    scores: Mapping[str, Scores],
    judged: Mapping[str, Judgement],
    null: Scores,
    calendar: Calendar,
) -> pl.DataFrame:
    seen = np.maximum(null.landmarks.sum(axis=1).cumsum(), 1)
    null_so_far = _or_nan(null.log_loss.sum(axis=1).cumsum() / seen)
    parts = []
    for name, own in scores.items():
        landmarks, loss = own.landmarks.sum(axis=1), own.log_loss.sum(axis=1)
        so_far = loss.cumsum() / seen
        verdict = judged.get(name)
        missing = np.full(len(calendar), np.nan)
        low = _or_nan(verdict.gain.low / null_so_far) if verdict else missing
        high = _or_nan(verdict.gain.high / null_so_far) if verdict else missing
        parts.append(
            pl.DataFrame(
                {
                    "outcome": [outcome] * len(calendar),
                    "segment": ["all"] * len(calendar),
                    "model": [name] * len(calendar),
                    "period_start": calendar.starts.astype("datetime64[D]"),
                    "landmarks": landmarks.astype(np.int64),
                    "conversions": own.conversions.sum(axis=1).astype(np.int64),
                    "log_loss_bits": loss / np.maximum(landmarks, 1),
                    "explained": 1 - so_far / null_so_far,
                    "explained_low": low,
                    "explained_high": high,
                }
            ).with_columns(pl.col("explained", "explained_low", "explained_high").fill_nan(None))
        )
    return pl.concat(parts)


_NO_EVIDENCE = pl.DataFrame(
    schema={
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
    }
)


def _calibration(outcome: str, scores: Mapping[str, Scores]) -> pl.DataFrame:
    """Return forecast against outcome in bins that hold about as many landmarks each."""
    parts = []
    for name, own in scores.items():
        n, k, p = (
            grid.sum(axis=0)
            for grid in (own.grid_landmarks, own.grid_conversions, own.grid_forecast)
        )
        place = np.minimum(
            ((n.cumsum() - n / 2) / n.sum() * _CALIBRATION_BINS).astype(int), _CALIBRATION_BINS - 1
        )
        n, k, p = (np.bincount(place, x, minlength=_CALIBRATION_BINS) for x in (n, k, p))
        met = np.flatnonzero(n)
        parts.append(
            pl.DataFrame(
                {
                    "outcome": [outcome] * len(met),
                    "segment": ["all"] * len(met),
                    "model": [name] * len(met),
                    "bin": np.arange(1, len(met) + 1),
                    "landmarks": n[met].astype(np.int64),
                    "conversions": k[met].astype(np.int64),
                    "forecast": p[met] / n[met],
                    "observed": k[met] / n[met],
                }
            )
        )
    return pl.concat(parts)
