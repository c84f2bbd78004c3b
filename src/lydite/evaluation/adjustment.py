"""Adjustment for activity: added to the forecast of every model, and alone the null hypothesis."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.special import logit

from lydite.evaluation.logistic_regression import logistic_regression
from lydite.paths.arrays import factorize, group_sums, parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.paths.landmarks import Landmarks

_HOURS = (1.0, 6.0, 24.0, 72.0, 168.0)
#: Touches so far: 1, 2, ..., 7, from 8, from 16, from 32 on. Many touches without a conversion are
#: common among users who never convert.
_TOUCHES = (2, 3, 4, 5, 6, 7, 8, 16, 32)
_LEVELS = (len(_TOUCHES) + 1, len(_HOURS) + 2, len(_HOURS) + 2)
_BINS = 32
_CLIP = 1e-6
_NO_PENALTY = 1e-6  # next to none, and enough for a unique solution
#: The largest log-odds of a forecast, either way.
MAX_LOG_ODDS = float(logit(1 - _CLIP))


class Activity:
    """The activity of the journey at each landmark: counts and times, without channels.

    Touches so far (1..7, 8 to 15, 16 to 31, more), time since the previous touch and time since
    the first touch of the path (none, up to 1 h, 6 h, 1 d, 3 d, 7 d, longer).

    Attributes
    ----------
    cell : (n,) integers
        The activity cell of each landmark.
    levels : (cells, 3) integers
        The three levels of each cell.
    sizes
        How many levels there are of each.
    """

    def __init__(self, landmarks: Landmarks) -> None:
        touches = np.searchsorted(_TOUCHES, landmarks.paths.length, side="right")
        since_previous = landmarks.hours_since_previous
        has_previous = ~np.isnan(since_previous)
        levels = (
            touches.astype(np.int16)[landmarks.path],
            _time_level(since_previous, has_previous),
            _time_level(landmarks.hours_since_first, has_previous),
        )
        cell, first = factorize(np.ravel_multi_index(levels, _LEVELS))
        self.cell = cell.astype(np.int16)
        self.sizes = _LEVELS
        self.levels = np.column_stack([level[first] for level in levels])

    def take(self, rows: NDArray[np.integer]) -> Activity:
        """Return the activity of some of the landmarks, in the same cells."""
        part = copy.copy(self)
        part.cell = self.cell[rows]
        return part

    def design(self) -> NDArray[np.float64]:
        """Return the (cells, 24) indicator matrix of the levels."""
        return np.hstack([np.eye(size)[self.levels[:, i]] for i, size in enumerate(_LEVELS)])


def _time_level(hours: NDArray[np.floating], has_previous: NDArray[np.bool_]) -> NDArray[np.int16]:
    """Return 0 for a first touch, and else 1 and the number of limits of `_HOURS` exceeded."""
    level = has_previous.astype(np.int16)
    for limit in _HOURS:
        level += has_previous & (hours > limit)
    return level


def log_odds(forecast: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the log-odds of forecasts, clipped to [1e-6, 1 - 1e-6].

    Raises
    ------
    ValueError
        When a forecast is not a number.
    """
    kept = np.clip(forecast, _CLIP, 1 - _CLIP)
    if np.isnan(kept.sum()):
        raise ValueError("a forecast is nan; a model must give every path a probability")
    # Within those bounds as exact as scipy's `logit`, and three times as fast.
    return np.asarray(np.log(kept / (1 - kept)))


