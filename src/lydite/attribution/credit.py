"""Attribution of conversions to the touches of their paths, in one pass for all models."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from sklearn.base import clone

from lydite.attribution.bootstrap import (
    Replicates,
    credit_replicates,
    draw_buckets,
    fixed_replicates,
)
from lydite.attribution.converted_paths import (
    buckets_within_limit,
    converted_path_tables,
    load_channel_sets,
    load_paths,
)
from lydite.attribution.credit_sql import bucket_credit_sql, credit_sums_sql, touch_credit_sql
from lydite.attribution.differences import SCHEMA as DIFFERENCES
from lydite.attribution.differences import credit_differences
from lydite.models.base import weight_columns
from lydite.models.fitted_rules import FittedRule
from lydite.models.markov import Markov
from lydite.models.posterior import credit_kinds
from lydite.models.rules import Rule
from lydite.paths.landmarks import N_BUCKETS
from lydite.paths.touch_weights import explain_weight_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from lydite.engine import DuckDBEngine, Engine
    from lydite.models import Landmarks, Model, Paths

UNATTRIBUTED = "(unattributed)"
TABLES = (
    "credit.touch_credit",
    "credit.statistics",
    "credit.daily",
    "credit.intervals",
    "credit.differences",
    "credit.removal_effects",
    "credit.kinds",
)
_SET_SHARES = "credit.set_shares"
_FIGURES = ("conversions", "value", "share")
_COLUMNS = {
    "credit.intervals": [f"{name}_{side}" for name in _FIGURES for side in ("low", "high")],
    "credit.removal_effects": ["removal_effect"],
}
_KINDS = {"outcome": pl.String, "model": pl.String, "credit": pl.String}


def channel_names(engine: Engine) -> list[str]:
    """Return the channels in the order of their numbers."""
    return [c for (c,) in engine.rows("select channel from journeys.channels order by channel_key")]


def reset_credit_tables(engine: Engine) -> None:
    """Drop the tables of credit, and create those that may stay empty."""
    for table in TABLES:
        engine.drop(table)
        engine.local.drop(table)
    for table, columns in _COLUMNS.items():
        names = dict.fromkeys(("outcome", "model", "channel"), pl.String)
        engine.local.store(table, pl.DataFrame(schema=names | dict.fromkeys(columns, pl.Float64)))
    engine.local.store("credit.kinds", pl.DataFrame(schema=_KINDS))
    differences = {"outcome": pl.String, **DIFFERENCES}
    engine.local.store("credit.differences", pl.DataFrame(schema=differences))


def attribute_outcome(
    engine: Engine,
    outcome: str,
    models: Sequence[Model],
    landmarks: Landmarks,
    seed: int | None = 0,
) -> None:
    """Attribute all conversions of one outcome with every model, with intervals.

    Adds rows to these tables:

    - ``credit.touch_credit``: a row per touch on the path of a conversion, a column per model;
    - ``credit.statistics``: credit by bucket, channel and model;
    - ``credit.daily``: credit by day, channel, campaign and model;
    - ``credit.intervals``: 95 % intervals by channel and model;
    - ``credit.differences``: by channel and model, against last touch;
    - ``credit.removal_effects``: by channel and Markov model;
    - ``credit.kinds``: how the credit of each model is computed.

    Parameters
    ----------
    engine
        Holds the journeys.
    outcome
        Name of the outcome.
    models
        The models; copies of them are fitted.
    landmarks
        The mature landmarks that models are fitted on.
    seed
        Seeds the bootstrap; None for no intervals, which take most of the time.
    """
    models = [clone(model) for model in models]
    channels = landmarks.channels
    draws = None if seed is None else draw_buckets(N_BUCKETS, seed)
    with converted_path_tables(engine, outcome, len(channels)):
        replicates = _fit_models(engine, models, landmarks, draws)
        weights = weight_columns(models).values()
        with explain_weight_errors(engine, weights, "credit.paths", "conversion_key"):
            engine.append("credit.touch_credit", touch_credit_sql(models))
        engine.drop(_SET_SHARES)
    for table, columns in (
        ("credit.statistics", "outcome, bucket, channel_key"),
        ("credit.daily", "outcome, converted_on, channel_key, campaign"),
    ):
        engine.append_local(table, credit_sums_sql(models, columns), {"outcome": outcome})
    kinds = [(outcome, name, kind) for name, kind in credit_kinds(models).items()]
    with engine.local.registered(pl.DataFrame(kinds, schema=_KINDS, orient="row")) as frame:
        engine.local.append("credit.kinds", f"from {frame}")
    for model in models:
        _write_removal_effects(engine.local, outcome, model)
    if draws is None:
        return
    unattributed = _unattributed_intervals(engine, outcome, draws)
    credit = {}
    for model in models:
        by_bucket = _credit_by_bucket(engine.local, outcome, model, len(channels))
        credit[model.name] = (by_bucket[0].sum(axis=0), by_bucket[1].sum(axis=0))
        if model.name not in replicates:  # a rule needs no refit
            replicates[model.name] = fixed_replicates(*by_bucket, draws)
        intervals = pl.concat(
            [_intervals(channels, replicates[model.name], *by_bucket), unattributed],
            how="diagonal",
        )
        _append(engine.local, "credit.intervals", outcome, model, intervals)
    differences = credit_differences(channels, credit, replicates)
    with engine.local.registered(
        differences.select(pl.lit(outcome).alias("outcome"), pl.all())
    ) as f:
        engine.local.append("credit.differences", f"from {f}")


def credit_users(
    engine: Engine,
    outcome: str,
    models: Sequence[Model],
    landmarks: Landmarks,
    users: str,
    table: str,
) -> None:
    """Attribute the conversions of some users with models that are fitted on some landmarks.

    Appends to a table with the columns of ``credit.touch_credit``.

    Parameters
    ----------
    engine
        Holds the journeys.
    outcome
        Name of the outcome.
    models
        The models; copies of them are fitted.
    landmarks
        The landmarks that models are fitted on.
    users
        A table with the ``user_key`` of the users.
    table
        The table to append to.
    """
    models = [clone(model) for model in models]
    with converted_path_tables(engine, outcome, len(landmarks.channels), users):
        _fit_models(engine, models, landmarks, None)
        engine.append(table, touch_credit_sql(models))
        engine.drop(_SET_SHARES)


# --- models that are fitted ---------------------------------------------------------------------


def _fit_models(
    engine: Engine,
    models: Sequence[Model],
    landmarks: Landmarks,
    draws: NDArray[np.float64] | None,
) -> dict[str, Replicates]:
    """Fit the models that learn, write their shares of channel sets, return their replicates."""
    channel_sets = load_channel_sets(engine, landmarks.channels)
    replicates: dict[str, Replicates] = {}
    if draws is None:
        with ThreadPoolExecutor(engine.threads) as pool:  # numpy and scipy release the GIL
            list(pool.map(lambda model: _fit(model, landmarks), models))
    else:
        replicates = _fit_with_replicates(engine, models, landmarks, channel_sets.counted, draws)
    by_set = [model for model in models if not model.weights_touches]
    _write_set_shares(engine, by_set, channel_sets.sets)
    return replicates


def _fit_with_replicates(
    engine: Engine,
    models: Sequence[Model],
    landmarks: Landmarks,
    counted_sets: Paths,
    draws: NDArray[np.float64],
) -> dict[str, Replicates]:
    """Fit the models that learn, and return their replicates by name."""
    # The credit of a fitted rule depends on the chosen candidate alone: refits need no rates.
    rules = [
        model for model in models if isinstance(model, FittedRule) and model.credit_kind == "rule"
    ]
    others = [model for model in models if model.learns and model not in rules]
    by_path = any(model.weights_touches for model in others)
    buckets = buckets_within_limit(engine) if by_path else N_BUCKETS
    paths = {
        model.name: load_paths(engine, landmarks.channels, model, buckets)
        if model.weights_touches
        else counted_sets
        for model in others
    }
    with ThreadPoolExecutor(engine.threads) as pool:  # numpy and scipy release the GIL
        chosen = pool.map(lambda rule: _choose_candidates(rule, landmarks, draws), rules)
        fitted = pool.map(
            lambda model: _model_replicates(model, landmarks, paths[model.name], draws), others
        )
        replicates = dict(zip((model.name for model in others), fitted, strict=True))
        replicates |= {
            model.name: replicates[model.name].scaled(N_BUCKETS / buckets)
            for model in others
            if model.weights_touches
        }
        candidates = dict(zip((rule.name for rule in rules), chosen, strict=True))
    for rule in rules:
        replicates[rule.name] = _fitted_rule_replicates(
            engine, rule, candidates[rule.name], len(landmarks.channels), draws
        )
    return replicates


def _fit(model: Model, landmarks: Landmarks) -> Any:  # noqa: ANN401
    """Fit a model for credit if it learns, and return the statistics that it was fitted on."""
    if not model.learns:
        return None
    if isinstance(model, FittedRule | Rule):
        landmarks = _enough_landmarks(model, landmarks)
    statistics = model.sufficient_statistics(landmarks, N_BUCKETS)
    model.fit_credit(statistics, np.ones(N_BUCKETS))
    return statistics


def _model_replicates(
    model: Model, landmarks: Landmarks, paths: Paths, draws: NDArray[np.float64]
) -> Replicates:
    """Fit a model, and return its replicates."""
    statistics = _fit(model, landmarks)
    return credit_replicates(model, statistics, model.encode_paths(paths), paths, draws)


def _choose_candidates(
    rule: FittedRule, landmarks: Landmarks, draws: NDArray[np.float64]
) -> NDArray[np.integer]:
    """Fit a rule, and return the number of the candidate chosen in each replicate."""
    statistics = _fit(rule, landmarks)
    return np.array([refit.chosen_ for refit in copy.deepcopy(rule).refits(statistics, draws)])


def _enough_landmarks(rule: FittedRule | Rule, landmarks: Landmarks) -> Landmarks:
    """Return a subset where there are more landmarks than the fit needs, as in the backtest.

    The subset is spread evenly over time, and so over all buckets, because the bootstrap needs all
    units. The interval is that of a fit on the subset: if anything, wider than one on all data.
    """
    enough = rule.enough_landmarks or len(landmarks)
    if len(landmarks) <= enough:
        return landmarks
    subset = np.arange(0, len(landmarks), -(-len(landmarks) // enough))
    return landmarks.take(subset).with_used_paths()


def _write_set_shares(engine: Engine, models: Sequence[Model], sets: Paths) -> None:
    """Write the share of each channel of each set, with a column per model."""
    entries = sets.path
    shares = {model.name: channel_shares(model, sets) for model in models}
    keys = {"set_key": entries.row, "channel_key": entries.channel}
    engine.store(_SET_SHARES, pl.DataFrame(keys | shares))


def channel_shares(model: Model, paths: Paths) -> NDArray[np.float64]:
    """Return the share of each channel on each path, one per entry of `paths`: an (m,) array."""
    features, entries = model.encode_paths(paths), paths.path
    if not len(entries.row):  # scipy would return a sparse array for an empty index
        return np.zeros(0)
    shares = model.shares(features)[features.inverse[entries.row], entries.channel]
    result: NDArray[np.float64] = np.asarray(shares).ravel()
    return result


# --- replicates of rules ------------------------------------------------------------------------


def _fitted_rule_replicates(
    engine: Engine,
    rule: FittedRule,
    chosen: NDArray[np.integer],
    channels: int,
    draws: NDArray[np.float64],
) -> Replicates:
    """Resample the credit by bucket of the candidate that was chosen in each replicate."""
    weights = list(rule.candidates.values())
    names = {number: f"rule {number}" for number in np.unique(chosen).tolist()}
    sums = engine.fetch_numpy(bucket_credit_sql({name: weights[n] for n, name in names.items()}))
    size = (len(draws), channels)
    replicates = Replicates(np.zeros(size), np.zeros(size))
    for number, name in names.items():
        rows = chosen == number
        conversions = _bucket_matrix(sums, name, channels)
        value = _bucket_matrix(sums, f"value of {name}", channels)
        resampled = fixed_replicates(conversions, value, draws[rows])
        replicates.conversions[rows] = resampled.conversions
        replicates.value[rows] = resampled.value
    return replicates


def _credit_by_bucket(
    engine: DuckDBEngine, outcome: str, model: Model, channels: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the credited conversions and value, (buckets, channels) arrays."""
    sums = engine.fetch_numpy(
        "select bucket, channel_key, conversions, coalesce(value, 0) as value"
        " from credit.statistics where outcome = $outcome and model = $model",
        {"outcome": outcome, "model": model.name},
    )
    return (
        _bucket_matrix(sums, "conversions", channels),
        _bucket_matrix(sums, "value", channels),
    )


