"""The steps of a comparison in order, from the input tables to the marts.

Each step reads and writes tables of the engine, so that an orchestrator can run the steps one by
one. `run` runs all of them in one process.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl
from threadpoolctl import threadpool_limits

from lydite import attribution, inputs, journeys, quality
from lydite.durations import format_duration
from lydite.errors import InputError
from lydite.evaluation import ledger, voids
from lydite.evaluation.align_scores import align_scores
from lydite.evaluation.bots import bot_warnings
from lydite.evaluation.calendar import Calendar, History, Period, build_history, make_calendar
from lydite.evaluation.ceiling import NAME as CEILING
from lydite.evaluation.comparison import compare_outcome, unjudged_outcome
from lydite.evaluation.sample import build_sample, copy_users_to_local, load_sample
from lydite.evaluation.scoring import ceiling_fingerprint, score_ceiling, score_models
from lydite.evaluation.segments import load_segments
from lydite.evaluation.shared_touches import cluster_warnings
from lydite.evaluation.spend import spend_warnings
from lydite.evaluation.splits import Split
from lydite.evaluation.warnings import DataSize
from lydite.inputs.channels import channel_notes
from lydite.journeys import incremental
from lydite.journeys.clusters import cluster_column
from lydite.journeys.direct import note_on_direct
from lydite.journeys.outcome_channels import note_on_outcome_channels
from lydite.models import DEFAULT_MODELS, BaseRate, Rule, TouchVolume, models_from_settings
from lydite.models.base import use_direct
from lydite.models.posterior import with_credit
from lydite.models.transition_graph import unreachable_channels
from lydite.paths.shares import count_weightless
from lydite.settings import Completeness, QualitySettings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from lydite.engine import DuckDBEngine, Engine
    from lydite.inputs import Source
    from lydite.journeys.incremental import JourneyBuild
    from lydite.models import Model
    from lydite.paths.landmarks import Landmarks
    from lydite.settings import ChannelSettings, DeclaredEnds, EvaluationSettings, Settings

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
#: The marts that hold credit and need no comparison.
CREDIT_MARTS = ("channel_credit", "channel_transitions", "removal_effects", "data_quality")


def run(
    engine: Engine,
    sources: Mapping[str, Source],
    settings: Settings,
    progress: Progress | None = None,
    rivals: Sequence[Model] | None = None,
) -> None:
    """Run all steps, from the sources to the marts.

    Parameters
    ----------
    engine
        Runs the SQL and holds all tables.
    sources
        The input tables by name.
    settings
        The settings of the project.
    progress
        Called with a description of each step before it starts.
    rivals
        The models to compare; those of the settings when None.

    Raises
    ------
    InputError
        When the input cannot be used.
    """
    say = progress or _ignore
    evaluation = settings.evaluation
    models = _prepare(engine, sources, settings, say, rivals)
    say("drawing the evaluation sample")
    build_samples(engine, evaluation.max_landmarks)
    _reset_attribution(engine)
    for row, landmarks in _load_samples(engine, models):  # one load serves both steps
        if row["periods"]:
            say(f"{row['outcome']}: backtesting {len(models)} models")
            outcome, calendar, split = _split(engine, row, landmarks)
            score_models(engine.local, outcome, [*make_baselines(), *models], calendar, split)
            score_ceiling(engine.local, outcome, models, calendar, split, evaluation.seed)
        say(f"{row['outcome']}: attributing conversions")
        _attribute_outcome(engine, row, landmarks, models, evaluation.seed)
    say("comparing models")
    compare_models(engine, models, evaluation)
    say("writing the marts")
    build_marts(engine)


def attribute(
    engine: Engine,
    sources: Mapping[str, Source],
    settings: Settings,
    progress: Progress | None = None,
    rivals: Sequence[Model] | None = None,
    *,
    intervals: bool = True,
) -> list[tuple[str, str]]:
    """Attribute the conversions without comparing the models; write the marts `CREDIT_MARTS`.

    Parameters
    ----------
    engine, sources, settings, progress, rivals
        As in `run`.
    intervals
        Whether to compute intervals; without them their bounds are 0.

    Returns
    -------
    list of (str, str)
        Kind and text of each warning about the data.

    Raises
    ------
    InputError
        When the input cannot be used.
    """
    say = progress or _ignore
    evaluation = settings.evaluation
    models = _prepare(engine, sources, settings, say, rivals)
    build_samples(engine, evaluation.max_landmarks)
    say("attributing conversions")
    attribute_conversions(engine, models, evaluation.seed if intervals else None)
    build_marts(engine, CREDIT_MARTS)
    outcomes = [row["outcome"] for row in read_outcomes(engine, scored_only=False)]
    found = _outcome_channels(engine.local, outcomes)
    return [*_quality_findings(engine.local), *found, *_findings(engine, models)]


def _prepare(
    engine: Engine,
    sources: Mapping[str, Source],
    settings: Settings,
    say: Progress,
    rivals: Sequence[Model] | None,
) -> list[Model]:
    """Load the inputs, build the journeys, and return the models that can run on them."""
    say("reading the input tables")
    keep_duplicates = settings.quality.keep_duplicates
    load_inputs(
        engine,
        sources,
        settings.declared_ends(),
        names=settings.channels,
        keep_duplicates=keep_duplicates,
    )
    say("building journeys")
    lookbacks = settings.lookbacks(journeys.find_outcomes(engine))
    build_journeys(
        engine,
        lookbacks,
        settings.evaluation.period,
        cluster=settings.evaluation.cluster,
        declared=settings.completeness(lookbacks),
        accepted=settings.quality,
        keep_duplicates=keep_duplicates,
        direct=settings.channels.direct,
    )
    _refuse_wrong_times(engine)
    return usable_models(
        engine,
        models_from_settings(settings)
        if rivals is None
        else with_credit(rivals, settings.evaluation.credit),
        required=rivals is not None or settings.chooses_models,
    )


def _refuse_wrong_times(engine: Engine) -> None:
    """Raise where touchpoints and conversions may be in different zones: no result is right then.

    Epochs and times without a zone are often both UTC: that stays a warning.
    """
    refused = {"shifted_times"}
    if "epoch" not in quality.read_zones(engine.local).values():
        refused.add("mixed_zones")
    for finding in quality.read_findings(engine.local):
        if finding.kind in refused and finding.blocking:
            raise InputError(finding.text)


def _ignore(step: str) -> None:
    del step


# --- inputs ---------------------------------------------------------------------------------------


def load_inputs(
    engine: Engine,
    sources: Mapping[str, Source],
    ends: DeclaredEnds | None = None,
    *,
    names: ChannelSettings | None = None,
    keep_duplicates: bool = False,
) -> None:
    """Load all input tables; ``inputs.report`` counts the rows that were set aside, by reason."""
    loaded = inputs.load(engine, sources, ends=ends, names=names, keep_duplicates=keep_duplicates)
    write_report(engine, list(loaded.tables.values()))


def write_report(engine: Engine, reports: Sequence[inputs.TableReport]) -> None:
    """Write how many rows of the given tables were accepted or set aside, by reason."""
    rows = [
        (report.table, reason, n)
        for report in reports
        for reason, n in [
            ("accepted", report.rows),
            ("duplicate", report.duplicates),
            *([("refund", report.refunds)] if report.refunds else []),
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
    zones = {report.table: report.zone for report in reports if report.zone is not None}
    quality.write_zones(local, [report.table for report in reports], zones)


def quarantined(engine: Engine) -> dict[str, dict[str, int]]:
    """Return how many rows of each input table were set aside, by reason."""
    result: dict[str, dict[str, int]] = {}
    for table, reason, n in engine.local.rows(
        "select table_name, reason, rows from inputs.report"
        " where reason not in ('accepted', 'duplicate', 'refund') order by table_name, reason"
    ):
        result.setdefault(table, {})[reason] = n
    return result


# --- journeys and outcomes ------------------------------------------------------------------------


def build_journeys(
    engine: Engine,
    lookbacks: Mapping[str, timedelta],
    period: Period,
    *,
    full: bool = False,
    cluster: str | None = None,
    declared: Mapping[str, Completeness] | None = None,
    accepted: QualitySettings | None = None,
    keep_duplicates: bool = False,
    direct: Sequence[str] = (),
) -> JourneyBuild:
    """Build journeys, and ``evaluation.outcomes`` with a row per outcome; check the data.

    Where rows are missing, periods are not scored. ``quality.findings`` says so.

    Parameters
    ----------
    engine
        Holds the input tables. In a DuckDB file, only journeys of changed users are rebuilt.
    lookbacks
        The lookback of each outcome.
    period
        Length of the periods that are scored.
    full
        Rebuild the journeys of all users.
    cluster
        The column of `users` whose values are clusters (`journeys.clusters.build_clusters`).
    declared
        What was declared about the end of the data of each outcome; None for nothing.
    accepted
        Which findings about the data are accepted; None for none.
    keep_duplicates
        Whether equal touchpoints without an id are kept; otherwise they are counted once.
    direct
        More names of direct traffic.

    Raises
    ------
    InputError
        When there is no such column.
    """
    build = incremental.build_journeys(
        engine,
        lookbacks,
        full=full,
        cluster=cluster,
        keep_duplicates=keep_duplicates,
        direct=direct,
    )
    engine.local.run(
        "update inputs.report set rows = $n where table_name = 'touchpoints'"
        " and reason = 'duplicate'",
        {"n": build.summary.duplicates},
    )
    build_history(engine)
    extents = _check_data(
        engine,
        dict.fromkeys(lookbacks, Completeness()) if declared is None else declared,
        accepted or QualitySettings(),
    )
    rows = [
        _outcome_row(
            engine, outcome, lookback, period, build.summary.first_at, extents[outcome].as_of
        )
        for outcome, lookback in lookbacks.items()
    ]
    engine.local.store("evaluation.outcomes", pl.DataFrame(rows, schema=_OUTCOME_SCHEMA))
    engine.copy_from_local("evaluation.outcomes")
    return build


def _check_data(
    engine: Engine, declared: Mapping[str, Completeness], accepted: QualitySettings
) -> dict[str, quality.Extent]:
    """Write the findings about the data, and return the extent of each outcome."""
    extents, findings = quality.measure_feeds(
        *quality.read_feeds(engine), declared, accepted.accept
    )
    findings += quality.time_findings(engine, quality.read_zones(engine.local))
    losses = quality.with_advice(_find_losses(engine), accepted)
    quality.write_findings(engine.local, [*quality.with_advice(findings, accepted), *losses])
    quality.write_holes(engine.local, extents)
    blocked = any(loss.blocking for loss in losses)  # then the next run must find them again
    if engine.local.is_persistent and not blocked:
        quality.write_sizes(engine.local, quality.measure_sizes(engine))
    return extents


def _find_losses(engine: Engine) -> list[quality.Finding]:
    """Return findings about what the input tables have lost since the last run."""
    before = quality.read_sizes(engine.local)
    if before is None:
        return []
    return quality.find_losses(before, quality.measure_sizes(engine, before.last_at))


_OUTCOME_SCHEMA: dict[str, Any] = {
    "outcome": pl.String,
    "lookback": pl.String,  # as shown to readers
    "lookback_us": pl.Int64,
    "first_at": pl.Datetime("us"),
    "as_of": pl.Datetime("us"),
    "mature_until": pl.Datetime("us"),
    "period": pl.String,
    "periods": pl.Int64,
    "note": pl.String,
}


EVERY_USER_CONVERTS = (
    "every user with a touchpoint converts: without users who did not convert nothing can be"
    " learned about conversion. Add the touchpoints of users without a conversion"
)
#: Whether any user has touches and no conversion.
_OTHER_USERS = """
select exists (
    select 1
    from journeys.touches as touches
    left join (
        select distinct user_key from journeys.conversions where outcome = $outcome
    ) as converted
        on touches.user_key = converted.user_key
    where converted.user_key is null
)
"""


def _outcome_row(
    engine: Engine,
    outcome: str,
    lookback: timedelta,
    period: Period,
    first_at: datetime,
    as_of: datetime,
) -> dict[str, Any]:
    """Describe one outcome; with too little to learn from, it has credit but no scored periods."""
    history = _load_history(engine, outcome, first_at, as_of)
    note, periods = "", 0
    all_convert = not engine.scalar(_OTHER_USERS, {"outcome": outcome})
    try:
        periods = len(make_calendar(history, lookback, period))
    except InputError as error:
        note = _with_rows_set_aside(str(error), quarantined(engine))
        note += f" Also, {EVERY_USER_CONVERTS}." if all_convert else ""
    if periods and all_convert:
        note, periods = EVERY_USER_CONVERTS, 0
    return {
        "outcome": outcome,
        "lookback": format_duration(lookback),
        "lookback_us": lookback // timedelta(microseconds=1),
        "first_at": first_at,
        "as_of": as_of,
        "mature_until": as_of - lookback,
        "period": period,
        "periods": periods,
        "note": note,
    }


def _load_history(engine: Engine, outcome: str, first_at: datetime, as_of: datetime) -> History:
    holes = quality.read_holes(engine.local, outcome)
    return History.load(engine.local, outcome, first_at, as_of, holes)


def _with_rows_set_aside(note: str, reasons: Mapping[str, Mapping[str, int]]) -> str:
    """Put the rows that were set aside before the note on a short history: they may explain it."""
    parts = [
        f"{n:,} rows of {table} were set aside ({inputs.REASONS.get(reason, reason)})"
        for table in ("conversions", "touchpoints")
        for reason, n in reasons.get(table, {}).items()
    ]
    return f"{'; '.join(parts)}. Without them, {note}" if parts else note


def read_outcomes(engine: Engine, *, scored_only: bool = True) -> list[dict[str, Any]]:
    """Return the rows of ``evaluation.outcomes``; by default only those with scored periods."""
    frame = engine.local.frame("select * from evaluation.outcomes order by outcome")
    return [row for row in frame.to_dicts() if row["periods"] or not scored_only]


def calendar_of(engine: Engine, outcome: Mapping[str, Any]) -> Calendar:
    """Return the calendar of one outcome, given as a row of `read_outcomes`."""
    history = _load_history(engine, outcome["outcome"], outcome["first_at"], outcome["as_of"])
    lookback = timedelta(microseconds=outcome["lookback_us"])
    return make_calendar(history, lookback, outcome["period"])


# --- models ---------------------------------------------------------------------------------------


def make_baselines() -> list[Model]:
    """Return the baselines that every comparison includes, unfitted."""
    return [BaseRate(), TouchVolume()]


def usable_models(engine: Engine, models: Sequence[Model], *, required: bool) -> list[Model]:
    """Return the models that can run on this data; ``evaluation.left_out`` lists the others.

    Parameters
    ----------
    engine
        Holds the journeys.
    models
        The models to compare.
    required
        Raise an error when any of them cannot run, as for models chosen by name.

    Raises
    ------
    InputError
        When a required model cannot run; the message gives the reason.
    """
    channels = len(attribution.channel_names(engine))
    reasons = {
        model.name: model.refusal(channels) or _engine_refusal(engine, model) for model in models
    }
    refused = {name: reason for name, reason in reasons.items() if reason}
    if refused and required:
        raise InputError("\n".join(refused.values()))
    names = {"model": pl.String, "reason": pl.String}
    engine.local.store(
        "evaluation.left_out", pl.DataFrame(list(refused.items()), schema=names, orient="row")
    )
    return [model for model in models if model.name not in refused]


def _engine_refusal(engine: Engine, model: Model) -> str | None:
    """Return why the engine cannot compute the model's weights, None where it can."""
    for expression in model.weight_columns.values():
        reason = engine.translation_error(str(expression))
        if reason is not None:
            return f"the model {model.name!r} cannot run on this engine: {reason}"
    return None


