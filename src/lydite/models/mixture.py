"""Mixtures of rates: the likelihood of a rule, with a conversion rate for each channel.

A rule divides each path over channels by shares ``X`` that sum to 1. If one touch decides, drawn
with the rule's weights, a landmark converts with the probability ``X r``, where ``r`` holds the
rate of each channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from lydite.models.optimize import maximize, weighted_gram
from lydite.paths.arrays import as_slice, group_sums
from lydite.paths.shares import MAX_FULL_CHANNELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.models.base import FeatureCounts
    from lydite.models.optimize import Matrix

# A mixture has one rate per channel, of which there are few. Estimated from n landmarks, c rates
# cost about c / 2n nats per landmark against the best ones: with ten channels, 0.00002 nats here.
ENOUGH_LANDMARKS = 250_000
#: The last Newton step promises to gain less than this, in nats. The error after it is far below
#: the rounding of the likelihood, and models with the same forecast agree to many digits.
TOLERANCE = 1e-8


def base_rate(trials: NDArray[np.floating], conversions: NDArray[np.floating]) -> float:
    """Return the share of trials that convert, kept off 0 and 1 by half a landmark of each kind.

    Parameters
    ----------
    trials, conversions : (k,) arrays
    """
    return float((conversions.sum() + 0.5) / (trials.sum() + 1.0))


def fast_matrix(shares: Matrix) -> Matrix:
    """Return a (k, c) matrix in the form that multiplies fastest.

    That is dense, column by column, for up to `MAX_FULL_CHANNELS` channels.
    """
    if isinstance(shares, np.ndarray) or shares.shape[1] > MAX_FULL_CHANNELS:
        return shares
    return shares.toarray(order="F")


def some_rows(matrix: Matrix, rows: NDArray[np.intp]) -> Matrix:
    """Return some rows of a matrix, in the same form; consecutive rows are not copied."""
    if not isinstance(matrix, np.ndarray):
        return matrix[rows]
    some = as_slice(rows)
    return matrix[some] if isinstance(some, slice) else matrix.T.take(rows, axis=1).T


def fit_rates(
    shares: Matrix,
    trials: NDArray[np.floating],
    conversions: NDArray[np.floating],
    base: float,
    start: NDArray[np.float64],
    tolerance: float = TOLERANCE,
) -> tuple[NDArray[np.float64], float]:
    """Return the rates of the largest penalised likelihood, and its logarithm.

    Maximises ``sum k log(X r) + (n - k) log(1 - X r)`` plus the logarithm of a Beta prior on each
    rate, worth one conversion at the base rate. The sum is strictly concave, and the prior keeps
    the maximum inside (0, 1).

    Parameters
    ----------
    shares : (k, c) matrix
        Rows sum to 1; sparse, or as `fast_matrix` returns it.
    trials, conversions : (k,) arrays
        ``n`` and ``k``: landmarks with those shares, and those of them that converted.
    base
        The base rate, in (0, 1).
    start : (c,) array in (0, 1)
    tolerance
        The Newton step that promises to gain less than this, in nats, is the last.

    Returns
    -------
    rates : (c,) array in (0, 1)
    likelihood : float
        Its logarithm in nats, prior included.

    Raises
    ------
    ValueError
        When a share or a count is not finite.
    """
    matrix = fast_matrix(shares)
    misses = trials - conversions
    prior_hits, prior_misses = 1.0, (1.0 - base) / base

    def derivatives(
        rates: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        p = np.asarray(matrix @ rates)
        hit, missed = conversions / p, misses / (1 - p)
        gradient = np.asarray(matrix.T @ (hit - missed))
        gradient += prior_hits / rates - prior_misses / (1 - rates)
        information = weighted_gram(matrix, hit / p + missed / (1 - p))
        information[np.diag_indices_from(information)] += (
            prior_hits / rates**2 + prior_misses / (1 - rates) ** 2
        )
        return gradient, information

    best = maximize(
        lambda rates: penalised_likelihood(matrix, trials, conversions, base, rates),
        derivatives,
        start,
        bounds=(0.0, 1.0),
        tolerance=tolerance,
    )
    return best.x, float(best.value)


def penalised_likelihood(
    shares: Matrix,
    trials: NDArray[np.floating],
    conversions: NDArray[np.floating],
    base: float,
    rates: NDArray[np.float64],
) -> float:
    """Return the logarithm that `fit_rates` maximises, in nats."""
    p = np.asarray(shares @ rates)
    some = conversions > 0  # of few rows
    # Not log1p, which takes three times as long for digits that the sum does not have.
    data = conversions[some] @ np.log(p[some]) + (trials - conversions) @ np.log(1 - p)
    return float(data + np.log(rates).sum() + (1.0 - base) / base * np.log1p(-rates).sum())


def stepped_likelihood(
    shares: Matrix,
    counts: UnitCounts,
    weights: NDArray[np.floating],
    rates: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the likelihoods that refits to resampled units would reach, by one Newton step each.

    That is the second-order approximation of the maximum, with the Hessian of all counts instead of
    the resampled ones: the likelihood by the infinitesimal jackknife [1]_. Its error vanishes as
    counts grow, where `rates` maximise the likelihood of the counts that are resampled. Value and
    gradient are sums over units, so a resample only changes the units' weights.

    Parameters
    ----------
    shares : (k, c) matrix
    counts
        Trials and conversions by row of `shares` and unit.
    weights : (b, u) array
        How often each of u units is drawn in each of b resamples.
    rates : (c,) array in (0, 1)
        Where the step begins.

    Returns
    -------
    (b,) array
        Logarithms, in nats.

    References
    ----------
    .. [1] Davison & Hinkley (1997), *Bootstrap Methods and their Application*, section 2.7.
    """
    p = np.asarray(shares @ rates)[counts.row]
    hits, misses = counts.conversions, counts.trials - counts.conversions
    drawn_hits, drawn_trials = (
        weights @ group_sums(counts.unit, n, counts.units) for n in (hits, counts.trials)
    )
    base = (drawn_hits + 0.5) / (drawn_trials + 1.0)
    prior = (1.0 - base) / base
    by_unit = group_sums(counts.unit, hits * np.log(p) + misses * np.log1p(-p), counts.units)
    value = weights @ by_unit + np.log(rates).sum() + prior * np.log1p(-rates).sum()
    gradient = weights @ counts.weighted_sums(hits / p - misses / (1 - p), shares)
    gradient += 1 / rates - prior[:, None] / (1 - rates)
    curvature = hits / p**2 + misses / (1 - p) ** 2
    information = weighted_gram(shares, group_sums(counts.row, curvature, shares.shape[0]))
    information += np.diag(1 / rates**2 + prior.mean() / (1 - rates) ** 2)
    step = np.linalg.solve(information, gradient.T).T
    return np.asarray(value + 0.5 * (gradient * step).sum(axis=1))


