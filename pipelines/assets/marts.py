"""The marts: what analysts query, built by plain SQL, every column with its comment."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from lydite import pipeline
from lydite.settings import Settings
from pipelines.assets import credit, journeys, raw
from pipelines.metadata import materialized
from pipelines.resources import Warehouse
from pipelines.specs import POOL, table_spec

TABLES = tuple(f"mart.{name}" for name in pipeline.MARTS)


def mart_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the asset that builds the marts."""
    del settings
    deps = (*raw.TABLES, *journeys.FILES, *credit.TABLES)
    specs = [
        table_spec(table, table.replace("mart.", "marts/"), group="marts", deps=deps)
        for table in TABLES
    ]

    @dg.multi_asset(name="build_marts", specs=specs, pool=POOL)
    def build(warehouse: Warehouse) -> Iterator[dg.MaterializeResult[Any]]:
        engine = warehouse.engine
        pipeline.build_marts(engine)
        for table in TABLES:
            yield materialized(engine.local, table)

    return [build]
