"""Benchmark: the whole run, compared with one sort of the same touches.

How long a run takes from Parquet files to verdict, credit with intervals and report, split into
journeys, evaluation and credit, compared with DuckDB reading the touchpoints and sorting them by
user and time; and how each part grows with touches.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import polars as pl

from benchmarks import limits, measure, tables
from benchmarks.data import CACHE, touch_tables
from lydite import pipeline
from lydite.attribution import bootstrap, credit, fits
from lydite.engine import open_temporary_engine
from lydite.models import make_models
from lydite.publishing import publish, touch_credit_path
from lydite.results import read_comparison
from lydite.settings import Settings, SourceSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.measure import Figures

NAME = "whole_run"
SETTINGS = Settings(sources=SourceSettings(touchpoints="-", conversions="-"))
#: Steps of `lydite.pipeline.run` by their progress messages, and their part.
_PARTS = {
    "reading": "journeys",
    "building": "journeys",
    "drawing": "evaluation",
    "backtesting": "evaluation",
    "comparing": "evaluation",
    "attributing": "credit",
    "writing": "marts and report",
}
PARTS = tuple(dict.fromkeys(_PARTS.values()))
#: The published file, and the credit of every touch in Parquet: a part where it is asked for.
PUBLISHING = "publishing"
#: A part of the credit: functions that draw units, refit and attribute.
INTERVALS = "intervals"
_DRAWING = ("credit_replicates", "_choose_candidates", "_fitted_rule_replicates")


@dataclass(frozen=True)
class Plan:
    """What is measured: so many touches, and whether they are published with their credit."""

    sizes: tuple[int, ...]
    publish: bool = False


FULL, QUICK = Plan((1_000_000, 10_000_000)), Plan((10_000,))
LARGE = Plan((*FULL.sizes, 100_000_000))


# --- work -----------------------------------------------------------------------------------------


def sort(touchpoints: str) -> Figures:
    """Read the touchpoints and sort them by user and time into a table, on all cores."""
    return limits.sorted_by_user(touchpoints)


def run(touchpoints: str, conversions: str, published: bool = False) -> Figures:
    """Run all steps with all default models, from files to report; figures as of `run_with`."""
    return run_with(touchpoints, conversions, SETTINGS, published=published)


def run_with(
    touchpoints: str, conversions: str, settings: Settings, *, published: bool = False
) -> Figures:
    """Run all steps with given settings, from files to report.

    Returns
    -------
    The ``seconds`` in total, of each of `PARTS` and of `INTERVALS`, the processor time of each with
    the suffix ``_cpu``; ``touches`` and ``landmarks`` in the sample. If published, the same of
    `PUBLISHING`, the rows of ``touch_credit``, and the size of its file in ``touch_credit_mb``.
    """
    watch = measure.Stopwatch()
    sources = {"touchpoints": touchpoints, "conversions": conversions}
    drawing: dict[str, Any] = {
        name: watch.timing(INTERVALS, getattr(fits, name)) for name in _DRAWING
    }
    buckets = watch.timing(INTERVALS, bootstrap.draw_buckets)
    with (
        mock.patch.multiple(fits, **drawing),
        mock.patch.object(credit, "draw_buckets", buckets),
        open_temporary_engine(settings.engine, sources.values()) as engine,
        tempfile.TemporaryDirectory() as folder,
        watch("seconds"),
    ):
        with ExitStack() as part:

            def turn(step: str) -> None:
                """Go on to the part of a step."""
                part.close()
                word = step.rpartition(": ")[2].partition(" ")[0]
                part.enter_context(watch(_PARTS[word]))

            pipeline.run(engine, sources, settings, turn)
            read_comparison(engine.local).to_html(Path(folder) / "report.html")
        more: Figures = {}
        if published:
            with watch(PUBLISHING):
                publish(engine.local, Path(folder) / "published.duckdb")
            file = touch_credit_path(Path(folder) / "published.duckdb")
            more["touch_credit"] = float(pl.scan_parquet(file).select(pl.len()).collect().item())
            more["touch_credit_mb"] = file.stat().st_size / 1e6
        touches = engine.scalar("select count(*) from journeys.touches")
        landmarks = engine.scalar("select count(*) from evaluation.landmarks")
    return {**watch.seconds, **more, "touches": touches, "landmarks": landmarks}


def measured(plan: Plan, repeats: int, cache: Path = CACHE) -> dict[str, Any]:
    """Measure everything in the plan, and return the result that `section` describes."""
    machine, runs = measure.machine(), []
    for size in plan.sizes:
        files = {name: str(file) for name, file in touch_tables(size, folder=cache).items()}
        commands = {
            "sort": measure.call(sort, files["touchpoints"]),
            "run": measure.call(run, files["touchpoints"], files["conversions"], plan.publish),
        }
        figures = measure.repeated(commands, repeats, reference="sort", progress=print)
        runs.append({"size": size, **figures})
    return {"machine": machine, "repeats": repeats, "plan": asdict(plan), "runs": runs}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, store its result and print it."""
    parser = measure.parser(__doc__)
    parser.add_argument("--large", action="store_true", help="a hundred million touches too")
    parser.add_argument(
        "--publish", action="store_true", help="publish, too, with the credit of every touch"
    )
    asked = parser.parse_args(arguments)
    plan = QUICK if asked.quick else LARGE if asked.large else FULL
    plan = replace(plan, publish=asked.publish)
    result = measured(plan, asked.repeats)
    measure.write(NAME, result, asked.results)
    print(section(result))


