"""Compares the credit of models with what experiments measured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import polars as pl
from scipy.special import chdtrc, ndtr, ndtri

from lydite.experiments.covariates import combine_covariates
from lydite.experiments.fieller import fieller

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: ``"agrees"``: the incrementality factor is shown to be within `MARGIN` of 1. ``"overstates"`` and
#: ``"understates"``: the model credits more, or less, than was measured, for sure.
#: ``"uninformative"``: neither is shown.
Status: TypeAlias = Literal["agrees", "overstates", "understates", "uninformative"]
#: Credit agrees with an experiment within this share of what it credits.
MARGIN = 0.25
_POWER = 0.8


@dataclass(frozen=True)
class Agreement:
    """The credit of one model for the channel of one experiment, and what was measured.

    Attributes
    ----------
    measured, credited
        Conversions of the treated users that the channel caused according to the experiment, and
        that the model credits to it.
    measured_variance, credited_variance, covariance
        The variances of `measured` and `credited`, and their covariance.
    incrementality, low, high
        Measured by credited, with Fieller's interval; no bounds where the credit may be 0.
    z, p_value
        Of measured less credited, in standard errors; and of no difference.
    status
        What the experiment says about the credit.
    users_needed
        How many users it would have taken to show a difference of `MARGIN`; None where the model
        credits nothing.
    """

    measured: float
    credited: float
    measured_variance: float
    credited_variance: float
    covariance: float
    incrementality: float | None
    low: float | None
    high: float | None
    z: float | None
    p_value: float | None
    status: Status
    users_needed: int | None


def compare_credit(
    conversions: NDArray[np.float64],
    credit: NDArray[np.float64],
    is_treated: NDArray[np.bool_],
    cluster: NDArray[np.int64],
    covariates: NDArray[np.float64],
    *,
    alpha: float = 0.05,
    rivals: int = 1,
) -> Agreement:
    """Compare the credit of a held-out channel with the difference that holding it out made.

    If a channel causes exactly the conversions that it is credited with, those that are *not*
    credited to it do not differ between the arms. So the conversions less the credit, per user, are
    compared between the arms. Control users who got the channel all the same have credit too, which
    the same formula takes into account.

    Parameters
    ----------
    conversions : (users,) array
        Conversions of each user in the window after the assignment.
    credit : (users,) array
        The part of these that the model credits to touches of the channel after the assignment.
    is_treated : (users,) array
        Whether the user got the channel by assignment.
    cluster : (users,) array
        Number of the cluster of each user.
    covariates : (users, k) array
        What was known before the assignment; reduces the variance.
    alpha
        Probability to call credit of any of the models wrong that is right.
    rivals
        How many models are compared with the experiment; alpha is divided by it.
    """
    arm = is_treated.astype(np.int64)
    both = np.column_stack([adjust(y, covariates, arm) for y in (conversions, credit)])
    means, covariance = np.zeros(2), np.zeros((2, 2))
    for sign, chosen in ((1, is_treated), (-1, ~is_treated)):
        mean, variance = _mean_and_variance(both[chosen], cluster[chosen])
        means += sign * mean
        covariance += variance
    size = int(is_treated.sum())
    measured, credited = (float(mean) * size for mean in means)
    return conclude(measured, credited, covariance * size**2, len(arm), alpha=alpha, rivals=rivals)


def conclude(
    measured: float,
    claimed: float,
    covariance: NDArray[np.float64],
    users: int,
    *,
    alpha: float,
    rivals: int,
) -> Agreement:
    """Return what a measured increment says about the one that a model claims.

    Parameters
    ----------
    measured, claimed
        Conversions of the treated users that the channel caused: as measured, and by the model.
    covariance : (2, 2) array
        Of both.
    users
        How many users both arms have.
    alpha, rivals
        As in `compare_credit`.
    """
    spread = float(covariance[0, 0]), float(covariance[1, 1]), float(covariance[0, 1])
    error = math.sqrt(max(0.0, spread[0] + spread[1] - 2 * spread[2]))
    z = (measured - claimed) / error if error > 0 else None
    p_value = None if z is None else float(2 * ndtr(-abs(z)))
    ratio = fieller(measured, claimed, *spread, float(-ndtri(alpha / 2)))
    # Two one-sided tests at alpha: the interval at 1 - 2 alpha is within the margin.
    within = fieller(measured, claimed, *spread, float(-ndtri(alpha)))
    return Agreement(
        measured=measured,
        credited=claimed,
        measured_variance=spread[0],
        credited_variance=spread[1],
        covariance=spread[2],
        incrementality=ratio.estimate if math.isfinite(ratio.estimate) else None,
        low=ratio.low,
        high=ratio.high,
        z=z,
        p_value=p_value,
        status=_status(within.low, within.high, z, p_value, alpha / rivals),
        users_needed=_users_needed(users, error, claimed, alpha / rivals),
    )


def _status(
    low: float | None, high: float | None, z: float | None, p_value: float | None, alpha: float
) -> Status:
    if low is not None and high is not None and low >= 1 - MARGIN and high <= 1 + MARGIN:
        return "agrees"
    if z is not None and p_value is not None and p_value <= alpha:
        return "overstates" if z < 0 else "understates"
    return "uninformative"


def _users_needed(users: int, error: float, credited: float, alpha: float) -> int | None:
    if not credited or not error:
        return None
    quantiles = float(-ndtri(alpha / 2) + -ndtri(1 - _POWER))
    return math.ceil(users * (quantiles * error / (MARGIN * credited)) ** 2)


def adjust(
    values: NDArray[np.float64], covariates: NDArray[np.float64], arm: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the (users,) values less what the covariates explain of them."""
    index = combine_covariates(values, covariates, arm)
    return values if index is None else values - (index - index.mean())


