"""All that Dagster loads: assets, checks, the job and its schedule, from `lydite.toml`."""

import os

import dagster as dg

from lydite.config import Settings, load_settings
from pipelines.assets.journeys import journey_assets
from pipelines.assets.models import model_assets
from pipelines.assets.raw import raw_assets
from pipelines.assets.results import result_assets
from pipelines.checks import checks
from pipelines.resources import Warehouse


def make_definitions(settings: Settings) -> dg.Definitions:
    """Return the code location of one project."""
    refresh = dg.define_asset_job(
        "refresh",
        selection=dg.AssetSelection.all(),
        executor_def=dg.in_process_executor,
        description="The whole trial: from the sources to the published file and the page.",
    )
    weekly = dg.ScheduleDefinition(
        name="weekly",
        job=refresh,
        cron_schedule="0 5 * * 1",
        execution_timezone="UTC",
        # A fresh clone schedules nothing by itself: switch it on in the UI.
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )
    return dg.Definitions(
        assets=[
            *raw_assets(settings),
            *journey_assets(settings),
            *model_assets(settings),
            *result_assets(settings),
        ],
        asset_checks=checks(settings),
        jobs=[refresh],
        schedules=[weekly],
        resources={
            "warehouse": Warehouse(
                path=str(settings.storage.warehouse),
                threads=settings.engine.threads,
                memory_limit=settings.engine.memory_limit,
            )
        },
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return the code location of the project in the working directory."""
    return make_definitions(load_settings(os.environ.get("LYDITE_CONFIG", "lydite.toml")))
