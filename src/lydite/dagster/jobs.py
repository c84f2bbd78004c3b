"""The job that materialises everything, and its schedule."""

from collections.abc import Sequence

import dagster as dg

from lydite.dagster.specs import SpecFactory


class Schedule(dg.Resolvable, dg.Model):
    """When the job runs: a cron expression and its time zone."""

    cron: str
    timezone: str = "UTC"


def promote_definitions(specs: SpecFactory, asset: dg.AssetsDefinition) -> dg.Definitions:
    """Return the job ``promote``, which runs by hand only, with its config."""
    job = dg.define_asset_job(
        specs.name("promote_model"),
        selection=dg.AssetSelection.assets(asset),
        description="Decide which model is in use. Runs by hand only, with config.",
        executor_def=dg.in_process_executor,
    )
    return dg.Definitions(assets=[asset], jobs=[job])


def refresh_definitions(
    specs: SpecFactory, assets: Sequence[dg.AssetsDefinition], schedule: Schedule | None
) -> dg.Definitions:
    """Return the job ``refresh``, which materialises and checks all assets, and its schedule.

    The job runs in one process: DuckDB allows one process that writes, and most steps are too
    short to start a process for each.
    """
    name = specs.name("refresh")
    job = dg.define_asset_job(
        name,
        selection=dg.AssetSelection.assets(*assets),
        description="Load the inputs, compare the models, attribute conversions, publish.",
        executor_def=dg.in_process_executor,
    )
    schedules = [_schedule(name, schedule)] if schedule else []
    return dg.Definitions(jobs=[job], schedules=schedules)


def _schedule(job: str, schedule: Schedule) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        job_name=job,
        cron_schedule=schedule.cron,
        execution_timezone=schedule.timezone,
        # Nothing starts by itself on a new machine: switch it on where it is deployed.
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )
