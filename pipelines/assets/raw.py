"""The input tables: each loaded from its source, its bad rows set aside and counted."""

from typing import Any

import dagster as dg

from lydite import contract, trial
from lydite.config import Settings
from pipelines.metadata import materialized
from pipelines.resources import Warehouse
from pipelines.specs import POOL, table_spec

TABLES = tuple(f"contract.{name}" for name in contract.TABLES)


def raw_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return one asset per table of the contract; one without a source is empty."""
    sources = settings.sources.present()
    return [_raw_asset(table, sources.get(table.name)) for table in contract.TABLES.values()]


def _raw_asset(table: contract.Table, source: str | None) -> dg.AssetsDefinition:
    name = f"contract.{table.name}"
    spec = table_spec(name, table.sql, group="raw")

    @dg.multi_asset(name=f"load_{table.name}", specs=[spec], pool=POOL)
    def load(warehouse: Warehouse) -> dg.MaterializeResult[Any]:
        engine = warehouse.engine
        report = contract.load_table(engine, table.name, source)
        trial.write_report(engine, [report])
        more = {
            "source": source or "(none)",
            "set_aside": sum(report.bad.values()),
            "set_aside_share": report.bad_share,
            "reasons": report.bad,
        }
        return materialized(engine, name, table.sql, more)

    return load
