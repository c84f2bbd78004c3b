"""Runs of a command without Dagster's services: they take part in the queue of an instance.

Such a run is in progress in the instance, so that queued runs wait for it. If its process is
killed, nothing in Dagster ends it: the next one of these runs does so, or the sensor
`end_killed_runs`.
"""

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout

#: The tag of these runs, the name of their lock; and that of those whose process was killed.
HEADLESS, KILLED = "lydite/headless", "lydite/killed"
#: The command is started again from outside, not by Dagster.
_NOT_RETRIED = {"dagster/max_retries": "0"}
_IN_PROGRESS = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_SECONDS = 60


@contextlib.contextmanager
def headless_run(instance: dg.DagsterInstance) -> Iterator[dict[str, str]]:
    """Yield the tags of a run in this process, which holds a lock as long as it lives."""
    end_killed_runs(instance)
    name = str(uuid.uuid4())
    path = _lock_path(instance, name)
    path.parent.mkdir(exist_ok=True)
    with FileLock(path):
        yield {HEADLESS: name, **_NOT_RETRIED}
    path.unlink(missing_ok=True)


def end_killed_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs as failed whose process was killed; return their ids."""
    ended = []
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=_IN_PROGRESS)):
        if HEADLESS not in run.tags:
            continue
        path = _lock_path(instance, run.tags[HEADLESS])
        with contextlib.suppress(Timeout), FileLock(path).acquire(blocking=False):
            instance.add_run_tags(run.run_id, {KILLED: "true"})
            instance.report_run_failed(run, "The process of the run was killed. Run it again.")
            ended.append(run.run_id)
            path.unlink(missing_ok=True)
    return ended


@dg.sensor(
    name="end_killed_runs",
    minimum_interval_seconds=_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends runs of the command whose process was killed: queued runs wait for them.",
)
def killed_runs_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """End the runs of processes that were killed."""
    return dg.SkipReason(f"{len(end_killed_runs(context.instance))} runs were ended")


def _lock_path(instance: dg.DagsterInstance, name: str) -> Path:
    return Path(instance.root_directory) / "headless" / f"{name}.lock"
