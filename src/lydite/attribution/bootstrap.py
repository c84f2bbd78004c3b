"""Intervals on credit: units are drawn again, models fitted again, conversions divided again."""

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

REPLICATES = 200
_EDGES = (0.025, 0.975)
_FEW = 8  # journeys: so many of a unit are drawn one by one
_AT_ONCE = 20  # replicates: weights are widened to full precision a part at a time


@dataclass(frozen=True)
class Replicates:
    """Credit by channel in every replicate.

    Attributes
    ----------
    conversions, value : (replicates, channels) arrays
    """

    conversions: NDArray[np.float64]
    value: NDArray[np.float64]

    def scaled(self, factor: float) -> Replicates:
        """Return the same for so many times as many conversions."""
        return Replicates(factor * self.conversions, factor * self.value)

    def bounds(self) -> dict[str, NDArray[np.float64]]:
        """Return the bounds of the 95 % interval of every figure, by column, a row per channel.

        The bounds are the 2.5 % and 97.5 % quantiles over the replicates.
        """
        total = self.conversions.sum(axis=1, keepdims=True)
        share = self.conversions / np.where(total > 0, total, 1)
        figures = {"conversions": self.conversions, "value": self.value, "share": share}
        # Weibull's plotting positions: by others, 200 replicates leave 3 % outside on either side.
        edges = {
            name: np.quantile(figure, _EDGES, axis=0, method="weibull")
            for name, figure in figures.items()
        }
        return {
            f"{name}_{side}": edge
            for name, both in edges.items()
            for side, edge in zip(("low", "high"), both, strict=True)
        }


def draw_buckets(units: int, seed: int, replicates: int = REPLICATES) -> NDArray[np.float64]:
    """Return how often each unit is drawn in each replicate, (replicates, units).

    As many units as there are, with replacement: Efron's bootstrap, with buckets of users as the
    units, since what is alike within a user is alike within a bucket.
    """
    rng = np.random.default_rng(seed)
    return rng.multinomial(units, np.full(units, 1 / units), size=replicates).astype(float)


def draw_journeys(
    counts: NDArray[np.number], seed: int, replicates: int = REPLICATES
) -> NDArray[np.float32]:
    """Return by how much each counted unit weighs in each replicate, (replicates, units).

    Every unit stands for a number of journeys; each of them is drawn a Poisson number of times.
    What a unit weighs in all replicates lies together, as sums over units want it.
    """
    rng = np.random.default_rng(seed)
    mean, few = np.asarray(counts, dtype=np.float64), np.asarray(counts) <= _FEW
    # Of journeys that are drawn as often as there are of them, Poisson, and then uniformly, each is
    # drawn a Poisson number of times: with few of them to a unit that takes fewer random numbers.
    unit_of = np.repeat(np.flatnonzero(few), counts[few].astype(np.intp))
    weights = np.empty((len(counts), replicates), dtype=np.float32)
    for low in range(0, replicates, _AT_ONCE):
        drawn = np.empty((min(_AT_ONCE, replicates - low), len(counts)))
        for row in drawn:
            journeys = rng.integers(0, len(unit_of), rng.poisson(len(unit_of)), dtype=np.intp)
            row[:] = np.bincount(unit_of[journeys], minlength=len(counts))
            row[~few] = _poisson(rng, mean[~few])
        weights[:, low : low + _AT_ONCE] = (drawn / np.maximum(mean, 1)).T
    return weights.T


def _poisson(rng: np.random.Generator, mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Draw Poisson numbers; above a million the normal law is the same to four digits."""
    large = mean > 1e6
    drawn: NDArray[np.float64] = rng.poisson(np.where(large, 0, mean)).astype(float)
    if large.any():
        drawn[large] = rng.normal(mean[large], np.sqrt(mean[large]))
    return drawn


def credit_replicates(
    model: Model,
    statistics: Any,  # noqa: ANN401
    features: UniqueFeatures,
    paths: Paths,
    weights: NDArray[np.floating],
) -> Replicates:
    """Fit a model anew in every replicate, and divide the replicate's conversions.

    Parameters
    ----------
    model
        Fitted on the statistics itself; it stays as it is.
    statistics
        What its credit is fitted on, by unit (`Model.sufficient_statistics`).
    features
        What its credit depends on of the converted paths (`Model.encode_paths`).
    paths
        The converted paths.
    weights : (replicates, units) array
        How often each unit counts in each replicate.
    """
    conversions, value = counts_by_unit(features, paths, weights.shape[1])
    if not model.learns:
        shares, units = model.shares(features), np.unique(paths.unit)
        earned, worth = ((counts.T @ shares)[units] for counts in (conversions, value))
        return fixed_replicates(earned, worth, weights.T[units].T)
    refits = copy.deepcopy(model).refits(statistics, weights)
    size = (len(weights), len(paths.channels))
    result = Replicates(np.zeros(size), np.zeros(size))
    drawn = resampled_sums(sparse.vstack([conversions, value], format="csr"), weights)
    for number, (refitted, both) in enumerate(zip(refits, drawn, strict=True)):
        amounts = np.split(both, 2)
        result.conversions[number], result.value[number] = refitted.credit(features, amounts)
    return result


def fixed_replicates(
    conversions: Any,  # noqa: ANN401
    value: Any,  # noqa: ANN401
    weights: NDArray[np.floating],
) -> Replicates:
    """Weigh credit that does not depend on any fit.

    Parameters
    ----------
    conversions, value : (units, channels) arrays or sparse matrices
    weights : (replicates, units) array
    """
    both = np.hstack([_full(conversions), _full(value)])
    return Replicates(*np.hsplit(weighted_sums(weights, both), 2))


def _full(matrix: Any) -> NDArray[np.float64]:  # noqa: ANN401
    return np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.toarray())


def counts_by_unit(
    features: UniqueFeatures, paths: Paths, units: int
) -> tuple[sparse.csr_array[np.float64], sparse.csr_array[np.float64]]:
    """Return conversions and value by kind of path and unit, as sparse (k, units) matrices."""
    shape = (len(features), units)
    return (
        by_unit(features.inverse, paths.unit, paths.conversions, shape),
        by_unit(features.inverse, paths.unit, paths.value, shape),
    )
