"""Backtests and credit of all outcomes, with one load of each sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.evaluation.scoring import score_ceiling, score_models
from lydite.models import with_milestone
from lydite.pipeline.backtests import build_samples, sample_loaders, split_of
from lydite.pipeline.comparisons import compare_models
from lydite.pipeline.marts import attribute_outcome, reset_attribution
from lydite.pipeline.models import make_baselines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lydite.engine import Engine
    from lydite.models import Model
    from lydite.settings import EvaluationSettings


def evaluate_models(
    engine: Engine,
    models: Sequence[Model],
    evaluation: EvaluationSettings,
    say: Callable[[str], None],
    *,
    intervals: bool = True,
) -> None:
    """Draw the samples, backtest and compare the models, and attribute the conversions.

    Parameters
    ----------
    engine
        Holds the journeys.
    models
        The models to compare.
    evaluation
        How they are judged.
    say
        Called with a description of each step before it starts.
    intervals
        Whether to compute intervals of credit.
    """
    say("drawing the evaluation sample")
    build_samples(engine, evaluation.max_landmarks)
    reset_attribution(engine, models)
    for row, load in sample_loaders(engine, models):  # one load serves both steps
        own = with_milestone(models, row["milestone"])
        if row["periods"]:
            say(
                f"{row['outcome']}: backtesting {len(models)} model{'s' if len(models) > 1 else ''}"
            )
            outcome, calendar, split = split_of(engine, row, load())
            evaluated = [*make_baselines(), *own]
            kept = score_models(engine.local, outcome, evaluated, calendar, split)
            score_ceiling(engine.local, outcome, own, calendar, split, evaluation.seed, kept)
        say(f"{row['outcome']}: attributing conversions")
        attribute_outcome(engine, row, load, own, evaluation.seed if intervals else None)
    say("comparing models")
    compare_models(engine, models, evaluation)
