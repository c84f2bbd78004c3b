"""Bootstrap of the additive hazard: fits on all resamples of the units at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lydite.models.optimize import maximize_many, move_within, weighted_gram
from lydite.paths.arrays import group_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.models.mixture import UnitCounts
    from lydite.models.optimize import Matrix

POSITIVE = (0.0, np.inf)
# In nats. The last step moves credit by about a hundredth of the width of its interval, and the
# error after it is far smaller.
_TOLERANCE = 1e-3
_MAX_STEPS = 20
_AT_ONCE = 8192  # conversions: their hazards under all resamples fit the cache


@dataclass(frozen=True)
class LikelihoodExpansion:
    """The likelihood of one half-life as sums over units, around the fit to all of them.

    The penalised log-likelihood is ``sum k log(a theta) - (E + q) theta + sum log theta + sum log
    q``: ``k`` conversions at the end of an interval, what each of p parameters adds to the hazard
    there, ``a``, the exposure of each parameter, ``E``, and the rate of its Gamma prior, ``q``. A
    resample changes the weights of the units in these sums.

    Attributes
    ----------
    added : (e, p) matrix
        ``a``, a row for each interval that ends in a conversion.
    events
        ``k`` of each of those rows, by unit.
    exposure : (units, p) array
    theta : (p,) array
        The fit: the maximum where every unit weighs 1.
    """

    added: Matrix
    events: UnitCounts
    exposure: NDArray[np.float64]
    theta: NDArray[np.float64]

    def resampled(self, weights: NDArray[np.float64]) -> Resamples:
        """Return the likelihoods under (b, units) weights, after one Newton step from the fit."""
        events, theta = self.events, self.theta
        hazard = np.asarray(self.added @ theta)
        exposure = weights @ self.exposure
        total = weights @ group_sums(events.unit, events.conversions, events.units)
        prior = gamma_prior(exposure, total)
        likelihood = weights @ group_sums(
            events.unit, events.conversions * np.log(hazard), events.units
        )
        likelihood += np.log(theta).sum() + np.log(prior).sum(axis=1) - (exposure + prior) @ theta
        information = weighted_gram(self.added, events.conversions / hazard**2)
        information[np.diag_indices_from(information)] += 1 / theta**2
        gradient = weights @ events.weighted_sums(events.conversions / hazard, self.added)
        gradient += 1 / theta - exposure - prior
        step = np.asarray(np.linalg.solve(information, gradient.T).T, dtype=float)
        return Resamples(
            self,
            weights,
            exposure + prior,
            information,
            likelihood + 0.5 * (gradient * step).sum(axis=1),
            move_within(np.broadcast_to(theta, step.shape), step, POSITIVE),
        )


@dataclass(frozen=True)
class Resamples:
    """Resamples of the units, and the fit of one half-life to each of them.

    Attributes
    ----------
    expansion
    weights : (b, units) array
    exposure : (b, p) array
        With the rate of the prior.
    information : (p, p) array
        The negative Hessian at the fit to all units, which all resamples share.
    likelihood : (b,) array
        The maximum of the penalised log-likelihood, to the second order.
    theta : (b, p) array
        The parameters after one step.
    """

    expansion: LikelihoodExpansion
    weights: NDArray[np.float64]
    exposure: NDArray[np.float64]
    information: NDArray[np.float64]
    likelihood: NDArray[np.float64]
    theta: NDArray[np.float64]

    def fitted(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the (n, p) parameters that fit some of the resamples.

        The gradients are exact, so the steps lead to the maximum of each resample. The Hessian is
        the shared one, scaled: a parameter with k conversions to itself has the second derivative
        ``k / theta^2``, which is proportional to ``1 / theta`` at a given exposure.
        """

        def derivatives(
            theta: NDArray[np.float64], some: NDArray[np.intp]
        ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            gradient = self._gained(rows[some], theta) - self.exposure[rows[some]] + 1 / theta
            scale = np.sqrt(self.expansion.theta / theta)
            return gradient, self.information * (scale[:, :, None] * scale[:, None, :])

        start = self.theta[rows]
        return maximize_many(
            None,
            derivatives,
            start,
            bounds=POSITIVE,
            tolerance=_TOLERANCE,
            max_steps=_MAX_STEPS,
        ).x

    def _gained(self, rows: NDArray[np.intp], theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ``sum k a / (a theta)`` over the conversions of each resample, (rows, p)."""
        added, events = self.expansion.added, self.expansion.events
        drawn = np.ascontiguousarray(self.weights[rows].T)
        parameters = np.ascontiguousarray(theta.T)
        gained = np.zeros(parameters.shape)
        for low in range(0, len(events.unit), _AT_ONCE):
            some = slice(low, low + _AT_ONCE)
            count = drawn[events.unit[some]] * events.conversions[some, None]
            gained += added[some].T @ (count / (added[some] @ parameters))
        return gained.T


def gamma_prior(
    exposure: NDArray[np.float64], conversions: NDArray[np.floating] | float
) -> NDArray[np.float64]:
    """Return the rate of each parameter's Gamma prior, which adds to its exposure.

    The prior is worth one conversion: its rate is the exposure per conversion if the baseline
    alone, or the touches alone, caused all conversions.

    Parameters
    ----------
    exposure : (..., p) array
        The baseline first.
    conversions : (...) array
    """
    usual = np.repeat(exposure[..., 1:].sum(axis=-1, keepdims=True), exposure.shape[-1], axis=-1)
    usual[..., 0] = exposure[..., 0]
    prior = np.where(usual > 0, usual, 1.0) / np.maximum(conversions, 0.5)[..., None]
    return np.asarray(prior)
