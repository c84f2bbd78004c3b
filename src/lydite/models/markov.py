"""Markov models: the last channels, in their order, decide."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy

from lydite.models.base import ProportionalModel
from lydite.models.estimator import check_is_fitted
from lydite.models.mixture import base_rate
from lydite.models.removal_effects import absorb
from lydite.models.removal_effects_bootstrap import resampled_effects
from lydite.models.sets import channel_sets
from lydite.models.transitions import MAX_ORDER, TransitionCounts, find, pack, shorten
from lydite.paths.arrays import factorize, group_sums
from lydite.paths.landmarks import UniqueFeatures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray
    from scipy import sparse

    from lydite.paths.landmarks import Landmarks, Paths

#: Candidates for the weight of the shorter state, in landmarks; the last ignores the counts.
PSEUDO_COUNTS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0, np.inf)

_MIN_RATE = 1e-12  # a forecast is never certain


class Markov(ProportionalModel):
    """The last `order` touches decide, as the state of a chain of channels [1]_.

    *Forecast.* A landmark converts at the rate of its state. The rate of a state is shrunk to the
    rate ``p`` of the state without its oldest touch: it is ``(k + m p) / (n + m)``, with ``k``
    conversions among ``n`` landmarks. The pseudo-count ``m`` maximises the likelihood of the
    training counts, one for each order. At order 1, ``p`` is the base rate and ``m`` its
    reciprocal, the weight of one conversion; this is the forecast of last touch.

    *Credit.* Each distinct channel of a path in proportion to its removal effect, in equal parts
    for its touches on the path.

    Parameters
    ----------
    order : int, 1..4
        The number of touches in a state.

    Attributes
    ----------
    base_rate_ : float
    pseudo_counts_ : (order,) array
        The weight of the shorter state, in landmarks, for states of 1, 2, .. touches.
    states_, rates_ : lists of `order` arrays
        The states of 1, 2, .. touches, packed and ascending, and their rates.
    transitions_ : Transitions
    channels_ : tuple of str
    removal_effects_ : (n_channels,) array

    Raises
    ------
    ValueError
        When the order is not 1 to 4.

    References
    ----------
    .. [1] Anderl, Becker, von Wangenheim & Schumann (2016), "Mapping the customer journey",
       *International Journal of Research in Marketing* 33(3).
    """

    def __init__(self, order: int = 1) -> None:
        if not 1 <= order <= MAX_ORDER:
            raise ValueError(f"the order of a Markov model is 1 to {MAX_ORDER}, not {order}")
        self.order = order

    # Name and claim follow the order, also after `set_params`.

    @property
    def name(self) -> str:  # type: ignore[override]
        """The model's name in tables."""
        return f"markov_{self.order}"

    @property
    def claim(self) -> str:  # type: ignore[override]
        """The hypothesis."""
        if self.order == 1:
            return "the last touch and where it leads next"
        return f"the last {self.order} touches in their order, and where they lead next"

    # --- forecast -------------------------------------------------------------------------------

    def encode(self, landmarks: Landmarks) -> UniqueFeatures:
        """Return the distinct states, packed into a (k,) array of integers."""
        keys = pack(landmarks.paths.history[:, : self.order])
        number, first = factorize(keys)
        return UniqueFeatures(number[landmarks.path], keys[first])

    def fit_counts(
        self,
        features: UniqueFeatures,
        trials: NDArray[np.floating],
        conversions: NDArray[np.floating],
    ) -> Self:
        """Fit the rates of the states, those of fewer touches first."""
        seen = trials > 0
        keys, trials, conversions = features.rows[seen], trials[seen], conversions[seen]
        self.base_rate_ = base_rate(trials, conversions)
        self.pseudo_counts_ = np.full(self.order, 1 / self.base_rate_)
        self.states_: list[NDArray[np.uint64]] = []
        self.rates_: list[NDArray[np.float64]] = []
        for level in range(self.order):
            states, index = np.unique(shorten(keys, level + 1), return_inverse=True)
            n = group_sums(index, trials, len(states))
            k = group_sums(index, conversions, len(states))
            shorter = self._rates(states)
            if level > 0:
                self.pseudo_counts_[level] = most_likely_pseudo_count(n, k, shorter)
            weight = n / (n + self.pseudo_counts_[level])
            self.states_.append(states)
            rates = shorter + weight * (k / n - shorter)
            # If all landmarks convert, rates of longer states would round to 1.
            self.rates_.append(np.clip(rates, _MIN_RATE, 1 - _MIN_RATE))
        return self

    def forecast_unique(self, features: UniqueFeatures) -> NDArray[np.float64]:
        """Return the rate of each state, or of its longest suffix in the training data."""
        check_is_fitted(self, "rates_")
        return self._rates(features.rows)

    def _rates(self, keys: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Return the rates of states by the levels that are fitted."""
        rates = np.full(len(keys), self.base_rate_)
        for level, (states, fitted) in enumerate(zip(self.states_, self.rates_, strict=True)):
            place = find(shorten(keys, level + 1), states)
            rates[place >= 0] = fitted[place[place >= 0]]
        return rates

    # --- credit ---------------------------------------------------------------------------------

    def fit(self, landmarks: Landmarks, y: object = None) -> Self:
        """Fit the forecast and the removal effects on landmarks; `y` is ignored."""
        super().fit(landmarks, y)
        units = int(landmarks.bucket.max(initial=0)) + 1
        return self.fit_credit(self.sufficient_statistics(landmarks, units), np.ones(units))

    def sufficient_statistics(self, landmarks: Landmarks, units: int) -> TransitionCounts:
        """Return the transition counts by unit."""
        return TransitionCounts.of(landmarks, self.order, units)

    def fit_credit(self, statistics: TransitionCounts, weights: NDArray[np.floating]) -> Self:
        """Fit the removal effects."""
        self.transitions_ = statistics.weighted(weights)
        self.channels_ = statistics.channels
        self.removal_effects_ = absorb(self.transitions_).removal_effect
        return self

    def refits(self, statistics: TransitionCounts, weights: NDArray[np.floating]) -> Iterator[Self]:
        """Yield this model with the removal effects under each row of weights.

        They are first-order approximations around the effects of the fit.
        """
        for effects in resampled_effects(statistics, weights):
            self.removal_effects_ = effects
            yield self

    def encode_paths(self, paths: Paths) -> UniqueFeatures:
        """Return the set of channels on each path."""
        return channel_sets(paths.path, len(paths), len(paths.channels))

    def entry_values(
        self, features: UniqueFeatures
    ) -> tuple[sparse.csr_array[np.float64], NDArray[np.float64]]:
        """Return the removal effect of each channel of a set."""
        check_is_fitted(self, "removal_effects_")
        sets: sparse.csr_array[np.float64] = features.rows
        return sets, self.removal_effects_[sets.indices]

    @property
    def effects(self) -> Mapping[str, float]:
        """The removal effect of each channel.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit_credit` or `fit`.
        """
        check_is_fitted(self, "removal_effects_")
        return dict(zip(self.channels_, self.removal_effects_.tolist(), strict=True))


def most_likely_pseudo_count(
    trials: NDArray[np.floating],
    conversions: NDArray[np.floating],
    expected: NDArray[np.floating],
    start: float | None = None,
) -> float:
    """Return the pseudo-count that maximises the likelihood of the counts of states.

    The rate of a state is a draw from a Beta distribution around the rate of its shorter state,
    with the weight of ``m`` landmarks; its counts then are beta-binomial. Of equally likely ``m``
    the largest is returned, which shrinks most.

    Parameters
    ----------
    trials, conversions : (k,) counts of each state
    expected : (k,) array in (0, 1)
        The rate of the shorter state.
    start
        One of the pseudo-counts, from which the nearest maximum is looked for: that of a fit to
        similar counts. By default all are compared.
    """
    misses, some = trials - conversions, conversions > 0
    known = conversions[some], expected[some]

    def log_likelihood(m: float) -> float:
        if np.isinf(m):
            return float((xlogy(conversions, expected) + xlog1py(misses, -expected)).sum())
        # The logarithms of beta functions, without what cancels out.
        hits, fails = m * known[1], m * (1 - expected)
        of_hits = gammaln(known[0] + hits) - gammaln(hits)
        of_misses = gammaln(misses + fails) - gammaln(fails) - gammaln(trials + m) + gammaln(m)
        return float(of_hits.sum() + of_misses.sum())

    if start is None:
        return max(reversed(PSEUDO_COUNTS), key=log_likelihood)
    return _climb(log_likelihood, PSEUDO_COUNTS.index(start))


def _climb(log_likelihood: Callable[[float], float], place: int) -> float:
    """Return the nearest pseudo-count whose neighbours are no more likely."""
    likelihood = cache(lambda number: log_likelihood(PSEUDO_COUNTS[number]))
    largest = len(PSEUDO_COUNTS) - 1
    while True:
        if place < largest and likelihood(place + 1) >= likelihood(place):
            place += 1
        elif place > 0 and likelihood(place - 1) > likelihood(place):
            place -= 1
        else:
            return PSEUDO_COUNTS[place]
