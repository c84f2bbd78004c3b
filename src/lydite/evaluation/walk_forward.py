"""The walk forward: period by period, fit on what was known and forecast what came."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from lydite.evaluation.adjustment import Activity, Adjustment
from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import ALL
from lydite.models.landmarks import N_BUCKETS, counted, distinct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from lydite.evaluation.calendar import Calendar
    from lydite.evaluation.segments import SegmentColumn
    from lydite.models import Landmarks, Model

    Forecast = Callable[[NDArray[np.intp]], NDArray[np.float64]]

FOLDS = 5


@dataclass(frozen=True)
class Trial:
    """Landmarks with their calendar: what a walk forward walks over.

    Attributes
    ----------
    landmarks
        The evaluation sample, n landmarks.
    activity
        The activity cell of each landmark.
    tested : list of p index arrays
        The landmarks that are forecast in each period, or fold, in ascending order.
    released : list of p index arrays
        The landmarks that may train from each period on, and not before.
    withdrawn : list of p index arrays
        The landmarks that may train no more from each period on: none where time goes forward.
    wanted : (p,) bool
        The periods to forecast; the others are passed over.
    segments
        The slices of users that are scored beside all of them.
    """

    landmarks: Landmarks
    activity: Activity
    tested: list[NDArray[np.intp]]
    released: list[NDArray[np.intp]]
    withdrawn: list[NDArray[np.intp]]
    wanted: NDArray[np.bool_]
    segments: tuple[SegmentColumn, ...] = ()

    @classmethod
    def of(
        cls, landmarks: Landmarks, calendar: Calendar, segments: tuple[SegmentColumn, ...] = ()
    ) -> Trial:
        """Lay the calendar over the landmarks."""
        trains_from = calendar.trains_from(landmarks.happened_at)
        order = np.argsort(trains_from, kind="stable")
        edges = np.searchsorted(trains_from[order], np.arange(len(calendar) + 1))
        none = np.empty(0, dtype=np.intp)
        return cls(
            landmarks,
            Activity(landmarks),
            _by_period(calendar.period_of(landmarks.happened_at), len(calendar)),
            [order[a:b] for a, b in pairwise(edges)],
            [none] * len(calendar),
            np.ones(len(calendar), dtype=bool),
            segments,
        )

    @classmethod
    def of_folds(cls, landmarks: Landmarks, folds: int = FOLDS) -> Trial:
        """Cross-validate: each fold of the buckets is forecast by models of the others.

        Half of the buckets cross-fits the other half (`_Counts`), so that folds go by pairs.
        """
        fold = (landmarks.bucket // 2) % folds
        within = [np.flatnonzero(fold == number) for number in range(folds)]
        none = np.empty(0, dtype=np.intp)
        return cls(
            landmarks,
            Activity(landmarks),
            within,
            [np.flatnonzero(fold != 0), *within[:-1]],
            [none, *within[1:]],
            np.ones(folds, dtype=bool),
        )

    def sample(self, at_most: int | None, weights: Iterable[str]) -> Trial:
        """Return the trial with at most so many landmarks that train, as whole buckets.

        Buckets are left out by what is known before each period: what comes later changes nothing
        of the periods before.
        """
        if at_most is None or len(self.landmarks) <= at_most:
            return self
        kept = self._buckets_within(at_most)
        bucket = self.landmarks.bucket
        released = [own[bucket[own] < k] for own, k in zip(self.released, kept, strict=True)]
        withdrawn = [own[bucket[own] < k] for own, k in zip(self.withdrawn, kept, strict=True)]
        for period in range(1, len(self)):
            known = np.concatenate(released[:period])
            leaves = (bucket[known] >= kept[period]) & (bucket[known] < kept[period - 1])
            withdrawn[period] = np.append(withdrawn[period], known[leaves])
        rows = np.unique(np.concatenate(released))
        place = np.full(len(self.landmarks), -1)
        place[rows] = np.arange(len(rows))
        return replace(
            self,
            landmarks=self.landmarks.take(rows, weights),
            activity=self.activity.take(rows),
            tested=[place[own][place[own] >= 0] for own in self.tested],
            released=[place[own] for own in released],
            withdrawn=[place[own] for own in withdrawn],
        )

    def _buckets_within(self, at_most: int) -> NDArray[np.intp]:
        """Return how many buckets hold so many landmarks of those known before each period."""
        sizes = np.array(
            [np.bincount(self.landmarks.bucket[own], minlength=N_BUCKETS) for own in self.released]
        ).cumsum(axis=0)
        if any(len(own) for own in self.withdrawn):  # folds, which are not in time
            sizes[:] = np.bincount(self.landmarks.bucket, minlength=N_BUCKETS)
        within = (sizes.cumsum(axis=1) <= at_most).sum(axis=1)
        # Both halves of the buckets are needed, to cross-fit one on the other.
        return np.asarray(np.minimum.accumulate(np.maximum(within, 2)))

    def only(self, periods: NDArray[np.bool_]) -> Trial:
        """Return the same trial with some of its periods to forecast."""
        return replace(self, wanted=periods)

    def __len__(self) -> int:
        """Return the number of periods or folds."""
        return len(self.released)


def _by_period(period: NDArray[np.intp], periods: int) -> list[NDArray[np.intp]]:
    """Return the places of each period's number, in ascending order."""
    order = np.argsort(period, kind="stable")
    edges = np.searchsorted(period[order], np.arange(periods + 1))
    return [order[a:b] for a, b in pairwise(edges)]


