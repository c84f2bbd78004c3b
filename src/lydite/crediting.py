"""Credit: every model's division of every conversion over the touches of its path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from lydite.engine import DuckDBEngine, load_sql
from lydite.errors import InputError
from lydite.models.markov import Markov

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from lydite.models import Model

UNATTRIBUTED = "(unattributed)"
_EFFECT = re.compile(r"\beffect\b")


def fit_effects(
    engine: DuckDBEngine, models: Sequence[Model], outcome: str, mature_until: datetime
) -> None:
    """Fit what the models' weights need from all mature landmarks of an outcome, where they do.

    The effects are kept in ``credit.effects`` (outcome, model, channel, effect).
    """
    channels = channel_names(engine)
    parameters = {"outcome": outcome, "mature_until": mature_until}
    for model in models:
        if isinstance(model, Markov):
            model.fit_transitions(engine.frame("journeys/transitions", parameters), channels)
            _keep_effects(engine, outcome, model)


def _keep_effects(engine: DuckDBEngine, outcome: str, model: Model) -> None:
    effects = model.effects or {}
    rows = pl.DataFrame(
        {
            "outcome": [outcome] * len(effects),
            "model": [model.name] * len(effects),
            "channel": list(effects),
            "effect": list(effects.values()),
        },
        schema={
            "outcome": pl.String,
            "model": pl.String,
            "channel": pl.String,
            "effect": pl.Float64,
        },
    )
    if engine.exists("credit.effects"):
        engine.run(
            "delete from credit.effects where outcome = $outcome and model = $model",
            {"outcome": outcome, "model": model.name},
        )
    with engine.registered(rows) as frame:
        engine.append("credit.effects", f"from {frame}")


def channel_names(engine: DuckDBEngine) -> list[str]:
    """Return the channels in the order of their numbers."""
    return [c for (c,) in engine.rows("select channel from journeys.channels order by channel_key")]


def divide_conversions(engine: DuckDBEngine, models: Sequence[Model]) -> None:
    """Divide all conversions by all models, in one pass over their paths.

    Builds ``credit.touch_credit`` (a row per touch on the path of a conversion, a column of credit
    per model) and ``credit.statistics`` (sums by outcome, bucket, day, channel, campaign, model).
    """
    if not engine.exists("credit.effects"):
        engine.create(
            "credit.effects",
            "select '' as outcome, '' as model, '' as channel, 0.0 as effect where false",
        )
    engine.create("credit.touch_credit", _touch_credit(models))
    engine.create("credit.statistics", _statistics([model.name for model in models]))


def _touch_credit(models: Sequence[Model]) -> str:
    joins, weights, shares = [], [], []
    for i, model in enumerate(models):
        expression = model.weight_sql
        if _EFFECT.search(expression):
            alias = f"effects_{i}"
            joins.append(
                "left join (select outcome as effect_outcome, channel as effect_channel, effect"
                f" from credit.effects where model = '{model.name}') as {alias}"
                f" on {alias}.effect_outcome = paths.outcome"
                f" and {alias}.effect_channel = paths.channel"
            )
            expression = _EFFECT.sub(f"coalesce({alias}.effect, 0)", expression)
        weights.append(f'coalesce(cast({expression} as double), 0) as "{model.name}"')
        shares.append(
            f'case when sum("{model.name}") over path > 0'
            f' then "{model.name}" / sum("{model.name}") over path'
            f' else 1.0 / path_length end as "{model.name}"'
        )
    return f"""
with paths as (
{load_sql("credit/conversion_paths")}
),
weighed as (
    select paths.*, {", ".join(weights)}
    from paths {" ".join(joins)}
)
select
    conversion_key, outcome, user_key, bucket, converted_on, value, touch, touched_at,
    channel_key, campaign, {", ".join(shares)}
from weighed
window path as (partition by conversion_key)
"""


def _statistics(names: Sequence[str]) -> str:
    sums = ", ".join(
        f'sum("{name}") as "{name}", sum("{name}" * value) as "value of {name}"' for name in names
    )
    per_model = "\nunion all\n".join(
        f"select outcome, bucket, converted_on, channel_key, campaign, '{name}' as model,"
        f' "{name}" as conversions, "value of {name}" as value from summed'
        for name in names
    )
    return f"""
with summed as (
    select outcome, bucket, converted_on, channel_key, campaign, {sums}
    from credit.touch_credit
    group by outcome, bucket, converted_on, channel_key, campaign
)
{per_model}
"""


def weigh(model: Model, paths: pl.DataFrame) -> NDArray[np.float64]:
    """Return the credit of every touch of the given paths (`Model.weights`).

    Raises
    ------
    InputError
        When `paths` lacks a column that the model's weights need.
    """
    expression = model.weight_sql
    effects: Mapping[str, float] = {}
    if _EFFECT.search(expression):
        effects = model.effects or {}
        expression = _EFFECT.sub("coalesce(effects.effect, 0)", expression)
    with DuckDBEngine() as engine:
        engine.store("main.paths", paths.with_row_index("row_number"))
        engine.store(
            "main.effects",
            pl.DataFrame(
                {"effect_channel": list(effects), "effect": list(effects.values())},
                schema={"effect_channel": pl.String, "effect": pl.Float64},
            ),
        )
        try:
            return engine.arrays(_WEIGH.format(expression=expression))["credit"]
        except engine.binder_error as error:
            raise InputError(f"the paths do not fit the model {model.name!r}: {error}") from error


_WEIGH = """
with counted as (
    select *, count(*) over (partition by path, channel) as channel_touches,
        count(*) over (partition by path) as touches_on_path
    from main.paths
),
weighed as (
    select counted.*, coalesce(cast({expression} as double), 0) as weight
    from counted left join main.effects as effects on counted.channel = effects.effect_channel
)
select
    case when sum(weight) over (partition by path) > 0
        then weight / sum(weight) over (partition by path)
        else 1.0 / touches_on_path
    end as credit
from weighed
order by row_number
"""
