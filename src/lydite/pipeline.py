"""The trial, step by step: each step reads and writes tables of the engine.

`run` takes all steps in one process; an orchestrator takes them one by one.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl
from threadpoolctl import threadpool_limits

from lydite import attribution, inputs, journeys
from lydite.durations import format_duration
from lydite.errors import InputError
from lydite.evaluation import ledger
from lydite.evaluation.align_scores import align_scores
from lydite.evaluation.calendar import Calendar, History, build_history, make_calendar
from lydite.evaluation.ceiling import NAME as CEILING
from lydite.evaluation.comparison import compare_outcome
from lydite.evaluation.sample import build_sample, gather_users, load_sample
from lydite.evaluation.scoring import ceiling_fingerprint, score_ceiling, score_models
from lydite.evaluation.segments import load_segments
from lydite.evaluation.splits import Split
from lydite.evaluation.warnings import DataSize
from lydite.journeys import incremental
from lydite.models import DEFAULT_MODELS, BaseRate, Rule, TouchVolume, models_from_settings
from lydite.paths.shares import weightless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lydite.engine import DuckDBEngine, Engine
    from lydite.inputs import Source
    from lydite.journeys.incremental import JourneyBuild
    from lydite.models import Landmarks, Model
    from lydite.settings import Settings

    Progress = Callable[[str], None]

MARTS = (
    "channel_credit",
    "credit_daily",
    "top_paths",
    "path_lengths",
    "time_lags",
    "channel_transitions",
    "removal_effects",
    "data_quality",
)
BASELINES = (BaseRate, TouchVolume)


def run(
    engine: Engine,
    sources: Mapping[str, Source],
    settings: Settings,
    progress: Progress | None = None,
    rivals: Sequence[Model] | None = None,
) -> None:
    """Take every step from the sources to the marts.

    Parameters
    ----------
    rivals
        The models to compare, where they are not those of the settings.

    Raises
    ------
    InputError
        When the input cannot be used.
    """
    progress = progress or _in_silence
    progress("reading the input tables")
    load_inputs(engine, sources)
    progress("laying out journeys")
    build_journeys(engine, settings)
    models = usable_models(engine, settings, rivals)
    progress("drawing the evaluation sample")
    build_samples(engine, settings)
    attribution.start_credit(engine)
    channels = attribution.channel_names(engine.local)
    for row in outcomes(engine, judged=False):
        outcome, seed = row["outcome"], settings.evaluation.seed
        # What is loaded serves the trial and the credit, one outcome at a time.
        landmarks = load_sample(engine.local, outcome, channels, models)
        if row["periods"]:
            _backtest_outcome(engine, row, models, landmarks, seed, progress)
        progress(f"{outcome}: dividing the conversions")
        attribute_outcome(engine, outcome, models, landmarks, seed)
    progress("comparing the rivals")
    compare_models(engine, models, settings)
    progress("writing the marts")
    build_marts(engine)


def _backtest_outcome(
    engine: Engine,
    row: Mapping[str, Any],
    models: Sequence[Model],
    landmarks: Landmarks,
    seed: int,
    progress: Progress,
) -> None:
    """Walk the baselines, the models and the ceiling forward over one outcome."""
    outcome, calendar = row["outcome"], calendar_of(engine, row)
    split = Split.by_period(landmarks, calendar, load_segments(engine.local, outcome))
    tried = [*(baseline() for baseline in BASELINES), *models]
    progress(f"{outcome}: trying {len(tried)} models")
    score_models(engine.local, outcome, tried, calendar, split)
    progress(f"{outcome}: finding the ceiling")
    score_ceiling(engine.local, outcome, models, calendar, split, seed)


def _in_silence(step: str) -> None:
    del step


def load_inputs(engine: Engine, sources: Mapping[str, Source]) -> None:
    """Load all input tables, and keep what was set aside and why in ``inputs.report``."""
    write_report(engine, list(inputs.load(engine, sources).tables.values()))


def write_report(engine: Engine, reports: Sequence[inputs.TableReport]) -> None:
    """Write how many rows of the given tables were accepted or set aside, and why."""
    rows = [
        (report.table, reason, n)
        for report in reports
        for reason, n in [
            ("accepted", report.rows),
            ("duplicate", report.duplicates),
            *report.bad.items(),
        ]
    ]
    local = engine.local
    if local.exists("inputs.report"):
        for report in reports:
            local.run("delete from inputs.report where table_name = $name", {"name": report.table})
    schema = ["table_name", "reason", "rows"]
    with local.registered(pl.DataFrame(rows, schema=schema, orient="row")) as frame:
        local.append("inputs.report", f"from {frame}")


def quarantined(engine: Engine) -> dict[str, dict[str, int]]:
    """Return how many rows of each input table were set aside, by reason."""
    result: dict[str, dict[str, int]] = {}
    for table, reason, n in engine.local.rows(
        "select table_name, reason, rows from inputs.report"
        " where reason not in ('accepted', 'duplicate') order by table_name, reason"
    ):
        result.setdefault(table, {})[reason] = n
    return result


def build_journeys(engine: Engine, settings: Settings, *, full: bool = False) -> JourneyBuild:
    """Build touches, path_events and conversions, and the table of outcomes with their calendars.

    In a file, only users who have changed since the last time are laid out, or all where `full`.
    """
    lookbacks = settings.lookbacks(journeys.find_outcomes(engine))
    build = incremental.build_journeys(engine, lookbacks, full=full)
    built = build.journeys
    engine.local.run(
        "update inputs.report set rows = $n where table_name = 'touchpoints'"
        " and reason = 'duplicate'",
        {"n": built.duplicates},
    )
    build_history(engine)
    rows = [
        _outcome_row(engine.local, outcome, lookback, built, settings)
        for outcome, lookback in lookbacks.items()
    ]
    if all(row["periods"] == 0 for row in rows):
        raise InputError("\n".join(row["note"] for row in rows))
    engine.local.store("evaluation.outcomes", pl.DataFrame(rows, schema=_OUTCOME_SCHEMA))
    return build


def usable_models(
    engine: Engine, settings: Settings, rivals: Sequence[Model] | None = None
) -> list[Model]:
    """Return the models that can be tried on this data, and keep why others were left out.

    Raises
    ------
    InputError
        When a model cannot be tried that was chosen by name.
    """
    channels = len(attribution.channel_names(engine))
    models = models_from_settings(settings) if rivals is None else list(rivals)
    reasons = {
        model.name: model.refusal(channels) or _cannot_run(engine, model) for model in models
    }
    refused = {name: why for name, why in reasons.items() if why}
    if refused and (rivals is not None or settings.chooses_models):
        raise InputError("\n".join(refused.values()))
    names = {"model": pl.String, "reason": pl.String}
    engine.local.store(
        "evaluation.left_out", pl.DataFrame(list(refused.items()), schema=names, orient="row")
    )
    return [model for model in models if model.name not in refused]


def _cannot_run(engine: Engine, model: Model) -> str | None:
    """Return why the engine cannot weigh touches as the model asks, None where it can."""
    for expression in model.weight_columns.values():
        why = engine.translation_error(expression)
        if why is not None:
            return f"the model {model.name!r} cannot be tried on this engine: {why}"
    return None


_OUTCOME_SCHEMA: dict[str, Any] = {
    "outcome": pl.String,
    "lookback": pl.String,
    "lookback_us": pl.Int64,
    "first_at": pl.Datetime("us"),
    "as_of": pl.Datetime("us"),
    "mature_until": pl.Datetime("us"),
    "period": pl.String,
    "periods": pl.Int64,
    "note": pl.String,
}


def _outcome_row(
    engine: DuckDBEngine,
    outcome: str,
    lookback: timedelta,
    built: journeys.JourneySummary,
    settings: Settings,
) -> dict[str, Any]:
    """Describe one outcome; one whose history is too short is credited but not judged."""
    history = History.load(engine, outcome, built.first_at, built.as_of)
    note, periods = "", 0
    try:
        periods = len(make_calendar(history, lookback, settings.evaluation.period))
    except InputError as error:
        note = str(error)
    return {
        "outcome": outcome,
        "lookback": format_duration(lookback),
        "lookback_us": lookback // timedelta(microseconds=1),
        "first_at": built.first_at,
        "as_of": built.as_of,
        "mature_until": built.as_of - lookback,
        "period": settings.evaluation.period,
        "periods": periods,
        "note": note,
    }


def outcomes(engine: Engine, *, judged: bool = True) -> list[dict[str, Any]]:
    """Return the rows of ``evaluation.outcomes``; only outcomes with a calendar by default."""
    frame = engine.local.frame("select * from evaluation.outcomes order by outcome")
    return [row for row in frame.to_dicts() if row["periods"] or not judged]


def calendar_of(engine: Engine, outcome: Mapping[str, Any]) -> Calendar:
    """Lay out the calendar of one outcome, a row of `outcomes`."""
    own = (outcome["outcome"], outcome["first_at"], outcome["as_of"])
    history = History.load(engine.local, *own)
    return make_calendar(history, timedelta(microseconds=outcome["lookback_us"]), outcome["period"])


_SAMPLES = """
select outcome, count(*) as sampled_landmarks from evaluation.landmarks group by outcome
"""


def build_samples(engine: Engine, settings: Settings) -> None:
    """Draw the sample of every outcome: models are fitted on it, judged on it, and then credit."""
    engine.local.drop("evaluation.landmarks")
    most = settings.evaluation.max_landmarks
    buckets = [
        build_sample(engine, row["outcome"], row["mature_until"], most)
        for row in outcomes(engine, judged=False)
    ]
    gather_users(engine, max(buckets))
    engine.local.create("evaluation.samples", _SAMPLES)


def splits(engine: Engine, models: Sequence[Model]) -> Iterator[tuple[str, Calendar, Split]]:
    """Yield every outcome's calendar and sample, with what the given models see of paths."""
    local = engine.local
    channels = attribution.channel_names(local)
    for row in outcomes(engine):
        landmarks = load_sample(local, row["outcome"], channels, models)
        calendar = calendar_of(engine, row)
        segments = load_segments(local, row["outcome"])
        yield row["outcome"], calendar, Split.by_period(landmarks, calendar, segments)


