"""Credit: what the models learn for it, and every conversion divided by every model."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from lydite import crediting, trial
from lydite.config import Settings
from lydite.models import make_models
from pipelines.assets import journeys
from pipelines.metadata import materialized
from pipelines.resources import Warehouse
from pipelines.specs import POOL, table_spec

EFFECTS = "credit.effects"
TOUCH_CREDIT = "credit.touch_credit"
STATISTICS = "credit.statistics"
_ABOUT = {
    EFFECTS: "What each channel adds, for the models whose credit needs it: removal effects.",
    TOUCH_CREDIT: "A row per touch on the path of a conversion, a column of credit per model.",
    STATISTICS: "Credit summed by outcome, bucket, day, channel, campaign and model.",
}


def credit_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the assets that fit effects and divide conversions."""
    return [_effects(settings), _division(settings)]


def _effects(settings: Settings) -> dg.AssetsDefinition:
    deps = (*journeys.FILES, journeys.OUTCOMES)
    kinds = ("duckdb", "python")
    spec = table_spec(EFFECTS, _ABOUT[EFFECTS], group="credit", kinds=kinds, deps=deps)

    @dg.multi_asset(name="fit_effects", specs=[spec], pool=POOL)
    def fit(warehouse: Warehouse) -> dg.MaterializeResult[Any]:
        with warehouse.open() as engine:
            trial.fit_credit(engine, make_models(settings.model_names()))
            if not engine.exists(EFFECTS):
                return dg.MaterializeResult(metadata={"dagster/row_count": 0})
            return materialized(engine, EFFECTS)

    return fit


def _division(settings: Settings) -> dg.AssetsDefinition:
    deps = (EFFECTS, *journeys.FILES)
    tables = (TOUCH_CREDIT, STATISTICS)
    specs = [table_spec(table, _ABOUT[table], group="credit", deps=deps) for table in tables]

    @dg.multi_asset(name="divide_conversions", specs=specs, pool=POOL)
    def divide(warehouse: Warehouse) -> Iterator[dg.MaterializeResult[Any]]:
        with warehouse.open() as engine:
            crediting.divide_conversions(engine, make_models(settings.model_names()))
            for table in tables:
                yield materialized(engine, table)

    return divide
