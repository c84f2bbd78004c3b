"""Fieller's interval for the ratio of two estimates, such as return on spend."""

from __future__ import annotations

import math
from typing import NamedTuple


class Ratio(NamedTuple):
    """A ratio with its interval.

    Attributes
    ----------
    estimate
        The ratio.
    low, high
        The interval; None where it has no bound on that side, or has two parts.
    """

    estimate: float
    low: float | None
    high: float | None


def fieller(
    numerator: float,
    denominator: float,
    numerator_variance: float,
    denominator_variance: float,
    covariance: float,
    quantile: float,
) -> Ratio:
    """Return the interval of all ratios ``r`` for which ``numerator - r denominator`` may be 0.

    Parameters
    ----------
    numerator, denominator
        Two estimates.
    numerator_variance, denominator_variance, covariance
        Of the estimates.
    quantile
        The quantile of the normal or t-distribution for the level of the interval, such as 1.96.

    Returns
    -------
    Ratio
        Without bounds where the denominator may be 0: no ratio is excluded, or only those between
        two numbers.

    References
    ----------
    Fieller (1954), "Some problems in interval estimation".

    Examples
    --------
    >>> fieller(10.0, 5.0, 1.0, 0.0, 0.0, 1.96)
    Ratio(estimate=2.0, low=1.608, high=2.392)
    >>> fieller(10.0, 5.0, 1.0, 9.0, 0.0, 1.96).high is None
    True
    """
    if not denominator:
        return Ratio(math.nan, None, None)
    square = quantile**2
    a = denominator**2 - square * denominator_variance
    b = numerator * denominator - square * covariance
    c = numerator**2 - square * numerator_variance
    estimate = numerator / denominator
    if a <= 0:
        return Ratio(estimate, None, None)
    root = math.sqrt(max(b**2 - a * c, 0.0))
    return Ratio(estimate, (b - root) / a, (b + root) / a)
