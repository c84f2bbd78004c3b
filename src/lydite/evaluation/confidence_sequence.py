"""Confidence sequences: intervals and decisions that stay valid however often they are checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# The bounds are tightest after about this many periods: half a year of weeks.
HORIZON = 26
# The bounds are infinite while fewer buckets hold conversions: their variance is unknown.
MIN_BUCKETS = 16
_LN2 = np.log(2)
# The evidence also restarts every so many periods, so that a change can be detected.
RESTART_EVERY = 4
# The share of alpha of the sequence over all periods.
_FULL_SHARE = 0.5
# A variance of this share of the squared sums is rounding error.
_ROUNDING = 1e-20


@dataclass(frozen=True)
class ConfidenceSequence:
    """A mean difference after each period, with bounds that hold for all periods at once.

    Attributes
    ----------
    mean, radius : (..., periods) arrays
        Mean difference per landmark over all periods so far, and half the width of its interval.
    log_p : (..., periods) array
        Natural logarithm of the p-value of no difference, valid however often it is checked. It is
        below ``log(alpha)`` exactly where the bounds at ``alpha`` exclude 0.
    landmarks : (..., periods) array
        Number of landmarks so far.
    variance, mixture : (..., periods) and (...) arrays
        Variance of the sum so far, and the parameter of the normal mixture.
    """

    mean: NDArray[np.float64]
    radius: NDArray[np.float64]
    log_p: NDArray[np.float64]
    landmarks: NDArray[np.float64]
    variance: NDArray[np.float64]
    mixture: NDArray[np.float64]

    @property
    def low(self) -> NDArray[np.float64]:
        """Lower bounds."""
        return self.mean - self.radius

    @property
    def high(self) -> NDArray[np.float64]:
        """Upper bounds."""
        return self.mean + self.radius

    def __getitem__(self, index: int) -> ConfidenceSequence:
        """Return one of several sequences."""
        return ConfidenceSequence(
            self.mean[index],
            self.radius[index],
            self.log_p[index],
            self.landmarks if self.landmarks.ndim == 1 else self.landmarks[index],
            self.variance[index],
            self.mixture[index],
        )

    def first_above_zero(self) -> int | None:
        """Return the first period after which the interval is above zero, if any."""
        above = np.flatnonzero(self.low > 0)
        return int(above[0]) if above.size else None


def confidence_sequence(
    difference: NDArray[np.float64],
    landmarks: NDArray[np.float64],
    conversions: NDArray[np.float64],
    alpha: ArrayLike,
) -> ConfidenceSequence:
    """Bound a mean difference of losses after every period, for all periods at once.

    Robbins' normal mixture with estimated variance [1]_: with sum ``S`` and variance ``V`` of
    ``S`` the radius of the mean is ``sqrt((V r + 1) / r * log((V r + 1) / alpha^2)) / n``. ``V``
    is the sum over buckets of the squared deviation of the bucket's sum from its share. Users stay
    in their bucket, so ``V`` includes the correlation within a user over time. The radius is
    infinite while fewer than `MIN_BUCKETS` buckets hold conversions, and 0 while every difference
    so far is 0.

    These bounds hold for large samples. With few conversions ``V`` is too small too often, so 0 is
    excluded only where the likelihood ratio excludes it too: where the loser's forecasts are the
    true chances, ``exp(S)`` in nats exceeds ``1 / alpha`` at any time with a probability of at most
    ``alpha`` (Ville's inequality [2]_), whatever the sample size.

    Parameters
    ----------
    difference : (..., periods, buckets) array
        Sums of loss differences, in bits.
    landmarks, conversions : (periods, buckets) arrays
        Numbers of landmarks, and of those that convert.
    alpha : number or (...) array
        Probability with which the bounds may ever be wrong.

    References
    ----------
    .. [1] Waudby-Smith et al. (2021), "Time-uniform central limit theory and asymptotic confidence
       sequences", arXiv:2103.06476.
    .. [2] Ville (1939), "Étude critique de la notion de collectif".
    """
    sums, counts = np.cumsum(difference, axis=-2), np.cumsum(landmarks, axis=-2)
    total, filled = counts.sum(axis=-1), (counts > 0).sum(axis=-1)
    converting = (np.cumsum(conversions, axis=-2) > 0).sum(axis=-1)
    n, s = np.maximum(total, 1), sums.sum(axis=-1)
    mean = s / n
    variance = ((sums - counts * mean[..., None]) ** 2).sum(axis=-1)
    variance *= filled / np.maximum(filled - 1, 1)
    variance[variance <= _ROUNDING * (sums**2).sum(axis=-1)] = 0
    log_alpha = np.log(np.asarray(alpha, dtype=float))[..., None]
    mixture = _mixture(variance, log_alpha[..., 0])
    r = mixture[..., None]
    spread = variance * r + 1
    radius = np.sqrt(spread / r * (np.log(spread) - 2 * log_alpha)) / n
    log_p = np.minimum(0, np.log(spread) / 2 - s**2 * r / (2 * spread))
    log_likelihood_ratio = np.abs(s) * _LN2
    log_p = np.maximum(log_p, -log_likelihood_ratio)
    radius = np.where(log_likelihood_ratio < -log_alpha, np.maximum(radius, np.abs(mean)), radius)
    # Both depend on earlier periods only: past bounds never change as periods come in.
    unknown = (converting < MIN_BUCKETS) | ~np.logical_or.accumulate(variance > 0, axis=-1)
    identical = ~np.logical_or.accumulate(difference.any(axis=-1), axis=-1)
    radius = np.where(identical & (filled > 0), 0.0, np.where(unknown, np.inf, radius))
    return ConfidenceSequence(mean, radius, np.where(unknown, 0.0, log_p), total, variance, mixture)


def _mixture(variance: NDArray[np.float64], log_alpha: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mixture parameter that gives the tightest bounds after `HORIZON` periods.

    The variance at the horizon is extrapolated from the first period that has any, so the
    parameter never changes as periods come in. The best ``r`` for a given ``V`` solves a Lambert
    equation; with the usual approximation the bounds are at most one percent wider.
    """
    first = (variance > 0).argmax(axis=-1)
    first_variance = np.take_along_axis(variance, first[..., None], axis=-1)[..., 0]
    expected = np.where(first_variance > 0, first_variance, 1.0) / (first + 1) * HORIZON
    log_term = -2 * log_alpha
    return np.asarray((log_term + np.log(log_term + 1)) / expected)


@dataclass(frozen=True)
class RestartedSequences:
    """Confidence sequences of m differences: over all periods, and restarted from later ones.

    After a lead has turned, the mean over all periods shows the old lead for as long again. So
    another sequence starts every `RESTART_EVERY` periods. The full sequence uses half of ``alpha``
    and the k-th restart ``1 / (k (k + 1))`` of the other half: the probability that any of them is
    ever wrong is at most ``alpha``, and past results never change as periods come in. Folds are not
    in time: they have the full sequence only, which uses all of ``alpha``.

    Attributes
    ----------
    starts, alpha_shares : (s,) arrays
        The first period of each sequence, 0 for the full one, and its share of ``alpha``.
    sequences : list of s sequences
        Each of m differences, over the periods from its start.
    """

    starts: NDArray[np.intp]
    alpha_shares: NDArray[np.float64]
    sequences: list[ConfidenceSequence]

    @classmethod
    def from_differences(
        cls,
        difference: NDArray[np.float64],
        landmarks: NDArray[np.float64],
        conversions: NDArray[np.float64],
        alpha: ArrayLike,
        *,
        restarts: bool = True,
    ) -> RestartedSequences:
        """Bound m differences from every start.

        Parameters
        ----------
        difference : (m, periods, buckets) array
            Sums of loss differences, in bits.
        landmarks, conversions : (periods, buckets) arrays
            Numbers of landmarks, and of those that convert.
        alpha : number or (m,) array
            Probability with which the bounds of a difference may ever be wrong, from any start.
        restarts
            Whether the evidence restarts.
        """
        periods = len(landmarks) if restarts else 1
        starts = np.arange(0, max(1, periods), RESTART_EVERY)
        k = np.arange(1, len(starts))
        full = _FULL_SHARE if restarts else 1.0
        shares = np.concatenate([[full], (1 - full) / (k * (k + 1))])
        sequences = [
            confidence_sequence(
                difference[:, start:],
                landmarks[start:],
                conversions[start:],
                np.asarray(alpha) * share,
            )
            for start, share in zip(starts.tolist(), shares.tolist(), strict=True)
        ]
        return cls(starts, shares, sequences)

    @property
    def full(self) -> ConfidenceSequence:
        """The sequence over all periods."""
        return self.sequences[0]

    @property
    def log_p(self) -> NDArray[np.float64]:
        """Logarithm of the smallest p-value from any start up to each period, (m, periods)."""
        result = np.zeros(self.full.log_p.shape)
        for start, share, own in zip(self.starts, self.alpha_shares, self.sequences, strict=True):
            part = result[:, start:]
            np.minimum(part, own.log_p - np.log(share), out=part)
        return np.asarray(np.minimum.accumulate(result, axis=1))

    def signs(self, alpha: ArrayLike) -> NDArray[np.intp]:
        """Return the significant sign after each period: 1 above 0, -1 below 0, 0 for neither.

        Where sequences disagree, the one that starts last counts.

        Parameters
        ----------
        alpha : number or (m, periods) array

        Returns
        -------
        (m, periods) array
        """
        result = np.zeros(self.full.mean.shape, dtype=np.intp)
        level = np.log(np.broadcast_to(np.asarray(alpha, dtype=float), result.shape))
        for start, share, own in zip(self.starts, self.alpha_shares, self.sequences, strict=True):
            significant = own.log_p < level[:, start:] + np.log(share)
            result[:, start:] = np.where(significant, np.sign(own.mean), result[:, start:])
        return result

    def shown(self, index: int, sign: int) -> tuple[int, ConfidenceSequence]:
        """Return the sequence to show for a difference whose sign after the last period is given.

        This is the full sequence where its mean has that sign (any mean where the sign is 0),
        otherwise the latest sequence whose mean has it.

        Returns
        -------
        The first period of the sequence, and the sequence.
        """
        if sign * self.full.mean[index, -1] >= 0:
            return 0, self.full[index]
        means = [own.mean[index, -1] for own in self.sequences]
        latest = max(s for s, mean in enumerate(means) if np.sign(mean) == sign)
        return int(self.starts[latest]), self.sequences[latest][index]
