"""Ridge logistic regression on counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from lydite.models.optimize import maximize, weighted_gram

if TYPE_CHECKING:
    from numpy.typing import NDArray


def logistic_regression(
    columns: NDArray[np.float64],
    trials: NDArray[np.float64],
    conversions: NDArray[np.float64],
    penalty: NDArray[np.float64] | float,
    start: NDArray[np.float64],
    offset: NDArray[np.float64] | float = 0.0,
) -> NDArray[np.float64]:
    """Return the coefficients of a ridge logistic regression on counts.

    Maximises ``sum k log p + (n - k) log(1 - p) - penalty . beta^2 / 2``.

    Parameters
    ----------
    columns : (m, p) array
        With a constant column where an intercept is wanted.
    trials, conversions : (m,) counts
        ``n`` and ``k``.
    penalty : (p,) array
        The precision of each coefficient's normal prior around 0.
    start : (p,) array
    offset : (m,) array
        Added to the log-odds of each row.
    """

    def value(beta: NDArray[np.float64]) -> float:
        eta = columns @ beta + offset
        fit = conversions @ eta - trials @ np.logaddexp(0, eta)
        return float(fit - 0.5 * np.sum(penalty * beta**2))

    def derivatives(beta: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        p = expit(columns @ beta + offset)
        gradient = columns.T @ (conversions - trials * p) - penalty * beta
        information = weighted_gram(columns, trials * p * (1 - p))
        information[np.diag_indices_from(information)] += penalty
        return gradient, information

    return maximize(value, derivatives, start).x