def _bucket_matrix(
    sums: Mapping[str, NDArray[np.generic]], column: str, channels: int
) -> NDArray[np.float64]:
    """Return a column of sums by bucket and channel as a (buckets, channels) array."""
    matrix = np.zeros((N_BUCKETS, channels))
    matrix[sums["bucket"], sums["channel_key"]] = sums[column]
    return matrix


# --- intervals ----------------------------------------------------------------------------------


def _intervals(
    channels: Sequence[str],
    replicates: Replicates,
    conversions: NDArray[np.float64],
    value: NDArray[np.float64],
) -> pl.DataFrame:
    """Return the bounds of every channel's figures, a row per channel.

    Parameters
    ----------
    conversions, value : (buckets, channels) arrays
        The credit.
    """
    bounds: dict[str, Any] = replicates.bounds(conversions.sum(axis=0), value.sum(axis=0))
    return pl.DataFrame({"channel": list(channels), **bounds})


def _unattributed_intervals(
    engine: Engine, outcome: str, draws: NDArray[np.float64]
) -> pl.DataFrame:
    """Return the intervals of conversions without a path, which are the same for all models."""
    sums = engine.fetch_numpy(
        "select bucket, count(*) as conversions, coalesce(sum(value), 0) as value"
        " from journeys.conversions where outcome = $outcome and path_length = 0 group by bucket",
        {"outcome": outcome},
    )
    conversions, value = np.zeros((2, N_BUCKETS, 1))
    conversions[sums["bucket"], 0], value[sums["bucket"], 0] = sums["conversions"], sums["value"]
    resampled = fixed_replicates(conversions, value, draws)
    intervals = _intervals([UNATTRIBUTED], resampled, conversions, value)
    return intervals.drop("share_low", "share_high")


def _write_removal_effects(engine: DuckDBEngine, outcome: str, model: Model) -> None:
    if isinstance(model, Markov):
        effects = model.effects
        rows = pl.DataFrame({"channel": list(effects), "removal_effect": list(effects.values())})
        _append(engine, "credit.removal_effects", outcome, model, rows)


def _append(
    engine: DuckDBEngine, table: str, outcome: str, model: Model, rows: pl.DataFrame
) -> None:
    keys = pl.lit(outcome).alias("outcome"), pl.lit(model.name).alias("model")
    with engine.registered(rows.select(*keys, pl.all())) as frame:
        engine.append(table, f"from {frame}")