def compare_models(engine: Engine, models: Sequence[Model], settings: Settings) -> None:
    """Compare the rivals of every outcome: tables `comparison.TABLES` of the schema ``mart``."""
    parts: dict[str, list[pl.DataFrame]] = {}
    local = engine.local
    for row in outcomes(engine):
        calendar = calendar_of(engine, row)
        current = {
            model.name: ledger.score_fingerprint(model.fingerprint, calendar)
            for model in (*(baseline() for baseline in BASELINES), *models)
        }
        seen = ceiling_fingerprint(models, settings.evaluation.seed)
        current[CEILING] = ledger.score_fingerprint(seen, calendar)
        read = partial(ledger.read_scores, local, row["outcome"], current, calendar)
        again = ledger.has_restated_scores(local, row["outcome"], current)
        scores, restated = align_scores(read(), read(restated=True) if again else None)
        tables = compare_outcome(
            row["outcome"],
            models,
            scores,
            calendar,
            settings.evaluation,
            restated=restated,
            notes=_weightless(local, row["outcome"], models),
            size=_size(engine, row),
        )
        for name, frame in tables.items():
            parts.setdefault(name, []).append(frame)
    for name, frames in parts.items():
        local.store(f"evaluation.{name}", pl.concat(frames))
        local.create(f"mart.{name}", f"marts/{name}")
        local.comment(f"mart.{name}", f"marts/{name}")
        engine.copy_from_local(f"mart.{name}")