class Adjustment:
    """``logit p = a + b logit f + g . activity + level``, fitted on cells by penalised likelihood.

    The levels of days and hours are known (`lydite.evaluation.day_levels`).

    The slope ``b`` is at least zero, because a forecast that is wrong way round is no evidence for
    its claim. Activity terms have a normal prior.

    Parameters
    ----------
    design : (cells, terms) array
        The activity terms of each cell (`Activity.design`).

    Attributes
    ----------
    slope_ : float
        ``b``.
    terms_ : (1 + terms,) array
        ``a`` and ``g``.
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
        feature_row: NDArray[np.integer] | None = None,
        exposure: NDArray[np.floating] | None = None,
        precision: NDArray[np.float64] | None = None,
    ) -> Self:
        """Fit on training counts.

        Parameters
        ----------
        cell : (m,) integers
            Activity cell of each count.
        score
            Log-odds of the model's cross-fitted forecasts (`log_odds`), one for each count or each
            feature row; None fits activity alone.
        trials, conversions : (m,) counts
            Counts without trials are ignored.
        feature_row : (m,) integers
            The feature row of each count, if there is a score for each feature row.
        exposure : (m,) array
            The trials of each count times the factors of their days and hours; counts without
            exposure are ignored. None where all days and hours are alike.
        precision : (terms,) array
            The precision of the prior of each activity term; 1 where None.
        """
        self._penalty = np.append(
            _NO_PENALTY, np.ones(self.design.shape[1]) if precision is None else precision
        )
        exposure = trials if exposure is None else exposure
        if score is None:
            n, k, level = (
                group_sums(cell, values, len(self.design))
                for values in (trials, conversions, exposure)
            )
            cells = np.flatnonzero(level > 0)
            self.slope_ = 0.0
            self.terms_ = self._fit_terms(cells, n[cells], k[cells], level[cells])
            return self
        seen = np.flatnonzero(exposure > 0)
        scores = score[seen if feature_row is None else feature_row[seen]]
        counts = trials[seen], conversions[seen], exposure[seen]
        cells, sums = _binned(cell[seen], scores, *counts, len(self.design))
        n, k, level, total = sums
        columns = np.column_stack([self._columns(cells), total / n])
        penalty = np.append(self._penalty, _NO_PENALTY)
        start = np.append(self.terms_, self.slope_)
        fitted = logistic_regression(columns, n, k, penalty, start, np.log(level / n))
        self.slope_ = max(float(fitted[-1]), 0.0)
        self.terms_ = fitted[:-1] if self.slope_ > 0 else self._fit_terms(cells, n, k, level)
        return self

    def adjusted(
        self,
        cell: NDArray[np.integer],
        score: NDArray[np.floating] | None,
        feature_row: NDArray[np.integer] | None = None,
    ) -> NDArray[np.float64]:
        """Return the adjusted log-odds, of probabilities within [1e-6, 1 - 1e-6].

        Parameters
        ----------
        cell : (n,) integers
            Activity cell of each landmark.
        score
            Log-odds of the model's forecasts, one for each landmark or each feature row; None
            without any.
        feature_row : (n,) integers
            The feature row of each landmark, if there is a score for each feature row.
        """
        by_cell = self._columns(np.arange(len(self.design))) @ self.terms_
        result = np.empty(len(cell))
        for some in parts(len(cell)):
            adjusted = by_cell[cell[some]]
            if score is not None and self.slope_ > 0:
                scores = score[some] if feature_row is None else score[feature_row[some]]
                adjusted += self.slope_ * scores
            np.clip(adjusted, -MAX_LOG_ODDS, MAX_LOG_ODDS, out=result[some])
        return result

    def _fit_terms(
        self,
        cells: NDArray[np.integer],
        trials: NDArray[np.float64],
        hits: NDArray[np.float64],
        exposure: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the terms that fit without a score."""
        columns, level = self._columns(cells), np.log(exposure / trials)
        return logistic_regression(columns, trials, hits, self._penalty, self.terms_, level)

    def _columns(self, cells: NDArray[np.integer]) -> NDArray[np.float64]:
        return np.column_stack([np.ones(len(cells)), self.design[cells]])


def _binned(
    cell: NDArray[np.integer],
    score: NDArray[np.floating],
    trials: NDArray[np.floating],
    conversions: NDArray[np.floating],
    exposure: NDArray[np.floating],
    cells: int,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Sum counts by activity cell and bin of the score.

    Parameters
    ----------
    cell : (m,) integers
    score, trials, conversions, exposure : (m,) arrays
        Trials and exposure are above 0.
    cells
        The number of activity cells.

    Returns
    -------
    cell : (k,) integers
        The cell of each combination with trials.
    sums : (4, k) array
        Its trials, conversions, exposure, and trials times score.
    """
    low, high = (score.min(), score.max()) if len(score) else (0.0, 0.0)
    width = (high - low) / _BINS if high > low else np.inf
    sums = np.zeros((4, cells * _BINS))
    for some in parts(len(cell)):
        bins = np.minimum((score[some] - low) / width, _BINS - 1).astype(np.intp)
        group, total = cell[some] * _BINS + bins, trials[some] * score[some]
        columns = trials[some], conversions[some], exposure[some], total
        for number, values in enumerate(columns):
            sums[number] += np.bincount(group, values, cells * _BINS)
    kept = np.flatnonzero(sums[0])
    return kept // _BINS, sums[:, kept]
