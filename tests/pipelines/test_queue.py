"""Runs that Dagster's services execute: steps are printed, and the end is that of the run."""

import signal

import dagster as dg
import pytest

from lydite.dagster.headless import killed_runs_sensor
from lydite.errors import InputError, UnavailableError
from pipelines import queue, refresh
from pipelines.project import settings_file


@dg.op
def build_marts():
    pass


@dg.op
def load_spend():
    raise InputError("spend: no such file")


@dg.job
def works():
    build_marts()


@dg.job
def fails():
    load_spend()


@pytest.fixture
def instance(tmp_path):
    """Yield an instance with services."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        killed_runs_sensor(settings_file())(dg.build_sensor_context(instance=instance))
        yield instance


def submit(monkeypatch, instance, job):
    """Let the command find a run that a service has executed."""
    monkeypatch.setattr(queue, "_SECONDS", 0.01)
    done = job.execute_in_process(instance=instance, raise_on_error=False)
    monkeypatch.setattr(queue, "submit", lambda *_: done.run_id)


@pytest.mark.parametrize(
    ("job", "code", "printed"),
    [
        (works, 0, "  build marts\n"),
        (fails, 2, "  load spend\nerror: spend: no such file\nNothing was published.\n"),
    ],
)
def test_the_command_ends_as_the_run(monkeypatch, instance, capsys, job, code, printed):
    submit(monkeypatch, instance, job)
    capsys.readouterr()
    assert refresh._run_in_queue(instance, {}) == code
    assert capsys.readouterr().err == printed


@pytest.fixture
def waiting(monkeypatch, instance):
    """Return the id of a run that waits, and a list of the runs that are taken off the queue."""
    removed = []
    monkeypatch.setattr(instance.run_coordinator, "cancel_run", removed.append)
    run = instance.create_run_for_job(works, status=dg.DagsterRunStatus.NOT_STARTED)
    return run.run_id, removed


def test_a_run_does_not_wait_for_a_daemon_that_is_gone(monkeypatch, instance, waiting):
    run_id, removed = waiting
    monkeypatch.setattr(queue, "have_services", lambda *_: False)
    with pytest.raises(UnavailableError, match="daemon was stopped"):
        queue.follow(instance, run_id)
    assert removed == [run_id]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_stopped_stops_its_run(monkeypatch, instance, waiting, number):
    run_id, removed = waiting
    before = signal.getsignal(number)
    monkeypatch.setattr(queue.time, "sleep", lambda _: signal.raise_signal(number))
    with queue.noted_signals() as signals, pytest.raises(KeyboardInterrupt):
        queue.follow(instance, run_id, signals)
    assert removed == [run_id]
    assert signal.getsignal(number) is before


def test_a_command_that_is_stopped_while_it_submits_stops_its_run(monkeypatch, instance, waiting):
    run_id, removed = waiting

    def submit(*_):
        signal.raise_signal(signal.SIGTERM)
        return run_id

    monkeypatch.setattr(queue, "submit", submit)
    with pytest.raises(KeyboardInterrupt):
        refresh._run_in_queue(instance, {})
    assert removed == [run_id]


def test_a_run_is_submitted_with_its_config(monkeypatch):
    found = []

    def launch(command, **_):
        found.append(command)
        return queue.subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(queue.subprocess, "run", launch)
    run_id = queue.submit("refresh", {"ops": {}})
    [command] = found
    assert command[1:7] == ["-m", "dagster", "job", "launch", "--run-id", run_id]
    assert '"ops": {}' in command[-1]
    assert '"lydite_progress"' in command[-1]


def test_a_code_location_that_cannot_be_reached_is_named(monkeypatch):
    def launch(command, **_):
        return queue.subprocess.CompletedProcess(command, 1, "", "...\nconnection refused\n")

    monkeypatch.setattr(queue.subprocess, "run", launch)
    with pytest.raises(UnavailableError, match="connection refused"):
        queue.submit("refresh", {})
