"""Assets of the group ``inputs``: the input tables, loaded and cleaned."""

from collections.abc import Collection, Mapping, Sequence

import dagster as dg

from lydite import inputs, pipeline
from lydite.dagster.metadata import Metadata, Result, materialized
from lydite.dagster.specs import SpecFactory
from lydite.environment import mask
from lydite.settings import (
    ChannelSettings,
    CurrencySettings,
    DatabaseSource,
    DeclaredEnds,
    QualitySettings,
    Settings,
)

TABLES = tuple(f"inputs.{name}" for name in inputs.TABLES)
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
    """Return one step ``load_<table>`` per input table; a table without a source is empty."""
    sources = settings.sources.present()
    return [
        _load_step(
            table,
            sources.get(table.name),
            settings.declared_ends(),
            settings.channels,
            specs,
            upstream.get(table.name) or [specs.source(table.name)] * (table.name in sources),
            quality=settings.quality,
            timezone=settings.timezone,
            first_only=settings.first_only(),
            currency=settings.currency,
        )
        for table in inputs.TABLES.values()
    ]


def _load_step(
    table: inputs.Table,
    source: str | DatabaseSource | None,
    ends: DeclaredEnds,
    names: ChannelSettings,
    specs: SpecFactory,
    upstream: Sequence[dg.AssetKey],
    *,
    quality: QualitySettings,
    timezone: str | None,
    first_only: Collection[str],
    currency: CurrencySettings | None,
) -> dg.AssetsDefinition:
    name = f"inputs.{table.name}"
    spec = specs.table(name, table.sql, group="inputs", deps=upstream, ages=source is not None)

    @specs.step(f"load_{table.name}", [spec])
    def load(context: dg.AssetExecutionContext) -> Result:
        engine = specs.engine(context)
        report = inputs.load_table(
            engine,
            table.name,
            source,
            ends=ends,
            names=names,
            keep_duplicates=quality.keep_duplicates,
            rules=quality.rules,
            timezone=timezone,
            first_only=first_only,
            currency=currency,
        )
        pipeline.write_report(engine, [report])
        more: Metadata = {
            "source": str(source or "(none)"),
            "set_aside": sum(report.bad.values()),
            "set_aside_share": report.bad_share,
            "reasons": report.bad,
            **({"files": report.files} if report.files else {}),
        }
        return materialized(spec.key, engine, name, table.sql, more)

    return load
