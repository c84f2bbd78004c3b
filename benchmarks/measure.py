"""Measures work in fresh processes: its wall time, its peak memory, and what it says of itself.

As a script it runs one command and prints what that took: `python -m benchmarks.measure ls -l`.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import platform
import resource
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Given = ParamSpec("Given")
Result = TypeVar("Result")
Plan = TypeVar("Plan")
Figures = dict[str, float]
"""Numbers by name, of one run."""
Spread = dict[str, float]
"""The ``min``, ``median`` and ``max`` of a number over all runs."""

RESULTS = Path(__file__).parent / "results"
LIBRARIES = ("duckdb", "numpy", "scipy", "polars")
_ANSWER = "import sys; from benchmarks.measure import answer; answer(*sys.argv[1:])"
PER_MB = 1024**2 if sys.platform == "darwin" else 1024
"""The unit of `resource.getrusage` differs from system to system."""


class Stopwatch:
    """Adds up time by stage; where threads are in a stage together, it counts once.

    Attributes
    ----------
    seconds
        What each stage has taken in wall time, and under its name with ``_cpu`` in processor time
        of all threads. Read it outside of stages.
    """

    def __init__(self) -> None:
        self.seconds: Figures = defaultdict(float)
        self._inside: dict[str, int] = defaultdict(int)
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Add the time that the block takes to a stage."""
        self._count(stage, 1)
        try:
            yield
        finally:
            self._count(stage, -1)

    def _count(self, stage: str, change: int) -> None:
        """Count who is inside a stage; it lasts from the first who enters to the last to leave."""
        with self._lock:
            before = self._inside[stage]
            self._inside[stage] += change
            if 0 in (before, before + change):
                self.seconds[stage] -= change * time.perf_counter()
                self.seconds[f"{stage}_cpu"] -= change * time.process_time()

    def timing(self, stage: str, function: Callable[Given, Result]) -> Callable[Given, Result]:
        """Return the function with the time of every call added to a stage."""

        @wraps(function)
        def timed(*args: Given.args, **kwargs: Given.kwargs) -> Result:
            with self(stage):
                return function(*args, **kwargs)

        return timed


# --- fresh processes ------------------------------------------------------------------------------


def call(function: Callable[..., Figures], *args: object) -> list[str]:
    """Return the command that calls a function in a fresh process.

    Parameters
    ----------
    function
        A function of a module; its figures become figures of the run.
    args
        Whatever JSON can hold.
    """
    module = function.__module__
    if module == "__main__":
        module = sys.modules[module].__spec__.name  # type: ignore[union-attr]
    return [sys.executable, "-c", _ANSWER, module, function.__qualname__, json.dumps(args)]


def answer(module: str, function: str, args: str) -> None:
    """Call a function, and print its figures: the other end of `call`."""
    print(json.dumps(getattr(importlib.import_module(module), function)(*json.loads(args))))


def once(command: Sequence[str]) -> Figures:
    """Run a command in a fresh process.

    Returns
    -------
    ``process_seconds``, ``cpu_seconds`` and ``peak_mb`` of the process, start and end included, and
    the figures that the command prints: its last line may be a JSON object of numbers.

    Raises
    ------
    subprocess.CalledProcessError
        When the command fails; where a signal has ended it, the return code is less than 0.
    """
    # Linux counts what a process was forked from towards its peak, also after exec. So a process
    # that holds next to nothing stands between this one and the command.
    between = [sys.executable, "-m", "benchmarks.measure", *command]
    paths = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        between,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    figures: Figures = json.loads(done.stdout)
    return figures


def repeated(
    commands: Mapping[str, Sequence[str]],
    repeats: int,
    *,
    reference: str,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, dict[str, Spread]]:
    """Run commands round by round, so that what slows the machine for a while slows all alike.

    Parameters
    ----------
    commands
        Commands by name.
    repeats
        How many rounds there are.
    reference
        The command that others are set against: it runs before each of them.
    progress
        Receives the name of what runs.

    Returns
    -------
    The spread of every figure over the runs, by command and figure.
    """
    others = [name for name in commands if name != reference]
    runs: dict[str, list[Figures]] = {name: [] for name in commands}
    for number in range(repeats):
        for name in others:
            progress(f"{number + 1}/{repeats} {name}")
            for turn in (reference, name):
                runs[turn].append(once(commands[turn]))
    return {name: _spreads(own) for name, own in runs.items()}


def alone(command: Sequence[str], repeats: int) -> dict[str, Spread]:
    """Run a command that has its reference in itself; return the spread of every figure."""
    return _spreads([once(command) for _ in range(repeats)])


def _spreads(runs: Sequence[Figures]) -> dict[str, Spread]:
    return {figure: spread([run[figure] for run in runs]) for figure in runs[0]}


def spread(numbers: Sequence[float]) -> Spread:
    """Return the smallest, the middle and the largest of some numbers."""
    return {"min": min(numbers), "median": statistics.median(numbers), "max": max(numbers)}


def _launch(command: Sequence[str]) -> None:
    """Run a command, and print what it took and what it said."""
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False, text=True)
    seconds = time.perf_counter() - began
    if done.returncode < 0:  # a signal has ended it: end in the same way
        signal.raise_signal(-done.returncode)
    if done.returncode:
        sys.exit(done.returncode)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    taken = {
        "process_seconds": seconds,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss / PER_MB,
    }
    print(json.dumps(taken | _figures(done.stdout)))


def _figures(said: str) -> Figures:
    """Return the figures on the last line, if it holds such."""
    try:
        last = json.loads(said.strip().rpartition("\n")[2])
    except ValueError:
        return {}
    return last if isinstance(last, dict) else {}


def perform(
    name: str,
    about: str,
    plans: tuple[Plan, Plan],
    measured: Callable[[Plan, int], dict[str, Any]],
    section: Callable[[Mapping[str, Any]], str],
    arguments: Sequence[str] | None,
) -> None:
    """Run a benchmark as the command line asks for it, keep its result and print it.

    Parameters
    ----------
    name, about
        The benchmark's name and docstring.
    plans
        What is measured, and what with ``--quick``.
    measured, section
        Measures a plan in so many rounds; writes about the result.
    arguments
        Those of the command line where None.
    """
    asked = parser(about).parse_args(arguments)
    result = measured(plans[asked.quick], asked.repeats)
    write(name, result, asked.results)
    print(section(result))


def parser(about: str) -> argparse.ArgumentParser:
    """Return the parser of what any benchmark may be asked for; each may add to it."""
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="tiny data, to see that all works")
    parser.add_argument("--repeats", type=int, default=3, help="rounds")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the results")
    return parser


def command(name: str) -> str:
    """Return the command line that runs a benchmark."""
    return f".venv/bin/python -m benchmarks.{name}"


# --- results --------------------------------------------------------------------------------------


def machine() -> dict[str, Any]:
    """Return what the figures depend on: the machine, its other load, and versions."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3,
        "load": os.getloadavg()[0],
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"Python": platform.python_version()}
        | {library: version(library) for library in LIBRARIES},
    }


def _cpu() -> str:
    """Return the model of the processor."""
    about = Path("/proc/cpuinfo")
    for line in about.read_text().splitlines() if about.exists() else []:
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def write(name: str, result: Mapping[str, Any], folder: Path = RESULTS) -> Path:
    """Write a benchmark's result as JSON, and return where."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.json"
    file.write_text(json.dumps(result, indent=1) + "\n")
    return file


def read(folder: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """Return all results by the name of the benchmark."""
    return {file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))}


if __name__ == "__main__":
    _launch(sys.argv[1:])
