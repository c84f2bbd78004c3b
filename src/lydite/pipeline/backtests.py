"""The steps that draw the evaluation samples and backtest the models on them."""

from __future__ import annotations

import hashlib
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import polars as pl

from lydite import attribution
from lydite.evaluation import drawn_samples, ledger
from lydite.evaluation.ceiling import NAME as CEILING
from lydite.evaluation.sample import LastSample, build_sample, copy_users_to_local, load_sample
from lydite.evaluation.scoring import ceiling_fingerprint, score_ceiling, score_models
from lydite.evaluation.segments import load_segments
from lydite.evaluation.splits import Split
from lydite.journeys.clusters import resampling_unit
from lydite.models import with_milestone
from lydite.pipeline.models import make_baselines
from lydite.pipeline.outcomes import calendar_of, read_outcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from lydite.engine import DuckDBEngine, Engine
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
    outcomes = read_outcomes(engine, scored_only=False)
    drawn_samples.keep(engine.local, [row["outcome"] for row in outcomes])
    buckets = {
        row["outcome"]: build_sample(engine, row["outcome"], row["sampled_until"], max_landmarks)
        for row in outcomes
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
    for row, load in sample_loaders(engine, models, scored_only=scored_only):
        yield row, load()


def sample_loaders(
    engine: Engine, models: Sequence[Model], *, scored_only: bool = False
) -> Iterator[tuple[dict[str, Any], Callable[[], Landmarks]]]:
    """Yield each outcome with a function that loads its sample, once."""
    channels, last = attribution.channel_names(engine.local), LastSample()
    for row in read_outcomes(engine, scored_only=scored_only):
        own = with_milestone(models, row["milestone"])
        yield row, cache(partial(load_sample, engine.local, row["outcome"], channels, own, last))


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

    An outcome whose sample, calendar and ledger are as the last backtest of the same models left
    them has nothing to score, and its sample is not loaded.

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
    channels, last = attribution.channel_names(engine.local), LastSample()
    for row in read_outcomes(engine):
        outcome, own = row["outcome"], with_milestone(evaluated, row["milestone"])
        rivals = with_milestone(models, row["milestone"])
        parts = [model.fingerprint for model in own]
        parts += [ceiling_fingerprint(rivals, seed)] if with_ceiling else []
        if is_backtested(engine.local, outcome, _state(engine, row, parts)):
            continue
        landmarks = load_sample(
            engine.local, outcome, channels, with_milestone(needed, row["milestone"]), last
        )
        outcome, calendar, split = split_of(engine, row, landmarks)
        kept = score_models(engine.local, outcome, own, calendar, split)
        if with_ceiling:
            score_ceiling(engine.local, outcome, rivals, calendar, split, seed, kept)
        write_backtested(engine.local, outcome, _state(engine, row, parts))


def _state(engine: Engine, row: Mapping[str, Any], fingerprints: Sequence[str]) -> str | None:
    """Return a digest of what a backtest depends on; None where the sample is not kept."""
    drawn = drawn_samples.read(engine.local, row["outcome"])
    if drawn is None:
        return None
    calendar = calendar_of(engine, row)
    parts = [
        drawn.drawn,
        ledger.score_fingerprint(" ".join(fingerprints), calendar, resampling_unit(engine.local)),
        str(calendar.local_starts.tolist()),
        ledger.state(engine.local, row["outcome"]),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def is_backtested(engine: DuckDBEngine, outcome: str, state: str | None) -> bool:
    """Return whether the last backtest of an outcome left this state."""
    if state is None or not engine.exists(_BACKTESTED):
        return False
    found = f"select count(*) from {_BACKTESTED} where outcome = $outcome and state = $state"
    return bool(engine.scalar(found, {"outcome": outcome, "state": state}))


def write_backtested(engine: DuckDBEngine, outcome: str, state: str | None) -> None:
    """Write down the state that the backtest of an outcome has left."""
    if engine.exists(_BACKTESTED):
        engine.run(f"delete from {_BACKTESTED} where outcome = $outcome", {"outcome": outcome})
    row = {"outcome": outcome, "state": state}
    engine.append(_BACKTESTED, "select $outcome::varchar as outcome, $state::varchar as state", row)


_BACKTESTED = "evaluation.backtested"
