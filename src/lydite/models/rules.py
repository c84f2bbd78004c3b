"""Rules: models that weigh the touches of a path by a fixed expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from scipy import sparse

from lydite.models.base import Model
from lydite.models.landmarks import Profiles, distinct

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lydite.models.landmarks import Landmarks

# Shares of a path are kept in steps of 1/120: exact for equal shares of up to 6, 8, 10 or 12
# touches, and fine enough elsewhere that the forecast moves by less than it can be estimated.
SHARE_STEPS = 120
_MAX_NEWTON_STEPS = 100
# Newton's method squares its error: after a step that gains less than this, in nats, what is left
# is far below rounding of the likelihood, and models with the same forecast agree to many digits.
_LAST_GAIN = 1e-8
# Up to so many channels a full matrix is faster than a sparse one.
_DENSE_CHANNELS = 24


class Rule(Model):
    """One touch, drawn with the rule's weights, decides whether the customer converts.

    So a landmark converts with probability ``sum_c X_c r_c``, where ``X_c`` is the share of the
    rule's weight that falls on channel ``c``, and ``r_c`` the rate of that channel. The rates are
    fitted by maximum likelihood with a weak Beta prior at the base rate.

    Parameters
    ----------
    name
        Name of the model, and of the column of weights in `PathChannels.weights`.
    claim
        The hypothesis.
    expression
        SQL expression of a touch's weight over `lydite.models.PATH_COLUMNS`.

    Attributes
    ----------
    rates_ : (n_channels,) array
        Rate of each channel.
    """

    def __init__(self, name: str, claim: str, expression: str) -> None:
        self.name = name
        self.claim = claim
        self.expression = expression

    @property
    def weight_sql(self) -> str:
        """The rule itself."""
        return self.expression

    def encode(self, landmarks: Landmarks) -> Profiles:
        """Return the distinct divisions of a path over channels, as a sparse (k, c) matrix."""
        path = landmarks.path
        steps = _steps(path.landmark, path.weights[self.name], path.touches, len(landmarks))
        index, first = distinct(_digest(path.landmark, path.channel, steps, len(landmarks)))
        return Profiles(index, _shares(landmarks, steps, first))

    def fit_counts(
        self, profiles: Profiles, trials: NDArray[np.floating], conversions: NDArray[np.floating]
    ) -> Self:
        """Fit the rates; a fit goes on from the rates of the fit before."""
        seen = trials > 0
        shares, trials, conversions = profiles.features[seen], trials[seen], conversions[seen]
        base = base_rate(trials, conversions)
        start = getattr(self, "rates_", None)
        if start is None or len(start) != shares.shape[1]:
            start = np.full(shares.shape[1], base)
        self.rates_ = fit_rates(shares, trials, conversions, base, start)
        return self

    def forecast_profiles(self, profiles: Profiles) -> NDArray[np.float64]:
        """Return ``X r`` for each profile."""
        return np.asarray(profiles.features @ self.rates_)


def base_rate(trials: NDArray[np.floating], conversions: NDArray[np.floating]) -> float:
    """Return the share of trials that convert, kept off 0 and 1 by half a trial."""
    return float((conversions.sum() + 0.5) / (trials.sum() + 1.0))


def fit_rates(
    shares: sparse.csr_array,
    trials: NDArray[np.floating],
    conversions: NDArray[np.floating],
    base: float,
    start: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the rates that maximise the likelihood of a rule mixture.

    Maximises ``sum k log(Xr) + (n - k) log(1 - Xr)`` plus the logarithm of a Beta prior on each
    rate, worth one conversion at the base rate. The sum is strictly concave and its prior keeps
    the maximum inside (0, 1), so that Newton's method with backtracking always arrives.

    Parameters
    ----------
    shares : (k, c) sparse matrix with rows that sum to 1
    trials, conversions : (k,) arrays
    base
        The base rate, in (0, 1).
    start : (c,) array in (0, 1)
    """
    matrix = shares.toarray() if shares.shape[1] <= _DENSE_CHANNELS else shares
    misses = trials - conversions
    prior_hits, prior_misses = 1.0, (1.0 - base) / base

    def value(rates: NDArray[np.float64]) -> float:
        p = matrix @ rates
        return float(
            conversions @ np.log(p)
            + misses @ np.log1p(-p)
            + prior_hits * np.log(rates).sum()
            + prior_misses * np.log1p(-rates).sum()
        )

    rates = start
    best = value(rates)
    for _ in range(_MAX_NEWTON_STEPS):
        p = matrix @ rates
        slope = matrix.T @ (conversions / p - misses / (1 - p))
        slope += prior_hits / rates - prior_misses / (1 - rates)
        curvature = _squares(matrix, conversions / p**2 + misses / (1 - p) ** 2)
        curvature[np.diag_indices_from(curvature)] += (
            prior_hits / rates**2 + prior_misses / (1 - rates) ** 2
        )
        step = np.linalg.solve(curvature, slope)
        gain = float(slope @ step)
        rates, best = _backtrack(value, rates, best, step, gain)
        if gain < _LAST_GAIN:
            break
    return rates


