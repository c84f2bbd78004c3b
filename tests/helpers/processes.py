"""Other processes that have a file open."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def held_by_another_process(path: Path) -> Iterator[None]:
    """Hold the write lock of the file at `path` in a separate process."""
    hold = (
        "import sys; from lydite.engine import DuckDBEngine;"
        " engine = DuckDBEngine(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield
