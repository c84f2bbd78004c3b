"""Sequential confidence: intervals that hold however often somebody looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The sequence is tightest where about this many periods have been seen: half a year of weeks.
HORIZON = 26
# Of fewer buckets no variance can be told: the bounds are infinite.
MIN_BUCKETS = 16
# Variance this small, as a share of the sums' squares, is rounding.
_ROUNDING = 1e-20


@dataclass(frozen=True)
class ConfidenceSequence:
    """A mean difference after each period, with bounds that hold at all periods together.

    Attributes
    ----------
    mean, radius : (periods,) arrays
        Mean difference per landmark of all periods so far, and the half width around it.
    landmarks : (periods,) array
        Landmarks so far.
    """

    mean: NDArray[np.float64]
    radius: NDArray[np.float64]
    landmarks: NDArray[np.float64]

    @property
    def low(self) -> NDArray[np.float64]:
        """Lower bounds."""
        return self.mean - self.radius

    @property
    def high(self) -> NDArray[np.float64]:
        """Upper bounds."""
        return self.mean + self.radius

    def first_above_zero(self) -> int | None:
        """Return the first period after which the mean is surely above zero, if any."""
        above = np.flatnonzero(self.low > 0)
        return int(above[0]) if above.size else None


def confidence_sequence(
    difference: NDArray[np.float64], landmarks: NDArray[np.float64], alpha: float
) -> ConfidenceSequence:
    """Bound a mean difference of losses after every period, at once for all periods.

    Robbins' normal mixture with estimated variance (Waudby-Smith et al. 2021, "Time-uniform
    central limit theory and asymptotic confidence sequences"): with sum ``S`` and variance ``V``
    of ``S`` the radius of the mean is ``sqrt((V r + 1) / r * log((V r + 1) / alpha^2)) / n``.
    ``V`` is the sum over buckets of the squared deviation of the bucket's sum from its share:
    users stay in their bucket, so that what is alike within a user, at whatever time, is counted.
    The radius is infinite while fewer than `MIN_BUCKETS` buckets hold landmarks, and 0 where every
    difference is 0.

    Parameters
    ----------
    difference : (periods, buckets) array
        Sums of loss differences.
    landmarks : (periods, buckets) array
        Counts of landmarks.
    alpha
        Probability with which the bounds may ever be wrong.
    """
    sums = np.cumsum(difference, axis=0)
    counts = np.cumsum(landmarks, axis=0)
    total = counts.sum(axis=1)
    filled = (counts > 0).sum(axis=1)
    mean = sums.sum(axis=1) / np.maximum(total, 1)
    if not difference.any():
        return ConfidenceSequence(mean, np.where(filled > 0, 0.0, np.inf), total)
    variance = ((sums - counts * mean[:, None]) ** 2).sum(axis=1)
    variance *= filled / np.maximum(filled - 1, 1)
    variance[variance <= _ROUNDING * (sums**2).sum(axis=1)] = 0
    if not variance.any():
        return ConfidenceSequence(mean, np.full_like(mean, np.inf), total)
    r = _mixture(variance, alpha)
    spread = variance * r + 1
    radius = np.sqrt(spread / r * np.log(spread / alpha**2)) / np.maximum(total, 1)
    return ConfidenceSequence(mean, np.where(filled < MIN_BUCKETS, np.inf, radius), total)


def _mixture(variance: NDArray[np.float64], alpha: float) -> float:
    """Return the mixture parameter that is best at the variance expected at the horizon.

    What is expected is read off the first period that has any variance, and so does not change
    while evidence comes in. The best ``r`` at a given ``V`` solves a Lambert equation; the usual
    approximation is within a percent of its width.
    """
    first = int(np.flatnonzero(variance > 0)[0])
    expected = variance[first] / (first + 1) * HORIZON
    log_term = -2 * np.log(alpha)
    return float((log_term + np.log(log_term + 1)) / expected)
