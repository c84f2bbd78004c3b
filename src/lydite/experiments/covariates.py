"""Combines what was known of users before their assignment into one covariate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def combine_covariates(
    outcome: NDArray[np.float64], covariates: NDArray[np.float64], arm: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    """Return the linear combination of covariates that explains most of the outcome.

    The weights come from a regression within the arms, so that an effect of the arm does not enter
    them. Variance reduction (CUPED) needs one covariate.

    Parameters
    ----------
    outcome : (users,) array
        The outcome of each user.
    covariates : (users, k) array
        What was known before the assignment, such as earlier conversions.
    arm : (users,) array
        Number of the arm of each user.

    Returns
    -------
    (users,) array or None
        None if no covariate varies, or none explains anything.
    """
    if not covariates.size:
        return None
    x = np.column_stack([_within(column, arm) for column in covariates.T])
    varies = np.ptp(x, axis=0) > 0
    if not varies.any():
        return None
    # lstsq gives the shortest solution where covariates depend on each other.
    weights = np.linalg.lstsq(x[:, varies], _within(outcome, arm), rcond=None)[0]
    found = covariates[:, varies] @ weights
    return found if np.ptp(found) > 0 else None


def _within(values: NDArray[np.float64], arm: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return values less the mean of their arm."""
    n = np.bincount(arm)
    means = np.bincount(arm, weights=values) / np.maximum(n, 1)
    return np.asarray(values - means[arm])
