"""Assets of the group ``marts``: the tables that analysts query, built by plain SQL."""

from collections.abc import Iterator

import dagster as dg

from lydite import pipeline
from lydite.dagster.assets import attribution, inputs, journeys
from lydite.dagster.metadata import Metadata, Result, materialized
from lydite.dagster.specs import SpecFactory
from lydite.reporting.champion import champion_alert, champion_line
from lydite.results import read_comparison
from lydite.settings import Settings

CHAMPIONS = "mart.champions"
TABLES = tuple(f"mart.{name}" for name in (*pipeline.LOCAL_MARTS, *pipeline.MARTS))


def mart_assets(settings: Settings, specs: SpecFactory) -> list[dg.AssetsDefinition]:
    """Return the step ``build_marts``."""
    deps = (*inputs.TABLES, *journeys.FILES, *attribution.TABLES)
    # Credit shows the range over the models that are not refuted.
    compared = dict.fromkeys(
        ("mart.channel_credit", CHAMPIONS, "mart.hypotheses", "mart.timeline"),
        ("mart.model_comparison", "mart.experiment_verdicts"),
    )
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
        pipeline.record_decisions(engine, settings.storage.decisions)
        pipeline.record_run(engine, settings.evaluation, context.run.run_id)
        pipeline.build_marts(engine, costs=settings.costs(), margins=settings.margins())
        comparison = read_comparison(engine.local)
        outcomes = [row["outcome"] for row in comparison.outcomes]
        alerts = [text for name in outcomes if (text := champion_alert(comparison, name))]
        for alert in alerts:
            context.log.warning(alert)
        in_use: Metadata = {
            "refuted": dg.MetadataValue.json(alerts),
            "in_use": {name: champion_line(comparison, name) for name in outcomes},
        }
        for table in TABLES:
            more = in_use if table == CHAMPIONS else None
            yield materialized(specs.key(table), engine.local, table, more=more)

    return [build_marts]
