"""Sets of channels: which channels were met on a path, whatever their order and number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from lydite.models.base import Model
from lydite.paths.arrays import factorize, normalize_rows, sums_of_slices
from lydite.paths.landmarks import PathChannels, UniqueFeatures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.paths.landmarks import Landmarks, Paths

#: The smallest and the largest forecast: none is ever certain.
LEAST, MOST = 1e-12, 1 - 1e-12

_CHANNELS_PER_KEY = 48  # sums of so many powers of 2 are exact in floating point


class SetModel(Model):
    """A model that sees which channels were met, and neither their order nor their number.

    A subclass says how likely each set of channels is to convert (`fit_counts` and
    `forecast_unique`). Its feature rows are a sparse (k, channels) matrix of ones.
    Unless it has another idea of credit, a channel has the part of the forecast that is lost when
    the channel is taken out of the set. This is a whole model:

    >>> from sklearn.linear_model import PoissonRegressor
    >>> class Intensity(SetModel):
    ...     name, claim = "intensity", "which channels were met, each multiplying the rate"
    ...
    ...     def fit_counts(self, features, trials, conversions):
    ...         met, n, k = observed_sets(features, trials, conversions)
    ...         self.regressor_ = PoissonRegressor(alpha=1e-6).fit(met, k / n, sample_weight=n)
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

    def shares(self, features: UniqueFeatures) -> sparse.csr_array[np.float64]:
        """Return what the forecast loses without each channel, as shares of all that is lost.

        A channel whose absence raises the forecast has no share; where no channel's absence lowers
        it, all share alike.
        """
        met: sparse.csr_array[np.float64] = features.rows
        full = np.repeat(self.forecast_unique(features), np.diff(met.indptr))
        fewer = without_each(met)
        lost = np.maximum(full - self.forecast_unique(fewer)[fewer.inverse], 0)
        return normalize_rows(sparse.csr_array((lost, met.indices, met.indptr), shape=met.shape))


def observed_sets(
    features: UniqueFeatures, trials: NDArray[np.floating], conversions: NDArray[np.floating]
) -> tuple[sparse.csr_array[np.float64], NDArray[np.floating], NDArray[np.floating]]:
    """Return the sets that were met at least once, with their counts, in an order of their own.

    So a fit that draws at random, or sums, gives the same whatever the order of its input.

    Parameters
    ----------
    features
        k distinct sets.
    trials, conversions : (k,) counts
    """
    rows: sparse.csr_array[np.float64] = features.rows
    seen = np.flatnonzero(trials > 0)
    # Channels in an order that what was counted tells: their numbers may change as data comes in.
    channel = np.lexsort((rows.T @ conversions, rows.T @ trials))
    place = np.arange(len(channel))
    powers = np.zeros((len(channel), len(channel) // _CHANNELS_PER_KEY + 1))
    powers[channel, place // _CHANNELS_PER_KEY] = 2.0 ** (place % _CHANNELS_PER_KEY)
    order = seen[np.lexsort(np.asarray(rows[seen] @ powers).T)]
    return rows[order], trials[order], conversions[order]


def without_each(met: sparse.csr_array[np.float64]) -> UniqueFeatures:
    """Return every set without each of its channels in turn, each distinct result once.

    Parameters
    ----------
    met : (k, channels) sparse matrix of ones

    Returns
    -------
    UniqueFeatures
        Of the stored entries of `met`, in their order: entry (S, c) has the row of S without c.
    """
    size = np.diff(met.indptr)
    entries, channels = len(met.indices), met.shape[1]
    set_of_entry = np.repeat(np.arange(len(size)), size)
    copies = met[set_of_entry]
    entry = np.repeat(np.arange(entries), size[set_of_entry])
    left = copies.indices != met.indices[entry]
    ones = np.ones(int(left.sum()), dtype=np.intp)
    return channel_sets(PathChannels(entry[left], copies.indices[left], ones), entries, channels)


def channel_sets(path: PathChannels, paths: int, channels: int) -> UniqueFeatures:
    """Return the distinct sets of channels on paths.

    Parameters
    ----------
    path
        The channels on each path.
    paths, channels
        How many paths and channels there are.

    Returns
    -------
    UniqueFeatures
        Its rows are a sparse (k, channels) matrix of ones, a row for each distinct set.
    """
    # The hash of a set is the sum of random 64-bit numbers of its channels.
    codes = np.random.default_rng(0).integers(0, 2**64, size=channels, dtype=np.uint64)
    inverse, first = factorize(sums_of_slices(codes[path.channel], path.starts(paths)))
    met = path.take(first, paths)
    return UniqueFeatures(inverse, met.matrix(np.ones(len(met.row)), len(first), channels))
