"""A small project whose runs are killed, starved and disturbed."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import pytest

import lydite
from lydite import pipeline
from lydite.engine import DuckDBEngine, open_engine
from lydite.errors import LyditeError, explain_system_error
from lydite.publishing import open_published, publish
from lydite.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """
models = ["last_touch", "linear"]
[sources]
touchpoints = "data/touchpoints.parquet"
conversions = "data/conversions.parquet"
[outcomes.conversion]
lookback = "7d"
"""
#: The steps that a run reports.
STEPS = (
    "reading", "building", "drawing", "conversion: backtesting", "conversion: attributing",
    "comparing", "writing", "publishing",
)  # fmt: skip

#: Forks a process with this module loaded: an import takes longer than a run.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Disturbance:
    """What happens to a run from inside.

    Parameters
    ----------
    largest_file
        The most bytes that it may write into one file.
    table, source, keep
        When it begins to write this table, only so many bytes are left of this file; the file is
        removed if there are none.
    """

    largest_file: int | None = None
    table: str | None = None
    source: Path | None = None
    keep: int = 0

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Disturb what this process does in the block."""
        if self.largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.largest_file, self.largest_file))
        create = DuckDBEngine.create

        def create_later(engine: DuckDBEngine, table: str, *arguments: object) -> None:
            if table == self.table and self.source is not None and self.source.exists():
                content = self.source.read_bytes()[: self.keep]
                self.source.unlink()
                if content:
                    self.source.write_bytes(content)
            create(engine, table, *arguments)  # type: ignore[arg-type]

        with mock.patch.object(DuckDBEngine, "create", create_later):
            yield


class Run:
    """A run in another process: all steps without Dagster, errors explained as by the commands."""

    def __init__(self, folder: Path, disturbance: Disturbance | None = None) -> None:
        self._steps, steps = _PROCESSES.Pipe(duplex=False)
        self._errors = folder / "stderr"
        self.process = _PROCESSES.Process(
            target=_run, args=(folder, disturbance or Disturbance(), steps, self._errors)
        )
        self.process.start()
        steps.close()

    def wait_for(self, step: str = "") -> bool:
        """Wait until a step begins; return whether it has, and the run has not ended before it."""
        return any(line.startswith(step) for line in self._lines())

    def _lines(self) -> Iterator[str]:
        with contextlib.suppress(EOFError):
            while True:
                yield self._steps.recv()

    def end(self) -> subprocess.CompletedProcess[str]:
        """Wait for the end; the output has one line for each of the remaining steps."""
        output = "\n".join(self._lines())
        self.process.join()
        code = self.process.exitcode
        assert code is not None
        return subprocess.CompletedProcess([], code, output, self._errors.read_text())


def _run(folder: Path, disturbance: Disturbance, steps: Connection, errors: Path) -> None:
    with errors.open("w") as file:
        os.dup2(file.fileno(), 2)
    os.chdir(folder)
    with disturbance.applied():
        sys.exit(_exit_code(steps.send))


def _exit_code(say: Callable[[str], object]) -> int:
    settings = load_settings("lydite.toml")
    sources = {name: place for name, place in settings.sources if isinstance(place, str)}
    try:
        with open_engine(settings.engine, settings.storage.warehouse) as engine:
            pipeline.run(engine, sources, settings, say)
            say("publishing")
            publish(engine.local, settings.storage.published)
    except Exception as error:
        known = error if isinstance(error, LyditeError) else explain_system_error(f"{error}")
        if known is None:
            raise
        sys.stderr.write(f"error: {known}\n")
        return known.exit_code
    return 0


