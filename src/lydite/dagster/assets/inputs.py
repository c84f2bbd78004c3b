"""Assets of the group ``inputs``: the input tables, loaded and cleaned."""

from collections.abc import Collection, Mapping, Sequence

import dagster as dg

from lydite import inputs, pipeline
from lydite.dagster.metadata import Metadata, Result, materialized
from lydite.dagster.specs import SpecFactory
from lydite.settings import (
    ChannelSettings,
    CurrencySettings,
    DatabaseSource,
    DeclaredEnds,
    QualitySettings,
    Settings,
)

TABLES = tuple(f"inputs.{name}" for name in inputs.TABLES)


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
            upstream.get(table.name, ()),
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
    spec = specs.table(name, table.sql, group="inputs", deps=upstream)

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
        }
        return materialized(spec.key, engine, name, table.sql, more)

    return load
