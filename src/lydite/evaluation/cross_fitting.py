"""Cross-fitting: a model of all that is known, and of either half of the buckets of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from lydite.evaluation.adjustment import log_odds
from lydite.models.landmarks import counted, distinct

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.evaluation.split import Trial
    from lydite.models import Model, Profiles


class Counts:
    """Training counts by (half of the buckets, profile, activity cell), grown period by period."""

    def __init__(self, trial: Trial, profiles: Profiles) -> None:
        cells, size = len(trial.activity.levels), len(profiles)
        middle = size * cells
        # Numbers of 32 bits are told apart several times as fast.
        half = trial.landmarks.bucket & 1
        key: NDArray[Any] = half.astype(np.int32 if 2 * middle < 2**31 else np.int64)
        key *= size
        key += profiles.index
        key *= cells
        key += trial.activity.cell
        if 2 * middle <= len(key):  # so few that all may have a number, met or not
            keys: NDArray[Any] = np.arange(2 * middle)
            self._row = key
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
        landmarks, converted = self._trial.landmarks, rows[self._trial.landmarks.converted[rows]]
        self.trials += sign * self._counted(rows, landmarks.count)
        self.conversions += sign * self._counted(converted, landmarks.count)

    def _counted(self, rows: NDArray[np.intp], count: NDArray[np.floating]) -> NDArray[np.float64]:
        return counted(self._row[rows], count[rows], len(self.trials))

    def by_profile(
        self, profiles: int, rows: slice = slice(None)
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return trials and conversions of each profile, over some of the rows."""
        return (
            counted(self.profile[rows], self.trials[rows], profiles),
            counted(self.profile[rows], self.conversions[rows], profiles),
        )


class CrossFitted:
    """A model that is fitted on what is known, again and again as more of it is.

    Parameters
    ----------
    model
        What it was fitted on before does not matter.
    trial
        Its landmarks train.

    Attributes
    ----------
    model
        Fitted on all that is known.
    profiles
        What it sees of the landmarks.
    counts
        Their counts.
    """

    def __init__(self, model: Model, trial: Trial) -> None:
        self.model = clone(model)
        self.profiles = self.model.encode(trial.landmarks)
        self.counts = Counts(trial, self.profiles)
        # Each goes on from its own fit of the periods before: a warm start saves steps.
        self._crossing = (clone(model), clone(model))
        self._gone = 0

    def fit_before(self, period: int) -> None:
        """Fit on what was known before a period; periods only go on."""
        self.counts.go_on(range(self._gone, period + 1))
        self._gone = period + 1
        size, halves = len(self.profiles), self.counts.halves
        self.model.fit_counts(self.profiles, *self.counts.by_profile(size))
        if not self.model.is_baseline:
            for other, rest in zip(self._crossing, halves[::-1], strict=True):
                other.fit_counts(self.profiles, *self.counts.by_profile(size, rest))

    def crossed(self) -> list[NDArray[np.float64]]:
        """Return log-odds of the profiles in each half of the buckets, by a model of the other."""
        return [log_odds(other.forecast_profiles(self.profiles)) for other in self._crossing]
