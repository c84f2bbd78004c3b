"""The variance of what was measured and of what was expected, by leaving out buckets of users."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lydite.paths.landmarks import N_BUCKETS

if TYPE_CHECKING:
    from numpy.typing import NDArray


#: Fits are repeated without groups of buckets: without single ones they would take eight times as
#: long, and their part of the variance is small.
N_GROUPS = 32


def group_of(bucket: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return the group of each bucket; each has as many even as odd buckets."""
    return bucket // (N_BUCKETS // N_GROUPS)


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

    Each bucket is left out with the conversions and the paths of its users. To the errors of the
    buckets, summed by group, are added those of the fits, which are repeated without each group.

    Parameters
    ----------
    values : (users, 2) array
        The conversions of each user, and those that the channel is expected to cause.
    is_treated : (users,) bool
    bucket : (users,) integers, 0..255
        Users of one cluster are in one bucket.
    shift : (32, 2) array
        How much the expected sum changes in the control arm and in the treated arm, where the model
        is fitted without each group of buckets (`group_of`).

    References
    ----------
    .. [1] Efron & Stein (1981), "The jackknife estimate of variance", *Annals of Statistics* 9(3).
    """
    cell = is_treated * N_BUCKETS + np.asarray(bucket, dtype=np.intp)

    def by_bucket(amounts: NDArray[np.float64] | None) -> NDArray[np.float64]:
        sums = np.bincount(cell, amounts, minlength=2 * N_BUCKETS)
        return np.asarray(sums.reshape(2, N_BUCKETS), dtype=np.float64)

    users, sums = by_bucket(None), np.stack([by_bucket(own) for own in values.T], axis=-1)
    held, total = users.sum(axis=1), sums.sum(axis=1)
    means = total / held[:, None]
    treated = held[1]
    used = np.flatnonzero(users.sum(axis=0))
    left = (held[:, None] - users)[:, used, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        without = (total[:, None] - sums[:, used]) / left
    errors = _centred((without[1] - without[0]) * treated)
    fits = _centred((shift[:, 1:] / treated - shift[:, :1] / held[0]) * treated)
    summed = np.zeros((N_GROUPS, 2))
    np.add.at(summed, group_of(used), errors)
    both = summed + np.column_stack([np.zeros(N_GROUPS), fits])
    covariance = errors.T @ errors + both.T @ both - summed.T @ summed
    return Estimates((means[1] - means[0]) * treated, covariance)


def _centred(changes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return changes less their mean, scaled so that their squares add up to a variance."""
    n = max(len(changes), 2)
    return np.asarray((changes - changes.mean(axis=0)) * np.sqrt((n - 1) / n))
