"""Benchmark: the job `refresh` after one more day, next to the same job on everything.

A project has a file per day. Its warehouse holds all days but the last ones. Then one day after the
other is added, and the job runs each time, from files to published database and report. At the end
the same files are run in a new project, in the same process. Processor time is compared.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import duckdb
import numpy as np

from benchmarks import data, measure, tables
from lydite.dagster import specs, steps
from pipelines import refresh

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.measure import Figures

NAME = "daily_refresh"
DAYS = 182  # of the history: journeys still begin on its last day as on any other
#: The part of the job that each step belongs to; other steps and checks are the last part.
_PARTS = {
    "load_": "load",
    "build_journeys": "journeys",
    "draw_sample": "sample",
    "backtest_models": "ledger",
    "attribute_conversions": "credit",
    "compare_": "verdicts",
    "build_marts": "marts",
    "publish_database": "publishing",
    "write_report": "report",
}
PARTS = tuple(_PARTS.values())
OTHER = "checks and Dagster"
_SETTINGS = """
[sources]
touchpoints = "touchpoints/*.parquet"
conversions = "conversions/*.parquet"
"""


@dataclass(frozen=True)
class Plan:
    """What is measured: so many touches, and the days that are added one after the other."""

    sizes: tuple[int, ...]
    days: int = 1


FULL, QUICK = Plan((1_000_000, 10_000_000)), Plan((10_000,))


# --- work -----------------------------------------------------------------------------------------


def run(touchpoints: str, conversions: str, days: int = 1) -> Figures:
    """Run the job on all but the last days, then after each further day, then on all in one.

    Returns
    -------
    The processor time of the whole job and of each of `PARTS` and `OTHER`: after the further days,
    on average, with the prefix ``day``; on everything, with the prefix ``full``. Also the
    ``slowest`` day, and the numbers of ``touches`` and ``users``.
    """
    sources = {"touchpoints": touchpoints, "conversions": conversions}
    with tempfile.TemporaryDirectory() as name:
        daily, new = Path(name) / "daily", Path(name) / "new"
        _deliver(sources, daily, 0, DAYS - days)
        _job(daily)
        found: list[Figures] = []
        for day in range(DAYS - days, DAYS):
            _deliver(sources, daily, day, day + 1)
            found.append(_job(daily))
        _deliver(sources, new, 0, DAYS)
        full = _job(new)
        figures = {f"full {part}": full[part] for part in full}
        for part in full:
            figures[f"day {part}"] = float(np.mean([own[part] for own in found]))
        figures["slowest"] = max(own["seconds"] for own in found)
        return figures | _counts(daily)


def _deliver(sources: Mapping[str, str], project: Path, first: int, last: int) -> None:
    """Write a file per day with the rows of some days to a project."""
    for (table, file), at in zip(sources.items(), ("touched_at", "converted_at"), strict=True):
        folder = project / table
        folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as writer:
            for day in range(first, last):
                start = data.START + np.timedelta64(day, "D")
                writer.execute(
                    f"copy (from '{file}' where {at} >= timestamp '{start}'"
                    f" and {at} < timestamp '{start}' + interval 1 day)"
                    f" to '{folder}/{str(start)[:10]}.parquet'"
                )
    (project / "lydite.toml").write_text(_SETTINGS)


def _job(project: Path) -> Figures:
    """Run the job of a project; return the processor time of all of it and of each part."""
    watch = measure.Stopwatch()
    make = steps.report_results

    def timed(context: Any, *args: Any) -> Iterator[Any]:  # noqa: ANN401
        step = context.op_handle.name
        part = next((own for start, own in _PARTS.items() if step.startswith(start)), OTHER)
        with watch(part):
            results = list(make(context, *args))
        yield from results

    places = {"LYDITE_CONFIG": str(project / "lydite.toml"), "DAGSTER_HOME": str(project / "home")}
    with (
        mock.patch.dict("os.environ", places),
        mock.patch.object(specs, "report_results", timed),
        watch("seconds"),
    ):
        code = refresh.main([])
    if code:
        raise RuntimeError(f"the job ended with the exit code {code}")
    cpu = {part: watch.seconds[f"{part}_cpu"] for part in (*PARTS, "seconds")}
    return {**cpu, OTHER: cpu["seconds"] - sum(cpu[part] for part in PARTS)}


def _counts(project: Path) -> Figures:
    """Return the rows of the warehouse."""
    with duckdb.connect(str(project / "var/warehouse.duckdb"), read_only=True) as reader:
        [row] = reader.execute(
            "select (select count(*) from journeys.touches), (select count(*) from journeys.users)"
        ).fetchall()
    return dict(zip(("touches", "users"), map(float, row), strict=True))


def measured(plan: Plan, repeats: int, cache: Path = data.CACHE) -> dict[str, Any]:
    """Measure everything in the plan, and return the result that `section` describes."""
    machine, runs = measure.machine(), []
    for size in plan.sizes:
        files = data.touch_tables(size, folder=cache)
        sources = (str(files["touchpoints"]), str(files["conversions"]))
        command = measure.call(run, *sources, plan.days)
        print(f"{size:,} touches")
        runs.append({"size": size, "refresh": measure.alone(command, repeats)})
    return {"machine": machine, "repeats": repeats, "plan": asdict(plan), "runs": runs}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, store its result and print it."""
    parser = measure.parser(__doc__)
    parser.add_argument("--size", type=int, action="append", help="touches; repeat for more")
    parser.add_argument("--days", type=int, default=1, help="days that are added, one by one")
    parser.add_argument("--cache", type=Path, default=data.CACHE, help="folder of the data")
    asked = parser.parse_args(arguments)
    plan = QUICK if asked.quick else FULL
    plan = replace(plan, sizes=tuple(asked.size or plan.sizes), days=asked.days)
    result = measured(plan, asked.repeats, asked.cache)
    measure.write(NAME, result, asked.results)
    print(section(result))


# --- report ---------------------------------------------------------------------------------------


def section(result: Mapping[str, Any]) -> str:
    """Return the section about a result, in Markdown."""
    rows = []
    for run in result["runs"]:
        own = run["refresh"]
        for part in ("seconds", *PARTS, OTHER):
            whole = part == "seconds"
            day, full = own[f"day {part}"], own[f"full {part}"]
            rows.append(
                (
                    "all" if whole else part,
                    f"{own['touches']['median']:,.0f}" if whole else "",
                    tables.seconds(day),
                    tables.seconds(full),
                    tables.times(day, full) if full["median"] else "",
                    tables.megabytes(own["peak_mb"]) if whole else "",
                )
            )
    return f"""\
## One more day

`{measure.command(NAME)}`

The job `refresh` of a project with a file per day, from files to published database and report, in
its warehouse file: processor time of a run after one more day, and of a run of a new project with
the same {DAYS} days, in one process. Multiples (×) are of the latter.

{tables.table(_HEAD, rows)}
"""


_HEAD = ("part", "touches", "one more day", "everything", "× processor", "peak")


if __name__ == "__main__":
    main()
