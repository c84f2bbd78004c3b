"""Assets of the group ``experiments``: readouts of experiments, and models against them."""

from collections.abc import Iterator, Sequence

import dagster as dg

from lydite import pipeline
from lydite.dagster.assets import models
from lydite.dagster.metadata import Metadata, Result, markdown, mart_file, materialized
from lydite.dagster.specs import SpecFactory
from lydite.engine import DuckDBEngine
from lydite.settings import Settings

TABLES = tuple(f"mart.{name}" for name in pipeline.EXPERIMENT_MARTS)
_SHOWN = {
    "mart.experiments": """
        select experiment, outcome, metric, arm, users, mean, difference, difference_low,
            difference_high, always_low, always_high, may_read, verdict
        from mart.experiments
        where verdict is not null
        order by experiment, outcome, metric, arm
    """,
    "mart.experiment_checks": """
        select experiment, check_name, status, text
        from mart.experiment_checks
        where status not in ('passed', 'not_checked')
        order by experiment, check_name
    """,
    "mart.experiment_agreement": """
        select experiment, model, measured, credited, incrementality, incrementality_low,
            incrementality_high, status
        from mart.experiment_agreement
        order by experiment, abs(incrementality - 1) nulls last, model
    """,
    "mart.experiment_hypotheses": """
        select experiment, model, measured, expected, z, p_value, status, registered
        from mart.experiment_hypotheses
        order by experiment, abs(z) nulls last, model
    """,
    "mart.registered_predictions": """
        select experiment, model, recorded_at, treated, per_user * treated as expected, is_over
        from mart.registered_predictions
        order by number
    """,
    "mart.experiment_pairs": """
        select outcome, ahead, behind, experiments, log_ratio, needed, is_sure
        from mart.experiment_pairs
        order by outcome, log_ratio desc, ahead, behind
    """,
    "mart.experiment_verdicts": "from mart.experiment_verdicts order by outcome, model",
}


def experiment_assets(settings: Settings, specs: SpecFactory) -> list[dg.AssetsDefinition]:
    """Return the steps ``read_experiments`` and ``compare_with_experiments``."""
    read = tuple(f"mart.{name}" for name in pipeline.READING_MARTS)
    compared = tuple(f"mart.{name}" for name in pipeline.AGREEMENT_MARTS)

    @specs.step("read_experiments", _specs(specs, read))
    def read_experiments(context: dg.AssetExecutionContext) -> Iterator[Result]:
        engine = specs.engine(context)
        pipeline.read_experiments(engine, settings)
        for table in read:
            more = _shown(engine.local, table)
            yield materialized(specs.key(table), engine.local, table, mart_file(table), more)

    @specs.step("compare_with_experiments", _specs(specs, compared))
    def compare_with_experiments(context: dg.AssetExecutionContext) -> Iterator[Result]:
        engine = specs.engine(context)
        rivals = models.usable_models(engine, settings)
        pipeline.compare_with_experiments(engine, settings, rivals)
        for table in compared:
            more = _shown(engine.local, table)
            yield materialized(specs.key(table), engine.local, table, mart_file(table), more)

    return [read_experiments, compare_with_experiments]


def _specs(specs: SpecFactory, tables: Sequence[str]) -> list[dg.AssetSpec]:
    return [
        specs.table(
            table,
            mart_file(table),
            group="experiments",
            kinds=("duckdb", "python"),
        )
        for table in tables
    ]


def _shown(engine: DuckDBEngine, table: str) -> Metadata:
    """Return a table for the metadata of the asset, if it has rows."""
    has_rows = bool(engine.scalar(f"select count(*) from {table}"))
    return {"experiments": markdown(engine, _SHOWN[table])} if has_rows else {}
