"""Bootstrap intervals of credit: resample units, refit models, attribute conversions again."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from lydite.models.base import by_unit, resampled_sums, weighted_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.models import Model, Paths, UniqueFeatures

    Matrix = NDArray[np.floating] | sparse.csr_array[np.float64] | sparse.csc_array[np.float64]

REPLICATES = 200
_QUANTILES = (0.025, 0.975)
#: Where the share of replicates below the estimate is between these, the median is less than about
#: half a standard error away. The share has a standard error of 0.035.
_CENTRAL = (0.31, 0.69)
_SMALL_UNIT = 8  # up to so many journeys in a unit, they are drawn one by one
_CHUNK = 20  # replicates that are widened to double precision at once


@dataclass(frozen=True)
class Replicates:
    """Credit by channel in every bootstrap replicate.

    Attributes
    ----------
    conversions, value : (replicates, channels) arrays
    """

    conversions: NDArray[np.float64]
    value: NDArray[np.float64]

    def scaled(self, factor: float) -> Replicates:
        """Return the replicates with conversions and value multiplied by a factor."""
        return Replicates(factor * self.conversions, factor * self.value)

    def plus(self, other: Replicates) -> Replicates:
        """Return the sum of the credit of two sets of conversions, under the same draws."""
        return Replicates(self.conversions + other.conversions, self.value + other.value)

    def bounds(
        self, conversions: NDArray[np.float64], value: NDArray[np.float64]
    ) -> dict[str, NDArray[np.float64]]:
        """Return the bounds of the 95 % intervals, one value per channel (`interval`).

        Parameters
        ----------
        conversions, value : (channels,) arrays
            The credit.

        Returns
        -------
        dict of str to (channels,) array
            The bounds of ``conversions``, ``value`` and ``share``, with ``_low`` or ``_high``
            appended to the name.
        """
        share = interval(shares_of(self.conversions), shares_of(conversions))
        figures = {
            "conversions": interval(self.conversions, conversions),
            "value": interval(self.value, value),
            "share": (share[0], np.minimum(share[1], 1)),
        }
        return {
            f"{name}_{side}": bound
            for name, both in figures.items()
            for side, bound in zip(("low", "high"), both, strict=True)
        }


def shares_of(conversions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of each channel in the conversions, along the last axis; 0 of none."""
    total = conversions.sum(axis=-1, keepdims=True)
    return np.asarray(conversions / np.where(total > 0, total, 1))


