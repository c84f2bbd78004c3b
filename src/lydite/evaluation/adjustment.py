"""Adjustment for activity: the layer every rival gets, and that alone is the null hypothesis."""

from __future__ import annotations

import copy
from math import prod
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.special import expit, logit

from lydite.models.landmarks import counted, distinct

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.models.landmarks import Landmarks

_HOURS = (1.0, 6.0, 24.0, 72.0, 168.0)
_MOST_TOUCHES = 8
_LEVELS = (_MOST_TOUCHES, len(_HOURS) + 2, len(_HOURS) + 2)
_BINS = 32
_CLIP = 1e-6
#: The log-odds that no forecast is beyond.
MOST_CERTAIN = float(logit(1 - _CLIP))
_LAST_GAIN = 1e-8


class Activity:
    """How active the journey is at each landmark: counts and times, no channel.

    Touches so far (1..7, 8 and more), time since the touch before and time since the path's first
    touch (none, up to 1 h, 6 h, 1 d, 3 d, 7 d, longer).

    Attributes
    ----------
    cell : (n,) integers
        The activity cell of each landmark.
    levels : (cells, 3) integers
        The three levels that make each cell.
    """

    def __init__(self, landmarks: Landmarks) -> None:
        touches = np.minimum(landmarks.path_length, _MOST_TOUCHES) - 1
        lonely = np.isnan(landmarks.hours_since_previous)
        since_previous, since_first = (
            np.where(lonely, 0, _hour_level(hours))
            for hours in (landmarks.hours_since_previous, landmarks.hours_since_first)
        )
        levels = (touches, since_previous, since_first)
        self.cell, first = distinct(np.ravel_multi_index(levels, _LEVELS), prod(_LEVELS))
        self.levels = np.column_stack([level[first] for level in levels])

    def take(self, rows: NDArray[np.integer]) -> Activity:
        """Return the activity of some of the landmarks, in the same cells."""
        part = copy.copy(self)
        part.cell = self.cell[rows]
        return part

    def design(self) -> NDArray[np.float64]:
        """Return the (cells, 22) indicator matrix of the levels."""
        return np.hstack([np.eye(size)[self.levels[:, i]] for i, size in enumerate(_LEVELS)])


def _hour_level(hours: NDArray[np.floating]) -> NDArray[np.int8]:
    level = np.ones(len(hours), dtype=np.int8)
    for edge in _HOURS:  # so few that to look at each takes less time than to search
        level += hours > edge
    return level


def log_odds(forecast: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the log-odds of forecasts, which are kept within [1e-6, 1 - 1e-6]."""
    return np.asarray(logit(np.clip(forecast, _CLIP, 1 - _CLIP)))


class Adjustment:
    """``logit p = a + b logit f + g . activity``, fitted on cells by penalised likelihood.

    The slope ``b`` is kept at or above zero: a forecast that is wrong way round is no evidence for
    its claim. Activity terms carry a standard normal prior, which only matters for rare levels.

    Parameters
    ----------
    design : (cells, terms) array
        The activity terms of each cell (`Activity.design`).
    """

    def __init__(self, design: NDArray[np.float64]) -> None:
        self.design = design
        self.slope_ = 0.0
        self.terms_ = np.zeros(design.shape[1] + 1)

    def fit(
        self,
        cell: NDArray[np.integer],
        score: NDArray[np.floating] | None,
        trials: NDArray[np.floating],
        conversions: NDArray[np.floating],
    ) -> Self:
        """Fit on training counts.

        Parameters
        ----------
        cell : (m,) integers
            Activity cell of each row.
        score : (m,) array or None
            Log-odds of the model's cross-fitted forecasts (`log_odds`); None fits activity alone.
        trials, conversions : (m,) counts
        """
        if score is None:
            cells, trials, conversions, _ = _binned(cell, np.zeros(len(cell)), trials, conversions)
            self.slope_ = 0.0
            self.terms_ = _logistic(self._terms(cells), trials, conversions, self.terms_)
            return self
        cells, trials, conversions, mean_score = _binned(cell, score, trials, conversions)
        terms = self._terms(cells)
        columns = np.column_stack([terms, mean_score])
        start = np.append(self.terms_, self.slope_)
        fitted = _logistic(columns, trials, conversions, start)
        if fitted[-1] < 0:
            self.slope_, self.terms_ = 0.0, _logistic(terms, trials, conversions, self.terms_)
        else:
            self.slope_, self.terms_ = float(fitted[-1]), fitted[:-1]
        return self

    def adjusted(
        self, cell: NDArray[np.integer], score: NDArray[np.floating] | None
    ) -> NDArray[np.float64]:
        """Return the adjusted log-odds, of probabilities within [1e-6, 1 - 1e-6]."""
        of_cell = self._terms(np.arange(len(self.design))) @ self.terms_
        result = of_cell[cell]
        if score is not None and self.slope_ > 0:
            result += self.slope_ * score
        return np.asarray(np.clip(result, -MOST_CERTAIN, MOST_CERTAIN))

    def _terms(self, cells: NDArray[np.integer]) -> NDArray[np.float64]:
        return np.column_stack([np.ones(len(cells)), self.design[cells]])


def _binned(
    cell: NDArray[np.integer],
    score: NDArray[np.floating],
    trials: NDArray[np.floating],
    conversions: NDArray[np.floating],
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Sum counts over (activity cell, bin of the score), with the mean score of each."""
    low, high = float(score.min()), float(score.max())
    width = (high - low) / _BINS or 1.0
    bins = np.minimum(((score - low) / width).astype(np.intp), _BINS - 1)
    key = cell.astype(np.intp) * _BINS + bins
    size = (int(cell.max()) + 1) * _BINS
    n = counted(key, trials, size)
    kept = np.flatnonzero(n)
    k = counted(key, conversions, size)[kept]
    mean = counted(key, trials * score, size)[kept] / n[kept]
    return kept // _BINS, n[kept], k, mean


def _logistic(
    columns: NDArray[np.float64],
    trials: NDArray[np.float64],
    conversions: NDArray[np.float64],
    start: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the coefficients of a logistic regression on counts, by damped Newton steps.

    The first column is the intercept and, like a score in the last of more columns than there are
    activity terms, it is hardly penalised; the activity terms have a standard normal prior.
    """
    n_activity = sum(_LEVELS)
    penalty = np.full(columns.shape[1], 1e-6)
    penalty[1 : 1 + n_activity] = 1.0

    def value(beta: NDArray[np.float64]) -> float:
        eta = columns @ beta
        return float(conversions @ eta - trials @ np.logaddexp(0, eta) - 0.5 * penalty @ beta**2)

    beta, best = start, value(start)
    for _ in range(50):
        p = expit(columns @ beta)
        slope = columns.T @ (conversions - trials * p) - penalty * beta
        curvature = (columns * (trials * p * (1 - p))[:, None]).T @ columns + np.diag(penalty)
        step = np.linalg.solve(curvature, slope)
        # Newton's method squares its error: a step that gains so little is the last, and is taken
        # whole, since it is right to more digits than the value is.
        if float(slope @ step) < _LAST_GAIN:
            return beta + step
        size = 1.0
        while value(beta + size * step) < best and size > 1e-6:
            size /= 2
        beta = beta + size * step
        best = value(beta)
    return beta
