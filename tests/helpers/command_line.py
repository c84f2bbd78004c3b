"""Runs the command line as a user does, but in this process: starting one takes seconds."""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from lydite.cli import main


def lydite(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``lydite`` with the arguments and return its output and exit code."""
    command = ["lydite", *map(str, arguments)]
    output, errors = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", command),
        mock.patch.dict(os.environ, {"COLUMNS": "120", "NO_COLOR": "1"}),
        _folder(cwd),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        code = _exit_code()
    return subprocess.CompletedProcess(command, code, output.getvalue(), errors.getvalue())


def _exit_code() -> int:
    """Run the command; an error that it does not explain fails the test."""
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


@contextlib.contextmanager
def _folder(folder: Path | None) -> Iterator[None]:
    with contextlib.chdir(folder) if folder else contextlib.nullcontext():
        yield
