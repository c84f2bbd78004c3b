"""Bagged logistic regression on which channels are on the path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from scipy import sparse
from scipy.special import expit, logit

from lydite.models.estimator import check_is_fitted
from lydite.models.mixture import base_rate
from lydite.models.optimize import maximize_many
from lydite.models.sets import LEAST, MOST, SetModel, observed_sets
from lydite.paths.arrays import parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from lydite.models.base import FeatureCounts, Model
    from lydite.paths.landmarks import UniqueFeatures

#: Standard deviation of the normal prior on coefficients, in log-odds. It is weak, and keeps them
#: finite where all landmarks of a channel convert, or none.
PRIOR_SPREAD = 2.5
_LARGE = 700.0  # log-odds of which the exponential is no infinity
_CELLS_AT_ONCE = 200_000  # sets times resamples that are fitted together


class BaggedLogistic(SetModel):
    """Each channel on the path adds to the log-odds of conversion, in any order and number [1]_.

    *Forecast.* ``expit(intercept + sum of the coefficients of the channels on the path)``.
    Intercept and coefficients are means over logistic regressions on bags. Each landmark is in a
    bag with the probability `sample_share`.

    *Credit.* The drop of the forecast when the channel is removed from the set. A channel whose
    removal raises the forecast gets nothing.

    Parameters
    ----------
    bags : int, at least 1
    sample_share : float in (0, 1]
        The share of the landmarks in each bag.
    channel_share : float in (0, 1]
        The share of the channels in each bag. A coefficient is the mean over the bags with its
        channel. The default keeps all channels in every bag, unlike the paper's 0.5: the effect of
        a channel that is left out is attributed to the channels it occurs with, and averaging does
        not remove this bias. A smaller share stabilises the coefficients of channels that always
        occur together.
    seed : int
        Seeds the draws. The same data give the same bags, whatever the order of their rows.

    Attributes
    ----------
    intercept_ : float
    coefficients_ : (n_channels,) array
        0 for a channel that is in no bag. Channels with the same counts in the same sets have the
        same coefficient, the mean of theirs.

    Raises
    ------
    ValueError
        When there is no bag, or a share is not in (0, 1].

    References
    ----------
    .. [1] Shao & Li (2011), "Data-driven multi-touch attribution models", *KDD*.
    """

    name = "bagged_logistic"
    claim = "which channels the customer saw, each raising the odds separately"

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
        sets, trials, conversions = observed_sets(features, trials, conversions)
        rng = np.random.default_rng(self.seed)
        included = self._draw_channels(sets.shape[1], rng)
        hits = self._draw_landmarks(conversions, rng)
        misses = self._draw_landmarks(np.maximum(trials - conversions, 0), rng)
        centre = float(logit(base_rate(trials, conversions)))
        fitted = fit_logistic(sets, hits, misses, included, centre)
        self.intercept_ = float(fitted[:, 0].mean())
        mean = fitted[:, 1:].sum(axis=0) / np.maximum(included.sum(axis=0), 1)
        # Bags differ by chance, also between channels with the same data.
        kind = channel_kinds(sets, trials, conversions)
        self.coefficients_ = (np.bincount(kind, mean) / np.bincount(kind))[kind]
        return self

    def refits(self, statistics: FeatureCounts, weights: NDArray[np.floating]) -> Iterator[Model]:
        """Yield this model refitted to each (units,) row of weights; use it before the next one.

        Where every bag has all channels, the mean over the bags approximates the regression on all
        landmarks [1]_. So a row of weights moves it as far as that regression. The draw of B bags
        with the share s of the landmarks each adds the share ``(1 - s) / (s B)`` to the variance,
        to the first order.

        References
        ----------
        .. [1] Bühlmann & Yu (2002), "Analyzing bagging", *Annals of Statistics* 30(4).
        """
        if self.channel_share < 1:
            yield from super().refits(statistics, weights)
            return
        sets: sparse.csr_array[np.float64] = statistics.features.rows
        bagged = np.append(self.intercept_, self.coefficients_)
        whole = _whole_fits(statistics, np.ones((1, weights.shape[1])))[0]
        spread = np.sqrt(1 + (1 - self.sample_share) / (self.sample_share * self.bags))
        for some in parts(len(weights), max(1, _CELLS_AT_ONCE // max(1, sets.shape[0]))):
            moved = _whole_fits(statistics, weights[some], whole) - whole
            for row in bagged + spread * moved:
                self.intercept_, self.coefficients_ = float(row[0]), row[1:]
                yield self

    def _draw_channels(self, channels: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Return which channels are in each bag, (bags, channels)."""
        rank = rng.random((self.bags, channels)).argsort(axis=1).argsort(axis=1)
        return np.asarray(rank < np.ceil(self.channel_share * channels))

    def _draw_landmarks(
        self, counts: NDArray[np.floating], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return how many of the (k,) counts are in each bag, (k, bags).

        Weighted landmarks may sum to fractions. A fraction is drawn as a whole.
        """
        whole = np.floor(counts)
        size = (self.bags, len(counts))
        drawn = rng.binomial(whole.astype(np.int64), self.sample_share, size).astype(float)
        drawn += (counts - whole) * (rng.random(size) < self.sample_share)
        return np.ascontiguousarray(drawn.T)

    def without_draws(self) -> Self:
        """Return a single regression on all landmarks and channels, which the bags approximate."""
        return type(self)(bags=1, sample_share=1.0, seed=self.seed)

    def forecast_unique(self, features: UniqueFeatures) -> NDArray[np.float64]:
        """Return ``expit(intercept + sum of coefficients)`` for each set."""
        check_is_fitted(self, "coefficients_")
        log_odds = self.intercept_ + features.rows @ self.coefficients_
        return np.asarray(np.clip(expit(log_odds), LEAST, MOST))


def channel_kinds(
    sets: sparse.csr_array[np.float64],
    trials: NDArray[np.floating],
    conversions: NDArray[np.floating],
) -> NDArray[np.intp]:
    """Return the same number for channels that differ in nothing but their names.

    That is for channels with equal counts that are in the same kinds of sets. Sets are of one kind
    when their counts are equal and so are those of their channels.

    Parameters
    ----------
    sets : (k, channels) sparse matrix of ones
        Distinct sets of channels.
    trials, conversions : (k,) counts

    Returns
    -------
    (channels,) integers
    """
    members = sets.astype(np.uint64)  # integer sums are exact, in any order
    codes = np.random.default_rng(0).integers(0, 2**64, max(sets.shape), dtype=np.uint64)

    def numbered(*columns: ArrayLike) -> NDArray[np.intp]:
        bits = np.column_stack([np.asarray(column).view(np.int64) for column in columns])
        number: NDArray[np.intp] = np.unique(bits, axis=0, return_inverse=True)[1]
        return number

    trials, conversions = np.asarray(trials, dtype=float), np.asarray(conversions, dtype=float)
    channel = numbered(np.asarray(sets.T @ trials), np.asarray(sets.T @ conversions))
    if channel.max(initial=-1) + 1 == len(channel):  # no two have equal counts
        return channel
    kind_of_set = numbered(trials, conversions, np.asarray(members @ codes[channel]))
    return numbered(channel, np.asarray(members.T @ codes[kind_of_set]))


def _whole_fits(
    statistics: FeatureCounts,
    weights: NDArray[np.floating],
    start: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the regressions on all landmarks and channels under each (units,) row of weights."""
    sets: sparse.csr_array[np.float64] = statistics.features.rows
    drawn = np.asarray(weights, dtype=float).T
    trials, hits = (np.asarray(own @ drawn) for own in (statistics.trials, statistics.conversions))
    centre = logit([base_rate(*own) for own in zip(trials.T, hits.T, strict=True)])
    included = np.ones((len(weights), sets.shape[1]), dtype=bool)
    return fit_logistic(sets, hits, np.maximum(trials - hits, 0), included, centre, start)


def fit_logistic(
    sets: sparse.csr_array[np.float64],
    hits: NDArray[np.float64],
    misses: NDArray[np.float64],
    included: NDArray[np.bool_],
    centre: float | NDArray[np.float64],
    start: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the intercepts and coefficients of b logistic regressions, fitted together.

    Maximises ``sum h log p + m log(1 - p)`` plus the logarithm of a normal prior on each
    coefficient, around 0, and on the intercept, around `centre`. The sum is strictly concave, and
    the prior keeps its maximum finite.

    Parameters
    ----------
    sets : (k, channels) sparse matrix of ones
    hits, misses : (k, b) arrays
        Landmarks with and without a conversion in each bag.
    included : (b, channels) bool
        Whether the channel is in the bag; if not, its coefficient is 0.
    centre
        The logit of the base rate, of all bags or of each.
    start : (1 + channels,) array
        Where each fit begins; the prior's means by default.

    Returns
    -------
    (b, 1 + channels) array
    """
    constant = sparse.csr_array(np.ones((sets.shape[0], 1)))
    design = sparse.hstack([constant, sets], format="csr")
    transposed, pairs = design.T.tocsr(), _pairs(design).T.tocsr()
    free = np.column_stack([np.ones(len(included), dtype=bool), included])
    prior_mean = np.zeros(free.shape)
    prior_mean[:, 0] = centre
    precision = PRIOR_SPREAD**-2
    trials, hits_of_term = hits + misses, np.asarray(transposed @ hits).T

    def value(theta: NDArray[np.float64], bags: NDArray[np.intp]) -> NDArray[np.float64]:
        log_odds = np.asarray(design @ theta.T)
        # log(1 + exp(x)), without overflow and faster than scipy's `log_expit`.
        softplus = np.log1p(np.exp(-np.abs(log_odds))) + np.maximum(log_odds, 0)
        away = theta - prior_mean[bags]
        fit = theta * hits_of_term[bags] - precision / 2 * away**2
        return np.asarray(fit.sum(axis=1) - (_columns(trials, bags) * softplus).sum(axis=0))

    def derivatives(
        theta: NDArray[np.float64], bags: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        p = 1 / (1 + np.exp(-np.asarray(design @ theta.T).clip(-_LARGE, _LARGE)))
        expected = _columns(trials, bags) * p
        gradient = hits_of_term[bags] - np.asarray(transposed @ expected).T
        gradient -= precision * (theta - prior_mean[bags])
        information = _information(pairs, expected * (1 - p), free[bags])
        information += precision * np.eye(free.shape[1])
        return gradient * free[bags], information

    begin = prior_mean if start is None else np.tile(start, (len(free), 1))
    return maximize_many(value, derivatives, begin).x


def _columns(counts: NDArray[np.float64], bags: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the columns of some bags; all of them are not copied."""
    return counts if len(bags) == counts.shape[1] else counts[:, bags]


def _information(
    pairs: sparse.csr_array[np.float64], weights: NDArray[np.float64], free: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return ``X' diag(w) X`` of each bag, (b, p, p); 0 for channels that are not in the bag.

    Parameters
    ----------
    pairs : (p * p, k) sparse matrix
        `_pairs` transposed.
    weights : (k, b) array
    free : (b, p) bool
    """
    bags, width = free.shape
    information = np.asarray(pairs @ weights).T.reshape(bags, width, width)
    return np.asarray(information * (free[:, :, None] & free[:, None, :]))


def _pairs(design: sparse.csr_array[np.float64]) -> sparse.csr_array[np.float64]:
    """Return the outer product of each row with itself, (k, p * p) for a (k, p) matrix of ones."""
    lengths = np.diff(design.indptr)
    row = np.repeat(np.arange(len(lengths)), lengths)
    second = design[row]
    first = np.repeat(design.indices.astype(np.int64), lengths[row])
    width = design.shape[1]
    return sparse.csr_array(
        (second.data, first * width + second.indices, np.append(0, np.cumsum(lengths**2))),
        shape=(len(lengths), width * width),
    )