# --- evaluation -----------------------------------------------------------------------------------


_SAMPLES = """
select outcome, count(*) as sampled_landmarks from evaluation.landmarks group by outcome
"""


def build_samples(engine: Engine, max_landmarks: int) -> None:
    """Draw the sample of every outcome: models are fitted and scored on it.

    Parameters
    ----------
    engine
        Holds the journeys.
    max_landmarks
        The most landmarks that the sample of one outcome may hold.
    """
    for name in ("landmarks", "set_aside"):
        engine.local.drop(f"evaluation.{name}")
    buckets = [
        build_sample(engine, row["outcome"], row["mature_until"], max_landmarks)
        for row in read_outcomes(engine, scored_only=False)
    ]
    copy_users_to_local(engine, max(buckets))
    engine.local.create("evaluation.samples", _SAMPLES)


def _load_samples(
    engine: Engine, models: Sequence[Model], *, scored_only: bool = False
) -> Iterator[tuple[dict[str, Any], Landmarks]]:
    """Yield each outcome with its sample, which has the features that the models depend on."""
    channels = attribution.channel_names(engine.local)
    for row in read_outcomes(engine, scored_only=scored_only):
        yield row, load_sample(engine.local, row["outcome"], channels, models)


def load_splits(engine: Engine, models: Sequence[Model]) -> Iterator[tuple[str, Calendar, Split]]:
    """Yield each outcome with its calendar and its sample, split into training and test data.

    Parameters
    ----------
    engine
        Holds the samples.
    models
        The sample has the features that these models depend on.
    """
    for row, landmarks in _load_samples(engine, models, scored_only=True):
        yield _split(engine, row, landmarks)


