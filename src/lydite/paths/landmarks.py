"""Landmarks and converted paths as columns: the input of models."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from lydite.inputs.slices import slice_positions
from lydite.paths.arrays import as_slice
from lydite.paths.kind_weights import KindWeights
from lydite.timezones import UTC, to_local

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from lydite.paths.rule_weights import LandmarkPaths

N_BUCKETS = 256
HISTORY = 4  # a landmark holds the channels of its touch and of the three touches before


@dataclass(frozen=True)
class PathChannels:
    """The channels on each path: one entry per (path, channel), paths in order.

    Attributes
    ----------
    row, channel : (m,) integer arrays
        The number of the path, ascending, and of the channel.
    touches : (m,) integer array
        How many touches of the channel are on the path.
    weights : mapping of column name to (m,) float array
        The sum of the weights of those touches (`lydite.paths.columns`), not normalised.
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
        """Return where the entries of each path start, and where the last ones end."""
        edges = np.zeros(paths + 1, dtype=np.intp)
        np.cumsum(np.bincount(self.row, minlength=paths), out=edges[1:])
        return edges

    def take(self, rows: NDArray[np.integer], paths: int) -> PathChannels:
        """Return the channels on some of the paths, numbered in the given order."""
        starts, some = self.starts(paths), as_slice(rows)
        if isinstance(some, slice):
            return self._entries(slice(starts[some.start], starts[some.stop]), some.start)
        lengths = starts[rows + 1] - starts[rows]
        row = np.repeat(np.arange(len(rows)), lengths)
        return replace(self._entries(slice_positions(starts[rows], lengths)), row=row)

    def _entries(self, entries: slice | NDArray[np.integer], number: int = 0) -> PathChannels:
        weights: Mapping[str, NDArray[np.floating]] = (
            self.weights.take(entries)
            if isinstance(self.weights, KindWeights)
            else {name: values[entries] for name, values in self.weights.items()}
        )
        row = self.row[entries] - number
        return PathChannels(row, self.channel[entries], self.touches[entries], weights)


@dataclass(frozen=True)
class DistinctPaths:
    """Paths that differ in the order of their channels, each once.

    Many landmarks have the same path; models compute its features once.

    Attributes
    ----------
    history : (k, 4) integers
        Channel of the last touch, and of the 1, 2 and 3 touches before it; -1 where there is none.
    length : (k,) integers, 1..50
    path_channels : PathChannels
        The channels on each path, with weights that depend on nothing but the order of channels.
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
    """The touches after which a conversion is forecast, as columns of length n.

    Attributes
    ----------
    channels
        Channel names; numbers below index into them.
    happened_at : (n,) datetime64[us], UTC
    bucket : (n,) integers, 0..255
        The unit of resampling; in a path table, the number of the row.
    converted : (n,) bool
        Whether the next event is a conversion, within the lookback.
    next_channel : (n,) integers
        Channel of the next touch where that is the next event, else -1.
    hours_since_previous : (n,) float
        NaN for the first touch of the path.
    hours_since_first : (n,) float
    hours_to_next : (n,) float
        Hours to the next touch or conversion; at most the lookback.
    count : (n,) float
        The number of landmarks in each row: 1, or more in a path table.
    path : (n,) integers
        The number of the landmark's path among the distinct ones.
    paths : DistinctPaths
    landmark_paths : LandmarkPaths
        The path of every landmark, with weights that depend on more than the order of channels,
        such as times; None without such weights.
    timezone
        The time zone of days and hours.
    shares
        What `lydite.paths.shares.share_rows` has computed for these landmarks.
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
    timezone: str = UTC
    shares: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        """Return the number of landmarks."""
        return len(self.happened_at)

    @cached_property
    def local_hours(self) -> NDArray[np.int64]:
        """The (n,) hours since 1970 of local clocks, from which follow day and hour."""
        local = to_local(self.happened_at, self.timezone)
        hours: NDArray[np.int64] = local.astype("datetime64[h]").astype(np.int64)
        return hours

    @property
    def history(self) -> NDArray[np.integer]:
        """The (n, 4) channels of the touch, and of the 1, 2 and 3 touches before it."""
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
        """The (n,) numbers of conversions in each row."""
        return np.asarray(self.count * self.converted, dtype=np.float64)

    def take(self, rows: NDArray[np.integer] | slice) -> Landmarks:
        """Return some of the landmarks, with the same distinct paths."""
        columns = {name: getattr(self, name)[rows] for name in _COLUMNS}
        paths = None if self.landmark_paths is None else self.landmark_paths.take(rows)
        return replace(self, **columns, landmark_paths=paths)

    def with_used_paths(self) -> Landmarks:
        """Return the same landmarks without distinct paths that no landmark is on."""
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
    """The touches of counted paths, with the touches before and the event after each.

    The last touch of a path has two rows: one for conversions, one for journeys without.

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
    """Return the touches of counted paths, one row each.

    Parameters
    ----------
    channel : (touches,) integers
        Channel numbers, path after path in time order.
    length : (n,) integers, at least 1
        The number of touches of each path.
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
        The unit of resampling: the bucket of the user, or the row of a path table.
    conversions, value : (n,) float
        The number of conversions at the end of the path, and their value.
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
        """Check `inverse`: numpy would count negative numbers from the end."""
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
    """Return the number of buckets, from 0 on, with at most `at_most` rows; at least 1.

    Parameters
    ----------
    bucket : (n,) integers
    counts : (n,) array
        The number of landmarks or paths in each row; 1 where None.
    """
    held = np.bincount(bucket, counts, minlength=N_BUCKETS).cumsum()
    return max(1, int(np.searchsorted(held, at_most, side="right")))
