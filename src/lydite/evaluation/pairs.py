"""Every pair of models as a table: which is ahead, with bounds, and how much data decides it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lydite.evaluation.sample_size import required_sample_factor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from lydite.evaluation.calendar import Calendar
    from lydite.evaluation.scores import Scores
    from lydite.evaluation.verdicts import Pair, SegmentVerdicts
    from lydite.evaluation.warnings import DataSize

#: A loss below so many bits per landmark is rounding: there is nothing to explain.
NO_LOSS = 1e-9
#: A longer time is reported as "not at any realistic size".
MAX_YEARS = 10
_YEAR = np.timedelta64(365, "D")
_NEVER = "not at any realistic size"
# The present number of landmarks per period is the mean of so many last periods.
_RATE_PERIODS = 8

#: The columns of the table of pairs.
PAIRS_SCHEMA = {
    "outcome": pl.String,
    "segment": pl.String,
    "ahead": pl.String,
    "behind": pl.String,
    "lead": pl.Float64,
    "lead_low": pl.Float64,
    "lead_high": pl.Float64,
    "counted_from": pl.Date,
    "separated": pl.Boolean,
    "since": pl.Date,
    "more_landmarks": pl.Int64,
    "more_users": pl.Int64,
    "more_periods": pl.Int64,
    "projection": pl.String,
}


def pairs_table(
    outcome: str,
    segment: str,
    judged: SegmentVerdicts,
    scores: Mapping[str, Scores],
    calendar: Calendar | None,
    size: DataSize | None,
) -> pl.DataFrame:
    """Return a row for every pair of models, and for each model and the null hypothesis.

    Parameters
    ----------
    judged
        The evidence on every pair.
    scores
        Scores of the models and the baselines by name; leads are shares of the loss of the null
        hypothesis.
    calendar
        The periods that were forecast; None for folds.
    size
        Size of the data, scored or not; None where unknown.
    """
    rows = [
        {"outcome": outcome, "segment": segment, **_row(pair, judged.null, scores, calendar, size)}
        for pair in judged.pairs
    ]
    leads = pl.col("lead", "lead_low", "lead_high")
    return pl.DataFrame(rows, schema=PAIRS_SCHEMA).with_columns(leads.fill_nan(None))


def _row(
    pair: Pair,
    null: str,
    scores: Mapping[str, Scores],
    calendar: Calendar | None,
    size: DataSize | None,
) -> dict[str, Any]:
    sign = int(pair.signs[-1]) or (-1 if pair.sequence.mean[-1] < 0 else 1)
    lead, radius = sign * float(pair.shown.mean[-1]), float(pair.shown.radius[-1])
    ahead, behind = (pair.first, pair.second) if sign > 0 else (pair.second, pair.first)
    loss = {name: _mean_loss(scores[name], pair.counted_from) for name in (ahead, behind, null)}
    unit = loss[null] if loss[null] > NO_LOSS else float("nan")
    bounded, separated = bool(np.isfinite(radius)), bool(pair.signs[-1])
    return {
        "ahead": ahead,
        "behind": behind,
        "lead": lead / unit,
        # A lead is at most the loss of the model behind: no forecast loses less than 0.
        "lead_low": max(lead - radius, -loss[ahead]) / unit if bounded else None,
        "lead_high": min(lead + radius, loss[behind]) / unit if bounded else None,
        "counted_from": None if calendar is None else calendar.first_day(pair.counted_from),
        "separated": separated,
        "since": _separated_since(pair, calendar) if separated else None,
        **({} if separated else _projection(pair, scores[null], calendar, size)),
    }


def _mean_loss(scores: Scores, first: int) -> float:
    """Return the mean loss per landmark from a period on."""
    return float(scores.log_loss[first:].sum() / scores.landmarks[first:].sum())


def _separated_since(pair: Pair, calendar: Calendar | None) -> date | None:
    """Return the first day of the period since which the pair has been separated."""
    if calendar is None:
        return None
    other = np.flatnonzero(pair.signs != pair.signs[-1])
    return calendar.first_day(int(other[-1]) + 1 if other.size else 0)


def _projection(
    pair: Pair, null: Scores, calendar: Calendar | None, size: DataSize | None
) -> dict[str, Any]:
    """Return how much more data it takes to separate a pair, at the present rate."""
    factor = required_sample_factor(pair.sequence, pair.level)
    if not np.isfinite(factor):
        return {"projection": _NEVER}
    more = float(null.landmarks.sum()) * (factor - 1)
    result: dict[str, Any] = {"more_landmarks": int(np.ceil(more))}
    if size is not None:
        result["more_users"] = int(np.ceil(size.users * more / max(size.landmarks, 1)))
    if calendar is None:
        return result | {"projection": f"{factor:.1f} times as many journeys"}
    landmarks_per_period = float(null.landmarks.sum(axis=1)[-_RATE_PERIODS:].mean())
    periods = more / max(landmarks_per_period, 1e-9)
    length = (calendar.end - calendar.starts[0]) / len(calendar)
    if periods * length > MAX_YEARS * _YEAR:
        return {"projection": _NEVER}
    n = result["more_periods"] = int(np.ceil(periods))
    return result | {"projection": f"{n} more {calendar.period}{'' if n == 1 else 's'}"}
