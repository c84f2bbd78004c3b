"""Forecasts of models before they are adjusted for activity: what the ceiling combines.

A backtest keeps those of the landmarks that the ceiling uses, so that no model is fitted for the
ceiling again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lydite.evaluation.splits import RefitSchedule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from lydite.evaluation.cross_fitting import CrossFitted
    from lydite.evaluation.splits import Split

    Rows = NDArray[np.integer]

MAX_TRAINING_LANDMARKS = 60_000
#: The ceiling is a yardstick, not a rival: so many landmarks of a period estimate it well enough.
MAX_SCORED_LANDMARKS = 20_000
# Learners are refitted less often than models: their forecasts age slowly, and trees are slow.
_REFIT = RefitSchedule(growth=0.0, large_from=30_000, large_growth=2.0)


def scored_by_ceiling(split: Split) -> Split:
    """Return the split with at most `MAX_SCORED_LANDMARKS` to forecast in each period."""
    return split.subsample_test(MAX_SCORED_LANDMARKS)


def training_sample(split: Split) -> Split:
    """Return the split whose landmarks train the ceiling."""
    return split.subsample_train(MAX_TRAINING_LANDMARKS)


def ceiling_spans(split: Split) -> list[range]:
    """Return the ranges of periods that share a fit of the ceiling, of those with test rows.

    Each begins where models are refitted, so that the ceiling needs no further fits.
    """
    return split.refit_spans(_REFIT, among=split.refit_periods())


class _Wanted(NamedTuple):
    """Which landmarks of a split the ceiling uses.

    Attributes
    ----------
    train
        The training landmarks of each fit of the ceiling, by the period before which it is.
    test
        The landmarks to forecast in each period.
    """

    train: Mapping[int, Rows]
    test: Sequence[Rows]


@dataclass(frozen=True)
class RivalForecasts:
    """A model's forecasts of the landmarks that the ceiling uses, in log-odds.

    Attributes
    ----------
    wanted
        The landmarks.
    train
        Of the training landmarks of each fit of the ceiling, by its period: forecasts by a model of
        the other half of the buckets.
    test
        Of the landmarks to forecast in each period, by the last fit before it.
    """

    wanted: _Wanted
    train: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    test: dict[int, NDArray[np.float32]] = field(default_factory=dict)

    @classmethod
    def of(cls, split: Split) -> RivalForecasts:
        """Return an empty record for the periods of a split that are to be forecast.

        Parameters
        ----------
        split
            As `scored_by_ceiling` returns it.
        """
        sample = training_sample(split)
        train = {
            span.start: sample.number_in_whole[sample.training_rows(span.start)]
            for span in ceiling_spans(split)
        }
        return cls(_Wanted(train, split.test_rows))

    def add_train(
        self,
        period: int,
        fitted: CrossFitted,
        crossed: NDArray[np.float64],
        split: Split,
        sample: Split,
    ) -> None:
        """Keep the cross-fitted forecasts of training landmarks.

        Parameters
        ----------
        period
            The fit is before it.
        fitted
            Fitted on the sample.
        crossed
            As `CrossFitted.crossed` returns them.
        split, sample
            All landmarks, and those that the model is fitted on.
        """
        wanted = self.wanted.train[period]
        rows = sample.find(wanted)
        if rows is None:  # the model is fitted on fewer landmarks than the ceiling
            forecast = fitted.forecast_crossed(split.landmarks.take(wanted))
        else:
            half, feature = sample.landmarks.bucket[rows] & 1, fitted.features.inverse[rows]
            forecast = crossed[half, feature]
        self.train[period] = forecast.astype(np.float32)

    def add_test(self, span: range, split: Split, forecast: NDArray[np.float64]) -> None:
        """Keep the forecasts of landmarks in a range of periods.

        Parameters
        ----------
        span
        split
        forecast
            Of all test rows of the split in the range, as `Split.batch` orders them.
        """
        end = 0
        for period in (period for period in span if split.test_periods[period]):
            rows = split.test_rows[period]
            start, end = end, end + len(rows)
            own = np.searchsorted(rows, self.wanted.test[period])
            self.test[period] = forecast[start:end][own].astype(np.float32)

    def covers(self, split: Split) -> bool:
        """Return whether all is known that the ceiling needs for the test periods of a split."""
        starts = {span.start for span in ceiling_spans(split)}
        periods = set(np.flatnonzero(split.test_periods).tolist())
        return starts <= set(self.train) and periods <= set(self.test)

    def test_in(self, span: range, split: Split) -> NDArray[np.float32]:
        """Return the forecasts in a range of periods, in the order of the batch of a split."""
        return np.concatenate([self.test[period] for period in span if split.test_periods[period]])
