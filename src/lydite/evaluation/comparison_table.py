"""The table of a comparison: how much each model explains, and the verdict on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lydite.evaluation import ceiling
from lydite.evaluation.segment_results import REFERENCES, SegmentResult
from lydite.evaluation.verdicts import SAME_LOSS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from lydite.evaluation.scores import Scores

COMPARISON_SCHEMA = {
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
    "primary": pl.Boolean,
    "verdict": pl.String,
    "stands": pl.Boolean,
    "refuted_by": pl.String,
    "refuted_in": pl.Date,
    "moved_in": pl.Date,
    "same_forecast_as": pl.String,
    "restated_explained": pl.Float64,
    "restated_verdict": pl.String,
    "landmarks": pl.Int64,
    "conversions": pl.Int64,
    "periods": pl.Int64,
    "warning": pl.String,
}


def comparison_table(
    result: SegmentResult, late: SegmentResult | None, notes: Mapping[str, str]
) -> pl.DataFrame:
    """Return a row per model: how much it explains, and the verdict on it."""
    verdicts = result.judged.verdicts
    since_turn = _cells_since_last_turn(result)
    ranks = _ranks({name: result.scores[name].log_loss_over(since_turn) for name in verdicts})
    # Models are compared with the ceiling on the landmarks that the ceiling forecast.
    ceiling_cells = result.scores[ceiling.NAME].cells
    gains = {name: result.gain(name, ceiling_cells) for name in (*verdicts, ceiling.NAME)}
    ceiling_gain = gains.pop(ceiling.NAME)
    usable = ceiling_gain > 0 and ceiling_gain >= max(gains.values())
    rows = []
    for name, scores in result.scores.items():
        verdict = verdicts.get(name)
        null_loss = result.null_loss(scores.cells)
        texts = [_warning(name, scores, usable=usable), notes.get(name)]
        rows.append(
            {
                "outcome": result.outcome,
                "segment": result.segment,
                "model": name,
                "claim": result.claims[name],
                "rank": ranks.get(name),
                "log_loss_bits": _finite(scores.log_loss_bits),
                "explained": _finite(result.explained(name)),
                "explained_low": verdict and _finite(verdict.gain.low[-1] / null_loss),
                # No forecast explains more than everything.
                "explained_high": verdict
                and _finite(np.minimum(verdict.gain.high[-1] / null_loss, 1)),
                "share_of_ceiling": gains[name] / ceiling_gain if usable and verdict else None,
                "auc": scores.auc,
                "average_precision": scores.average_precision,
                "brier": _finite(scores.brier_score),
                "calibration_slope": scores.calibration_slope,
                "primary": name in result.primary if verdict else None,
                "verdict": verdict and verdict.verdict,
                "stands": verdict and verdict.verdict != "refuted",
                "refuted_by": verdict and verdict.refuted_by,
                "refuted_in": verdict and result.first_day(verdict.refuted_in),
                "moved_in": verdict and result.first_day(verdict.moved_in),
                "same_forecast_as": ", ".join(verdict.same_forecast_as) if verdict else "",
                **_restated(late, name),
                "landmarks": int(scores.landmarks.sum()),
                "conversions": int(scores.conversions.sum()),
                "periods": len(scores.landmarks),
                "warning": "; ".join(filter(None, texts)),
            }
        )
    return pl.DataFrame(rows, schema=COMPARISON_SCHEMA).sort(
        pl.col("rank").fill_null(99), "model", maintain_order=True
    )


def _restated(late: SegmentResult | None, name: str) -> dict[str, Any]:
    """Return what the model explains with the data of today, and the verdict on it."""
    if late is None:
        return {"restated_explained": None, "restated_verdict": None}
    verdict = late.judged.verdicts.get(name)
    return {
        "restated_explained": _finite(late.explained(name)),
        "restated_verdict": verdict and verdict.verdict,
    }


def _cells_since_last_turn(result: SegmentResult) -> NDArray[np.bool_]:
    """Return the periods and buckets that decide the ranks: all, or those since a lead turned."""
    since = max((pair.counted_from for pair in result.judged.pairs), default=0)
    cells = result.null.cells.copy()
    cells[:since] = False
    return cells


def _ranks(losses: Mapping[str, float]) -> dict[str, int]:
    """Rank models by loss; those with the same forecast share a rank."""
    return {
        name: 1 + sum(other < loss * (1 - SAME_LOSS) for other in losses.values())
        for name, loss in losses.items()
    }


def _finite(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None


def _warning(name: str, scores: Scores, *, usable: bool) -> str:
    """Return the warning about one model, empty where there is none.

    Parameters
    ----------
    usable
        Whether the ceiling explains more than every rival.
    """
    slope, error = scores.calibration
    if name == ceiling.NAME and not scores.cells.any():
        return "too few touches of the segment were forecast"
    if name == ceiling.NAME and not usable:
        return "it explains no more than the best model, so no share of it is shown"
    badly = slope is not None and not 0.5 - 2 * error <= slope <= 2 + 2 * error
    if name not in REFERENCES and badly:
        return "its forecasts are badly calibrated"
    return ""
