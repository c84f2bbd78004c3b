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
    from collections.abc import Iterable, Sequence

    from lydite.engine import DuckDBEngine
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
where assigned.experiment = $experiment and persons.bucket in (select unnest($buckets))
"""
_CREDITED = """
select assigned.person, {sums}
from {touches} as touches
inner join experiments.journey_persons as persons on touches.user_key = persons.user_key
inner join experiments.assigned as assigned
    on persons.person = assigned.person and assigned.experiment = $experiment
inner join experiments.plans as plans on assigned.experiment = plans.experiment
inner join journeys.channels as names on touches.channel_key = names.channel_key
inner join experiments.plan_channels as channels
    on assigned.experiment = channels.experiment and names.channel = channels.channel
inner join journeys.conversions as conversions
    on touches.conversion_key = conversions.conversion_key
where touches.outcome = $outcome
    and touches.touched_at >= assigned.assigned_at
    and epoch_us(conversions.converted_at) < epoch_us(assigned.assigned_at) + plans.window_us
group by assigned.person
"""


def compare_holdout_credit(
    engine: DuckDBEngine,
    holdout: Holdout,
    training: Training,
    models: Sequence[Model],
    sample: Landmarks,
) -> list[dict[str, Any]]:
    """Return a row per model: the credit of the channel in one holdout, and what was measured.

    Models whose credit depends on a fit are fitted without the users that they credit.

    Parameters
    ----------
    engine
        Holds the journeys, the credit of touches and the tables of the experiments.
    holdout
        The holdout, which is over.
    training
        What models are fitted on.
    models
        The models that have credit.
    sample
        The mature landmarks of the outcome.
    """
    rules = [model for model in models if not model.learns]
    learnt = [model for model in models if model.learns]
    credited = _credited(engine, holdout, rules, _ALL_CREDIT)
    if learnt:
        _refit(engine, holdout, training, learnt, sample)
        again = _credited(engine, holdout, learnt, _REFITTED)
        credited = credited.with_columns(again.drop("person"))
        engine.drop(_REFITTED)
    fitted_on = {model.name: training.fitted_on for model in learnt}
    observed, rows = holdout.observed, []
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
            "fitted_on": fitted_on.get(model.name, NOT_FITTED),
        }
        rows.append({**holdout.keys, **more, **found, **bounds})
    return rows


def _refit(
    engine: DuckDBEngine,
    holdout: Holdout,
    training: Training,
    models: Sequence[Model],
    sample: Landmarks,
) -> None:
    """Write the credit of models that are fitted without the users of the holdout."""
    engine.drop(_REFITTED)
    for buckets, for_buckets in training.parts:
        train = sample.take(np.flatnonzero(training.rows & buckets[sample.bucket]))
        parameters = {
            "experiment": holdout.name, "buckets": np.flatnonzero(for_buckets).tolist(),
        }  # fmt: skip
        engine.create(_USERS, _USERS_OF, parameters)
        credit_users(
            engine, holdout.plan.outcome, models, train.with_used_paths(), _USERS, _REFITTED
        )
        engine.drop(_USERS)


def _credited(
    engine: DuckDBEngine, holdout: Holdout, models: Iterable[Model], touches: str
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