def _split(
    engine: Engine, row: Mapping[str, Any], landmarks: Landmarks
) -> tuple[str, Calendar, Split]:
    outcome, calendar = row["outcome"], calendar_of(engine, row)
    segments = load_segments(engine.local, outcome)
    return outcome, calendar, Split.by_period(landmarks, calendar, segments)


def backtest_models(
    engine: Engine, models: Sequence[Model], seed: int, only: Collection[str] | None = None
) -> None:
    """Backtest baselines, models and the ceiling; write their scores to the ledger.

    Parameters
    ----------
    engine
        Holds the samples.
    models
        The models to compare, which also feed the ceiling.
    seed
        Seeds the ceiling.
    only
        Names of the models to backtest, with the ceiling's; all when None.
    """
    evaluated = [*make_baselines(), *models]
    if only is not None:
        evaluated = [model for model in evaluated if model.name in only]
    with_ceiling = only is None or CEILING in only
    for outcome, calendar, split in load_splits(engine, models if with_ceiling else evaluated):
        score_models(engine.local, outcome, evaluated, calendar, split)
        if with_ceiling:
            score_ceiling(engine.local, outcome, models, calendar, split, seed)


_TRANSITIONS = """
with transitions as (
    select distinct channel_key, converted, next_channel_key
    from evaluation.landmarks
    where outcome = $outcome
)
select
    origins.channel as from_channel,
    case
        when transitions.converted then '(conversion)' else coalesce(targets.channel, '(null)')
    end as to_channel
from transitions
inner join journeys.channels as origins on transitions.channel_key = origins.channel_key
left join journeys.channels as targets on transitions.next_channel_key = targets.channel_key
"""


