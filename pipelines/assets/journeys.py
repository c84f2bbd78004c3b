"""Journeys: touches, moments and conversions, and the outcomes with their calendars."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from lydite import trial
from lydite.config import Settings
from pipelines.assets import raw
from pipelines.metadata import materialized
from pipelines.resources import Warehouse
from pipelines.specs import POOL, table_spec

FILES = {
    f"journeys.{name}": f"journeys/{name}"
    for name in ("users", "channels", "touches", "moments", "conversions")
}
OUTCOMES = "evaluation.outcomes"
_ABOUT_OUTCOMES = "The outcomes to judge: lookback, how far the data reaches, periods to forecast."


def journey_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the asset that lays out journeys."""
    specs = [
        *(table_spec(table, file, group="journeys", deps=raw.TABLES)
          for table, file in FILES.items()),
        table_spec(OUTCOMES, _ABOUT_OUTCOMES, group="journeys", deps=raw.TABLES),
    ]  # fmt: skip

    @dg.multi_asset(name="lay_out_journeys", specs=specs, pool=POOL)
    def lay_out(warehouse: Warehouse) -> Iterator[dg.MaterializeResult[Any]]:
        engine = warehouse.engine
        trial.build_journeys(engine, settings)
        for table, file in FILES.items():
            yield materialized(engine, table, file)
        yield materialized(engine.local, OUTCOMES)

    return [lay_out]
