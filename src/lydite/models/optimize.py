"""Damped Newton's method: maximise smooth concave functions, one or many at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from lydite.paths.arrays import parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Rows = NDArray[np.intp]
    Matrix = NDArray[np.float64] | sparse.csr_array[np.float64]

_ARMIJO = 1e-4  # a step must gain at least this share of what the gradient promises
_MAX_HALVINGS = 40
_AT_ONCE = 8192  # rows of a matrix: intermediate results stay in the cache
# A promised gain below this share of the value is lost in the rounding of the value, so that the
# value cannot confirm it.
_ROUNDING = 1e-13


@dataclass(frozen=True)
class Maximum:
    """Where an optimisation has ended.

    Attributes
    ----------
    x : (p,) or (b, p) array
        The parameters.
    value : float or (b,) array
        The objective there. After a step that the objective was not evaluated for, it is the
        second-order approximation. Without an objective it is what the steps have gained.
    converged : bool
        Whether every problem has reached the tolerance.
    """

    x: Array
    value: Array
    converged: bool


def maximize(
    objective: Callable[[Array], float],
    derivatives: Callable[[Array], tuple[Array, Array]],
    start: Array,
    *,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    tolerance: float = 1e-8,
    max_steps: int = 100,
) -> Maximum:
    """Maximise a concave function by Newton's method with backtracking [1]_.

    Each step solves ``H d = g`` for the gradient ``g`` and the negative Hessian ``H``, and is
    halved until the objective rises by a share of what the gradient promises (Armijo's rule).
    ``g' d`` is twice what the step gains to the second order. The error of a step is the square of
    the error before it, so the first step with ``g' d`` below the tolerance is the last one.

    Parameters
    ----------
    objective
        Returns the value at x, a (p,) array.
    derivatives
        Returns the (p,) gradient and the (p, p) negative Hessian at x.
    start : (p,) array
        Inside the bounds.
    bounds
        Open bounds of every parameter, possibly infinite. Steps approach a bound and never reach
        it, so neither callback is called outside.
    tolerance
        In units of the objective.
    max_steps
        Steps after which the optimisation ends, converged or not.

    Returns
    -------
    Maximum
        With a (p,) array of parameters.

    Raises
    ------
    ValueError
        When a derivative is not finite, or the function is not concave.

    References
    ----------
    .. [1] Boyd & Vandenberghe (2004), "Convex Optimization", section 9.5.

    Examples
    --------
    The rate of a Poisson process with 12 events in 4 hours maximises ``12 log x - 4 x``:

    >>> import numpy as np
    >>> best = maximize(
    ...     lambda x: float(12 * np.log(x[0]) - 4 * x[0]),
    ...     lambda x: (12 / x - 4, np.diag(12 / x**2)),
    ...     np.ones(1),
    ...     bounds=(0, np.inf),
    ... )
    >>> round(float(best.x[0]), 6)
    3.0
    """

    def slopes(x: Array, _: Rows) -> tuple[Array, Array]:
        gradient, information = derivatives(x[0])
        return gradient[None], information[None]

    found = maximize_many(
        lambda x, _: np.array([objective(x[0])]),
        slopes,
        start[None],
        bounds=bounds,
        tolerance=tolerance,
        max_steps=max_steps,
    )
    return Maximum(found.x[0], found.value[0], found.converged)


def maximize_many(
    objective: Callable[[Array, Rows], Array] | None,
    derivatives: Callable[[Array, Rows], tuple[Array, Array]],
    start: Array,
    *,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    tolerance: float = 1e-8,
    max_steps: int = 100,
) -> Maximum:
    """Maximise b concave functions of p parameters each, all at once.

    As `maximize`, with the problems stacked along the first axis. A problem that has converged is
    left alone while others take further steps.

    Parameters
    ----------
    objective
        Returns the (n,) values at x, an (n, p) array, for the n problems whose numbers are given.
        Without it every step is taken whole: near the maximum, or with a fixed ``H`` from nearby
        instead of the exact one.
    derivatives
        Returns the (n, p) gradients and the (n, p, p) negative Hessians.
    start : (b, p) array
        Inside the bounds.
    bounds, tolerance, max_steps
        As for `maximize`.

    Returns
    -------
    Maximum
        With a (b, p) array of parameters.

    Raises
    ------
    ValueError
        When a derivative is not finite, or a function is not concave.
    """
    x = np.array(start, dtype=float)
    active = np.arange(len(x))
    value = np.zeros(len(x)) if objective is None else objective(x, active)
    for _ in range(max_steps):
        gradient, information = derivatives(x[active], active)
        step = _newton_step(gradient, information)
        promised = (gradient * step).sum(axis=1)
        if not (np.isfinite(promised) & (promised > -tolerance)).all():
            raise ValueError("derivatives are not finite, or not those of a concave function")
        last = promised < tolerance
        unseen = last | (promised < _ROUNDING * np.abs(value[active]))
        if objective is None or unseen.all():
            x[active] = move_within(x[active], step, bounds)
            value[active] += promised / 2
        else:
            x[active], value[active], stuck = _backtrack(
                objective, active, x[active], value[active], step, promised, unseen, bounds
            )
            last |= stuck
        active = active[~last]
        if not len(active):
            return Maximum(x, value, converged=True)
    return Maximum(x, value, converged=False)


def _backtrack(
    objective: Callable[[Array, Rows], Array],
    rows: Rows,
    x: Array,
    before: Array,
    step: Array,
    promised: Array,
    unseen: NDArray[np.bool_],
    bounds: tuple[float, float],
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Halve each step until the objective rises by enough.

    Parameters
    ----------
    objective, bounds
    rows : (n,) integers
        The numbers of the problems.
    x : (n, p) array
    before : (n,) array
        The values at x.
    step : (n, p) array
    promised : (n,) array
        What each whole step gains by the gradient.
    unseen : (n,) bool
        Steps that are taken whole, whatever the objective says.

    Returns
    -------
    x, value
        After the steps.
    stuck : (n,) bool
        Problems whose objective does not rise; they stay where they are.
    """
    size = np.ones(len(x))
    for _ in range(_MAX_HALVINGS):
        moved = move_within(x, size[:, None] * step, bounds)
        value = objective(moved, rows)
        risen = unseen | (value >= before + _ARMIJO * size * promised)
        if risen.all():
            break
        size[~risen] /= 2
    return np.where(risen[:, None], moved, x), np.where(risen, value, before), ~risen


def _newton_step(gradient: Array, information: Array) -> Array:
    """Return the (n, p) solutions of ``information @ step = gradient``.

    Scaled to a diagonal of ones, since parameters may differ in size by orders of magnitude. Along
    flat directions, where no solution is unique, the shortest one is returned.
    """
    diagonal = np.diagonal(information, axis1=1, axis2=2)
    scale = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    scaled = information * (scale[:, :, None] * scale[:, None, :])
    right = (scale * gradient)[:, :, None]
    try:
        solution = np.linalg.solve(scaled, right)
    except np.linalg.LinAlgError:
        solution = np.linalg.pinv(scaled, hermitian=True) @ right
    return np.asarray(scale * solution[:, :, 0])


def move_within(x: Array, step: Array, bounds: tuple[float, float]) -> Array:
    """Return x after a step, strictly inside open bounds.

    At the distance d from a bound, a step s towards it ends at the distance ``d^2 / (d + s)``: to
    the first order that is ``d - s``, and it is never 0.

    Parameters
    ----------
    x, step : (...) arrays
    bounds
        Lower and upper bound of every element, possibly infinite.

    Examples
    --------
    >>> import numpy as np
    >>> move_within(np.array([2.0, 2.0]), np.array([1.0, -6.0]), (0, np.inf)).tolist()
    [3.0, 0.5]
    """
    low, high = bounds
    moved = x + step
    if np.isfinite(low):
        down = step < 0
        distance = x[down] - low
        moved[down] = low + distance**2 / (distance - step[down])
    if np.isfinite(high):
        up = step > 0
        distance = high - x[up]
        moved[up] = high - distance**2 / (distance + step[up])
    return moved


def weighted_gram(matrix: Matrix, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``X' diag(w) X`` of a (k, c) matrix and (k,) weights.

    That is the negative Hessian of a likelihood that depends on ``X b``.
    """
    if isinstance(matrix, np.ndarray):
        result = np.zeros((matrix.shape[1], matrix.shape[1]))
        for some in parts(len(matrix), _AT_ONCE):
            result += (matrix[some] * weights[some, None]).T @ matrix[some]
        return result
    return sparse.csr_array(matrix.T @ matrix.multiply(weights[:, None])).toarray()
