"""Bagged logistic regression: each channel met adds log-odds of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from scipy import sparse
from scipy.special import expit, log_expit, logit
from sklearn.utils.validation import check_is_fitted

from lydite.models.mixture import base_rate
from lydite.models.sets import LEAST, MOST, SetModel, observed_sets

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lydite.paths.landmarks import UniqueFeatures

#: Standard deviation of the normal prior on coefficients, in log-odds: weak, and enough to keep
#: them finite where a channel's landmarks all convert, or none does.
PRIOR_SPREAD = 2.5

_MAX_NEWTON_STEPS = 100
_MAX_HALVINGS = 30
# Newton's method squares its error: a step that promises less than this, in nats, or less than
# the rounding of the likelihood, is the last one needed.
_LAST_GAIN = 1e-8
_ROUNDING = 1e-12


class BaggedLogistic(SetModel):
    """Each channel that was met adds log-odds of its own, in any order and number [1]_.

    *Forecast.* ``expit(intercept + sum of the coefficients of the channels met)``. Intercept and
    coefficients are means over logistic regressions on bags: each landmark is in a bag with the
    probability `sample_share`.

    *Credit.* What the forecast loses when the channel is taken out of the set; a channel whose
    absence raises the forecast gets nothing.

    Parameters
    ----------
    bags : int, at least 1
    sample_share : float in (0, 1]
        The share of the landmarks in each bag.
    channel_share : float in (0, 1]
        The share of the channels in each bag; a coefficient is the mean over the bags that hold
        its channel. The default leaves none out, unlike the paper's 0.5: what a channel left out
        does is ascribed to those that are met together with it, and averaging does not undo this
        bias. A smaller share steadies the coefficients of channels that are met together always.
    seed : int
        Seeds the draws; the same data give the same bags, in whatever order they come.

    Attributes
    ----------
    intercept_ : float
    coefficients_ : (n_channels,) array
        0 for a channel that no bag holds. Channels that nothing but their names tells apart have
        the same: the mean of theirs.

    Raises
    ------
    ValueError
        When there is no bag, or a share is not in (0, 1].

    References
    ----------
    .. [1] Shao & Li (2011), "Data-driven multi-touch attribution models", *KDD*.
    """

    name = "bagged_logistic"
    claim = "which channels were met, each adding log-odds of its own"

    def __init__(
        self,
        bags: int = 20,
        sample_share: float = 0.5,
        channel_share: float = 1.0,
        seed: int = 0,
    ) -> None:
        if bags < 1:
            raise ValueError(f"a bagged logistic regression needs at least one bag, not {bags}")
        for name, share in (("sample_share", sample_share), ("channel_share", channel_share)):
            if not 0 < share <= 1:
                raise ValueError(f"{name} is above 0 and up to 1, not {share}")
        self.bags = bags
        self.sample_share = sample_share
        self.channel_share = channel_share
        self.seed = seed

    def fit_counts(
        self,
        features: UniqueFeatures,
        trials: NDArray[np.floating],
        conversions: NDArray[np.floating],
    ) -> Self:
        """Fit a regression on every bag, and average them."""
        met, trials, conversions = observed_sets(features, trials, conversions)
        rng = np.random.default_rng(self.seed)
        held = self._draw_channels(met.shape[1], rng)
        hits = self._draw_landmarks(conversions, rng)
        misses = self._draw_landmarks(np.maximum(trials - conversions, 0), rng)
        centre = float(logit(base_rate(trials, conversions)))
        fitted = fit_logistic(met, hits, misses, held, centre)
        self.intercept_ = float(fitted[:, 0].mean())
        mean = fitted[:, 1:].sum(axis=0) / np.maximum(held.sum(axis=0), 1)
        # Bags differ by chance, also between channels that the data does not tell apart.
        twins = distinct_rows(met, trials, conversions)
        self.coefficients_ = (np.bincount(twins, mean) / np.bincount(twins))[twins]
        return self

    def _draw_channels(self, channels: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Return which channels each bag holds, (bags, channels)."""
        rank = rng.random((self.bags, channels)).argsort(axis=1).argsort(axis=1)
        return np.asarray(rank < np.ceil(self.channel_share * channels))

    def _draw_landmarks(
        self, counts: NDArray[np.floating], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return how many of the (k,) counts each bag holds, (k, bags).

        Weighted landmarks may add up to fractions: the last fraction is drawn as a whole.
        """
        whole = np.floor(counts)
        size = (self.bags, len(counts))
        drawn = rng.binomial(whole.astype(np.int64), self.sample_share, size).astype(float)
        drawn += (counts - whole) * (rng.random(size) < self.sample_share)
        return np.ascontiguousarray(drawn.T)

    def forecast_unique(self, features: UniqueFeatures) -> NDArray[np.float64]:
        """Return ``expit(intercept + sum of coefficients)`` for each set."""
        check_is_fitted(self, "coefficients_")
        log_odds = self.intercept_ + features.rows @ self.coefficients_
        return np.asarray(np.clip(expit(log_odds), LEAST, MOST))


def distinct_rows(
    met: sparse.csr_array[np.float64],
    trials: NDArray[np.floating],
    conversions: NDArray[np.floating],
) -> NDArray[np.intp]:
    """Give channels numbers, the same to those that nothing but their names tells apart.

    Channels differ where they were met, or converted, unlike often, or else in unlike sets. Sets
    differ by their counts, and by what is known so far of their channels; so both are told apart
    in turn until nothing is left to tell.

    Parameters
    ----------
    met : (k, channels) sparse matrix of ones
        Distinct sets of channels.
    trials, conversions : (k,) counts

    Returns
    -------
    (channels,) integers
    """
    sets, channels = met.shape
    counts = np.asarray(trials, dtype=float), np.asarray(conversions, dtype=float)
    row = np.repeat(np.arange(sets), np.diff(met.indptr))
    random = np.random.default_rng(0).integers(0, 2**64, max(met.shape), dtype=np.uint64)
    number = _ranked(*(met.T @ count for count in counts))
    while number.max(initial=-1) + 1 < channels:
        company, kinds = np.zeros(sets, dtype=np.uint64), np.zeros(channels, dtype=np.uint64)
        # Sums modulo 2^64 are exact, in whatever order.
        np.add.at(company, row, random[number][met.indices])
        np.add.at(kinds, met.indices, random[_ranked(*counts, company)][row])
        finer = _ranked(number, kinds)
        if finer.max() == number.max():
            break
        number = finer
    return number


def _ranked(*keys: NDArray[np.generic]) -> NDArray[np.intp]:
    """Return the rank of each tuple of keys, of 64 bits each, among the distinct ones."""
    bits = np.column_stack([np.asarray(key).view(np.int64) for key in keys])
    rank: NDArray[np.intp] = np.unique(bits, axis=0, return_inverse=True)[1]
    return rank


def fit_logistic(
    met: sparse.csr_array[np.float64],
    hits: NDArray[np.float64],
    misses: NDArray[np.float64],
    held: NDArray[np.bool_],
    centre: float,
) -> NDArray[np.float64]:
    """Return the intercepts and coefficients of logistic regressions, fitted side by side.

    Maximises ``sum h log p + m log(1 - p)`` plus the logarithm of a normal prior on each
    coefficient, around 0, and on the intercept, around `centre`. The sum is strictly concave and
    its prior keeps the maximum finite, so that Newton's method with backtracking arrives; all
    regressions take their steps together.

    Parameters
    ----------
    met : (k, channels) sparse matrix of ones
    hits, misses : (k, b) arrays
        Landmarks with and without conversion in each of b bags.
    held : (b, channels) bool
        Whether a bag holds the channel; the coefficient of one that it does not hold is 0.
    centre
        The logit of the base rate.

    Returns
    -------
    (b, 1 + channels) array
    """
    constant = sparse.csr_array(np.ones((met.shape[0], 1)))
    design = sparse.hstack([constant, met], format="csr")
    pairs = _pairs(design)
    free = np.column_stack([np.ones(len(held), dtype=bool), held])
    start = np.zeros(free.shape)
    start[:, 0] = centre
    precision = PRIOR_SPREAD**-2
    trials = hits + misses

    def value(theta: NDArray[np.float64]) -> NDArray[np.float64]:
        log_odds = np.asarray(design @ theta.T)
        fit = (hits * log_expit(log_odds) + misses * log_expit(-log_odds)).sum(axis=0)
        return np.asarray(fit - precision / 2 * ((theta - start) ** 2).sum(axis=1))

    theta, best = start, value(start)
    for _ in range(_MAX_NEWTON_STEPS):
        p = expit(np.asarray(design @ theta.T))
        slope = np.asarray(design.T @ (hits - trials * p)).T - precision * (theta - start)
        slope *= free
        curvature = _curvature(pairs, trials * p * (1 - p), free)
        curvature += precision * np.eye(free.shape[1])
        step = np.linalg.solve(curvature, slope[:, :, None])[:, :, 0]
        gain = (slope * step).sum(axis=1)
        arrived = gain < np.maximum(_LAST_GAIN, _ROUNDING * np.abs(best))
        theta, best = _climb(value, theta, best, step, np.where(arrived, -np.inf, gain))
        if arrived.all():
            break
    return theta


def _curvature(
    pairs: sparse.csr_array[np.float64], weights: NDArray[np.float64], free: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return ``X' diag(w) X`` of each bag, (b, p, p), 0 for channels that a bag does not hold."""
    bags, width = free.shape
    curvature = np.asarray(pairs.T @ weights).T.reshape(bags, width, width)
    return np.asarray(curvature * (free[:, :, None] & free[:, None, :]))


def _pairs(design: sparse.csr_array[np.float64]) -> sparse.csr_array[np.float64]:
    """Return the products of each row with itself, (k, p * p) for a (k, p) matrix of ones."""
    lengths = np.diff(design.indptr)
    row = np.repeat(np.arange(len(lengths)), lengths)
    second = design[row]
    first = np.repeat(design.indices.astype(np.int64), lengths[row])
    width = design.shape[1]
    return sparse.csr_array(
        (second.data, first * width + second.indices, np.append(0, np.cumsum(lengths**2))),
        shape=(len(lengths), width * width),
    )


def _climb(
    value: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    theta: NDArray[np.float64],
    best: NDArray[np.float64],
    step: NDArray[np.floating],
    gain: NDArray[np.floating],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Go along each step as far as the value rises by what the slope promises (Armijo's rule).

    Parameters
    ----------
    theta, step : (b, p) arrays
    best, gain : (b,) arrays
        The values, and what they would gain along the slope; minus infinity takes the step unseen.
    """
    size = np.ones(len(theta))
    for _ in range(_MAX_HALVINGS):
        trial = theta + size[:, None] * step
        reached = value(trial)
        risen = reached >= best + 1e-4 * size * gain
        if risen.all():
            break
        size[~risen] /= 2
    return np.where(risen[:, None], trial, theta), np.where(risen, reached, best)