def interval(
    replicates: NDArray[np.float64], estimate: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the bounds of the 95 % intervals, which contain their estimates.

    They are the 2.5 % and 97.5 % quantiles of the replicates. Where the median of the replicates is
    far from the estimate, the interval is moved by the difference: resampled counts vary more than
    counts, so that a model that shrinks or clips by them shifts credit in every replicate.

    Parameters
    ----------
    replicates : (replicates, figures) array
    estimate : (figures,) array

    Returns
    -------
    low, high : (figures,) arrays
    """
    # Weibull's plotting positions: with others, 200 replicates leave 3 % outside on each side.
    low, high = np.quantile(replicates, _QUANTILES, axis=0, method="weibull")
    below = (replicates < estimate).mean(axis=0) + (replicates == estimate).mean(axis=0) / 2
    shift = estimate - np.median(replicates, axis=0)
    shift[(below > _CENTRAL[0]) & (below < _CENTRAL[1])] = 0
    least = np.minimum(replicates.min(axis=0), 0)  # credit is negative only where values are
    return (
        np.minimum(np.maximum(low + shift, least), estimate),
        np.maximum(high + shift, estimate),
    )


def draw_buckets(units: int, seed: int, replicates: int = REPLICATES) -> NDArray[np.float64]:
    """Draw the units of every replicate with replacement (Efron, 1979).

    The units are buckets of users, so that the dependence within a user stays within a unit.

    Returns
    -------
    (replicates, units) array
        How often each unit was drawn.
    """
    rng = np.random.default_rng(seed)
    return rng.multinomial(units, np.full(units, 1 / units), size=replicates).astype(float)


def draw_journeys(
    counts: NDArray[np.number], seed: int, replicates: int = REPLICATES
) -> NDArray[np.float32]:
    """Draw the journeys of every replicate (Poisson bootstrap).

    Each journey is drawn a Poisson number of times with mean 1.

    Parameters
    ----------
    counts : (units,) array
        How many journeys each unit stands for.
    seed
        Seeds the draws.
    replicates
        How many replicates to draw.

    Returns
    -------
    (replicates, units) array
        The weight of each unit: journeys drawn, divided by its journeys. Column-major, because
        sums over units read all replicates of a unit together.
    """
    rng = np.random.default_rng(seed)
    mean, small = np.asarray(counts, dtype=np.float64), np.asarray(counts) <= _SMALL_UNIT
    # For small units: draw the total from a Poisson distribution, then each journey uniformly.
    # Every journey is then drawn a Poisson number of times, with fewer random numbers.
    unit_of = np.repeat(np.flatnonzero(small), counts[small].astype(np.intp))
    weights = np.empty((len(counts), replicates), dtype=np.float32)
    for low in range(0, replicates, _CHUNK):
        drawn = np.empty((min(_CHUNK, replicates - low), len(counts)))
        for row in drawn:
            journeys = rng.integers(0, len(unit_of), rng.poisson(len(unit_of)), dtype=np.intp)
            row[:] = np.bincount(unit_of[journeys], minlength=len(counts))
            row[~small] = _poisson(rng, mean[~small])
        weights[:, low : low + _CHUNK] = (drawn / np.maximum(mean, 1)).T
    return weights.T


def _poisson(rng: np.random.Generator, mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Draw Poisson numbers; above a mean of a million, normal ones agree to four digits."""
    large = mean > 1e6
    drawn: NDArray[np.float64] = rng.poisson(np.where(large, 0, mean)).astype(float)
    if large.any():
        drawn[large] = rng.normal(mean[large], np.sqrt(mean[large]))
    return drawn


def credit_replicates(
    model: Model,
    statistics: Any,  # noqa: ANN401 - the type depends on the model
    features: UniqueFeatures,
    paths: Paths,
    weights: NDArray[np.floating],
) -> Replicates:
    """Refit a model in every replicate and attribute the replicate's conversions.

    Parameters
    ----------
    model
        Fitted on `statistics`; it is not changed.
    statistics
        What the model is fitted on, by unit (`Model.sufficient_statistics`).
    features
        The features of the converted paths (`Model.encode_paths`).
    paths
        The converted paths.
    weights : (replicates, units) array
        How often each unit counts in each replicate.
    """
    conversions, value = counts_by_unit(features, paths, weights.shape[1])
    if not model.learns:
        shares, units = model.shares(features), np.unique(paths.unit)
        credit, credited_value = ((counts.T @ shares)[units] for counts in (conversions, value))
        return fixed_replicates(credit, credited_value, weights.T[units].T)
    refits = copy.deepcopy(model).refits(statistics, weights)
    size = (len(weights), len(paths.channels))
    result = Replicates(np.zeros(size), np.zeros(size))
    resampled = resampled_sums(sparse.vstack([conversions, value], format="csr"), weights)
    for number, (refitted, sums) in enumerate(zip(refits, resampled, strict=True)):
        amounts = np.split(sums, 2)
        result.conversions[number], result.value[number] = refitted.credit(features, amounts)
    return result


def fixed_replicates(
    conversions: Matrix, value: Matrix, weights: NDArray[np.floating]
) -> Replicates:
    """Resample credit that does not depend on a fit.

    Parameters
    ----------
    conversions, value : (units, channels) arrays or sparse matrices
    weights : (replicates, units) array
    """
    both = np.hstack([_dense(conversions), _dense(value)])
    return Replicates(*np.hsplit(weighted_sums(weights, both), 2))


def _dense(matrix: Matrix) -> NDArray[np.float64]:
    return np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.toarray())


def counts_by_unit(
    features: UniqueFeatures, paths: Paths, units: int
) -> tuple[sparse.csr_array[np.float64], sparse.csr_array[np.float64]]:
    """Return conversions and value by feature row and unit, as sparse (rows, units) matrices."""
    shape = (len(features), units)
    return (
        by_unit(features.inverse, paths.unit, paths.conversions, shape),
        by_unit(features.inverse, paths.unit, paths.value, shape),
    )
