"""What would settle it: how much more evidence a pair takes at the present rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq

if TYPE_CHECKING:
    from lydite.evaluation.confidence_sequence import ConfidenceSequence

#: What takes more than so many times the evidence of today is out of reach.
MOST_TIMES = 1000.0


def required_sample_factor(sequence: ConfidenceSequence, level: float) -> float:
    """Return how many times the evidence so far a pair takes until it is separated.

    The mean difference and the variance per landmark stay what they are: at ``x`` times the
    landmarks the sum is ``x S`` and its variance ``x V``, and the confidence sequence excludes 0
    once ``(x S)^2 > (x V r + 1) / r * log((x V r + 1) / level^2)``.

    Parameters
    ----------
    sequence
        The difference so far.
    level
        The probability with which its bounds may ever be wrong.

    Returns
    -------
    1 where it is separated by now; infinity where the present difference is 0, its variance is not
    known, or it takes more than `MOST_TIMES`.
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

    most = float(np.log(MOST_TIMES))
    if excess(0.0) > 0:
        return 1.0
    return float(np.exp(brentq(excess, 0.0, most))) if excess(most) > 0 else float("inf")
