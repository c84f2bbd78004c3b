"""Which of some candidates is most likely: what is out of reach is not fitted to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_NEAR = 0.5


def most_likely(candidates: int, first: int, fit: Callable[[int, float], float]) -> int:
    """Return the number of the candidate that reaches the highest likelihood.

    Parameters
    ----------
    candidates
        How many there are.
    first
        The one to begin with: if it is the best, few steps show that others are not.
    fit
        Fits a candidate, and returns its log-likelihood; it is told the highest so far.
    """
    reached: dict[int, float] = {}
    for number in sorted(range(candidates), key=lambda number: number != first):
        reached[number] = fit(number, max(reached.values(), default=float("-inf")))
    return max(range(candidates), key=reached.__getitem__)


def out_of_reach(value: float, gain: float, change: NDArray[np.floating], rival: float) -> bool:
    """Tell whether a fit will stay below the likelihood of a rival, by its next Newton step.

    Where the step changes each parameter by less than half, the likelihood is not far from a
    parabola, on which the step gains half of what the slope says, and nothing is left after it: all
    of it and a nat more are allowed for.

    Parameters
    ----------
    value, rival
        Log-likelihoods, of the fit as it stands and of the rival.
    gain
        What the step gains by the slope.
    change
        What the step changes, as a share of each parameter.
    """
    return bool(np.abs(change).max() < _NEAR) and value + gain + 1 < rival
