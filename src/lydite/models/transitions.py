"""Transition counts of the Markov models."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import polars as pl

from lydite.models.base import by_unit, resampled_sums
from lydite.paths.arrays import ascending, group_sums
from lydite.paths.landmarks import HISTORY, Landmarks, expand_paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray
    from scipy import sparse

    from lydite.paths.landmarks import ExpandedPaths

START, CONVERSION, NULL = "(start)", "(conversion)", "(null)"

MAX_ORDER = HISTORY

# A state is packed into one integer, 16 bits per channel, the newest lowest; 0 stands for "none". A
# transition shifts the integer, and a mask removes the oldest channel.
_BITS = 16
MAX_CHANNELS = (1 << _BITS) - 1


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
    """Return packed states with their last `order` channels only."""
    return keys & np.uint64((1 << (_BITS * order)) - 1)


def find(keys: NDArray[np.uint64], among: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Return the position of each key in a sorted array, -1 if it is not there."""
    if not len(among):
        return np.full(len(keys), -1, dtype=np.intp)
    place = np.minimum(np.searchsorted(among, keys), len(among) - 1)
    return np.where(among[place] == keys, place, -1)


@dataclass(frozen=True)
class Transitions:
    """Transition counts of a chain whose states are the last `order` channels.

    Self-transitions are kept. Counts may be fractions, such as weighted counts of a bootstrap.

    Attributes
    ----------
    order : int, 1..4
    n_channels : int
        Channels have the numbers 0 to `n_channels` - 1.
    states : (s,) packed integers, ascending
        The states with at least one count; see `histories` for their channels.
    origin, next_channel : (e,) integers
        Each counted move from touch to touch: the number of its state, and the next channel.
    moves : (e,) counts
    conversions, nulls : (s,) counts
        Paths that ended in each state, with and without a conversion.
    starts : (n_channels,) counts
        Paths that began with each channel.
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
    def from_landmarks(cls, landmarks: Landmarks, order: int) -> Transitions:
        """Count from landmarks.

        A path begins at a landmark without a touch before. The lookback can cut the history of a
        landmark, and the newest landmarks are not mature, so that a move may lead to a state
        without counts; see `absorb`.
        """
        everywhere = np.zeros(len(landmarks), dtype=np.intp)
        return TransitionCounts.counted(landmarks, landmarks.channels, order, everywhere, 1).total()

    @classmethod
    def from_paths(
        cls,
        paths: Sequence[Sequence[int]],
        conversions: ArrayLike,
        nulls: ArrayLike,
        order: int,
        n_channels: int,
    ) -> Transitions:
        """Count from whole paths.

        Parameters
        ----------
        paths
            n paths: the numbers of their channels in time order, at least one each.
        conversions, nulls : (n,) counts
            Journeys on each path that ended with and without a conversion.
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
        touches = expand_paths(channel, length, np.asarray(conversions), np.asarray(nulls))
        names = tuple(map(str, range(n_channels)))
        everywhere = np.zeros(len(touches.row), dtype=np.intp)
        return TransitionCounts.counted(touches, names, order, everywhere, 1).total()

    @property
    def last_channel(self) -> NDArray[np.intp]:
        """The (s,) numbers of the last channel of each state."""
        return shorten(self.states, 1).astype(np.intp) - 1

    @property
    def histories(self) -> NDArray[np.intp]:
        """The (s, order) channels of each state, oldest first; -1 before the start of the path."""
        shifts = np.arange(self.order - 1, -1, -1, dtype=np.uint64) * np.uint64(_BITS)
        shifted: NDArray[np.uint64] = self.states[:, None] >> shifts
        return shorten(shifted, 1).astype(np.intp) - 1

    @property
    def totals(self) -> NDArray[np.float64]:
        """The (s,) counts of all events after each state."""
        moved = group_sums(self.origin, self.moves, len(self.states))
        return moved + self.conversions + self.nulls

    @property
    def destination(self) -> NDArray[np.intp]:
        """The (e,) numbers of the states that moves lead to, -1 if they have no counts.

        From the state (a, b) the channel c leads to (b, c). If (b, c) has no counts, its longest
        suffix with counts takes its place: a lookback that cut b from the path of every landmark
        with this history has counted them as (c).
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
        """Return the counted transitions by name.

        Parameters
        ----------
        channels
            Names of the `n_channels` channels.

        Returns
        -------
        Columns ``from, to, count, probability``. A state of several channels is written as
        ``a > b``, oldest first; ``(start)``, ``(conversion)`` and ``(null)`` are the ends of a
        path; the probabilities of each ``from`` sum to 1.
        """
        histories = self.histories.tolist()
        standing = [" > ".join(channels[c] for c in state if c >= 0) for state in histories]
        state, channel = np.arange(len(standing)), np.arange(self.n_channels)
        # Numbers of names: the ends of a path first, then channels, then states.
        names = pl.Series([START, CONVERSION, NULL, *channels, *standing], dtype=pl.String)
        first_state = 3 + len(channels)
        parts = [
            (np.zeros_like(channel), 3 + channel, self.starts),
            (first_state + self.origin, 3 + self.next_channel, self.moves),
            (first_state + state, np.full_like(state, 1), self.conversions),
            (first_state + state, np.full_like(state, 2), self.nulls),
        ]
        origin, destination, count = (np.concatenate(column) for column in zip(*parts, strict=True))
        some = count > 0
        return pl.DataFrame(
            {
                "from": names.gather(origin[some]),
                "to": names.gather(destination[some]),
                "count": count[some].astype(float),
            }
        ).with_columns(probability=pl.col("count") / pl.col("count").sum().over("from"))


@dataclass(frozen=True)
class TransitionCounts:
    """Transition counts by unit, so that every replicate can weight them.

    Attributes
    ----------
    channels
        Channel names.
    order, states, origin, next_channel
        As in `Transitions`.
    counts : (e + 2s + channels, units) sparse matrix
        The rows are moves, conversions, nulls and starts, in this order.
    """

    channels: tuple[str, ...]
    order: int
    states: NDArray[np.uint64]
    origin: NDArray[np.intp]
    next_channel: NDArray[np.intp]
    counts: sparse.csr_array[np.float64]

    @classmethod
    def of(cls, landmarks: Landmarks, order: int, units: int) -> Self:
        """Count from landmarks, whose buckets are the units."""
        return cls.counted(landmarks, landmarks.channels, order, landmarks.bucket, units)

    @classmethod
    def counted(
        cls,
        touches: Landmarks | ExpandedPaths,
        channels: tuple[str, ...],
        order: int,
        unit: NDArray[np.integer],
        units: int,
    ) -> Self:
        """Sum counts of touches by state, next event and unit."""
        size = len(channels)
        if not 1 <= order <= MAX_ORDER:
            raise ValueError(f"the order of a chain is 1 to {MAX_ORDER}, not {order}")
        if size > MAX_CHANNELS:
            raise ValueError(f"a chain has at most {MAX_CHANNELS} channels, not {size}")
        counts = touches.count > 0
        rows = slice(None) if counts.all() else counts
        history, path = _histories(touches, rows)
        states, of_path = _states(history[:, :order], size)
        state, next_channel = of_path[path], touches.next_channel[rows]
        moved = np.flatnonzero(next_channel >= 0)
        edges, edge = ascending(state[moved] * size + next_channel[moved])
        row = len(edges) + state
        row[~touches.converted[rows]] += len(states)
        row[moved] = edge
        begin, first = len(edges) + 2 * len(states), np.flatnonzero(history[:, 1][path] < 0)
        row = np.concatenate([row, begin + history[path[first], 0].astype(np.intp)])
        unit, count = unit[rows], touches.count[rows]
        unit, count = (np.concatenate([column, column[first]]) for column in (unit, count))
        return cls(
            channels=channels,
            order=order,
            states=states,
            origin=edges // max(size, 1),
            next_channel=edges % max(size, 1),
            counts=by_unit(row, unit, count, (begin + size, units)),
        )

    def weighted(self, weights: NDArray[np.floating]) -> Transitions:
        """Return the counts weighted by unit, by a (units,) array."""
        [found] = self.resampled(np.asarray(weights)[None, :])
        return found

    def resampled(self, weights: NDArray[np.floating]) -> Iterator[Transitions]:
        """Yield the counts weighted by unit, for each row of a (replicates, units) array."""
        sizes = (len(self.origin), len(self.states), len(self.states))
        for counts in resampled_sums(self.counts, weights):
            moves, conversions, nulls, starts = np.split(counts, np.cumsum(sizes))
            yield Transitions(
                order=self.order,
                n_channels=len(self.channels),
                states=self.states,
                origin=self.origin,
                next_channel=self.next_channel,
                moves=moves,
                conversions=conversions,
                nulls=nulls,
                starts=starts,
            )

    def total(self) -> Transitions:
        """Return the counts of all units together."""
        return self.weighted(np.ones(self.counts.shape[1]))


def _states(
    history: NDArray[np.integer], channels: int
) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
    """Return the distinct states of an (n, k) history, packed and ascending, and that of each."""
    # Numbers without gaps between those of channels sort as packed states do.
    key = np.zeros(len(history), dtype=np.uint64)
    for column in reversed(range(history.shape[1])):
        key = key * np.uint64(channels + 1) + (history[:, column] + 1).astype(np.uint64)
    distinct, number = ascending(key)
    example = np.empty(len(distinct), dtype=np.intp)
    example[number] = np.arange(len(number))
    return pack(history[example]), number


def _histories(
    touches: Landmarks | ExpandedPaths, rows: slice | NDArray[np.bool_]
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Return histories of some touches, mostly distinct, and the number of each touch's history."""
    if not isinstance(touches, Landmarks):
        history = touches.history[rows]
        return history, np.arange(len(history))
    path = touches.path[rows]
    used = np.zeros(len(touches.paths), dtype=bool)
    used[path] = True
    if used.all():
        return touches.paths.history, path
    return touches.paths.history[used], (np.cumsum(used) - 1)[path]
