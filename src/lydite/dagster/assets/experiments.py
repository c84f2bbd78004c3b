"""Assets of the group ``experiments``: checks and readouts of randomised experiments."""

from collections.abc import Iterator

import dagster as dg

from lydite import pipeline
from lydite.dagster.assets import inputs, journeys
from lydite.dagster.metadata import Metadata, Result, markdown, materialized
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
}


def experiment_assets(settings: Settings, specs: SpecFactory) -> list[dg.AssetsDefinition]:
    """Return the step ``read_experiments``."""
    deps = (*inputs.TABLES, *journeys.FILES)  # the journeys join the ids of a person
    tables = [
        specs.table(
            table,
            table.replace("mart.", "marts/"),
            group="experiments",
            kinds=("duckdb", "python"),
            deps=deps,
        )
        for table in TABLES
    ]

    @specs.step("read_experiments", tables)
    def read_experiments(context: dg.AssetExecutionContext) -> Iterator[Result]:
        engine = specs.engine(context)
        pipeline.read_experiments(engine, settings)
        for table in TABLES:
            more = _shown(engine.local, table)
            yield materialized(specs.key(table), engine.local, table, more=more)

    return [read_experiments]


def _shown(engine: DuckDBEngine, table: str) -> Metadata:
    """Return a table for the metadata of the asset, if it has rows."""
    has_rows = bool(engine.scalar(f"select count(*) from {table}"))
    return {"experiments": markdown(engine, _SHOWN[table])} if has_rows else {}
