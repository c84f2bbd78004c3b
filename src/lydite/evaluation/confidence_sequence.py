"""Sequential confidence: intervals and decisions that hold however often somebody looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# The sequence is tightest where about this many periods have been seen: half a year of weeks.
HORIZON = 26
# Of fewer buckets no variance can be told: the bounds are infinite.
MIN_BUCKETS = 16
# Evidence also starts afresh every so many periods, so that a change of the truth can be seen.
RESTART_EVERY = 4
# Variance this small, as a share of the sums' squares, is rounding.
_ROUNDING = 1e-20


@dataclass(frozen=True)
class ConfidenceSequence:
    """A mean difference after each period, with bounds that hold at all periods together.

    Attributes
    ----------
    mean, radius : (..., periods) arrays
        Mean difference per landmark of all periods so far, and the half width around it.
    log_p : (..., periods) array
        Natural logarithm of the p-value of no difference, valid however often one looks; it is
        below ``log(alpha)`` just where the bounds at ``alpha`` exclude 0.
    landmarks : (..., periods) array
        Landmarks so far.
    variance, mixture : (..., periods) and (...) arrays
        The variance of the sum so far, and the parameter of the normal mixture.
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

    def __getitem__(self, place: int) -> ConfidenceSequence:
        """Return one of several sequences."""
        return ConfidenceSequence(
            self.mean[place],
            self.radius[place],
            self.log_p[place],
            self.landmarks if self.landmarks.ndim == 1 else self.landmarks[place],
            self.variance[place],
            self.mixture[place],
        )

    def first_above_zero(self) -> int | None:
        """Return the first period after which the mean is surely above zero, if any."""
        above = np.flatnonzero(self.low > 0)
        return int(above[0]) if above.size else None


def confidence_sequence(
    difference: NDArray[np.float64], landmarks: NDArray[np.float64], alpha: ArrayLike
) -> ConfidenceSequence:
    """Bound a mean difference of losses after every period, at once for all periods.

    Robbins' normal mixture with estimated variance (Waudby-Smith et al. 2021, "Time-uniform
    central limit theory and asymptotic confidence sequences"): with sum ``S`` and variance ``V``
    of ``S`` the radius of the mean is ``sqrt((V r + 1) / r * log((V r + 1) / alpha^2)) / n``.
    ``V`` is the sum over buckets of the squared deviation of the bucket's sum from its share:
    users stay in their bucket, so that what is alike within a user, at whatever time, is counted.
    The radius is infinite while fewer than `MIN_BUCKETS` buckets hold landmarks, and 0 while every
    difference so far is 0.

    Parameters
    ----------
    difference : (..., periods, buckets) array
        Sums of loss differences.
    landmarks : (periods, buckets) array, or as many as there are differences
        Counts of landmarks.
    alpha : number or (...) array
        Probability with which the bounds may ever be wrong.
    """
    sums, counts = np.cumsum(difference, axis=-2), np.cumsum(landmarks, axis=-2)
    total, filled = counts.sum(axis=-1), (counts > 0).sum(axis=-1)
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
    # Both are read off the past alone, so that it stays what it was as periods come in.
    unsure = (filled < MIN_BUCKETS) | ~np.logical_or.accumulate(variance > 0, axis=-1)
    alike = ~np.logical_or.accumulate(difference.any(axis=-1), axis=-1)
    radius = np.where(alike & (filled > 0), 0.0, np.where(unsure, np.inf, radius))
    return ConfidenceSequence(mean, radius, np.where(unsure, 0.0, log_p), total, variance, mixture)


def _mixture(variance: NDArray[np.float64], log_alpha: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mixture parameter that is best at the variance expected at the horizon.

    What is expected is read off the first period that has any variance, and so does not change
    while evidence comes in. The best ``r`` at a given ``V`` solves a Lambert equation; the usual
    approximation is within a percent of its width.
    """
    first = (variance > 0).argmax(axis=-1)
    found = np.take_along_axis(variance, first[..., None], axis=-1)[..., 0]
    expected = np.where(found > 0, found, 1.0) / (first + 1) * HORIZON
    log_term = -2 * log_alpha
    return np.asarray((log_term + np.log(log_term + 1)) / expected)


@dataclass(frozen=True)
class RestartedSequences:
    """Evidence on several differences: over all periods, and again from later ones on.

    A lead that has turned is buried in a mean over all periods for as long again. So the evidence
    also starts afresh every `RESTART_EVERY` periods. The whole has half of ``alpha``, the k-th
    restart ``1 / (k (k + 1))`` of the other half, so that all of them together are ever wrong with
    probability ``alpha``, and the past does not change as periods come in.

    Attributes
    ----------
    starts, alpha_shares : (w,) arrays
        The first period of each window, 0 for the whole, and its share of ``alpha``.
    sequences : list of w sequences
        Each of m differences, over the periods from its start on.
    """

    #: The share of ``alpha`` that the evidence over all periods has.
    FULL_SHARE: ClassVar[float] = 0.5

    starts: NDArray[np.intp]
    alpha_shares: NDArray[np.float64]
    sequences: list[ConfidenceSequence]

    @classmethod
    def from_differences(
        cls, difference: NDArray[np.float64], landmarks: NDArray[np.float64], alpha: float
    ) -> RestartedSequences:
        """Bound m differences in every window.

        Parameters
        ----------
        difference : (m, periods, buckets) array
        landmarks : (periods, buckets) array
        alpha
            Probability with which the evidence on a difference may ever be wrong, in any window.
        """
        starts = np.arange(0, max(1, len(landmarks)), RESTART_EVERY)
        k = np.arange(1, len(starts))
        shares = np.concatenate([[cls.FULL_SHARE], (1 - cls.FULL_SHARE) / (k * (k + 1))])
        sequences = [
            confidence_sequence(difference[:, start:], landmarks[start:], alpha * share)
            for start, share in zip(starts.tolist(), shares.tolist(), strict=True)
        ]
        return cls(starts, shares, sequences)

    @property
    def full(self) -> ConfidenceSequence:
        """The evidence of all periods."""
        return self.sequences[0]

    @property
    def log_p(self) -> NDArray[np.float64]:
        """The (m, periods) logarithms of the smallest p-values in any window up to each period."""
        result = np.zeros(self.full.log_p.shape)
        for start, share, own in zip(self.starts, self.alpha_shares, self.sequences, strict=True):
            part = result[:, start:]
            np.minimum(part, own.log_p - np.log(share), out=part)
        return np.asarray(np.minimum.accumulate(result, axis=1))

    def signs(self, alpha: ArrayLike) -> NDArray[np.intp]:
        """Return what is sure after each period: 1 for above 0, -1 for below, 0 for neither.

        Where windows disagree the one that starts last counts.

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
            sure = own.log_p < level[:, start:] + np.log(share)
            result[:, start:] = np.where(sure, np.sign(own.mean), result[:, start:])
        return result

    def shown(self, place: int, sign: int) -> tuple[int, ConfidenceSequence]:
        """Return the evidence to show for a difference that has a sign after the last period.

        That is all of it, unless it is buried there: then the window that starts last whose mean
        has the sign.

        Returns
        -------
        The first period of the window, and the sequence.
        """
        if sign * self.full.mean[place, -1] >= 0:
            return 0, self.full[place]
        means = [own.mean[place, -1] for own in self.sequences]
        window = max(w for w, mean in enumerate(means) if np.sign(mean) == sign)
        return int(self.starts[window]), self.sequences[window][place]
