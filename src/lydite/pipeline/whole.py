"""All steps in order, in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite import quality
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.experiments.reading import check_names
from lydite.journeys.erasure import erase_users
from lydite.models import models_from_settings
from lydite.models.posterior import with_credit
from lydite.pipeline.backtests import build_samples
from lydite.pipeline.champions import check_decisions, record_decisions
from lydite.pipeline.comparisons import (
    general_findings,
    outcome_channel_findings,
    path_findings,
    quality_findings,
)
from lydite.pipeline.evaluate import evaluate_models
from lydite.pipeline.experiments import compare_with_experiments, read_experiments
from lydite.pipeline.input_tables import load_inputs, load_options
from lydite.pipeline.lookbacks import compare_lookbacks
from lydite.pipeline.marts import (
    CREDIT_MARTS,
    MARTS,
    attribute_conversions,
    build_marts,
)
from lydite.pipeline.models import usable_models
from lydite.pipeline.on_spark import refuse_on_spark
from lydite.pipeline.outcomes import build_journeys_of, read_outcomes
from lydite.pipeline.runs import record_run
from lydite.pipeline.upgrade import upgrade_warehouse

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
    marts: Sequence[str] = MARTS,
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
    marts
        The marts to build, all by default; others are small.

    Raises
    ------
    InputError
        When the input cannot be used.
    """
    say = progress or _ignore
    evaluation = settings.evaluation
    _refuse_on_spark(engine, sources, settings)
    upgrade_warehouse(engine.local)
    check_decisions(engine, decisions)
    models = _prepare(engine, sources, settings, say, rivals)
    if settings.experiments:
        say("reading experiments")
    read_experiments(engine, settings)
    evaluate_models(engine, models, evaluation, say)
    compare_with_experiments(engine, settings, models)
    record_decisions(engine, decisions)
    compare_lookbacks(engine, models, settings, say)
    say("writing the marts")
    record_run(engine, evaluation)
    build_marts(engine, marts, settings.costs(), settings.margins())


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
    _refuse_on_spark(engine, sources, settings)
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


def _refuse_on_spark(engine: Engine, sources: Mapping[str, Source], settings: Settings) -> None:
    if not isinstance(engine, DuckDBEngine):
        refuse_on_spark(settings, [name for name, source in sources.items() if source is not None])


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
    load_inputs(engine, sources, load_options(settings))
    erase_users(engine, settings.people)
    check_names(engine, settings.experiments)
    say("building journeys")
    build_journeys_of(engine, settings)


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
