"""Writes README.md from the results: the machine, and the tables of every benchmark."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import (
    credit_from_paths,
    daily_refresh,
    evaluation,
    growth,
    identities,
    measure,
    peers,
    simulation,
    small_data,
    whole_run,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

#: Every benchmark: a module with a `NAME`, a `main` that writes its result, and a `section`.
BENCHMARKS: tuple[ModuleType, ...] = (
    whole_run,
    small_data,
    daily_refresh,
    identities,
    growth,
    evaluation,
    credit_from_paths,
    peers,
    simulation,
)
DOCUMENT = Path(__file__).parent / "README.md"

_HEAD = """\
# Benchmarks

What Lydite costs, relative to the machine's limit in the same run. `make bench` runs all benchmarks
and writes this file; the command below each title runs one of them.

- Compare ratios: both sides of each come from one run on one machine. Seconds depend on that
  machine and on its other work at the time; ratios of processor time (all threads together) hardly
  depend on other work, ratios of wall time do.
- Every figure comes from a separate process, the peak of memory from the system's account of
  that process. Processes run in rounds, each once per round, and the machine's limit before each of
  them; a time is the median over the rounds, with minimum and maximum in brackets.
- Data are simulated with a fixed seed by `data.py`.

A new benchmark is one file with a `NAME`, a `main` and a `section`, and its name in `report.py`.
"""


def document(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the text about all results; a benchmark without a result is left out."""
    parts = [_HEAD]
    for benchmark in BENCHMARKS:
        if benchmark.NAME in results:
            result = results[benchmark.NAME]
            parts += [benchmark.section(result), _about(result)]
    return "\n".join(parts)


def _about(result: Mapping[str, Any]) -> str:
    """Say where a result comes from."""
    machine = result["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    rounds = result["repeats"]
    text = (
        f"Measured on {machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']:.0f} GB,"
        f" {machine['system']}; {versions}; {rounds} round{'s' * (rounds != 1)}; load average"
        f" {machine['load']:.1f} before the run."
    )
    return textwrap.fill(text, 100, break_on_hyphens=False) + "\n"


def main() -> None:
    """Write the document."""
    DOCUMENT.write_text(document(measure.read()))


if __name__ == "__main__":
    main()
