"""Backtests of all default models on one history, compared as they are for users."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.evaluation.backtest import backtest_segments
from lydite.evaluation.ceiling import NAME as CEILING
from lydite.evaluation.comparison import compare_outcome
from lydite.evaluation.segments import ALL
from lydite.journeys import find_outcomes
from lydite.models import make_models
from lydite.settings import EvaluationSettings, Settings, SourceSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from lydite.evaluation.calendar import Calendar
    from lydite.evaluation.scores import Scores
    from lydite.models import Model

    #: Tables by name.
    Tables = Mapping[str, pl.DataFrame]

#: The default settings, except that paths restart after a conversion, as simulated users do.
SETTINGS = Settings(
    sources=SourceSettings(touchpoints="-", conversions="-"),
    evaluation=EvaluationSettings(after_conversion="restart"),
)
EVALUATION = SETTINGS.evaluation


@dataclass(frozen=True)
class Backtests:
    """Scores of baselines and models over p periods, by name and segment."""

    outcome: str
    models: Sequence[Model]
    calendar: Calendar
    scores: Mapping[str, Mapping[str, Scores]]

    def on_all_users(self, name: str) -> Scores:
        """Return the scores of one model on all users."""
        return self.scores[name][ALL]

    def compare(self, periods: int | None = None) -> Tables:
        """Return the tables that users get after some of the periods, or after all.

        The ceiling, which has no effect on verdicts, is left empty.
        """
        calendar = self.calendar if periods is None else _first(self.calendar, periods)
        scores: dict[str, dict[str, Scores]] = {
            name: {segment: own.first(len(calendar)) for segment, own in by_segment.items()}
            for name, by_segment in self.scores.items()
        }
        return compare_outcome(
            self.outcome, self.models, scores | {CEILING: {}}, calendar, EVALUATION
        )


def backtest(tables: Tables, periods: int | None = None) -> Backtests:
    """Backtest baselines and default models over all or the first periods.

    Parameters
    ----------
    tables
        The input tables by name.
    periods
        How many of the first periods are scored; all if None.
    """
    models = make_models()
    with DuckDBEngine(threads=1) as engine:
        pipeline.load_inputs(engine, tables)
        lookbacks = SETTINGS.lookbacks(find_outcomes(engine))
        paths = SETTINGS.path_options(lookbacks)
        pipeline.build_journeys(engine, lookbacks, EVALUATION.period, paths)
        pipeline.build_samples(engine, EVALUATION.max_landmarks)
        [(outcome, calendar, split)] = pipeline.load_splits(engine, models)
    scored = len(calendar) if periods is None else min(periods, len(calendar))
    split = split.with_test_periods(np.arange(len(calendar)) < scored)
    with threadpool_limits(1, user_api="blas"):
        scores = {
            model.name: {
                segment: own.first(scored)
                for segment, own in backtest_segments(model, split).items()
            }
            for model in (*pipeline.make_baselines(), *models)
        }
    return Backtests(outcome, models, _first(calendar, scored), scores)


def _first(calendar: Calendar, periods: int) -> Calendar:
    """Return a calendar of the first periods."""
    if len(calendar) <= periods:
        return calendar
    return replace(calendar, starts=calendar.starts[:periods], end=calendar.starts[periods])
