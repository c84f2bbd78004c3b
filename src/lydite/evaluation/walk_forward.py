"""The walk forward: period by period, fit on what was known and forecast what came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from lydite.evaluation.adjustment import Adjustment, log_odds
from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import ALL
from lydite.models.landmarks import Profiles, counted, distinct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lydite.evaluation.split import Ahead, Trial
    from lydite.models import Model


class _Counts:
    """Training counts by (half of the buckets, profile, activity cell), grown period by period."""

    def __init__(self, trial: Trial, profiles: Profiles) -> None:
        cells, size = len(trial.activity.levels), len(profiles)
        half = trial.landmarks.bucket & 1
        key = (half * np.intp(size) + profiles.index) * cells + trial.activity.cell
        middle = size * cells
        if 2 * middle <= len(key):  # so few that all may have a number, met or not
            keys, self._row = np.arange(2 * middle), key
        else:
            row, first = distinct(key)
            order = np.argsort(key[first] >= middle, kind="stable")
            place = np.empty_like(order)
            place[order] = np.arange(len(order))
            keys, self._row = key[first][order], place[row]
        # One half after the other, so that each is a slice.
        split = int(np.searchsorted(keys >= middle, 1))
        self.halves = (slice(split), slice(split, None))
        self.profile, self.cell = keys // cells % size, keys % cells
        self.trials, self.conversions = np.zeros(len(keys)), np.zeros(len(keys))
        self._trial = trial

    def go_on(self, periods: range) -> None:
        """Go on over periods: add the landmarks they release, take off those they withdraw."""
        for period in periods:
            self._add(self._trial.released[period], 1.0)
            self._add(self._trial.withdrawn[period], -1.0)

    def _add(self, rows: NDArray[np.intp], sign: float) -> None:
        if not len(rows):
            return
        landmarks, row = self._trial.landmarks, self._row[rows]
        self.trials += sign * counted(row, landmarks.count[rows], len(self.trials))
        self.conversions += sign * counted(row, landmarks.hits[rows], len(self.trials))

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
        self._counts = [_Counts(own, _one_profile(own)) for own in (trial, sample)]
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


def _one_profile(trial: Trial) -> Profiles:
    return Profiles(np.zeros_like(trial.activity.cell), np.zeros((1, 0)))


def _adjust(adjustment: Adjustment, counts: _Counts, crossed: NDArray[np.float64] | None) -> None:
    """Fit an adjustment on what is known, with the forecast of each count."""
    known = counts.trials > 0
    own = None if crossed is None else crossed[known]
    adjustment.fit(counts.cell[known], own, counts.trials[known], counts.conversions[known])


def forecasts(model: Model, trial: Trial) -> Iterator[tuple[range, NDArray[np.float64]]]:
    """Yield periods with the forecasts of their landmarks, fitted on what was known before them.

    The forecasts are log-odds, adjusted for activity. The adjustment is fitted on forecasts of one
    half of the buckets by a model of the other half: on its own training data, an overfitted rival
    looks better than it is.
    """
    model = clone(model)  # what it was fitted on before does not matter
    # What sees the order alone learns from all landmarks as easily as from few. From few it would
    # learn a little less, and lose to a twin that learns from all.
    sample = trial if model.sees_order_only else trial.sample(model.enough_landmarks)
    profiles = model.encode(sample.landmarks)
    counts = _Counts(sample, profiles)
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
        yield span, _forecast(model, profiles, trial.ahead(span), adjustment)


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
            score = log_odds(other.forecast_profiles(profiles))
            crossed[own] = score[counts.profile[own]]
    model.fit_counts(profiles, *counts.by_profile(size))
    _adjust(adjustment, counts, crossed)


def _forecast(
    model: Model, profiles: Profiles, ahead: Ahead, adjustment: Adjustment
) -> NDArray[np.float64]:
    """Return the log-odds of what is forecast, adjusted but for the base rate."""
    if model.is_baseline and model.name != "base_rate":
        return adjustment.adjusted(ahead.cell, None)
    if model.sees_order_only:  # its profiles are those of all landmarks
        score = log_odds(model.forecast_profiles(profiles))[profiles.index[ahead.rows]]
    else:
        score = log_odds(model.forecast(ahead.landmarks))
    return score if model.is_baseline else adjustment.adjusted(ahead.cell, score)


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
            add_slices(scores, trial.ahead(span), forecast)
    return scores


def add_slices(scores: dict[str, Scores], ahead: Ahead, forecast: NDArray[np.float64]) -> None:
    """Add forecasts, as log-odds, to the scores of all users and of segments."""
    scores[ALL].add_outcomes(ahead.outcomes, forecast)
    for label, own, outcomes in ahead.slices:
        slot = scores.setdefault(label, Scores.like(scores[ALL]))
        slot.add_outcomes(outcomes, forecast[own])
