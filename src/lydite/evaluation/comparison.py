"""Comparison of the models of one outcome, as tables: verdicts, evidence by period, calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lydite.evaluation import ceiling
from lydite.evaluation.error_budget import primary_among, split_alpha
from lydite.evaluation.pairs import NO_LOSS, PAIRS_SCHEMA, pairs_table
from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import ALL
from lydite.evaluation.verdicts import (
    BASE_RATE,
    SAME_LOSS,
    VOLUME,
    SegmentScores,
    SegmentVerdicts,
    judge_segments,
)
from lydite.evaluation.warnings import DataSize, unjudged_warnings, warnings_table
from lydite.models import BaseRate, TouchVolume

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from lydite.evaluation.calendar import Calendar
    from lydite.models import Model
    from lydite.settings import EvaluationSettings

    ScoresBySegment = Mapping[str, Mapping[str, Scores]]

_CALIBRATION_BINS = 20
#: There are no verdicts on a segment with fewer scored conversions.
MIN_SEGMENT_CONVERSIONS = 100
_MOST_NAMED = 5  # segments without verdicts that the warning names
_REFERENCES = {
    BaseRate.name: BaseRate.claim,
    TouchVolume.name: TouchVolume.claim,
    ceiling.NAME: ceiling.CLAIM,
}
#: The tables of a comparison, by name.
TABLES = ("model_comparison", "pairs", "evidence", "calibration", "warnings")


@dataclass(frozen=True)
class _SegmentResult:
    """Scores and verdicts of one outcome, on all users or on a segment.

    Attributes
    ----------
    outcome, segment
        Names.
    claims
        By name of the model.
    scores
        By name: the rivals, then the references.
    judged
        The verdicts on the rivals.
    calendar
        The periods that were forecast; None for folds, which are not in time.
    primary
        Names of the primary models.
    """

    outcome: str
    segment: str
    claims: Mapping[str, str]
    scores: Mapping[str, Scores]
    judged: SegmentVerdicts
    calendar: Calendar | None
    primary: tuple[str, ...]

    @property
    def null(self) -> Scores:
        """Scores of the null hypothesis: the better baseline."""
        return self.scores[self.judged.null]

    def null_loss(self, cells: NDArray[np.bool_]) -> float:
        """Return the null hypothesis' mean loss over some periods and buckets.

        It is nan where there is nothing to explain: on every day all landmarks convert, or none.
        """
        loss = self.null.log_loss_over(cells)
        return loss if loss > NO_LOSS else float("nan")

    def gain(self, name: str, cells: NDArray[np.bool_]) -> float:
        """Return the null hypothesis' mean loss minus a model's, over some periods and buckets."""
        return self.null.log_loss_over(cells) - self.scores[name].log_loss_over(cells)

    def explained(self, name: str) -> float:
        """Return a model's gain as a share of the null's loss, over what the model scored."""
        cells = self.scores[name].cells
        return self.gain(name, cells) / self.null_loss(cells)

    def first_day(self, period: int | None) -> date | None:
        """Return the first day of a period."""
        if period is None or self.calendar is None:
            return None
        return self.calendar.first_day(period)


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
    unreachable: Sequence[str] = (),
    findings: Sequence[tuple[str, str]] = (),
    outcomes: int = 1,
) -> dict[str, pl.DataFrame]:
    """Compare the models of one outcome, on all users and on every segment.

    There are no verdicts on segments with fewer than `MIN_SEGMENT_CONVERSIONS` scored conversions;
    a warning names them.

    Parameters
    ----------
    models
        The rivals to judge; `scores` may hold more.
    scores
        Scores by name and segment, including those of the baselines and of the ceiling.
    calendar
        The periods that were forecast; None for folds, which are not in time.
    evaluation
        `alpha`, `primary` and `worthwhile` are used.
    restated
        Scores with the data that has arrived since the periods were scored; None where none has.
    notes
        Warnings about models, by name.
    size
        Size of the data, scored or not; None where unknown.
    unreachable
        Channels from which no sequence of touches leads to a conversion.
    findings
        Kind and text of each warning about the data.
    outcomes
        The number of outcomes that share `alpha`.

    Returns
    -------
    dict
        Tables by name (`TABLES`).
    """
    results = _judge(outcome, models, scores, calendar, evaluation, outcomes)
    late_results = (
        _judge(outcome, models, restated, calendar, evaluation, outcomes) if restated else []
    )
    findings = [*findings, *_small_segments(scores[VOLUME])]
    late = {result.segment: result for result in late_results}
    all_users = results[0]
    comparison = pl.concat(
        [_comparison(result, late.get(result.segment), notes or {}) for result in results]
    )
    pairs = [
        pairs_table(outcome, result.segment, result.judged, result.scores, calendar, size)
        for result in results
    ]
    return {
        "model_comparison": comparison,
        "pairs": pl.concat(pairs),
        "evidence": pl.concat([_evidence(result, late.get(result.segment)) for result in results]),
        "calibration": pl.concat([_calibration(result) for result in results]),
        "warnings": warnings_table(
            outcome,
            comparison,
            all_users.judged,
            calendar,
            size,
            all_users.null,
            late[ALL].null if late else None,
            unreachable,
            findings,
        ),
    }


def unjudged_outcome(
    outcome: str,
    models: Sequence[Model],
    reason: str,
    *,
    primary: Collection[str] = (),
    unreachable: Sequence[str] = (),
    findings: Sequence[tuple[str, str]] = (),
) -> dict[str, pl.DataFrame]:
    """Return the tables of an outcome whose models cannot be compared.

    Parameters
    ----------
    models
        Models that more data would judge: their verdict is ``too_early``.
    reason
        Why the models cannot be compared; a warning of the kind ``no_verdict``.
    primary
        Names of the primary models.
    unreachable, findings
        As in `compare_outcome`.

    Returns
    -------
    dict
        Tables by name (`TABLES`).
    """
    primary = primary_among(primary, [model.name for model in models])
    rows = [
        {
            "outcome": outcome,
            "segment": ALL,
            "model": model.name,
            "claim": model.claim,
            "primary": model.name in primary,
            "verdict": "too_early",
            "stands": True,
            "same_forecast_as": "",
            "landmarks": 0,
            "conversions": 0,
            "periods": 0,
            "warning": "",
        }
        for model in models
    ]
    return {
        "model_comparison": pl.DataFrame(rows, schema=_COMPARISON),
        "pairs": pl.DataFrame(schema=PAIRS_SCHEMA),
        "evidence": pl.DataFrame(schema=_EVIDENCE),
        "calibration": pl.DataFrame(schema=_CALIBRATION),
        "warnings": unjudged_warnings(outcome, reason, unreachable, findings),
    }


def _judge(
    outcome: str,
    models: Sequence[Model],
    scores: ScoresBySegment,
    calendar: Calendar | None,
    evaluation: EvaluationSettings,
    outcomes: int,
) -> list[_SegmentResult]:
    """Judge the rivals on all users, and on all segments as one family of tests."""
    names = [*(model.name for model in models), *_REFERENCES]
    claims = {model.name: model.claim for model in models} | _REFERENCES
    by_segment = {
        segment: {name: scores[name].get(segment) or Scores.like(null) for name in names}
        for segment, null in scores[VOLUME].items()
        # The ceiling forecasts a subsample, which may hold no landmark of a small segment.
        if all(segment in scores[name] for name in names if name != ceiling.NAME)
    }
    primary = primary_among(evaluation.primary, [model.name for model in models])
    families = [ALL], [segment for segment in by_segment if segment != ALL]
    budgets = split_alpha(evaluation.alpha, primary, outcomes, segments=bool(families[1]))
    judged: dict[str, SegmentVerdicts] = {}
    for family, budget in zip(families, budgets, strict=True):
        rivals = {
            segment: SegmentScores(
                {model.name: by_segment[segment][model.name] for model in models},
                by_segment[segment][VOLUME],
                by_segment[segment][BASE_RATE],
            )
            for segment in family
        }
        restarts = calendar is not None
        judged |= judge_segments(rivals, budget, evaluation.worthwhile, restarts=restarts)
    return [
        _SegmentResult(outcome, segment, claims, by_segment[segment], verdicts, calendar, primary)
        for segment, verdicts in judged.items()
        if segment == ALL or not _is_small(scores[VOLUME][segment])
    ]


def _is_small(scores: Scores) -> bool:
    return bool(scores.conversions.sum() < MIN_SEGMENT_CONVERSIONS)


def _small_segments(scores: Mapping[str, Scores]) -> list[tuple[str, str]]:
    """Return a warning about segments without verdicts, if there are any."""
    small = {
        segment: int(own.conversions.sum())
        for segment, own in scores.items()
        if segment != ALL and _is_small(own)
    }
    if not small:
        return []
    named = ", ".join(f"{segment} ({n})" for segment, n in list(small.items())[:_MOST_NAMED])
    more = f" and {len(small) - _MOST_NAMED} more" if len(small) > _MOST_NAMED else ""
    text = f"no verdicts on segments with fewer than {MIN_SEGMENT_CONVERSIONS} scored conversions"
    return [("small_segments", f"{text}: {named}{more}")]


def _comparison(
    result: _SegmentResult, late: _SegmentResult | None, notes: Mapping[str, str]
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
    return pl.DataFrame(rows, schema=_COMPARISON).sort(
        pl.col("rank").fill_null(99), "model", maintain_order=True
    )


def _restated(late: _SegmentResult | None, name: str) -> dict[str, Any]:
    """Return what the model explains with the data of today, and the verdict on it."""
    if late is None:
        return {"restated_explained": None, "restated_verdict": None}
    verdict = late.judged.verdicts.get(name)
    return {
        "restated_explained": _finite(late.explained(name)),
        "restated_verdict": verdict and verdict.verdict,
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


def _cells_since_last_turn(result: _SegmentResult) -> NDArray[np.bool_]:
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
    if name not in _REFERENCES and badly:
        return "its forecasts are badly calibrated"
    return ""


def _or_nan(numbers: NDArray[np.float64], least: float = 0.0) -> NDArray[np.float64]:
    """Replace infinite numbers by nan, and small ones, which stand for periods without any loss."""
    return np.where(np.isfinite(numbers) & (np.abs(numbers) > least), numbers, np.nan)


def _evidence(result: _SegmentResult, late: _SegmentResult | None) -> pl.DataFrame:
    """Return a row per model and period; none for folds."""
    calendar = result.calendar
    if calendar is None:
        return pl.DataFrame(schema=_EVIDENCE)
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


def _restated_evidence(late: _SegmentResult | None, name: str, first: Scores) -> dict[str, Any]:
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


def _calibration(result: _SegmentResult) -> pl.DataFrame:
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
                schema=_CALIBRATION,
            )
        )
    return pl.concat(parts)


_CALIBRATION = {
    "outcome": pl.String,
    "segment": pl.String,
    "model": pl.String,
    "bin": pl.Int64,
    "landmarks": pl.Int64,
    "conversions": pl.Int64,
    "forecast": pl.Float64,
    "observed": pl.Float64,
}
