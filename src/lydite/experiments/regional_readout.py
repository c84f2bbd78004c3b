"""Reads one experiment with regions: totals of the treated regions, and return on spend."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lydite.errors import InputError
from lydite.experiments import tables
from lydite.experiments.checks import Check
from lydite.experiments.fieller import Ratio
from lydite.experiments.readout import finish_rows
from lydite.experiments.regions import (
    MIN_REGIONS,
    RegionEffect,
    changes,
    paired_effect,
    return_on_spend,
    unpaired_effect,
    unpaired_return_on_spend,
)

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from lydite.engine import Engine
    from lydite.experiments.enrolment import MayRead
    from lydite.experiments.readout import Row
    from lydite.settings import ExperimentSettings

#: With fewer days before the test, the regions' usual level is not known.
MIN_DAYS = 7
#: The share of conversions without a region above which their regions should be found.
MOST_UNKNOWN = 0.01


def read_regions(
    engine: Engine,
    name: str,
    plan: ExperimentSettings,
    first: datetime | None,
    end: datetime | None,
) -> tuple[list[Row], list[Check]]:
    """Return the rows and checks of an experiment with regions.

    In its rows, `users` is the number of regions, `mean` the total of the treated regions during
    the test, and `control_mean` what they would have had without the treatment.

    Parameters
    ----------
    engine
        Holds the input tables and those of `lydite.experiments.tables`.
    name, plan
        The experiment.
    first, end
        From when and up to when the data is complete.

    Raises
    ------
    InputError
        When the users have no such column, or no user is in one of the regions.
    """
    days = tables.read_region_days(engine, name, plan)
    _refuse_unknown_regions(engine, name, plan)
    span = _Span(plan, first, end)
    readable_on = span.until
    is_over = end is not None and end >= readable_on
    checks = [
        _check_regions(plan),
        _check_days(span),
        _check_window(readable_on, is_over=is_over),
        _check_control(plan, span, days),
        _check_users(plan, span, days),
    ]
    if not is_over or span.days_before < MIN_DAYS:
        rows = [
            {"outcome": plan.outcome, "metric": "conversions", "is_primary": True, "arm": arm}
            for arm in (plan.control, *plan.treated)
        ]
        return finish_rows(name, plan, rows, "none", readable_on), checks
    rows = []
    valued = tables.find_outcomes(engine)
    for outcome in dict.fromkeys((plan.outcome, *(plan.outcomes or valued))):
        for metric in ("conversions", "value") if valued[outcome] else ("conversions",):
            rows += _read_outcome(plan, span, days, outcome, metric)
    decides = any(row.get("difference_low") is not None for row in rows)
    may_read: MayRead = "fixed" if decides else "none"
    return finish_rows(name, plan, rows, may_read, readable_on), checks


class _Span:
    """The days before and of the test."""

    def __init__(
        self, plan: ExperimentSettings, first: datetime | None, end: datetime | None
    ) -> None:
        if plan.start is None or plan.end is None:  # the settings refuse this
            raise TypeError("an experiment with regions has a start and an end")
        self.until = plan.end + (plan.window or timedelta())
        began = (
            plan.start - plan.history if first is None else max(first, plan.start - plan.history)
        )
        # The first day of the data may not be complete.
        self.first = began.date() + timedelta(days=int(began > began.replace(hour=0, minute=0)))
        self.start: date = plan.start.date()
        self.last: date = self.until.date()
        self.data_end = end

    @property
    def days_before(self) -> int:
        return max(0, (self.start - self.first).days)

    @property
    def days(self) -> list[date]:
        n = (self.last - self.first).days
        return [self.first + timedelta(days=i) for i in range(n)]

    @property
    def is_test(self) -> NDArray[np.bool_]:
        return np.array([day >= self.start for day in self.days])


def _read_outcome(
    plan: ExperimentSettings, span: _Span, days: pl.DataFrame, outcome: str, metric: str
) -> list[Row]:
    of_outcome = days.filter(pl.col("outcome") == outcome)
    change, before = changes(_daily(plan, span, of_outcome, metric), span.is_test)
    position = {region: i for i, region in enumerate(plan.regions)}
    [arm] = plan.treated
    treated, control = _order(plan, position)
    effect = (paired_effect if plan.pairs else unpaired_effect)(
        change[treated], change[control], before[treated], plan.alpha
    )
    totals = change + before
    shared = {
        "outcome": outcome,
        "metric": metric,
        "is_primary": outcome == plan.outcome and (metric == "value") == (plan.metric == "value"),
    }
    row = shared | {
        "arm": arm,
        "users": len(treated),
        metric: _rounded(metric, totals[treated].sum()),
        "mean": float(totals[treated].sum()),
        "control_mean": effect.expected,
        "difference": effect.effect,
        "difference_low": effect.low,
        "difference_high": effect.high,
        "relative": effect.effect / effect.expected if effect.expected > 0 else None,
        "p_value": effect.p_value if effect.decides else None,
    }
    if metric == "value":
        row |= _return(plan, span, days, change, effect)
    return [
        shared
        | {
            "arm": plan.control,
            "users": len(control),
            metric: _rounded(metric, totals[control].sum()),
            "mean": float(totals[control].sum()),
        },
        row,
    ]


def _rounded(metric: str, total: float) -> float:
    return float(total) if metric == "value" else round(total)


def _order(
    plan: ExperimentSettings, position: dict[str, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the positions of the treated and of the other regions; partners in the same order."""
    arm_of = plan.regions
    if plan.pairs:
        pairs = [pair if arm_of[pair[1]] == plan.control else pair[::-1] for pair in plan.pairs]
        treated, control = ([pair[i] for pair in pairs] for i in (0, 1))
    else:
        treated = [region for region, arm in arm_of.items() if arm != plan.control]
        control = [region for region, arm in arm_of.items() if arm == plan.control]
    return (
        np.array([position[region] for region in treated]),
        np.array([position[region] for region in control]),
    )


