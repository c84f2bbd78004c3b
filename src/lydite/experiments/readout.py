"""Reads one experiment with users: every outcome and arm, compared with the control arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from lydite.experiments.covariates import combine_covariates
from lydite.experiments.power import detectable, users_needed
from lydite.experiments.repeated_looks import always_valid, holm
from lydite.experiments.two_samples import Arm, compare_means

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    import numpy as np

    from lydite.experiments.enrolment import Enrolment, MayRead
    from lydite.settings import ExperimentSettings

Row: TypeAlias = dict[str, Any]
#: There are no intervals where so few users would convert in one of the arms, at the rate of both.
MIN_EXPECTED = 10

#: The columns of a readout, with their types.
COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "experiment": pl.String, "unit": pl.String, "varies": pl.String, "channel": pl.String,
    "hypothesis": pl.String, "null_hypothesis": pl.String, "outcome": pl.String,
    "metric": pl.String, "is_primary": pl.Boolean, "is_interaction": pl.Boolean,
    "arm": pl.String, "control": pl.String, "users": pl.Int64, "converted": pl.Int64,
    "conversions": pl.Int64, "value": pl.Float64,
    "mean": pl.Float64, "control_mean": pl.Float64, "difference": pl.Float64,
    "difference_low": pl.Float64, "difference_high": pl.Float64, "relative": pl.Float64,
    "relative_low": pl.Float64, "relative_high": pl.Float64, "p_value": pl.Float64,
    "p_holm": pl.Float64, "adjusted_difference": pl.Float64, "adjusted_low": pl.Float64,
    "adjusted_high": pl.Float64, "adjusted_p_value": pl.Float64, "variance_reduction": pl.Float64,
    "always_low": pl.Float64, "always_high": pl.Float64, "always_p_value": pl.Float64,
    "always_p_holm": pl.Float64, "may_read": pl.String, "readable_on": pl.Datetime("us"),
    "verdict": pl.String, "alpha": pl.Float64, "smallest_effect": pl.Float64,
    "detectable": pl.Float64, "users_needed": pl.Int64, "spend": pl.Float64,
    "return_on_spend": pl.Float64, "return_low": pl.Float64, "return_high": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class Observed:
    """An outcome of the users of an experiment, one entry per user.

    Attributes
    ----------
    arm, cluster : (users,) arrays
        Numbers of the arm and of the cluster of each user.
    conversions, value : (users,) arrays
        In the window after the assignment.
    covariates : (users, k) array
        What was known before the assignment: conversions, their value, touches.
    """

    arm: np.ndarray
    cluster: np.ndarray
    conversions: np.ndarray
    value: np.ndarray
    covariates: np.ndarray

    def metric(self, name: str) -> np.ndarray:
        """Return a metric of each user: whether there was a conversion, or the value."""
        return self.value if name == "value" else (self.conversions > 0).astype(float)

    def arms(self, outcome: np.ndarray, covariate: np.ndarray | None = None) -> dict[int, Arm]:
        """Return a quantity of the users summed by cluster, by number of the arm."""
        columns = {"arm": self.arm, "cluster": self.cluster, "total": outcome}
        if covariate is not None:
            columns["covariate"] = covariate
        sums = (
            pl.DataFrame(columns)
            .group_by("arm", "cluster", maintain_order=True)
            .agg(pl.len().cast(pl.Float64).alias("users"), pl.exclude("arm", "cluster").sum())
        )
        return {
            int(arm): Arm(
                group["users"].to_numpy(),
                group["total"].to_numpy(),
                None if covariate is None else group["covariate"].to_numpy(),
            )
            for (arm,), group in sums.partition_by("arm", as_dict=True).items()
        }


def observe(arms: Mapping[str, int], units: pl.DataFrame, conversions: pl.DataFrame) -> Observed:
    """Join the users of an experiment with their conversions of one outcome.

    Parameters
    ----------
    arms
        The numbers of the arms.
    units
        A row per user: ``person, arm, cluster, touches_before``.
    conversions
        A row per user with conversions: ``person, conversions, value, conversions_before,
        value_before``.
    """
    columns = ["conversions", "value", "conversions_before", "value_before"]
    joined = units.join(conversions, on="person", how="left", maintain_order="left").with_columns(
        pl.col(columns).fill_null(0).cast(pl.Float64)
    )
    return Observed(
        arm=joined["arm"].replace_strict(dict(arms), return_dtype=pl.Int64).to_numpy(),
        cluster=joined["cluster"].rank("dense").to_numpy(),
        conversions=joined["conversions"].to_numpy(),
        value=joined["value"].to_numpy(),
        covariates=joined.select(
            "conversions_before", "value_before", pl.col("touches_before").cast(pl.Float64)
        ).to_numpy(),
    )


def read_arms(
    plan: ExperimentSettings, enrolment: Enrolment, outcome: str, metric: str, observed: Observed
) -> Iterator[Row]:
    """Yield a row per arm for one outcome and metric: the control arm first.

    Parameters
    ----------
    plan, enrolment
        The experiment, and who counts.
    outcome
        Name of the outcome.
    metric
        ``"rate"`` or ``"value"``.
    observed
        The outcome of the users.
    """
    values = observed.metric(metric)
    index = combine_covariates(values, observed.covariates, observed.arm)
    numbers = {name: i for i, name in enumerate(plan.arms)}
    by_arm = observed.arms(values, index)
    for name in (plan.control, *plan.treated):
        is_in = observed.arm == numbers[name]
        row: Row = {
            "outcome": outcome,
            "metric": metric,
            "is_primary": (outcome, metric) == (plan.outcome, plan.metric),
            "arm": name,
            "users": int(is_in.sum()),
            "converted": int((observed.conversions[is_in] > 0).sum()),
            "conversions": int(observed.conversions[is_in].sum()),
            "value": float(observed.value[is_in].sum()),
        }
        own, control = by_arm.get(numbers[name]), by_arm.get(numbers[plan.control])
        if own is not None:
            row["mean"] = own.mean
        if own is not None and control is not None and name != plan.control:
            pair = is_in | (observed.arm == numbers[plan.control])
            share = float((observed.conversions[pair] > 0).mean())
            is_enough = share * min(own.users.sum(), control.users.sum()) >= MIN_EXPECTED
            users = len(enrolment.units)
            row |= _compare(plan, own, control, users, is_enough=is_enough)
            row |= _plan_sizes(plan, name, control, users, is_rate=metric == "rate")
        yield row


def _compare(
    plan: ExperimentSettings, own: Arm, control: Arm, users: int, *, is_enough: bool
) -> Row:
    """Return what differs between an arm and the control arm."""
    plain = compare_means(own, control, plan.alpha)
    if not is_enough:
        differences = {"difference": plain.difference, "relative": plain.relative}
        return {"control_mean": plain.control_mean} | differences
    row: Row = {
        "control_mean": plain.control_mean,
        "difference": plain.difference,
        "difference_low": plain.low,
        "difference_high": plain.high,
        "relative": plain.relative,
        "relative_low": plain.relative_low,
        "relative_high": plain.relative_high,
        "p_value": plain.p_value,
    }
    if plain.standard_error is not None:
        progress = users / (plan.planned_users or users)
        always, pooled = (
            always_valid(plain.difference, error, progress, plan.alpha)
            for error in (plain.standard_error, plain.pooled_error or plain.standard_error)
        )
        row |= {
            "always_low": always.low,
            "always_high": always.high,
            "always_p_value": max(always.p_value, pooled.p_value),
        }
    if own.covariate is not None and plain.standard_error is not None:
        reduced = compare_means(own, control, plan.alpha, adjusted=True)
        if reduced.standard_error is not None:
            row |= {
                "adjusted_difference": reduced.difference,
                "adjusted_low": reduced.low,
                "adjusted_high": reduced.high,
                "adjusted_p_value": reduced.p_value,
                "variance_reduction": 1 - (reduced.standard_error / plain.standard_error) ** 2,
            }
    return row


def _variance_ratio(rate: float, relative: float) -> float:
    """Return how much larger the variance of a rate becomes by a relative difference."""
    return max(0.0, (1 + relative) * (1 - rate * (1 + relative)) / (1 - rate)) if rate < 1 else 1.0


def _plan_sizes(
    plan: ExperimentSettings, name: str, control: Arm, users: int, *, is_rate: bool
) -> Row:
    """Return which difference these users detect, and how many the smallest effect needs."""
    shares = plan.shares
    both = shares[name] + shares[plan.control]
    share = shares[plan.control] / both
    # The variance that a single user stands for, with the correlation within clusters.
    variance = control.variance * float(control.users.sum())
    smallest = plan.smallest_effect or 0.0
    needed = users_needed(
        control.mean,
        variance,
        smallest,
        treated_variance=variance * (_variance_ratio(control.mean, smallest) if is_rate else 1),
        alpha=plan.alpha,
        control_share=share,
    )
    return {
        "detectable": detectable(
            control.mean, variance, int(users * both), alpha=plan.alpha, control_share=share
        ),
        "users_needed": None if needed is None else round(needed / both),
    }


def finish_rows(
    name: str,
    plan: ExperimentSettings,
    rows: list[Row],
    may_read: MayRead,
    readable_on: datetime | None,
) -> list[Row]:
    """Adjust the p-values for their number, and add the verdicts and the declaration.

    Parameters
    ----------
    name, plan
        The experiment.
    rows
        The rows of all outcomes, metrics and arms.
    may_read, readable_on
        What may be read, and from when on all of it.
    """
    for given, adjusted in (("p_value", "p_holm"), ("always_p_value", "always_p_holm")):
        for row, p in zip(rows, holm([row.get(given) for row in rows]), strict=True):
            row[adjusted] = p
    declared = {
        "experiment": name, "unit": plan.unit, "varies": plan.varies, "channel": plan.channel,
        "hypothesis": plan.hypothesis, "null_hypothesis": plan.null_hypothesis,
        "control": plan.control, "alpha": plan.alpha, "smallest_effect": plan.smallest_effect,
        "may_read": may_read, "readable_on": readable_on, "is_interaction": False,
    }  # fmt: skip
    return [
        dict.fromkeys(COLUMNS)
        | declared
        | row
        | {"verdict": None if row["arm"] == plan.control else verdict_of(plan, row, may_read)}
        for row in rows
    ]


def verdict_of(plan: ExperimentSettings, row: Row, may_read: MayRead) -> str:
    """Return what a row says.

    Returns
    -------
    str
        ``"not_readable"``; ``"higher"`` or ``"lower"`` than the control arm; ``"too_small"``: any
        relative difference is smaller than the smallest that matters; else ``"undecided"``.
    """
    if may_read == "none":
        return "not_readable"
    p = row.get("p_holm" if may_read == "fixed" else "always_p_holm")
    if p is not None and p <= plan.alpha:
        return "higher" if row["difference"] > 0 else "lower"
    if may_read == "fixed":
        low, high = row.get("relative_low"), row.get("relative_high")
    else:
        mean = row.get("control_mean") or None
        low, high = (
            None if mean is None or row.get(bound) is None else row[bound] / mean
            for bound in ("always_low", "always_high")
        )
    smallest = plan.smallest_effect
    if smallest is None or low is None or high is None:
        return "undecided"
    return "too_small" if -smallest < low and high < smallest else "undecided"
