"""The division of conversions over the touches of their paths, in one pass for all models."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from sklearn.base import clone

from lydite.crediting.bootstrap import (
    Replicates,
    credit_replicates,
    draw_buckets,
    fixed_replicates,
)
from lydite.engine import load_sql
from lydite.engine.duckdb import quoted, quoted_name
from lydite.evaluation.sample import TOLD_APART
from lydite.models.base import weight_columns, weight_sums
from lydite.models.landmarks import N_BUCKETS, PathChannels, Paths
from lydite.models.markov import Markov
from lydite.models.rules import weights_explained

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from lydite.engine import DuckDBEngine
    from lydite.models import Landmarks, Model, Profiles

UNATTRIBUTED = "(unattributed)"
TABLES = (
    "credit.touch_credit",
    "credit.statistics",
    "credit.intervals",
    "credit.removal_effects",
)
_SHARES = "credit.shares"
_BOUNDS = ("conversions", "value", "share")
_NUMBERS = {
    "credit.intervals": [f"{name}_{side}" for name in _BOUNDS for side in ("low", "high")],
    "credit.removal_effects": ["removal_effect"],
}


def channel_names(engine: DuckDBEngine) -> list[str]:
    """Return the channels in the order of their numbers."""
    return [c for (c,) in engine.rows("select channel from journeys.channels order by channel_key")]


def start_credit(engine: DuckDBEngine) -> None:
    """Drop what was credited before, and make the tables that no outcome may fill."""
    for table in TABLES:
        engine.drop(table)
    for table, numbers in _NUMBERS.items():
        names = dict.fromkeys(("outcome", "model", "channel"), pl.String)
        engine.store(table, pl.DataFrame(schema=names | dict.fromkeys(numbers, pl.Float64)))


def credit_outcome(
    engine: DuckDBEngine,
    outcome: str,
    models: Sequence[Model],
    landmarks: Landmarks,
    seed: int = 0,
) -> None:
    """Divide all conversions of one outcome by all models, with intervals.

    Adds to ``credit.touch_credit`` (a row per touch on the path of a conversion, a column of
    credit per model), ``credit.statistics`` (sums by outcome, bucket, day, channel, campaign and
    model), ``credit.intervals`` and ``credit.removal_effects``.

    Parameters
    ----------
    engine
        Holds the journeys.
    models
        Copies of them are fitted here.
    landmarks
        The mature landmarks on which they are fitted.
    seed
        Seeds the draws of the bootstrap.
    """
    models = [clone(model) for model in models]  # what they were fitted on before does not matter
    learning = [model for model in models if model.learns]
    paths, keys = load_paths(engine, outcome, landmarks.channels, learning)
    drawn = draw_buckets(N_BUCKETS, seed)
    replicates: dict[str, Replicates] = {}
    shares: dict[str, NDArray[np.float64]] = {}
    with ThreadPoolExecutor(engine.threads) as pool:  # numpy and scipy let threads work at once
        learnt = pool.map(lambda model: _learn(model, landmarks, paths, drawn), learning)
        for model, (shared, replicated) in zip(learning, learnt, strict=True):
            shares[model.name], replicates[model.name] = shared, replicated
    _keep_shares(engine, paths, keys, shares)
    with weights_explained(engine, models, "journeys.path_touches", TOLD_APART):
        engine.append("credit.touch_credit", _touch_credit(models), {"outcome": outcome})
    engine.append("credit.statistics", _statistics(models), {"outcome": outcome})
    engine.drop(_SHARES)
    for model in models:
        if not model.learns:
            replicates[model.name] = _of_rule(engine, outcome, model, len(paths.channels), drawn)
        _keep_intervals(engine, outcome, model, replicates[model.name], drawn)
        _keep_effects(engine, outcome, model)


def _learn(
    model: Model, landmarks: Landmarks, paths: Paths, drawn: NDArray[np.float64]
) -> tuple[NDArray[np.float64], Replicates]:
    """Fit a model; return what it gives the channels of every path, and its replicates."""
    evidence = model.evidence(landmarks, N_BUCKETS)
    profiles = model.fit_credit(evidence, np.ones(N_BUCKETS)).encode_paths(paths)
    replicates = credit_replicates(model, evidence, profiles, paths, drawn)
    return entry_shares(model, profiles, paths), replicates


def load_paths(
    engine: DuckDBEngine, outcome: str, channels: Sequence[str], models: Sequence[Model]
) -> tuple[Paths, NDArray[np.integer]]:
    """Load the converted paths of one outcome as models see them.

    Returns
    -------
    The paths, and the (m,) numbers of the conversions to which the entries of their channels
    belong.
    """
    columns = weight_columns(models)
    entries = engine.arrays(
        "select conversion_key, bucket, coalesce(value, 0) as value, channel_key,"
        f" count(*) as touches{weight_sums(columns)}\n"
        f"from (\n{load_sql('credit/conversion_paths')}\n) where outcome = $outcome\n"
        "group by conversion_key, bucket, value, channel_key order by conversion_key, channel_key",
        {"outcome": outcome},
    )
    keys = entries["conversion_key"]
    first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
    row = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(keys))))
    path = PathChannels(
        row,
        entries["channel_key"],
        entries["touches"],
        {name: entries[name] for name in columns},
    )
    ones = np.ones(len(first))
    unit, value = entries["bucket"][first], entries["value"][first].astype(float)
    return Paths(tuple(channels), unit, ones, value, path), keys


def entry_shares(model: Model, profiles: Profiles, paths: Paths) -> NDArray[np.float64]:
    """Return the (m,) shares of the entries of the paths' channels."""
    shares = model.shares(profiles)
    met = paths.path
    found: NDArray[np.float64] = np.asarray(shares[profiles.index[met.row], met.channel]).ravel()
    return found


