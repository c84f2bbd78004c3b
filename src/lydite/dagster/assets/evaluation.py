"""Assets of the group ``evaluation``: the comparison of all models, with a verdict for each."""

from collections.abc import Iterator

import dagster as dg

from lydite import pipeline
from lydite.dagster.assets import models
from lydite.dagster.metadata import Metadata, Result, markdown, mart_file, materialized
from lydite.dagster.specs import SpecFactory
from lydite.engine import DuckDBEngine
from lydite.evaluation import comparison
from lydite.reporting.display_names import model_label
from lydite.reporting.formats import verdict_label
from lydite.settings import Settings

COMPARISON = "mart.model_comparison"
TABLES = tuple(f"mart.{name}" for name in comparison.TABLES)
_OTHER = "Results of a whole comparison with each of the other lookbacks."
_SHOWN = f"""
select outcome, rank, model, verdict, explained, explained_low, explained_high, log_loss_bits,
    auc, refuted_by, same_forecast_as
from {COMPARISON}
where segment = 'all'
order by outcome, rank nulls last, model
"""


def evaluation_assets(settings: Settings, specs: SpecFactory) -> list[dg.AssetsDefinition]:
    """Return the step ``compare_models`` and, with other lookbacks, ``compare_lookbacks``."""
    tables = [
        specs.table(
            table,
            mart_file(table),
            group="evaluation",
            kinds=("duckdb", "python"),
        )
        for table in TABLES
    ]

    @specs.step("compare_models", tables)
    def compare_models(context: dg.AssetExecutionContext) -> Iterator[Result]:
        engine = specs.engine(context)
        usable = models.usable_models(engine, settings)
        pipeline.compare_models(engine, usable, settings.evaluation)
        if not other_lookbacks(settings):
            pipeline.compare_lookbacks(engine, usable, settings)  # drops those of earlier settings
        for table in TABLES:
            more = _shown(engine.local, table)
            yield materialized(specs.key(table), engine.local, table, mart_file(table), more)

    if not other_lookbacks(settings):
        return [compare_models]

    @specs.step(
        "compare_lookbacks",
        [
            specs.table(table, _OTHER, group="evaluation", kinds=("duckdb", "python"))
            for table in other_lookbacks(settings)
        ],
    )
    def compare_lookbacks(context: dg.AssetExecutionContext) -> Iterator[Result]:
        engine = specs.engine(context)
        usable = models.usable_models(engine, settings)
        pipeline.compare_lookbacks(engine, usable, settings, context.log.info)
        for table in other_lookbacks(settings):
            yield materialized(specs.key(table), engine.local, table)

    return [compare_models, compare_lookbacks]


def other_lookbacks(settings: Settings) -> tuple[str, ...]:
    """Return the tables with the results of other lookbacks, if the settings have any."""
    others = settings.evaluation.other_lookbacks
    return tuple(map(pipeline.other_rows, pipeline.LOOKBACK_MARTS)) if others else ()


def _shown(engine: DuckDBEngine, table: str) -> Metadata:
    if table != COMPARISON:
        return {}
    labels = {"model": model_label, "refuted_by": model_label, "verdict": verdict_label,
              "same_forecast_as": _labels}  # fmt: skip
    return {"comparison": markdown(engine, _SHOWN, labels)}


def _labels(models: str) -> str:
    return "; ".join(model_label(name) for name in models.split(", "))
