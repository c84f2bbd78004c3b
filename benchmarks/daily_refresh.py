"""Benchmark: the journeys of one more day, next to those of the whole history.

A warehouse file holds the journeys of half a year but for its last day, and that day comes in. How
long it takes to load all rows and to rebuild journeys of changed users only, compared with
rebuilding all users.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from benchmarks import data, measure, tables
from lydite.durations import parse_duration
from lydite.engine import DuckDBEngine
from lydite.inputs import load
from lydite.journeys import incremental

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.measure import Figures

NAME = "daily_refresh"
DAYS = 182  # of the history: journeys still begin on its last day as on any other
LOOKBACKS = {"conversion": parse_duration("30d")}


@dataclass(frozen=True)
class Plan:
    """What is measured: so many touches, of which those of the first `DAYS` are the history."""

    sizes: tuple[int, ...]


FULL, QUICK = Plan((1_000_000, 10_000_000)), Plan((10_000,))


# --- work -----------------------------------------------------------------------------------------


def run(touchpoints: str, conversions: str) -> Figures:
    """Build the journeys of all but the last day, then add that day: incrementally, then in full.

    Returns
    -------
    The seconds to ``load`` all rows, to rebuild ``changed`` users and to rebuild ``all`` users, the
    processor time of each with the suffix ``_cpu``; the numbers of ``touches`` and ``users``, and
    how many of the users were ``recomputed``.
    """
    watch = measure.Stopwatch()
    with tempfile.TemporaryDirectory() as name, DuckDBEngine(Path(name) / "w.duckdb") as engine:
        sources = {"touchpoints": touchpoints, "conversions": conversions}
        load(engine, _until(DAYS - 1, sources, Path(name)))
        incremental.refresh(engine, LOOKBACKS)
        whole = _until(DAYS, sources, Path(name))
        with watch("load"):
            load(engine, whole)
        with watch("changed"):
            built = incremental.refresh(engine, LOOKBACKS)
        with watch("all"):
            incremental.refresh(engine, LOOKBACKS, full=True)
    if built.full_reason is not None:
        raise RuntimeError(f"all users were rebuilt: {built.full_reason}")
    counts = {"touches": built.summary.touches, "users": built.users}
    return {**watch.seconds, **counts, "recomputed": built.rebuilt}


def _until(days: int, sources: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Write the rows of the first so many days to files in a folder, and return these."""
    end = (data.START + np.timedelta64(days, "D")).item()
    found = {}
    for (table, file), at in zip(sources.items(), ("touched_at", "converted_at"), strict=True):
        found[table] = str(folder / f"{table}_{days}.parquet")
        pl.scan_parquet(file).filter(pl.col(at) < end).sink_parquet(found[table])
    return found


def measured(plan: Plan, repeats: int, cache: Path = data.CACHE) -> dict[str, Any]:
    """Measure everything in the plan, and return the result that `section` describes."""
    machine, runs = measure.machine(), []
    for size in plan.sizes:
        files = data.touch_tables(size, folder=cache)
        command = measure.call(run, str(files["touchpoints"]), str(files["conversions"]))
        print(f"{size:,} touches")
        runs.append({"size": size, "refresh": measure.alone(command, repeats)})
    return {"machine": machine, "repeats": repeats, "plan": asdict(plan), "runs": runs}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, store its result and print it."""
    measure.perform(NAME, __doc__, (FULL, QUICK), measured, section, arguments)


# --- report ---------------------------------------------------------------------------------------


def section(result: Mapping[str, Any]) -> str:
    """Return the section about a result, in Markdown."""
    rows = []
    for run in result["runs"]:
        own = run["refresh"]
        counts = (own[name]["median"] for name in ("touches", "users", "recomputed"))
        rows.append(
            (
                *(f"{count:,.0f}" for count in counts),
                *(tables.seconds(own[name]) for name in ("load", "changed", "all")),
                tables.times(own["changed"], own["all"]),
                tables.times(own["changed_cpu"], own["all_cpu"]),
                tables.megabytes(own["peak_mb"]),
            )
        )
    return f"""\
## One more day

`{measure.command(NAME)}`

A warehouse file holds the journeys of {DAYS - 1} days, and one more day is added. *Load* is
reading and checking all rows; *changed* is finding the users with new rows, rebuilding journeys of
these only and numbering all conversions; *all* is rebuilding all users (`--full`). Multiples (×)
are of the latter.

{tables.table(_HEAD, rows)}
"""


_HEAD = (
    *("touches", "users", "of them changed", "load", "changed", "all"),
    *("× wall", "× processor", "peak"),
)


if __name__ == "__main__":
    main()
