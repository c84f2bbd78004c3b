"""The steps that draw the evaluation samples and backtest the models on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from lydite import attribution
from lydite.evaluation.ceiling import NAME as CEILING
from lydite.evaluation.sample import build_sample, copy_users_to_local, load_sample
from lydite.evaluation.scoring import score_ceiling, score_models
from lydite.evaluation.segments import load_segments
from lydite.evaluation.splits import Split
from lydite.models import with_milestone
from lydite.pipeline.models import make_baselines
from lydite.pipeline.outcomes import calendar_of, read_outcomes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from lydite.engine import Engine
    from lydite.evaluation.calendar import Calendar
    from lydite.models import Model
    from lydite.paths.landmarks import Landmarks


def build_samples(engine: Engine, max_landmarks: int) -> None:
    """Draw the sample of every outcome: models are fitted and scored on it.

    It ends with the last period that is scored, so that it stays the same until the next one is
    complete, and with it everything that is fitted on it. Without periods, it has all mature
    landmarks.

    Parameters
    ----------
    engine
        Holds the journeys.
    max_landmarks
        The most landmarks that the sample of one outcome may hold.
    """
    for name in ("landmarks", "set_aside"):
        engine.local.drop(f"evaluation.{name}")
    buckets = {
        row["outcome"]: build_sample(engine, row["outcome"], row["sampled_until"], max_landmarks)
        for row in read_outcomes(engine, scored_only=False)
    }
    copy_users_to_local(engine, max(buckets.values()))
    rows = list(buckets.items())
    engine.local.store(
        "evaluation.samples", pl.DataFrame(rows, ["outcome", "buckets"], orient="row")
    )


def load_samples(
    engine: Engine, models: Sequence[Model], *, scored_only: bool = False
) -> Iterator[tuple[dict[str, Any], Landmarks]]:
    """Yield each outcome with its sample, which has the features that the models depend on."""
    channels = attribution.channel_names(engine.local)
    for row in read_outcomes(engine, scored_only=scored_only):
        own = with_milestone(models, row["milestone"])
        yield row, load_sample(engine.local, row["outcome"], channels, own)


def load_splits(engine: Engine, models: Sequence[Model]) -> Iterator[tuple[str, Calendar, Split]]:
    """Yield each outcome with its calendar and its sample, split into training and test data.

    Parameters
    ----------
    engine
        Holds the samples.
    models
        The sample has the features that these models depend on.
    """
    for row, landmarks in load_samples(engine, models, scored_only=True):
        yield split_of(engine, row, landmarks)


def split_of(
    engine: Engine, row: Mapping[str, Any], landmarks: Landmarks
) -> tuple[str, Calendar, Split]:
    """Return an outcome with its calendar and its sample, split into training and test data."""
    outcome, calendar = row["outcome"], calendar_of(engine, row)
    segments = load_segments(engine.local, outcome, customer=row["customer_segment"])
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
    needed = models if with_ceiling else evaluated
    for row, landmarks in load_samples(engine, needed, scored_only=True):
        outcome, calendar, split = split_of(engine, row, landmarks)
        own = with_milestone(evaluated, row["milestone"])
        score_models(engine.local, outcome, own, calendar, split)
        if with_ceiling:
            rivals = with_milestone(models, row["milestone"])
            score_ceiling(engine.local, outcome, rivals, calendar, split, seed)
