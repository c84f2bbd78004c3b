"""Compares the means of two arms; tea-tasting does the statistics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lydite.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NEEDED = "experiments need one more package: pip install 'lydite[experiments]'"


def tea_tasting() -> Any:  # noqa: ANN401 - the module of an extra is imported late
    """Return the package tea-tasting, which takes a second to import.

    Raises
    ------
    InputError
        When it is not installed.
    """
    try:
        import tea_tasting  # noqa: PLC0415
    except ImportError as error:
        raise InputError(_NEEDED) from error
    return tea_tasting


@dataclass(frozen=True)
class Arm:
    """The users of one arm, summed by cluster: users who belong together, such as an account.

    Without clusters each user is one.

    Attributes
    ----------
    users : (clusters,) array
        How many users each cluster has.
    total : (clusters,) array
        Sum of the outcome over the users of each cluster.
    covariate : (clusters,) array or None
        Sum of a quantity that was known before the assignment.
    """

    users: NDArray[np.float64]
    total: NDArray[np.float64]
    covariate: NDArray[np.float64] | None = None

    @property
    def mean(self) -> float:
        """The outcome per user."""
        return float(self.total.sum() / self.users.sum())

    @property
    def variance(self) -> float:
        """The variance of the mean, by the delta method for a ratio of sums over clusters."""
        n = len(self.users)
        if n < 2:
            return math.nan
        errors = (self.total - self.mean * self.users) / self.users.mean()
        return float(errors.var(ddof=1) / n)


@dataclass(frozen=True)
class Difference:
    """The difference of the means of two arms; None where there is none.

    Attributes
    ----------
    mean, control_mean
        The outcome per user of the arm and of the control arm.
    difference, low, high
        The mean less that of the control arm, with its interval.
    relative, relative_low, relative_high
        The difference as a share of the mean of the control arm.
    p_value
        Of no difference.
    standard_error, pooled_error
        Of the difference: with a variance per arm, and with one for both.
    """

    mean: float
    control_mean: float
    difference: float
    low: float | None
    high: float | None
    relative: float | None
    relative_low: float | None
    relative_high: float | None
    p_value: float | None
    standard_error: float | None
    pooled_error: float | None


def compare_means(
    treated: Arm, control: Arm, alpha: float, *, adjusted: bool = False
) -> Difference:
    """Compare the outcome per user of two arms by Welch's interval.

    The mean of an arm is a ratio: the sum of the outcome by the number of users. Its variance comes
    from the clusters, by the delta method [1]_, so that users who belong together do not count as
    independent. Clusters with users in both arms count once in each: where their users behave
    alike, the intervals are then a little too wide.

    The p-value is the larger one of Welch's test and of the test with one variance for both arms.
    If a treatment does nothing, the arms have the same variance. Welch's test alone finds a
    difference too often where one arm is much smaller and its conversions are few.

    Parameters
    ----------
    treated, control
        The two arms.
    alpha
        One less the level of the intervals.
    adjusted
        Whether to reduce the variance by the covariate (CUPED [2]_).

    Returns
    -------
    Difference
        Without intervals and p-value where the outcome does not vary.

    References
    ----------
    .. [1] Deng, Knoblich & Lu (2018), "Applying the delta method in metric analytics".
    .. [2] Deng, Xu, Kohavi & Walker (2013), "Improving the sensitivity of online controlled
       experiments by utilizing pre-experiment data".
    """
    names = ("covariate", "users") if adjusted else (None, None)
    sums = _aggregates(control), _aggregates(treated)
    with np.errstate(all="ignore"):
        found, pooled = (
            tea_tasting()
            .RatioOfMeans(
                "total", "users", *names, confidence_level=1 - alpha, equal_var=equal, use_t=True
            )
            .analyze_aggregates(*sums)
            for equal in (False, True)
        )
    error = _error(found.effect_size, found.statistic, treated, control)
    return Difference(
        mean=float(found.treatment),
        control_mean=float(found.control),
        difference=float(found.effect_size),
        low=_finite(found.effect_size_ci_lower) if error else None,
        high=_finite(found.effect_size_ci_upper) if error else None,
        relative=_finite(found.rel_effect_size),
        relative_low=_finite(found.rel_effect_size_ci_lower) if error else None,
        relative_high=_finite(found.rel_effect_size_ci_upper) if error else None,
        p_value=_finite(max(found.pvalue, pooled.pvalue)) if error else None,
        standard_error=error,
        pooled_error=_error(pooled.effect_size, pooled.statistic, treated, control),
    )


def _aggregates(arm: Arm) -> Any:  # noqa: ANN401
    """Return counts, means, variances and covariances of the clusters of an arm."""
    columns = {"users": arm.users, "total": arm.total}
    if arm.covariate is not None:
        columns["covariate"] = arm.covariate
    names = list(columns)
    values = np.vstack([columns[name] for name in names])
    few = values.shape[1] < 2  # then there is no variance, and no interval
    covariance = np.zeros((len(names), len(names))) if few else np.cov(values)
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1)]
    return tea_tasting().aggr.Aggregates(
        count_=values.shape[1],
        mean_={name: float(values[i].mean()) for i, name in enumerate(names)},
        var_={name: float(covariance[i, i]) for i, name in enumerate(names)},
        cov_={(names[i], names[j]): float(covariance[i, j]) for i, j in pairs},
    )


def _error(difference: float, statistic: float, treated: Arm, control: Arm) -> float | None:
    """Return the standard error of a difference; None where it is not above 0."""
    if math.isfinite(statistic) and statistic:
        return abs(float(difference / statistic))
    variance = treated.variance + control.variance
    return math.sqrt(variance) if math.isfinite(variance) and variance > 0 else None


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
