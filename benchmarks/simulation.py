"""Benchmark: drawing a world, next to writing what was drawn.

How long `lydite.simulate` takes to draw the touches and conversions of half a year, against polars
writing the same tables to Parquet; and how it grows with touches.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmarks import measure, tables
from lydite.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.measure import Figures

NAME = "simulation"
WORLD, WEEKS, SEED = "linear", 26, 0
#: Touches of a user, on average.
PER_USER = 6.07


@dataclass(frozen=True)
class Plan:
    """What is measured: about so many touches."""

    sizes: tuple[int, ...]


FULL, QUICK = Plan((1_000_000, 10_000_000)), Plan((6_000,))


# --- work -----------------------------------------------------------------------------------------


def run(touches: int) -> Figures:
    """Draw a world of about so many touches and write it; return what either took."""
    watch = measure.Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        with watch("draw"):
            world = simulate(WORLD, users=round(touches / PER_USER), seed=SEED, weeks=WEEKS)
        with watch("write"):
            world.write(folder)
    return {**watch.seconds, "touches": world.touchpoints.height}


def measured(plan: Plan, repeats: int) -> dict[str, Any]:
    """Measure everything in the plan, and return the result that `section` describes."""
    machine, runs = measure.machine(), []
    for size in plan.sizes:
        print(f"{size:,} touches")
        runs.append({"size": size, "world": measure.alone(measure.call(run, size), repeats)})
    return {"machine": machine, "repeats": repeats, "plan": asdict(plan), "runs": runs}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, store its result and print it."""
    measure.perform(NAME, __doc__, (FULL, QUICK), measured, section, arguments)


# --- report ---------------------------------------------------------------------------------------


def section(result: Mapping[str, Any]) -> str:
    """Return the section about a result, in Markdown."""
    worlds = [run["world"] for run in result["runs"]]
    rows = [
        (
            f"{own['touches']['median']:,.0f}",
            tables.seconds(own["draw"]),
            tables.three_digits(1e6 * own["draw_cpu"]["median"] / own["touches"]["median"]) + " s",
            tables.times(own["draw"], own["write"]),
            tables.times(own["draw_cpu"], own["write_cpu"]),
            tables.megabytes(own["peak_mb"]),
        )
        for own in worlds
    ]
    return f"""\
## Drawing a world

`{measure.command(NAME)}`

The world `{WORLD}` over {WEEKS} weeks. Multiples (×) are of writing what was drawn to Parquet.

{tables.table(_HEAD, rows)}

{tables.growth(worlds, "touches", {"draw": "drawing", "write": "writing"})}"""


_HEAD = ("touches", "time", "processor, per million", "× wall", "× processor", "peak")


if __name__ == "__main__":
    main()
