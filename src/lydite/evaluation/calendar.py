"""Calendar of a backtest: which landmarks train and which are forecast in each period."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np

from lydite.durations import format_duration
from lydite.errors import InputError
from lydite.timezones import UTC, to_local, to_utc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.engine import DuckDBEngine, Engine

Period = Literal["day", "week", "month"]
PERIODS: tuple[Period, ...] = ("day", "week", "month")
MIN_TRAINING_CONVERSIONS = 100
MIN_PERIODS = 2
_NO_HOLES: NDArray[np.datetime64] = np.empty((0, 2), dtype="datetime64[us]")
_MOST_DAYS = 3_652  # ten years
_LONGEST_PERIOD = np.timedelta64(31, "D")
_DAY, _MONTH = np.timedelta64(1, "D"), np.timedelta64(1, "M")


@dataclass(frozen=True)
class History:
    """Summary of an outcome's landmarks, mature or not, from which its calendar is made.

    Attributes
    ----------
    outcome
        Name of the outcome.
    first_at, as_of : datetime64[us]
        The first landmark, and the instant up to which the data is complete.
    converting_at : (k,) datetime64[us]
        Times of landmarks whose next event is a conversion. For each whole number of hours to the
        conversion only the earliest are kept.
    hours_to_conversion : (k,) float
        Hours from the landmark to the conversion.
    conversions
        Total number of landmarks whose next event is a conversion.
    holes : (k, 2) datetime64[us]
        Start and end of each hole, in which rows are missing. The outcome of a landmark is unknown
        if it happened in a hole or less than a lookback before one.
    timezone
        The time zone of days, weeks and months.
    """

    outcome: str
    first_at: np.datetime64
    as_of: np.datetime64
    converting_at: NDArray[np.datetime64]
    hours_to_conversion: NDArray[np.floating]
    conversions: int
    holes: NDArray[np.datetime64] = field(default_factory=lambda: _NO_HOLES)
    timezone: str = UTC

    @classmethod
    def load(
        cls,
        engine: DuckDBEngine,
        outcome: str,
        first_at: datetime,
        as_of: datetime,
        holes: NDArray[np.datetime64] | None = None,
    ) -> History:
        """Load the history of an outcome that `build_history` has written."""
        columns = engine.fetch_numpy(
            "select happened_at, hours_to_conversion, conversions from evaluation.history"
            " where outcome = $outcome",
            {"outcome": outcome},
        )
        return cls(
            outcome,
            np.datetime64(first_at, "us"),
            np.datetime64(as_of, "us"),
            columns["happened_at"].astype("datetime64[us]"),
            columns["hours_to_conversion"],
            int(columns["conversions"].max(initial=0)),
            _NO_HOLES if holes is None else holes,
            engine.timezone,
        )


def build_history(engine: Engine) -> None:
    """Write the table ``evaluation.history``, from which calendars are made."""
    engine.local.drop("evaluation.history")
    enough = {"enough": MIN_TRAINING_CONVERSIONS}
    engine.append_local("evaluation.history", "evaluation/history", enough)


@dataclass(frozen=True)
class Calendar:
    """The p periods that are forecast, in order; between them, periods may be left out.

    Attributes
    ----------
    starts : (p,) datetime64[us]
        Start of each period; models are fitted on landmarks that were mature before it.
    end : datetime64[us]
        End of the last period.
    lookback
        A landmark is mature, its outcome known, one lookback after it happened.
    period
        Length of the periods.
    holes : (k, 2) datetime64[us]
        As in `History`. Landmarks whose outcome is unknown are neither trained on nor forecast.
    paths
        What is on paths, as `lydite.settings.PathOptions.definition` says.
    timezone
        The time zone of days, weeks and months. Starts and end are UTC nevertheless: a week with a
        change of the clocks has an hour more or less.
    """

    starts: NDArray[np.datetime64]
    end: np.datetime64
    lookback: timedelta
    period: Period = "week"
    holes: NDArray[np.datetime64] = field(default_factory=lambda: _NO_HOLES)
    paths: str = ""
    timezone: str = UTC

    def __len__(self) -> int:
        """Return the number of periods."""
        return len(self.starts)

    def period_of(self, happened_at: NDArray[np.datetime64]) -> NDArray[np.int16]:
        """Return the period in which each landmark is forecast, -1 for none."""
        period = _passed(self.starts, happened_at) - np.int16(1)
        times = happened_at.astype("datetime64[us]", copy=False)
        over = times >= np.append(_ends(self.starts, self.period, self.timezone), self.end)[period]
        return np.where(over | (period < 0), np.int16(-1), period)

    def first_training_period(self, happened_at: NDArray[np.datetime64]) -> NDArray[np.int16]:
        """Return the first period whose models may be fitted on each landmark; p for none."""
        maturity = np.timedelta64(self.lookback)
        first = _passed(self.starts - maturity + np.timedelta64(1, "us"), happened_at)
        first[_is_unknown(happened_at, self.holes, self.lookback)] = len(self)
        return first

    def first_day(self, period: int) -> date:
        """Return the first day of a period, counted from 0."""
        day: date = self.local_starts[period].astype("datetime64[D]").item()
        return day

    @property
    def last_instant(self) -> datetime:
        """The last instant of the last period."""
        last: datetime = (self.end.astype("datetime64[us]") - np.timedelta64(1, "us")).item()
        return last

    @property
    def local_starts(self) -> NDArray[np.datetime64]:
        """The (p,) starts in local time: midnights, and the keys of periods in the ledger."""
        return to_local(self.starts, self.timezone)


def _is_unknown(
    happened_at: NDArray[np.datetime64], holes: NDArray[np.datetime64], lookback: timedelta
) -> NDArray[np.bool_]:
    """Return which landmarks have an outcome that is unknown because rows are missing."""
    unknown = np.zeros(len(happened_at), dtype=bool)
    for start, end in holes:
        unknown |= (happened_at > start - np.timedelta64(lookback)) & (happened_at < end)
    return unknown


def _passed(edges: NDArray[np.datetime64], times: NDArray[np.datetime64]) -> NDArray[np.int16]:
    """Return how many of the ascending edges are at or before each time."""
    in_us, times_in_us = edges.astype("datetime64[us]"), times.astype("datetime64[us]", copy=False)
    passed = np.searchsorted(in_us.view(np.int64), times_in_us.view(np.int64), side="right")
    return passed.astype(np.int16)


def make_calendar(history: History, lookback: timedelta, period: Period) -> Calendar:
    """Return the periods of an outcome that can be forecast and scored.

    A period is scored when all its landmarks are mature and at least 100 landmarks that convert
    were mature before it starts. A partly mature period is left for later: scored twice it would
    count twice, and its early landmarks would be forecast by other models than its late ones. A
    period is left out if the outcome of any landmark in it may be unknown because rows are missing.

    Raises
    ------
    InputError
        When fewer than two periods can be scored. The message states the longest lookback that
        would work.
    """
    starts = _scored_starts(history, lookback, period)
    if len(starts) < MIN_PERIODS:
        raise InputError(_too_short(history, lookback, period))
    zone = history.timezone
    end = _ends(starts, period, zone)[-1]
    return Calendar(starts, end, lookback, period, history.holes, timezone=zone)


@dataclass(frozen=True)
class FirstForecast:
    """When a history that is too short will be long enough for a verdict.

    Attributes
    ----------
    day
        The day from which on two periods can be forecast, if data keeps coming.
    is_estimate
        Whether too few conversions are known yet, so that the present rate of conversions decides.
    """

    day: date
    is_estimate: bool

    def __str__(self) -> str:
        """Return a sentence."""
        rate = ", at the present rate of conversions" if self.is_estimate else ""
        about = "about " if self.is_estimate else ""
        return f"The first forecast will be possible {about}on {self.day}{rate}."


def first_forecast(history: History, lookback: timedelta, period: Period) -> FirstForecast | None:
    """Return when two periods can be forecast; None where it takes more than ten years.

    Parameters
    ----------
    history
        A history that `make_calendar` refuses.
    lookback, period
        As in `make_calendar`.
    """
    maturity = np.timedelta64(lookback)
    known_at = np.sort(_known_conversions(history, lookback) + maturity)
    missing = MIN_TRAINING_CONVERSIONS - len(known_at)
    if missing > 0:
        span = history.as_of - history.first_at
        if not len(known_at) or span <= np.timedelta64(0):
            return None
        days = span / _DAY / len(known_at) * np.arange(1, missing + 1)
        if days[-1] > _MOST_DAYS:
            return None
        more = history.as_of + (days * 86_400e6).astype("timedelta64[us]") + maturity
        known_at = np.append(known_at, more)
    enough_at = known_at[MIN_TRAINING_CONVERSIONS - 1]
    latest = np.max(np.append(history.holes.ravel(), enough_at))
    zone = history.timezone
    starts = _starts(history.first_at, latest + 4 * _LONGEST_PERIOD, period, zone)
    starts = starts[starts >= enough_at]
    starts = starts[_is_complete(starts, period, maturity, history)]
    known = to_local(_ends(starts, period, zone)[MIN_PERIODS - 1 : MIN_PERIODS] + maturity, zone)
    day: date = (known + _DAY - np.timedelta64(1, "us")).astype("datetime64[D]")[0].item()
    return FirstForecast(day, missing > 0)


def _known_conversions(history: History, lookback: timedelta) -> NDArray[np.datetime64]:
    """Return the times of landmarks that convert within the lookback, outside of holes."""
    known = history.hours_to_conversion < lookback / timedelta(hours=1)
    known &= ~_is_unknown(history.converting_at, history.holes, lookback)
    return history.converting_at[known]


def _is_complete(
    starts: NDArray[np.datetime64],
    period: Period,
    maturity: np.timedelta64,
    history: History,
) -> NDArray[np.bool_]:
    """Return which periods have no landmark whose outcome depends on a hole."""
    ends = _ends(starts, period, history.timezone)
    complete = np.ones(len(starts), dtype=bool)
    for hole_start, hole_end in history.holes:
        complete &= (ends <= hole_start - maturity) | (starts >= hole_end)
    return complete


def _scored_starts(history: History, lookback: timedelta, period: Period) -> NDArray[np.datetime64]:
    """Return the starts of the periods that `make_calendar` scores."""
    maturity = np.timedelta64(lookback)
    mature_until = history.as_of - maturity
    starts = _starts(history.first_at, mature_until, period, history.timezone)
    complete = _ends(starts, period, history.timezone) <= mature_until
    starts = starts[complete & _is_complete(starts, period, maturity, history)]
    known_at = np.sort(_known_conversions(history, lookback) + maturity)
    known_before = np.searchsorted(known_at, starts, side="right")
    return starts[known_before >= MIN_TRAINING_CONVERSIONS]


def _starts(
    first: np.datetime64, last: np.datetime64, period: Period, timezone: str
) -> NDArray[np.datetime64]:
    """Return the starts of all periods from the one that contains `first` to the one of `last`."""
    first, last = to_local(np.array([first, last]), timezone)
    return to_utc(_local_starts(first, last, period), timezone)


def _local_starts(
    first: np.datetime64, last: np.datetime64, period: Period
) -> NDArray[np.datetime64]:
    if period == "month":
        months = np.arange(first.astype("datetime64[M]"), last.astype("datetime64[M]") + _MONTH)
        return months.astype("datetime64[us]")
    day = first.astype("datetime64[D]")
    if period == "week":
        # Day 0 of the epoch was a Thursday, three days after a Monday.
        day -= (day.astype(int) + 3) % 7 * _DAY
    end = last.astype("datetime64[D]") + _DAY
    return np.arange(day, end, _days_of(period)).astype("datetime64[us]")


def _ends(starts: NDArray[np.datetime64], period: Period, timezone: str) -> NDArray[np.datetime64]:
    local = to_local(starts, timezone)
    if period == "month":
        ends = (local.astype("datetime64[M]") + _MONTH).astype("datetime64[us]")
    else:
        ends = local + _days_of(period)
    return to_utc(ends, timezone)


def _days_of(period: Period) -> np.timedelta64:
    return np.timedelta64(7 if period == "week" else 1, "D")


def _too_short(history: History, lookback: timedelta, period: Period) -> str:
    """Return the message of a history that is too short: what is missing, and what would work."""
    days = (history.as_of - history.first_at) / _DAY
    problem = (
        f"outcome {history.outcome!r}: {days:.0f} days of complete data with"
        f" {history.conversions} conversions that follow a touch are too short a history for a"
        f" lookback of {format_duration(lookback)}. At least two whole {period}s are needed whose"
        f" outcomes are known, each after {MIN_TRAINING_CONVERSIONS} known conversions"
    )
    first = first_forecast(history, lookback, period)
    when = f". {first}" if first else "."
    longest = _longest_lookback(history, lookback, period)
    if longest is None:
        return f"{problem}{when} No shorter lookback would work: more history is needed."
    return f"{problem}{when} The longest lookback that would work is {format_duration(longest)}."


def _longest_lookback(history: History, lookback: timedelta, period: Period) -> timedelta | None:
    """Return the longest shorter lookback with which two periods could be scored, if any.

    Tries whole days, and below one day whole hours.
    """
    day, hour = timedelta(days=1), timedelta(hours=1)
    days = [n * day for n in range(-(-lookback // day) - 1, 0, -1)]
    hours = [n * hour for n in range(min(24, -(-lookback // hour)) - 1, 0, -1)]
    for candidate in (*days, *hours):
        if len(_scored_starts(history, candidate, period)) >= MIN_PERIODS:
            return candidate
    return None