@dataclass(frozen=True)
class UnitCounts:
    """Trials and conversions by row of a matrix of shares and unit; an entry may repeat.

    Attributes
    ----------
    row, unit : (m,) integers
    trials, conversions : (m,) counts
    units : int
        The number of units.
    """

    row: NDArray[np.integer]
    unit: NDArray[np.integer]
    trials: NDArray[np.float64]
    conversions: NDArray[np.float64]
    units: int

    @classmethod
    def of(cls, statistics: FeatureCounts) -> UnitCounts:
        """Return the counts of unique features, which are the rows."""
        n, k = statistics.trials.tocoo(), statistics.conversions.tocoo()
        return cls(
            np.concatenate([n.row, k.row]),
            np.concatenate([n.col, k.col]),
            np.concatenate([n.data, np.zeros(k.nnz)]),
            np.concatenate([np.zeros(n.nnz), k.data]),
            n.shape[1],
        )

    @cached_property
    def _by_unit(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """What sorts the entries by unit, and where those of each unit start."""
        starts = np.zeros(self.units + 1, dtype=np.intp)
        np.cumsum(np.bincount(self.unit, minlength=self.units), out=starts[1:])
        return np.argsort(self.unit, kind="stable"), starts

    def weighted_sums(self, weights: NDArray[np.float64], shares: Matrix) -> NDArray[np.float64]:
        """Return the (units, c) sums of the entries' shares times the entries' (m,) weights."""
        order, starts = self._by_unit
        shape = (self.units, shares.shape[0])
        total = sparse.csr_array((weights[order], self.row[order], starts), shape=shape) @ shares
        return np.asarray(total if isinstance(total, np.ndarray) else total.toarray())
