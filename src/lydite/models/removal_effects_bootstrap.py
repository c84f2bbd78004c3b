"""Bootstrap of removal effects, by a first-order expansion around the fitted effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from lydite.models.base import weighted_sums
from lydite.models.removal_effects import probabilities_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lydite.models.transitions import TransitionCounts, Transitions

_TOLERANCE = 1e-9  # what iterations may leave out, relative to the largest first term
_MAX_STEPS = 2_000  # more iterations take longer than factorisations
_MAX_CELLS = 4_000_000  # of the tables that are iterated at once: 32 MB each


def resampled_effects(
    statistics: TransitionCounts, weights: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the removal effects under each row of weights, to the first order.

    If the weight of a unit grows, P(conversion) of the chain without channel c grows by a sum over
    the counts of the unit. With y the expected visits to a state, v the P(conversion) from it and t
    the total count after it, a step from i to j adds ``y_i / t_i (v_j - v_i)``, where v is 1 at a
    conversion, and 0 at another end and in c. This is the influence function of an absorbing chain;
    its bootstrap is that of the infinitesimal jackknife (Efron 1982). So every draw only weights
    sums over units, and the chain is solved twice instead of once for every draw. The remainder is
    of the second order in the spread of the weights: compared with complete fits, the bounds of
    intervals move by a few percent of their width, less than the error of 200 draws.

    Parameters
    ----------
    statistics
        Counts by unit.
    weights : (draws, units) array
        The weight of each unit in each draw.

    Returns
    -------
    (draws, channels) array, in [0, 1]; 0 if nothing converts.

    References
    ----------
    Efron (1982), *The Jackknife, the Bootstrap and Other Resampling Plans*, chapter 6.
    """
    transitions, units = statistics.total(), statistics.counts.T.tocsr()
    size = transitions.n_channels
    cells = max(1, *units.shape)
    converted = np.empty((len(weights), size + 1))
    for columns, chance, influence in _without(transitions, max(1, _MAX_CELLS // cells)):
        by_unit = np.asarray(units @ influence)
        converted[:, columns] = chance + weighted_sums(weights, by_unit) - by_unit.sum(axis=0)
    whole = converted[:, size:]
    with np.errstate(divide="ignore", invalid="ignore"):
        effects = 1 - converted[:, :size] / whole
    return np.where(whole > 0, np.clip(effects, 0, 1), 0.0)


def _without(
    transitions: Transitions, width: int
) -> Iterator[tuple[slice, NDArray[np.float64], NDArray[np.float64]]]:
    """Yield up to `width` columns: each for one removed channel, the last for none.

    With them come the (w,) P(conversion), and the (counts, w) influence of each count on it.
    """
    onward, ending, start = probabilities_of(transitions)
    last, size = transitions.last_channel, transitions.n_channels
    destination, backward = transitions.destination, onward.T.tocsr()
    for low in range(0, size + 1, width):
        columns = slice(low, min(low + width, size + 1))
        rows = np.flatnonzero((last >= columns.start) & (last < columns.stop))
        removed = (rows, last[rows] - low)
        n = columns.stop - low
        visits = _summed(backward, start, removed, n)
        value = _summed(onward, ending, removed, n)
        yield columns, start @ value, _influence(transitions, destination, start, visits, value)


def _influence(
    transitions: Transitions,
    destination: NDArray[np.intp],
    start: NDArray[np.float64],
    visits: NDArray[np.float64],
    value: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return what an additional count adds to P(conversion), in the order of the counts.

    Parameters
    ----------
    visits, value : (s, w) arrays
        Expected visits to each state, and P(conversion) from it.
    """
    origin, share = transitions.origin, visits / transitions.totals[:, None]
    reached = np.where((destination >= 0)[:, None], value[destination], 0.0)
    began = np.flatnonzero(transitions.starts)
    starts = np.zeros((transitions.n_channels, value.shape[1]))
    standing = np.flatnonzero(start > 0)
    place = dict(zip(transitions.last_channel[standing].tolist(), standing.tolist(), strict=True))
    first = np.array([place[channel] for channel in began.tolist()], dtype=np.intp)
    starts[began] = (value[first] - start @ value) / transitions.starts.sum()
    return np.vstack(
        [share[origin] * (reached - value[origin]), share * (1 - value), -share * value, starts]
    )


def _summed(
    step: sparse.csr_array,
    begin: NDArray[np.float64],
    removed: tuple[NDArray[np.intp], NDArray[np.intp]],
    columns: int,
) -> NDArray[np.float64]:
    """Return ``begin + step begin + step step begin + ..`` without some states, (s, columns).

    With Q and the probabilities to convert next, that is P(conversion) from each state; with Q
    transposed and the starts, the expected visits to each.

    Parameters
    ----------
    removed
        Row and column of each removed state: paths end there, without conversion.
    """
    term = np.tile(begin[:, None], columns)
    term[removed] = 0
    total = term.copy()
    enough = _TOLERANCE * begin.max(initial=0)
    for _ in range(_MAX_STEPS):
        if term.max(initial=0) <= enough:
            return total
        term = np.asarray(step @ term)
        term[removed] = 0
        total += term
    return _factorised(step, begin, removed, columns)


def _factorised(
    step: sparse.csr_array,
    begin: NDArray[np.float64],
    removed: tuple[NDArray[np.intp], NDArray[np.intp]],
    columns: int,
) -> NDArray[np.float64]:
    """Return what `_summed` does, by a sparse factorisation for each column."""
    identity = sparse.eye_array(len(begin), format="csr")
    total = np.empty((len(begin), columns))
    for column in range(columns):
        stays = np.ones(len(begin))
        stays[removed[0][removed[1] == column]] = 0
        kept = sparse.diags_array(stays)
        leaving = sparse.linalg.splu((identity - kept @ step @ kept).tocsc())
        total[:, column] = leaving.solve(begin * stays)
    return total
