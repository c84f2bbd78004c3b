"""Credit: every conversion divided by every model, with an interval on every figure."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from lydite import pipeline
from lydite.models import models_from_settings
from lydite.settings import Settings
from pipelines.assets import journeys
from pipelines.assets.models import LANDMARKS
from pipelines.metadata import materialized
from pipelines.resources import Warehouse
from pipelines.specs import POOL, table_spec

_BY_TOUCH = "credit.touch_credit"  # where all rows are; the others are sums
_ABOUT = {
    _BY_TOUCH: "A row per touch on the path of a conversion, a column per model.",
    "credit.statistics": "Credit summed by outcome, bucket, channel and model.",
    "credit.daily": "Credit summed by outcome, day, channel, campaign and model.",
    "credit.intervals": "Intervals of credit, 95 %: users drawn again, models fitted again.",
    "credit.removal_effects": "What each channel adds, according to the Markov models.",
}
TABLES = tuple(_ABOUT)


def credit_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the asset that fits the models on all that is mature and divides conversions."""
    deps = (*journeys.FILES, journeys.OUTCOMES, LANDMARKS)
    kinds = ("duckdb", "python")
    specs = [
        table_spec(table, about, group="credit", kinds=kinds, deps=deps)
        for table, about in _ABOUT.items()
    ]

    @dg.multi_asset(name="attribute_conversions", specs=specs, pool=POOL)
    def divide(warehouse: Warehouse) -> Iterator[dg.MaterializeResult[Any]]:
        engine = warehouse.engine
        models = pipeline.usable_models(
            engine, models_from_settings(settings), required=settings.chooses_models
        )
        pipeline.attribute_conversions(engine, models, settings.evaluation.seed)
        for table in TABLES:
            yield materialized(engine if table == _BY_TOUCH else engine.local, table)

    return [divide]
