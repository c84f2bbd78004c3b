"""The input tables: read from their sources, typed, and cleaned of rows that cannot be used."""

import dagster as dg

from lydite import contract, trial
from lydite.config import Settings
from pipelines.metadata import OWNERS, POOL, about
from pipelines.resources import Warehouse


def raw_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return one asset per input table; a table without a source is empty."""
    sources = settings.sources.present()
    return [_raw(table, sources.get(name)) for name, table in contract.TABLES.items()]


def _raw(table: contract.Table, source: str | None) -> dg.AssetsDefinition:
    @dg.asset(
        name=table.name,
        key_prefix="raw",
        group_name="raw",
        owners=OWNERS,
        kinds={"duckdb", "sql"},
        pool=POOL,
        description=f"The input table `{table.name}`, typed and checked; bad rows are in"
        f" `quarantine.{table.name}` with their reason.",
        metadata={"source": source or "none"},
    )
    def raw(warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        with warehouse.open() as engine:
            report = contract.load_table(engine, table.name, source)
            trial.write_report(engine, [report])
            return dg.MaterializeResult(
                metadata={
                    **about(engine, f"contract.{table.name}", f"contract/{table.name}"),
                    "set_aside": dg.MetadataValue.json(report.bad),
                }
            )

    return raw
