"""The input tables: each loaded from its source, its bad rows set aside and counted."""

from typing import Any

import dagster as dg

from lydite import inputs, pipeline
from lydite.settings import Settings
from pipelines.metadata import materialized
from pipelines.resources import Warehouse
from pipelines.specs import POOL, table_spec

TABLES = tuple(f"inputs.{name}" for name in inputs.TABLES)


def raw_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return one asset per table of the contract; one without a source is empty."""
    sources = settings.sources.present()
    return [_raw_asset(table, sources.get(table.name)) for table in inputs.TABLES.values()]


def _raw_asset(table: inputs.Table, source: str | None) -> dg.AssetsDefinition:
    name = f"inputs.{table.name}"
    spec = table_spec(name, table.sql, group="raw")

    @dg.multi_asset(name=f"load_{table.name}", specs=[spec], pool=POOL)
    def load(warehouse: Warehouse) -> dg.MaterializeResult[Any]:
        engine = warehouse.engine
        report = inputs.load_table(engine, table.name, source)
        pipeline.write_report(engine, [report])
        more = {
            "source": source or "(none)",
            "set_aside": sum(report.bad.values()),
            "set_aside_share": report.bad_share,
            "reasons": report.bad,
        }
        return materialized(engine, name, table.sql, more)

    return load
