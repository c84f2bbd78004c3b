"""Verdicts on simulated worlds: the steps of a comparison without the ceiling and the credit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.evaluation.backtest import backtest
from lydite.evaluation.error_budget import split_alpha
from lydite.evaluation.verdicts import SegmentScores, SegmentVerdicts, judge_models
from lydite.journeys import find_outcomes
from lydite.models import BaseRate, TouchVolume, make_models
from lydite.settings import EvaluationSettings, Settings, SourceSettings
from lydite.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lydite.evaluation.scores import Scores
    from lydite.evaluation.splits import Split
    from lydite.inputs import Source
    from lydite.models import Model
    from lydite.settings import PeopleSettings

#: Simulated users start a new path after a conversion.
SETTINGS = Settings(
    sources=SourceSettings(touchpoints="-", conversions="-"),
    evaluation=EvaluationSettings(after_conversion="restart"),
)


def split_world(
    world: str, users: int, seed: int, models: Sequence[Model], variant: str | None = None
) -> Split:
    """Simulate a world, and split its landmarks as `lydite.compare` does."""
    made = simulate(world, users=users, seed=seed, variant=variant)
    return split_sources({"touchpoints": made.touchpoints, "conversions": made.conversions}, models)


def split_sources(
    sources: Mapping[str, Source], models: Sequence[Model], people: PeopleSettings | None = None
) -> Split:
    """Split the landmarks of input tables as `lydite.compare` does."""
    with DuckDBEngine() as engine:
        pipeline.load_inputs(engine, sources)
        lookbacks = SETTINGS.lookbacks(find_outcomes(engine))
        paths = SETTINGS.path_options(lookbacks)
        period = SETTINGS.evaluation.period
        pipeline.build_journeys(engine, lookbacks, period, paths, people=people)
        pipeline.build_samples(engine, SETTINGS.evaluation.max_landmarks)
        [(_, _, split)] = pipeline.load_splits(engine, models)
    return split


def judge_world(
    world: str,
    users: int,
    seed: int,
    names: Sequence[str] | None = None,
    variant: str | None = None,
) -> tuple[dict[str, Scores], SegmentVerdicts]:
    """Return the scores of models in a world, and the verdicts; default models without names."""
    models = make_models() if names is None else make_models(names)
    return judge_split(split_world(world, users, seed, models, variant), models)


def judge_split(split: Split, models: Sequence[Model]) -> tuple[dict[str, Scores], SegmentVerdicts]:
    """Return the scores of models on a split, and the verdicts."""
    scores = {model.name: backtest(model, split) for model in models}
    baselines = backtest(TouchVolume(), split), backtest(BaseRate(), split)
    evaluation = SETTINGS.evaluation
    budget, _ = split_alpha(evaluation.alpha, evaluation.primary, 1, segments=False)
    return scores, judge_models(SegmentScores(scores, *baselines), budget)
