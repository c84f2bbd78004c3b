"""Cross-fitting: a model of all that is known, and of either half of the buckets of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from lydite.evaluation.adjustment import log_odds
from lydite.paths.compiled import compiled
from lydite.paths.grouping import distinct

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.evaluation.splits import Split
    from lydite.models import Model, UniqueFeatures


class Counts:
    """Training counts by (half of the buckets, feature row, activity cell), grown period by period.

    Attributes
    ----------
    half_row : (m,) integers
        The feature row of each count; those of the other half of the buckets are numbered after.
    cell : (m,) integers
    trials, conversions : (m,) counts
    """

    def __init__(self, split: Split, features: UniqueFeatures) -> None:
        cells, self._features = len(split.activity.levels), len(features)
        size = 2 * self._features * cells
        # Numbers of 32 bits go through memory twice as fast.
        key: NDArray[Any] = np.empty(
            len(split.landmarks), dtype=np.int32 if size < 2**31 else np.int64
        )
        _number(
            split.landmarks.bucket,
            features.inverse,
            split.activity.cell,
            self._features,
            cells,
            key,
        )
        if size <= len(key):  # so few that all may have a number, met or not
            keys: NDArray[Any] = np.arange(size)
            self._row = key
        else:
            self._row, first = distinct(key)
            keys = key[first]
        self.half_row, self.cell = np.divmod(keys, cells)
        self.trials, self.conversions = np.zeros(len(keys)), np.zeros(len(keys))
        self._split = split

    def go_on(self, periods: range) -> None:
        """Go on over periods: add the landmarks they release, take off those they withdraw."""
        for period in periods:
            self._add(self._split.train_added[period], 1.0)
            self._add(self._split.train_removed[period], -1.0)

    def _add(self, landmarks: NDArray[np.integer], sign: float) -> None:
        own, totals = self._split.landmarks, (self.trials, self.conversions)
        _count(landmarks, sign, self._row, own.converted, own.count, *totals)

    @property
    def by_half(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Trials and conversions of each feature row in each half of the buckets, (2, k)."""
        sums = np.zeros((2, 2 * self._features))
        _sum_by_half(self.half_row, self.trials, self.conversions, *sums)
        return sums[0].reshape(2, -1), sums[1].reshape(2, -1)


@compiled
def _number(
    bucket: NDArray[np.integer],
    feature_row: NDArray[np.integer],
    cell: NDArray[np.integer],
    features: int,
    cells: int,
    key: NDArray[np.integer],
) -> None:
    """Give the same number to what is counted together."""
    for row in range(len(key)):
        key[row] = ((bucket[row] & 1) * features + feature_row[row]) * cells + cell[row]


@compiled
def _count(
    landmarks: NDArray[np.integer],
    sign: float,
    row: NDArray[np.integer],
    converted: NDArray[np.bool_],
    count: NDArray[np.floating],
    trials: NDArray[np.float64],
    conversions: NDArray[np.float64],
) -> None:
    """Add some landmarks to the counts of their rows."""
    for number in landmarks:
        trials[row[number]] += sign * count[number]
        if converted[number]:
            conversions[row[number]] += sign * count[number]


@compiled
def _sum_by_half(
    half_row: NDArray[np.integer],
    trials: NDArray[np.float64],
    conversions: NDArray[np.float64],
    sum_of_trials: NDArray[np.float64],
    sum_of_conversions: NDArray[np.float64],
) -> None:
    """Sum up what is met by half and feature row: `counted` for both at once."""
    for row in range(len(half_row)):
        if trials[row] > 0:
            sum_of_trials[half_row[row]] += trials[row]
            sum_of_conversions[half_row[row]] += conversions[row]


class CrossFitted:
    """A model that is fitted on what is known, again and again as more of it is.

    Parameters
    ----------
    model
        What it was fitted on before does not matter.
    split
        Its landmarks train.

    Attributes
    ----------
    model
        Fitted on all that is known.
    features
        What it sees of the landmarks.
    counts
        Their counts.
    """

    def __init__(self, model: Model, split: Split) -> None:
        self.model = clone(model)
        self.features = self.model.encode(split.landmarks)
        self.counts = Counts(split, self.features)
        # Each goes on from its own fit of the periods before: a warm start saves steps.
        self._crossing = (clone(model), clone(model))
        self._gone = 0

    def fit_before(self, period: int) -> None:
        """Fit on what was known before a period; periods only go on."""
        self.counts.go_on(range(self._gone, period + 1))
        self._gone = period + 1
        trials, conversions = self.counts.by_half
        self.model.fit_counts(self.features, trials.sum(axis=0), conversions.sum(axis=0))
        if not self.model.is_baseline:
            for other, half in zip(self._crossing, (1, 0), strict=True):
                other.fit_counts(self.features, trials[half], conversions[half])

    def crossed(self) -> NDArray[np.float64]:
        """Return log-odds of the (2, k) feature rows in each half, by a model of the other half."""
        return np.array(
            [log_odds(other.forecast_unique(self.features)) for other in self._crossing]
        )
