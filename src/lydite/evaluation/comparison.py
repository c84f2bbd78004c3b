"""The comparison of one outcome's rivals, as tables: verdicts, evidence by period, calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lydite.evaluation import ceiling
from lydite.evaluation.pairs import pairs_table
from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import ALL
from lydite.evaluation.verdicts import NULL, SAME_LOSS, judge_segments
from lydite.evaluation.warnings import DataSize, warnings_table
from lydite.models import BaseRate, TouchVolume

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from lydite.evaluation.calendar import Calendar
    from lydite.evaluation.verdicts import ModelVerdict, SegmentVerdicts
    from lydite.models import Model
    from lydite.settings import EvaluationSettings

    ScoresBySegment = Mapping[str, Mapping[str, Scores]]

_CALIBRATION_BINS = 20
_REFERENCES = {
    BaseRate.name: BaseRate.claim,
    TouchVolume.name: TouchVolume.claim,
    ceiling.NAME: ceiling.CLAIM,
}
#: The tables of a comparison, by name.
TABLES = ("model_comparison", "pairs", "evidence", "calibration", "warnings")


@dataclass(frozen=True)
class _Slice:
    """One outcome on all users or a segment of them, judged.

    Attributes
    ----------
    outcome, segment
    claims
        By name of the model.
    scores
        By name: the rivals, then the references.
    judged
        The verdicts on the rivals.
    calendar
        None where folds were forecast, which are not in time.
    """

    outcome: str
    segment: str
    claims: Mapping[str, str]
    scores: Mapping[str, Scores]
    judged: SegmentVerdicts
    calendar: Calendar | None

    @property
    def null(self) -> Scores:
        return self.scores[NULL]

    def gain(self, name: str, cells: NDArray[np.bool_]) -> float:
        """Return by how much less a model's loss is than the null's, over periods and buckets."""
        return self.null.log_loss_over(cells) - self.scores[name].log_loss_over(cells)

    def date(self, period: int | None) -> object:
        """Return the first day of a period."""
        if period is None or self.calendar is None:
            return None
        return self.calendar.starts[period].astype("datetime64[D]").item()


def compare_outcome(
    outcome: str,
    models: Sequence[Model],
    scores: ScoresBySegment,
    calendar: Calendar | None,
    evaluation: EvaluationSettings,
    *,
    restated: ScoresBySegment | None = None,
    notes: Mapping[str, str] | None = None,
    size: DataSize | None = None,
) -> dict[str, pl.DataFrame]:
    """Compare the rivals of one outcome, on all users and on every segment.

    Parameters
    ----------
    models
        The rivals; the scores may hold more.
    scores
        Scores by name and segment, with those of the baselines and of the ceiling.
    calendar
        The periods that were forecast; None where folds were, which are not in time.
    evaluation
        How to judge.
    restated
        The same with all that has come in since the periods were scored; None where nothing has.
    notes
        What to beware of in a model, by name.
    size
        How large the data is beyond what was scored.

    Returns
    -------
    Tables by name (`TABLES`).
    """
    slices = _judge(outcome, models, scores, calendar, evaluation)
    again = _judge(outcome, models, restated, calendar, evaluation) if restated else []
    late = {own.segment: own for own in again}
    whole = slices[0]
    comparison = pl.concat([_comparison(own, late.get(own.segment), notes or {}) for own in slices])
    evidence = [_evidence(own, late.get(own.segment)) for own in slices]
    return {
        "model_comparison": comparison,
        "pairs": pl.concat(
            [
                pairs_table(outcome, own.segment, own.judged, own.null, calendar, size)
                for own in slices
            ]
        ),
        "evidence": pl.concat(evidence) if calendar else pl.DataFrame(schema=_EVIDENCE),
        "calibration": pl.concat([_calibration(own) for own in slices]),
        "warnings": warnings_table(
            outcome,
            comparison,
            whole.judged,
            calendar,
            size,
            whole.null,
            late[ALL].null if late else None,
        ),
    }


def _judge(
    outcome: str,
    models: Sequence[Model],
    scores: ScoresBySegment,
    calendar: Calendar | None,
    evaluation: EvaluationSettings,
) -> list[_Slice]:
    """Judge the rivals on all users, and on all segments as one family."""
    names = [*(model.name for model in models), *_REFERENCES]
    claims = {model.name: model.claim for model in models} | _REFERENCES
    found = {
        segment: {name: scores[name].get(segment) or Scores.like(null) for name in names}
        for segment, null in scores[NULL].items()
        # The ceiling, which may look at fewer landmarks, may have met none of a small segment.
        if all(segment in scores[name] for name in names if name != ceiling.NAME)
    }
    judged: dict[str, SegmentVerdicts] = {}
    for family in ([ALL], [segment for segment in found if segment != ALL]):
        rivals = {
            segment: (
                {model.name: found[segment][model.name] for model in models},
                found[segment][NULL],
            )
            for segment in family
        }
        judged |= judge_segments(rivals, evaluation.alpha, evaluation.worthwhile)
    return [
        _Slice(outcome, segment, claims, found[segment], own, calendar)
        for segment, own in judged.items()
    ]


def _comparison(own: _Slice, late: _Slice | None, notes: Mapping[str, str]) -> pl.DataFrame:
    judgements = own.judged.verdicts
    lately = _since_last_turn(own)
    ranks = _ranks({name: own.scores[name].log_loss_over(lately) for name in judgements})
    # The ceiling may have looked at fewer landmarks: what it is compared with is what it looked at.
    seen = own.scores[ceiling.NAME].cells
    gains = {name: own.gain(name, seen) for name in (*judgements, ceiling.NAME)}
    reach = gains.pop(ceiling.NAME)
    usable = reach > 0 and reach >= max(gains.values())
    rows = []
    for name, scores in own.scores.items():
        verdict = judgements.get(name)
        null_loss = own.null.log_loss_over(scores.cells)
        told = [_warning(name, scores, usable=usable), notes.get(name)]
        rows.append(
            {
                "outcome": own.outcome,
                "segment": own.segment,
                "model": name,
                "claim": own.claims[name],
                "rank": ranks.get(name),
                "log_loss_bits": _finite(scores.log_loss_bits),
                "explained": _finite(own.gain(name, scores.cells) / null_loss),
                "explained_low": verdict and _finite(verdict.gain.low[-1] / null_loss),
                "explained_high": verdict and _finite(verdict.gain.high[-1] / null_loss),
                "share_of_ceiling": gains[name] / reach if usable and verdict else None,
                "auc": scores.auc,
                "average_precision": scores.average_precision,
                "brier": _finite(scores.brier_score),
                "calibration_slope": scores.calibration_slope,
                "verdict": verdict and verdict.verdict,
                "refuted_by": verdict and verdict.refuted_by,
                "refuted_in": verdict and own.date(verdict.refuted_in),
                "moved_in": verdict and own.date(verdict.moved_in),
                "same_forecast_as": ", ".join(verdict.same_forecast_as) if verdict else "",
                **_restated(late, name),
                "landmarks": int(scores.landmarks.sum()),
                "conversions": int(scores.conversions.sum()),
                "periods": len(scores.landmarks),
                "warning": "; ".join(filter(None, told)),
            }
        )
    return pl.DataFrame(rows, schema=_COMPARISON).sort(
        pl.col("rank").fill_null(99), "model", maintain_order=True
    )


def _restated(late: _Slice | None, name: str) -> dict[str, Any]:
    """Return what the model would explain, and the verdict, with all that came in since."""
    if late is None:
        return {"restated_explained": None, "restated_verdict": None}
    judged: ModelVerdict | None = late.judged.verdicts.get(name)
    cells = late.scores[name].cells
    return {
        "restated_explained": _finite(late.gain(name, cells) / late.null.log_loss_over(cells)),
        "restated_verdict": judged and judged.verdict,
    }


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
    "moved_in": pl.Date,
    "same_forecast_as": pl.String,
    "restated_explained": pl.Float64,
    "restated_verdict": pl.String,
    "landmarks": pl.Int64,
    "conversions": pl.Int64,
    "periods": pl.Int64,
    "warning": pl.String,
}


def _since_last_turn(own: _Slice) -> NDArray[np.bool_]:
    """Return the cells that tell who is ahead: all, or those since a lead last turned."""
    since = max((pair.counted_from for pair in own.judged.pairs), default=0)
    cells = own.null.cells.copy()
    cells[:since] = False
    return cells


def _ranks(losses: Mapping[str, float]) -> dict[str, int]:
    """Rank by loss; rivals with the same forecast share their rank."""
    return {
        name: 1 + sum(other < loss * (1 - SAME_LOSS) for other in losses.values())
        for name, loss in losses.items()
    }


def _finite(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None


def _warning(name: str, own: Scores, *, usable: bool) -> str:
    slope = own.calibration_slope
    if name == ceiling.NAME and not own.cells.any():
        return "too few landmarks of the segment were looked at"
    if name == ceiling.NAME and not usable:
        return "it explains no more than the best rival: no share of what could be explained"
    if name not in _REFERENCES and slope is not None and not 0.5 <= slope <= 2:
        return "its forecasts are badly calibrated"
    return ""


def _or_nan(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put nan where there is no number above -inf and below inf, or 0 where nothing was seen."""
    return np.where(np.isfinite(numbers) & (numbers != 0), numbers, np.nan)


