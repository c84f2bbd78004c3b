"""Every pair of rivals, as a table: who is ahead, how surely, and what would settle it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lydite.evaluation.confidence_sequence import RestartedSequences
from lydite.evaluation.sample_size import required_sample_factor

if TYPE_CHECKING:
    from lydite.evaluation.calendar import Calendar
    from lydite.evaluation.scores import Scores
    from lydite.evaluation.verdicts import Pair, SegmentVerdicts
    from lydite.evaluation.warnings import DataSize

#: What takes longer than this is at no realistic size.
MOST_YEARS = 10
_YEAR = np.timedelta64(365, "D")
# The present rate of landmarks is read off so many of the last periods.
_RECENT = 8

_SCHEMA = {
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
    null: Scores,
    calendar: Calendar | None,
    size: DataSize | None,
) -> pl.DataFrame:
    """Return a row for every pair of rivals, and for each rival and touch volume.

    Parameters
    ----------
    judged
        The evidence on every pair.
    null
        Scores of touch volume; leads are shares of its loss.
    calendar
        The periods that were forecast; None where folds were.
    size
        How large the data is beyond what was scored.
    """
    rows = [
        {"outcome": outcome, "segment": segment, **_row(pair, null, calendar, size)}
        for pair in judged.pairs
    ]
    return pl.DataFrame(rows, schema=_SCHEMA)


def _row(
    pair: Pair, null: Scores, calendar: Calendar | None, size: DataSize | None
) -> dict[str, Any]:
    sign = int(pair.signs[-1]) or (-1 if pair.sequence.mean[-1] < 0 else 1)
    lead, radius = sign * float(pair.shown.mean[-1]), float(pair.shown.radius[-1])
    loss = null.log_loss[pair.counted_from :].sum() / null.landmarks[pair.counted_from :].sum()
    bounds = (lead - radius, lead + radius) if np.isfinite(radius) else (None, None)
    separated = bool(pair.signs[-1])
    return {
        "ahead": pair.first if sign > 0 else pair.second,
        "behind": pair.second if sign > 0 else pair.first,
        "lead": lead / loss,
        "lead_low": None if bounds[0] is None else bounds[0] / loss,
        "lead_high": None if bounds[1] is None else bounds[1] / loss,
        "counted_from": None if calendar is None else _day(calendar, pair.counted_from),
        "separated": separated,
        "since": _since(pair, calendar) if separated else None,
        **({} if separated else _projected(pair, null, calendar, size)),
    }


def _since(pair: Pair, calendar: Calendar | None) -> object:
    """Return the first day of the period after which the pair was separated for good."""
    if calendar is None:
        return None
    other = np.flatnonzero(pair.signs != pair.signs[-1])
    first = int(other[-1]) + 1 if other.size else 0
    return _day(calendar, first)


def _day(calendar: Calendar, period: int) -> object:
    return calendar.starts[period].astype("datetime64[D]").item()


def _projected(
    pair: Pair, null: Scores, calendar: Calendar | None, size: DataSize | None
) -> dict[str, Any]:
    """Return how much more it takes until the pair is separated, at the present rate."""
    times = required_sample_factor(pair.sequence, pair.level * RestartedSequences.FULL_SHARE)
    scored = float(null.landmarks.sum())
    if not np.isfinite(times):
        return {"projection": "not at any realistic size"}
    more = scored * (times - 1)
    found: dict[str, Any] = {"more_landmarks": int(np.ceil(more))}
    if size is not None:
        found["more_users"] = int(np.ceil(size.users * more / max(size.landmarks, 1)))
    if calendar is None:
        return found | {"projection": f"{times:.1f} times as many journeys"}
    rate = float(null.landmarks.sum(axis=1)[-_RECENT:].mean())
    periods = more / max(rate, 1e-9)
    length = (calendar.end - calendar.starts[0]) / len(calendar)
    if periods * length > MOST_YEARS * _YEAR:
        return {"projection": "not at any realistic size"}
    found["more_periods"] = int(np.ceil(periods))
    plural = "" if found["more_periods"] == 1 else "s"
    return found | {"projection": f"{found['more_periods']} more {calendar.period}{plural}"}