def _squares(
    matrix: NDArray[np.float64] | sparse.csr_array, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return ``X' diag(w) X``."""
    if isinstance(matrix, np.ndarray):
        return matrix.T @ (matrix * weights[:, None])
    squares: NDArray[np.float64] = (matrix.T @ matrix.multiply(weights[:, None])).toarray()
    return squares


def _backtrack(
    value: Callable[[NDArray[np.float64]], float],
    rates: NDArray[np.float64],
    best: float,
    step: NDArray[np.float64],
    gain: float,
) -> tuple[NDArray[np.float64], float]:
    """Go along `step` as far as the value rises by what the slope promises (Armijo's rule).

    Near the maximum the whole step is taken unseen: it is right to more digits than the value is.
    """
    size = 1.0
    while True:
        trial = rates + size * step
        if trial.min() > 0 and trial.max() < 1:
            reached = value(trial)
            if gain < _LAST_GAIN or reached >= best + 1e-4 * size * gain or size < 1e-8:
                return trial, reached
        size /= 2


def _steps(
    landmark: NDArray[np.integer],
    weight: NDArray[np.floating],
    touches: NDArray[np.integer],
    n: int,
) -> NDArray[np.uint64]:
    """Return each entry's share of its landmark's path, in steps of 1/SHARE_STEPS.

    A path on which every weight is zero is divided by touches.
    """
    total = np.bincount(landmark, weight, minlength=n)
    empty = total[landmark] <= 0
    if empty.any():
        weight = np.where(empty, touches, weight)
        total = np.bincount(landmark, weight, minlength=n)
    steps: NDArray[np.uint64] = np.rint(weight * (SHARE_STEPS / total[landmark])).astype(np.uint64)
    return steps


def _digest(
    landmark: NDArray[np.integer],
    channel: NDArray[np.integer],
    steps: NDArray[np.uint64],
    n: int,
) -> NDArray[np.uint64]:
    """Return a 64-bit digest of each landmark's division of its path over channels."""
    multipliers = np.random.default_rng(0).integers(
        0, 2**64, size=int(channel.max(initial=0)) + 1, dtype=np.uint64
    )
    starts = np.searchsorted(landmark, np.arange(n))
    return np.add.reduceat(steps * multipliers[channel], starts)


def _shares(
    landmarks: Landmarks, steps: NDArray[np.uint64], first: NDArray[np.intp]
) -> sparse.csr_array:
    """Return the shares of the landmarks at `first`, a row each."""
    path = landmarks.path
    row_of = np.full(len(landmarks), -1)
    row_of[first] = np.arange(len(first))
    row = row_of[path.landmark]
    kept = (row >= 0) & (steps > 0)
    matrix = sparse.csr_array(
        (steps[kept].astype(float), (row[kept], path.channel[kept])),
        shape=(len(first), len(landmarks.channels)),
    )
    return sparse.diags_array(1.0 / matrix.sum(axis=1)).tocsr() @ matrix
