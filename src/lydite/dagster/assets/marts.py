"""Assets of the group ``marts``: the tables that analysts query, built by plain SQL."""

from collections.abc import Iterator

import dagster as dg

from lydite import pipeline
from lydite.dagster.column_lineage import lineage_metadata
from lydite.dagster.metadata import Result, mart_file, materialized
from lydite.dagster.specs import SpecFactory
from lydite.settings import Settings

CHAMPIONS = "mart.champions"
TABLES = tuple(f"mart.{name}" for name in (*pipeline.LOCAL_MARTS, *pipeline.MARTS))


def mart_assets(settings: Settings, specs: SpecFactory) -> list[dg.AssetsDefinition]:
    """Return the step ``build_marts``."""
    tables = [specs.table(table, mart_file(table), group="marts") for table in TABLES]

    @specs.step("build_marts", tables)
    def build_marts(context: dg.AssetExecutionContext) -> Iterator[Result]:
        engine = specs.engine(context)
        pipeline.record_decisions(engine, settings.storage.decisions)
        selected = {key.path[-1] for key in context.selected_asset_keys}
        if "runs" in selected:
            pipeline.record_run(engine, settings.evaluation, context.run.run_id)
        names = [name for name in pipeline.MARTS if name in selected]
        pipeline.build_marts(engine, names, settings.costs(), settings.margins())
        for table in (f"mart.{name}" for name in (*pipeline.LOCAL_MARTS, *names)):
            file = mart_file(table)
            more = lineage_metadata(specs, engine.local, table, file)
            yield materialized(specs.key(table), engine.local, table, file, more)

    return [build_marts]
