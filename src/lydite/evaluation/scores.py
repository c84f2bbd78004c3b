"""Scores of forecasts, kept as sums per period and bucket so that they add up over everything."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

from lydite.models.landmarks import N_BUCKETS, parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# Forecasts are counted on a grid of the logit, fine enough that AUC and the calibration slope are
# those of the forecasts themselves to three digits or more.
_GRID_WIDTH = 0.05
_GRID_END = 14.0
N_GRID = int(2 * _GRID_END / _GRID_WIDTH)


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
        own = outcomes.periods
        self.landmarks[own] += outcomes.landmarks
        self.conversions[own] += outcomes.conversions
        for some in parts(len(log_odds)):
            for name, sums in outcomes.sums(some, log_odds[some]):
                getattr(self, name)[own] += sums

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
    by_bucket, by_bin : (n,) integers
        Where, counted from the first period, the sums of a landmark's bucket and grid stand.
    converted : (n,) bool
    weight : (n,) float
        How many landmarks each stands for; None where each is one.
    hits : (n,) float
        How many conversions.
    landmarks, conversions : (p, 256) arrays
        Counts by period and bucket.
    """

    periods: slice
    by_bucket: NDArray[np.intp]
    by_bin: NDArray[np.intp]
    converted: NDArray[np.bool_]
    weight: NDArray[np.float64] | None
    hits: NDArray[np.float64]
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
        own = (period - low).astype(np.intp)
        by_bucket, hits = own * N_BUCKETS + bucket, np.asarray(count * converted)
        shape = (high - low, N_BUCKETS)
        return cls(
            periods=slice(low, high),
            by_bucket=by_bucket,
            by_bin=own * N_GRID,
            converted=converted,
            weight=None if (count == 1).all() else count.astype(np.float64),
            hits=hits,
            landmarks=_summed(by_bucket, count, shape),
            conversions=_summed(by_bucket, hits, shape),
        )

    def sums(
        self, some: slice, log_odds: NDArray[np.float64]
    ) -> Iterator[tuple[str, NDArray[np.float64]]]:
        """Yield what some of the landmarks add to the sums of `Scores` that models differ in."""
        converted = self.converted[some]
        weight = 1.0 if self.weight is None else self.weight[some]
        # The odds of what is less likely: nothing overflows, and one exponential does for all.
        odds = np.exp(-np.abs(log_odds))
        likelier = 1 / (1 + odds)
        forecast = np.where(log_odds < 0, odds * likelier, likelier)
        missed = np.maximum(np.where(converted, -log_odds, log_odds), 0)
        loss = (np.log1p(odds) + missed) * (1 / np.log(2))
        height = (log_odds + _GRID_END) * (1 / _GRID_WIDTH)
        place = self.by_bucket[some]
        bins = self.by_bin[some] + np.clip(height, 0, N_GRID - 1).astype(np.intp)
        buckets, grid = ((len(self.landmarks), size) for size in (N_BUCKETS, N_GRID))
        yield "log_loss", _summed(place, weight * loss, buckets)
        yield "brier", _summed(place, weight * (forecast - converted) ** 2, buckets)
        ones = None if self.weight is None else self.weight[some]
        yield "grid_landmarks", _summed(bins, ones, grid)
        yield "grid_conversions", _summed(bins, self.hits[some], grid)
        yield "grid_forecast", _summed(bins, weight * forecast, grid)


def _summed(
    place: NDArray[np.intp], values: NDArray[np.floating] | None, shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Return the sums of values, of ones where there are none, by place in an array."""
    sums = np.bincount(place, values, minlength=shape[0] * shape[1])
    return np.asarray(sums, dtype=np.float64).reshape(shape)


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
