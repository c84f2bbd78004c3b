"""Sample size: how much more data it takes to separate two models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lydite.evaluation.confidence_sequence import ConfidenceSequence

#: Larger factors are reported as infinite.
MAX_FACTOR = 1000.0


def required_sample_factor(sequence: ConfidenceSequence, level: float) -> float:
    """Return how many times the present data it takes until a difference excludes 0.

    Assumes that the mean difference and the variance per landmark stay as they are. With ``x``
    times the landmarks the sum is ``x S`` and its variance ``x V``, and the confidence sequence
    excludes 0 once ``(x S)^2 > (x V r + 1) / r * log((x V r + 1) / level^2)``.

    Parameters
    ----------
    sequence
        The difference so far.
    level
        The probability with which its bounds may ever be wrong.

    Returns
    -------
    float
        1 where the difference excludes 0 already. Infinity where the present difference is 0, its
        variance is unknown, or the factor is above `MAX_FACTOR`.
    """
    n = float(sequence.landmarks[-1])
    total, variance = float(sequence.mean[-1]) * n, float(sequence.variance[-1])
    if total == 0 or variance == 0 or not np.isfinite(sequence.radius[-1]):
        return float("inf")
    r = float(sequence.mixture)

    def excess(log_x: float) -> float:
        x = np.exp(log_x)
        spread = x * variance * r + 1
        return float(x * x * total**2 * r - spread * (np.log(spread) - 2 * np.log(level)))

    largest = float(np.log(MAX_FACTOR))
    least = max(1.0, float(-np.log(level) / (abs(total) * np.log(2))))
    if least > MAX_FACTOR or excess(largest) <= 0:
        return float("inf")
    if excess(0.0) > 0:
        return least
    from scipy.optimize import brentq  # noqa: PLC0415 - it takes long, and few need it

    return max(least, float(np.exp(brentq(excess, 0.0, largest))))
