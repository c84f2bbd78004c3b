"""The command that refreshes a project."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Refresh = Callable[[Path], subprocess.CompletedProcess[str]]


@pytest.fixture
def refresh(monkeypatch, capfd) -> Iterator[Refresh]:
    """Yield a function that runs the command on the project in a folder; it returns the output.

    It runs in this process: to start one takes longer than a run.
    """
    from pipelines import refresh as command  # noqa: PLC0415  # Dagster is optional

    def run(folder: Path) -> subprocess.CompletedProcess[str]:
        monkeypatch.setenv("LYDITE_CONFIG", str(folder / "lydite.toml"))
        monkeypatch.setenv("DAGSTER_HOME", str(folder / "dagster"))
        capfd.readouterr()
        code = command.main([])
        return subprocess.CompletedProcess([], code, *capfd.readouterr())

    handler = signal.getsignal(signal.SIGTERM)
    yield run
    signal.signal(signal.SIGTERM, handler)
