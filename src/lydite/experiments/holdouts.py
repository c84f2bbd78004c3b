"""The holdouts that models are compared with: their users, and what these did in the windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lydite.experiments import tables
from lydite.experiments.enrolment import enrol
from lydite.experiments.reading import CHECKS, READOUT, end_of_data
from lydite.experiments.readout import observe
from lydite.paths.landmarks import N_BUCKETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    import polars as pl
    from numpy.typing import NDArray

    from lydite.engine import Engine
    from lydite.experiments.readout import Observed
    from lydite.settings import Completeness, ExperimentSettings

_FAILED = f"select distinct experiment from {CHECKS} where status = 'failed'"
_OVER = f"select distinct experiment from {READOUT} where may_read = 'fixed'"
_BUCKETS = """
select units.person, coalesce(
    min(persons.bucket),
    min(cast('0x' || substr(md5(cast(units.cluster as varchar)), 1, 2) as bigint))
) as bucket
from experiments.units as units
left join experiments.journey_persons as persons on units.person = persons.person
where units.experiment = $experiment
group by units.person
"""


@dataclass(frozen=True)
class Holdout:
    """One holdout, with the users whose windows are over.

    Attributes
    ----------
    name, plan
        The experiment.
    is_over
        Whether it may be read: assignment is over, and the windows of all users are.
    persons : (users,) polars.Series
        The users, or accounts.
    bucket : (users,) integers, 0..255
    is_treated : (users,) bool
    observed
        What they did.
    end
        Up to when the data is complete.
    """

    name: str
    plan: ExperimentSettings
    is_over: bool
    persons: pl.Series
    bucket: NDArray[np.integer]
    is_treated: NDArray[np.bool_]
    observed: Observed
    end: datetime | None

    @property
    def keys(self) -> dict[str, Any]:
        """Return what all rows about the holdout share."""
        return {
            "experiment": self.name,
            "outcome": self.plan.outcome,
            "channel": self.plan.channel,
            "users": len(self.persons),
            "read_on": None if self.end is None else self.end.date(),
        }


def load_holdouts(
    engine: Engine,
    plans: Mapping[str, ExperimentSettings],
    ends: Mapping[str, Completeness] | None = None,
) -> Iterator[Holdout]:
    """Yield the holdouts in which no check failed and both arms have users whose window is over.

    Parameters
    ----------
    engine
        Holds the readout and the tables of the experiments.
    plans
        The experiments; those with regions or messages are left out.
    ends
        What was declared about the end of the data, by outcome.
    """
    failed = {name for (name,) in engine.local.rows(_FAILED)}
    over = {name for (name,) in engine.local.rows(_OVER)}
    _, last = tables.first_and_last(engine)
    for name, plan in plans.items():
        if name in failed or not is_holdout(plan):
            continue
        end = end_of_data((ends or {}).get(plan.outcome), last)
        found = _load(engine, name, plan, end, is_over=name in over)
        if 0 < found.is_treated.sum() < len(found.is_treated):
            yield found


def is_holdout(plan: ExperimentSettings) -> bool:
    """Return whether an experiment holds a channel out for some users."""
    return plan.assigns_users and plan.varies == "channel"


def _load(
    engine: Engine,
    name: str,
    plan: ExperimentSettings,
    end: datetime | None,
    *,
    is_over: bool,
) -> Holdout:
    assigned = tables.read_units(engine, name)
    units = assigned if assigned.is_empty() else enrol(name, plan, assigned, end).units
    conversions = tables.read_conversions(engine, name, plan.outcome)
    arms = {arm: number for number, arm in enumerate(plan.arms)}
    observed = observe(arms, units, conversions)
    buckets = engine.frame(_BUCKETS, {"experiment": name})
    joined = units.select("person").join(buckets, on="person", how="left", maintain_order="left")
    return Holdout(
        name=name,
        plan=plan,
        is_over=is_over,
        persons=units["person"],
        bucket=joined["bucket"].to_numpy().astype(np.intp) % N_BUCKETS,
        is_treated=observed.arm != arms[plan.control],
        observed=observed,
        end=end,
    )