def _evidence(own: _Slice, late: _Slice | None) -> pl.DataFrame:
    calendar = own.calendar
    if calendar is None:
        return pl.DataFrame(schema=_EVIDENCE)
    parts = []
    for name, scores in own.scores.items():
        landmarks, loss = scores.landmarks.sum(axis=1), scores.log_loss.sum(axis=1)
        seen = np.maximum(landmarks.cumsum(), 1)
        null_loss = (own.null.log_loss * scores.cells).sum(axis=1)
        null_so_far = _or_nan(null_loss.cumsum() / seen)
        so_far = loss.cumsum() / seen
        verdict = own.judged.verdicts.get(name)
        missing = np.full(len(calendar), np.nan)
        low = _or_nan(verdict.gain.low / null_so_far) if verdict else missing
        high = _or_nan(verdict.gain.high / null_so_far) if verdict else missing
        parts.append(
            pl.DataFrame(
                {
                    "outcome": [own.outcome] * len(calendar),
                    "segment": [own.segment] * len(calendar),
                    "model": [name] * len(calendar),
                    "period_start": calendar.starts.astype("datetime64[D]"),
                    "landmarks": landmarks.astype(np.int64),
                    "conversions": scores.conversions.sum(axis=1).astype(np.int64),
                    "log_loss_bits": loss / np.maximum(landmarks, 1),
                    "explained": 1 - so_far / null_so_far,
                    "explained_low": low,
                    "explained_high": high,
                    "verdict": list(verdict.history) if verdict else [None] * len(calendar),
                    **_restated_evidence(late, name, scores),
                },
                schema=_EVIDENCE,
            ).with_columns(pl.col("explained", "explained_low", "explained_high").fill_nan(None))
        )
    return pl.concat(parts)


