"""Landmarks and converted paths as columns: what models are fitted on, judged on and divide."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from lydite.inputs.slices import slice_positions
from lydite.paths.compiled import compiled
from lydite.paths.grouping import counted
from lydite.paths.touch_kinds import TouchKindWeights

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from lydite.paths.rule_weights import LandmarkPaths

N_BUCKETS = 256
HISTORY = 4  # a landmark knows the channel of the touch itself and of three before it


@dataclass(frozen=True)
class PathChannels:
    """The channels on each path: one entry per (path, channel), paths in order.

    Attributes
    ----------
    row, channel : (m,) integer arrays
        The number of the landmark or conversion whose path it is, and the channel's number.
    touches : (m,) integer array
        How many touches of the channel are on the path.
    weights : mapping of column name to (m,) float array
        The weight that an expression (`Model.weight_columns`) puts on those touches, not
        normalised.
    """

    row: NDArray[np.integer]
    channel: NDArray[np.integer]
    touches: NDArray[np.integer]
    weights: Mapping[str, NDArray[np.floating]] = field(default_factory=dict)

    def matrix(
        self, values: NDArray[np.floating], paths: int, channels: int
    ) -> sparse.csr_array[np.float64]:
        """Return one value per entry as a sparse (paths, channels) matrix; zeros stay stored."""
        return sparse.csr_array(
            (np.asarray(values, dtype=float), self.channel, self.starts(paths)),
            shape=(paths, channels),
        )

    def starts(self, paths: int) -> NDArray[np.intp]:
        """Return where the entries of each of so many paths start, and after it where all end."""
        edges = np.zeros(paths + 1, dtype=np.intp)
        _put_edges(self.row, edges)
        return edges

    def take(self, rows: NDArray[np.integer], paths: int) -> PathChannels:
        """Return the channels on some of so many paths, numbered anew in the given order."""
        starts, some = self.starts(paths), as_slice(rows)
        if isinstance(some, slice):
            return self._entries(slice(starts[some.start], starts[some.stop]), some.start)
        lengths = starts[rows + 1] - starts[rows]
        row = np.repeat(np.arange(len(rows)), lengths)
        return replace(self._entries(slice_positions(starts[rows], lengths)), row=row)

    def summands(
        self, columns: Sequence[str]
    ) -> tuple[NDArray[np.float64], NDArray[np.integer], NDArray[np.integer]]:
        """Return some columns of weights as sums of what is told once."""
        if isinstance(self.weights, TouchKindWeights):
            return self.weights.summands(columns)
        weights = np.column_stack([self.weights[name] for name in columns])
        each = np.arange(len(self.row) + 1, dtype=np.int32)
        return weights, each[:-1], each

    def _entries(self, entries: slice | NDArray[np.integer], number: int = 0) -> PathChannels:
        own = self.weights
        weights: Mapping[str, NDArray[np.floating]] = (
            own.take(entries)
            if isinstance(own, TouchKindWeights)
            else {name: values[entries] for name, values in own.items()}
        )
        row = self.row[entries] - number
        return PathChannels(row, self.channel[entries], self.touches[entries], weights)


@compiled
def _put_edges(row: NDArray[np.integer], edges: NDArray[np.intp]) -> None:
    """Put down where each row starts, of ascending rows, and where all end."""
    for entry in range(len(row)):
        edges[row[entry] + 1] = entry + 1
    for own in range(1, len(edges)):  # rows without entries
        edges[own] = max(edges[own], edges[own - 1])


@dataclass(frozen=True)
class DistinctPaths:
    """Paths as the order of their channels tells them apart, each distinct one once.

    Many landmarks stand at the end of the same path: what models make of it is worked out once.

    Attributes
    ----------
    history : (k, 4) integers
        Channel of the last touch, and of the 1, 2 and 3 touches before it; -1 where there is none.
    length : (k,) integers, 1..50
    path_channels : PathChannels
        The channels on each path, with the weights that expressions put on them which look at
        nothing but the order of channels.
    """

    history: NDArray[np.integer]
    length: NDArray[np.integer]
    path_channels: PathChannels

    def __len__(self) -> int:
        """Return the number of distinct paths."""
        return len(self.length)

    def take(self, rows: NDArray[np.integer]) -> DistinctPaths:
        """Return some of the paths, in the given order."""
        return DistinctPaths(
            self.history[rows], self.length[rows], self.path_channels.take(rows, len(self))
        )


@dataclass(frozen=True)
class Landmarks:
    """Moments of forecasting of one outcome, as columns of length n.

    Attributes
    ----------
    channels
        Channel names; numbers below index into them.
    happened_at : (n,) datetime64[us], UTC
    bucket : (n,) integers, 0..255
        The unit of every error bar; in a path table, the number of the row.
    converted : (n,) bool
        Whether the next event is a conversion, within the lookback.
    next_channel : (n,) integers
        Channel of the next touch where that is the next event, else -1.
    hours_since_previous : (n,) float
        NaN where the path has no touch before.
    hours_since_first : (n,) float
    hours_to_next : (n,) float
        Until the next event, touch or conversion; the lookback where none comes within it.
    count : (n,) float
        How many landmarks each row stands for: 1, or more where a path table counts journeys.
    path : (n,) integers
        The number of the landmark's path among the distinct ones.
    paths : DistinctPaths
    landmark_paths : LandmarkPaths
        The path of every landmark, with the weights of expressions that look at more than the order
        of channels, such as times; None without such expressions.
    """

    channels: tuple[str, ...]
    happened_at: NDArray[np.datetime64]
    bucket: NDArray[np.integer]
    converted: NDArray[np.bool_]
    next_channel: NDArray[np.integer]
    hours_since_previous: NDArray[np.floating]
    hours_since_first: NDArray[np.floating]
    hours_to_next: NDArray[np.floating]
    count: NDArray[np.floating]
    path: NDArray[np.integer]
    paths: DistinctPaths
    landmark_paths: LandmarkPaths | None = None

    def __len__(self) -> int:
        """Return the number of landmarks."""
        return len(self.happened_at)

    @property
    def history(self) -> NDArray[np.integer]:
        """The (n, 4) channels of the touch itself, and of the 1, 2 and 3 touches before it."""
        history: NDArray[np.integer] = self.paths.history[self.path]
        return history

    @property
    def path_length(self) -> NDArray[np.integer]:
        """The (n,) numbers of touches on the path."""
        length: NDArray[np.integer] = self.paths.length[self.path]
        return length

    def path_channels(
        self, columns: Collection[str]
    ) -> tuple[PathChannels, NDArray[np.integer], int]:
        """Return the channels on paths with some columns of weights.

        Returns
        -------
        The channels on the distinct paths where those have the weights, else on the path of every
        landmark; the (n,) number of each landmark's path among them; and how many they are.
        """
        if self.landmark_paths is not None and any(name in self.landmark_paths for name in columns):
            return self.landmark_paths.path_channels(columns), np.arange(len(self)), len(self)
        return self.paths.path_channels, self.path, len(self.paths)

    @cached_property
    def hits(self) -> NDArray[np.float64]:
        """The (n,) numbers of conversions that each row stands for."""
        return np.asarray(self.count * self.converted, dtype=np.float64)

    def take(self, rows: NDArray[np.integer] | slice) -> Landmarks:
        """Return some of the landmarks; their paths are numbered among the same ones."""
        columns = {name: getattr(self, name)[rows] for name in _COLUMNS}
        paths = None if self.landmark_paths is None else self.landmark_paths.take(rows)
        return replace(self, **columns, landmark_paths=paths)

    def with_used_paths(self) -> Landmarks:
        """Return the same landmarks with the distinct paths that they are on, and no others."""
        used = np.zeros(len(self.paths), dtype=bool)
        used[self.path] = True
        number = np.cumsum(used) - 1
        return replace(self, path=number[self.path], paths=self.paths.take(np.flatnonzero(used)))

    def without_outcome(self, converted: NDArray[np.bool_]) -> Landmarks:
        """Return the same landmarks with other outcomes, as permutation tests need them."""
        return replace(self, converted=converted)


_COLUMNS = (
    "happened_at", "bucket", "converted", "next_channel", "hours_since_previous",
    "hours_since_first", "hours_to_next", "count", "path",
)  # fmt: skip


@dataclass(frozen=True)
class ExpandedPaths:
    """Every touch of counted paths: what came before it, and what came next, how often.

    The last touch of a path stands twice: where it converts, and where it does not.

    Attributes
    ----------
    row : (m,) integers
        The number of the path.
    position : (m,) integers
        0 for the first touch of the path.
    history : (m, 4) integers
    next_channel : (m,) integers
    converted : (m,) bool
        All three as in `Landmarks`.
    count : (m,) float
    """

    row: NDArray[np.intp]
    position: NDArray[np.intp]
    history: NDArray[np.integer]
    next_channel: NDArray[np.integer]
    converted: NDArray[np.bool_]
    count: NDArray[np.float64]


def expand_paths(
    channel: NDArray[np.integer],
    length: NDArray[np.integer],
    conversions: NDArray[np.number],
    nulls: NDArray[np.number],
) -> ExpandedPaths:
    """Lay out counted paths touch by touch.

    Parameters
    ----------
    channel : (touches,) integers
        Channel numbers, path after path in time order.
    length : (n,) integers, at least 1
        Touches of each path.
    conversions, nulls : (n,) counts
        How often each path ended with and without a conversion.
    """
    row = np.repeat(np.arange(len(length)), length)
    position = np.arange(len(channel)) - (np.cumsum(length) - length)[row]
    history = np.full((len(channel), HISTORY), -1)
    for back in range(HISTORY):
        known = np.flatnonzero(position >= back)
        history[known, back] = channel[known - back]
    is_last = position == length[row] - 1
    hits, misses = conversions[row].astype(float), nulls[row].astype(float)
    moved = np.where(is_last, -1, np.roll(channel, -1))
    twice = np.concatenate([np.arange(len(channel)), np.flatnonzero(is_last)])
    return ExpandedPaths(
        row=row[twice],
        position=position[twice],
        history=history[twice],
        next_channel=moved[twice],
        converted=np.arange(len(twice)) >= len(channel),
        count=np.concatenate([np.where(is_last, misses, hits + misses), hits[is_last]]),
    )


@dataclass(frozen=True)
class Paths:
    """The paths that end in conversions of one outcome, as columns of length n.

    Attributes
    ----------
    channels
        Channel names; numbers below index into them.
    unit : (n,) integers
        The unit of every error bar: the bucket of the user, or the row of a path table.
    conversions, value : (n,) float
        How many conversions the path ends in, and their value in the one currency.
    path : PathChannels
    """

    channels: tuple[str, ...]
    unit: NDArray[np.integer]
    conversions: NDArray[np.floating]
    value: NDArray[np.floating]
    path: PathChannels

    def __len__(self) -> int:
        """Return the number of paths."""
        return len(self.unit)


@dataclass(frozen=True)
class UniqueFeatures:
    """The distinct feature rows of landmarks or paths, as `numpy.unique` returns them.

    A model is fitted on how often each distinct row was forecast and how often a conversion
    followed: its likelihood depends on nothing else.

    Attributes
    ----------
    inverse : (n,) integers
        The feature row of each landmark or path.
    rows
        k distinct feature rows, in the form that the model chose; ``rows.shape[0]`` is k.

    Raises
    ------
    ValueError
        When a number in `inverse` is not one of a feature row.
    """

    inverse: NDArray[np.integer]
    rows: Any

    def __post_init__(self) -> None:
        """Check `inverse`, since compiled kernels that read it check no bounds."""
        if len(self.inverse) and not 0 <= self.inverse.min() <= self.inverse.max() < len(self):
            raise ValueError(
                f"there are {len(self)} feature rows, so that their numbers are from 0 to"
                f" {len(self) - 1}, not from {self.inverse.min()} to {self.inverse.max()}"
            )

    def __len__(self) -> int:
        """Return the number of distinct feature rows."""
        return int(self.rows.shape[0])


def first_buckets(
    bucket: NDArray[np.integer], counts: NDArray[np.number] | None, at_most: int
) -> int:
    """Return how many buckets, from 0 on, hold at most so many; one at least.

    Parameters
    ----------
    bucket : (n,) integers
    counts : (n,) array
        How many each stands for, one where None.
    """
    held = np.bincount(bucket, counts, minlength=N_BUCKETS).cumsum()
    return max(1, int(np.searchsorted(held, at_most, side="right")))


def as_slice(rows: NDArray[np.integer]) -> NDArray[np.integer] | slice:
    """Return rows as a slice where each is right behind the other: what it takes is not copied."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def parts(length: int, size: int = 65_536) -> Iterator[slice]:
    """Cut columns into parts of so many rows: what is made of a part on the way stays in cache."""
    for low in range(0, length, size):
        yield slice(low, min(low + size, length))


def rows_to_one(matrix: sparse.csr_array[np.float64]) -> sparse.csr_array[np.float64]:
    """Divide each row by its sum; a row that sums to 0 is shared alike by its stored entries."""
    lengths = np.diff(matrix.indptr)
    row = np.repeat(np.arange(len(lengths)), lengths)
    total = counted(row, matrix.data, len(lengths))
    empty = total[row] <= 0
    data = np.where(empty, 1 / lengths[row], matrix.data / np.where(empty, 1, total[row]))
    return sparse.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)
