"""Inference that holds for many looks and for many comparisons."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class AlwaysValid(NamedTuple):
    """An interval and a p-value that hold at every look.

    Attributes
    ----------
    low, high
        The interval.
    p_value
        Below `alpha` exactly where the interval at `alpha` excludes 0.
    """

    low: float
    high: float
    p_value: float


def always_valid(
    difference: float, standard_error: float, progress: float, alpha: float
) -> AlwaysValid:
    """Return an interval that covers the true difference at all looks at once.

    An asymptotic confidence sequence [1]_: with ``t`` users so far, estimate ``d`` with standard
    error ``s`` and ``u = 1 + t r``, the interval is ``d`` plus or minus
    ``s sqrt(2 u / (u - 1) log(sqrt(u) / alpha))``. ``r`` is chosen so that it is narrowest at the
    planned number of users, where it is about 1.5 times as wide as the interval of a single look.

    Parameters
    ----------
    difference, standard_error
        The estimate so far.
    progress
        The users so far, as a share of the planned users.
    alpha
        Probability that the interval ever misses the true difference.

    References
    ----------
    .. [1] Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), "Time-uniform central limit theory
       and asymptotic confidence sequences", Annals of Statistics 52(6), theorem 2.2.

    Examples
    --------
    >>> found = always_valid(0.01, 0.002, progress=1.0, alpha=0.05)
    >>> round(found.low, 4), round(found.high, 4), round(found.p_value, 6)
    (0.0039, 0.0161, 4.5e-05)
    """
    log_term = -2 * math.log(alpha)
    u = 1 + progress * (log_term + math.log(log_term + 1))
    radius = standard_error * math.sqrt(u / (u - 1) * (math.log(u) + log_term))
    z = difference / standard_error
    log_p = math.log(u) / 2 - z**2 * (u - 1) / (2 * u)
    return AlwaysValid(difference - radius, difference + radius, math.exp(min(0.0, log_p)))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values for their number [1]_; None stays None and does not count.

    References
    ----------
    .. [1] Holm (1979), "A simple sequentially rejective multiple test procedure".

    Examples
    --------
    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    known = [(p, i) for i, p in enumerate(p_values) if p is not None]
    result: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, i) in enumerate(sorted(known)):
        largest = max(largest, min(1.0, p * (len(known) - rank)))
        result[i] = largest
    return result