class _Counts:
    """Training counts by (profile, activity cell, half of the buckets), grown period by period."""

    def __init__(self, trial: Trial, profile: NDArray[np.integer]) -> None:
        cells = len(trial.activity.levels)
        half = trial.landmarks.bucket.astype(np.int64) & 1
        key = (profile.astype(np.int64) * cells + trial.activity.cell) * 2 + half
        self._row, first = distinct(key)
        self._trial = trial
        self.profile = profile[first]
        self.cell = trial.activity.cell[first]
        self.half = half[first]
        self.trials = np.zeros(len(first))
        self.conversions = np.zeros(len(first))

    def turn(self, period: int) -> None:
        """Go on to a period: add the landmarks that it releases, take off those it withdraws."""
        self._add(self._trial.released[period], 1.0)
        self._add(self._trial.withdrawn[period], -1.0)

    def _add(self, rows: NDArray[np.intp], sign: float) -> None:
        if not len(rows):
            return
        landmarks = self._trial.landmarks
        row, count = self._row[rows], sign * landmarks.count[rows]
        self.trials += counted(row, count, len(self.trials))
        self.conversions += counted(row, count * landmarks.converted[rows], len(self.trials))

    def by_profile(
        self, profiles: int, halves: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return trials and conversions of each profile, over the rows that are chosen."""
        chosen = self.profile[halves]
        return (
            counted(chosen, self.trials[halves], profiles),
            counted(chosen, self.conversions[halves], profiles),
        )


def forecasts(model: Model, trial: Trial) -> Iterator[tuple[int, Forecast]]:
    """Yield, for each period, the forecaster that was fitted on what was known before it.

    A forecaster takes numbers of landmarks and returns their adjusted probabilities. The
    adjustment for activity is fitted on forecasts of one half of the buckets by a model of the
    other half: on its own training data, an overfitted rival looks better than it is.
    """
    model = clone(model)  # what it was fitted on before does not matter
    sample = trial.sample(model.enough_landmarks, model.weight_columns)
    profiles = model.encode(sample.landmarks)
    size = len(profiles)
    counts = _Counts(sample, profiles.index)
    adjustment = Adjustment(trial.activity.design())
    everything = np.ones(len(counts.half), dtype=bool)
    # Each goes on from its own fit of the period before: a warm start saves steps.
    crossing = (clone(model), clone(model))
    for period in range(len(trial)):
        counts.turn(period)
        if not trial.wanted[period]:
            continue
        known = counts.trials > 0
        if model.is_baseline:
            crossed = None
        else:
            crossed = np.empty(len(counts.half))
            for half, other in enumerate(crossing):
                other.fit_counts(profiles, *counts.by_profile(size, counts.half != half))
                own = counts.half == half
                crossed[own] = other.forecast_profiles(profiles)[counts.profile[own]]
            crossed = crossed[known]
        model.fit_counts(profiles, *counts.by_profile(size, everything))
        adjustment.fit(counts.cell[known], crossed, counts.trials[known], counts.conversions[known])
        yield period, _forecaster(model, trial, adjustment)


def _forecaster(model: Model, trial: Trial, adjustment: Adjustment) -> Forecast:
    def forecast(rows: NDArray[np.intp]) -> NDArray[np.float64]:
        own = None
        if not model.is_baseline or model.name == "base_rate":
            own = model.forecast(trial.landmarks.take(rows, model.weight_columns))
        if own is not None and model.is_baseline:
            return own
        return adjustment.forecast(trial.activity.cell[rows], own)

    return forecast


def walk_forward(model: Model, trial: Trial) -> Scores:
    """Score one model over all periods.

    Parameters
    ----------
    model
        It is fitted anew for each period, on what was mature before the period began.
    trial
        Landmarks and calendar.

    Returns
    -------
    Scores
        Sums per period and bucket.
    """
    return walk_slices(model, trial)[ALL]


def walk_slices(model: Model, trial: Trial) -> dict[str, Scores]:
    """Score one model over all periods, on all users and on each segment of them.

    The forecasts are those of one model, fitted on everybody.

    Returns
    -------
    Sums per period and bucket, by segment; those of all users first.
    """
    scores = {ALL: Scores.empty(len(trial))}
    # The matrices are small: threads of BLAS would wait for each other more than they work, on a
    # busy machine a hundred times more.
    with threadpool_limits(1, user_api="blas"):
        for period, forecast in forecasts(model, trial):
            rows = trial.tested[period]
            add_slices(scores, trial, period, rows, forecast(rows))
    return scores


def add_slices(
    scores: dict[str, Scores],
    trial: Trial,
    period: int,
    rows: NDArray[np.intp],
    forecast: NDArray[np.float64],
) -> None:
    """Add the forecasts of one period's landmarks to the scores of all users and of segments."""
    landmarks = trial.landmarks
    bucket, converted = landmarks.bucket[rows], landmarks.converted[rows]
    count = landmarks.count[rows]
    scores[ALL].add(period, bucket, converted, forecast, count)
    for label, own in (part for column in trial.segments for part in column.split(rows)):
        slot = scores.setdefault(label, Scores.empty(len(trial)))
        slot.add(period, bucket[own], converted[own], forecast[own], count[own])
