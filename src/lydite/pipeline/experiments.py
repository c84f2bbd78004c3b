"""The step that reads experiments, in a run and alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from lydite import inputs
from lydite.attribution import channel_names
from lydite.errors import InputError
from lydite.evaluation.sample import load_sample
from lydite.experiments import reading
from lydite.experiments.models import Sample, compare_models_with_experiments
from lydite.journeys import create_path_touches_view
from lydite.journeys.erasure import erase_users
from lydite.journeys.people import build_people
from lydite.models import with_milestone
from lydite.pipeline.input_tables import load_alone
from lydite.pipeline.outcomes import read_outcomes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lydite.engine import Engine
    from lydite.inputs import Source
    from lydite.models import Model
    from lydite.settings import Settings

#: The marts of the experiments alone, and those that compare the credit of models with them.
READING_MARTS = ("experiments", "experiment_checks")
AGREEMENT_MARTS = (
    "experiment_agreement",
    "experiment_hypotheses",
    "registered_predictions",
    "experiment_pairs",
    "experiment_verdicts",
)
EXPERIMENT_MARTS = (*READING_MARTS, *AGREEMENT_MARTS)
TOUCH_CREDIT = "credit.touch_credit"
_TABLES = ("touchpoints", "conversions", "users", "identities", "erasures", "experiments")


def read_experiments(engine: Engine, settings: Settings) -> None:
    """Read the declared experiments, and write their marts; these are empty without any.

    Parameters
    ----------
    engine
        Holds the input tables, and the persons where ids are joined.
    settings
        Declare the experiments, and up to when the data is complete.

    Raises
    ------
    InputError
        When an experiment and the data do not fit.
    """
    plans = settings.experiments
    ends = settings.completeness({plan.outcome for plan in plans.values()})
    reading.read_experiments(engine, plans, cluster=settings.evaluation.cluster, ends=ends)
    _write_marts(engine, READING_MARTS)


def compare_with_experiments(engine: Engine, settings: Settings, models: Sequence[Model]) -> None:
    """Compare the models with the holdouts, and write the marts.

    These are empty without holdouts.

    Parameters
    ----------
    engine
        Holds the journeys, the samples, the credit of touches and what `read_experiments` wrote.
    settings
        Declare the experiments.
    models
        The models that were compared.
    """
    plans = settings.experiments
    if plans:
        create_path_touches_view(engine)

    def load(outcome: str) -> Sample | None:
        return _load_sample(engine, outcome, models)

    with threadpool_limits(1, user_api="blas"):  # the matrices are small
        compare_models_with_experiments(
            engine,
            plans,
            load,
            settings.evaluation.alpha,
            cluster=settings.evaluation.cluster,
            ends=settings.completeness({plan.outcome for plan in plans.values()}),
        )
    _write_marts(engine, AGREEMENT_MARTS)


def _load_sample(engine: Engine, outcome: str, models: Sequence[Model]) -> Sample | None:
    """Return the sample of one outcome, with the models that have credit for it."""
    rows = [row for row in read_outcomes(engine, scored_only=False) if row["outcome"] == outcome]
    if not rows or not engine.exists(TOUCH_CREDIT):
        return None
    columns = engine.columns(TOUCH_CREDIT)
    credited = [model for model in models if model.name in columns]
    own = with_milestone(credited, rows[0]["milestone"])
    landmarks = load_sample(engine.local, outcome, channel_names(engine), own)
    if not own or not landmarks.converted.any():
        return None
    return Sample(landmarks, own, f"{rows[0]['lookback']} {rows[0]['paths']}")


def _write_marts(engine: Engine, names: Sequence[str]) -> None:
    for name in names:
        engine.local.create(f"mart.{name}", f"marts/{name}")
        engine.local.comment(f"mart.{name}", f"marts/{name}")


def load_and_read_experiments(
    engine: Engine, sources: Mapping[str, Source], settings: Settings
) -> None:
    """Load what experiments need, without journeys and models, and read them.

    Parameters
    ----------
    engine
        Holds the tables.
    sources
        The input tables by name. There may be no touchpoints; exposure is not checked then.
    settings
        Declare the experiments.

    Raises
    ------
    InputError
        When the input cannot be used, or no experiment is declared.
    """
    if not settings.experiments:
        raise InputError("no experiment is declared: add [experiments.NAME] to the settings")
    for name in _TABLES:
        if name == "touchpoints" and name not in sources:
            engine.create(f"inputs.{name}", _no_rows(name))
        else:
            load_alone(engine, name, sources.get(name), settings)
    erase_users(engine, settings.people)
    windows = [plan.window or plan.history for plan in settings.experiments.values()]
    build_people(engine, settings.people, max(windows))
    read_experiments(engine, settings)


def _no_rows(name: str) -> str:
    columns = [column for column in inputs.TABLES[name].columns if column.is_kept]
    values = ", ".join(f"cast(null as {column.type}) as {column.name}" for column in columns)
    return f"select {values} limit 0"
