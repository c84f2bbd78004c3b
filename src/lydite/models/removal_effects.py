"""The ends of a chain: how its paths end, and what each channel's removal costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order
from scipy.sparse.linalg import splu

from lydite.models.transitions import find
from lydite.paths.arrays import group_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.models.transitions import Transitions

_UNDECIDED = 1e-13  # what a walk may leave undecided, of P(conversion)
_MAX_STEPS = 5_000  # a walk that takes longer than this costs more than a factorisation
_MAX_CELLS = 4_000_000  # of the table that is walked at once: 32 MB
_MAX_DENSE = 400  # so many states are inverted faster than they are walked
_STEPS = 8  # of a walk between two looks at what is left


@dataclass(frozen=True)
class AbsorbingChain:
    """How the paths of a chain end, and what each channel does for that.

    Attributes
    ----------
    conversion : float
        P(conversion) of a path.
    conversion_from : (s,) array
        P(conversion) of a path that stands in each state.
    visit : (n_channels,) array
        P(a path meets the channel).
    removal_effect : (n_channels,) array in [0, 1]
        The share of P(conversion) that is lost when every path ends without conversion on meeting
        the channel; 0 for all where nothing converts.
    """

    conversion: float
    conversion_from: NDArray[np.float64]
    visit: NDArray[np.float64]
    removal_effect: NDArray[np.float64]


def absorb(transitions: Transitions) -> AbsorbingChain:
    """Return how the paths of a chain end, exactly.

    To remove a channel is to end, without conversion, every path that meets it. So removal costs
    what the paths were worth when they met it first: the sum over the states h that stand in the
    channel of P(the first meeting is in h) times P(conversion from h). Nothing is simulated, and no
    chain is solved twice. In a chain of order 1, P(meet c) = N_0c / N_cc, where N is the
    fundamental matrix [1]_; removal effects as credit are due to [2]_.

    A path that comes to a state from which no end was ever counted ends without conversion. Paths
    counted to their ends have no such state; landmarks of which the newest are not mature may.

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
    """Return Q, (s, s), of going on, and the (s,) of converting next and of starting in each state.

    Moves to states that never come to an end are left out, so that I - Q can be inverted.
    """
    # Of some states and moves a bootstrap may draw no unit; then they count nothing.
    totals = np.where(transitions.totals > 0, transitions.totals, 1.0)
    size = len(totals)
    drawn = transitions.moves > 0
    origin, moves = transitions.origin[drawn], transitions.moves[drawn]
    destination = transitions.destination[drawn]
    ends = (transitions.conversions + transitions.nulls) > 0
    ends[origin[destination < 0]] = True
    kept = (destination >= 0) & _comes_to_an_end(origin, destination, ends)[destination]
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


def _comes_to_an_end(
    origin: NDArray[np.intp], destination: NDArray[np.intp], ends: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return from which of the (s,) states moves lead to one where a path has ended.

    The moves are walked backwards, from one node that stands for every end.
    """
    size = len(ends)
    inside = destination >= 0
    reached = ends.copy()
    reached[origin[inside & ends[destination]]] = True
    if reached.all():  # as it mostly is, one step before an end at most
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
    reached[breadth_first_order(backward, size, return_predecessors=False)] = True
    return reached[:size]


def _invert(
    onward: sparse.csr_array,
    ending: NDArray[np.float64],
    start: NDArray[np.float64],
    last: NDArray[np.intp],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return P(the first visit of its channel is in it) and P(conversion from) of each state.

    The fundamental matrix N gives both: of the states that stand in a channel, the expected visits
    are those after the first, ``(start N)_c = f_c N_cc``, so that ``f_c = (start N)_c N_cc^-1``.
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

    The chain is walked, all probability at once, until what is still under way is below
    `_UNDECIDED` of P(conversion). That is a bound on the error, not a hope: what is left can
    convert, or meet a channel first, at most once. The graph of states of order k has no small
    cuts, so factors of I - Q are dense and a walk is faster by far; only paths of many hundreds of
    touches need them.
    """
    conversion_from, arrived = _walk_back(onward, ending, start)
    if not arrived:
        return _factorise(onward, ending, start, last)
    tolerance = _UNDECIDED * _worth(start, conversion_from)
    forward = onward.T.tocsr()
    first_visit = np.zeros(len(last))
    n_channels = int(last.max(initial=-1)) + 1
    width = max(1, _MAX_CELLS // max(1, len(last)))
    for low in range(0, n_channels, width):
        rows = np.flatnonzero((last >= low) & (last < low + width))
        columns = last[rows] - low
        under_way: NDArray[np.float64] = np.tile(start[:, None], min(width, n_channels - low))
        first_visit[rows] = _walk_until_visit(forward, under_way, rows, columns, tolerance)
    return first_visit, conversion_from


def _worth(start: NDArray[np.float64], conversion_from: NDArray[np.float64]) -> float:
    """Return P(conversion), 1 where nothing converts: visits should be right there too."""
    # Not `start @ conversion_from`: on so few numbers BLAS spends its time on waking threads.
    return float((start * conversion_from).sum()) or 1.0


def _walk_back(
    onward: sparse.csr_array,
    ending: NDArray[np.float64],
    start: NDArray[np.float64],
) -> tuple[NDArray[np.float64], bool]:
    """Return P(conversion from each state) within ever more steps, and whether that is all."""
    # Two columns, walked together: P(conversion within the steps), P(under way after them).
    first = np.column_stack([ending, np.zeros(len(ending))])
    walked: NDArray[np.float64] = np.column_stack([ending, np.ones(len(ending))])
    for _ in range(0, _MAX_STEPS, _STEPS):
        if walked[:, 1].max(initial=0) <= _UNDECIDED * _worth(start, walked[:, 0]):
            return walked[:, 0].copy(), True
        for _ in range(_STEPS):
            walked = onward @ walked
            walked += first
    return walked[:, 0].copy(), False


def _walk_until_visit(
    forward: sparse.csr_array,
    under_way: NDArray[np.float64],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    tolerance: float,
) -> NDArray[np.float64]:
    """Return P(the first visit of its channel is in it) of the states `rows`.

    Parameters
    ----------
    forward
        Transposed Q, (s, s).
    under_way : (s, w) array, changed
        The start; its column j is walked until it meets channel j.
    rows, columns : (h,) integers
        The states that stand in one of the w channels, and the column of that channel.
    tolerance
        What may be left under way. `_walk_back` has seen that no more is left in finite time.
    """
    first_visit = np.zeros(len(rows))
    while True:
        for _ in range(_STEPS):
            first_visit += under_way[rows, columns]
            under_way[rows, columns] = 0
            under_way = forward @ under_way
        if under_way.sum(axis=0).max() <= tolerance:
            return first_visit


def _factorise(
    onward: sparse.csr_array,
    ending: NDArray[np.float64],
    start: NDArray[np.float64],
    last: NDArray[np.intp],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what `_solve_any_order` does, by a sparse factorisation for each channel."""
    identity = sparse.eye_array(len(ending), format="csr")
    conversion_from = splu((identity - onward).tocsc()).solve(ending)
    first_visit = np.zeros(len(ending))
    for channel in np.unique(last):
        there = last == channel
        leaving = sparse.diags_array((~there).astype(float)) @ onward
        reached = splu((identity - leaving).T.tocsc()).solve(start)
        first_visit[there] = reached[there]
    return first_visit, conversion_from
