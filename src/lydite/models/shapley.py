"""Shapley values: a rate for each set of channels, and its division among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from lydite.errors import InputError
from lydite.models.estimator import check_is_fitted
from lydite.models.markov import most_likely_pseudo_count
from lydite.models.mixture import base_rate
from lydite.models.sets import LEAST, MOST, SetModel
from lydite.paths.arrays import group_sums
from lydite.paths.landmarks import UniqueFeatures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from scipy import sparse

    from lydite.models.base import FeatureCounts, Model
    from lydite.paths.landmarks import Landmarks, Paths

#: With more channels there are too many coalitions: 20 make up to a million.
MAX_CHANNELS = 20


class Shapley(SetModel):
    """The set of channels on the path decides, in any order [1]_ [2]_.

    *Forecast.* A landmark converts at the rate of its set. The rate of a set is shrunk to the mean
    rate ``p`` of the sets with one channel less: it is ``(k + m p) / (n + m)``, with ``k``
    conversions among ``n`` landmarks. The pseudo-count ``m`` maximises the likelihood of the
    training counts, one for each size of set. For a single channel, ``p`` is the base rate and
    ``m`` its reciprocal, the weight of one conversion. A set without landmarks has the rate ``p``.

    *Credit.* The Shapley value of each channel in the game of the path's set, where the value of a
    coalition is its rate, and that of the empty set is 0. Negative values count as 0.

    Attributes
    ----------
    base_rate_ : float
    pseudo_counts_ : (sizes,) array
        The weight of the smaller sets, in landmarks, for sets of 1, 2, .. channels.
    family_ : Family
        The sets in the training data, and all their subsets.
    rates_ : (len(family_) + 1,) array
        Their rates. The first, of the empty set, is the base rate; the last is NaN, for sets that
        are not in the family.

    References
    ----------
    .. [1] Shapley (1953), "A value for n-person games", *Contributions to the Theory of Games* II.
    .. [2] Zhao, Mahboobi & Bagheri (2018), "Shapley value methods for attribution modeling in
       online advertising", arXiv:1804.05327.
    """

    name = "shapley"
    claim = "which set of channels is on the path, in any order"

    def refusal(self, channels: int) -> str | None:
        """Refuse more than 20 channels."""
        if channels <= MAX_CHANNELS:
            return None
        return (
            f"the model {self.name!r} compares every set of channels with all its subsets, and"
            f" there are {channels} channels, so up to 2^{channels} sets; it takes up to"
            f" {MAX_CHANNELS} channels. Merge rare channels in the source, or leave {self.name!r}"
            " out of the models."
        )

    # --- forecast -------------------------------------------------------------------------------

    def encode(self, landmarks: Landmarks) -> UniqueFeatures:
        """Return the distinct sets of channels, as `Coalitions`.

        Raises
        ------
        InputError
            When there are more than 20 channels.
        """
        return self._with_subsets(super().encode(landmarks))

    def _with_subsets(self, features: UniqueFeatures) -> UniqueFeatures:
        refusal = self.refusal(features.rows.shape[1])
        if refusal:
            raise InputError(refusal)
        return UniqueFeatures(features.inverse, Coalitions.of(features.rows))

    def fit_counts(
        self,
        features: UniqueFeatures,
        trials: NDArray[np.floating],
        conversions: NDArray[np.floating],
    ) -> Self:
        """Fit the rates of the sets, the smaller first."""
        family, place = features.rows.family, features.rows.place
        n, k = (group_sums(place, counts, len(family)) for counts in (trials, conversions))
        self.base_rate_ = base_rate(trials, conversions)
        self.pseudo_counts_ = np.full(family.largest, 1 / self.base_rate_)
        starts = getattr(self, "_starts", [None] * family.largest)
        rates = np.zeros(len(family) + 1)
        rates[0] = self.base_rate_
        for size in range(1, family.largest + 1):
            level = family.of_size(size)
            seen = np.flatnonzero(n[level] > 0)
            smaller = family.mean_of_smaller(rates, size)
            if size > 1:
                self.pseudo_counts_[size - 1] = most_likely_pseudo_count(
                    n[level][seen], k[level][seen], smaller[seen], starts[size - 1]
                )
            rates[level] = _shrunk(n[level], k[level], smaller, self.pseudo_counts_[size - 1])
        rates[-1] = np.nan
        self.family_, self.rates_ = family, rates
        return self

    def forecast_unique(self, features: UniqueFeatures) -> NDArray[np.float64]:
        """Return the rate of each set."""
        sets: Coalitions = features.rows
        return np.asarray(self._rates(sets.family)[sets.place])

    def refits(self, statistics: FeatureCounts, weights: NDArray[np.floating]) -> Iterator[Model]:
        """Yield this model refitted with each row of weights; pseudo-counts start at the fit's."""
        self._starts = self.pseudo_counts_.tolist()
        yield from super().refits(statistics, weights)

    def _rates(self, family: Family) -> NDArray[np.float64]:
        """Return the rates of a family, followed by a 0.

        A set that is not in the training data has the mean rate of the smaller ones.
        """
        check_is_fitted(self, "rates_")
        rates = np.append(self.rates_[self.family_.find(family.sets)], 0)
        if np.isnan(rates).any():
            for size in range(1, family.largest + 1):
                level = family.of_size(size)
                smaller = family.mean_of_smaller(rates, size)
                rates[level] = np.where(np.isnan(rates[level]), smaller, rates[level])
        return rates

    # --- credit ---------------------------------------------------------------------------------

    def encode_paths(self, paths: Paths) -> UniqueFeatures:
        """Return the distinct sets of channels on the paths, in the same form."""
        return self._with_subsets(super().encode_paths(paths))

    def entry_values(
        self, features: UniqueFeatures
    ) -> tuple[sparse.csr_array[np.float64], NDArray[np.float64]]:
        """Return the Shapley values of each set's channels, at least 0."""
        return features.rows.members, np.maximum(self.values(features), 0)

    def values(self, features: UniqueFeatures) -> NDArray[np.float64]:
        """Return the Shapley value of each channel of each set; those of a set sum to its rate.

        The values are the differences of one function of the sets, their potential [1]_:
        ``P(S) = (v(S) + sum of P(S without c) over its channels c) / |S|``, and the value of c in
        the game of S is ``P(S) - P(S without c)``. One pass gives all values of all sets.

        Returns
        -------
        (entries,) array
            In the order of the stored entries of the (k, channels) matrix of sets.

        References
        ----------
        .. [1] Hart & Mas-Colell (1989), "Potential, value, and consistency", *Econometrica* 57(3).
        """
        sets: Coalitions = features.rows
        family, members = sets.family, sets.members
        worth = self._rates(family)
        potential = np.zeros(len(worth))
        for size in range(1, family.largest + 1):
            level = family.of_size(size)
            potential[level] = worth[level] / size + family.mean_of_smaller(potential, size)
        place = np.repeat(sets.place, np.diff(members.indptr))
        fewer = family.without[members.indices, place]
        return np.asarray(potential[place] - potential[fewer])