def _restated_evidence(late: _Slice | None, name: str, first: Scores) -> dict[str, Any]:
    """Return conversions and loss of the periods that were restated, nothing for the others."""
    if late is None:
        nothing = [None] * len(first.landmarks)
        return {"restated_conversions": nothing, "restated_log_loss_bits": nothing}
    again = late.scores[name]
    changed = (again.landmarks != first.landmarks) | (again.conversions != first.conversions)
    restated = changed.any(axis=1)
    loss = again.log_loss.sum(axis=1) / np.maximum(again.landmarks.sum(axis=1), 1)
    conversions = again.conversions.sum(axis=1).astype(int).tolist()
    return {
        "restated_conversions": [
            number if own else None for number, own in zip(conversions, restated, strict=True)
        ],
        "restated_log_loss_bits": [
            number if own else None for number, own in zip(loss.tolist(), restated, strict=True)
        ],
    }


_EVIDENCE = {
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


def _calibration(own: _Slice) -> pl.DataFrame:
    """Return forecast against outcome in bins that hold about as many landmarks each."""
    parts = []
    for name, scores in own.scores.items():
        if not scores.cells.any():
            continue
        n, k, p = (
            grid.sum(axis=0)
            for grid in (scores.grid_landmarks, scores.grid_conversions, scores.grid_forecast)
        )
        place = np.minimum(
            ((n.cumsum() - n / 2) / n.sum() * _CALIBRATION_BINS).astype(int), _CALIBRATION_BINS - 1
        )
        n, k, p = (np.bincount(place, x, minlength=_CALIBRATION_BINS) for x in (n, k, p))
        met = np.flatnonzero(n)
        parts.append(
            pl.DataFrame(
                {
                    "outcome": [own.outcome] * len(met),
                    "segment": [own.segment] * len(met),
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
