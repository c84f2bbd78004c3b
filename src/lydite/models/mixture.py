"""Mixtures of rates: what a rule, put as a likelihood, says of the rate of each channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from lydite.models.candidates import out_of_reach
from lydite.paths.grouping import counted
from lydite.paths.landmarks import as_slice, parts
from lydite.paths.shares import MAX_FULL_CHANNELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lydite.models.base import FeatureCounts

# A mixture has a rate for each of a few channels. Estimated from n landmarks they cost about
# c / 2n nats per landmark against the best ones: of ten channels here a 50,000th of a nat.
ENOUGH_LANDMARKS = 250_000
_MAX_NEWTON_STEPS = 100
# Newton's method squares its error: after a step that gains less than this, in nats, what is left
# is far below rounding of the likelihood, and models with the same forecast agree to many digits.
LAST_GAIN = 1e-8
_AT_ONCE = 8192  # rows: what is made of them on the way stays in the cache


def base_rate(trials: NDArray[np.floating], conversions: NDArray[np.floating]) -> float:
    """Return the share of trials that convert, kept off 0 and 1 by half a trial."""
    return float((conversions.sum() + 0.5) / (trials.sum() + 1.0))


def fast_matrix(
    shares: NDArray[np.float64] | sparse.csr_array[np.float64],
) -> NDArray[np.float64] | sparse.csr_array[np.float64]:
    """Return shares in the form that is multiplied fastest: full, by column, of few channels."""
    if isinstance(shares, np.ndarray) or shares.shape[1] > MAX_FULL_CHANNELS:
        return shares
    return shares.toarray(order="F")


def some_rows(
    matrix: NDArray[np.float64] | sparse.csr_array[np.float64], rows: NDArray[np.intp]
) -> NDArray[np.float64] | sparse.csr_array[np.float64]:
    """Return some rows of a matrix, in the form that it has; a stretch of them is not copied."""
    if not isinstance(matrix, np.ndarray):
        return matrix[rows]
    some = as_slice(rows)
    return matrix[some] if isinstance(some, slice) else matrix.T.take(rows, axis=1).T


def fit_rates(
    shares: NDArray[np.float64] | sparse.csr_array[np.float64],
    trials: NDArray[np.floating],
    conversions: NDArray[np.floating],
    base: float,
    start: NDArray[np.float64],
    last_gain: float = LAST_GAIN,
    rival: float = -np.inf,
) -> tuple[NDArray[np.float64], float]:
    """Return the rates that maximise the likelihood of a rule mixture, and what it is there.

    Maximises ``sum k log(Xr) + (n - k) log(1 - Xr)`` plus the logarithm of a Beta prior on each
    rate, worth one conversion at the base rate. The sum is strictly concave and its prior keeps
    the maximum inside (0, 1), so that Newton's method with backtracking always arrives.

    Parameters
    ----------
    shares : (k, c) matrix with rows that sum to 1, sparse or as `fast_matrix` gives it
    trials, conversions : (k,) arrays
    base
        The base rate, in (0, 1).
    start : (c,) array in (0, 1)
    last_gain
        The step that promises to gain less than this, in nats, is the last.
    rival
        A likelihood that is reached by others: what is out of its reach is not fitted to the end.

    Returns
    -------
    rates : (c,) array in (0, 1)
    likelihood : float
        In nats; of the last step its promise is counted, not looked at.

    Raises
    ------
    ValueError
        When a share or a count is no number.
    """
    matrix = fast_matrix(shares)
    misses = trials - conversions
    prior_hits, prior_misses = 1.0, (1.0 - base) / base

    def value(rates: NDArray[np.float64]) -> float:
        return penalised_likelihood(matrix, trials, conversions, base, rates)

    rates = start
    best = value(rates)
    for _ in range(_MAX_NEWTON_STEPS):
        p = np.asarray(matrix @ rates)
        slope = np.asarray(matrix.T @ (conversions / p - misses / (1 - p)))
        slope += prior_hits / rates - prior_misses / (1 - rates)
        curvature = squares(matrix, conversions / p**2 + misses / (1 - p) ** 2)
        curvature[np.diag_indices_from(curvature)] += (
            prior_hits / rates**2 + prior_misses / (1 - rates) ** 2
        )
        step = np.linalg.solve(curvature, slope)
        gain = float(slope @ step)
        if not np.isfinite(gain):
            raise ValueError("shares or counts are no numbers, so that no rates can be fitted")
        ahead = rates + step
        inside = ahead.min() > 0 and ahead.max() < 1
        if inside and (gain < last_gain or out_of_reach(best, gain, step / rates, rival)):
            return ahead, best + gain / 2
        rates, best = _backtrack(value, rates, best, step, gain)
    return rates, best


def penalised_likelihood(
    shares: NDArray[np.float64] | sparse.csr_array[np.float64],
    trials: NDArray[np.floating],
    conversions: NDArray[np.floating],
    base: float,
    rates: NDArray[np.float64],
) -> float:
    """Return what `fit_rates` maximises, in nats."""
    p = np.asarray(shares @ rates)
    # Not log1p, which takes thrice as long for digits that the sum does not have.
    data = conversions @ np.log(p) + (trials - conversions) @ np.log(1 - p)
    return float(data + np.log(rates).sum() + (1.0 - base) / base * np.log1p(-rates).sum())


def stepped_likelihood(
    shares: NDArray[np.float64] | sparse.csr_array[np.float64],
    counts: UnitCounts,
    weights: NDArray[np.floating],
    rates: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return what `fit_rates` would reach for many draws of units, by one Newton step.

    To the second order, which is the maximum but for a term that vanishes with the counts where
    `rates` are the best for counts of which the given ones are draws. Value, slope and curvature
    are sums over the units, so that each draw only weighs them.

    Parameters
    ----------
    shares : (k, c) matrix
    counts
        Trials and conversions by row of `shares` and unit.
    weights : (b, u) array
        How often each of u units counts in each of b draws.
    rates : (c,) array in (0, 1)
        Where the step begins.

    Returns
    -------
    (b,) array, in nats.
    """
    size = len(rates)
    p = np.asarray(shares @ rates)[counts.row]
    hits, misses = counts.conversions, counts.trials - counts.conversions
    drawn_hits, drawn = (
        weights @ counted(counts.unit, n, counts.units) for n in (hits, counts.trials)
    )
    base = (drawn_hits + 0.5) / (drawn + 1.0)
    prior = (1.0 - base) / base
    by_unit = counted(counts.unit, hits * np.log(p) + misses * np.log1p(-p), counts.units)
    value = weights @ by_unit + np.log(rates).sum() + prior * np.log1p(-rates).sum()
    slope = weights @ counts.summed(hits / p - misses / (1 - p), shares)
    slope += 1 / rates - prior[:, None] / (1 - rates)
    bend = hits / p**2 + misses / (1 - p) ** 2
    curvature = np.empty((len(weights), size, size))
    for channel in range(size):
        share = shares[:, [channel]]
        share = share if isinstance(share, np.ndarray) else share.toarray()
        along = bend * share[counts.row, 0]
        curvature[:, channel] = weights @ counts.summed(along, shares)
    curvature[:, range(size), range(size)] += 1 / rates**2 + prior[:, None] / (1 - rates) ** 2
    step = np.linalg.solve(curvature, slope[:, :, None])[:, :, 0]
    return np.asarray(value + 0.5 * (slope * step).sum(axis=1))


