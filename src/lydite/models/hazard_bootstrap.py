"""Refits of the additive hazard: where it arrives on many draws of units, all draws at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lydite.models.mixture import squares
from lydite.paths.grouping import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from lydite.models.mixture import UnitCounts

# A step that promises to gain less than this, in nats, is the last: it moves what an interval is
# made of by a hundredth of the interval's width, and what is left after it is far less.
_LAST_GAIN = 1e-3
_MAX_STEPS = 20
_AT_ONCE = 8192  # conversions: their hazards under all draws fit the cache


@dataclass(frozen=True)
class LikelihoodExpansion:
    """The fit of one half-life, and what its likelihood is made of, by unit.

    The log-likelihood is ``sum k log(a theta) - (E + q) theta + sum log theta + sum log q``, with
    the exposure ``E`` of each of p parameters, what they add to the hazard at a conversion, ``a``,
    and the Gamma prior's ``q``. Draws of units weigh its sums.

    Attributes
    ----------
    added : (e, p) matrix
        A row for each converting interval.
    events
        The conversions in each of those rows, by unit.
    exposure : (units, p) array
    theta : (p,) array
        The fit: the maximum where every unit weighs 1.
    """

    added: NDArray[np.float64] | sparse.csr_array[np.float64]
    events: UnitCounts
    exposure: NDArray[np.float64]
    theta: NDArray[np.float64]

    def drawn(self, weights: NDArray[np.float64]) -> Draws:
        """Return what (b, units) weights make of it, and one Newton step from the fit."""
        events, theta = self.events, self.theta
        hazard = np.asarray(self.added @ theta)
        exposure = weights @ self.exposure
        total = weights @ counted(events.unit, events.conversions, events.units)
        prior = gamma_prior(exposure, total)
        likelihood = weights @ counted(
            events.unit, events.conversions * np.log(hazard), events.units
        )
        likelihood += np.log(theta).sum() + np.log(prior).sum(axis=1) - (exposure + prior) @ theta
        curvature = squares(self.added, events.conversions / hazard**2)
        curvature[np.diag_indices_from(curvature)] += 1 / theta**2
        gained = weights @ events.summed(events.conversions / hazard, self.added)
        slope = gained - exposure - prior + 1 / theta
        step = np.asarray(np.linalg.solve(curvature, slope.T).T, dtype=float)
        return Draws(
            self,
            weights,
            exposure + prior,
            curvature,
            likelihood + 0.5 * (slope * step).sum(axis=1),
            _ahead(theta, step),
        )


@dataclass(frozen=True)
class Draws:
    """Draws of units, and where a fit of one half-life comes to on them.

    Attributes
    ----------
    neighbourhood
    weights : (b, units) array
    exposure : (b, p) array
        The prior's part included.
    curvature : (p, p) array
        That of the fit, which all draws share.
    likelihood : (b,) array
        The maximum, to the second order.
    theta : (b, p) array
        After one step.
    """

    neighbourhood: LikelihoodExpansion
    weights: NDArray[np.float64]
    exposure: NDArray[np.float64]
    curvature: NDArray[np.float64]
    likelihood: NDArray[np.float64]
    theta: NDArray[np.float64]

    def arrived(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the parameters on some of the draws, after further steps where there is need.

        Their slope is the draw's own, so that they lead to its maximum. The curvature is that of
        the fit, scaled: a parameter of its own that counts ``k`` has ``k / theta ** 2``, which goes
        as ``1 / theta`` at one exposure.
        """
        theta, left = self.theta[rows], np.arange(len(rows))
        for _ in range(_MAX_STEPS):
            now = theta[left]
            slope = self._gained(rows[left], now) - self.exposure[rows[left]] + 1 / now
            scale = np.sqrt(now / self.neighbourhood.theta)
            step = scale * np.linalg.solve(self.curvature, (scale * slope).T).T
            theta[left] = _ahead(now, step)
            left = left[(slope * step).sum(axis=1) > _LAST_GAIN]
            if not len(left):
                break
        return theta

    def _gained(self, rows: NDArray[np.intp], theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ``sum k a / (a theta)`` over the conversions of each draw, (rows, p)."""
        added, events = self.neighbourhood.added, self.neighbourhood.events
        drawn, parameters = (
            np.ascontiguousarray(self.weights[rows].T),
            np.ascontiguousarray(theta.T),
        )
        gained = np.zeros(parameters.shape)
        for low in range(0, len(events.unit), _AT_ONCE):
            some = slice(low, low + _AT_ONCE)
            count = drawn[events.unit[some]] * events.conversions[some, None]
            gained += added[some].T @ (count / (added[some] @ parameters))
        return gained.T


def gamma_prior(
    exposure: NDArray[np.float64], conversions: NDArray[np.floating] | float
) -> NDArray[np.float64]:
    """Return what the prior adds to each exposure: one conversion's worth for each parameter.

    That is the exposure of one conversion where the baseline, or the touches, explain all by
    themselves.

    Parameters
    ----------
    exposure : (..., p) array
    conversions : (...) array
    """
    usual = np.repeat(exposure[..., 1:].sum(axis=-1, keepdims=True), exposure.shape[-1], axis=-1)
    usual[..., 0] = exposure[..., 0]
    prior = np.where(usual > 0, usual, 1.0) / np.maximum(conversions, 0.5)[..., None]
    return np.asarray(prior)


def _ahead(theta: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return theta after a step; what falls takes it along 1/theta, so that it stays above 0."""
    return np.asarray(np.where(step > 0, theta + step, theta**2 / (theta + np.maximum(-step, 0))))
