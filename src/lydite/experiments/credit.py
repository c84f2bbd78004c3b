"""Reads, per experiment and model, the credit of the held-out channel, and compares it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lydite.attribution.credit_sql import named_touches_sql
from lydite.engine.duckdb import quote_identifier
from lydite.experiments import tables
from lydite.experiments.agreement import MARGIN, VERDICT_COLUMNS, compare_credit, judge_models
from lydite.experiments.enrolment import enrol
from lydite.experiments.reading import READOUT, end_of_data
from lydite.experiments.readout import observe

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lydite.engine import DuckDBEngine
    from lydite.settings import Completeness, ExperimentSettings

#: The tables that `compare_credit_with_experiments` writes.
AGREEMENT, VERDICTS = "experiments.agreement", "experiments.verdicts"
AGREEMENT_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "experiment": pl.String, "outcome": pl.String, "channel": pl.String, "model": pl.String,
    "users": pl.Int64, "measured": pl.Float64, "measured_variance": pl.Float64,
    "credited": pl.Float64, "credited_variance": pl.Float64, "covariance": pl.Float64,
    "incrementality": pl.Float64, "incrementality_low": pl.Float64,
    "incrementality_high": pl.Float64, "z": pl.Float64, "p_value": pl.Float64,
    "margin": pl.Float64, "status": pl.String, "users_needed": pl.Int64, "read_on": pl.Date,
}  # fmt: skip
_KEYS = (
    "outcome", "user_id", "conversion", "conversion_id", "converted_at", "value", "position",
    "touched_at", "channel", "campaign",
)  # fmt: skip
# The key of a person whose ids were joined over time begins with one of the ids.
_CREDITED = """
select assigned.person, {sums}
from ({touches}) as touches
left join experiments.persons as persons
    on split_part(touches.user_id, chr(31), 1) = persons.user_id
inner join experiments.assigned as assigned
    on coalesce(persons.person, split_part(touches.user_id, chr(31), 1)) = assigned.person
    and assigned.experiment = $experiment
inner join experiments.plans as plans on assigned.experiment = plans.experiment
inner join experiments.plan_channels as channels
    on assigned.experiment = channels.experiment and touches.channel = channels.channel
where touches.outcome = $outcome
    and touches.touched_at >= assigned.assigned_at
    and epoch_us(touches.converted_at) < epoch_us(assigned.assigned_at) + plans.window_us
group by assigned.person
"""


def compare_credit_with_experiments(
    engine: DuckDBEngine,
    plans: Mapping[str, ExperimentSettings],
    alpha: float,
    *,
    cluster: str | None = None,
    ends: Mapping[str, Completeness] | None = None,
) -> None:
    """Compare the credit of every model with every holdout that is over; write two tables.

    Parameters
    ----------
    engine
        Holds the input tables, the credit of touches and the readout of the experiments.
    plans
        The experiments. Those with regions or messages are left out.
    alpha
        Probability to contradict any model whose credit is right.
    cluster, ends
        As in `lydite.experiments.reading.read_experiments`.
    """
    over = {
        name
        for (name,) in engine.rows(
            f"select distinct experiment from {READOUT} where may_read = 'fixed'"
        )
    }
    holdouts = {
        name: plan
        for name, plan in plans.items()
        if name in over and plan.assigns_users and plan.varies == "channel"
    }
    rows: list[dict[str, Any]] = []
    models = [name for name in _columns(engine) if name not in _KEYS]
    if holdouts and models:
        tables.build_tables(engine, holdouts, cluster)
        _, last = tables.first_and_last(engine)
        for name, plan in holdouts.items():
            end = end_of_data((ends or {}).get(plan.outcome), last)
            rows += _compare(engine, name, plan, models, end)
        tables.drop_tables(engine)
    found = pl.DataFrame(rows, schema=AGREEMENT_COLUMNS, orient="row")
    engine.store(AGREEMENT, found)
    verdicts = judge_models(found, alpha) if rows else pl.DataFrame(schema=VERDICT_COLUMNS)
    engine.store(VERDICTS, verdicts)


def _columns(engine: DuckDBEngine) -> list[str]:
    """Return the columns of the credit of touches by name; none without credit."""
    if not engine.exists("credit.touch_credit"):
        return []
    sql = named_touches_sql(engine.columns("credit.touch_credit"))
    return list(engine.columns(f"({sql})"))


def _compare(
    engine: DuckDBEngine,
    name: str,
    plan: ExperimentSettings,
    models: list[str],
    end: datetime | None,
) -> list[dict[str, Any]]:
    """Return a row per model for one holdout."""
    sums = ", ".join(
        f"round(sum(touches.{quote_identifier(model)}), 9) as {quote_identifier(model)}"
        for model in models
    )
    touches = named_touches_sql(engine.columns("credit.touch_credit"))
    credited = engine.frame(
        _CREDITED.format(sums=sums, touches=touches), {"experiment": name, "outcome": plan.outcome}
    )
    units = enrol(name, plan, tables.read_units(engine, name), end).units
    conversions = tables.read_conversions(engine, name, plan.outcome)
    observed = observe({arm: i for i, arm in enumerate(plan.arms)}, units, conversions)
    control = list(plan.arms).index(plan.control)
    joined = units.select("person").join(credited, on="person", how="left", maintain_order="left")
    declared = {
        "experiment": name, "outcome": plan.outcome, "channel": plan.channel, "users": len(units),
        "margin": MARGIN, "read_on": None if end is None else end.date(),
    }  # fmt: skip
    rows = []
    for model in models:
        credit = joined[model].fill_null(0).to_numpy().astype(np.float64)
        found = asdict(
            compare_credit(
                observed.conversions,
                credit,
                observed.arm != control,
                observed.cluster,
                observed.covariates,
                alpha=plan.alpha,
                rivals=len(models),
            )
        )
        bounds = {f"incrementality_{side}": found.pop(side) for side in ("low", "high")}
        rows.append({**declared, "model": model, **found, **bounds})
    return rows
