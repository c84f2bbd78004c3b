"""Comparison of models on a path table, by cross-validation."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
from threadpoolctl import threadpool_limits

from lydite.attribution.path_credit import attribute_paths, models_without_clock, notes_on_table
from lydite.decisions import DEFAULT_CHAMPION
from lydite.engine import DuckDBEngine
from lydite.evaluation.backtest import backtest
from lydite.evaluation.ceiling import NAME as CEILING
from lydite.evaluation.ceiling import ceiling_scores
from lydite.evaluation.comparison import compare_outcome, unjudged_outcome
from lydite.evaluation.segments import ALL
from lydite.evaluation.splits import Split
from lydite.inputs.path_table import read_path_table
from lydite.models import BaseRate, TouchVolume
from lydite.models.base import weight_columns
from lydite.models.posterior import with_credit
from lydite.models.transition_graph import unreachable_channels
from lydite.paths.path_table_landmarks import journey_landmarks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lydite.evaluation.scores import Scores
    from lydite.inputs import PathTable, Source
    from lydite.models import Landmarks, Model
    from lydite.settings import EvaluationSettings

    Progress = Callable[[str], None]

OUTCOME = "conversion"
BUCKETS = 80  # of journeys, for the standard errors of a comparison
MIN_CONVERSIONS = 100
ALL_CONVERT = (
    "every journey in the table converts: without journeys that did not convert nothing can be"
    " learned about conversion. Add a column `nulls` with the journeys of each path that did not"
    " convert, or a column `journeys` with all of them"
)


@dataclass(frozen=True)
class PathComparison:
    """The comparison of models on one path table, as plain frames and counts.

    Attributes
    ----------
    marts
        The result tables by name.
    landmarks
        Number of forecasts that each model made.
    conversions
        Number of conversions in the table.
    left_out
        Why a model was left out, by name.
    note
        Why the models were not compared; empty where they were.
    """

    marts: Mapping[str, pl.DataFrame]
    landmarks: int
    conversions: int
    left_out: Mapping[str, str]
    note: str = ""


def compare_paths(
    paths: Source,
    evaluation: EvaluationSettings,
    rivals: Sequence[Model] | None = None,
    progress: Progress | None = None,
    separator: str | None = None,
) -> PathComparison:
    """Compare models on a path table by cross-validation; it is not forward in time.

    Every journey of the table, a single conversion or null, falls into one of `BUCKETS` buckets at
    random. Each fold of buckets is forecast by models that were fitted on the other folds.

    Parameters
    ----------
    paths, separator
        As in `lydite.credit`.
    evaluation
        How rivals are judged: all but what depends on times is used.
    rivals
        The models to compare; None for all that do not need times.
    progress
        Called with a few words at the start of each step.

    Raises
    ------
    InputError
        When the table cannot be used.
    """
    say = progress or (lambda _: None)
    say("reading the paths")
    with DuckDBEngine() as engine:
        table, threads = read_path_table(engine, paths, separator), engine.threads
    conversions = int(table.conversions.sum())
    note = why_not_compared(table)
    models, left_out = models_without_clock(rivals, len(table.channels))
    models = with_credit(models, evaluation.credit)
    landmarks = journey_landmarks(
        table, weight_columns(models), buckets=BUCKETS, seed=evaluation.seed
    )
    scores = {} if note else _cross_validate(models, landmarks, evaluation.seed, threads, say)
    say("attributing the conversions")
    credit, transitions = attribute_paths(table, models, evaluation.seed, threads)
    credit_marts = _credit_marts(credit, transitions)
    notes = notes_on_table(table, models)
    if not note:
        marts = compare_outcome(
            OUTCOME,
            models,
            {name: {ALL: found} for name, found in scores.items()},
            None,
            evaluation,
            unreachable=unreachable_channels(credit_marts["channel_transitions"]),
            findings=notes,
        )
    else:
        # More journeys of the same kind do not help where all of them convert.
        undecided = () if note == ALL_CONVERT else models
        marts = unjudged_outcome(
            OUTCOME, undecided, note, primary=evaluation.primary, findings=notes
        )
    credit_marts["channel_credit"] = _with_range(
        credit_marts["channel_credit"], marts["model_comparison"]
    )
    return PathComparison(
        marts | credit_marts,
        int(landmarks.count.sum()),
        conversions,
        left_out,
        note,
    )


def why_not_compared(table: PathTable) -> str:
    """Return why no models can be compared on a table; empty where they can."""
    if not table.nulls.any():
        return ALL_CONVERT
    conversions = int(table.conversions.sum())
    if conversions < MIN_CONVERSIONS:
        return (
            f"{conversions} conversions are too few to compare models: at least {MIN_CONVERSIONS}"
            " are needed"
        )
    return ""


def _cross_validate(
    models: Sequence[Model], landmarks: Landmarks, seed: int, threads: int, say: Progress
) -> dict[str, Scores]:
    """Return the scores of the baselines, the models and the ceiling, by name."""
    split = Split.by_fold(landmarks)
    candidates = [BaseRate(), TouchVolume(), *models]
    say(f"cross-validating {len(candidates)} models")
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        found = pool.map(lambda model: backtest(model, split), candidates)
        scores = {model.name: own for model, own in zip(candidates, found, strict=True)}
    say("estimating the ceiling")
    scores[CEILING] = ceiling_scores(models, split, seed)[ALL]
    return scores


def _with_range(credit: pl.DataFrame, comparison: pl.DataFrame) -> pl.DataFrame:
    """Add the range of conversions over the models that are not refuted, and the champion."""
    refuted = comparison.filter(pl.col("verdict") == "refuted")["model"]
    standing = credit.filter(~pl.col("model").is_in(refuted.implode()))
    ranges = standing.group_by("channel").agg(
        standing_low=pl.col("conversions").min(), standing_high=pl.col("conversions").max()
    )
    place = credit.columns.index("conversions_high") + 1
    columns = [*credit.columns[:place], "standing_low", "standing_high", *credit.columns[place:]]
    columns.insert(columns.index("channel") + 1, "is_champion")
    # Decisions belong to a project: none concerns a table of paths.
    is_champion = pl.col("model") == DEFAULT_CHAMPION
    joined = credit.join(ranges, on="channel", how="left", maintain_order="left")
    return joined.with_columns(is_champion=is_champion).select(columns)


def _credit_marts(credit: pl.DataFrame, transitions: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the credit tables with the columns they have after a comparison with times."""
    outcome = pl.lit(OUTCOME).alias("outcome")
    unknown = [
        pl.lit(None, dtype=pl.Float64).alias(f"{name}{end}")
        for name in ("cpa", "roas")
        for end in ("", "_low", "_high")
    ]
    effects = credit.filter(pl.col("removal_effect").is_not_null())
    first = transitions.filter(pl.col("model") == "markov_1")
    return {
        "channel_credit": credit.drop("removal_effect").select(
            outcome, pl.all(), pl.lit(None, dtype=pl.Float64).alias("cost"), *unknown
        ),
        "removal_effects": effects.select(outcome, "model", "channel", "removal_effect"),
        "channel_transitions": first.select(
            outcome,
            pl.col("from").alias("from_channel"),
            pl.col("to").alias("to_channel"),
            pl.col("count").alias("transitions"),
            "probability",
        ),
    }
