"""The division of conversions over the touches of their paths, in one pass for all models."""

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
    buckets_of_paths,
    load_paths,
    load_sets,
    path_tables,
)
from lydite.attribution.credit_sql import credit_by_bucket, summed, touch_credit
from lydite.models.base import weight_columns
from lydite.models.fitted_rules import FittedRule
from lydite.models.markov import Markov
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
    "credit.removal_effects",
)
_SET_SHARES = "credit.set_shares"
_BOUNDS = ("conversions", "value", "share")
_NUMBERS = {
    "credit.intervals": [f"{name}_{side}" for name in _BOUNDS for side in ("low", "high")],
    "credit.removal_effects": ["removal_effect"],
}


def channel_names(engine: Engine) -> list[str]:
    """Return the channels in the order of their numbers."""
    return [c for (c,) in engine.rows("select channel from journeys.channels order by channel_key")]


def reset_credit_tables(engine: Engine) -> None:
    """Drop what was credited before, and make the tables that no outcome may fill."""
    for table in TABLES:
        engine.drop(table)
        engine.local.drop(table)
    for table, numbers in _NUMBERS.items():
        names = dict.fromkeys(("outcome", "model", "channel"), pl.String)
        engine.local.store(table, pl.DataFrame(schema=names | dict.fromkeys(numbers, pl.Float64)))


def attribute_outcome(
    engine: Engine,
    outcome: str,
    models: Sequence[Model],
    landmarks: Landmarks,
    seed: int = 0,
) -> None:
    """Divide all conversions of one outcome by all models, with intervals.

    Adds to ``credit.touch_credit`` (a row per touch on the path of a conversion, a column of
    credit per model), ``credit.statistics`` and ``credit.daily`` (its sums by model and channel, by
    bucket and by day and campaign), ``credit.intervals`` and ``credit.removal_effects``.

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
    drawn = draw_buckets(N_BUCKETS, seed)
    with path_tables(engine, outcome, len(landmarks.channels)):
        replicates = _fit(engine, models, landmarks, drawn)
        weights = weight_columns(models).values()
        with explain_weight_errors(engine, weights, "credit.paths", "conversion_key"):
            engine.append("credit.touch_credit", touch_credit(models))
        engine.drop(_SET_SHARES)
    by_bucket = summed(models, "outcome, bucket, channel_key")
    engine.append_local("credit.statistics", by_bucket, {"outcome": outcome})
    by_day = summed(models, "outcome, converted_on, channel_key, campaign")
    engine.append_local("credit.daily", by_day, {"outcome": outcome})
    alone = _unattributed(engine, outcome, drawn)
    for model in models:
        if model.name not in replicates:
            size = len(landmarks.channels)
            replicates[model.name] = _of_rule(engine.local, outcome, model, size, drawn)
        rows = _bounds(landmarks.channels, replicates[model.name])
        intervals = pl.concat([rows, alone], how="diagonal")
        _append(engine.local, "credit.intervals", outcome, model, intervals)
        _keep_effects(engine.local, outcome, model)


# --- what learns --------------------------------------------------------------------------------


def _fit(
    engine: Engine,
    models: Sequence[Model],
    landmarks: Landmarks,
    drawn: NDArray[np.float64],
) -> dict[str, Replicates]:
    """Fit the models that learn, keep their shares of sets, and return their replicates by name."""
    found = load_sets(engine, landmarks.channels)
    rules = [model for model in models if isinstance(model, FittedRule)]
    others = [model for model in models if model.learns and not isinstance(model, FittedRule)]
    by_path = any(model.weights_touches for model in others)
    buckets = buckets_of_paths(engine) if by_path else N_BUCKETS
    paths = {
        model.name: load_paths(engine, landmarks.channels, model, buckets)
        if model.weights_touches
        else found.counted
        for model in others
    }
    with ThreadPoolExecutor(engine.threads) as pool:  # numpy and scipy let threads work at once
        chosen = pool.map(lambda rule: _choose(rule, landmarks, drawn), rules)
        learnt = pool.map(lambda model: _learn(model, landmarks, paths[model.name], drawn), others)
        replicates = dict(zip((model.name for model in others), learnt, strict=True))
        replicates |= {
            model.name: replicates[model.name].scaled(N_BUCKETS / buckets)
            for model in others
            if model.weights_touches
        }
        choices = dict(zip((rule.name for rule in rules), chosen, strict=True))
    for rule in rules:
        size = len(landmarks.channels)
        replicates[rule.name] = _of_fitted_rule(engine, rule, choices[rule.name], size, drawn)
    _keep_shares(engine, [model for model in models if not model.weights_touches], found.sets)
    return replicates


def _learn(
    model: Model, landmarks: Landmarks, paths: Paths, drawn: NDArray[np.float64]
) -> Replicates:
    """Fit a model, and return its replicates."""
    statistics = model.sufficient_statistics(landmarks, N_BUCKETS)
    features = model.fit_credit(statistics, np.ones(N_BUCKETS)).encode_paths(paths)
    return credit_replicates(model, statistics, features, paths, drawn)


def _choose(
    rule: FittedRule, landmarks: Landmarks, drawn: NDArray[np.float64]
) -> NDArray[np.integer]:
    """Fit a rule, and return the number of the candidate that it chooses in each replicate.

    It is fitted on some of the landmarks only where there are more than enough, as when it is put
    on trial. They are taken evenly from all the time, and so from all buckets, not as whole
    buckets: so the bootstrap has all units to draw from. The interval is then of a fit on those
    landmarks, and wider if anything than one on all would be.
    """
    enough = rule.enough_landmarks or len(landmarks)
    if len(landmarks) > enough:
        some = np.arange(0, len(landmarks), -(-len(landmarks) // enough))
        landmarks = landmarks.take(some).with_used_paths()
    statistics = rule.sufficient_statistics(landmarks, N_BUCKETS)
    rule.fit_credit(statistics, np.ones(N_BUCKETS))
    return np.array([refit.chosen_ for refit in copy.deepcopy(rule).refits(statistics, drawn)])


def _keep_shares(engine: Engine, models: Sequence[Model], sets: Paths) -> None:
    """Keep what each model gives the channels of each set."""
    met = sets.path
    shares = {model.name: entry_shares(model, sets) for model in models}
    keys = {"set_key": met.row, "channel_key": met.channel}
    engine.store(_SET_SHARES, pl.DataFrame(keys | shares))


def entry_shares(model: Model, paths: Paths) -> NDArray[np.float64]:
    """Return the (m,) shares of the entries of the paths' channels."""
    features, met = model.encode_paths(paths), paths.path
    shares = model.shares(features)
    found: NDArray[np.float64] = np.asarray(shares[features.inverse[met.row], met.channel]).ravel()
    return found