def compare_models(engine: Engine, models: Sequence[Model], evaluation: EvaluationSettings) -> None:
    """Compare the models of every outcome; write the marts of `evaluation.comparison`."""
    engine.local.store("evaluation.risk", pl.DataFrame({"alpha": [evaluation.alpha]}))
    parts: dict[str, list[pl.DataFrame]] = {}
    rows = read_outcomes(engine, scored_only=False)
    findings = _findings(engine, models)
    for row in rows:
        transitions = engine.local.frame(_TRANSITIONS, {"outcome": row["outcome"]})
        unreachable = unreachable_channels(transitions)
        found = _compare_outcome(engine, row, models, evaluation, unreachable, findings, len(rows))
        for name, frame in found.items():
            parts.setdefault(name, []).append(frame)
    for name, frames in parts.items():
        mart = f"mart.{name}"
        engine.local.store(f"evaluation.{name}", pl.concat(frames))
        engine.local.create(mart, f"marts/{name}")
        engine.local.comment(mart, f"marts/{name}")
        engine.copy_from_local(mart)


def _compare_outcome(
    engine: Engine,
    row: Mapping[str, Any],
    models: Sequence[Model],
    evaluation: EvaluationSettings,
    unreachable: Sequence[str],
    findings: Sequence[tuple[str, str]],
    outcomes: int,
) -> dict[str, pl.DataFrame]:
    """Compare the models of one outcome by their scores in the ledger, if it has any.

    All outcomes of the report share alpha, also those that have no verdicts yet.
    """
    findings = [
        *_quality_findings(engine.local, row["outcome"]),
        *_outcome_channels(engine.local, [row["outcome"]]),
        *findings,
    ]
    if not row["periods"]:
        # More data of the same kind does not help where every user converts.
        undecided = () if row["note"] == EVERY_USER_CONVERTS else models
        return unjudged_outcome(
            row["outcome"],
            undecided,
            row["note"],
            primary=evaluation.primary,
            unreachable=unreachable,
            findings=findings,
        )
    outcome, calendar = row["outcome"], calendar_of(engine, row)
    cluster = cluster_column(engine.local)
    definitions = {
        model.name: ledger.score_fingerprint(model.fingerprint, calendar, cluster)
        for model in (*make_baselines(), *models)
    }
    definitions[CEILING] = ledger.score_fingerprint(
        ceiling_fingerprint(models, evaluation.seed), calendar, cluster
    )
    read = partial(ledger.read_scores, engine.local, outcome, definitions, calendar)
    has_restated = ledger.has_restated_scores(engine.local, outcome, definitions)
    scores, restated = align_scores(read(), read(restated=True) if has_restated else None)
    return compare_outcome(
        outcome,
        models,
        scores,
        calendar,
        evaluation,
        restated=restated,
        notes=_notes_on_rules(engine.local, outcome, models),
        size=_data_size(engine, row),
        unreachable=unreachable,
        findings=findings,
        outcomes=outcomes,
    )


