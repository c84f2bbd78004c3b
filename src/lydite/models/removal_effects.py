"""How the paths of a chain end, and the removal effect of each channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from lydite.models.transitions import find
from lydite.paths.arrays import group_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.models.transitions import Transitions

_TOLERANCE = 1e-13  # the probability that iterations may leave open, relative to P(conversion)
_MAX_STEPS = 5_000  # more iterations take longer than a factorisation
_MAX_CELLS = 4_000_000  # of the table that is iterated at once: 32 MB
_MAX_DENSE = 400  # up to so many states, inversion is faster than iteration
_STEPS = 8  # iterations between two checks of convergence


@dataclass(frozen=True)
class AbsorbingChain:
    """How the paths of a chain end, and the removal effects of its channels.

    Attributes
    ----------
    conversion : float
        P(conversion) of a path.
    conversion_from : (s,) array
        P(conversion) of a path from each state.
    visit : (n_channels,) array
        P(the channel is on a path).
    removal_effect : (n_channels,) array in [0, 1]
        The share of P(conversion) that is lost if every path ends without conversion at its first
        touch of the channel; 0 for all if nothing converts.
    """

    conversion: float
    conversion_from: NDArray[np.float64]
    visit: NDArray[np.float64]
    removal_effect: NDArray[np.float64]


def absorb(transitions: Transitions) -> AbsorbingChain:
    """Return how the paths of a chain end, and the removal effects, exactly.

    Without a channel, every path ends, without conversion, at its first touch of the channel. So
    the loss is the P(conversion) of the paths at this touch: the sum, over the states h whose last
    channel it is, of P(the first visit is in h) times P(conversion from h). Nothing is simulated,
    and the chain is solved once for all channels. In a chain of order 1, P(visit c) = N_0c / N_cc,
    where N is the fundamental matrix [1]_; removal effects as credit are due to [2]_.

    A path in a state from which no end can be reached ends without conversion. Whole paths have no
    such state; landmarks may have, since the newest are not mature.

    Parameters
    ----------
    transitions
        Counts of a chain of any order.

    References
    ----------
    .. [1] Kemeny & Snell (1976), *Finite Markov Chains*, chapter III.
    .. [2] Anderl, Becker, von Wangenheim & Schumann (2016), "Mapping the customer journey",
       *International Journal of Research in Marketing* 33(3).
    """
    last = transitions.last_channel
    onward, ending, start = probabilities_of(transitions)
    if len(last) <= _MAX_DENSE:
        first_visit, conversion_from = _invert(onward, ending, start, last)
    else:
        first_visit, conversion_from = _solve_any_order(onward, ending, start, last)
    conversion = float(start @ conversion_from)
    size = transitions.n_channels
    lost = group_sums(last, first_visit * conversion_from, size)
    return AbsorbingChain(
        conversion=conversion,
        conversion_from=conversion_from,
        visit=group_sums(last, first_visit, size),
        removal_effect=np.clip(lost / conversion, 0, 1) if conversion > 0 else np.zeros(size),
    )


def probabilities_of(
    transitions: Transitions,
) -> tuple[sparse.csr_array, NDArray[np.float64], NDArray[np.float64]]:
    """Return the (s, s) transition matrix Q, and (s,) probabilities to convert next and to start.

    Moves to states from which no end can be reached are left out, so that I - Q can be inverted.
    """
    # A bootstrap may draw no unit of some states and moves: their counts are 0.
    totals = np.where(transitions.totals > 0, transitions.totals, 1.0)
    size = len(totals)
    counted = transitions.moves > 0
    origin, moves = transitions.origin[counted], transitions.moves[counted]
    destination = transitions.destination[counted]
    ends = (transitions.conversions + transitions.nulls) > 0
    ends[origin[destination < 0]] = True
    kept = (destination >= 0) & _reaches_end(origin, destination, ends)[destination]
    origin, destination = origin[kept], destination[kept]
    onward = sparse.csr_array(
        (moves[kept] / totals[origin], (origin, destination)), shape=(size, size)
    )
    start = np.zeros(size)
    began = np.flatnonzero(transitions.starts)
    start[find(began.astype(np.uint64) + np.uint64(1), transitions.states)] = (
        transitions.starts[began] / transitions.starts.sum()
    )
    return onward, transitions.conversions / totals, start


def _reaches_end(
    origin: NDArray[np.intp], destination: NDArray[np.intp], ends: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return for each of the (s,) states whether an end can be reached from it.

    It is a search backwards along moves, from one node that stands for every end.
    """
    size = len(ends)
    inside = destination >= 0
    reached = ends.copy()
    reached[origin[inside & ends[destination]]] = True
    if reached.all():  # usually so
        return reached
    ending = np.flatnonzero(ends)
    backward = sparse.csr_array(
        (
            np.ones(int(inside.sum()) + len(ending)),
            (
                np.concatenate([destination[inside], np.full(len(ending), size)]),
                np.concatenate([origin[inside], ending]),
            ),
        ),
        shape=(size + 1, size + 1),
    )
    reached = np.zeros(size + 1, dtype=bool)
    order = sparse.csgraph.breadth_first_order(backward, size, return_predecessors=False)
    reached[order] = True
    return reached[:size]


