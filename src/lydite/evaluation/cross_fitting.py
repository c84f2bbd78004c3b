"""Cross-fitting: a model fitted on all training data, and on each half of its buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lydite.evaluation.adjustment import log_odds
from lydite.models.estimator import clone
from lydite.paths.arrays import as_slice, factorize, group_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.evaluation.day_levels import Levels
    from lydite.evaluation.splits import Split
    from lydite.models import Landmarks, Model, UniqueFeatures


class Counts:
    """Training counts by half of the buckets, feature row and activity cell, updated by period.

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
        # Numbers of 32 bits take half the time to read and write.
        key: NDArray[np.integer] = np.asarray(
            split.landmarks.bucket & 1, dtype=np.int32 if size < 2**31 else np.int64
        )
        for number, factor in ((features.inverse, self._features), (split.activity.cell, cells)):
            key = key * factor + number
        keys: NDArray[np.integer]
        if size <= len(key):  # few enough to count all that can occur
            keys, self._row = np.arange(size), key
        else:
            self._row, first = factorize(key)
            keys = key[first]
        self.half_row, self.cell = np.divmod(keys, cells)
        self.trials, self.conversions = np.zeros(len(keys)), np.zeros(len(keys))
        self._split = split

    def add_periods(self, periods: range) -> None:
        """Add the landmarks that periods add to the training data, and remove those they remove."""
        for landmarks, sign in ((self._split.train_added, 1.0), (self._split.train_removed, -1.0)):
            self._add(np.concatenate([landmarks[period] for period in periods]), sign)

    def _add(self, landmarks: NDArray[np.integer], sign: float) -> None:
        columns, some = self._split.landmarks, as_slice(landmarks)
        row, count, hit = self._row[some], columns.count[some], columns.converted[some]
        self.trials += sign * group_sums(row, count, len(self.trials))
        self.conversions += sign * group_sums(row[hit], count[hit], len(self.trials))

    def exposure(self, period: int, levels: Levels) -> NDArray[np.float64]:
        """Return the exposure of each count before a period, as `Adjustment.fit` uses it."""
        split, timing = self._split, self._split.timing
        if timing is None:
            raise ValueError("folds are not in time")
        some = as_slice(split.training_rows(period))
        level = levels.day[timing.stratum[some]] * levels.hour[timing.hour[some]]
        return group_sums(self._row[some], level * split.landmarks.count[some], len(self.trials))

    @property
    def by_half(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The (2, k) trials and conversions of each feature row in each half of the buckets."""
        trials, conversions = (
            group_sums(self.half_row, counts, 2 * self._features).reshape(2, -1)
            for counts in (self.trials, self.conversions)
        )
        return trials, conversions


class CrossFitted:
    """A model that is refitted as its training data grows.

    Parameters
    ----------
    model
        Earlier fits of it do not matter.
    split
        Its landmarks are the training data.

    Attributes
    ----------
    model
        Fitted on all training data.
    features
        The features of the landmarks.
    counts
        The training counts of the features.
    """

    def __init__(self, model: Model, split: Split) -> None:
        self.model = clone(model)
        self.features = self.model.encode(split.landmarks)
        self.counts = Counts(split, self.features)
        # Each starts at its fit of the periods before, which saves steps.
        self._half_models = (clone(model), clone(model))
        self._next_period = 0

    def fit_before(self, period: int) -> None:
        """Fit on the training data before a period; call it with ascending periods."""
        self.counts.add_periods(range(self._next_period, period + 1))
        self._next_period = period + 1
        trials, conversions = self.counts.by_half
        self.model.fit_counts(self.features, trials.sum(axis=0), conversions.sum(axis=0))
        if not self.model.is_baseline:
            for other, half in zip(self._half_models, (1, 0), strict=True):
                other.fit_counts(self.features, trials[half], conversions[half])

    def crossed(self) -> NDArray[np.float64]:
        """Return log-odds of the (2, k) feature rows in each half, by a model of the other half."""
        return np.array(
            [log_odds(other.forecast_unique(self.features)) for other in self._half_models]
        )

    def forecast_crossed(self, landmarks: Landmarks) -> NDArray[np.float64]:
        """Return log-odds of any landmarks, each by the model of the other half of the buckets."""
        even, odd = (log_odds(other.forecast(landmarks)) for other in self._half_models)
        return np.where(landmarks.bucket & 1 == 0, even, odd)
