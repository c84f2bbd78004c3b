"""Day levels: how likely conversions are on each day and in each hour, whatever the channels."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse
from scipy.special import expit, logit

from lydite.models.optimize import maximize, weighted_gram
from lydite.paths.arrays import factorize, group_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.evaluation.adjustment import Activity
    from lydite.paths.landmarks import Landmarks

HOURS = 24
#: The shift of a day on which no landmark converts, or all do: forecasts become 0 or 1.
MAX_SHIFT = 40.0
_TOLERANCE = 1e-6
_MOST_STEPS = 60
# Rounds in which the prior of hours and activity is estimated, and its least and largest precision.
_ROUNDS = 6
_PRECISIONS = (0.25, 1e4)


def level_shifts(
    log_odds: NDArray[np.float64],
    stratum: NDArray[np.integer],
    count: NDArray[np.floating] | None,
    landmarks: NDArray[np.float64],
    conversions: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return what to add to the log-odds of each stratum so that its forecasts have the right mean.

    Parameters
    ----------
    log_odds : (n,) array
        Forecasts.
    stratum : (n,) integers
        At least 0 and below the number of strata.
    count : (n,) array
        The number of landmarks that each row stands for; None where that is 1 for all.
    landmarks, conversions : (strata,) arrays
        The landmarks of each stratum, and how many of them convert.

    Returns
    -------
    (strata,) array
        `MAX_SHIFT` up or down where all landmarks convert, or none.
    """
    odds, strata = np.exp(log_odds), _Strata(stratum, count)
    some = (conversions > 0) & (conversions < landmarks)
    none_or_all = np.where(conversions > 0, MAX_SHIFT, -MAX_SHIFT)
    rate = np.where(some, conversions / np.maximum(landmarks, 1), 0.5)
    mean_odds = strata.sums(odds, len(landmarks)) / np.maximum(landmarks, 1)
    # Exact where all forecasts of a stratum are equal.
    shift = np.log(rate / (1 - rate)) - np.log(np.where(some, mean_odds, 1.0))
    for _ in range(_MOST_STEPS):
        missed = 1 / (1 + odds * strata.repeated(np.exp(shift)))
        expected = landmarks - strata.sums(missed, len(landmarks))
        variance = strata.sums(missed * (1 - missed), len(landmarks))
        step = np.where(some, (conversions - expected) / np.maximum(variance, 1e-300), 0.0)
        shift += np.clip(step, -1.0, 1.0)
        # No earlier: how many steps are taken depends on all strata, not only on those of a period.
        if np.abs(step).max(initial=0.0) < _TOLERANCE:
            break
    return np.where(some, np.clip(shift, -MAX_SHIFT, MAX_SHIFT), none_or_all)


