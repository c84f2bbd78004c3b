"""Runs of the command that Dagster's services execute: submitted to the queue, and followed."""

import contextlib
import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from lydite.dagster.headless import have_services
from lydite.dagster.progress import PROGRESS_CONFIG, step_title
from lydite.errors import UnavailableError
from pipelines.project import ROOT, settings_file

_SECONDS = 1.0
#: The command ends with the exit code of its run: no other run is started for it.
_TAGS = {"dagster/max_retries": "0"}
_WAITING = (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.QUEUED)
_STOPPED_SERVICES = (
    "Dagster's daemon was stopped while the run waited in the queue. It was removed from the queue:"
    " start the daemon, or run the command again after four minutes, to run without it"
)


def submit(job: str, run_config: Mapping[str, Any]) -> str:
    """Submit a run of a job to the queue, and return its id.

    Raises
    ------
    UnavailableError
        When the code location cannot be reached.
    """
    run_id = str(uuid.uuid4())
    command = [sys.executable, "-m", "dagster", "job", "launch", "--run-id", run_id, "--job", job,
               "--workspace", str(ROOT / "workspace.yaml"), "--tags", json.dumps(_TAGS),
               "--config-json", json.dumps({**PROGRESS_CONFIG, **run_config})]  # fmt: skip
    done = subprocess.run(  # noqa: S603
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        why = done.stderr.strip().splitlines() or ["no message"]
        raise UnavailableError(f"the run cannot be submitted to Dagster's queue: {why[-1]}")
    return run_id


@contextlib.contextmanager
def noted_signals() -> Iterator[Sequence[int]]:
    """Yield a list to which signals to stop are added; nothing is raised.

    An error that a handler raises is lost where Python ignores errors, as when it frees memory.
    """
    noted: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: noted.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def follow(
    instance: dg.DagsterInstance, run_id: str, signals: Sequence[int] = ()
) -> tuple[bool, list[dg.DagsterEvent]]:
    """Print the steps of a run until it ends; return whether it has succeeded, and its events.

    Parameters
    ----------
    instance
        Has the run.
    run_id
        Id of the run.
    signals
        Of `noted_signals`: after one, the run is stopped.

    Raises
    ------
    UnavailableError
        When the daemon is stopped before the run has begun.
    KeyboardInterrupt
        When the run was stopped.
    """
    events = list(_events(instance, run_id, signals))
    if signals:
        instance.run_coordinator.cancel_run(run_id)
        raise KeyboardInterrupt
    run = instance.get_run_by_id(run_id)
    if run is None or run.status is dg.DagsterRunStatus.CANCELED:
        raise KeyboardInterrupt
    return run.is_success, events


def _events(
    instance: dg.DagsterInstance, run_id: str, signals: Sequence[int]
) -> Iterator[dg.DagsterEvent]:
    """Yield the events of a run as they come, and print steps; stop after a signal."""
    cursor = None
    while not signals:
        run = instance.get_run_by_id(run_id)
        found = instance.get_records_for_run(run_id, cursor)
        cursor = found.cursor
        for record in found.records:
            event = record.event_log_entry.dagster_event
            if event is None:
                continue
            title = step_title(event.step_key or "")
            if title and event.event_type is dg.DagsterEventType.STEP_START:
                sys.stderr.write(f"  {title}\n")
            yield event
        if run is None or (run.is_finished and not found.records):
            return
        if run.status in _WAITING and not have_services(instance, settings_file()):
            instance.run_coordinator.cancel_run(run_id)
            raise UnavailableError(_STOPPED_SERVICES)
        if not found.has_more:
            time.sleep(_SECONDS)
