"""Channels on paths with sums of weights: of distinct paths and of each landmark's path."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lydite.inputs.slices import slice_positions, slice_starts
from lydite.paths.arrays import factorize, group_sums, scatter
from lydite.paths.kind_weights import KindWeights
from lydite.paths.landmarks import HISTORY, DistinctPaths, PathChannels
from lydite.paths.touch_weights import PathTouches, chunks, weigh

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from lydite.paths.columns import Weight, WeightColumns
    from lydite.paths.path_slices import PathSlices


@dataclass(frozen=True)
class DescribedPaths:
    """Distinct paths, and where each of their touches is counted.

    Attributes
    ----------
    paths : DistinctPaths
    entry : (touches,) integers
        The entry of `DistinctPaths.path_channels` that each touch belongs to, path after path.
    """

    paths: DistinctPaths
    entry: NDArray[np.integer]


def describe_paths(paths: PathSlices, weights: WeightColumns) -> DescribedPaths:
    """Return paths with weights that depend on nothing but the order of channels.

    Raises
    ------
    InputError
        When a weight is negative or too large, or cannot be computed.
    """
    by_order = replace(paths, touches=paths.touches.without_times())
    path_channels, entry = _group_by_channel(by_order, weights)
    return DescribedPaths(DistinctPaths(_histories(paths), paths.kept, path_channels), entry)


def channels_on(paths: PathSlices, weights: WeightColumns) -> PathChannels:
    """Return the channels on paths, with the sums of weights.

    Parameters
    ----------
    paths
    weights
        They are summed by path and channel.

    Raises
    ------
    InputError
        When a weight is negative or too large, or cannot be computed.
    """
    path_channels, _ = _group_by_channel(paths, weights)
    return replace(path_channels, weights=dict(path_channels.weights))


def _histories(paths: PathSlices) -> NDArray[np.int16]:
    """Return the channels of the last touches of each path, newest first, -1 for none."""
    last = paths.first + paths.length - 1
    history = np.full((len(paths), HISTORY), -1, dtype=np.int16)
    for back in range(HISTORY):
        rows = np.flatnonzero(paths.kept > back)
        is_first = paths.kept[rows] == back + 1
        touch = np.where(is_first, paths.first[rows], last[rows] - back)
        history[rows, back] = paths.touches.channel[touch]
    return history


def _group_by_channel(
    paths: PathSlices, weights: WeightColumns
) -> tuple[PathChannels, NDArray[np.int32]]:
    """Return the channels on paths, and the entry of each touch, path after path."""
    order_only, base = paths.touches.order_only, int(paths.kept.max(initial=0)) + 1
    entries, groups, values = 0, [], []
    for rows in chunks(paths.kept):
        touches = PathTouches(paths.take(rows))
        group = _Group.of(touches)
        groups.append(group.shifted(rows.start, entries))
        entries += len(group.row)
        values.append(
            _kinds(touches, base)[group.order] if order_only else group.sums(touches, weights)
        )
    row, channel, count, entry, _ = map(np.concatenate, zip(*groups, strict=True))
    path_channels = PathChannels(row, channel, count)
    sums: Mapping[str, NDArray[np.float64]]
    if order_only:
        sums = _weights_by_kind(paths, weights, path_channels, np.concatenate(values), base)
    else:
        sums = dict(zip(weights, np.concatenate(values, axis=1), strict=True))
    return replace(path_channels, weights=sums), entry


class _Group(NamedTuple):
    """Touches grouped by path and channel: m entries of t touches.

    Attributes
    ----------
    row, channel, size : (m,) integers
        The path, the channel and the number of touches of each entry.
    entry : (t,) integers
        The entry of each touch, path after path.
    order : (t,) integers
        The positions of the touches, entry after entry.
    """

    row: NDArray[np.int32]
    channel: NDArray[np.int16]
    size: NDArray[np.int32]
    entry: NDArray[np.int32]
    order: NDArray[np.intp]

    @classmethod
    def of(cls, touches: PathTouches) -> _Group:
        """Group the touches of paths."""
        channels = max(1, len(touches.slices.touches.channels))
        key = touches.path * channels + touches.channel
        order = np.argsort(key, kind="stable")
        key = key[order]
        begin = np.flatnonzero(np.diff(key, prepend=-1))
        row, channel = np.divmod(key[begin], channels)
        count = np.diff(begin, append=len(key)).astype(np.int32)
        entry = scatter(np.repeat(np.arange(len(row), dtype=np.int32), count), order)
        return cls(row.astype(np.int32), channel.astype(np.int16), count, entry, order)

    def shifted(self, paths: int, entries: int) -> _Group:
        """Return the same group behind so many paths and entries of other groups."""
        return self._replace(row=self.row + np.int32(paths), entry=self.entry + np.int32(entries))

    def sums(self, touches: PathTouches, weights: WeightColumns) -> NDArray[np.float64]:
        """Return the (columns, m) sums of weights."""
        sums = [
            group_sums(self.entry, values, len(self.row))
            for values in _weigh_columns(touches, weights, slice(None)).values()
        ]
        return np.array(sums).reshape(len(weights), len(self.row))


def _kinds(touches: PathTouches, base: int) -> NDArray[np.int64]:
    """Return a number for each touch, the same for touches that differ in the path alone.

    Parameters
    ----------
    base
        Above the length of every path. Modulo `base` the number is the touch's position.
    """
    order = touches.order
    kind = touches.channel.astype(np.int64)
    for name in ("path_length", "last_non_direct_position", "position"):
        kind *= base
        kind += order[name]
    return kind


def _weights_by_kind(
    paths: PathSlices,
    weights: WeightColumns,
    path_channels: PathChannels,
    kind: NDArray[np.int64],
    base: int,
) -> KindWeights:
    """Return weights that depend on nothing but the kind of a touch, each computed once."""
    kind_of_touch, first = factorize(kind)
    edges = np.cumsum(path_channels.touches)
    path = path_channels.row[np.searchsorted(edges, first, side="right")]
    some, number = np.unique(path, return_inverse=True)
    touches = PathTouches(paths.take(some))
    rows = slice_starts(touches.slices.kept)[number] + kind[first] % base - 1
    by_kind = _weigh_columns(touches, weights, rows)
    return KindWeights(by_kind, kind_of_touch, path_channels.touches)


def _weigh_columns(
    touches: PathTouches, weights: WeightColumns, rows: slice | NDArray[np.intp]
) -> dict[str, NDArray[np.float64]]:
    """Return the weights of some touches by column; equal weights are computed once."""
    different = list(dict.fromkeys(weights.values()))
    found = dict(zip(different, weigh(touches, different, rows), strict=True))
    return {name: found[weight] for name, weight in weights.items()}


class LandmarkPaths:
    """The path of every landmark, with weights that depend on more than the order of channels.

    Weights are computed when they are asked for: of the many candidates of a fitted model, only one
    is used in forecasts.

    Parameters
    ----------
    paths
        The n paths.
    number : (n,) integers
        The number of each among the distinct paths.
    described
        The distinct paths.
    weights
        The weights that may be asked for.
    """

    def __init__(
        self,
        paths: PathSlices,
        number: NDArray[np.integer],
        described: DescribedPaths,
        weights: WeightColumns,
    ) -> None:
        self._paths, self._number = paths, number
        self._described, self._weights = described, weights
        self._computed: dict[Weight, NDArray[np.float32]] = {}

    def __contains__(self, column: str) -> bool:
        """Return whether there is such a column of weights."""
        return column in self._weights

    def take(self, rows: NDArray[np.integer] | slice) -> LandmarkPaths:
        """Return some of the paths, in the given order."""
        return LandmarkPaths(
            self._paths.take(rows), self._number[rows], self._described, self._weights
        )

    def path_channels(self, columns: Iterable[str]) -> PathChannels:
        """Return the channels on the paths, with some columns of weights.

        Raises
        ------
        InputError
            When a weight is negative or too large, or cannot be computed.
        """
        asked = {name: self._weights[name] for name in columns}
        missing = [w for w in dict.fromkeys(asked.values()) if w not in self._computed]
        if missing:
            self._computed.update(zip(missing, self._sums_by_entry(missing), strict=True))
        weights = {name: self._computed[weight] for name, weight in asked.items()}
        return replace(self._path_channels, weights=weights)

    def sums(
        self, column: str, values: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the sum of a column's weights on each path, and of weights times values.

        Parameters
        ----------
        column
            Name of the column of weights.
        values : (channels,) array
            A value for each channel.

        Returns
        -------
        Two (n,) arrays.

        Raises
        ------
        InputError
            When a weight is negative or too large, or cannot be computed.
        """
        order, ordered = self._in_memory_order
        sums = np.empty((2, len(order)))
        for rows in chunks(ordered.kept):
            touches = PathTouches(ordered.take(rows))
            [weights] = weigh(touches, [self._weights[column]])
            begin = slice_starts(touches.slices.kept)
            sums[0, rows] = np.add.reduceat(weights, begin)
            sums[1, rows] = np.add.reduceat(weights * values[touches.channel], begin)
        return scatter(sums[0], order), scatter(sums[1], order)

    @cached_property
    def _in_memory_order(self) -> tuple[NDArray[np.intp], PathSlices]:
        """The paths ordered by their last touch, so that touches are read one after the other."""
        order = _argsort_positions(self._paths.first + self._paths.length)
        return order, self._paths.take(order)

    @cached_property
    def _path_channels(self) -> PathChannels:
        distinct = self._described.paths
        return replace(distinct.path_channels, weights={}).take(self._number, len(distinct))

    def _sums_by_entry(self, weights: Sequence[Weight]) -> list[NDArray[np.float32]]:
        """Return the sums of weights by path and channel."""
        distinct = self._described.paths
        edges = self._path_channels.starts(len(self._number))
        # From the entries of a distinct path to those of the landmark's path.
        shift = edges[:-1] - distinct.path_channels.starts(len(distinct))[self._number]
        first = slice_starts(distinct.length)[self._number]
        sums = [np.empty(edges[-1], dtype=np.float32) for _ in weights]
        for rows in chunks(self._paths.kept):
            paths = self._paths.take(rows)
            low, high = edges[rows.start], edges[rows.stop]
            entry = self._described.entry[slice_positions(first[rows], paths.kept)]
            entry = entry + np.repeat(shift[rows] - low, paths.kept)
            for total, values in zip(sums, weigh(PathTouches(paths), weights), strict=True):
                total[low:high] = group_sums(entry, values, high - low)
        return sums


def _argsort_positions(positions: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return what sorts positions in an array; distinct ones need no comparisons."""
    row = np.full(int(positions.max(initial=-1)) + 1, -1, dtype=np.intp)
    row[positions] = np.arange(len(positions))
    order: NDArray[np.intp] = row[row >= 0]
    return order if len(order) == len(positions) else np.argsort(positions)
