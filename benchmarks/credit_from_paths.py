"""Benchmark: credit from a path table.

How long `lydite.credit` takes for 100,000 distinct paths, relative to the minimum
work of any tool; how much of it is reading and fitting; and how the fit grows with touches and
paths.
"""

from __future__ import annotations

import resource
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

import lydite
from benchmarks import limits, measure, tables
from benchmarks.data import CACHE, about, path_table
from lydite.attribution import path_credit
from lydite.attribution.bootstrap import REPLICATES
from lydite.models import DEFAULT_MODELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.measure import Figures, Spread

NAME = "credit_from_paths"

RULES = ("first_touch", "last_touch", "last_non_direct", "linear", "position_based", "w_shaped")
LEARNT = ("markov_1", "markov_2", "markov_3", "shapley")
CLOCK = ("time_decay", "time_decay_fitted", "additive_hazard")
"""Models that need times; making all models to ask them would import scikit-learn."""
SETS: dict[str, tuple[str, ...]] = {
    "rules, markov_1 to 3, shapley": (*RULES, *LEARNT),
    "rules": RULES,
    # All rules cost the same: one represents them.
    **{name: (name,) for name in ("linear", *LEARNT)},
    "all without a clock": tuple(name for name in DEFAULT_MODELS if name not in CLOCK),
}
"""Sets of models by name; growth is measured with the first."""

# Where `lydite.credit` spends its time; the rest is the fit and attribution.
_STAGES = {
    "read_path_table": "read",
    "landmarks_of": "expand",
    "summed_landmarks": "expand",
    "paths_of": "expand",
    "draw_journeys": "draw",
    "credit_replicates": "replicates",
}
_PARTS = tuple(dict.fromkeys(_STAGES.values()))


@dataclass(frozen=True)
class Run:
    """One set of models on one path table."""

    models: str
    paths: int
    factor: int = 1
    intervals: bool = True

    def __str__(self) -> str:
        """Return the run in words."""
        how = "with" if self.intervals else "without"
        return f"{self.models}, {self.paths:,} paths x{self.factor}, {how} intervals"


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes
    ----------
    paths
        Distinct paths of the table.
    sets
        Names of the sets of models.
    factors
        By how much the counts are multiplied.
    sizes
        Other numbers of distinct paths.
    """

    paths: int
    sets: tuple[str, ...]
    factors: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def runs(self) -> list[Run]:
        """All runs, each once."""
        first = self.sets[0]
        credit = [Run(name, self.paths, 1, how) for name in self.sets for how in (False, True)]
        touches = [Run(first, self.paths, factor) for factor in self.factors]
        return list(dict.fromkeys([*credit, *touches, *(Run(first, n) for n in self.sizes)]))


FULL = Plan(100_000, tuple(SETS), (1, 10, 100, 1_000), (10_000, 30_000, 100_000))
QUICK = Plan(300, ("markov_1",), (1,), (100, 300))


# --- work -----------------------------------------------------------------------------------------


def ours(file: str, models: Sequence[str], intervals: bool) -> Figures:
    """Compute credit from a path table, and time its parts.

    Returns
    -------
    The ``seconds`` in total, ``sql`` (reading and expanding paths) and ``fit`` (the rest); their
    parts ``read``, ``expand``, ``draw``, ``replicates`` and ``point``, the fit and attribution
    without intervals; the processor time of each with the suffix ``_cpu``; and ``start_mb``, the
    memory after the imports.
    """
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / measure.PER_MB
    watch = measure.Stopwatch()
    credit = lydite.credit  # its imports are part of the process, not of the call
    with watch("seconds"), mock.patch.multiple(path_credit, **_timed(watch)):
        credit(file, models=list(models), intervals=intervals)
    found = {"start_mb": start}
    for clock in ("", "_cpu"):
        whole, read, expand, draw, replicates = (
            watch.seconds.get(f"{stage}{clock}", 0.0) for stage in ("seconds", *_PARTS)
        )
        sql = read + expand
        point = whole - sql - draw - replicates
        own = {"read": read, "expand": expand, "draw": draw, "replicates": replicates}
        own |= {"seconds": whole, "sql": sql, "fit": whole - sql, "point": point}
        found |= {f"{part}{clock}": value for part, value in own.items()}
    return found


def _timed(watch: measure.Stopwatch) -> dict[str, Any]:
    """Return what `lydite.credit` calls, timed."""
    return {name: watch.timing(_STAGES[name], getattr(path_credit, name)) for name in _STAGES}


def measured(plan: Plan, repeats: int, cache: Path = CACHE) -> dict[str, Any]:
    """Measure everything in the plan, and return the result that `section` describes."""
    files = {run: path_table(run.paths, run.factor, folder=cache) for run in plan.runs}
    file = path_table(plan.paths, folder=cache)
    commands = {"limit": measure.call(limits.sorted_touches, str(file))}
    for run, own in files.items():
        commands[str(run)] = measure.call(ours, str(own), SETS[run.models], run.intervals)
    machine = measure.machine()
    figures = measure.repeated(commands, repeats, reference="limit", progress=print)
    return {
        "machine": machine,
        "repeats": repeats,
        "plan": asdict(plan),
        "data": about(file),
        "limit": figures["limit"],
        "runs": [
            asdict(run) | {"data": about(own), "figures": figures[str(run)]}
            for run, own in files.items()
        ],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, store its result and print it."""
    measure.perform(NAME, __doc__, (FULL, QUICK), measured, section, arguments)


