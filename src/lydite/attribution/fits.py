"""Models that are fitted for credit, with their bootstrap replicates."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lydite.attribution.bootstrap import Replicates, credit_replicates, fixed_replicates
from lydite.attribution.converted_paths import (
    FOREVER,
    buckets_within_limit,
    load_channel_sets,
    load_paths,
)
from lydite.attribution.credit_sql import bucket_credit_sql
from lydite.models.estimator import clone
from lydite.models.fitted_rules import FittedRule
from lydite.models.rules import Rule
from lydite.paths.landmarks import N_BUCKETS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from lydite.engine import Engine
    from lydite.models import Landmarks, Model, Paths


@dataclass(frozen=True)
class Fits:
    """Models that were fitted for the credit of one outcome.

    Attributes
    ----------
    models
        The fitted models.
    until
        The replicates have the conversions up to this instant.
    replicates
        Of the models that learn, by name; empty without intervals.
    """

    models: tuple[Model, ...]
    until: datetime
    replicates: Mapping[str, Replicates]


def fit_models(
    engine: Engine,
    models: Sequence[Model],
    landmarks: Landmarks,
    draws: NDArray[np.float64] | None,
    until: datetime = FOREVER,
) -> Fits:
    """Fit copies of models, and attribute the conversions of every bootstrap replicate.

    Parameters
    ----------
    engine
        Holds the tables of `converted_path_tables`.
    models
        The models; those that do not learn are not fitted and have no replicates.
    landmarks
        The mature landmarks that models are fitted on.
    draws : (replicates, units) array
        How often each bucket counts in each replicate; None for no replicates.
    until
        The replicates have the conversions up to this instant.
    """
    copies = tuple(clone(model) for model in models)
    if draws is not None:
        return Fits(copies, until, _replicates(engine, copies, landmarks, draws, until))
    with ThreadPoolExecutor(engine.threads) as pool:  # numpy and scipy release the GIL
        list(pool.map(lambda model: _fit(model, landmarks), copies))
    return Fits(copies, until, {})


def _replicates(
    engine: Engine,
    models: Sequence[Model],
    landmarks: Landmarks,
    draws: NDArray[np.float64],
    until: datetime,
) -> dict[str, Replicates]:
    """Fit the models that learn, and return their replicates by name."""
    # The credit of a fitted rule depends on the chosen candidate alone: refits need no rates.
    rules = [
        model for model in models if isinstance(model, FittedRule) and model.credit_kind == "rule"
    ]
    others = [model for model in models if model.learns and model not in rules]
    by_path = any(model.weights_touches for model in others)
    buckets = buckets_within_limit(engine, until) if by_path else N_BUCKETS
    counted_sets = load_channel_sets(engine, landmarks.channels, until).counted
    paths = {
        model.name: load_paths(engine, landmarks.channels, model, buckets, until)
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
            engine, rule, candidates[rule.name], len(landmarks.channels), draws, until
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


def _fitted_rule_replicates(
    engine: Engine,
    rule: FittedRule,
    chosen: NDArray[np.integer],
    channels: int,
    draws: NDArray[np.float64],
    until: datetime,
) -> Replicates:
    """Resample the credit by bucket of the candidate that was chosen in each replicate."""
    weights = list(rule.candidates.values())
    names = {number: f"rule {number}" for number in np.unique(chosen).tolist()}
    sums = engine.fetch_numpy(
        bucket_credit_sql({name: weights[n] for n, name in names.items()}), {"until": until}
    )
    size = (len(draws), channels)
    replicates = Replicates(np.zeros(size), np.zeros(size))
    for number, name in names.items():
        rows = chosen == number
        conversions = bucket_matrix(sums, name, channels)
        value = bucket_matrix(sums, f"value of {name}", channels)
        resampled = fixed_replicates(conversions, value, draws[rows])
        replicates.conversions[rows] = resampled.conversions
        replicates.value[rows] = resampled.value
    return replicates


def bucket_matrix(
    sums: Mapping[str, NDArray[np.generic]], column: str, channels: int
) -> NDArray[np.float64]:
    """Return a column of sums by bucket and channel as a (buckets, channels) array."""
    matrix = np.zeros((N_BUCKETS, channels))
    matrix[sums["bucket"], sums["channel_key"]] = sums[column]
    return matrix
