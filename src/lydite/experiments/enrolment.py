"""Who counts in an experiment, and what may be read of it now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import polars as pl

from lydite.errors import InputError

if TYPE_CHECKING:
    from datetime import datetime

    from lydite.settings import ExperimentSettings

#: ``"fixed"``: the interval of a single look, as the experiment is over. ``"always_valid"``: only
#: the interval that holds at every look. ``"none"``: nothing yet, or nothing that can be trusted.
MayRead: TypeAlias = Literal["fixed", "always_valid", "none"]
#: With fewer users in an arm, the interval that holds at every look is not used: it is for large
#: samples.
MIN_USERS = 100


@dataclass(frozen=True)
class Enrolment:
    """The users of an experiment, by whether they count.

    Attributes
    ----------
    units
        A row per user who counts and whose window is over.
    enrolled
        The same for all users who count.
    two_arms, outside_dates, late
        Users left out: in several arms, assigned before `start` or after `end`, and after the
        planned number was reached.
    waiting
        Users who count and whose window is not over.
    is_closed
        Whether assignment is over: by the declared end, or as the planned number was reached.
    readable_on
        When all windows are over; where assignment goes on, at the present pace. None if unknown.
    """

    units: pl.DataFrame
    enrolled: pl.DataFrame
    two_arms: int
    outside_dates: int
    late: int
    waiting: int
    is_closed: bool
    readable_on: datetime | None

    @property
    def may_read(self) -> MayRead:
        """Which interval the users who count allow to read."""
        if self.is_closed and not self.waiting and not self.units.is_empty():
            return "fixed"
        per_arm = self.units.group_by("arm").len()["len"]
        arms = self.enrolled["arm"].n_unique()
        enough = len(per_arm) == arms > 1 and per_arm.min() >= MIN_USERS  # type: ignore[operator]
        return "always_valid" if enough else "none"


def enrol(
    name: str, plan: ExperimentSettings, units: pl.DataFrame, data_end: datetime | None
) -> Enrolment:
    """Choose the users who count.

    An experiment is closed by its plan and not by its results: at `end`, or else with the planned
    number of users. Later users are not read, so that the reading of a closed experiment does not
    change any more.

    Parameters
    ----------
    name, plan
        The experiment.
    units
        A row per user, in the order of assignment: ``person, arm, arms, assigned_at``.
    data_end
        The data is complete up to here.

    Raises
    ------
    InputError
        When users are in an arm that is not declared, or the control arm has none.
    """
    _refuse_unknown_arms(name, plan, units)
    single = units.filter(pl.col("arms") == 1)
    at = pl.col("assigned_at")
    inside = single.filter(
        (at >= plan.start) if plan.start is not None else pl.lit(value=True),
        (at < plan.end) if plan.end is not None else pl.lit(value=True),
    )
    enrolled, is_closed = _close(plan, inside, data_end)
    window = plan.window
    complete = enrolled.clear() if data_end is None else enrolled.filter(at + window <= data_end)
    return Enrolment(
        units=complete,
        enrolled=enrolled,
        two_arms=len(units) - len(single),
        outside_dates=len(single) - len(inside),
        late=len(inside) - len(enrolled),
        waiting=len(enrolled) - len(complete),
        is_closed=is_closed,
        readable_on=_readable_on(plan, enrolled, is_closed=is_closed),
    )


def _close(
    plan: ExperimentSettings, inside: pl.DataFrame, data_end: datetime | None
) -> tuple[pl.DataFrame, bool]:
    """Return the users up to the end of assignment, and whether it is over."""
    planned = plan.planned_users or 0
    if plan.end is not None:
        return inside, data_end is not None and data_end >= plan.end
    if len(inside) < planned:
        return inside, False
    # All users who were assigned at the same time as the last planned one count.
    last = inside["assigned_at"][planned - 1]
    return inside.filter(pl.col("assigned_at") <= last), True


def _readable_on(
    plan: ExperimentSettings, enrolled: pl.DataFrame, *, is_closed: bool
) -> datetime | None:
    if enrolled.is_empty() or plan.window is None:
        return None
    first: datetime = enrolled["assigned_at"][0]
    last: datetime = enrolled["assigned_at"][-1]
    if is_closed:
        return last + plan.window
    if plan.end is not None:
        return plan.end + plan.window
    if len(enrolled) < 2 or first == last:
        return None
    pace = (last - first) / (len(enrolled) - 1)
    return first + pace * ((plan.planned_users or 0) - 1) + plan.window


def _refuse_unknown_arms(name: str, plan: ExperimentSettings, units: pl.DataFrame) -> None:
    found = set(units["arm"])
    unknown = sorted(found - set(plan.arms))
    if unknown:
        spelled = {arm.strip().lower(): arm for arm in plan.arms}
        near = spelled.get(unknown[0].strip().lower())
        hint = f" Is it {near!r}, spelled differently?" if near else ""
        raise InputError(
            f"experiments.{name}.arms: users are in the arm {unknown[0]!r}, which is not declared;"
            f" the arms are {', '.join(plan.arms)}. Declare it, or correct it in the assignments."
            f"{hint}"
        )
    if found and plan.control not in found:
        raise InputError(
            f"experiments.{name}.control: no user is in the control arm {plan.control!r}; the arms"
            f" of the assignments are {', '.join(sorted(found))}. Nothing can be compared"
        )