@dataclass(frozen=True)
class Project:
    """A project in a folder of its own, with its outputs in `var`."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, users: int = 900) -> Project:
        """Write data and settings."""
        lydite.simulate("linear", users=users, seed=11, weeks=14).write(folder / "data")
        (folder / "lydite.toml").write_text(SETTINGS)
        (folder / "var").mkdir(exist_ok=True)
        return cls(folder)

    @property
    def published(self) -> Path:
        """The published file."""
        return self.folder / "var" / "attribution.duckdb"

    @property
    def warehouse(self) -> Path:
        """The file that runs work in."""
        return self.folder / "var" / "warehouse.duckdb"

    def start(self, disturbance: Disturbance | None = None) -> Run:
        """Start a run."""
        return Run(self.folder, disturbance)

    def run(self, disturbance: Disturbance | None = None) -> subprocess.CompletedProcess[str]:
        """Run to the end."""
        return self.start(disturbance).end()

    def refresh(self) -> subprocess.CompletedProcess[str]:
        """Run the job with Dagster."""
        places = {
            "LYDITE_CONFIG": str(self.folder / "lydite.toml"),
            "DAGSTER_HOME": str(self.folder / "dagster"),
        }
        return subprocess.run(
            [sys.executable, "-m", "pipelines.refresh"],
            cwd=ROOT,
            env=os.environ | places,
            capture_output=True,
            text=True,
            check=False,
        )

    def kill_in(self, step: str, seconds: float) -> bool:
        """Start a run, and kill it so long after the beginning of a step.

        Returns
        -------
        Whether it was still running.
        """
        run = self.start()
        run.wait_for(step)
        time.sleep(seconds)
        run.process.kill()
        return run.end().returncode == -signal.SIGKILL

    def figures(self) -> dict[str, list[tuple[object, ...]]]:
        """Return all published rows, except what depends on the time of a run."""
        select = "select columns(name -> name <> 'recorded_at') from mart."
        with open_published(self.published) as reader:
            tables = reader.sql(
                "select table_name from duckdb_tables() where schema_name = 'mart' order by 1"
            ).fetchall()
            return {
                name: sorted(reader.sql(f"{select}{name}").fetchall(), key=repr)
                for (name,) in tables
                if name != "runs"
            }

    def leftovers(self) -> list[str]:
        """Return the files in `var` that no run keeps."""
        kept = {self.published.name, self.warehouse.name, "attribution.touch_credit.parquet",
                f"{self.warehouse.name}.lock", f"{self.warehouse.name}.wal",
                "report.html", "reports"}  # fmt: skip
        return sorted(
            file.name for file in (self.folder / "var").iterdir() if file.name not in kept
        )


def damage(path: Path, place: int) -> None:
    """Overwrite a part of every block of a DuckDB file, from a place in the block."""
    content = bytearray(path.read_bytes())
    for start in range(12_288 + place, len(content) - 64, 262_144):
        content[start : start + 64] = b"\xff" * 64
    path.write_bytes(content)


@contextlib.contextmanager
def small_disk(folder: Path, size: str, *options: str) -> Iterator[Path]:
    """Mount an empty file system of a size on a folder; skip the test where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", ",".join([f"size={size}", *options]), "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def make_read_only(folder: Path) -> None:
    """Make the file system of `small_disk` read-only."""
    _mount("-o", "remount,ro", str(folder))


def _mount(*arguments: str) -> None:
    try:
        done = subprocess.run(["mount", *arguments], check=False, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no command mount")
    if done.returncode:
        pytest.skip(f"file systems cannot be mounted here: {done.stderr.strip()}")


def explained(run: subprocess.CompletedProcess[str], code: int, words: str) -> bool:
    """Return whether a run ended with one message that has some words, and with no traceback."""
    message = run.stderr[run.stderr.rindex("error: ") :] if "error: " in run.stderr else ""
    return run.returncode == code and "Traceback" not in run.stderr and words in message


def first_difference(
    one: dict[str, list[tuple[object, ...]]], other: dict[str, list[tuple[object, ...]]]
) -> str:
    """Return the first table and row in which two results differ; empty where they are equal."""
    for name in sorted({*one, *other}):
        ours, theirs = one.get(name, []), other.get(name, [])
        if ours != theirs:
            pairs: Sequence[tuple[object, object]] = list(zip(ours, theirs, strict=False))
            rows = [f"{a} and {b}" for a, b in pairs if a != b] or [f"{len(ours)}, {len(theirs)}"]
            return f"{name}: {rows[0]}"
    return ""