def _invert(
    onward: sparse.csr_array,
    ending: NDArray[np.float64],
    start: NDArray[np.float64],
    last: NDArray[np.intp],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return P(the first visit of its channel is in it) and P(conversion from) of each state.

    The fundamental matrix N gives both: the expected visits of the states of a channel c follow
    from the first visits, ``(start N)_c = f_c N_cc``, so that ``f_c = (start N)_c N_cc^-1``.
    """
    fundamental = np.linalg.inv(np.eye(len(ending)) - onward.toarray())
    visits = start @ fundamental
    first_visit = np.zeros(len(ending))
    if len(np.unique(last)) == len(last):
        return visits / fundamental.diagonal(), fundamental @ ending
    for channel in np.unique(last):
        there = np.flatnonzero(last == channel)
        block = fundamental[np.ix_(there, there)]
        first_visit[there] = np.linalg.solve(block.T, visits[there])
    return first_visit, fundamental @ ending


def _solve_any_order(
    onward: sparse.csr_array,
    ending: NDArray[np.float64],
    start: NDArray[np.float64],
    last: NDArray[np.intp],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return P(the first visit of its channel is in it) and P(conversion from) of each state.

    The distribution over states is iterated until less than `_TOLERANCE` of P(conversion) is left
    in transient states. That bounds the error: what is left can convert, or visit a channel for the
    first time, at most once. The graph of states of order k has no small cuts, so that factors of
    I - Q are dense and iteration is much faster; only paths of many hundreds of touches need
    factors.
    """
    conversion_from, converged = _iterate_backward(onward, ending, start)
    if not converged:
        return _factorise(onward, ending, start, last)
    tolerance = _TOLERANCE * _scale(start, conversion_from)
    forward = onward.T.tocsr()
    first_visit = np.zeros(len(last))
    n_channels = int(last.max(initial=-1)) + 1
    width = max(1, _MAX_CELLS // max(1, len(last)))
    for low in range(0, n_channels, width):
        rows = np.flatnonzero((last >= low) & (last < low + width))
        columns = last[rows] - low
        transient: NDArray[np.float64] = np.tile(start[:, None], min(width, n_channels - low))
        first_visit[rows] = _iterate_until_visit(forward, transient, rows, columns, tolerance)
    return first_visit, conversion_from


def _scale(start: NDArray[np.float64], conversion_from: NDArray[np.float64]) -> float:
    """Return P(conversion), or 1 if nothing converts, so that visits are exact there too."""
    # Not `start @ conversion_from`: for so few numbers BLAS would spend its time on threads.
    return float((start * conversion_from).sum()) or 1.0


def _iterate_backward(
    onward: sparse.csr_array,
    ending: NDArray[np.float64],
    start: NDArray[np.float64],
) -> tuple[NDArray[np.float64], bool]:
    """Return P(conversion from each state) within the steps taken, and whether it has converged."""
    # Two columns: P(conversion within the steps), P(still in a transient state after them).
    first = np.column_stack([ending, np.zeros(len(ending))])
    state: NDArray[np.float64] = np.column_stack([ending, np.ones(len(ending))])
    for _ in range(0, _MAX_STEPS, _STEPS):
        if state[:, 1].max(initial=0) <= _TOLERANCE * _scale(start, state[:, 0]):
            return state[:, 0].copy(), True
        for _ in range(_STEPS):
            state = onward @ state
            state += first
    return state[:, 0].copy(), False


def _iterate_until_visit(
    forward: sparse.csr_array,
    transient: NDArray[np.float64],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    tolerance: float,
) -> NDArray[np.float64]:
    """Return P(the first visit of its channel is in it) of the states `rows`.

    Parameters
    ----------
    forward
        Transposed Q, (s, s).
    transient : (s, w) array, overwritten
        The start; column j is iterated until its first visit of channel j.
    rows, columns : (h,) integers
        The states whose last channel is one of the w channels, and the column of that channel.
    tolerance
        What may be left. `_iterate_backward` has shown that iterations converge.
    """
    first_visit = np.zeros(len(rows))
    while True:
        for _ in range(_STEPS):
            first_visit += transient[rows, columns]
            transient[rows, columns] = 0
            transient = forward @ transient
        if transient.sum(axis=0).max() <= tolerance:
            return first_visit


def _factorise(
    onward: sparse.csr_array,
    ending: NDArray[np.float64],
    start: NDArray[np.float64],
    last: NDArray[np.intp],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what `_solve_any_order` does, by a sparse factorisation for each channel."""
    identity = sparse.eye_array(len(ending), format="csr")
    conversion_from = sparse.linalg.splu((identity - onward).tocsc()).solve(ending)
    first_visit = np.zeros(len(ending))
    for channel in np.unique(last):
        there = last == channel
        leaving = sparse.diags_array((~there).astype(float)) @ onward
        reached = sparse.linalg.splu((identity - leaving).T.tocsc()).solve(start)
        first_visit[there] = reached[there]
    return first_visit, conversion_from