# --- report ---------------------------------------------------------------------------------------


def section(result: Mapping[str, Any]) -> str:
    """Return the section about a result, in Markdown."""
    rows = []
    for run in result["runs"]:
        own, bound = run["run"], run["sort"]
        for part, words in _words(run["run"]).items():
            whole = part == "seconds"
            rows.append(
                (
                    words,
                    f"{own['touches']['median']:,.0f}" if whole else "",
                    tables.seconds(own[part]),
                    tables.times(own[part], bound["seconds"]),
                    tables.times(own[f"{part}_cpu"], bound["seconds_cpu"]),
                    tables.megabytes(own["peak_mb"]) if whole else "",
                )
            )
    runs = [run["run"] for run in result["runs"]]
    return f"""\
## The whole run

`{measure.command(NAME)}`

All {len(make_models())} default models, from Parquet to verdict, report, and credit with intervals
of 200 replicates; a hundred million touches with `--large`. *Journeys* is reading, checking and
building all landmarks with path, outcome and next touch; *intervals* is bootstrap draws of buckets
with refits and attribution, a part of the credit; *publishing*, with `--publish`, is the published
file and the credit of every touch in Parquet. **The machine's limit** is DuckDB reading the
touchpoints and sorting them by user and time into a table, on all cores;
multiples (×) are of it.

{tables.table(_HEAD, rows)}

{_published(runs)}{tables.growth(runs, "touches", _words(runs[0]))}"""


def _words(figures: Mapping[str, Any]) -> dict[str, str]:
    """Return the parts that were measured, with what they are called."""
    return {part: words for part, words in _WORDS.items() if part in figures}


def _published(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return how large the credit of touches is, as a paragraph; empty if it was not published."""
    sizes = [
        f"{run['touch_credit']['median']:,.0f} rows in {run['touch_credit_mb']['median']:,.0f} MB"
        for run in runs
        if "touch_credit" in run
    ]
    return f"The credit of touches: {'; '.join(sizes)}.\n\n" if sizes else ""


_WORDS = {
    "seconds": "all",
    **{part: part for part in PARTS},
    INTERVALS: "of the credit: intervals",
    PUBLISHING: PUBLISHING,
}
_HEAD = ("part", "touches", "time", "× wall", "× processor", "peak")


if __name__ == "__main__":
    main()
