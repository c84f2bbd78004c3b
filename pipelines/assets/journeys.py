"""JourneySummary: touches, path_events and conversions, and the outcomes with their calendars."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from lydite import pipeline
from lydite.journeys import find_outcomes
from lydite.settings import Settings
from pipelines.assets import raw
from pipelines.metadata import materialized
from pipelines.resources import Warehouse
from pipelines.specs import POOL, table_spec

FILES = {
    f"journeys.{name}": f"journeys/{name}"
    for name in ("users", "channels", "touches", "path_events", "conversions")
}
OUTCOMES = "evaluation.outcomes"
BUILD_JOURNEYS = "build_journeys"
_ABOUT_OUTCOMES = "The outcomes to judge: lookback, how far the data reaches, periods to forecast."


class Extent(dg.Config):
    """Whose journeys are laid out: those of users who have changed, or of all."""

    full: bool = Field(default=False, description="lay out all users, changed or not")


def journey_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the asset that lays out journeys."""
    specs = [
        *(table_spec(table, file, group="journeys", deps=raw.TABLES)
          for table, file in FILES.items()),
        table_spec(OUTCOMES, _ABOUT_OUTCOMES, group="journeys", deps=raw.TABLES),
    ]  # fmt: skip

    @dg.multi_asset(name=BUILD_JOURNEYS, specs=specs, pool=POOL)
    def build_journeys(config: Extent, warehouse: Warehouse) -> Iterator[dg.MaterializeResult[Any]]:
        engine = warehouse.engine
        laid_out = pipeline.build_journeys(
            engine,
            settings.lookbacks(find_outcomes(engine)),
            settings.evaluation.period,
            full=config.full,
        )
        more = {"laid_out": str(laid_out), "recomputed_users": laid_out.rebuilt}
        for table, file in FILES.items():
            yield materialized(engine, table, file, more)
        yield materialized(engine.local, OUTCOMES)

    return [build_journeys]
