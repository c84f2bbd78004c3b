"""Scores of forecasts, kept as sums per period and bucket so that they add up over everything."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

from lydite.paths.arrays import group_sums, parts
from lydite.paths.kernels import compiled
from lydite.paths.landmarks import N_BUCKETS

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Forecasts are counted on a grid of the logit, fine enough that AUC and the calibration slope are
# those of the forecasts themselves to three digits or more.
_BINS_PER_UNIT = 20
_GRID_END = 14
N_GRID = 2 * _GRID_END * _BINS_PER_UNIT
_LN2 = math.log(2)


@dataclass
class Scores:
    """Sums over the scored landmarks of one model.

    Attributes
    ----------
    landmarks, conversions, log_loss, brier : (periods, 256) arrays
        Counts, and sums of the losses in bits and of the squared errors.
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
        """Return scores of nothing yet."""
        sums = [np.zeros((periods, N_BUCKETS)) for _ in range(4)]
        grid = [np.zeros((periods, N_GRID)) for _ in range(3)]
        return cls(*sums, *grid)

    @classmethod
    def like(cls, other: Scores) -> Scores:
        """Return scores of nothing yet, of as many periods."""
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
            The (n,) numbers of their periods, or one for all.
        bucket, converted, forecast : (n,) arrays
        count : (n,) array
            How many landmarks each stands for.
        """
        period = np.broadcast_to(np.asarray(period), forecast.shape)
        weight = np.broadcast_to(np.asarray(count, dtype=np.float64), forecast.shape)
        self.add_outcomes(Outcomes.of(period, bucket, converted, weight), logit(forecast))

    def add_outcomes(self, outcomes: Outcomes, log_odds: NDArray[np.float64]) -> None:
        """Add landmarks, with the (n,) log-odds that were forecast of them."""
        own, count = outcomes.periods, outcomes.count
        self.landmarks[own] += outcomes.landmarks
        self.conversions[own] += outcomes.conversions
        periods = len(outcomes.landmarks)
        losses, grid = np.zeros((periods, N_BUCKETS, 2)), np.zeros((periods, N_GRID, 3))
        for some in parts(len(log_odds)):
            # The odds of what is less likely: nothing overflows, and one exponential does for all.
            # numpy takes several at once, as compiled loops do not.
            odds = np.exp(-np.abs(log_odds[some]))
            _add(
                log_odds[some],
                odds,
                np.log1p(odds),
                outcomes.period[some],
                outcomes.bucket[some],
                outcomes.converted[some],
                None if count is None else count[some],
                losses,
                grid,
            )
        self.log_loss[own] += losses[:, :, 0] / _LN2
        self.brier[own] += losses[:, :, 1]
        self.grid_landmarks[own] += grid[:, :, 0]
        self.grid_conversions[own] += grid[:, :, 1]
        self.grid_forecast[own] += grid[:, :, 2]

    def first(self, periods: int) -> Scores:
        """Return the scores of the first periods alone."""
        return Scores(*(getattr(self, field.name)[:periods] for field in fields(self)))

    @property
    def cells(self) -> NDArray[np.bool_]:
        """The (periods, 256) periods and buckets of which there are scores."""
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
        """Area under the ROC curve: how often a converter is ranked above another landmark."""
        positive = self.grid_conversions.sum(axis=0)
        negative = self.grid_landmarks.sum(axis=0) - positive
        pairs = positive.sum() * negative.sum()
        if pairs == 0:
            return None
        below = np.cumsum(negative) - negative
        return float((positive * (below + 0.5 * negative)).sum() / pairs)

    @property
    def average_precision(self) -> float | None:
        """Area under the precision-recall curve, by steps, as scikit-learn defines it."""
        positive = self.grid_conversions.sum(axis=0)[::-1]
        called = self.grid_landmarks.sum(axis=0)[::-1]
        if positive.sum() == 0:
            return None
        precision = np.cumsum(positive) / np.maximum(np.cumsum(called), 1)
        return float((precision * positive).sum() / positive.sum())

    @property
    def calibration_slope(self) -> float | None:
        """Slope of outcome on the forecast's logit: 1 when calibrated, below 1 when overconfident.

        None where the forecasts are all but alike, or none, so that no slope can be told.
        """
        n, k = self.grid_landmarks.sum(axis=0), self.grid_conversions.sum(axis=0)
        met = n > 0
        if not met.any():
            return None
        n, k = n[met], k[met]
        score = logit(self.grid_forecast.sum(axis=0)[met] / n)
        if n @ (score - n @ score / n.sum()) ** 2 / n.sum() < 1e-4 or not 0 < k.sum() < n.sum():
            return None
        return _slope(score, n, k)


@dataclass(frozen=True)
class Outcomes:
    """What became of n landmarks, laid out once for all models that forecast them.

    Attributes
    ----------
    periods
        The p periods that they are of, from the first to the last.
    period : (n,) integers
        The period of each, counted from the first of those.
    bucket : (n,) integers
    converted : (n,) bool
    count : (n,) float
        How many landmarks each stands for; None where each is one.
    landmarks, conversions : (p, 256) arrays
        Counts by period and bucket.
    """

    periods: slice
    period: NDArray[np.int32]
    bucket: NDArray[np.integer]
    converted: NDArray[np.bool_]
    count: NDArray[np.floating] | None
    landmarks: NDArray[np.float64]
    conversions: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        period: NDArray[np.integer],
        bucket: NDArray[np.integer],
        converted: NDArray[np.bool_],
        count: NDArray[np.floating],
    ) -> Outcomes:
        """Lay out landmarks by period and bucket; all are (n,) arrays."""
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
        )


@compiled
def _add(
    log_odds: NDArray[np.float64],
    odds: NDArray[np.float64],
    surprise: NDArray[np.float64],
    period: NDArray[np.integer],
    bucket: NDArray[np.integer],
    converted: NDArray[np.bool_],
    count: NDArray[np.floating] | None,
    losses: NDArray[np.float64],
    grid: NDArray[np.float64],
) -> None:
    """Add what models differ in: losses in nats and squares, and the three sums of the grid."""
    for row in range(len(log_odds)):
        score, hit, when = log_odds[row], converted[row], period[row]
        n = 1.0 if count is None else count[row]
        likelier = 1 / (1 + odds[row])
        forecast = odds[row] * likelier if score < 0 else likelier
        missed = max(-score if hit else score, 0.0)
        losses[when, bucket[row], 0] += n * (surprise[row] + missed)
        losses[when, bucket[row], 1] += n * (forecast - hit) ** 2
        height = (score + _GRID_END) * _BINS_PER_UNIT
        place = int(min(max(height, 0.0), N_GRID - 1.0))
        grid[when, place, 0] += n
        grid[when, place, 1] += n * hit
        grid[when, place, 2] += n * forecast


def _slope(score: NDArray[np.float64], n: NDArray[np.float64], k: NDArray[np.float64]) -> float:
    columns = np.column_stack([np.ones_like(score), score])
    beta = np.array([0.0, 1.0])
    for _ in range(25):
        p = expit(columns @ beta)
        curvature = (columns * (n * p * (1 - p))[:, None]).T @ columns
        step = np.linalg.solve(curvature, columns.T @ (k - n * p))
        beta = beta + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-9:
            break
    return float(beta[1])
