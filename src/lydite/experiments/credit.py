"""Reads, per experiment and model, the credit of the held-out channel, and compares it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lydite.attribution.credit import credit_users
from lydite.engine.duckdb import quote_identifier
from lydite.experiments.agreement import MARGIN, compare_credit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lydite.engine import Engine
    from lydite.experiments.holdouts import Holdout
    from lydite.experiments.training import Training
    from lydite.models import Landmarks, Model

#: The table with a row per holdout that is over and model.
AGREEMENT = "experiments.agreement"
AGREEMENT_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "experiment": pl.String, "outcome": pl.String, "channel": pl.String, "model": pl.String,
    "users": pl.Int64, "measured": pl.Float64, "measured_variance": pl.Float64,
    "credited": pl.Float64, "credited_variance": pl.Float64, "covariance": pl.Float64,
    "incrementality": pl.Float64, "incrementality_low": pl.Float64,
    "incrementality_high": pl.Float64, "z": pl.Float64, "p_value": pl.Float64,
    "margin": pl.Float64, "status": pl.String, "users_needed": pl.Int64, "read_on": pl.Date,
    "fitted_on": pl.String,
}  # fmt: skip
#: What `AGREEMENT_COLUMNS` says of a model whose credit depends on no fit.
NOT_FITTED = "not fitted"
_ALL_CREDIT = "credit.touch_credit"
_REFITTED, _USERS = "experiments.refitted_credit", "experiments.refitted_users"
_USERS_OF = """
select distinct persons.user_key
from experiments.journey_persons as persons
inner join experiments.assigned as assigned on persons.person = assigned.person
where assigned.experiment in (select unnest($experiments))
    and persons.bucket in (select unnest($buckets))
"""
_CREDITED = """
with assigned as (
    select
        persons.user_key,
        assigned.person,
        epoch_us(assigned.assigned_at) as from_us,
        epoch_us(assigned.assigned_at) + plans.window_us as to_us
    from experiments.assigned as assigned
    inner join experiments.plans as plans on assigned.experiment = plans.experiment
    inner join experiments.journey_persons as persons on assigned.person = persons.person
    where assigned.experiment = $experiment
),

held_out as (
    select names.channel_key
    from journeys.channels as names
    inner join experiments.plan_channels as channels on names.channel = channels.channel
    where channels.experiment = $experiment
)

select assigned.person, {sums}
from {touches} as touches
inner join assigned on touches.user_key = assigned.user_key
where touches.outcome = $outcome
    and touches.channel_key in (select channel_key from held_out)
    and epoch_us(touches.touched_at) >= assigned.from_us
    and epoch_us(touches.converted_at) < assigned.to_us
group by assigned.person
"""


def credit_in_holdouts(
    engine: Engine,
    holdouts: Sequence[Holdout],
    training: Training,
    models: Sequence[Model],
    sample: Landmarks,
) -> list[dict[str, Any]]:
    """Return a row per holdout and model: the credit of the channel, and what was measured.

    Models whose credit depends on a fit are fitted without the users that they credit.

    Parameters
    ----------
    engine
        Holds the journeys, the credit of touches and the tables of the experiments.
    holdouts
        Holdouts on one outcome that are over, with the same training data.
    training
        What models are fitted on.
    models
        The models that have credit.
    sample
        The mature landmarks of the outcome.
    """
    rules = [model for model in models if not model.learns]
    learnt = [model for model in models if model.learns]
    if learnt and holdouts:
        _refit(engine, holdouts, training, learnt, sample)
    rows: list[dict[str, Any]] = []
    for holdout in holdouts:
        credited = _credited(engine, holdout, rules, _ALL_CREDIT)
        if learnt:
            again = _credited(engine, holdout, learnt, _REFITTED)
            credited = credited.with_columns(again.drop("person"))
        rows += _rows(holdout, models, training, credited)
    engine.drop(_REFITTED)
    return rows


def _rows(
    holdout: Holdout, models: Sequence[Model], training: Training, credited: pl.DataFrame
) -> Iterator[dict[str, Any]]:
    """Yield the row of each model in one holdout."""
    observed = holdout.observed
    for model in models:
        found = asdict(
            compare_credit(
                observed.conversions,
                credited[model.name].to_numpy().astype(np.float64),
                holdout.is_treated,
                observed.cluster,
                observed.covariates,
                alpha=holdout.plan.alpha,
                rivals=len(models),
            )
        )
        bounds = {f"incrementality_{side}": found.pop(side) for side in ("low", "high")}
        more = {
            "model": model.name,
            "margin": MARGIN,
            "fitted_on": training.fitted_on if model.learns else NOT_FITTED,
        }
        yield {**holdout.keys, **more, **found, **bounds}


def _refit(
    engine: Engine,
    holdouts: Sequence[Holdout],
    training: Training,
    models: Sequence[Model],
    sample: Landmarks,
) -> None:
    """Write the credit of models that are fitted without the users of the holdouts."""
    engine.drop(_REFITTED)
    names = [holdout.name for holdout in holdouts]
    for buckets, for_buckets in training.parts:
        train = sample.take(np.flatnonzero(training.rows & buckets[sample.bucket]))
        parameters = {"experiments": names, "buckets": np.flatnonzero(for_buckets).tolist()}
        engine.create(_USERS, _USERS_OF, parameters)
        credit_users(
            engine, holdouts[0].plan.outcome, models, train.with_used_paths(), _USERS, _REFITTED
        )
        engine.drop(_USERS)


def _credited(
    engine: Engine, holdout: Holdout, models: Iterable[Model], touches: str
) -> pl.DataFrame:
    """Return the credit of each user for touches of the channel, a column per model."""
    names = [model.name for model in models]
    people = holdout.persons.to_frame("person")
    if not names:
        return people
    sums = ", ".join(
        f"round(sum(touches.{quote_identifier(name)}), 9) as {quote_identifier(name)}"
        for name in names
    )
    found = engine.frame(
        _CREDITED.format(sums=sums, touches=touches),
        {"experiment": holdout.name, "outcome": holdout.plan.outcome},
    )
    joined = people.join(found, on="person", how="left", maintain_order="left")
    return joined.with_columns(pl.col(names).fill_null(0).cast(pl.Float64))
