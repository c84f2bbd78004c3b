"""The steps that attribute the conversions and build the marts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from threadpoolctl import threadpool_limits

from lydite import attribution, journeys
from lydite.decisions.champions import CHAMPIONS
from lydite.evaluation.segment_credit import append_segment_credit, reset_segment_credit
from lydite.journeys.activity import build_activity
from lydite.models import with_milestone
from lydite.pipeline import kept_credit
from lydite.pipeline.backtests import sample_loaders
from lydite.pipeline.calibrated_credit import CALIBRATED_CREDIT, build_calibrated_credit
from lydite.pipeline.costs import write_cost_shares
from lydite.pipeline.experiment_predictions import (
    EXPERIMENT_PREDICTIONS,
    PREDICTION_SUMMARY,
    build_experiment_predictions,
)
from lydite.pipeline.next_experiments import NEXT_EXPERIMENTS, build_next_experiments
from lydite.pipeline.outcomes import read_outcomes
from lydite.pipeline.runs import lydite_version
from lydite.pipeline.touch_credit import name_touches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lydite.engine import DuckDBEngine, Engine
    from lydite.models import Model
    from lydite.paths.landmarks import Landmarks
    from lydite.settings import Cost


#: The version of the marts (``schema_version.sql``).
SCHEMA_VERSION = 1
#: The tables that analysts query, in the order in which they are built.
MARTS = (
    "outcomes",
    "channel_credit",
    "credit_daily",
    "credit_differences",
    "segment_credit",
    "channel_activity",
    "weekly_reach",
    "spend_match",
    "paths",
    "top_paths",
    "path_lengths",
    "time_lags",
    "channel_roles",
    "channel_transitions",
    "removal_effects",
    "data_quality",
)
_OF_ENDED_PATHS = frozenset({"paths", "top_paths"})
_OF_ACTIVITY = frozenset({"channel_activity", "weekly_reach"})
#: Marts of tables that only the local engine has, by name: the first ones to be built.
_LOCAL_TABLES = {
    "runs": "evaluation.runs",
    "findings": "quality.findings",
    "models_left_out": "evaluation.left_out",
    "decisions": "decisions.log",
    "champions": "evaluation.champions",
    "hypotheses": "decisions.verdicts",
    "timeline": "decisions.verdicts",
}
#: Marts of a comparison, by lookback: the last ones to be built.
LOOKBACK_MARTS = ("lookback_comparison", "lookback_credit")
LOCAL_MARTS = (
    "schema_version",
    *_LOCAL_TABLES,
    *LOOKBACK_MARTS,
    CALIBRATED_CREDIT,
    EXPERIMENT_PREDICTIONS,
    PREDICTION_SUMMARY,
    NEXT_EXPERIMENTS,
)
#: The marts that hold credit and need no comparison.
CREDIT_MARTS = (
    "outcomes",
    "channel_credit",
    "channel_transitions",
    "removal_effects",
    "data_quality",
)
#: The marts that the command line prints.
PRINTED_MARTS = ("outcomes", "channel_credit", "data_quality")
#: Views of the marts and of the tables of the comparison, each after those that it reads.
VIEWS = (
    "model_to_use",
    "champion_credit",
    "channel_performance",
    "channel_performance_weekly",
    "channel_summary",
)


def attribute_conversions(engine: Engine, models: Sequence[Model], seed: int | None) -> None:
    """Fit the models on all mature landmarks and attribute every conversion, with intervals.

    Parameters
    ----------
    engine
        Holds the journeys and the samples.
    models
        The models to compare.
    seed
        Seeds the bootstrap; None for no intervals.
    """
    reset_attribution(engine, models)
    for row, load in sample_loaders(engine, models):
        attribute_outcome(engine, row, load, with_milestone(models, row["milestone"]), seed)


def reset_attribution(engine: Engine, models: Sequence[Model]) -> None:
    """Empty the tables of credit, and create the view that they are computed from.

    A warehouse keeps the credit of touches by the same models, to replace what has changed.
    """
    journeys.create_path_touches_view(engine)  # the Spark session may be another than before
    attribution.reset_credit_tables(engine, keep_touches=kept_credit.keeps_touches(engine, models))
    outcomes = [row["outcome"] for row in read_outcomes(engine, scored_only=False)]
    kept_credit.drop_other_outcomes(engine, outcomes)
    reset_segment_credit(engine)


def attribute_outcome(
    engine: Engine,
    row: Mapping[str, Any],
    landmarks: Callable[[], Landmarks],
    models: Sequence[Model],
    seed: int | None,
) -> None:
    """Attribute the conversions of one outcome; see `kept_credit.attribute_outcome`."""
    # The matrices are small: more BLAS threads would wait for each other.
    with threadpool_limits(1, user_api="blas"):
        kept_credit.attribute_outcome(engine, row, landmarks, models, seed)
    append_segment_credit(engine, row["outcome"], models, customer=row["customer_segment"])


#: Local tables that the marts join to tables with all rows.
_JOINED = (
    "inputs.report",
    "evaluation.samples",
    "credit.statistics",
    "credit.daily",
    "credit.intervals",
    "credit.differences",
    "credit.by_segment",
    "credit.removal_effects",
    "credit.kinds",
)


_REFUTED = """
select outcome, model from evaluation.model_comparison
where segment = 'all' and verdict = 'refuted'
"""


def build_marts(
    engine: Engine,
    names: Sequence[str] = MARTS,
    costs: Mapping[str, Cost] | None = None,
    margins: Mapping[str, float] | None = None,
) -> None:
    """Build the marts that are plain SQL, with their comments; all of them by default.

    After a comparison, the views are created too, if all marts exist.

    Parameters
    ----------
    engine
        Holds the journeys and the credit.
    names
        The marts.
    costs
        How costs are charged to outcomes; in full where it is not said.
    margins
        The margin as a share of the value of a conversion; 1 where it is not said.
    """
    write_cost_shares(engine, costs or {})
    journeys.create_path_touches_view(engine)
    local = engine.local
    compared = local.exists("evaluation.model_comparison")
    nothing = pl.DataFrame(schema={"outcome": pl.String, "model": pl.String})
    local.store("evaluation.refuted", local.frame(_REFUTED) if compared else nothing)
    engine.copy_from_local("evaluation.refuted")
    if not (compared and local.exists("evaluation.champions")):
        local.store("evaluation.champions", pl.DataFrame(schema=CHAMPIONS))
    engine.copy_from_local("evaluation.champions")
    for table in _JOINED:
        engine.copy_from_local(table)
    name_touches(engine)
    version = {"schema_version": SCHEMA_VERSION, "lydite_version": lydite_version()}
    local.create("mart.schema_version", "marts/schema_version", version)
    local.comment("mart.schema_version", "marts/schema_version")
    for name, table in _LOCAL_TABLES.items():
        if local.exists(table):
            local.create(f"mart.{name}", f"marts/{name}")
            local.comment(f"mart.{name}", f"marts/{name}")
    if not _OF_ENDED_PATHS.isdisjoint(names) and not engine.exists(journeys.ENDED_PATHS):
        journeys.build_ended_paths(engine)
    if not _OF_ACTIVITY.isdisjoint(names):
        build_activity(engine)
    for name in names:
        mart = f"mart.{name}"
        engine.local.drop(mart)
        engine.append_local(mart, f"marts/{name}")
        engine.local.comment(mart, f"marts/{name}")
        engine.copy_from_local(mart)
    if compared:
        _build_lookback_marts(engine)
        if all(local.exists(f"mart.{name}") for name in MARTS):
            _create_views(local)
        build_calibrated_credit(local)
        build_experiment_predictions(local)
        build_next_experiments(engine, margins)


def other_rows(name: str) -> str:
    """Return the table with the rows of other lookbacks for one of `LOOKBACK_MARTS`."""
    return f"evaluation.other_{name}"


def _build_lookback_marts(engine: Engine) -> None:
    """Build the marts by lookback, of the main one and of those that `other_rows` has."""
    local = engine.local
    for name in LOOKBACK_MARTS:
        main, others, mart = f"evaluation.{name}", other_rows(name), f"mart.{name}"
        local.drop(main)
        engine.append_local(main, f"evaluation/{name}")
        if not local.exists(others):
            local.create(others, f"from {main} where false")
        local.create(mart, f"marts/{name}")
        local.comment(mart, f"marts/{name}")


def _create_views(engine: DuckDBEngine) -> None:
    for name in VIEWS:
        engine.create_view(f"mart.{name}", f"views/{name}")
        engine.comment(f"mart.{name}", f"views/{name}")
