"""The evaluation: all scores compared, and a verdict for every rival."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.evaluation import comparison
from lydite.models import models_from_settings
from lydite.settings import Settings
from pipelines.assets import journeys, models
from pipelines.metadata import markdown, materialized
from pipelines.resources import Warehouse
from pipelines.specs import POOL, table_spec

COMPARISON = "mart.model_comparison"
TABLES = tuple(f"mart.{name}" for name in comparison.TABLES)
_SHOWN = f"""
select outcome, rank, model, verdict, explained, explained_low, explained_high, log_loss_bits,
    auc, refuted_by, same_forecast_as
from {COMPARISON}
where segment = 'all'
order by outcome, rank nulls last, model
"""


def evaluation_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the asset that judges the rivals."""
    deps = (journeys.OUTCOMES, *models.names(settings))
    specs = [
        table_spec(
            table,
            table.replace("mart.", "marts/"),
            group="evaluation",
            kinds=("duckdb", "python"),
            deps=deps,
        )
        for table in TABLES
    ]

    @dg.multi_asset(name="compare_models", specs=specs, pool=POOL)
    def judge(warehouse: Warehouse) -> Iterator[dg.MaterializeResult[Any]]:
        engine = warehouse.engine
        rivals = pipeline.usable_models(
            engine, models_from_settings(settings), required=settings.chooses_models
        )
        pipeline.compare_models(engine, rivals, settings.evaluation)
        for table in TABLES:
            yield materialized(engine.local, table, more=_more(engine.local, table))

    return [judge]


def _more(engine: DuckDBEngine, table: str) -> dict[str, Any]:
    return {"comparison": markdown(engine, _SHOWN)} if table == COMPARISON else {}
