"""Compares models with the holdouts of a project: their credit, their hypotheses, each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from lydite.experiments import tables
from lydite.experiments.agreement import judge_models, rank_by_distance
from lydite.experiments.credit import AGREEMENT, AGREEMENT_COLUMNS, credit_in_holdouts
from lydite.experiments.holdouts import load_holdouts
from lydite.experiments.hypothesis_check import (
    CHECKED,
    CHECKED_COLUMNS,
    Expected,
    check_row,
    expect_in_holdouts,
)
from lydite.experiments.predictions import (
    PAIRS,
    PREDICTION_COLUMNS,
    PREDICTIONS,
    compare_predictions,
    define,
    register,
    score,
)
from lydite.experiments.training import Training, choose_training

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lydite.engine import DuckDBEngine, Engine
    from lydite.experiments.holdouts import Holdout
    from lydite.models import Landmarks, Model
    from lydite.settings import Completeness, ExperimentSettings

#: The table with one verdict per outcome and model.
VERDICTS = "experiments.verdicts"


@dataclass(frozen=True)
class Sample:
    """The evaluation sample of one outcome, and the models that are compared on it.

    Attributes
    ----------
    landmarks : Landmarks
        The mature landmarks.
    models
        The models, not fitted.
    paths
        What is on the paths of the outcome, as text.
    """

    landmarks: Landmarks
    models: Sequence[Model]
    paths: str


def compare_models_with_experiments(
    engine: Engine,
    plans: Mapping[str, ExperimentSettings],
    load_sample: Callable[[str], Sample | None],
    alpha: float,
    *,
    cluster: str | None = None,
    ends: Mapping[str, Completeness] | None = None,
) -> None:
    """Compare every model with every holdout, and write the tables.

    A holdout that is over is compared with the credit of the models and with what they expect. For
    one that goes on, what they expect is registered.

    Parameters
    ----------
    engine
        Holds the journeys, the credit of touches and the readout of the experiments.
    plans
        The experiments. Those with regions or messages are left out.
    load_sample
        Returns the sample of an outcome; None where it has no model with credit.
    alpha
        Probability to contradict any model that is right.
    cluster, ends
        As in `lydite.experiments.reading.read_experiments`.
    """
    credited: list[dict[str, Any]] = []
    checked: list[dict[str, Any]] = []
    if plans:
        tables.build_tables(engine, plans, cluster)
        tables.build_journey_persons(engine)
        by_outcome: dict[str, list[Holdout]] = {}
        for holdout in load_holdouts(engine, plans, ends):
            by_outcome.setdefault(holdout.plan.outcome, []).append(holdout)
        for outcome, holdouts in by_outcome.items():
            sample = load_sample(outcome)
            if sample is not None:
                of_outcome = _compare(engine, outcome, holdouts, sample)
                credited += of_outcome[0]
                checked += of_outcome[1]
        tables.drop_tables(engine)
    _write(engine.local, credited, checked, alpha)


def _compare(
    engine: Engine, outcome: str, holdouts: Sequence[Holdout], sample: Sample
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows about credit and those about hypotheses."""
    by_training: list[tuple[Training, list[Holdout]]] = []
    for holdout in holdouts:
        training = choose_training(engine, holdout.name, sample.landmarks, outcome)
        if training.fitted_on == "halves":  # the same fits serve all of these experiments
            same = [group for known, group in by_training if known.fitted_on == "halves"]
            if same:
                same[0].append(holdout)
                continue
        by_training.append((training, [holdout]))
    credited: list[dict[str, Any]] = []
    expected: list[Expected] = []
    for training, group in by_training:
        over = [holdout for holdout in group if holdout.is_over]
        credited += credit_in_holdouts(engine, over, training, sample.models, sample.landmarks)
        expected += expect_in_holdouts(engine, group, training, sample.models, sample.landmarks)
    definitions = {
        (holdout.name, model.name): define(holdout.plan, model.fingerprint, sample.paths)
        for holdout in holdouts
        for model in sample.models
    }
    register(engine.local, expected, definitions)
    rows = [check_row(each, len(sample.models)) for each in expected if each.holdout.is_over]
    return credited, score(engine.local, rows, definitions)


def _write(
    engine: DuckDBEngine,
    credited: Sequence[dict[str, Any]],
    checked: Sequence[dict[str, Any]],
    alpha: float,
) -> None:
    of_credit = pl.DataFrame(credited, schema=AGREEMENT_COLUMNS, orient="row")
    of_hypotheses = pl.DataFrame(checked, schema=CHECKED_COLUMNS, orient="row")
    engine.store(AGREEMENT, of_credit)
    engine.store(CHECKED, of_hypotheses)
    engine.store(PAIRS, compare_predictions(of_hypotheses, alpha))
    about = judge_models(of_hypotheses, alpha)
    about = about.rename(
        {name: f"hypothesis_{name}" for name in about.columns if name not in {"outcome", "model"}}
    )
    verdicts = judge_models(of_credit, alpha).join(
        about, on=["outcome", "model"], how="left", maintain_order="left"
    )
    distances = rank_by_distance(of_credit)
    verdicts = verdicts.join(distances, on=["outcome", "model"], how="left", maintain_order="left")
    engine.store(VERDICTS, verdicts)
    if not engine.exists(PREDICTIONS):
        empty = {"number": pl.Int64, "recorded_at": pl.Datetime("us"), **PREDICTION_COLUMNS}
        engine.store(PREDICTIONS, pl.DataFrame(schema=empty))