class _Strata:
    """The strata of rows, as runs of rows in the same stratum: there are few where days ascend.

    Parameters
    ----------
    stratum : (n,) integers
    count : (n,) array
        The number of landmarks that each row stands for; None where that is 1 for all.
    """

    def __init__(self, stratum: NDArray[np.integer], count: NDArray[np.floating] | None) -> None:
        self._starts = np.flatnonzero(np.diff(stratum, prepend=-1))
        self._lengths = np.diff(self._starts, append=len(stratum))
        self._stratum, self._count = stratum[self._starts], count

    def sums(self, values: NDArray[np.float64], strata: int) -> NDArray[np.float64]:
        """Return the (strata,) sums of the values of all landmarks."""
        counted = values if self._count is None else values * self._count
        sums = np.add.reduceat(counted, self._starts) if len(counted) else counted
        return group_sums(self._stratum, sums, strata)

    def repeated(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (n,) values of the rows' strata."""
        return np.repeat(values[self._stratum], self._lengths)


class Levels(NamedTuple):
    """Factors on the odds of a conversion.

    Attributes
    ----------
    day : (strata,) array
        The factor of each day; 1 on average over the training data, 0 on a day without conversions
        and on days that are not training data.
    hour : (24,) array
        The factor of each hour of the day, local time.
    precision : (terms,) array
        The precision of the normal prior of each activity term.
    """

    day: NDArray[np.float64]
    hour: NDArray[np.float64]
    precision: NDArray[np.float64]


@dataclass(frozen=True)
class Timing:
    """The day and hour of each landmark.

    Attributes
    ----------
    stratum : (n,) integers
        The day, numbered. A day on which a training set ends is two strata.
    hour : (n,) integers
        The hour of the day, local time.
    day_of_stratum : (strata,) integers
        The day of each stratum, numbered.
    """

    stratum: NDArray[np.int32]
    hour: NDArray[np.int8]
    day_of_stratum: NDArray[np.int32]

    def day(self, rows: NDArray[np.integer] | slice) -> NDArray[np.int32]:
        """Return the day of some of the landmarks, whether or not a training set ends on it.

        Training sets that end on a day come with later periods, so that scores by stratum would
        change with time.
        """
        return self.day_of_stratum[self.stratum[rows]]

    def take(self, rows: NDArray[np.integer]) -> Timing:
        """Return the timing of some of the landmarks, in the same strata."""
        return replace(self, stratum=self.stratum[rows], hour=self.hour[rows])


class DayLevels:
    """Day and hour levels, fitted on the training data before each period.

    ``logit p = day + hour + g . activity``, without channels: each day has its own level, so that
    hours and activity are learnt from differences within days only. Hours and activity have normal
    priors whose variances are estimated: where they do not matter, their terms vanish, and the
    forecast is a constant.

    Parameters
    ----------
    landmarks, activity
        All landmarks.
    first_training_period : (n,) integers
        The first period before which each landmark is training data.

    Attributes
    ----------
    timing
        The day and hour of each landmark.
    """

    def __init__(
        self,
        landmarks: Landmarks,
        activity: Activity,
        first_training_period: NDArray[np.integer],
    ) -> None:
        hours = landmarks.local_hours
        days = hours // HOURS
        end = int(first_training_period.max(initial=0)) + 1
        stratum, first = factorize(days * end + first_training_period)
        hour = (hours - days * HOURS).astype(np.int8)
        self.timing = Timing(stratum, hour, factorize(days[first])[0])
        self._first_period = first_training_period[first]
        self._count_table(landmarks, activity)
        self._fitted: dict[int, Levels] = {}
        self._lock = threading.Lock()

    def _count_table(self, landmarks: Landmarks, activity: Activity) -> None:
        """Count landmarks and conversions by stratum, activity cell and hour."""
        places = len(activity.levels) * HOURS
        place = activity.cell.astype(np.int32) * HOURS + self.timing.hour
        row, first = factorize(self.timing.stratum.astype(np.int64) * places + place)
        hit = landmarks.converted
        self._trials = group_sums(row, landmarks.count, len(first))
        self._conversions = group_sums(row[hit], landmarks.count[hit], len(first))
        self._stratum = self.timing.stratum[first]
        self._place, first_place = factorize(place[first])
        cell, hour = np.divmod(place[first][first_place], HOURS)
        order = np.lexsort((self._place, self._stratum))  # as sparse matrices need it
        self._stratum, self._place = self._stratum[order], self._place[order]
        self._trials, self._conversions = self._trials[order], self._conversions[order]
        self._columns = np.hstack([activity.design()[cell], np.eye(HOURS)[hour]])
        self._groups = np.repeat(np.arange(len(activity.sizes) + 1), [*activity.sizes, HOURS])

    def before(self, period: int) -> Levels:
        """Return the levels that are fitted on the training data before a period."""
        with self._lock:  # models in other threads need the same fit
            if period not in self._fitted:
                self._fitted[period] = self._fit(period)
        return self._fitted[period]

    def _fit(self, period: int) -> Levels:
        strata = len(self._first_period)
        known = self._first_period[self._stratum] <= period
        counts = self._trials * known, self._conversions * known
        landmarks, converted = (group_sums(self._stratum, own, strata) for own in counts)
        days = np.flatnonzero((converted > 0) & (converted < landmarks))
        day, n_terms = np.zeros(strata), self._columns.shape[1]
        if not len(days):  # nothing is known about hours and activity
            day[landmarks > 0] = 1.0
            return Levels(day, np.ones(HOURS), np.ones(n_terms - HOURS))
        number = np.full(strata, -1)
        number[days] = np.arange(len(days))
        used = np.flatnonzero(number[self._stratum] >= 0)
        table = _Table(
            number[self._stratum[used]],
            self._place[used],
            counts[0][used],
            counts[1][used],
            self._columns,
        )
        x = np.concatenate([logit(converted[days] / landmarks[days]), np.zeros(n_terms)])
        precision = np.ones(n_terms)
        for _ in range(_ROUNDS):
            x, covariance = table.fit(x, precision)
            precision = self._estimate_precision(x[len(days) :], covariance, precision)
        terms = x[len(days) :]
        expected = table.trials * np.exp((self._columns @ terms)[table.place])
        day[days] = np.exp(x[: len(days)])
        day[days] *= expected.sum() / (expected @ day[days][table.stratum])
        return Levels(day, np.exp(terms[-HOURS:]), precision[:-HOURS])

    def _estimate_precision(
        self,
        terms: NDArray[np.float64],
        variance: NDArray[np.float64],
        precision: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the precision of the normal prior of each group of terms, by its evidence [1]_.

        References
        ----------
        .. [1] MacKay (1992), "Bayesian interpolation", *Neural Computation* 4(3).
        """
        determined = group_sums(self._groups, 1 - precision * variance, self._groups[-1] + 1)
        squares = group_sums(self._groups, terms**2, self._groups[-1] + 1)
        found = np.maximum(determined, 1e-3) / np.maximum(squares, 1e-12)
        return np.clip(found, *_PRECISIONS)[self._groups]


@dataclass(frozen=True)
class _Table:
    """Counts of r rows by day and place: an activity cell and an hour.

    Attributes
    ----------
    stratum, place : (r,) integers
        In ascending order, each combination once.
    trials, conversions : (r,) counts
    columns : (places, terms) array
    """

    stratum: NDArray[np.integer]
    place: NDArray[np.integer]
    trials: NDArray[np.float64]
    conversions: NDArray[np.float64]
    columns: NDArray[np.float64]

    @cached_property
    def _starts(self) -> NDArray[np.intp]:
        """Where the rows of each day start, and where the last ones end."""
        days = int(self.stratum.max(initial=-1)) + 1
        return np.searchsorted(self.stratum, np.arange(days + 1))

    def fit(
        self, start: NDArray[np.float64], precision: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the levels of days and the terms, and the variances of the terms."""
        days = len(start) - len(precision)
        penalty = np.append(np.zeros(days), precision)

        def log_odds(x: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(x[:days][self.stratum] + (self.columns @ x[days:])[self.place])

        def value(x: NDArray[np.float64]) -> float:
            eta = log_odds(x)
            fit = self.conversions @ eta - self.trials @ np.logaddexp(0, eta)
            return float(fit - 0.5 * np.sum(penalty * x**2))

        def derivatives(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            p = expit(log_odds(x))
            left, weight = self.conversions - self.trials * p, self.trials * p * (1 - p)
            by_place = group_sums(self.place, left, len(self.columns))
            gradient = np.append(group_sums(self.stratum, left, days), self.columns.T @ by_place)
            return gradient - penalty * x, self._information(weight, days) + np.diag(penalty)

        found = maximize(value, derivatives, start, tolerance=_TOLERANCE).x
        return found, np.diag(np.linalg.inv(derivatives(found)[1]))[days:]

    def _information(self, weight: NDArray[np.float64], days: int) -> NDArray[np.float64]:
        """Return the information matrix for the (r,) weights of the rows."""
        places = len(self.columns)
        shape = (days, places)
        both = sparse.csr_array((weight, self.place, self._starts), shape=shape) @ self.columns
        of_day = np.diag(group_sums(self.stratum, weight, days))
        of_terms = weighted_gram(self.columns, group_sums(self.place, weight, places))
        return np.block([[of_day, both], [both.T, of_terms]])
