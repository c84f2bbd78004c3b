"""Benchmark: what users with little data wait for, in fresh processes, imports included.

The import, `lydite compare` on the sample and on a million touches, and `lydite.credit` on a path
table of a million touches. With `--before PATH` the same commands run from another checkout too,
alternating, so that a change is measured side by side.
"""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import measure, tables
from benchmarks.data import CACHE, journey_table, touch_tables
from benchmarks.peers import MODELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAME = "small_data"
HERE = Path(__file__).parents[1]
SAMPLE = HERE / "data_samples"
_IMPORT = "import lydite"
_COMPARE = "import sys; from lydite.cli import main; sys.exit(main())"
_CREDIT = """
import sys, lydite
lydite.credit(sys.argv[1], models=sys.argv[2].split(","), intervals=sys.argv[3] == "yes")
"""
#: The checkouts that are measured, by what their column is called.
NOW, BEFORE = "now", "before"


@dataclass(frozen=True)
class Plan:
    """What is measured: `compare` on so many touches and credit from so many, one outcome."""

    touches: int


FULL, QUICK = Plan(1_000_000), Plan(4_000)


# --- work -----------------------------------------------------------------------------------------


def commands(touches: int, cache: Path = CACHE) -> dict[str, list[str]]:
    """Return what is run, as the arguments of Python, by its name in the report."""
    files = touch_tables(touches, folder=cache)
    sample = {name: SAMPLE / f"{name}.parquet" for name in files}
    paths = str(journey_table(touches, folder=cache))
    credit = ["-c", _CREDIT, paths, ",".join(MODELS)]
    return {
        "import lydite": ["-c", _IMPORT],
        "compare, the sample": ["-c", _COMPARE, *_compare(sample)],
        f"compare, {touches:,} touches": ["-c", _COMPARE, *_compare(files)],
        f"credit, {touches:,} touches": [*credit, "no"],
        "the same with intervals": [*credit, "yes"],
    }


def _compare(files: Mapping[str, Path]) -> list[str]:
    return ["compare", "--quiet", *(f"--{name}={file}" for name, file in files.items())]


def in_checkout(checkout: Path, arguments: Sequence[str]) -> list[str]:
    """Return the command that runs Python with the sources of a checkout."""
    path = os.pathsep.join([str(checkout / "src"), str(checkout)])
    return ["env", "--chdir", str(checkout), f"PYTHONPATH={path}", sys.executable, *arguments]


def measured(
    plan: Plan, repeats: int, cache: Path = CACHE, before: Path | None = None, only: str = ""
) -> dict[str, Any]:
    """Measure everything in the plan, and return the result that `section` describes.

    Parameters
    ----------
    plan, repeats
        What is measured, and in how many rounds.
    cache
        The folder of data.
    before
        Another checkout to measure in the same rounds.
    only
        Measure the commands whose names contain this.
    """
    checkouts = {NOW: HERE} | ({} if before is None else {BEFORE: before.resolve()})
    machine, runs = measure.machine(), {}
    for name, arguments in commands(plan.touches, cache).items():
        if only not in name:
            continue
        found: dict[str, list[measure.Figures]] = {which: [] for which in checkouts}
        for number in range(repeats):
            for which, checkout in reversed(checkouts.items()):
                print(f"{number + 1}/{repeats} {name}, {which}", flush=True)
                figures = measure.once(in_checkout(checkout, arguments))
                found[which].append(figures)
        runs[name] = {
            which: {
                figure: measure.spread([run[figure] for run in own])
                for figure in ("process_seconds", "cpu_seconds", "peak_mb")
            }
            for which, own in found.items()
        }
    return {"machine": machine, "repeats": repeats, "plan": asdict(plan), "runs": runs}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, store its result and print it."""
    parser = measure.parser(__doc__ or "")
    parser.add_argument("--before", type=Path, help="another checkout to measure too")
    parser.add_argument("--only", default="", help="commands whose names contain this")
    asked = parser.parse_args(arguments)
    plan = QUICK if asked.quick else FULL
    result = measured(plan, asked.repeats, before=asked.before, only=asked.only)
    measure.write(NAME, result, asked.results)
    print(section(result))


# --- report ---------------------------------------------------------------------------------------


def section(result: Mapping[str, Any]) -> str:
    """Return the section about a result, in Markdown."""
    compared = any(BEFORE in run for run in result["runs"].values())
    rows = []
    for name, run in result["runs"].items():
        now, before = run[NOW], run.get(BEFORE)
        cells = [name, *(tables.seconds(now[clock]) for clock in _CLOCKS)]
        if compared:
            cells += [tables.seconds(before[clock]) for clock in _CLOCKS]
            # The least of the rounds: other work on the machine only adds.
            ratios = (now[clock]["min"] / before[clock]["min"] for clock in _CLOCKS)
            cells += [f"{tables.three_digits(ratio)}×" for ratio in ratios]
        rows.append((*cells, tables.megabytes(now["peak_mb"])))
    before = ("before: wall", "processor", "× wall", "× processor") if compared else ()
    head = ("command", "wall", "processor", *before, "peak")
    return f"""\
## Little data

`{measure.command(NAME)}`

What a user waits for: fresh processes from their start to their end, with imports. The sample is
`data_samples`, with three outcomes; other data have one. All default models. Credit is
`lydite.credit` on a path table for {", ".join(MODELS)}. With `--before PATH`
another checkout runs the same commands in the same rounds, and multiples (×) are of its least time.

{tables.table(head, rows)}
"""


_CLOCKS = ("process_seconds", "cpu_seconds")


if __name__ == "__main__":
    main()
