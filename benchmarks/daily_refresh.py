"""Benchmark: the journeys of one more day, next to those of the whole history.

A warehouse file holds the journeys of half a year but for its last day, and that day comes in. How
long it takes to load all rows anew and to lay out the users who have changed, against laying out
all users.
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
    """Lay out the journeys of all but the last day, then that day: beside, and then in full.

    Returns
    -------
    The seconds to ``load`` all rows, to lay out who has ``changed`` and to lay out ``all``, in
    processor time with ``_cpu`` behind the name; the ``touches`` and ``users`` that there are, and
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
            laid_out = incremental.refresh(engine, LOOKBACKS)
        with watch("all"):
            incremental.refresh(engine, LOOKBACKS, full=True)
    if laid_out.full_reason is not None:
        raise RuntimeError(f"laid out {laid_out}")
    counts = {"touches": laid_out.summary.touches, "users": laid_out.users}
    return {**watch.seconds, **counts, "recomputed": laid_out.rebuilt}


def _until(days: int, sources: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Write the rows of the first so many days to files in a folder, and return these."""
    end = (data.START + np.timedelta64(days, "D")).item()
    found = {}
    for (table, file), at in zip(sources.items(), ("touched_at", "converted_at"), strict=True):
        found[table] = str(folder / f"{table}_{days}.parquet")
        pl.scan_parquet(file).filter(pl.col(at) < end).sink_parquet(found[table])
    return found


def measured(plan: Plan, repeats: int, cache: Path = data.CACHE) -> dict[str, Any]:
    """Measure everything in the plan, and return the result that `section` writes about."""
    machine, runs = measure.machine(), []
    for size in plan.sizes:
        files = data.touch_tables(size, folder=cache)
        command = measure.call(run, str(files["touchpoints"]), str(files["conversions"]))
        print(f"{size:,} touches")
        runs.append({"size": size, "refresh": measure.alone(command, repeats)})
    return {"machine": machine, "repeats": repeats, "plan": asdict(plan), "runs": runs}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, keep its result and print it."""
    measure.perform(NAME, __doc__, (FULL, QUICK), measured, section, arguments)


# --- report ---------------------------------------------------------------------------------------


def section(result: Mapping[str, Any]) -> str:
    """Return what the report says of a result."""
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

The journeys of {DAYS - 1} days stand in a warehouse file, and one day more comes in. *Load* is
reading and checking all rows anew; *changed* is finding the users with new rows, laying out these
alone and numbering all conversions; *all* is laying out everyone (`--full`). Multiples (×) are of
the latter.

{tables.table(_HEAD, rows)}
"""


_HEAD = (
    *("touches", "users", "of them changed", "load", "changed", "all"),
    *("× wall", "× processor", "peak"),
)


if __name__ == "__main__":
    main()
