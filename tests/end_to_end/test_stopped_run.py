"""A run of Dagster's services that is stopped: the command, the run and the daemon's log."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from lydite.dagster.progress import STOPPED
from pipelines.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: A query that takes hours, and its project.
ENDLESS = """
select 'ann' as user_id, timestamp '2026-01-01' as touched_at, 'tv' as channel
from range(1000000) as a, range(1000000) as b
where a.range * b.range = -1
"""
SETTINGS = """
[sources]
touchpoints = "endless.sql"
conversions = "conversions.csv"
"""
SECONDS = 240


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of services and commands: a project, and an instance."""
    (tmp_path / "endless.sql").write_text(ENDLESS)
    (tmp_path / "conversions.csv").write_text("user_id,converted_at\nann,2026-01-02\n")
    (tmp_path / "lydite.toml").write_text(SETTINGS)
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(ROOT / "dagster.yaml", home)
    settings = str(tmp_path / "lydite.toml")
    return {**os.environ, "DAGSTER_HOME": str(home), "LYDITE_CONFIG": settings}


@pytest.fixture
def daemon_log(tmp_path: Path, environment: dict[str, str]) -> Iterator[Path]:
    """Start Dagster's daemon, and yield its log once it runs the project."""
    log, note = tmp_path / "daemon.log", tmp_path / "home/headless/services"
    command = [sys.executable, "-m", "dagster._daemon", "run", "-w", str(ROOT / "workspace.yaml")]
    with log.open("w") as file:
        daemon = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=file, stderr=file, start_new_session=True
        )
    try:
        wait_for(note.exists)
        yield log
    finally:
        daemon.send_signal(signal.SIGINT)
        try:
            daemon.wait(60)
        finally:
            if daemon.poll() is None:
                os.killpg(daemon.pid, signal.SIGKILL)


def wait_for(is_reached: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not is_reached():
        assert time.monotonic() < end
        time.sleep(0.2)


@pytest.mark.slow
def test_a_run_in_the_queue_that_is_stopped_ends_with_one_line(environment, daemon_log):
    """The signal comes during a query, which must not go on."""
    printed = []
    with subprocess.Popen(
        [sys.executable, "-m", "pipelines.refresh"],
        cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True,
    ) as command:  # fmt: skip
        for line in command.stderr:
            printed.append(line)
            if line == "  load touchpoints\n":
                time.sleep(0.5)
                command.send_signal(signal.SIGTERM)
    assert command.returncode == 143
    assert printed[-1] == f"{STOPPED}\n"
    assert all(line.startswith("  load ") for line in printed[:-1])
    with dg.DagsterInstance.from_config(environment["DAGSTER_HOME"]) as instance:
        wait_for(lambda: instance.get_runs()[0].is_finished)
        assert instance.get_runs()[0].status is dg.DagsterRunStatus.CANCELED
    # The daemon and the code location log in their own format, the run itself prints lines.
    logged = daemon_log.read_text()
    assert logged.count(STOPPED) == 1
    assert "Traceback" not in logged