_REFUNDS = "{n:,} refunds were subtracted from the value of the conversion with the same id"


def _findings(engine: Engine, models: Sequence[Model]) -> list[tuple[str, str]]:
    """Return kind and text of each warning about the data that concerns all outcomes."""
    direct = note_on_direct(journeys.direct_channels(engine.local)) if use_direct(models) else None
    refunds = engine.local.scalar("select sum(rows) from inputs.report where reason = 'refund'")
    return [
        *([("direct", direct)] if direct else []),
        *([("refund", _REFUNDS.format(n=refunds))] if refunds else []),
        *channel_notes(engine.local),
        *spend_warnings(engine),
        *cluster_warnings(engine),
        *bot_warnings(engine),
    ]


def _quality_findings(engine: DuckDBEngine, outcome: str | None = None) -> list[tuple[str, str]]:
    """Return kind and text of each finding about missing rows; of one outcome, or of all."""
    found: list[tuple[str, str]] = [
        (finding.kind, finding.text)
        for finding in quality.read_findings(engine)
        if outcome is None or finding.concerns(outcome)
    ]
    if outcome is not None:
        found += [("voided", text) for text in voids.void_notes(engine, outcome)]
    return found


_LAST_CHANNELS = """
select any_value(channels.channel), count(*), count(*) filter (where landmarks.converted)
from evaluation.landmarks as landmarks
inner join journeys.channels as channels on landmarks.channel_key = channels.channel_key
where landmarks.outcome = $outcome
group by landmarks.channel_key
"""