# --- replicates of rules ------------------------------------------------------------------------


def _of_fitted_rule(
    engine: Engine,
    rule: FittedRule,
    chosen: NDArray[np.integer],
    channels: int,
    drawn: NDArray[np.float64],
) -> Replicates:
    """Weigh the buckets' credit by the candidate that each replicate has chosen."""
    weights = list(rule.candidates.values())
    names = {number: f"rule {number}" for number in np.unique(chosen).tolist()}
    sums = engine.fetch_numpy(credit_by_bucket({name: weights[n] for n, name in names.items()}))
    size = (len(drawn), channels)
    replicates = Replicates(np.zeros(size), np.zeros(size))
    for number, name in names.items():
        own = chosen == number
        conversions, value = (_table(sums, kind, channels) for kind in (name, f"value of {name}"))
        found = fixed_replicates(conversions, value, drawn[own])
        replicates.conversions[own], replicates.value[own] = found.conversions, found.value
    return replicates


def _of_rule(
    engine: DuckDBEngine,
    outcome: str,
    model: Model,
    channels: int,
    drawn: NDArray[np.float64],
) -> Replicates:
    """Weigh the buckets' credit by a rule: nothing is fitted, so sums by bucket are enough."""
    sums = engine.fetch_numpy(
        "select bucket, channel_key, conversions, coalesce(value, 0) as value"
        " from credit.statistics where outcome = $outcome and model = $model",
        {"outcome": outcome, "model": model.name},
    )
    conversions, value = (_table(sums, kind, channels) for kind in ("conversions", "value"))
    return fixed_replicates(conversions, value, drawn)


def _table(
    sums: Mapping[str, NDArray[np.generic]], column: str, channels: int
) -> NDArray[np.float64]:
    """Return a column of sums by bucket and channel as a (buckets, channels) array."""
    table = np.zeros((N_BUCKETS, channels))
    table[sums["bucket"], sums["channel_key"]] = sums[column]
    return table


# --- intervals ----------------------------------------------------------------------------------


def _bounds(channels: Sequence[str], replicates: Replicates) -> pl.DataFrame:
    """Return the bounds of every channel's figures."""
    bounds: dict[str, Any] = replicates.bounds()
    return pl.DataFrame({"channel": list(channels), **bounds})


def _unattributed(engine: Engine, outcome: str, drawn: NDArray[np.float64]) -> pl.DataFrame:
    """Return the bounds of the conversions without a path, which no model divides."""
    sums = engine.fetch_numpy(
        "select bucket, count(*) as conversions, coalesce(sum(value), 0) as value"
        " from journeys.conversions where outcome = $outcome and path_length = 0 group by bucket",
        {"outcome": outcome},
    )
    conversions, value = np.zeros((2, N_BUCKETS, 1))
    conversions[sums["bucket"], 0], value[sums["bucket"], 0] = sums["conversions"], sums["value"]
    bounds = _bounds([UNATTRIBUTED], fixed_replicates(conversions, value, drawn))
    return bounds.drop("share_low", "share_high")


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
