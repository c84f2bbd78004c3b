"""The register of what models predicted before experiments were read, and how well they did.

``ledger.predictions`` only grows. A run registers what each model expects of every holdout that
cannot be read yet, and once more in the run that reads it. Only predictions from before count.
"""

from __future__ import annotations

import hashlib
import math
from itertools import combinations
from typing import TYPE_CHECKING, Any

import polars as pl

from lydite.engine.changes import append_changes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lydite.engine import DuckDBEngine
    from lydite.experiments.hypothesis_check import Expected
    from lydite.settings import ExperimentSettings

PREDICTIONS = "ledger.predictions"
PREDICTION_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "experiment": pl.String, "outcome": pl.String, "channel": pl.String, "model": pl.String,
    "definition": pl.String, "users": pl.Int64, "treated": pl.Int64, "per_user": pl.Float64,
    "per_user_variance": pl.Float64, "is_over": pl.Boolean,
}  # fmt: skip
#: The table with a row per outcome and two models that both predicted experiments.
PAIRS = "experiments.pairs"
PAIR_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "outcome": pl.String, "ahead": pl.String, "behind": pl.String, "experiments": pl.Int64,
    "log_ratio": pl.Float64, "needed": pl.Float64, "is_sure": pl.Boolean,
}  # fmt: skip
_KEY = "experiment, model, definition"
# After the run that reads an experiment nothing is added.
_OPEN = f"""
select current.*
from ({{current}}) as current
anti join (select {_KEY} from {PREDICTIONS} where is_over) as closed using ({_KEY})
order by experiment, model
"""
_LAST = f"""
select experiment, model, definition, recorded_at, per_user, per_user_variance
from {PREDICTIONS}
where not is_over
qualify row_number() over (partition by {_KEY} order by number desc) = 1
"""


def define(plan: ExperimentSettings, fingerprint: str, paths: str) -> str:
    """Return the fingerprint of all that a prediction depends on, except the data.

    Parameters
    ----------
    plan
        The experiment.
    fingerprint
        Of the model.
    paths
        What is on the paths of the outcome.
    """
    arms = sorted(plan.arms)
    parts = (fingerprint, paths, plan.channel, plan.outcome, plan.window, plan.control, arms)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def register(
    engine: DuckDBEngine, expected: Sequence[Expected], definitions: Mapping[tuple[str, str], str]
) -> None:
    """Append the predictions of a run for experiments that no run has read before.

    Parameters
    ----------
    engine
        Holds the register.
    expected
        What models expect of the users whose windows are over.
    definitions
        The definitions of the predictions, by experiment and model.
    """
    rows = [
        {
            "experiment": each.holdout.name,
            "outcome": each.holdout.plan.outcome,
            "channel": each.holdout.plan.channel,
            "model": each.model,
            "definition": definitions[each.holdout.name, each.model],
            "users": len(each.holdout.persons),
            "treated": each.treated,
            "per_user": float(each.estimates.values[1]) / each.treated,
            "per_user_variance": float(each.estimates.covariance[1, 1]) / each.treated**2,
            "is_over": each.holdout.is_over,
        }
        for each in expected
    ]
    frame = pl.DataFrame(rows, schema=PREDICTION_COLUMNS, orient="row")
    with engine.registered(frame) as name:
        current = f"select * from {name}"
        append_changes(engine, PREDICTIONS, current, _OPEN.format(current=current))


def score(
    engine: DuckDBEngine,
    rows: Iterable[Mapping[str, Any]],
    definitions: Mapping[tuple[str, str], str],
) -> list[dict[str, Any]]:
    """Return rows of holdouts that are over with the last prediction before, and its log score.

    The score is the logarithm of the density of what was measured, under a normal distribution
    around the prediction, with the variances of both.

    Parameters
    ----------
    engine
        Holds the register.
    rows
        The rows of `lydite.experiments.hypothesis_check.check_row`.
    definitions
        As for `register`: predictions of another definition do not count.
    """
    last = {
        (experiment, model, definition): rest
        for experiment, model, definition, *rest in engine.rows(_LAST)
    }
    found = []
    for row in rows:
        key = row["experiment"], row["model"]
        at, per_user, variance = last.get((*key, definitions[key]), (None, None, None))
        treated = row["treated"]
        more: dict[str, Any] = {
            "registered_at": at,
            "registered": None if per_user is None else per_user * treated,
            "registered_variance": None if variance is None else variance * treated**2,
        }
        found.append({**row, **more, "log_score": _log_score(row["measured"], row, more)})
    return found


def _log_score(
    measured: float, row: Mapping[str, Any], registered: Mapping[str, Any]
) -> float | None:
    if registered["registered"] is None:
        return None
    variance = row["measured_variance"] + registered["registered_variance"]
    if variance <= 0:
        return None
    away = measured - registered["registered"]
    return float(-(away**2 / variance + math.log(2 * math.pi * variance)) / 2)


def compare_predictions(rows: pl.DataFrame, alpha: float) -> pl.DataFrame:
    """Return a row per outcome and two models that have both predicted experiments.

    If the model that is behind were true, the ratio of the likelihoods would reach ``1 / a`` with
    probability ``a`` at most. So the model ahead is sure at ``1 / a``, with alpha divided by the
    number of pairs of the outcome.

    Parameters
    ----------
    rows
        A row per experiment and model: ``experiment, outcome, model, log_score``.
    alpha
        Probability to be sure of any model that is not better.
    """
    found = []
    for (outcome,), group in rows.drop_nulls("log_score").group_by("outcome", maintain_order=True):
        models = sorted(group["model"].unique())
        pairs = list(combinations(models, 2))
        needed = math.log(len(pairs) / alpha) if pairs else math.inf
        scores = {
            model: dict(group.filter(model=model).select("experiment", "log_score").iter_rows())
            for model in models
        }
        for one, other in pairs:
            both = scores[one].keys() & scores[other].keys()
            if not both:
                continue
            ratio = sum(scores[one][name] - scores[other][name] for name in sorted(both))
            ahead, behind = (one, other) if ratio >= 0 else (other, one)
            size = abs(ratio)
            found.append((outcome, ahead, behind, len(both), size, needed, size >= needed))
    return pl.DataFrame(found, schema=PAIR_COLUMNS, orient="row")
