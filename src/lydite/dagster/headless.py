"""Runs of a command without Dagster's services: they take part in the queue of an instance.

Such a run is in progress in the instance, so that queued runs wait for it. If its process is
killed, nothing in Dagster ends it: the next one of these runs does so, or the sensor
`end_killed_runs`. The sensor also notes that services run a project, so that the command can
leave its run to them.
"""

import contextlib
import time
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
#: The daemon is gone when the sensor has not run for so long.
_ALIVE_SECONDS = 4 * _SECONDS


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


def killed_runs_sensor(project: str) -> dg.SensorDefinition:
    """Return the sensor that ends the runs of processes that were killed.

    Parameters
    ----------
    project
        Name of the project that the code location runs, such as the path of its settings.
    """

    @dg.sensor(
        name="end_killed_runs",
        minimum_interval_seconds=_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Ends runs of the command whose process was killed: queued runs wait for them.",
    )
    def end_killed(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        note = _services_path(context.instance)
        note.parent.mkdir(exist_ok=True)
        note.write_text(project, encoding="utf-8")
        return dg.SkipReason(f"{len(end_killed_runs(context.instance))} runs were ended")

    return end_killed


def have_services(instance: dg.DagsterInstance, project: str) -> bool:
    """Return whether a daemon with the code location of a project is alive on the instance."""
    note = _services_path(instance)
    return (
        note.exists()
        and time.time() - note.stat().st_mtime < _ALIVE_SECONDS
        and note.read_text(encoding="utf-8") == project
    )


def _services_path(instance: dg.DagsterInstance) -> Path:
    return Path(instance.root_directory) / "headless" / "services"


def _lock_path(instance: dg.DagsterInstance, name: str) -> Path:
    return Path(instance.root_directory) / "headless" / f"{name}.lock"
