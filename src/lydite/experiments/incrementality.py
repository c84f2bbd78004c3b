r"""The incrementality factors of channels: the share of their credit that experiments confirm.

An experiment :math:`j` on channel :math:`c` measures an increment :math:`M_{cj}` with variance
:math:`V_{cj}`, where a model credits :math:`K_{cj}` conversions. Its incrementality factor is
:math:`\hat\iota_{cj} = M_{cj} / K_{cj}`. Channels are partially pooled (Efron & Morris 1975):

.. math::

    \hat\iota_{cj} \sim N(\iota_c, V_{cj} / K_{cj}^2 + \tau_w^2 + \delta a_{cj}), \quad
    \iota_c \sim N(\iota_0, \tau^2), \quad
    \iota_0 \sim N(0.5, 1), \quad \tau \sim \text{half-normal}(0.5)

where :math:`\tau_w` is the spread between tests of one channel (the random-effects variance of
DerSimonian & Laird 1986), :math:`a_{cj}` the age of the test in months and :math:`\delta` the
variance per month by which old tests lose weight. Given :math:`\tau`, everything is normal;
:math:`\tau` is integrated out on a grid. An estimate plugged in for it would make the intervals of
channels without a test far too narrow.

References
----------
B. Efron and C. Morris (1975), Data analysis using Stein's estimator and its generalizations,
Journal of the American Statistical Association 70, 311-319.

R. DerSimonian and N. Laird (1986), Meta-analysis in clinical trials, Controlled Clinical Trials 7,
177-188.

B. R. Gordon, R. Moakler and F. Zettelmeyer (2023), Close enough? A large-scale exploration of
non-experimental approaches to advertising measurement, Marketing Science 42, 768-793.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from lydite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_GRID = 400  # values of tau, each with the same prior probability


@dataclass(frozen=True)
class ChannelTest:
    """What one experiment measured on a channel, and what the model credits in it.

    Attributes
    ----------
    channel
        Name of the channel.
    measured, variance
        The conversions that the channel caused, and the variance of that estimate.
    credited
        The conversions that the model credits to the channel, for the same users and days.
    months
        Age of the experiment.
    credited_variance, covariance
        The variance of `credited`, and its covariance with `measured`; both count the conversions
        of the same users.
    """

    channel: str
    measured: float
    variance: float
    credited: float
    months: float = 0.0
    credited_variance: float = 0.0
    covariance: float = 0.0


@dataclass(frozen=True)
class Prior:
    """What is assumed before any experiment.

    Attributes
    ----------
    mean, sd
        Mean and standard deviation of the mean factor over channels.
    between
        Scale of the half-normal prior of the standard deviation between channels.
    within
        Standard deviation between experiments on one channel: seasons, audiences, creatives.
    drift
        Variance that a test gains per month of its age. With the default, a year adds 0.11 to the
        standard deviation of an exact test.
    """

    mean: float = 0.5
    sd: float = 1.0
    between: float = 0.5
    within: float = 0.1
    drift: float = 0.001


@dataclass(frozen=True)
class Incrementality:
    """The posterior of the incrementality factors.

    Attributes
    ----------
    channels
        Names of the c channels.
    mean : (c,) array
        Posterior means.
    covariance : (c, c) array
        Posterior covariances: factors of channels are correlated, because they are pooled.
    own_share : (c,) array
        The weight of the channel's own experiments in its mean, from 0 to 1; the rest comes from
        the other channels and the prior.
    experiments : (c,) array of int
        The number of experiments on each channel.
    credit_covariance : (c,) array
        Covariances of the means and the credit of all users: the users of an experiment count in
        both.
    """

    channels: tuple[str, ...]
    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    own_share: NDArray[np.float64]
    experiments: NDArray[np.int64]
    credit_covariance: NDArray[np.float64]

    @property
    def sd(self) -> NDArray[np.float64]:
        """Posterior standard deviations, (c,) array."""
        return np.sqrt(np.diag(self.covariance))


def estimate_incrementality(
    channels: Sequence[str], tests: Sequence[ChannelTest], prior: Prior | None = None
) -> Incrementality:
    """Return the posterior of the factor of every channel, tested or not.

    Parameters
    ----------
    channels
        Names of all channels with credit.
    tests
        The experiments; each channel may have none, one or several.
    prior
        The prior; the default one when None.

    Raises
    ------
    InputError
        When a test is on an unknown channel, its variance is not positive, its age is negative, or
        the model credits it no conversions: then no factor is defined.

    Examples
    --------
    >>> tests = [ChannelTest("search", measured=20.0, variance=100.0, credited=200.0)]
    >>> found = estimate_incrementality(["search", "video"], tests)
    >>> found.mean.round(2).tolist(), found.sd.round(2).tolist()
    ([0.1, 0.16], [0.11, 0.61])
    """
    prior = prior or Prior()
    _check_tests(channels, tests)
    precision, mean, number = _by_channel(channels, tests, prior)
    tau = prior.between * ndtri((1 + (np.arange(_GRID) + 0.5) / _GRID) / 2)
    given = _given_tau(tau, precision, mean, prior)
    weight = np.exp(given.log_likelihood - given.log_likelihood.max())
    weight /= weight.sum()
    overall = weight @ given.mean
    apart = given.mean - overall
    # The covariance over tau: that of each tau, and that of the means.
    covariance = np.diag(weight @ given.variance)
    covariance += (given.pooled * (weight * given.center_variance)[:, None]).T @ given.pooled
    covariance += (apart * weight[:, None]).T @ apart
    own_share = weight @ (1 - given.pooled)
    shared = own_share * _credit_covariance(channels, tests, prior, overall)
    return Incrementality(tuple(channels), overall, covariance, own_share, number, shared)


def _check_tests(channels: Sequence[str], tests: Sequence[ChannelTest]) -> None:
    for test in tests:
        if test.channel not in channels:
            raise InputError(
                f"an experiment is on the channel {test.channel!r}, which has no credit; the"
                f" channels are: {', '.join(channels)}"
            )
        numbers = (
            test.measured, test.variance, test.credited, test.months, test.credited_variance,
            test.covariance,
        )  # fmt: skip
        if not all(map(math.isfinite, numbers)) or test.variance <= 0 or test.months < 0:
            raise InputError(
                f"the experiment on {test.channel!r} has the increment {test.measured} with the"
                f" variance {test.variance} and the age {test.months}: they must be finite, the"
                " variance positive and the age not negative"
            )
        if test.credited <= 0:
            raise InputError(
                f"the model credits no conversions to {test.channel!r} in an experiment: no factor"
                " can be computed. Leave the experiment out"
            )


def _by_channel(
    channels: Sequence[str], tests: Sequence[ChannelTest], prior: Prior
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return precision and mean of the tests of each channel, and their number, (c,) arrays."""
    index, n = _places(channels, tests), len(channels)
    factor = np.array([test.measured / test.credited for test in tests], dtype=float)
    weight = _weights(tests, prior)
    precision = np.bincount(index, weight, minlength=n).astype(float)
    sums = np.bincount(index, weight * factor, minlength=n).astype(float)
    mean = np.divide(sums, precision, out=np.zeros(n), where=precision > 0)
    return precision, mean, np.bincount(index, minlength=n).astype(np.int64)


