"""The chain behind the Markov models: what followed what, and what each channel's removal costs."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import polars as pl
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order
from scipy.sparse.linalg import splu

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from lydite.models.landmarks import Landmarks

START, CONVERSION, NULL = "(start)", "(conversion)", "(null)"

MAX_ORDER = 4  # landmarks know the touch itself and three before it

# A state is packed into one integer, 16 bits for each of its channels, the newest lowest; 0 stands
# for "none". To go on is to shift, and to forget the oldest channel is to mask.
_BITS = 16
MAX_CHANNELS = (1 << _BITS) - 1

_TOLERANCE = 1e-13  # of P(conversion): what a walk may leave undecided
_MAX_STEPS = 5_000  # a walk that takes longer than this costs more than a factorisation
_MAX_CELLS = 4_000_000  # of the table that is walked at once: 32 MB


def pack(history: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Return each row of an (n, k) history, newest channel first and -1 for none, as one integer.

    Raises
    ------
    ValueError
        When k is above `MAX_ORDER`.
    """
    if history.shape[1] > MAX_ORDER:
        raise ValueError(f"a state has at most {MAX_ORDER} channels, not {history.shape[1]}")
    keys: NDArray[np.uint64] = np.zeros(len(history), dtype=np.uint64)
    for column in reversed(range(history.shape[1])):
        keys = (keys << np.uint64(_BITS)) | (history[:, column] + 1).astype(np.uint64)
    return keys


def shorten(keys: NDArray[np.uint64], order: int) -> NDArray[np.uint64]:
    """Return the states that are left of packed ones when only the last `order` channels count."""
    return keys & np.uint64((1 << (_BITS * order)) - 1)


