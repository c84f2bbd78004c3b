"""Runs of a command take part in the queue, and those that were killed do not block it."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from filelock import FileLock

from lydite.dagster.headless import (
    HEADLESS,
    KILLED,
    end_killed_runs,
    have_services,
    headless_run,
    killed_runs_sensor,
)


@pytest.fixture
def instance(tmp_path):
    """Yield an instance with a folder."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


@pytest.fixture
def started(instance):
    """Return a function that adds a run in progress with tags."""

    @dg.job
    def refresh():
        pass

    def start(tags: dict[str, str]) -> str:
        run = instance.create_run_for_job(refresh, tags=tags, status=dg.DagsterRunStatus.STARTED)
        return run.run_id

    return start


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    return instance.get_run_by_id(run_id).status


def test_a_run_whose_process_lives_and_one_of_a_service_go_on(instance, started):
    with headless_run(instance) as tags:
        ours, theirs = started(tags), started({})
        # Another process: a lock can be taken again by its own.
        code = (
            "import sys, dagster as dg; from lydite.dagster.headless import end_killed_runs;"
            "print(end_killed_runs(dg.DagsterInstance.local_temp(sys.argv[1])))"
        )
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code, instance.root_directory],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.strip() == "[]"
        assert status(instance, ours) == dg.DagsterRunStatus.STARTED
    assert status(instance, theirs) == dg.DagsterRunStatus.STARTED
    assert not list(Path(instance.root_directory, "headless").iterdir())


def test_a_run_whose_process_was_killed_is_ended(instance, started):
    killed = started({HEADLESS: "gone"})
    Path(instance.root_directory, "headless").mkdir()
    assert end_killed_runs(instance) == [killed]
    assert status(instance, killed) == dg.DagsterRunStatus.FAILURE
    assert KILLED in instance.get_run_by_id(killed).tags
    assert end_killed_runs(instance) == []


def test_the_sensor_ends_them_and_is_on(instance, started):
    killed, sensor = started({HEADLESS: "gone"}), killed_runs_sensor("shop.toml")
    context = dg.build_sensor_context(instance=instance)
    assert sensor(context).skip_message == "1 runs were ended"
    assert status(instance, killed) == dg.DagsterRunStatus.FAILURE
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING


def test_the_sensor_notes_that_services_run_the_project(instance):
    assert not have_services(instance, "shop.toml")
    killed_runs_sensor("shop.toml")(dg.build_sensor_context(instance=instance))
    assert have_services(instance, "shop.toml")
    assert not have_services(instance, "staging.toml")
    note = Path(instance.root_directory, "headless", "services")
    os.utime(note, (note.stat().st_mtime - 600,) * 2)
    assert not have_services(instance, "shop.toml")


def test_the_lock_is_free_after_a_run(instance):
    with headless_run(instance) as tags:
        pass
    with FileLock(Path(instance.root_directory, "headless", f"{tags[HEADLESS]}.lock")):
        pass