def _outcome_channels(engine: DuckDBEngine, outcomes: Sequence[str]) -> list[tuple[str, str]]:
    """Return a warning for each of the outcomes that some channel gives away."""
    found = [
        (outcome, note_on_outcome_channels(engine.rows(_LAST_CHANNELS, {"outcome": outcome})))
        for outcome in outcomes
    ]
    several = len(outcomes) > 1
    return [
        ("outcome_channel", f"{outcome}: {text}" if several else text)
        for outcome, text in found
        if text
    ]


def _data_size(engine: Engine, outcome: Mapping[str, Any]) -> DataSize:
    """Count the users and landmarks of an outcome, also those that were not scored."""
    users, landmarks, immature = engine.rows(
        "select count(distinct user_key), count(*),"
        " count(*) filter (where happened_at > $mature_until)"
        " from journeys.path_events where outcome = $outcome and not is_conversion"
        " and user_key not in (select user_key from journeys.bot_like_users)",
        outcome,
    )[0]
    return DataSize(users, landmarks, immature)


def _notes_on_rules(engine: DuckDBEngine, outcome: str, models: Sequence[Model]) -> dict[str, str]:
    """Return a warning for each of the user's rules that gives some paths no weight at all."""
    rules = [
        model for model in models if isinstance(model, Rule) and model.name not in DEFAULT_MODELS
    ]
    if not rules:
        return {}
    landmarks = load_sample(engine, outcome, attribution.channel_names(engine), rules)
    paths = {rule.name: count_weightless(landmarks, rule.name) for rule in rules}
    return {
        name: f"no touch has any weight on {n:,} paths; their touches share the credit equally"
        for name, n in paths.items()
        if n
    }


