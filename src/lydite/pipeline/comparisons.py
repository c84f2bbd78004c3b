"""The step that compares the models of every outcome by their scores."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from lydite import attribution, journeys, quality
from lydite.decisions.hypotheses import (
    DEFINITION,
    DEFINITIONS,
    definition_row,
    repeated_hypotheses,
)
from lydite.errors import InputError
from lydite.evaluation import ledger, voids
from lydite.evaluation.align_scores import align_scores
from lydite.evaluation.bots import bot_warnings
from lydite.evaluation.ceiling import NAME as CEILING
from lydite.evaluation.comparison import compare_outcome, unjudged_outcome
from lydite.evaluation.error_budget import split_by_lookback
from lydite.evaluation.sample import load_sample
from lydite.evaluation.scoring import ceiling_fingerprint
from lydite.evaluation.shared_touches import cluster_warnings
from lydite.evaluation.spend import spend_warnings
from lydite.evaluation.warnings import DataSize
from lydite.inputs.channels import channel_notes
from lydite.journeys.channel_choice import notes_on_channels
from lydite.journeys.clusters import resampling_unit
from lydite.journeys.direct import note_on_direct
from lydite.journeys.interactions import note_on_interactions
from lydite.journeys.outcome_channels import note_on_outcome_channels
from lydite.journeys.people import count_persons_sql, people_warnings
from lydite.journeys.repeats import note_on_repeats
from lydite.models import DEFAULT_MODELS, Rule, with_milestone
from lydite.models.base import use_direct
from lydite.models.transition_graph import unreachable_channels
from lydite.paths.shares import count_weightless
from lydite.pipeline.models import make_baselines
from lydite.pipeline.outcomes import EVERY_USER_CONVERTS, calendar_of, read_outcomes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lydite.engine import DuckDBEngine, Engine
    from lydite.evaluation.calendar import Calendar
    from lydite.models import Model
    from lydite.settings import EvaluationSettings


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
    """Compare the models of every outcome; write the marts of `evaluation.comparison`.

    Where there are other lookbacks, they have a part of alpha.
    """
    alpha, _ = split_by_lookback(evaluation.alpha, len(evaluation.other_lookbacks))
    evaluation = evaluation.model_copy(update={"alpha": alpha})
    parts: dict[str, list[pl.DataFrame]] = {}
    rows = read_outcomes(engine, scored_only=False)
    findings = general_findings(engine, models)
    definitions = []
    for row in rows:
        own = with_milestone(models, row["milestone"])
        calendar = calendar_of(engine, row) if row["periods"] else None
        scored_as = {} if calendar is None else _score_fingerprints(
            engine, calendar, own, evaluation
        )  # fmt: skip
        definitions += [definition_row(row["outcome"], m, scored_as.get(m.name)) for m in own]
        transitions = engine.local.frame(_TRANSITIONS, {"outcome": row["outcome"]})
        unreachable = unreachable_channels(transitions)
        found = _compare_outcome(
            engine, row, calendar, own, scored_as, evaluation, unreachable, findings, len(rows)
        )
        for name, frame in found.items():
            parts.setdefault(name, []).append(frame)
    engine.local.store(DEFINITIONS, pl.DataFrame(definitions, schema=DEFINITION))
    for name, frames in parts.items():
        mart = f"mart.{name}"
        engine.local.store(f"evaluation.{name}", pl.concat(frames))
        engine.local.create(mart, f"marts/{name}")
        engine.local.comment(mart, f"marts/{name}")
        engine.copy_from_local(mart)


def refuse_uncompared(engine: Engine) -> None:
    """Refuse to attribute conversions of outcomes that no run has compared.

    Raises
    ------
    InputError
        When the last comparison lacks an outcome of the data, or there was none.
    """
    local = engine.local
    compared = {name for (name,) in local.rows(_COMPARED)} if local.exists(DEFINITIONS) else set()
    for row in read_outcomes(engine, scored_only=False):
        if row["outcome"] not in compared:
            raise InputError(
                f"the models were not compared on {row['outcome']!r} yet: run the job"
                " refresh, which compares them"
            )


_COMPARED = f"select distinct outcome from {DEFINITIONS}"


def _score_fingerprints(
    engine: Engine,
    calendar: Calendar,
    models: Sequence[Model],
    evaluation: EvaluationSettings,
) -> dict[str, str]:
    """Return the fingerprints of the scores of all models of an outcome, with the references."""
    cluster = resampling_unit(engine.local)
    fingerprints = {model.name: model.fingerprint for model in (*make_baselines(), *models)}
    fingerprints[CEILING] = ceiling_fingerprint(models, evaluation.seed)
    return {
        name: ledger.score_fingerprint(own, calendar, cluster) for name, own in fingerprints.items()
    }


def _compare_outcome(
    engine: Engine,
    row: Mapping[str, Any],
    calendar: Calendar | None,
    models: Sequence[Model],
    scored_as: Mapping[str, str],
    evaluation: EvaluationSettings,
    unreachable: Sequence[str],
    findings: Sequence[tuple[str, str]],
    outcomes: int,
) -> dict[str, pl.DataFrame]:
    """Compare the models of one outcome by their scores in the ledger, if it has any.

    All outcomes of the report share alpha, also those that have no verdicts yet.
    """
    findings = [
        *quality_findings(engine.local, row["outcome"]),
        *outcome_channel_findings(engine.local, [row["outcome"]]),
        *path_findings(engine, [row]),
        *repeated_hypotheses(engine.local, row["outcome"], models, scored_as),
        *findings,
    ]
    if calendar is None:
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
    outcome = row["outcome"]
    read = partial(ledger.read_scores, engine.local, outcome, scored_as, calendar)
    has_restated = ledger.has_restated_scores(engine.local, outcome, scored_as)
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


def general_findings(engine: Engine, models: Sequence[Model]) -> list[tuple[str, str]]:
    """Return kind and text of each warning about the data that concerns all outcomes."""
    direct = note_on_direct(journeys.direct_channels(engine.local)) if use_direct(models) else None
    refunds = engine.local.scalar("select sum(rows) from inputs.report where reason = 'refund'")
    interactions = note_on_interactions(engine)
    return [
        *([("direct", direct)] if direct else []),
        *([("interactions", interactions)] if interactions else []),
        *([("refund", _REFUNDS.format(n=refunds))] if refunds else []),
        *channel_notes(engine),
        *spend_warnings(engine),
        *cluster_warnings(engine),
        *bot_warnings(engine),
        *people_warnings(engine),
    ]


def quality_findings(engine: DuckDBEngine, outcome: str | None = None) -> list[tuple[str, str]]:
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


def outcome_channel_findings(
    engine: DuckDBEngine, outcomes: Sequence[str]
) -> list[tuple[str, str]]:
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


def path_findings(engine: Engine, outcomes: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return kind and text of each finding about the paths of some outcomes.

    Parameters
    ----------
    engine
        Holds the journeys.
    outcomes
        Rows of `read_outcomes`.
    """
    found = []
    for row in outcomes:
        parameters = {"outcome": row["outcome"]}
        conversions = engine.scalar(_CONVERSIONS, parameters) if row["repeats"] else 0
        note = note_on_repeats(row["repeats"], conversions, row["after_conversion"])
        if note:
            found.append(("after_conversion", f"{row['outcome']}: {note}"))
        texts = notes_on_channels(engine, row["outcome"])
        found += [("channels_of_outcome", f"{row['outcome']}: {text}") for text in texts]
    return found


_CONVERSIONS = "select count(*) from journeys.conversions where outcome = $outcome"


def _data_size(engine: Engine, outcome: Mapping[str, Any]) -> DataSize:
    """Count the users and landmarks of an outcome, also those that were not scored."""
    persons, joined = count_persons_sql(engine)
    users, landmarks, immature = engine.rows(
        f"select {persons}, count(*), count(*) filter (where happened_at > $mature_until)"
        f" from journeys.path_events as path_events{joined}"
        " where outcome = $outcome and not is_conversion"
        " and path_events.user_key not in (select user_key from journeys.bot_like_users)",
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
