"""Shapley values: the set of channels met decides, and its rate is divided as a game is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from lydite.errors import InputError
from lydite.models.markov import most_likely_pseudo_count
from lydite.models.mixture import base_rate
from lydite.models.sets import LEAST, MOST, SetModel
from lydite.paths.arrays import group_sums, normalize_rows
from lydite.paths.landmarks import UniqueFeatures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.paths.landmarks import Landmarks, Paths

#: Up to so many channels there are few enough coalitions: a million.
MAX_CHANNELS = 20


class Shapley(SetModel):
    """Which set of channels was met decides, in any order [1]_ [2]_.

    *Forecast.* A landmark converts at the rate of its set. A set that was met seldom leans on the
    sets with one channel less: its rate is ``(k + m p) / (n + m)``, with its ``k`` conversions
    among ``n`` landmarks, the mean ``p`` of their rates, and the pseudo-count ``m`` of its size
    that makes the training counts most likely. For a single channel, ``p`` is the base rate and
    ``m`` its reciprocal, one conversion's worth. A set that was never met has the rate ``p``.

    *Credit.* The Shapley value of each channel in the game of the path's set, where a coalition
    is worth its rate, and none is worth nothing. Negative values count as 0.

    Attributes
    ----------
    base_rate_ : float
    pseudo_counts_ : (sizes,) array
        What the smaller sets count, in landmarks, for sets of 1, 2, .. channels.
    family_ : Family
        The sets that were fitted on, and all their subsets.
    rates_ : (len(family_) + 1,) array
        Their rates; the first, of no channel, is the base rate, and the last, of nothing, NaN.

    References
    ----------
    .. [1] Shapley (1953), "A value for n-person games", *Contributions to the Theory of Games* II.
    .. [2] Zhao, Mahboobi & Bagheri (2018), "Shapley value methods for attribution modeling in
       online advertising", arXiv:1804.05327.
    """

    name = "shapley"
    claim = "which set of channels was met, in any order"

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
        rates = np.zeros(len(family) + 1)
        rates[0] = self.base_rate_
        for size in range(1, family.largest + 1):
            level = family.of_size(size)
            seen = np.flatnonzero(n[level] > 0)
            smaller = family.mean_of_smaller(rates, size)
            if size > 1:
                self.pseudo_counts_[size - 1] = most_likely_pseudo_count(
                    n[level][seen], k[level][seen], smaller[seen]
                )
            rates[level] = _shrunk(n[level], k[level], smaller, self.pseudo_counts_[size - 1])
        rates[-1] = np.nan
        self.family_, self.rates_ = family, rates
        return self

    def forecast_unique(self, features: UniqueFeatures) -> NDArray[np.float64]:
        """Return the rate of each set."""
        sets: Coalitions = features.rows
        return np.asarray(self._rates(sets.family)[sets.place])

    def _rates(self, family: Family) -> NDArray[np.float64]:
        """Return the rates of a family, and a 0 behind them.

        A set that the fit has not seen has the mean of the smaller, as one without landmarks.
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

    def shares(self, features: UniqueFeatures) -> sparse.csr_array[np.float64]:
        """Return the Shapley values of each set's channels as shares of their sum."""
        met: sparse.csr_array[np.float64] = features.rows.members
        values = np.maximum(self.values(features), 0)
        return normalize_rows(sparse.csr_array((values, met.indices, met.indptr), shape=met.shape))

    def values(self, features: UniqueFeatures) -> NDArray[np.float64]:
        """Return the Shapley value of each channel of each set; those of a set sum to its rate.

        The values are the differences of one function of the sets, their potential [1]_:
        ``P(S) = (v(S) + sum of P(S without c) over its channels c) / |S|``, and the value of c in
        the game of S is ``P(S) - P(S without c)``. So all values of all sets take one pass.

        Returns
        -------
        (entries,) array
            In the order of the stored entries of the (k, channels) matrix of sets.

        References
        ----------
        .. [1] Hart & Mas-Colell (1989), "Potential, value, and consistency", *Econometrica* 57(3).
        """
        sets: Coalitions = features.rows
        family, met = sets.family, sets.members
        worth = self._rates(family)
        potential = np.zeros(len(worth))
        for size in range(1, family.largest + 1):
            level = family.of_size(size)
            potential[level] = worth[level] / size + family.mean_of_smaller(potential, size)
        place = np.repeat(sets.place, np.diff(met.indptr))
        fewer = family.without[met.indices, place]
        return np.asarray(potential[place] - potential[fewer])


def _shrunk(
    n: NDArray[np.float64], k: NDArray[np.float64], smaller: NDArray[np.float64], m: float
) -> NDArray[np.float64]:
    """Return ``(k + m p) / (n + m)``, also where m is infinite; never quite 0 or 1."""
    own = np.divide(k, n, out=smaller.copy(), where=n > 0)
    return np.clip(smaller + n / (n + m) * (own - smaller), LEAST, MOST)


@dataclass(frozen=True)
class Coalitions:
    """Sets of channels that were met, and the game that each of them plays.

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
        """How many sets and channels there are."""
        sets, channels = self.members.shape
        return sets, channels

    @classmethod
    def of(cls, met: sparse.csr_array[np.float64]) -> Coalitions:
        """Take the sets of a (k, channels) matrix, and all their subsets."""
        channels = met.shape[1]
        sets = (met @ 2.0 ** np.arange(channels)).astype(np.int64)
        family = Family.of(sets, channels)
        return cls(met, family, family.find(sets))


@dataclass(frozen=True)
class Family:
    """Sets of channels and all their subsets.

    A function of the f sets is an array of f + 1 numbers, the last of which is 0 and stands for the
    set without a channel that it does not hold: so a sum over all channels is one over its own.

    Attributes
    ----------
    sets : (f,) integers
        Bit i stands for channel number i. By size, the empty set first, then by number.
    starts : (largest + 2,) integers
        Where the sets of each size begin, and where the last end.
    number : (2 ** channels,) integers
        The number of a set in the family, f for a set outside.
    without : (channels, f) integers
        The number of each set without each channel, f where the set does not hold the channel.
    """

    sets: NDArray[np.int64]
    starts: NDArray[np.integer]
    number: NDArray[np.int32]
    without: NDArray[np.int32]

    @classmethod
    def of(cls, sets: NDArray[np.int64], channels: int) -> Family:
        """Close sets downwards: take all their subsets in."""
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
        """Return the number of sets, the empty one among them."""
        return len(self.sets)

    @property
    def largest(self) -> int:
        """How many channels the largest set holds."""
        return len(self.starts) - 2

    def find(self, sets: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the numbers of sets, ``len(self)`` for those outside the family."""
        return self.number[sets]

    def of_size(self, size: int) -> slice:
        """Return where the sets of a size are."""
        return slice(self.starts[size], self.starts[size + 1])

    def mean_of_smaller(self, values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
        """Return the mean of the values of the sets with one channel less, for each set of a size.

        Parameters
        ----------
        values : (f + 1,) array, the last 0
        """
        smaller = values[self.without[:, self.of_size(size)]]
        return np.asarray(smaller.sum(axis=0) / size)
