"""Runs the command line in a process, as a user does."""

import os
import subprocess
import sys
from pathlib import Path


def lydite(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``lydite`` with the arguments and return its output and exit code."""
    return subprocess.run(
        [sys.executable, "-c", "from lydite.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"COLUMNS": "120", "NO_COLOR": "1"},
        check=False,
    )