# --- attribution and marts ------------------------------------------------------------------------


def attribute_conversions(engine: Engine, models: Sequence[Model], seed: int | None) -> None:
    """Fit the models on all mature landmarks and attribute every conversion, with intervals.

    Parameters
    ----------
    engine
        Holds the journeys and the samples.
    models
        The models to compare.
    seed
        Seeds the bootstrap; None for no intervals.
    """
    _reset_attribution(engine)
    for row, landmarks in _load_samples(engine, models):
        _attribute_outcome(engine, row, landmarks, models, seed)


def _reset_attribution(engine: Engine) -> None:
    journeys.create_path_touches_view(engine)  # the Spark session may be another than before
    attribution.reset_credit_tables(engine)


def _attribute_outcome(
    engine: Engine,
    row: Mapping[str, Any],
    landmarks: Landmarks,
    models: Sequence[Model],
    seed: int | None,
) -> None:
    # The matrices are small: more BLAS threads would wait for each other.
    with threadpool_limits(1, user_api="blas"):
        attribution.attribute_outcome(engine, row["outcome"], models, landmarks, seed)


#: Local tables that the marts join to tables with all rows.
_JOINED = (
    "inputs.report",
    "evaluation.samples",
    "credit.statistics",
    "credit.daily",
    "credit.intervals",
    "credit.removal_effects",
    "credit.kinds",
)


_REFUTED = """
select outcome, model from evaluation.model_comparison
where segment = 'all' and verdict = 'refuted'
"""


def build_marts(engine: Engine, names: Sequence[str] = MARTS) -> None:
    """Build the marts that are plain SQL, with their comments; all of them by default."""
    journeys.create_path_touches_view(engine)
    local = engine.local
    compared = local.exists("evaluation.model_comparison")
    nothing = pl.DataFrame(schema={"outcome": pl.String, "model": pl.String})
    local.store("evaluation.refuted", local.frame(_REFUTED) if compared else nothing)
    engine.copy_from_local("evaluation.refuted")
    for table in _JOINED:
        engine.copy_from_local(table)
    for name in names:
        mart = f"mart.{name}"
        engine.local.drop(mart)
        engine.append_local(mart, f"marts/{name}")
        engine.local.comment(mart, f"marts/{name}")
        engine.copy_from_local(mart)
    engine.local.drop("evaluation.outcome_summary")
    engine.append_local("evaluation.outcome_summary", "evaluation/outcome_summary")