def _mean_and_variance(
    values: NDArray[np.float64], cluster: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the means of columns over users, with their covariance over clusters."""
    _, number = np.unique(cluster, return_inverse=True)
    users = np.bincount(number).astype(float)
    sums = np.column_stack([np.bincount(number, weights=column) for column in values.T])
    mean = sums.sum(axis=0) / users.sum()
    errors = (sums - users[:, None] * mean) / users.mean()
    return mean, np.atleast_2d(np.cov(errors.T)) / len(users)


def judge_models(rows: pl.DataFrame, alpha: float) -> pl.DataFrame:
    """Return one verdict per outcome and model over all experiments.

    With ``z`` of each of ``J`` experiments, the sum of ``z^2`` is chi-square with ``J`` degrees of
    freedom if the credit is what the channels cause. A model is contradicted at alpha over the
    number of models.

    Parameters
    ----------
    rows
        A row per experiment and model: ``experiment, outcome, model, z, status, read_on``.
    alpha
        Probability to contradict any model whose credit is right.

    Returns
    -------
    polars.DataFrame
        ``outcome, model, verdict, experiment, read_on, experiments, chi_square, p_value``. The
        verdict is ``contradicted``, with the experiment that contradicts it most; ``agrees``, if
        every experiment agrees; or ``uninformative``.
    """
    found = [
        _judge(
            str(outcome),
            str(model),
            group,
            alpha / rows.filter(outcome=outcome)["model"].n_unique(),
        )
        for (outcome, model), group in rows.group_by("outcome", "model", maintain_order=True)
    ]
    return pl.DataFrame(found, schema=VERDICT_COLUMNS, orient="row")


def rank_by_distance(rows: pl.DataFrame) -> pl.DataFrame:
    """Return how far the credit of each model is from what the experiments measured.

    The distance has the same unit for all models, the error of the measurement, so that a model
    whose own figure is uncertain does not come closer by that.

    Parameters
    ----------
    rows
        A row per experiment and model: ``outcome, model, measured, measured_variance, credited``.

    Returns
    -------
    polars.DataFrame
        ``outcome, model, distance, distance_rank``: the root of the mean squared difference in
        standard errors of the measurement, and 1 for the closest model.
    """
    squared = (pl.col("measured") - pl.col("credited")) ** 2 / pl.col("measured_variance")
    found = (
        rows.filter(pl.col("measured_variance") > 0)
        .group_by("outcome", "model", maintain_order=True)
        .agg(distance=squared.mean().sqrt())
    )
    rank = pl.col("distance").rank("min").over("outcome").cast(pl.Int64)
    return found.with_columns(distance_rank=rank)


#: The columns of `judge_models`.
VERDICT_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "outcome": pl.String, "model": pl.String, "verdict": pl.String, "experiment": pl.String,
    "read_on": pl.Date, "experiments": pl.Int64, "chi_square": pl.Float64, "p_value": pl.Float64,
}  # fmt: skip


def _judge(outcome: str, model: str, rows: pl.DataFrame, alpha: float) -> Sequence[object]:
    known = rows.drop_nulls("z")
    if known.is_empty():
        return outcome, model, "uninformative", None, None, 0, None, None
    square = float((known["z"] ** 2).sum())
    p = float(chdtrc(len(known), square))
    worst = known.sort(pl.col("z").abs(), descending=True).row(0, named=True)
    statuses = set(rows["status"])
    if p <= alpha and statuses != {"agrees"}:
        verdict = "contradicted"
    else:
        verdict = "agrees" if statuses == {"agrees"} else "uninformative"
    name, day = (
        (worst["experiment"], worst["read_on"]) if verdict == "contradicted" else (None, None)
    )
    return outcome, model, verdict, name, day, len(known), square, p
