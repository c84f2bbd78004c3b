"""All steps in order, in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite import journeys, quality
from lydite.errors import InputError
from lydite.evaluation.scoring import score_ceiling, score_models
from lydite.journeys.erasure import erase_users
from lydite.models import models_from_settings, with_milestone
from lydite.models.posterior import with_credit
from lydite.pipeline.backtests import build_samples, load_samples, split_of
from lydite.pipeline.champions import record_decisions
from lydite.pipeline.comparisons import (
    compare_models,
    general_findings,
    outcome_channel_findings,
    path_findings,
    quality_findings,
)
from lydite.pipeline.costs import refuse_costs_without_value
from lydite.pipeline.input_tables import load_inputs
from lydite.pipeline.marts import (
    CREDIT_MARTS,
    attribute_conversions,
    attribute_outcome,
    build_marts,
    reset_attribution,
)
from lydite.pipeline.models import make_baselines, usable_models
from lydite.pipeline.outcomes import build_journeys, read_outcomes
from lydite.pipeline.runs import record_run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lydite.engine import Engine
    from lydite.inputs import Source
    from lydite.models import Model
    from lydite.settings import Settings

    Progress = Callable[[str], None]


def run(
    engine: Engine,
    sources: Mapping[str, Source],
    settings: Settings,
    progress: Progress | None = None,
    rivals: Sequence[Model] | None = None,
    decisions: Path | None = None,
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
    decisions
        The log of decisions of the project; None without a project.

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
    reset_attribution(engine)
    for row, landmarks in load_samples(engine, models):  # one load serves both steps
        own = with_milestone(models, row["milestone"])
        if row["periods"]:
            say(
                f"{row['outcome']}: backtesting {len(models)} model{'s' if len(models) > 1 else ''}"
            )
            outcome, calendar, split = split_of(engine, row, landmarks)
            score_models(engine.local, outcome, [*make_baselines(), *own], calendar, split)
            score_ceiling(engine.local, outcome, own, calendar, split, evaluation.seed)
        say(f"{row['outcome']}: attributing conversions")
        attribute_outcome(engine, row, landmarks, own, evaluation.seed)
    say("comparing models")
    compare_models(engine, models, evaluation)
    record_decisions(engine, decisions)
    say("writing the marts")
    record_run(engine, evaluation)
    build_marts(engine, costs=settings.costs())


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
    record_run(engine, evaluation)
    build_marts(engine, CREDIT_MARTS, settings.costs())
    rows = read_outcomes(engine, scored_only=False)
    found = outcome_channel_findings(engine.local, [row["outcome"] for row in rows])
    return [
        *quality_findings(engine.local),
        *found,
        *path_findings(engine, rows),
        *general_findings(engine, models),
    ]


def prepare(
    engine: Engine, sources: Mapping[str, Source], settings: Settings, say: Progress | None = None
) -> None:
    """Load the inputs, build the journeys, and check the data; findings do not raise.

    Parameters
    ----------
    engine, sources, settings
        As in `run`.
    say
        Called with a description of each step before it starts.

    Raises
    ------
    InputError
        When the input cannot be used.
    """
    say = say or _ignore
    say("reading the input tables")
    keep_duplicates = settings.quality.keep_duplicates
    load_inputs(
        engine,
        sources,
        settings.declared_ends(),
        names=settings.channels,
        keep_duplicates=keep_duplicates,
        rules=settings.quality.rules,
        first_only=settings.first_only(),
        currency=settings.currency,
        timezone=settings.timezone,
    )
    erase_users(engine, settings.people)
    say("building journeys")
    lookbacks = settings.lookbacks(journeys.find_outcomes(engine))
    refuse_costs_without_value(engine, settings.costs())
    build_journeys(
        engine,
        lookbacks,
        settings.evaluation.period,
        settings.path_options(lookbacks),
        cluster=settings.evaluation.cluster,
        declared=settings.completeness(lookbacks),
        accepted=settings.quality,
        keep_duplicates=keep_duplicates,
        direct=settings.channels.direct,
        people=settings.people,
        customer_segment=settings.evaluation.customer_segment,
    )


def _prepare(
    engine: Engine,
    sources: Mapping[str, Source],
    settings: Settings,
    say: Progress,
    rivals: Sequence[Model] | None,
) -> list[Model]:
    """Prepare the data, and return the models that can run on it."""
    prepare(engine, sources, settings, say)
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
