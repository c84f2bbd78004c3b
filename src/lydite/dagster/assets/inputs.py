"""Assets of the group ``inputs``: the input tables, loaded and cleaned."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from lydite import inputs, pipeline
from lydite.dagster.metadata import Metadata, Result, materialized
from lydite.dagster.specs import SpecFactory
from lydite.environment import mask
from lydite.inputs.days import rows_by_day
from lydite.settings import DatabaseSource, Settings
from lydite.timezones import UTC

TABLES = tuple(f"inputs.{name}" for name in inputs.TABLES)
_ROWS = "dagster/partition_row_count"
_ABOUT_SOURCE = "Where the input table {table} is read from: {source}."


def source_specs(
    settings: Settings, specs: SpecFactory, upstream: Mapping[str, Sequence[dg.AssetKey]]
) -> list[dg.AssetSpec]:
    """Return the sources of input tables that no other asset makes, as external assets."""
    return [
        dg.AssetSpec(
            specs.source(name),
            description=_ABOUT_SOURCE.format(table=name, source=source),
            group_name="sources",
            owners=specs.owners,
            tags=specs.tags,
            kinds={_kind_of(source)},
            metadata=_about_source(source),
        )
        for name, source in settings.sources.present().items()
        if not upstream.get(name)
    ]


def _kind_of(source: str | DatabaseSource) -> str:
    if isinstance(source, DatabaseSource):
        return "postgres" if source.is_postgres else "duckdb"
    return next((kind for kind in ("parquet", "csv", "json") if f".{kind}" in source), "sql")


def _about_source(source: str | DatabaseSource) -> Metadata:
    if isinstance(source, DatabaseSource):
        return {"select": source.select, "database": mask(source.database)}
    return {"path": mask(source)}


def input_assets(
    settings: Settings,
    specs: SpecFactory,
    upstream: Mapping[str, Sequence[dg.AssetKey]],
) -> list[dg.AssetsDefinition]:
    """Return one step ``load_<table>`` per input table; a table without a source is empty.

    Tables whose rows have a time have a partition for every local day.
    """
    sources = settings.sources.present()
    return [
        _load_step(
            table,
            settings,
            specs,
            upstream.get(table.name) or [specs.source(table.name)] * (table.name in sources),
        )
        for table in inputs.TABLES.values()
    ]


def days_of(settings: Settings) -> dg.DailyPartitionsDefinition | None:
    """Return the local days up to yesterday as partitions; None on Spark, which loads all rows."""
    if settings.engine.name == "spark":
        return None
    timezone = settings.timezone or UTC
    last_year = datetime.now(ZoneInfo(timezone)).year - 1
    first = settings.schedule.first_day or date(last_year, 1, 1)
    return dg.DailyPartitionsDefinition(first.isoformat(), timezone=timezone)


def _load_step(
    table: inputs.Table, settings: Settings, specs: SpecFactory, upstream: Sequence[dg.AssetKey]
) -> dg.AssetsDefinition:
    name, source = f"inputs.{table.name}", settings.sources.present().get(table.name)
    partitions = days_of(settings) if table.has_time else None
    spec = specs.table(
        name,
        table.sql,
        group="inputs",
        deps=upstream,
        ages=source is not None,
        partitions=partitions,
    )

    @specs.step(f"load_{table.name}", [spec])
    def load(context: dg.AssetExecutionContext) -> Result:
        engine = specs.engine(context)
        days = None if partitions is None else _days_of_run(context)
        before = rows_by_day(engine, table.name)
        report = pipeline.load_alone(engine, table.name, source, settings, days)
        if partitions is not None:
            after = rows_by_day(engine, table.name)
            if days is None:
                _report_days(context, spec.key, partitions, before, after)
            else:
                _describe_days(context, spec.key, days, after)
        if report.files:
            context.log.info(f"{name}: read {report.files}")
        more: Metadata = {
            "source": str(source or "(none)"),
            "set_aside": sum(report.bad.values()),
            "set_aside_share": report.bad_share,
            "reasons": report.bad,
            **({"files": report.files} if report.files else {}),
        }
        return materialized(spec.key, engine, name, table.sql, more)

    return load


def _days_of_run(context: dg.AssetExecutionContext) -> tuple[date, date] | None:
    """Return the first and the last day that a run is about; None for all rows."""
    if not context.has_partition_key and not context.has_partition_key_range:
        return None
    days = context.partition_key_range
    return date.fromisoformat(days.start), date.fromisoformat(days.end)


def _describe_days(
    context: dg.AssetExecutionContext,
    key: dg.AssetKey,
    days: tuple[date, date],
    rows: Mapping[date, int],
) -> None:
    """Add the rows of each day to its partition."""
    for n in range((days[1] - days[0]).days + 1):
        day = days[0] + timedelta(days=n)
        context.add_asset_metadata({_ROWS: rows.get(day, 0)}, key, day.isoformat())


def _report_days(
    context: dg.AssetExecutionContext,
    key: dg.AssetKey,
    partitions: dg.DailyPartitionsDefinition,
    before: Mapping[date, int],
    after: Mapping[date, int],
) -> None:
    """Report the partitions that a load of all rows has changed, or that were never reported."""
    known = context.instance.get_materialized_partitions(key)
    for day in partitions.get_partition_keys():
        rows = after.get(date.fromisoformat(day), 0)
        if rows != before.get(date.fromisoformat(day), 0) or (rows and day not in known):
            context.log_event(dg.AssetMaterialization(key, partition=day, metadata={_ROWS: rows}))
