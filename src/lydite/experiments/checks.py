"""Checks of an experiment before anybody reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import polars as pl
from scipy.special import chdtrc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lydite.experiments.enrolment import Enrolment
    from lydite.experiments.two_samples import Arm
    from lydite.settings import ExperimentSettings

#: ``"failed"``: no reading can be trusted. ``"warning"``: what is read needs care. ``"waiting"``:
#: more data is needed. ``"not_checked"``: the data lacks what the check needs.
Status: TypeAlias = Literal["passed", "warning", "failed", "waiting", "not_checked"]
#: The level of tests of the randomisation: it should fail only where something is broken.
BROKEN = 0.001
#: The share of users in two arms above which the arms are no longer those that were drawn.
MOST_IN_TWO_ARMS = 0.01


@dataclass(frozen=True)
class Check:
    """One check of an experiment.

    Attributes
    ----------
    check_name
        Name of the check.
    status
        Whether it passed.
    text
        What was found, in words.
    users
        How many users it concerns.
    share
        Their share of the users that were checked.
    p_value
        Of what chance alone would do.
    """

    check_name: str
    status: Status
    text: str
    users: int | None = None
    share: float | None = None
    p_value: float | None = None


def check_enrolment(
    plan: ExperimentSettings, enrolment: Enrolment, *, has_touchpoints: bool
) -> list[Check]:
    """Check who was assigned, when, and who had touches of the channel."""
    return [
        check_sample_ratio(plan.shares, enrolment.enrolled),
        _check_two_arms(enrolment),
        _check_dates(enrolment),
        _check_size(plan, enrolment),
        _check_windows(enrolment),
        *_check_touches(plan, enrolment, has_touchpoints=has_touchpoints),
    ]


def check_rows(set_aside: Mapping[str, int], explain: Callable[[str], tuple[str, str]]) -> Check:
    """Say how many assignments cannot be used.

    Parameters
    ----------
    set_aside
        Rows of the experiment that were set aside, by reason, the most frequent first.
    explain
        Returns an example of a reason, and what to do about it.
    """
    name, n = "rows_set_aside", sum(set_aside.values())
    if not n:
        return Check(name, "passed", "All assignments can be used.", 0)
    reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in set_aside.items())
    such, advice = explain(next(iter(set_aside)))
    text = (
        f"{n:,} assignment{'s' if n > 1 else ''} cannot be used and {'are' if n > 1 else 'is'} set"
        f" aside: {reasons}{such}. Correct them, since what is left may differ between the arms:"
        f" {advice}."
    )
    return Check(name, "warning", text, n)


def check_sample_ratio(shares: Mapping[str, float], units: pl.DataFrame) -> Check:
    """Compare the number of users of each arm with the planned shares, by a chi-square test.

    Where users who belong together are always in the same arm, the groups are counted.

    Parameters
    ----------
    shares
        The planned shares, by arm.
    units
        A row per user: ``arm, cluster``.
    """
    name = "sample_ratio"
    clusters = units.unique(["arm", "cluster"])
    nested = len(clusters) == units["cluster"].n_unique() < len(units)
    counted, what = (clusters, "groups of users") if nested else (units, "users")
    if counted.is_empty():
        return Check(name, "waiting", "No user is assigned yet.")
    by_arm = dict(counted.group_by("arm").len().iter_rows())
    counts = np.array([by_arm.get(arm, 0) for arm in shares])
    planned = np.array(list(shares.values())) * counts.sum()
    from scipy import stats  # noqa: PLC0415 - it takes a second

    p = float(stats.chisquare(counts, planned).pvalue)
    found = ", ".join(f"{arm} {n:,}" for arm, n in zip(shares, counts, strict=True))
    wanted = ", ".join(f"{arm} {n:,.0f}" for arm, n in zip(shares, planned, strict=True))
    if p < BROKEN:
        text = (
            f"The arms have other sizes than planned (p = {p:.2g}). {what.capitalize()}: {found};"
            f" planned: {wanted}. Assignment or its log is broken, and no reading can be trusted."
        )
        return Check(name, "failed", text, int(counts.sum()), None, p)
    text = f"The arms have the planned sizes (p = {p:.2g}). {what.capitalize()}: {found}."
    return Check(name, "passed", text, int(counts.sum()), None, p)


def _check_two_arms(enrolment: Enrolment) -> Check:
    n = enrolment.two_arms
    total = n + enrolment.outside_dates + enrolment.late + len(enrolment.enrolled)
    share = n / total if total else 0.0
    if not n:
        return Check("two_arms", "passed", "No user is in two arms.", 0, 0.0)
    status: Status = "failed" if share > MOST_IN_TWO_ARMS else "warning"
    text = f"{n:,} users ({share:.2%}) are in several arms; they are left out."
    if status == "failed":
        text += " With so many, the arms are not those that were drawn: find out how this happens."
    return Check("two_arms", status, text, n, share)


def _check_dates(enrolment: Enrolment) -> Check:
    outside, late = enrolment.outside_dates, enrolment.late
    if not outside and not late:
        return Check("assignment_dates", "passed", "All assignments are as planned.", 0)
    parts = []
    if outside:
        parts.append(f"{outside:,} users were assigned before the start or after the end")
    if late:
        parts.append(f"{late:,} were assigned after the planned number was reached")
    text = f"{'; '.join(parts)}. They are left out."
    return Check("assignment_dates", "warning" if outside else "passed", text, outside + late)


def _check_size(plan: ExperimentSettings, enrolment: Enrolment) -> Check:
    planned, n = plan.planned_users or 0, len(enrolment.enrolled)
    share = n / planned if planned else None
    have = f"{n:,} of {planned:,} planned users are assigned"
    if n >= planned:
        return Check("planned_size", "passed", f"{have}.", n, share)
    if enrolment.is_closed:
        text = f"{have}, and assignment is over: smaller effects are likely to be missed."
        return Check("planned_size", "warning", text, n, share)
    text = f"{have}. Until then, only the interval that holds at every look may be read."
    return Check("planned_size", "waiting", text, n, share)


def _check_windows(enrolment: Enrolment) -> Check:
    n = enrolment.waiting
    share = n / len(enrolment.enrolled) if len(enrolment.enrolled) else None
    if not n:
        return Check("windows", "passed", "The windows of all users are over.", 0, share)
    text = f"The windows of {n:,} users are not over; they are not read yet."
    if enrolment.readable_on is not None:
        about = "" if enrolment.is_closed else "about "
        text += f" The experiment can be read on {about}{enrolment.readable_on:%Y-%m-%d}."
    return Check("windows", "waiting", text, n, share)


def _check_touches(
    plan: ExperimentSettings, enrolment: Enrolment, *, has_touchpoints: bool
) -> list[Check]:
    names = ["exposed_early", "control_exposed", "no_touches"]
    if not has_touchpoints:
        return [Check(name, "not_checked", "There are no touchpoints.") for name in names]
    units = enrolment.units
    without = int((units["touches"] == 0).sum())
    text = f"{without:,} users have no touch; they count like all others."
    of_touches = Check("no_touches", "passed", text, without, _share(without, units))
    if plan.channel is None:
        nothing = "No channel is declared."
        return [*(Check(name, "not_checked", nothing) for name in names[:2]), of_touches]
    return [_check_exposed_early(plan, units), _check_control_exposed(plan, units), of_touches]


def _check_exposed_early(plan: ExperimentSettings, units: pl.DataFrame) -> Check:
    name = "exposed_early"
    early = units.with_columns(is_early=pl.col("exposed_early") > 0)
    n = int(early["is_early"].sum())
    if not n:
        text = f"No user had a touch of {plan.channel} after the start and before the assignment."
        return Check(name, "passed", text, 0, 0.0)
    table = early.group_by("arm").agg(
        pl.col("is_early").sum(), (~pl.col("is_early")).sum().alias("n")
    )
    counts = table.select("is_early", "n").to_numpy()
    tested = len(counts) > 1 and (counts.sum(axis=0) > 0).all()
    from scipy import stats  # noqa: PLC0415 - it takes a second

    p = float(stats.chi2_contingency(counts).pvalue) if tested else None
    broken = p is not None and p < BROKEN
    text = (
        f"{n:,} users had a touch of {plan.channel} after the experiment began and before they were"
        " assigned."
    )
    if broken:
        text += " Their share differs between the arms: assignment depends on exposure."
    elif p is not None:
        text += f" The difference between the arms is within chance (p = {p:.2g})."
    return Check(name, "failed" if broken else "warning", text, n, _share(n, units), p)


def _check_control_exposed(plan: ExperimentSettings, units: pl.DataFrame) -> Check:
    name = "control_exposed"
    if plan.varies != "channel":
        return Check(name, "not_checked", "All arms get the channel.")
    control = units.filter(pl.col("arm") == plan.control)
    n = int((control["exposed"] > 0).sum())
    share = _share(n, control)
    if not n:
        return Check(name, "passed", f"No user of {plan.control} had {plan.channel}.", 0, share)
    text = (
        f"{n:,} users of {plan.control} ({share or 0:.1%}) had touches of {plan.channel} all the"
        " same. They stay in their arm, and the measured difference is smaller by about this share."
    )
    return Check(name, "warning", text, n, share)


def check_pre_period(arms: Mapping[str, Arm], outcome: str) -> Check:
    """Compare the conversions per user before the assignment between the arms, by a Wald test.

    Parameters
    ----------
    arms
        The conversions before the assignment, by arm.
    outcome
        Name of the outcome.
    """
    name = "pre_period"
    p = _equal_means(arms)
    if p is None:
        text = f"Before the assignment there were no {outcome} conversions to compare."
        return Check(name, "not_checked", text)
    found = ", ".join(f"{name} {arm.mean:.4g}" for name, arm in arms.items())
    text = f"{outcome} per user before the assignment: {found} (p = {p:.2g})."
    if p < BROKEN:
        text += " The arms were not alike before the experiment: no reading can be trusted."
        return Check(name, "failed", text, p_value=p)
    return Check(name, "passed", text, p_value=p)


def check_known_users(arms: Mapping[str, Arm], units: pl.DataFrame) -> Check:
    """Compare the shares of users who are known from before the assignment, by a Wald test.

    Where the ids of one arm come from another system, its users never convert, which looks like an
    effect.

    Parameters
    ----------
    arms
        Whether a user was known before the assignment, by arm.
    units
        A row per user: ``is_known``, whether the user has a touch or a conversion at any time.
    """
    name, n = "known_users", int(units["is_known"].sum())
    if not n:
        text = (
            f"None of the {len(units):,} users has a touch or a conversion: are their ids those of"
            " the other tables?"
        )
        return Check(name, "failed", text, 0, 0.0)
    p, text = _equal_means(arms), f"{n:,} of {len(units):,} users have a touch or a conversion."
    if p is not None:
        shares = ", ".join(f"{arm} {users.mean:.1%}" for arm, users in arms.items())
        text += f" Before their assignment: {shares} (p = {p:.2g})."
    if p is not None and p < BROKEN:
        text += (
            " The arms were not alike, or the ids of one come from another system: no reading can"
            " be trusted."
        )
        return Check(name, "failed", text, n, _share(n, units), p)
    return Check(name, "passed", text, n, _share(n, units), p)


def _equal_means(arms: Mapping[str, Arm]) -> float | None:
    """Return the p-value of equal means, by a Wald test; None where all users are alike.

    An arm whose users are all alike has the mean variance of the others.
    """
    spread = [arm.variance * len(arm.users) for arm in arms.values() if arm.variance > 0]
    if not spread or len(arms) < 2:
        return None
    common = sum(spread) / len(spread)
    variances = [
        arm.variance if arm.variance > 0 else common / len(arm.users) for arm in arms.values()
    ]
    mean, weight = np.array([arm.mean for arm in arms.values()]), 1 / np.array(variances)
    overall = (mean * weight).sum() / weight.sum()
    return float(chdtrc(len(arms) - 1, (weight * (mean - overall) ** 2).sum()))


def check_clusters(units: pl.DataFrame) -> Check:
    """Count groups of users who belong together and are in different arms."""
    arms = units.group_by("cluster").agg(pl.len(), pl.col("arm").n_unique().alias("arms"))
    groups = arms.filter(pl.col("len") > 1)
    name = "groups_in_two_arms"
    if groups.is_empty():
        return Check(name, "passed", "No users belong together.", 0)
    mixed = groups.filter(pl.col("arms") > 1)
    n, share = int(mixed["len"].sum()), len(mixed) / len(groups)
    if not n:
        return Check(name, "passed", "Users who belong together are in the same arm.", 0, 0.0)
    text = (
        f"{len(mixed):,} of {len(groups):,} groups of users who belong together have users in"
        " several arms. If they influence each other, the measured difference is too small."
    )
    return Check(name, "warning", text, n, share)


def _share(n: int, units: pl.DataFrame) -> float | None:
    return n / len(units) if len(units) else None
