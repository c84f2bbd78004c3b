"""The variance of what was measured and of what was expected, by leaving out buckets of users."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lydite.paths.landmarks import N_BUCKETS

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Estimates(NamedTuple):
    """Two differences between the arms, with their covariance.

    Attributes
    ----------
    values : (2,) array
        What was measured and what was expected, for all treated users.
    covariance : (2, 2) array
    """

    values: NDArray[np.float64]
    covariance: NDArray[np.float64]


def estimate(
    values: NDArray[np.float64],
    is_treated: NDArray[np.bool_],
    bucket: NDArray[np.integer],
    shift: NDArray[np.float64],
) -> Estimates:
    """Estimate differences between the arms, and their covariance, by the jackknife [1]_.

    A bucket is left out with everything that depends on its users: their conversions, their paths,
    and the part that they had in fitting the model.

    Parameters
    ----------
    values : (users, 2) array
        The conversions of each user, and those that the channel is expected to cause.
    is_treated : (users,) bool
    bucket : (users,) integers, 0..255
        Users of one cluster are in one bucket.
    shift : (256, 2) array
        How much the expected sum over the users of the other buckets changes in the control arm
        and in the treated arm, where the model is fitted without the bucket.

    References
    ----------
    .. [1] Efron & Stein (1981), "The jackknife estimate of variance", *Annals of Statistics* 9(3).
    """
    arm = is_treated.astype(np.intp)
    cell = arm * N_BUCKETS + np.asarray(bucket, dtype=np.intp)
    users = np.bincount(cell, minlength=2 * N_BUCKETS).reshape(2, N_BUCKETS)
    sums = np.stack(
        [
            np.bincount(cell, column, minlength=2 * N_BUCKETS).reshape(2, N_BUCKETS)
            for column in values.T
        ],
        axis=-1,
    )
    treated = float(is_treated.sum())
    total, held = sums.sum(axis=1), users.sum(axis=1)
    means = total / held[:, None]
    left = held[:, None] - users
    used = np.flatnonzero((users.sum(axis=0) > 0) | shift.any(axis=1))
    rest = total[:, None, :] - sums
    rest[:, :, 1] += shift.T
    with np.errstate(divide="ignore", invalid="ignore"):
        without = (rest / left[:, :, None])[:, used]
    differences = (without[1] - without[0]) * treated
    errors = differences - differences.mean(axis=0)
    n = max(len(used), 2)
    covariance = (n - 1) / n * errors.T @ errors
    return Estimates((means[1] - means[0]) * treated, covariance)