# --- report ---------------------------------------------------------------------------------------


def section(result: Mapping[str, Any]) -> str:
    """Return the section about a result, in Markdown."""
    data, plan, bound = result["data"], result["plan"], result["limit"]
    first = plan["sets"][0]
    return f"""\
## Credit from a path table

`{measure.command(NAME)}`

The table: {data["paths"]:,} distinct paths over {data["channels"]} channels, with
{data["touches"]:,} touches on them and at most {data["longest"]} on one. They stand for
{data["journeys"]:,} journeys of {data["all_touches"] / data["journeys"]:.1f} touches on average.

**The machine's limit**: DuckDB reads the Parquet file, splits the paths into touches and sorts
these by path and position into a table, on all cores:
{tables.seconds(bound["seconds"])} of wall time, {tables.seconds(bound["seconds_cpu"])} of
processor time, {tables.megabytes(bound["peak_mb"])} at the peak. Multiples (×) below are of these.

### Parts

`lydite.credit` with *{first}* and {REPLICATES}-replicate intervals.
Reading and expanding paths is done by SQL and array code before any model is fitted.

{_parts(result)}

### Models

Each row is a separate process. *Reading* is reading and expanding paths, *fit* the rest:
fits, attribution and the tables of the result. Without intervals is `intervals=False`. The imports
take {tables.megabytes(_runs(result)[0]["figures"]["start_mb"])} of each peak.

{_credit(result)}

### More touches on the same paths

Counts multiplied, with *{first}*.
The fit works on distinct paths, so its time should not move: a ratio of 1.

{_by_touches(result)}

### More distinct paths

The same models. The exponent is the power of the number of paths with which a column grows.

{_by_paths(result)}
"""


def _runs(result: Mapping[str, Any], **labels: object) -> list[Mapping[str, Any]]:
    """Return the runs with the given labels."""
    return [run for run in result["runs"] if labels.items() <= run.items()]


def _set_against(own: Mapping[str, Spread], part: str, bound: Mapping[str, Spread]) -> list[str]:
    """Return a part's time, and how many times the limit's it is, in wall and processor time."""
    return [
        tables.seconds(own[part]),
        tables.times(own[part], bound["seconds"]),
        tables.times(own[f"{part}_cpu"], bound["seconds_cpu"]),
    ]


def _parts(result: Mapping[str, Any]) -> str:
    plan = result["plan"]
    [run] = _runs(result, models=plan["sets"][0], paths=plan["paths"], factor=1, intervals=True)
    parts = {
        "reading the table": "read",
        "expanding paths": "expand",
        "fit and attribution": "point",
        "drawing journeys for the intervals": "draw",
        "refits and attribution": "replicates",
        "all": "seconds",
    }
    rows = [
        (words, *_set_against(run["figures"], part, result["limit"]))
        for words, part in parts.items()
    ]
    return tables.table(("part", "time", "× wall", "× processor"), rows)


def _credit(result: Mapping[str, Any]) -> str:
    plan = result["plan"]
    rows = [
        (
            run["models"],
            "yes" if run["intervals"] else "no",
            *_set_against(run["figures"], "sql", result["limit"]),
            *_set_against(run["figures"], "fit", result["limit"]),
            tables.megabytes(run["figures"]["peak_mb"]),
        )
        for name in plan["sets"]
        for run in _runs(result, models=name, paths=plan["paths"], factor=1)
    ]
    clocks = ("× wall", "× processor")
    return tables.table(("models", "intervals", "reading", *clocks, "fit", *clocks, "peak"), rows)


def _by_touches(result: Mapping[str, Any]) -> str:
    plan = result["plan"]
    runs = _runs(result, models=plan["sets"][0], paths=plan["paths"], intervals=True)
    least = runs[0]["figures"]
    rows = [
        [f"{run['data']['all_touches']:,}"]
        + [
            cell
            for part in ("point", "fit")
            for cell in (
                tables.seconds(run["figures"][part]),
                tables.times(run["figures"][part], least[part]),
                tables.times(run["figures"][f"{part}_cpu"], least[f"{part}_cpu"]),
            )
        ]
        for run in runs
    ]
    ratios = ("wall ratio", "processor ratio")
    return tables.table(("touches", "fit", *ratios, "fit with intervals", *ratios), rows)


def _by_paths(result: Mapping[str, Any]) -> str:
    runs = _runs(result, models=result["plan"]["sets"][0], factor=1, intervals=True)
    runs.sort(key=lambda run: int(run["paths"]))
    parts = ("sql", "point", "fit")
    rows = [
        (
            f"{run['paths']:,}",
            f"{run['data']['touches']:,}",
            *(tables.seconds(run["figures"][part]) for part in parts),
        )
        for run in runs
    ]
    paths = [run["paths"] for run in runs]
    touches = f"{tables.exponent(paths, [run['data']['touches'] for run in runs]):.2f}"
    for clock, words in (("", "wall time"), ("_cpu", "processor time")):
        grown = [[run["figures"][f"{part}{clock}"]["median"] for run in runs] for part in parts]
        powers = (f"{tables.exponent(paths, values):.2f}" for values in grown)
        rows.append((f"exponent, {words}", touches, *powers))
    head = ("distinct paths", "touches on them", "reading", "fit", "fit with intervals")
    return tables.table(head, rows)


if __name__ == "__main__":
    main()