def _places(channels: Sequence[str], tests: Sequence[ChannelTest]) -> NDArray[np.int64]:
    """Return the number of the channel of each test."""
    place = {channel: index for index, channel in enumerate(channels)}
    return np.array([place[test.channel] for test in tests], dtype=np.int64)


def _weights(tests: Sequence[ChannelTest], prior: Prior) -> NDArray[np.float64]:
    """Return the precision of the factor of each test."""
    spread = prior.within**2
    variances = [
        test.variance / test.credited**2 + spread + prior.drift * test.months for test in tests
    ]
    return np.array([1 / variance for variance in variances], dtype=np.float64)


def _credit_covariance(
    channels: Sequence[str],
    tests: Sequence[ChannelTest],
    prior: Prior,
    iota: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the covariances of the mean of the tests of each channel and the credit, (c,) array.

    The credit K of all users has the covariances C with the increment M and U with the credit K_j
    of an experiment, those of its users. By the delta method, that with M / K_j is
    ``(C - iota U) / K_j``.
    """
    index, n, weight = _places(channels, tests), len(channels), _weights(tests, prior)
    each = np.array(
        [
            (test.covariance - iota[place] * test.credited_variance) / test.credited
            for test, place in zip(tests, index, strict=True)
        ],
        dtype=float,
    )
    total = np.bincount(index, weight, minlength=n).astype(float)
    sums = np.bincount(index, weight * each, minlength=n).astype(float)
    covariance: NDArray[np.float64] = np.divide(sums, total, out=np.zeros(n), where=total > 0)
    return covariance


@dataclass(frozen=True)
class _Conditional:
    """The normal posterior for each of t values of tau.

    Attributes
    ----------
    log_likelihood : (t,) array
        Log likelihood of the value, up to a constant.
    mean : (t, c) array
        Means of the factors.
    center_variance : (t,) array
        Variance of the mean over channels.
    pooled : (t, c) array
        The weight of that mean in each factor.
    variance : (t, c) array
        Variances of the factors, given the mean over channels.
    """

    log_likelihood: NDArray[np.float64]
    mean: NDArray[np.float64]
    center_variance: NDArray[np.float64]
    pooled: NDArray[np.float64]
    variance: NDArray[np.float64]


def _given_tau(
    tau: NDArray[np.float64],
    precision: NDArray[np.float64],
    mean: NDArray[np.float64],
    prior: Prior,
) -> _Conditional:
    """Return the posterior of the factors for each standard deviation between channels."""
    tested = precision > 0
    x, tau_square = mean[tested], tau[:, None] ** 2
    spread = tau_square + 1 / precision[tested]  # of the mean of the tests of a channel
    total = 1 / prior.sd**2 + (1 / spread).sum(axis=1)
    center = (prior.mean / prior.sd**2 + (x / spread).sum(axis=1)) / total
    quadratic = (x**2 / spread).sum(axis=1) - center**2 * total
    # Each factor lies between the mean of its tests and the mean over channels.
    pooled = 1 / (1 + precision * tau_square)
    return _Conditional(
        log_likelihood=-0.5 * (np.log(spread).sum(axis=1) + np.log(total) + quadratic),
        mean=(1 - pooled) * mean + pooled * center[:, None],
        center_variance=1 / total,
        pooled=pooled,
        variance=pooled * tau_square,
    )
