"""The walk forward: period by period, fit on what was known and forecast what came."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
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
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lydite.evaluation.calendar import Calendar
    from lydite.evaluation.segments import SegmentColumn
    from lydite.models import Landmarks, Model

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
    _ahead: dict[int, Landmarks] = field(default_factory=dict, init=False, repr=False)
    _samples: dict[int, Trial] = field(default_factory=dict, init=False, repr=False)

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

    def sample(self, at_most: int | None) -> Trial:
        """Return the trial with at most so many landmarks that train, as whole buckets.

        Buckets are left out by what is known before each period: what comes later changes nothing
        of the periods before.
        """
        if at_most is None or len(self.landmarks) <= at_most:
            return self
        if at_most not in self._samples:  # many models ask for the same
            self._samples[at_most] = self._drawn(at_most)
        return replace(self._samples[at_most], wanted=self.wanted)

    def _drawn(self, at_most: int) -> Trial:
        kept = self._buckets_within(at_most)
        bucket = self.landmarks.bucket
        released = [own[bucket[own] < k] for own, k in zip(self.released, kept, strict=True)]
        withdrawn = [own[bucket[own] < k] for own, k in zip(self.withdrawn, kept, strict=True)]
        for period in range(1, len(self)):
            known = np.concatenate(released[:period])
            leaves = (bucket[known] >= kept[period]) & (bucket[known] < kept[period - 1])
            withdrawn[period] = np.append(withdrawn[period], known[leaves])
        used = np.zeros(len(self.landmarks), dtype=bool)
        for own in released:
            used[own] = True
        rows = np.flatnonzero(used)
        place = np.where(used, np.cumsum(used) - 1, -1)
        return replace(
            self,
            landmarks=self.landmarks.take(rows),
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

    def ahead(self, period: int) -> Landmarks:
        """Return the landmarks that are forecast in a period."""
        if period not in self._ahead:  # all models forecast the same: taken out once
            self._ahead[period] = self.landmarks.take(self.tested[period])
        return self._ahead[period]

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


def forecasts(model: Model, trial: Trial) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Yield each period with the forecasts of its landmarks, fitted on what was known before it.

    The forecasts are adjusted for activity. The adjustment is fitted on forecasts of one half of
    the buckets by a model of the other half: on its own training data, an overfitted rival looks
    better than it is.
    """
    model = clone(model)  # what it was fitted on before does not matter
    sample = trial.sample(model.enough_landmarks)
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
        yield period, _forecast(model, trial, period, adjustment)


def _forecast(
    model: Model, trial: Trial, period: int, adjustment: Adjustment
) -> NDArray[np.float64]:
    if model.name == "base_rate":
        return model.forecast(trial.ahead(period))
    own = None if model.is_baseline else model.forecast(trial.ahead(period))
    return adjustment.forecast(trial.activity.cell[trial.tested[period]], own)


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
            add_slices(scores, trial, period, forecast)
    return scores


def add_slices(
    scores: dict[str, Scores],
    trial: Trial,
    period: int,
    forecast: NDArray[np.float64],
) -> None:
    """Add the forecasts of one period's landmarks to the scores of all users and of segments."""
    rows, ahead = trial.tested[period], trial.ahead(period)
    bucket, converted, count = ahead.bucket, ahead.converted, ahead.count
    scores[ALL].add(period, bucket, converted, forecast, count)
    for label, own in (part for column in trial.segments for part in column.split(rows)):
        slot = scores.setdefault(label, Scores.empty(len(trial)))
        slot.add(period, bucket[own], converted[own], forecast[own], count[own])
