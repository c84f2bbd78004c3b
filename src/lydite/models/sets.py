"""Models that depend on the set of channels on the path, not on order or number of touches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lydite.models.base import ProportionalModel
from lydite.paths.arrays import factorize, sums_of_slices
from lydite.paths.landmarks import PathChannels, UniqueFeatures

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from lydite.paths.landmarks import Landmarks, Paths

#: The smallest and the largest forecast: none is ever certain.
LEAST, MOST = 1e-12, 1 - 1e-12

_BITS = 63  # of a number
_CHANNELS_PER_KEY = 48  # sums of so many powers of 2 are exact in floating point


class SetModel(ProportionalModel):
    """A model that depends on the set of channels on the path, not on order or number of touches.

    A subclass forecasts how likely each set of channels is to convert (`fit_counts` and
    `forecast_unique`). Its feature rows are a sparse (k, channels) matrix of ones. By default, the
    credit of a channel is in proportion to what the forecast loses without it. A complete model:

    >>> from sklearn.linear_model import PoissonRegressor
    >>> class Intensity(SetModel):
    ...     name, claim = "intensity", "which channels are on the path, each multiplying the rate"
    ...
    ...     def fit_counts(self, features, trials, conversions):
    ...         sets, n, k = observed_sets(features, trials, conversions)
    ...         self.regressor_ = PoissonRegressor(alpha=1e-6).fit(sets, k / n, sample_weight=n)
    ...         return self
    ...
    ...     def forecast_unique(self, features):
    ...         return np.clip(self.regressor_.predict(features.rows), LEAST, MOST)
    """

    def encode(self, landmarks: Landmarks) -> UniqueFeatures:
        """Return the distinct sets of channels, as a sparse (k, channels) matrix of ones."""
        paths = landmarks.paths
        sets = channel_sets(paths.path_channels, len(paths), len(landmarks.channels))
        return UniqueFeatures(sets.inverse[landmarks.path], sets.rows)

    def encode_paths(self, paths: Paths) -> UniqueFeatures:
        """Return the distinct sets of channels on the paths, in the same form."""
        return channel_sets(paths.path, len(paths), len(paths.channels))

    def entry_values(
        self, features: UniqueFeatures
    ) -> tuple[sparse.csr_array[np.float64], NDArray[np.float64]]:
        """Return what the forecast loses without each channel of a set.

        A channel whose absence raises the forecast has 0.
        """
        sets: sparse.csr_array[np.float64] = features.rows
        known, fewer = getattr(self, "_fewer", (None, None))
        if known is not sets or fewer is None:  # refits ask for the same sets
            fewer = without_each(sets)
            self._fewer = sets, fewer
        full = np.repeat(self.forecast_unique(features), np.diff(sets.indptr))
        return sets, np.maximum(full - self.forecast_unique(fewer)[fewer.inverse], 0)


def observed_sets(
    features: UniqueFeatures, trials: NDArray[np.floating], conversions: NDArray[np.floating]
) -> tuple[sparse.csr_array[np.float64], NDArray[np.floating], NDArray[np.floating]]:
    """Return the sets that occur, with their counts, in an order that depends on the counts alone.

    A fit that draws at random then gives the same result in any order of its input.

    Parameters
    ----------
    features
        k distinct sets.
    trials, conversions : (k,) counts
    """
    rows: sparse.csr_array[np.float64] = features.rows
    seen = np.flatnonzero(trials > 0)
    # Order channels by counts: their numbers may change as data comes in.
    channel = np.lexsort((rows.T @ conversions, rows.T @ trials))
    place = np.arange(len(channel))
    powers = np.zeros((len(channel), len(channel) // _CHANNELS_PER_KEY + 1))
    powers[channel, place // _CHANNELS_PER_KEY] = 2.0 ** (place % _CHANNELS_PER_KEY)
    order = seen[np.lexsort(np.asarray(rows[seen] @ powers).T)]
    return rows[order], trials[order], conversions[order]


def without_each(sets: sparse.csr_array[np.float64]) -> UniqueFeatures:
    """Return every set without each of its channels in turn.

    Parameters
    ----------
    sets : (k, channels) sparse matrix of ones

    Returns
    -------
    UniqueFeatures
        Of the stored entries of `sets`, in their order: entry (S, c) has the row of S without c.
    """
    size = np.diff(sets.indptr)
    entries, channels = len(sets.indices), sets.shape[1]
    set_of_entry = np.repeat(np.arange(len(size)), size)
    copies = sets[set_of_entry]
    entry = np.repeat(np.arange(entries), size[set_of_entry])
    left = copies.indices != sets.indices[entry]
    ones = np.ones(int(left.sum()), dtype=np.intp)
    return channel_sets(PathChannels(entry[left], copies.indices[left], ones), entries, channels)


def channel_sets(path: PathChannels, paths: int, channels: int) -> UniqueFeatures:
    """Return the distinct sets of channels on paths.

    Parameters
    ----------
    path
        The channels on each path.
    paths, channels
        The number of paths and of channels.

    Returns
    -------
    UniqueFeatures
        Its rows are a sparse (k, channels) matrix of ones, a row for each distinct set.
    """
    # A set is the sum of the numbers of its channels: powers of 2, or random ones as a hash.
    if channels <= _BITS:
        codes = np.uint64(1) << np.arange(channels, dtype=np.uint64)
    else:
        codes = np.random.default_rng(0).integers(0, 2**64, size=channels, dtype=np.uint64)
    inverse, first = factorize(sums_of_slices(codes[path.channel], path.starts(paths)))
    sets = path.take(first, paths)
    return UniqueFeatures(inverse, sets.matrix(np.ones(len(sets.row)), len(first), channels))
