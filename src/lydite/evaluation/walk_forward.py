"""The walk forward: period by period, fit on what was known and forecast what came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from lydite.evaluation.adjustment import Adjustment
from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import ALL
from lydite.models.landmarks import counted, distinct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lydite.evaluation.split import Trial
    from lydite.models import Model, Profiles


class _Counts:
    """Training counts by (profile, activity cell, half of the buckets), grown period by period."""

    def __init__(self, trial: Trial, profile: NDArray[np.integer]) -> None:
        cells = len(trial.activity.levels)
        half = trial.landmarks.bucket.astype(np.int64) & 1
        key = (profile.astype(np.int64) * cells + trial.activity.cell) * 2 + half
        row, first = distinct(key)
        # One half after the other, so that each is a slice.
        order = np.argsort(half[first], kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        first, self._row, self._trial = first[order], place[row], trial
        self.profile = profile[first]
        self.cell = trial.activity.cell[first]
        middle = int(np.searchsorted(half[first], 1))
        self.halves = (slice(middle), slice(middle, None))
        self.trials = np.zeros(len(first))
        self.conversions = np.zeros(len(first))

    def go_on(self, periods: range) -> None:
        """Go on over periods: add the landmarks they release, take off those they withdraw."""
        for period in periods:
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
        self, profiles: int, rows: slice = slice(None)
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return trials and conversions of each profile, over some of the rows."""
        return (
            counted(self.profile[rows], self.trials[rows], profiles),
            counted(self.profile[rows], self.conversions[rows], profiles),
        )


class _Refinement:
    """What all landmarks say of activity alone, less what a sample of them says.

    That is noise of the sample, and a rival that is fitted on the sample has nearly the same in its
    terms for activity, whatever it says of paths: they are refined by it [1]_. Without, a rival
    that knows nothing would lose to touch volume, which is fitted on all.

    References
    ----------
    .. [1] Chen & Chen (2000), "A unified approach to regression analysis under double-sampling
       designs", *Journal of the Royal Statistical Society B* 62(3).
    """

    def __init__(self, trial: Trial, sample: Trial) -> None:
        self._counts = [_Counts(own, np.zeros_like(own.activity.cell)) for own in (trial, sample)]
        self._adjustments = [Adjustment(trial.activity.design()) for _ in self._counts]

    def go_on(self, periods: range) -> None:
        """Go on over periods."""
        for counts in self._counts:
            counts.go_on(periods)

    def terms(self) -> NDArray[np.float64]:
        """Return what to add to the terms of an adjustment that is fitted on the sample."""
        for adjustment, counts in zip(self._adjustments, self._counts, strict=True):
            _adjust(adjustment, counts, None)
        every, some = (adjustment.terms_ for adjustment in self._adjustments)
        return np.asarray(every - some)


def _adjust(adjustment: Adjustment, counts: _Counts, crossed: NDArray[np.float64] | None) -> None:
    """Fit an adjustment on what is known, with the forecast of each count."""
    known = counts.trials > 0
    own = None if crossed is None else crossed[known]
    adjustment.fit(counts.cell[known], own, counts.trials[known], counts.conversions[known])


def forecasts(model: Model, trial: Trial) -> Iterator[tuple[range, NDArray[np.float64]]]:
    """Yield periods with the forecasts of their landmarks, fitted on what was known before them.

    The forecasts are adjusted for activity. The adjustment is fitted on forecasts of one half of
    the buckets by a model of the other half: on its own training data, an overfitted rival looks
    better than it is.
    """
    model = clone(model)  # what it was fitted on before does not matter
    # What sees the order alone learns from all landmarks as easily as from few. From few it would
    # learn a little less, and lose to a twin that learns from all.
    sample = trial if model.sees_order_only else trial.sample(model.enough_landmarks)
    profiles = model.encode(sample.landmarks)
    counts = _Counts(sample, profiles.index)
    adjustment = Adjustment(trial.activity.design())
    refinement = None if sample is trial else _Refinement(trial, sample)
    # Each goes on from its own fit of the periods before: a warm start saves steps.
    crossing = (clone(model), clone(model))
    gone = 0
    for span in trial.spans():
        passed, gone = range(gone, span.start + 1), span.start + 1
        counts.go_on(passed)
        _fit(model, crossing, adjustment, profiles, counts)
        if refinement is not None:
            refinement.go_on(passed)
            adjustment.terms_ = adjustment.terms_ + refinement.terms()
        yield span, _forecast(model, trial, span, adjustment)


def _fit(
    model: Model,
    crossing: tuple[Model, Model],
    adjustment: Adjustment,
    profiles: Profiles,
    counts: _Counts,
) -> None:
    """Fit a model on the counts, and the adjustment on forecasts crossed over the halves."""
    size, crossed = len(profiles), None
    if not model.is_baseline:
        crossed = np.empty(len(counts.trials))
        for other, own, rest in zip(crossing, counts.halves, counts.halves[::-1], strict=True):
            other.fit_counts(profiles, *counts.by_profile(size, rest))
            crossed[own] = other.forecast_profiles(profiles)[counts.profile[own]]
    model.fit_counts(profiles, *counts.by_profile(size))
    _adjust(adjustment, counts, crossed)


def _forecast(
    model: Model, trial: Trial, span: range, adjustment: Adjustment
) -> NDArray[np.float64]:
    if model.name == "base_rate":
        return model.forecast(trial.ahead(span))
    own = None if model.is_baseline else model.forecast(trial.ahead(span))
    rows, _ = trial.tested_in(span)
    return adjustment.forecast(trial.activity.cell[rows], own)


def walk_forward(model: Model, trial: Trial) -> Scores:
    """Score one model over all periods.

    Parameters
    ----------
    model
        It is fitted on what was mature before a period began, and again once that has grown.
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
        for span, forecast in forecasts(model, trial):
            add_slices(scores, trial, span, forecast)
    return scores


def add_slices(
    scores: dict[str, Scores], trial: Trial, span: range, forecast: NDArray[np.float64]
) -> None:
    """Add the forecasts of some periods' landmarks to the scores of all users and of segments."""
    (rows, period), ahead = trial.tested_in(span), trial.ahead(span)
    bucket, converted, count = ahead.bucket, ahead.converted, ahead.count
    scores[ALL].add(period, bucket, converted, forecast, count)
    for label, own in (part for column in trial.segments for part in column.split(rows)):
        slot = scores.setdefault(label, Scores.empty(len(trial)))
        slot.add(period[own], bucket[own], converted[own], forecast[own], count[own])
