"""Scores of forecasts as sums by period and bucket of users, so that scores of parts add up."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

from lydite.evaluation.day_levels import level_shifts
from lydite.evaluation.logistic_regression import logistic_regression
from lydite.paths.arrays import group_sums, parts
from lydite.paths.landmarks import N_BUCKETS

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Forecasts are counted on a grid of the logit. AUC and the calibration slope on the grid agree with
# those of the forecasts to three digits or more.
_BINS_PER_UNIT = 20
_GRID_END = 14
N_GRID = 2 * _GRID_END * _BINS_PER_UNIT
_LN2 = math.log(2)
_LARGE = 700.0  # log-odds of which the exponential is no infinity


@dataclass
class Scores:
    """Sums over the scored landmarks of one model.

    Attributes
    ----------
    landmarks, conversions, log_loss, brier : (periods, 256) arrays
        Counts, and sums of the losses in bits and of the squared errors. The losses are those of
        forecasts that have been shifted to the number of conversions of each day.
    grid_landmarks, grid_conversions, grid_forecast : (periods, grid) arrays
        Landmarks, conversions and the sum of forecasts by bin of the forecast's logit.
    """

    landmarks: NDArray[np.float64]
    conversions: NDArray[np.float64]
    log_loss: NDArray[np.float64]
    brier: NDArray[np.float64]
    grid_landmarks: NDArray[np.float64]
    grid_conversions: NDArray[np.float64]
    grid_forecast: NDArray[np.float64]

    @classmethod
    def empty(cls, periods: int) -> Scores:
        """Return scores of no landmarks."""
        sums = [np.zeros((periods, N_BUCKETS)) for _ in range(4)]
        grid = [np.zeros((periods, N_GRID)) for _ in range(3)]
        return cls(*sums, *grid)

    @classmethod
    def like(cls, other: Scores) -> Scores:
        """Return scores of no landmarks, with as many periods."""
        return cls.empty(len(other.landmarks))

    def add(
        self,
        period: NDArray[np.integer] | int,
        bucket: NDArray[np.integer],
        converted: NDArray[np.bool_],
        forecast: NDArray[np.float64],
        count: NDArray[np.floating] | float = 1.0,
    ) -> None:
        """Add landmarks.

        Parameters
        ----------
        period
            The (n,) numbers of their periods, or one number for all.
        bucket, converted, forecast : (n,) arrays
        count : (n,) array
            The number of landmarks that each row stands for.
        """
        period = np.broadcast_to(np.asarray(period), forecast.shape)
        weight = np.broadcast_to(np.asarray(count, dtype=np.float64), forecast.shape)
        self.add_outcomes(Outcomes.of(period, bucket, converted, weight), logit(forecast))

    def add_outcomes(self, outcomes: Outcomes, log_odds: NDArray[np.float64]) -> None:
        """Add landmarks with the (n,) log-odds of their forecasts.

        Where the outcomes have strata, the log loss is that of forecasts shifted so that they have
        the right mean in each stratum: a model is not rewarded for guessing how many conversions a
        day has. Other scores are those of the forecasts as made.

        Raises
        ------
        ValueError
            When there is not one number for each landmark.
        """
        if len(log_odds) != len(outcomes.period) or np.isnan(log_odds).any():
            raise ValueError("each landmark needs a forecast, and none may be nan")
        periods = outcomes.periods
        self.landmarks[periods] += outcomes.landmarks
        self.conversions[periods] += outcomes.conversions
        shift = outcomes.shifts(log_odds)
        for some in parts(len(log_odds)):
            made = scored = log_odds[some]
            if shift is not None and outcomes.stratum is not None:
                scored = made + shift[outcomes.stratum[some]]
            hit, count = outcomes.converted[some], outcomes.count
            counted = None if count is None else count[some]
            against = np.where(hit, -scored, scored)  # the log-odds of what did not happen
            loss = np.log1p(np.exp(-np.abs(against))) + np.maximum(against, 0)
            forecast = 1 / (1 + np.exp(-np.maximum(made, -_LARGE)))
            cell = outcomes.period[some] * N_BUCKETS + outcomes.bucket[some]
            _add(self.log_loss[periods], cell, counted, loss / _LN2)
            _add(self.brier[periods], cell, counted, (forecast - hit) ** 2)
            place = np.clip((made + _GRID_END) * _BINS_PER_UNIT, 0, N_GRID - 1).astype(np.int32)
            place += outcomes.period[some] * N_GRID
            _add(self.grid_landmarks[periods], place, counted)
            _add(
                self.grid_conversions[periods],
                place[hit],
                None if counted is None else counted[hit],
            )
            _add(self.grid_forecast[periods], place, counted, forecast)

    def first(self, periods: int) -> Scores:
        """Return the scores of the first periods alone."""
        return Scores(*(getattr(self, field.name)[:periods] for field in fields(self)))

    @property
    def cells(self) -> NDArray[np.bool_]:
        """The (periods, 256) periods and buckets with scores."""
        return self.landmarks > 0

    @property
    def log_loss_bits(self) -> float:
        """Mean log loss per landmark, in bits."""
        return self.log_loss_over(self.cells)

    def log_loss_over(self, cells: NDArray[np.bool_]) -> float:
        """Return the mean log loss per landmark, in bits, over some periods and buckets."""
        n = float(self.landmarks[cells].sum())
        return float(self.log_loss[cells].sum()) / n if n else float("nan")

    @property
    def brier_score(self) -> float:
        """Mean squared error of the forecasts."""
        n = float(self.landmarks.sum())
        return float(self.brier.sum()) / n if n else float("nan")

    @property
    def auc(self) -> float | None:
        """Area under the ROC curve: the probability that a converter is ranked above another."""
        positive = self.grid_conversions.sum(axis=0)
        negative = self.grid_landmarks.sum(axis=0) - positive
        pairs = positive.sum() * negative.sum()
        if pairs == 0:
            return None
        below = np.cumsum(negative) - negative
        return float((positive * (below + 0.5 * negative)).sum() / pairs)

    @property
    def average_precision(self) -> float | None:
        """Area under the precision-recall curve, by steps, as in scikit-learn."""
        positive = self.grid_conversions.sum(axis=0)[::-1]
        called = self.grid_landmarks.sum(axis=0)[::-1]
        if positive.sum() == 0:
            return None
        precision = np.cumsum(positive) / np.maximum(np.cumsum(called), 1)
        return float((precision * positive).sum() / positive.sum())

    @property
    def calibration_slope(self) -> float | None:
        """Slope of a logistic regression of the outcome on the forecast's logit.

        1 when calibrated, below 1 when overconfident. None where it cannot be computed: there are
        no forecasts, or they are nearly equal, or so are all outcomes, or a threshold of the
        forecast separates the landmarks that convert from the others.
        """
        return self.calibration[0]

    @property
    def calibration(self) -> tuple[float | None, float]:
        """The calibration slope, and its standard error where there is one."""
        n, k = self.grid_landmarks.sum(axis=0), self.grid_conversions.sum(axis=0)
        used = n > 0
        if not used.any():
            return None, math.nan
        n, k = n[used], k[used]
        score = logit(self.grid_forecast.sum(axis=0)[used] / n)
        if n @ (score - n @ score / n.sum()) ** 2 / n.sum() < 1e-4 or not 0 < k.sum() < n.sum():
            return None, math.nan
        if _is_separated(score, n, k):
            return None, math.nan
        columns = np.column_stack([np.ones_like(score), score])
        found = logistic_regression(columns, n, k, 0.0, np.array([0.0, 1.0]))
        p = expit(columns @ found)
        weight = n * p * (1 - p)
        left = score - weight @ score / max(weight.sum(), 1e-300)
        return float(found[1]), float(1 / np.sqrt(max(weight @ left**2, 1e-300)))


def _add(
    sums: NDArray[np.float64],
    cell: NDArray[np.integer],
    count: NDArray[np.floating] | None,
    values: NDArray[np.float64] | None = None,
) -> None:
    """Add values to cells of a table, in place.

    Parameters
    ----------
    sums : (periods, m) array
    cell : (n,) integers
        The cell of each value, counted through the table.
    count : (n,) array
        How often each value is added; once where None.
    values : (n,) array
        1 where None.
    """
    weights = count if values is None else values if count is None else count * values
    sums += np.bincount(cell, weights, minlength=sums.size).reshape(sums.shape)


def _is_separated(
    score: NDArray[np.float64], n: NDArray[np.float64], k: NDArray[np.float64]
) -> bool:
    """Return whether a threshold separates the outcomes, so that the best slope is infinite.

    Parameters
    ----------
    score, n, k : (m,) arrays
        The score of each bin, its landmarks, and how many of them convert.
    """
    converted, others = score[k > 0], score[k < n]
    return bool(converted.min() >= others.max() or converted.max() <= others.min())


@dataclass(frozen=True)
class Outcomes:
    """The outcomes of n landmarks, prepared once for all models that forecast them.

    Attributes
    ----------
    periods
        Their p periods, from the first to the last.
    period : (n,) integers
        The period of each, counted from the first one.
    bucket : (n,) integers
    converted : (n,) bool
    count : (n,) float
        The number of landmarks that each row stands for; None where that is 1 for all.
    landmarks, conversions : (p, 256) arrays
        Counts by period and bucket.
    stratum : (n,) integers
        The day of each; None where forecasts are scored as made.
    day_rate : (strata,) array
        The share of each day's landmarks that convert, where these are a sample of the day; None
        where they are all.
    """

    periods: slice
    period: NDArray[np.int32]
    bucket: NDArray[np.integer]
    converted: NDArray[np.bool_]
    count: NDArray[np.floating] | None
    landmarks: NDArray[np.float64]
    conversions: NDArray[np.float64]
    stratum: NDArray[np.integer] | None = None
    day_rate: NDArray[np.float64] | None = None

    @classmethod
    def of(
        cls,
        period: NDArray[np.integer],
        bucket: NDArray[np.integer],
        converted: NDArray[np.bool_],
        count: NDArray[np.floating],
        stratum: NDArray[np.integer] | None = None,
        day_rate: NDArray[np.float64] | None = None,
    ) -> Outcomes:
        """Count landmarks by period and bucket; all arguments are (n,) arrays."""
        low, high = (int(period.min()), int(period.max()) + 1) if len(period) else (0, 0)
        own = (period - low).astype(np.int32)
        place, size = own * N_BUCKETS + bucket, (high - low) * N_BUCKETS
        landmarks, conversions = (
            group_sums(place, values, size).reshape(-1, N_BUCKETS)
            for values in (count, count * converted)
        )
        ones = (count == 1).all()
        return cls(
            slice(low, high),
            own,
            bucket,
            converted,
            None if ones else count,
            landmarks,
            conversions,
            stratum,
            day_rate,
        )

    @cached_property
    def _by_stratum(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The landmarks of each stratum, and how many of them are expected to convert."""
        if self.stratum is None:
            raise ValueError("these outcomes have no strata")
        count = np.ones(len(self.period)) if self.count is None else self.count
        size = int(self.stratum.max(initial=-1)) + 1
        landmarks = group_sums(self.stratum, count, size)
        if self.day_rate is not None:
            return landmarks, landmarks * self.day_rate[:size]
        return landmarks, group_sums(self.stratum, count * self.converted, size)

    def shifts(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Return how to shift (n,) forecasts to the conversions of each stratum, if there are any.

        See Also
        --------
        lydite.evaluation.day_levels.level_shifts
        """
        if self.stratum is None:
            return None
        return level_shifts(log_odds, self.stratum, self.count, *self._by_stratum)