def _shrunk(
    n: NDArray[np.float64], k: NDArray[np.float64], smaller: NDArray[np.float64], m: float
) -> NDArray[np.float64]:
    """Return ``(k + m p) / (n + m)``, also for infinite m; never exactly 0 or 1."""
    rate = np.divide(k, n, out=smaller.copy(), where=n > 0)
    return np.clip(smaller + n / (n + m) * (rate - smaller), LEAST, MOST)


@dataclass(frozen=True)
class Coalitions:
    """Sets of channels on paths, and the family that holds them and their subsets.

    Attributes
    ----------
    members : (k, channels) sparse matrix of ones
    family : Family
        The sets and all their subsets.
    place : (k,) integers
        The number of each set in the family.
    """

    members: sparse.csr_array[np.float64]
    family: Family
    place: NDArray[np.integer]

    @property
    def shape(self) -> tuple[int, int]:
        """The number of sets and of channels."""
        sets, channels = self.members.shape
        return sets, channels

    @classmethod
    def of(cls, members: sparse.csr_array[np.float64]) -> Coalitions:
        """Build the family of the sets of a (k, channels) matrix."""
        channels = members.shape[1]
        sets = (members @ 2.0 ** np.arange(channels)).astype(np.int64)
        family = Family.of(sets, channels)
        return cls(members, family, family.find(sets))


@dataclass(frozen=True)
class Family:
    """Sets of channels and all their subsets.

    A function of the f sets is an array of f + 1 numbers. The last is 0: it stands for a set
    without a channel that it does not hold, so that a sum over all channels is one over those it
    holds.

    Attributes
    ----------
    sets : (f,) integers
        Bitmasks: bit i is channel number i. Ordered by size, then by number; the empty set first.
    starts : (largest + 2,) integers
        The position of the first set of each size, and the end of the last.
    number : (2 ** channels,) integers
        The position of each set in the family, f for other sets.
    without : (channels, f) integers
        The position of each set without each channel, f if the set does not hold the channel.
    """

    sets: NDArray[np.int64]
    starts: NDArray[np.integer]
    number: NDArray[np.int32]
    without: NDArray[np.int32]

    @classmethod
    def of(cls, sets: NDArray[np.int64], channels: int) -> Family:
        """Build the family of sets given as bitmasks."""
        held = np.zeros(1 << channels, dtype=bool)
        held[sets] = True
        held[0] = True
        for channel in range(channels):
            pairs = held.reshape(-1, 2, 1 << channel)  # without the channel, and with it
            pairs[:, 0] |= pairs[:, 1]
        family = np.flatnonzero(held)
        size = np.bitwise_count(family)
        family = family[np.argsort(size, kind="stable")]
        number = np.full(1 << channels, len(family), dtype=np.int32)
        number[family] = np.arange(len(family))
        without = np.full((channels, len(family)), len(family), dtype=np.int32)
        for channel in range(channels):
            holding = np.flatnonzero(family >> channel & 1)
            without[channel, holding] = number[family[holding] ^ (1 << channel)]
        return cls(family, np.append(0, np.cumsum(np.bincount(size))), number, without)

    def __len__(self) -> int:
        """Return the number of sets, including the empty one."""
        return len(self.sets)

    @property
    def largest(self) -> int:
        """The number of channels in the largest set."""
        return len(self.starts) - 2

    def find(self, sets: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the positions of sets, ``len(self)`` for those outside the family."""
        return self.number[sets]

    def of_size(self, size: int) -> slice:
        """Return the positions of the sets of a size."""
        return slice(self.starts[size], self.starts[size + 1])

    def mean_of_smaller(self, values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
        """Return the mean of the values of the sets with one channel less, for each set of a size.

        Parameters
        ----------
        values : (f + 1,) array, the last 0
        """
        smaller = values[self.without[:, self.of_size(size)]]
        return np.asarray(smaller.sum(axis=0) / size)