def _size(engine: Engine, outcome: Mapping[str, Any]) -> DataSize:
    """Return how large the data of an outcome is, a row of `outcomes`, beyond what was scored."""
    users, landmarks, immature = engine.rows(
        "select count(distinct user_key), count(*),"
        " count(*) filter (where happened_at > $mature_until)"
        " from journeys.path_events where outcome = $outcome and not is_conversion",
        outcome,
    )[0]
    return DataSize(users, landmarks, immature)


def _weightless(engine: DuckDBEngine, outcome: str, models: Sequence[Model]) -> dict[str, str]:
    """Return what to beware of in rules that give no touch of some paths any weight."""
    own = [
        model for model in models if isinstance(model, Rule) and model.name not in DEFAULT_MODELS
    ]
    if not own:
        return {}
    landmarks = load_sample(engine, outcome, attribution.channel_names(engine), own)
    paths = {rule.name: weightless(landmarks, rule.name) for rule in own}
    return {
        name: f"on {n:,} paths no touch has any weight; there all share alike"
        for name, n in paths.items()
        if n
    }


def attribute_conversions(engine: Engine, models: Sequence[Model], settings: Settings) -> None:
    """Fit the models on all that is mature, and divide every conversion, with intervals."""
    journeys.create_path_touches_view(
        engine
    )  # a run that goes on from another has a session of its own
    attribution.start_credit(engine)
    channels = attribution.channel_names(engine.local)
    for row in outcomes(engine, judged=False):
        landmarks = load_sample(engine.local, row["outcome"], channels, models)
        attribute_outcome(engine, row["outcome"], models, landmarks, settings.evaluation.seed)


def attribute_outcome(
    engine: Engine, outcome: str, models: Sequence[Model], landmarks: Landmarks, seed: int
) -> None:
    """Fit the models on the mature landmarks of one outcome, and divide its conversions."""
    # The matrices are small: more threads of BLAS would wait for each other, not work.
    with threadpool_limits(1, user_api="blas"):
        attribution.credit_outcome(engine, outcome, models, landmarks, seed)


#: What marts join to rows, wherever these are.
_JOINED = (
    "inputs.report",
    "evaluation.outcomes",
    "evaluation.samples",
    "credit.statistics",
    "credit.daily",
    "credit.intervals",
    "credit.removal_effects",
)


def build_marts(engine: Engine) -> None:
    """Build the marts that are plain SQL, each with its comments."""
    journeys.create_path_touches_view(engine)
    for table in _JOINED:
        engine.copy_from_local(table)
    for name in MARTS:
        mart = f"mart.{name}"
        engine.local.drop(mart)
        engine.append_local(mart, f"marts/{name}")
        engine.local.comment(mart, f"marts/{name}")
        engine.copy_from_local(mart)
    engine.local.drop("evaluation.outcome_summary")
    engine.append_local("evaluation.outcome_summary", "evaluation/outcome_summary")
