"""Assets of the group ``marts``: the tables that analysts query, built by plain SQL."""

from collections.abc import Iterator

import dagster as dg

from lydite import pipeline
from lydite.dagster.assets import attribution, inputs, journeys
from lydite.dagster.metadata import Result, materialized
from lydite.dagster.specs import SpecFactory
from lydite.settings import Settings

TABLES = tuple(f"mart.{name}" for name in (*pipeline.LOCAL_MARTS, *pipeline.MARTS))


def mart_assets(settings: Settings, specs: SpecFactory) -> list[dg.AssetsDefinition]:
    """Return the step ``build_marts``."""
    deps = (*inputs.TABLES, *journeys.FILES, *attribution.TABLES)
    # Credit shows the range over the models that are not refuted.
    compared = {"mart.channel_credit": ("mart.model_comparison",)}
    tables = [
        specs.table(
            table,
            table.replace("mart.", "marts/"),
            group="marts",
            deps=(*deps, *compared.get(table, ())),
        )
        for table in TABLES
    ]

    @specs.step("build_marts", tables)
    def build_marts(context: dg.AssetExecutionContext) -> Iterator[Result]:
        engine = specs.engine(context)
        pipeline.record_run(engine, settings.evaluation, context.run.run_id)
        pipeline.build_marts(engine, costs=settings.costs())
        for table in TABLES:
            yield materialized(specs.key(table), engine.local, table)

    return [build_marts]
