"""Sensors: of new data, and of runs that failed."""

from collections.abc import Mapping, Sequence

import dagster as dg

from lydite.dagster.headless import HEADLESS, KILLED
from lydite.dagster.jobs import CREDIT, PROMOTE_MODEL, REFRESH
from lydite.dagster.new_data import advance, local_files, state_of
from lydite.dagster.progress import PROGRESS_CONFIG, error_message
from lydite.dagster.specs import SpecFactory
from lydite.project import Project
from lydite.reporting.notifications import notify_failure

_SECONDS = 60
#: Dagster sets it on runs that crashed, where `run_retries` is enabled.
_WILL_RETRY = "dagster/will_retry"
_NEW_DATA = (
    "Runs the job refresh when files of the sources, or assets that they are read from, have"
    " changed and were the same at two ticks in a row."
)


def new_data_sensor(
    project: Project, specs: SpecFactory, upstream: Mapping[str, Sequence[dg.AssetKey]]
) -> dg.SensorDefinition:
    """Return the sensor ``new_data``; it is off until it is switched on."""
    keys = sorted({key for own in upstream.values() for key in own})

    @dg.sensor(
        name=specs.name("new_data"),
        job_name=specs.name(REFRESH),
        description=_NEW_DATA,
        minimum_interval_seconds=_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
    )
    def new_data(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        files = local_files(project)
        if not files and not keys:
            return dg.SensorResult(skip_reason="no local files and no upstream assets to look at")
        cursor, runs = advance(context.cursor, state_of(context.instance, files, keys))
        if runs:
            return dg.SensorResult(
                run_requests=[dg.RunRequest(run_config=PROGRESS_CONFIG)], cursor=cursor
            )
        waits = cursor != context.cursor
        why = "new data, which may still be arriving" if waits else "no new data"
        return dg.SensorResult(
            skip_reason=f"{why}: {len(files)} files, {len(keys)} upstream assets", cursor=cursor
        )

    return new_data


def failure_sensor(project: Project, specs: SpecFactory) -> dg.SensorDefinition | None:
    """Return the sensor ``report_failure``, which is on; None where no one is to be notified."""
    settings = project.settings.notify
    if settings.webhook is None and settings.email is None:
        return None
    jobs = {specs.name(name) for name in (REFRESH, CREDIT, PROMOTE_MODEL)}

    @dg.run_failure_sensor(
        name=specs.name("report_failure"),
        description="Notifies those in the section [notify] of the settings of runs that failed.",
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def report_failure(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        run = context.dagster_run
        if run.job_name not in jobs:
            return dg.SkipReason("a run of another job")
        if HEADLESS in run.tags and KILLED not in run.tags:
            return dg.SkipReason("its process notifies")
        if run.tags.get(_WILL_RETRY) == "true":
            return dg.SkipReason("it is started again")
        errors = [error_message(event) for event in context.get_step_failure_events()]
        why = "\n".join(dict.fromkeys(errors)) or context.failure_event.message or ""
        for failed in notify_failure(settings, run.job_name, run.run_id, why):
            context.log.warning(failed)
        return None

    return report_failure