def _keep_shares(
    engine: DuckDBEngine,
    paths: Paths,
    keys: NDArray[np.integer],
    shares: Mapping[str, NDArray[np.float64]],
) -> None:
    engine.store(
        _SHARES,
        pl.DataFrame({"conversion_key": keys, "channel_key": paths.path.channel, **shares}),
    )


def _touch_credit(models: Sequence[Model]) -> str:
    """Return the statement that divides the conversions of an outcome, touch by touch.

    What a rule weighs is the division itself. Other models have learnt what share each channel of
    a path has; the channel's touches share it by `Model.touch_weight`.
    """
    weights, divided = [], []
    for model in models:
        name = quoted_name(model.name)
        weights.append(f"coalesce(cast(({model.touch_weight}) as double), 0) as {name}")
        divided.append(f"{_credit_of(model, name)} as {name}")
    return f"""
with paths as (
select * from (
{load_sql("credit/conversion_paths")}
) where outcome = $outcome
),
weighed as (select *, {", ".join(weights)} from paths)
select
    weighed.conversion_key, outcome, user_key, bucket, converted_on, value, touch, touched_at,
    weighed.channel_key, campaign, {", ".join(divided)}
from weighed
left join {_SHARES} as shares
    on weighed.conversion_key = shares.conversion_key
    and weighed.channel_key = shares.channel_key
window
    path as (partition by weighed.conversion_key),
    met as (partition by weighed.conversion_key, weighed.channel_key)
"""


def _credit_of(model: Model, name: str) -> str:
    own = f"weighed.{name}"
    if not model.learns:
        return (
            f"case when sum({own}) over path > 0 then {own} / sum({own}) over path"
            " else 1.0 / path_length end"
        )
    within = (
        "1.0 / channel_touches"
        if model.touch_weight == "1.0"
        else f"case when sum({own}) over met > 0 then {own} / sum({own}) over met"
        " else 1.0 / channel_touches end"
    )
    return f"shares.{name} * {within}"


def _statistics(models: Sequence[Model]) -> str:
    names = [model.name for model in models]
    sums = ", ".join(
        f"sum({quoted_name(n)}) as {quoted_name(n)},"
        f" sum({quoted_name(n)} * value) as {quoted_name(f'value of {n}')}"
        for n in names
    )
    per_model = "\nunion all\n".join(
        f"select outcome, bucket, converted_on, channel_key, campaign, {quoted(n)} as model,"
        f" {quoted_name(n)} as conversions, {quoted_name(f'value of {n}')} as value from summed"
        for n in names
    )
    return f"""
with summed as (
    select outcome, bucket, converted_on, channel_key, campaign, {sums}
    from credit.touch_credit
    where outcome = $outcome
    group by outcome, bucket, converted_on, channel_key, campaign
)
{per_model}
"""


def _of_rule(
    engine: DuckDBEngine,
    outcome: str,
    model: Model,
    channels: int,
    drawn: NDArray[np.float64],
) -> Replicates:
    """Weigh the buckets' credit by a rule: nothing is fitted, so sums by bucket are enough."""
    sums = engine.arrays(
        "select bucket, channel_key, sum(conversions) as conversions,"
        " coalesce(sum(value), 0) as value from credit.statistics"
        " where outcome = $outcome and model = $model"
        " group by bucket, channel_key order by bucket, channel_key",
        {"outcome": outcome, "model": model.name},
    )
    conversions, value = np.zeros((2, N_BUCKETS, channels))
    place = (sums["bucket"], sums["channel_key"])
    conversions[place], value[place] = sums["conversions"], sums["value"]
    return fixed_replicates(conversions, value, drawn)


def _keep_intervals(
    engine: DuckDBEngine,
    outcome: str,
    model: Model,
    replicates: Replicates,
    drawn: NDArray[np.float64],
) -> None:
    bounds: dict[str, Any] = replicates.bounds()
    rows = pl.DataFrame({"channel": channel_names(engine), **bounds})
    alone = pl.DataFrame({"channel": [UNATTRIBUTED], **_unattributed(engine, outcome, drawn)})
    _append(engine, "credit.intervals", outcome, model, pl.concat([rows, alone], how="diagonal"))


def _unattributed(
    engine: DuckDBEngine, outcome: str, drawn: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Return the bounds of the conversions without a path, which no model divides."""
    sums = engine.arrays(
        "select bucket, count(*) as conversions, coalesce(sum(value), 0) as value"
        " from journeys.conversions where outcome = $outcome and path_length = 0 group by bucket",
        {"outcome": outcome},
    )
    conversions, value = np.zeros((2, N_BUCKETS, 1))
    conversions[sums["bucket"], 0], value[sums["bucket"], 0] = sums["conversions"], sums["value"]
    bounds = fixed_replicates(conversions, value, drawn).bounds()
    return {name: edge for name, edge in bounds.items() if not name.startswith("share")}


def _keep_effects(engine: DuckDBEngine, outcome: str, model: Model) -> None:
    if isinstance(model, Markov):
        effects = model.effects
        rows = pl.DataFrame({"channel": list(effects), "removal_effect": list(effects.values())})
        _append(engine, "credit.removal_effects", outcome, model, rows)


def _append(
    engine: DuckDBEngine, table: str, outcome: str, model: Model, rows: pl.DataFrame
) -> None:
    head = pl.lit(outcome).alias("outcome"), pl.lit(model.name).alias("model")
    rows = rows.select(*head, pl.all())
    with engine.registered(rows) as frame:
        engine.append(table, f"from {frame}")
