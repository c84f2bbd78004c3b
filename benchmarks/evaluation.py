"""Benchmark: the evaluation of all rivals, next to one sort of the same landmarks.

How long it takes to backtest every default model over 26 weekly periods and to compute the
verdicts, from the stored sample on, compared with DuckDB sorting the landmarks by user and time.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import measure, tables
from benchmarks.data import CACHE
from lydite import pipeline
from lydite.engine import DuckDBEngine, sql_directory
from lydite.evaluation.scoring import score_ceiling, score_models
from lydite.journeys import find_outcomes
from lydite.models import make_models, models_from_settings
from lydite.settings import Settings, SourceSettings
from lydite.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.measure import Figures

NAME = "evaluation"
WORLD, WEEKS, SEED = "linear", 38, 0
#: Mature landmarks of a user, on average.
PER_USER = 5.9
SETTINGS = Settings(sources=SourceSettings(touchpoints="-", conversions="-"))
# A digest of the code that builds the cached warehouses: other code makes other warehouses.
_MADE_BY = (Path(__file__), Path(pipeline.__file__), *sorted(sql_directory().glob("*/*.sql")))
_DIGEST = hashlib.sha256(b"".join(file.read_bytes() for file in _MADE_BY)).hexdigest()[:8]

_SORT = """
create or replace temp table sorted as
select * from evaluation.landmarks order by user_key, happened_at
"""


@dataclass(frozen=True)
class Plan:
    """What is measured: about so many landmarks."""

    sizes: tuple[int, ...]


FULL, QUICK = Plan((1_000_000, 5_000_000)), Plan((5_000,))


# --- work -----------------------------------------------------------------------------------------


def warehouse(landmarks: int, folder: Path = CACHE) -> Path:
    """Return a warehouse with about so many landmarks in its sample, made at the first call."""
    file = folder / f"evaluation_{landmarks}_{_DIGEST}.duckdb"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.unlink(missing_ok=True)
        _build(part, landmarks)
        part.rename(file)
    return file


def _build(file: Path, landmarks: int) -> None:
    world = simulate(WORLD, users=int(landmarks / PER_USER), seed=SEED, weeks=WEEKS)
    sources = {"touchpoints": world.touchpoints, "conversions": world.conversions}
    with DuckDBEngine(file) as engine:
        pipeline.load_inputs(engine, sources)
        pipeline.build_journeys(
            engine, SETTINGS.lookbacks(find_outcomes(engine)), SETTINGS.evaluation.period
        )
        pipeline.usable_models(
            engine, models_from_settings(SETTINGS), required=SETTINGS.chooses_models
        )
        pipeline.build_samples(engine, SETTINGS.evaluation.max_landmarks)


def sort(file: str) -> Figures:
    """Sort the landmarks by user and time into a table, on all cores."""
    watch = measure.Stopwatch()
    with DuckDBEngine(file) as engine, watch("seconds"):
        engine.run(_SORT)
    return watch.seconds


def evaluate(file: str) -> Figures:
    """Backtest all models and compute the verdicts, from an empty ledger.

    Returns
    -------
    The ``seconds`` in total, for ``rivals`` (the backtests), ``ceiling`` and ``verdicts``, the
    processor time of each with the suffix ``_cpu``; ``landmarks`` and ``periods``.
    """
    watch = measure.Stopwatch()
    models = make_models()
    with DuckDBEngine(file) as engine:
        engine.run("drop schema if exists ledger cascade")
        with watch("seconds"):
            with watch("rivals"):
                [(outcome, calendar, own)] = pipeline.load_splits(engine, models)
                tried = [*pipeline.make_baselines(), *models]
                kept = score_models(engine, outcome, tried, calendar, own)
            with watch("ceiling"):
                score_ceiling(engine, outcome, models, calendar, own, SEED, kept)
            with watch("verdicts"):
                pipeline.compare_models(engine, models, SETTINGS.evaluation)
    return {**watch.seconds, "landmarks": len(own.landmarks), "periods": len(calendar)}


def measured(plan: Plan, repeats: int, cache: Path = CACHE) -> dict[str, Any]:
    """Measure everything in the plan, and return the result that `section` describes."""
    machine, runs = measure.machine(), []
    for size in plan.sizes:
        file = str(warehouse(size, cache))
        commands = {"sort": measure.call(sort, file), "evaluate": measure.call(evaluate, file)}
        figures = measure.repeated(commands, repeats, reference="sort", progress=print)
        runs.append({"size": size, **figures})
    return {"machine": machine, "repeats": repeats, "plan": asdict(plan), "runs": runs}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, store its result and print it."""
    measure.perform(NAME, __doc__, (FULL, QUICK), measured, section, arguments)


# --- report ---------------------------------------------------------------------------------------


def section(result: Mapping[str, Any]) -> str:
    """Return the section about a result, in Markdown."""
    rows = []
    for run in result["runs"]:
        own, bound = run["evaluate"], run["sort"]
        landmarks, periods = (int(own[name]["median"]) for name in ("landmarks", "periods"))
        for words, part in _PARTS.items():
            head = (f"{landmarks:,}", str(periods)) if part == "seconds" else ("", "")
            memory = tables.megabytes(own["peak_mb"]) if part == "seconds" else ""
            rows.append(
                (
                    words,
                    *head,
                    tables.seconds(own[part]),
                    tables.times(own[part], bound["seconds"]),
                    tables.times(own[f"{part}_cpu"], bound["seconds_cpu"]),
                    memory,
                )
            )
    return f"""\
## Evaluation

`{measure.command(NAME)}`

All {len(make_models())} default models over weekly periods, from the stored sample to the verdicts.
**The machine's limit** is DuckDB sorting the same landmarks by user and time into a table, on all
cores; multiples (×) are of it.

{tables.table(_HEAD, rows)}

{tables.growth([run["evaluate"] for run in result["runs"]], "landmarks", _GROWN)}"""


_HEAD = ("part", "landmarks", "periods", "time", "× wall", "× processor", "peak")
_PARTS = {
    "all": "seconds",
    "reading the sample, backtesting the rivals": "rivals",
    "the ceiling": "ceiling",
    "the verdicts": "verdicts",
}
_GROWN = {part: words for words, part in _PARTS.items()}

if __name__ == "__main__":
    main()
