"""The jobs, and their schedules."""

from collections.abc import Sequence

import dagster as dg

from lydite.dagster.progress import PROGRESS_CONFIG
from lydite.dagster.specs import SpecFactory
from lydite.settings import ScheduleSettings

REFRESH, CREDIT, PROMOTE_MODEL = "refresh", "credit", "promote_model"
_ABOUT = {
    REFRESH: "Load the inputs, compare the models, attribute conversions, publish.",
    CREDIT: "Load the inputs, attribute conversions, publish. The comparison of the models stays"
    " that of the last refresh.",
}
#: Steps that only the job `refresh` has.
_EVALUATION = ("backtest_models", "compare_models", "compare_lookbacks")


class Schedule(dg.Resolvable, dg.Model):
    """When the job `refresh` runs: a cron expression and its time zone."""

    cron: str
    timezone: str | None = None


def promote_definitions(specs: SpecFactory, asset: dg.AssetsDefinition) -> dg.Definitions:
    """Return the job ``promote_model``, which runs by hand only, with its config."""
    job = dg.define_asset_job(
        specs.name(PROMOTE_MODEL),
        selection=dg.AssetSelection.assets(asset),
        description="Decide which model is in use. Runs by hand only, with config.",
        executor_def=dg.in_process_executor,
    )
    return dg.Definitions(assets=[asset], jobs=[job])


def job_definitions(
    specs: SpecFactory,
    assets: Sequence[dg.AssetsDefinition],
    schedules: ScheduleSettings,
    timezone: str,
) -> dg.Definitions:
    """Return the jobs ``refresh`` and ``credit`` with their schedules.

    A job runs in one process: DuckDB allows one process that writes, and most steps are too short
    to start a process for each.
    """
    evaluation = {specs.name(name) for name in _EVALUATION}
    chosen = {
        REFRESH: assets,
        CREDIT: [asset for asset in assets if asset.op.name not in evaluation],
    }
    jobs = [
        dg.define_asset_job(
            specs.name(name),
            selection=dg.AssetSelection.assets(*own),
            description=_ABOUT[name],
            executor_def=dg.in_process_executor,
        )
        for name, own in chosen.items()
    ]
    crons = {REFRESH: schedules.refresh, CREDIT: schedules.credit}
    return dg.Definitions(
        jobs=jobs,
        schedules=[
            dg.ScheduleDefinition(
                job_name=specs.name(name),
                cron_schedule=cron,
                execution_timezone=timezone,
                run_config=PROGRESS_CONFIG,
                # Nothing starts by itself on a new machine: switch it on where it is deployed.
                default_status=dg.DefaultScheduleStatus.STOPPED,
            )
            for name, cron in crons.items()
            if cron is not None
        ],
    )