def find(keys: NDArray[np.uint64], among: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Return where each key stands in a sorted array, -1 where it is not in it."""
    if not len(among):
        return np.full(len(keys), -1, dtype=np.intp)
    place = np.minimum(np.searchsorted(among, keys), len(among) - 1)
    return np.where(among[place] == keys, place, -1)


def sums(
    index: NDArray[np.integer], values: NDArray[np.floating], size: int
) -> NDArray[np.float64]:
    """Return the (size,) sums of the values by index."""
    return np.asarray(np.bincount(index, values, minlength=size), dtype=np.float64)


@dataclass(frozen=True)
class Transitions:
    """Counts of a chain whose states are the last `order` channels: what followed what, how often.

    Self-transitions are kept. Counts may be fractions, as weights of a bootstrap make them.

    Attributes
    ----------
    order : int, 1..4
    n_channels : int
        Channels have the numbers 0 to `n_channels` - 1.
    states : (s,) packed integers, ascending
        The states from which something was counted; see `histories` for their channels.
    origin, next_channel : (e,) integers
        Each counted move from touch to touch: number of its state, and the channel that it met.
    moves : (e,) counts
    conversions, nulls : (s,) counts
        How often a path ended in each state, with and without a conversion.
    starts : (n_channels,) counts
        How often a path began with each channel.
    """

    order: int
    n_channels: int
    states: NDArray[np.uint64]
    origin: NDArray[np.intp]
    next_channel: NDArray[np.intp]
    moves: NDArray[np.float64]
    conversions: NDArray[np.float64]
    nulls: NDArray[np.float64]
    starts: NDArray[np.float64]

    @classmethod
    def from_landmark_counts(cls, frame: pl.DataFrame, order: int, n_channels: int) -> Self:
        """Count from counted landmarks.

        A path begins at a landmark without a touch before. The lookback can cut the history of a
        landmark, and the newest landmarks are not mature, so that a move may lead to a state from
        which nothing was counted; `absorb` says what becomes of it.

        Parameters
        ----------
        frame
            Columns ``previous_3, previous_2, previous_1, channel_key, next_channel_key, converted,
            landmarks`` as `sql/journeys/transitions.sql` gives them; others are summed over.
        order : 1..4
        n_channels
        """
        names = ["channel_key", "previous_1", "previous_2", "previous_3"]
        channels = frame.select(pl.col(*names, "next_channel_key").cast(pl.Int64).fill_null(-1))
        return cls._from_touches(
            order,
            n_channels,
            history=channels.select(names).to_numpy(),
            next_channel=channels["next_channel_key"].to_numpy(),
            converted=frame["converted"].to_numpy(),
            count=frame["landmarks"].cast(pl.Float64).to_numpy(),
        )

    @classmethod
    def from_landmarks(cls, landmarks: Landmarks, order: int) -> Self:
        """Count from landmarks, each of which counts once."""
        return cls._from_touches(
            order,
            len(landmarks.channels),
            history=landmarks.history,
            next_channel=landmarks.next_channel,
            converted=landmarks.converted,
            count=np.ones(len(landmarks)),
        )

    @classmethod
    def from_paths(
        cls,
        paths: Sequence[Sequence[int]],
        conversions: ArrayLike,
        nulls: ArrayLike,
        order: int,
        n_channels: int,
    ) -> Self:
        """Count from whole paths.

        Parameters
        ----------
        paths
            n paths: the numbers of their channels in time order, at least one each.
        conversions, nulls : (n,) counts
            How often each path ended with and without a conversion.
        order : 1..4
        n_channels

        Raises
        ------
        ValueError
            When a path is empty.
        """
        length = np.fromiter(map(len, paths), dtype=np.intp, count=len(paths))
        if not length.all():
            raise ValueError(f"path {int(np.argmin(length))} has no touch")
        channel = np.fromiter(itertools.chain.from_iterable(paths), np.int64, int(length.sum()))
        path = np.repeat(np.arange(len(paths)), length)
        position = np.arange(len(channel)) - (np.cumsum(length) - length)[path]
        history = np.full((len(channel), MAX_ORDER), -1)
        for back in range(min(MAX_ORDER, len(channel))):
            known = position >= back
            history[known, back] = channel[np.flatnonzero(known) - back]
        is_last = position == length[path] - 1
        converted = np.asarray(conversions, dtype=float)[path]
        null = np.asarray(nulls, dtype=float)[path]
        moved = np.where(is_last, -1, np.roll(channel, -1))
        # The last touch of a path stands twice: where it converts, and where it does not.
        twice = np.concatenate([np.arange(len(channel)), np.flatnonzero(is_last)])
        return cls._from_touches(
            order,
            n_channels,
            history=history[twice],
            next_channel=moved[twice],
            converted=np.arange(len(twice)) >= len(channel),
            count=np.concatenate([np.where(is_last, null, converted + null), converted[is_last]]),
        )

    @classmethod
    def _from_touches(
        cls,
        order: int,
        n_channels: int,
        *,
        history: NDArray[np.integer],
        next_channel: NDArray[np.integer],
        converted: NDArray[np.bool_],
        count: NDArray[np.float64],
    ) -> Self:
        """Sum counts of touches by state and by what came next."""
        if not 1 <= order <= MAX_ORDER:
            raise ValueError(f"the order of a chain is 1 to {MAX_ORDER}, not {order}")
        if n_channels > MAX_CHANNELS:
            raise ValueError(f"a chain has at most {MAX_CHANNELS} channels, not {n_channels}")
        counted = count > 0
        history, next_channel = history[counted], next_channel[counted]
        converted, count = converted[counted], count[counted]
        states, state = np.unique(pack(history[:, :order]), return_inverse=True)
        moved = next_channel >= 0
        edges, edge = np.unique(
            state[moved] * n_channels + next_channel[moved], return_inverse=True
        )
        first = history[:, 1] < 0
        size = len(states)
        return cls(
            order=order,
            n_channels=n_channels,
            states=states,
            origin=edges // n_channels,
            next_channel=edges % n_channels,
            moves=sums(edge, count[moved], len(edges)),
            conversions=sums(state, count * (converted & ~moved), size),
            nulls=sums(state, count * ~(converted | moved), size),
            starts=sums(history[first, 0], count[first], n_channels),
        )

    @property
    def last_channel(self) -> NDArray[np.intp]:
        """The (s,) numbers of the channel in which each state stands."""
        return shorten(self.states, 1).astype(np.intp) - 1

    @property
    def histories(self) -> NDArray[np.intp]:
        """The (s, order) channels of each state, oldest first; -1 before the start of the path."""
        shifts = np.arange(self.order - 1, -1, -1, dtype=np.uint64) * np.uint64(_BITS)
        shifted: NDArray[np.uint64] = self.states[:, None] >> shifts
        return shorten(shifted, 1).astype(np.intp) - 1

    @property
    def totals(self) -> NDArray[np.float64]:
        """The (s,) counts of all that followed each state."""
        moved = sums(self.origin, self.moves, len(self.states))
        return moved + self.conversions + self.nulls

    @property
    def destination(self) -> NDArray[np.intp]:
        """The (e,) numbers of the states that the moves lead to, -1 where there is none to go on.

        From the state (a, b) the channel c leads to (b, c). Where nothing was counted from there,
        (b, c) stands for its longest end that was counted from: a lookback that cut b from the
        path of every landmark with this history has counted them as (c).
        """
        shifted = (self.states[self.origin] << np.uint64(_BITS)) | (self.next_channel + 1).astype(
            np.uint64
        )
        place = np.full(len(shifted), -1, dtype=np.intp)
        for order in range(self.order, 0, -1):
            missing = place < 0
            place[missing] = find(shorten(shifted[missing], order), self.states)
        return place

    def transition_matrix(self, channels: Sequence[str]) -> pl.DataFrame:
        """Return the counted transitions of a chain of order 1 by name.

        Parameters
        ----------
        channels
            Names of the `n_channels` channels.

        Returns
        -------
        Columns ``from, to, count, probability``; ``(start)``, ``(conversion)`` and ``(null)`` stand
        for the ends of a path; the probabilities of each ``from`` sum to 1.

        Raises
        ------
        ValueError
            When the order is above 1: a matrix of channels says nothing of longer states.
        """
        if self.order != 1:
            raise ValueError(f"a chain of order {self.order} has no matrix of single channels")
        name = np.array(channels, dtype=object)
        standing = name[self.last_channel]
        parts = [
            (np.full(self.n_channels, START, dtype=object), name, self.starts),
            (standing[self.origin], name[self.next_channel], self.moves),
            (standing, np.full(len(standing), CONVERSION, dtype=object), self.conversions),
            (standing, np.full(len(standing), NULL, dtype=object), self.nulls),
        ]
        origin, destination, count = (np.concatenate(column) for column in zip(*parts, strict=True))
        return (
            pl.DataFrame(
                {"from": origin, "to": destination, "count": count},
                schema={"from": pl.String, "to": pl.String, "count": pl.Float64},
            )
            .filter(pl.col("count") > 0)
            .with_columns(probability=pl.col("count") / pl.col("count").sum().over("from"))
        )


@dataclass(frozen=True)
class Absorption:
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


def absorb(transitions: Transitions) -> Absorption:
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
    onward, ending = _probabilities(transitions)
    start = np.zeros(len(last))
    began = np.flatnonzero(transitions.starts)
    start[find(began.astype(np.uint64) + np.uint64(1), transitions.states)] = (
        transitions.starts[began] / transitions.starts.sum()
    )
    solve = _solve_order_1 if transitions.order == 1 else _solve_any_order
    first_visit, conversion_from = solve(onward, ending, start, last)
    conversion = float(start @ conversion_from)
    size = transitions.n_channels
    lost = sums(last, first_visit * conversion_from, size)
    return Absorption(
        conversion=conversion,
        conversion_from=conversion_from,
        visit=sums(last, first_visit, size),
        removal_effect=np.clip(lost / conversion, 0, 1) if conversion > 0 else np.zeros(size),
    )


def _probabilities(transitions: Transitions) -> tuple[sparse.csr_array, NDArray[np.float64]]:
    """Return Q, (s, s), of going on from state to state, and the (s,) of converting next.

    Moves to states that never come to an end are left out, so that I - Q can be inverted.
    """
    totals = transitions.totals
    size = len(totals)
    destination = transitions.destination
    ends = (transitions.conversions + transitions.nulls) > 0
    ends[transitions.origin[destination < 0]] = True
    kept = (destination >= 0) & _comes_to_an_end(transitions.origin, destination, ends)[destination]
    origin = transitions.origin[kept]
    onward = sparse.csr_array(
        (transitions.moves[kept] / totals[origin], (origin, destination[kept])), shape=(size, size)
    )
    return onward, transitions.conversions / totals


def _comes_to_an_end(
    origin: NDArray[np.intp], destination: NDArray[np.intp], ends: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return from which of the (s,) states moves lead to one where a path has ended.

    The moves are walked backwards, from one node that stands for every end.
    """
    size = len(ends)
    inside = destination >= 0
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


def _solve_order_1(
    onward: sparse.csr_array,
    ending: NDArray[np.float64],
    start: NDArray[np.float64],
    last: NDArray[np.intp],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return P(visit) and P(conversion from) of each state, where states are channels.

    One factorisation gives the fundamental matrix, and that gives both.
    """
    del last
    fundamental = np.linalg.inv(np.eye(len(ending)) - onward.toarray())
    return (start @ fundamental) / np.diag(fundamental), fundamental @ ending


def _solve_any_order(
    onward: sparse.csr_array,
    ending: NDArray[np.float64],
    start: NDArray[np.float64],
    last: NDArray[np.intp],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return P(the first visit of its channel is in it) and P(conversion from) of each state.

    The chain is walked, all probability at once, until what is still under way is below 1e-13 of
    P(conversion). That is a bound on the error, not a hope: what is left can convert, or meet a
    channel first, at most once. The graph of states of order k has no small cuts, so factors of
    I - Q are dense and a walk is faster by far; only paths of many hundreds of touches need them.
    """
    conversion_from, arrived = _walk_back(onward, ending, start)
    if not arrived:
        return _factorise(onward, ending, start, last)
    tolerance = _tolerance(start, conversion_from)
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


def _tolerance(start: NDArray[np.float64], conversion_from: NDArray[np.float64]) -> float:
    """Return how much may be left under way; visits should be right also where nothing converts."""
    # Not `start @ conversion_from`: on so few numbers BLAS spends its time on waking threads.
    return _TOLERANCE * (float((start * conversion_from).sum()) or 1.0)


def _walk_back(
    onward: sparse.csr_array, ending: NDArray[np.float64], start: NDArray[np.float64]
) -> tuple[NDArray[np.float64], bool]:
    """Return P(conversion from each state) within ever more steps, and whether that is all."""
    conversion_from = ending
    under_way: NDArray[np.float64] = np.ones(len(ending))
    for _ in range(_MAX_STEPS):
        if under_way.max(initial=0) <= _tolerance(start, conversion_from):
            return conversion_from, True
        conversion_from = ending + onward @ conversion_from
        under_way = onward @ under_way
    return conversion_from, False


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
        first_visit += under_way[rows, columns]
        under_way[rows, columns] = 0
        if under_way.sum(axis=0).max() <= tolerance:
            return first_visit
        under_way = forward @ under_way


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