def _daily(
    plan: ExperimentSettings, span: _Span, rows: pl.DataFrame, column: str
) -> NDArray[np.float64]:
    """Return a (regions, days) array of a column."""
    daily = np.zeros((len(plan.regions), len(span.days)))
    position = {region: i for i, region in enumerate(plan.regions)}
    first = span.first
    for region, day, value in rows.select("region", "date", column).iter_rows():
        i, j = position.get(region), (day - first).days
        if i is not None and 0 <= j < daily.shape[1]:
            daily[i, j] += value
    return daily


def _return(
    plan: ExperimentSettings,
    span: _Span,
    days: pl.DataFrame,
    value: NDArray[np.float64],
    effect: RegionEffect,
) -> Row:
    """Return the spend of the treatment, and the value per unit of it."""
    position = {region: i for i, region in enumerate(plan.regions)}
    treated, control = _order(plan, position)
    if plan.spend is not None:
        bounds = (effect.low, effect.high)
        low, high = (None if bound is None else bound / plan.spend for bound in bounds)
        found, spend = Ratio(effect.effect / plan.spend, low, high), plan.spend
    else:
        cost, _ = changes(_daily(plan, span, days, "cost"), span.is_test)
        if not cost.any():
            return {}
        per_region = float(cost[treated].mean() - cost[control].mean())
        spend = per_region * len(treated)
        if not effect.decides:
            found = Ratio(effect.effect / spend, None, None)
        elif plan.pairs:
            found = return_on_spend(
                value[treated] - value[control], cost[treated] - cost[control], plan.alpha
            )
        else:
            found = unpaired_return_on_spend(
                (value[treated], value[control]), (cost[treated], cost[control]), plan.alpha
            )
    return {
        "spend": spend,
        "return_on_spend": found.estimate,
        "return_low": found.low,
        "return_high": found.high,
    }


def _refuse_unknown_regions(engine: Engine, name: str, plan: ExperimentSettings) -> None:
    known = [
        row[0] for row in engine.rows("select distinct region from experiments.regions order by 1")
    ]
    for region in plan.regions:
        if region not in known:
            some = ", ".join(known[:10]) + (", ..." if len(known) > 10 else "")
            raise InputError(
                f"experiments.{name}.arms: no user has {plan.unit} = {region!r}; there are: {some}"
            )


def _check_regions(plan: ExperimentSettings) -> Check:
    n = len(plan.regions)
    if n < MIN_REGIONS:
        text = (
            f"With {n} regions the experiment cannot decide: too few assignments were possible."
            f" Use at least {MIN_REGIONS}, or assign users."
        )
        return Check("regions", "failed", text, n)
    if plan.pairs and 2.0 ** (1 - n / 2) > plan.alpha:
        text = (
            f"With {n // 2} pairs no p-value can be below {2.0 ** (1 - n / 2):.3g}: at alpha ="
            f" {plan.alpha} the experiment cannot decide. Use more pairs."
        )
        return Check("regions", "failed", text, n)
    return Check("regions", "passed", f"{n} regions were assigned.", n)


def _check_days(span: _Span) -> Check:
    n, days = span.days_before, (span.last - span.start).days
    text = f"{n} days before the test are compared with {days} days of it."
    if n < MIN_DAYS:
        return Check("pre_period", "failed", f"{text} At least {MIN_DAYS} before it are needed.")
    return Check("pre_period", "warning" if n < days else "passed", text)


def _check_window(readable_on: datetime, *, is_over: bool) -> Check:
    if is_over:
        return Check("windows", "passed", "The test is over.")
    text = f"The test is not over. It can be read on {readable_on:%Y-%m-%d}."
    return Check("windows", "waiting", text)


def _check_control(plan: ExperimentSettings, span: _Span, days: pl.DataFrame) -> Check:
    name = "control_exposed"
    if plan.varies != "channel":
        return Check(name, "not_checked", "All arms get the channel.")
    if days["touches"].sum() == 0:
        return Check(name, "not_checked", f"There are no touches of {plan.channel} by region.")
    daily = _daily(plan, span, days, "touches")
    is_control = np.array([arm == plan.control for arm in plan.regions.values()])
    during = float(daily[:, span.is_test].sum())
    n = int(daily[is_control][:, span.is_test].sum())
    if not n:
        text = f"The regions of {plan.control} had no touch of {plan.channel} in the test."
        return Check(name, "passed", text, 0, 0.0)
    share = n / during
    text = (
        f"The regions of {plan.control} had {n:,} touches of {plan.channel} in the test"
        f" ({share:.1%} of all): the measured difference is too small."
    )
    return Check(name, "warning", text, None, share)


def _check_users(plan: ExperimentSettings, span: _Span, days: pl.DataFrame) -> Check:
    """Count the conversions of the test that no region has."""
    name = "unknown_regions"
    in_test = pl.col("date").is_between(span.start, span.last, closed="left")
    of_test = days.filter(pl.col("outcome") == plan.outcome, in_test)
    unknown = int(of_test.filter(pl.col("region").is_null())["conversions"].sum())
    total = int(of_test["conversions"].sum())
    share = unknown / total if total else 0.0
    text = f"{unknown:,} of {total:,} conversions in the test are of users without a region."
    if share <= MOST_UNKNOWN:
        return Check(name, "passed", text, None, share)
    text += f" They are not counted: fill the column {plan.unit} of the table users."
    return Check(name, "warning", text, None, share)
