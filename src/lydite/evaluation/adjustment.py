"""Adjustment for activity: the layer every rival gets, and that alone is the null hypothesis."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.special import expit, logit

from lydite.paths.arrays import factorize, group_sums
from lydite.paths.kernels import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.paths.landmarks import Landmarks

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
        number = np.empty(len(landmarks), dtype=np.int16)
        _number_levels(
            landmarks.path,
            landmarks.paths.length,
            landmarks.hours_since_previous,
            landmarks.hours_since_first,
            number,
        )
        cell, first = factorize(number)
        self.cell = cell.astype(np.int16)
        self.levels = np.column_stack(np.unravel_index(number[first], _LEVELS))

    def take(self, rows: NDArray[np.integer]) -> Activity:
        """Return the activity of some of the landmarks, in the same cells."""
        part = copy.copy(self)
        part.cell = self.cell[rows]
        return part

    def design(self) -> NDArray[np.float64]:
        """Return the (cells, 22) indicator matrix of the levels."""
        return np.hstack([np.eye(size)[self.levels[:, i]] for i, size in enumerate(_LEVELS)])


@compiled
def _number_levels(
    path: NDArray[np.integer],
    length: NDArray[np.integer],
    since_previous: NDArray[np.floating],
    since_first: NDArray[np.floating],
    number: NDArray[np.int16],
) -> None:
    """Give landmarks with the same levels the same number, below the product of `_LEVELS`."""
    for row in range(len(path)):
        touches = min(length[path[row]], _MOST_TOUCHES) - 1
        previous, first = 0, 0
        if not np.isnan(since_previous[row]):
            previous, first = 1, 1
            for edge in _HOURS:
                previous += since_previous[row] > edge
                first += since_first[row] > edge
        number[row] = (touches * _LEVELS[1] + previous) * _LEVELS[2] + first


def log_odds(forecast: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the log-odds of forecasts, which are kept within [1e-6, 1 - 1e-6].

    Raises
    ------
    ValueError
        When a forecast is not a number.
    """
    kept = np.clip(forecast, _CLIP, 1 - _CLIP)
    if np.isnan(kept.sum()):
        raise ValueError("a forecast is nan; a model must give a chance from 0 to 1 to every path")
    # Within those bounds as exact as scipy's `logit`, and a third of its time.
    return np.asarray(np.log(kept / (1 - kept)))


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
        feature_row: NDArray[np.integer] | None = None,
    ) -> Self:
        """Fit on training counts.

        Parameters
        ----------
        cell : (m,) integers
            Activity cell of each row.
        score
            Log-odds of the model's cross-fitted forecasts (`log_odds`), of each row or of each
            feature row; None fits activity alone.
        trials, conversions : (m,) counts
            Rows without trials say nothing.
        feature_row : (m,) integers
            The feature row of each row, where scores are of feature rows.
        """
        if score is None:
            n, k = (group_sums(cell, own, len(self.design)) for own in (trials, conversions))
            cells = np.flatnonzero(n)
            self.slope_ = 0.0
            self.terms_ = _logistic(self._terms(cells), n[cells], k[cells], self.terms_)
            return self
        cells, n, k, mean = _binned(cell, score, feature_row, trials, conversions, len(self.design))
        terms = self._terms(cells)
        start = np.append(self.terms_, self.slope_)
        fitted = _logistic(np.column_stack([terms, mean]), n, k, start)
        if fitted[-1] < 0:
            self.slope_, self.terms_ = 0.0, _logistic(terms, n, k, self.terms_)
        else:
            self.slope_, self.terms_ = float(fitted[-1]), fitted[:-1]
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
            Activity cell of each row.
        score
            Log-odds that the model forecasts, of each row or of each feature row; None without any.
        feature_row : (n,) integers
            The feature row of each row, where scores are of feature rows.
        """
        of_cell = self._terms(np.arange(len(self.design))) @ self.terms_
        result = np.empty(len(cell))
        slope = self.slope_ if score is not None else 0.0
        _adjust(of_cell, cell, slope, score if slope > 0 else None, feature_row, result)
        return result

    def _terms(self, cells: NDArray[np.integer]) -> NDArray[np.float64]:
        return np.column_stack([np.ones(len(cells)), self.design[cells]])


@compiled
def _adjust(
    of_cell: NDArray[np.float64],
    cell: NDArray[np.integer],
    slope: float,
    score: NDArray[np.floating] | None,
    feature_row: NDArray[np.integer] | None,
    result: NDArray[np.float64],
) -> None:
    for row in range(len(cell)):
        own = of_cell[cell[row]]
        if score is not None:
            own += slope * score[row if feature_row is None else feature_row[row]]
        result[row] = min(max(own, -MOST_CERTAIN), MOST_CERTAIN)


def _binned(
    cell: NDArray[np.integer],
    score: NDArray[np.floating],
    feature_row: NDArray[np.integer] | None,
    trials: NDArray[np.floating],
    conversions: NDArray[np.floating],
    cells: int,
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Sum counts over (activity cell, bin of the score), with the mean score of each."""
    sums = np.zeros((3, cells, _BINS))
    _bin(cell, score, feature_row, trials, conversions, sums)
    n, k, total = sums.reshape(3, -1)
    kept = np.flatnonzero(n)
    return kept // _BINS, n[kept], k[kept], total[kept] / n[kept]


@compiled
def _bin(
    cell: NDArray[np.integer],
    score: NDArray[np.floating],
    feature_row: NDArray[np.integer] | None,
    trials: NDArray[np.floating],
    conversions: NDArray[np.floating],
    sums: NDArray[np.float64],
) -> None:
    """Add trials, conversions and trials times score by cell and bin."""
    low, high = np.inf, -np.inf
    for row in range(len(cell)):
        if trials[row] > 0:
            own = score[row if feature_row is None else feature_row[row]]
            low, high = min(low, own), max(high, own)
    width = (high - low) / _BINS
    for row in range(len(cell)):
        if trials[row] > 0:
            own = score[row if feature_row is None else feature_row[row]]
            place = min(int((own - low) / width), _BINS - 1) if width > 0 else 0
            sums[0, cell[row], place] += trials[row]
            sums[1, cell[row], place] += conversions[row]
            sums[2, cell[row], place] += trials[row] * own


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