@dataclass(frozen=True)
class UnitCounts:
    """Trials and conversions of the rows of a matrix of shares, by unit; an entry may repeat.

    Attributes
    ----------
    row, unit : (m,) integers
    trials, conversions : (m,) counts
    units : int
    """

    row: NDArray[np.integer]
    unit: NDArray[np.integer]
    trials: NDArray[np.float64]
    conversions: NDArray[np.float64]
    units: int

    @classmethod
    def of(cls, statistics: FeatureCounts) -> UnitCounts:
        """Lay out counts whose features are the rows."""
        n, k = statistics.trials.tocoo(), statistics.conversions.tocoo()
        none_n, none_k = np.zeros(n.nnz), np.zeros(k.nnz)
        return cls(
            np.concatenate([n.row, k.row]),
            np.concatenate([n.col, k.col]),
            np.concatenate([n.data, none_k]),
            np.concatenate([none_n, k.data]),
            n.shape[1],
        )

    def summed(
        self,
        weights: NDArray[np.float64],
        shares: NDArray[np.float64] | sparse.csr_array[np.float64],
    ) -> NDArray[np.float64]:
        """Return the (units, c) sums of the shares of all entries, each weighed."""
        shape = (self.units, shares.shape[0])
        total = sparse.csr_array((weights, (self.unit, self.row)), shape=shape) @ shares
        return np.asarray(total if isinstance(total, np.ndarray) else total.toarray())


def squares(
    matrix: NDArray[np.float64] | sparse.csr_array, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return ``X' diag(w) X``."""
    if isinstance(matrix, np.ndarray):
        result = np.zeros((matrix.shape[1], matrix.shape[1]))
        for some in parts(len(matrix), _AT_ONCE):
            result += (matrix[some] * weights[some, None]).T @ matrix[some]
        return result
    weighed: NDArray[np.float64] = (matrix.T @ matrix.multiply(weights[:, None])).toarray()
    return weighed


def _backtrack(
    value: Callable[[NDArray[np.float64]], float],
    rates: NDArray[np.float64],
    best: float,
    step: NDArray[np.float64],
    gain: float,
) -> tuple[NDArray[np.float64], float]:
    """Go along `step` as far as the value rises by what the slope promises (Armijo's rule)."""
    size = 1.0
    while True:
        trial = rates + size * step
        if trial.min() > 0 and trial.max() < 1:
            reached = value(trial)
            if reached >= best + 1e-4 * size * gain or size < 1e-8:
                return trial, reached
        size /= 2
