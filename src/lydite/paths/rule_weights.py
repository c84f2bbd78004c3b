"""The channels on paths with the weights of models: of distinct paths, and of every landmark's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from lydite.inputs.slices import slice_starts
from lydite.paths import kernels
from lydite.paths.grouping import distinct, placed
from lydite.paths.landmarks import HISTORY, DistinctPaths, PathChannels
from lydite.paths.path_slices import TouchArrays
from lydite.paths.touch_kinds import TouchKindWeights
from lydite.paths.touch_weights import PathTouches, chunks, weigh

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from lydite.paths.columns import Weight, WeightColumns
    from lydite.paths.path_slices import PathSlices


@dataclass(frozen=True)
class OrderFeatures:
    """Paths with what models see of the order of their channels.

    Attributes
    ----------
    paths : DistinctPaths
    slot : (touches,) integers
        For each touch of each path, path after path, the place of its channel among those met.
    """

    paths: DistinctPaths
    slot: NDArray[np.integer]


def describe_paths(
    touch_arrays: TouchArrays, slices: PathSlices, weights: WeightColumns
) -> OrderFeatures:
    """Return paths with weights that depend on nothing but the order of channels."""
    history = np.empty((len(slices), HISTORY), dtype=np.int16)
    kernels.histories(*slices.columns, touch_arrays.channel, history)
    met, slot = _channels_met(
        TouchArrays(touch_arrays.channels, touch_arrays.channel), slices, weights
    )
    return OrderFeatures(DistinctPaths(history, slices.kept, met), slot)


def channels_met(
    touch_arrays: TouchArrays, slices: PathSlices, weights: WeightColumns
) -> PathChannels:
    """Return the channels on paths, with the sums of weights.

    Parameters
    ----------
    touch_arrays, slices
        The paths.
    weights
        They are summed by path and channel.

    Raises
    ------
    InputError
        When a weight is negative or huge, or cannot be computed.
    """
    met, _ = _channels_met(touch_arrays, slices, weights)
    return replace(met, weights=dict(met.weights))


def _channels_met(
    touch_arrays: TouchArrays, slices: PathSlices, weights: WeightColumns
) -> tuple[PathChannels, NDArray[np.integer]]:
    """Return the channels on paths, and the place of each touch's channel among them."""
    longest = int(slices.kept.max(initial=0))
    kinds = _kinds(touch_arrays, longest, len(slices))
    paths = *slices.columns, touch_arrays.channel
    size = kernels.channels_on(*paths, len(touch_arrays.channels))
    counting = int(slices.kept.sum())
    entries = int(size.sum())
    row = np.empty(entries, dtype=np.int32)
    channel, touches = np.empty((2, entries), dtype=np.int16)
    kind: NDArray[Any] = np.empty(counting, dtype=np.int32 if kinds < 2**31 else np.int64)
    slot = np.empty(counting, dtype=np.int16)
    kernels.lay_out_by_channel(
        *paths,
        touch_arrays.is_direct,
        touch_arrays.order_only,
        longest,
        row,
        channel,
        touches,
        kind,
        slot,
    )
    index, first = distinct(kind, kinds)
    path = np.searchsorted(slice_starts(slices.kept), first, side="right") - 1
    by_kind = _weighed(touch_arrays, slices, weights, path, kind[first] % (longest + 1) - 1)
    return PathChannels(row, channel, touches, TouchKindWeights(by_kind, index, touches)), slot


def _kinds(touch_arrays: TouchArrays, longest: int, paths: int) -> int:
    """Return below what number kinds of touches are."""
    base = longest + 1
    return len(touch_arrays.channels) * base**3 if touch_arrays.order_only else paths * base


def _weighed(
    touch_arrays: TouchArrays,
    slices: PathSlices,
    weights: WeightColumns,
    path: NDArray[np.integer],
    position: NDArray[np.integer],
) -> dict[str, NDArray[np.float64]]:
    """Return the weights of single touches, by their path and position on it, from 0."""
    different = list(dict.fromkeys(weights.values()))
    paths, place = np.unique(path, return_inverse=True)
    laid = PathTouches(touch_arrays, slices.take(paths))
    rows = slice_starts(laid.slices.kept)[place] + position
    found = dict(zip(different, weigh(laid, different, rows), strict=True))
    return {name: found[weight] for name, weight in weights.items()}


class LandmarkPaths:
    """The path of every landmark, weighed by what looks at more than the order of channels.

    What models do not ask for is not worked out: of the many weights of a fitted model one is
    forecast with.

    Parameters
    ----------
    touch_arrays, slices
        The paths.
    number : (n,) integers
        Which of the distinct paths each is.
    described
        The distinct paths.
    weights
        The weights that may be asked for.
    """

    def __init__(
        self,
        touch_arrays: TouchArrays,
        slices: PathSlices,
        number: NDArray[np.integer],
        described: OrderFeatures,
        weights: WeightColumns,
    ) -> None:
        self._touch_arrays, self._slices, self._number = touch_arrays, slices, number
        self._described, self._columns = described, weights
        self._known: dict[Weight, NDArray[np.float32]] = {}

    def __contains__(self, column: str) -> bool:
        """Tell whether there is such a column of weights."""
        return column in self._columns

    def take(self, rows: NDArray[np.integer] | slice) -> LandmarkPaths:
        """Return some of the paths, in the given order."""
        slices, number = self._slices.take(rows), self._number[rows]
        return LandmarkPaths(self._touch_arrays, slices, number, self._described, self._columns)

    def path_channels(self, columns: Iterable[str]) -> PathChannels:
        """Return the channels on the paths, with some columns of weights.

        Raises
        ------
        InputError
            When a weight is negative or huge, or cannot be computed.
        """
        asked = {name: self._columns[name] for name in columns}
        missing = [own for own in dict.fromkeys(asked.values()) if own not in self._known]
        if missing:
            self._known.update(zip(missing, self._weighed(missing), strict=True))
        weights = {name: self._known[weight] for name, weight in asked.items()}
        return replace(self._entries, weights=weights)

    def sums(
        self, column: str, values: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the sum of a column's weights on each path, and that of weights times values.

        Parameters
        ----------
        column
            Name of the column of weights.
        values : (channels,) array
            What a touch of each channel is worth.

        Returns
        -------
        Two (n,) arrays.

        Raises
        ------
        InputError
            When a weight is negative or huge, or cannot be computed.
        """
        order, ordered = self._by_touch
        sums = np.empty((2, len(order)))
        for paths in chunks(ordered.kept):
            slices = ordered.take(paths)
            laid = PathTouches(self._touch_arrays, slices)
            [weight] = weigh(laid, [self._columns[column]])
            of_paths = *slices.columns, self._touch_arrays.channel
            kernels.weighted_sums(*of_paths, weight, values, *sums[:, paths])
        return placed(order, sums[0]), placed(order, sums[1])

    @cached_property
    def _by_touch(self) -> tuple[NDArray[np.int32], PathSlices]:
        """The paths in the order of their touches, which then are read one after the other."""
        order = _in_order(self._slices.first + self._slices.length)
        return order, self._slices.take(order)

    @cached_property
    def _entries(self) -> PathChannels:
        met = replace(self._described.paths.path_channels, weights={})
        return met.take(self._number, len(self._described.paths))

    def _weighed(self, weights: Sequence[Weight]) -> list[NDArray[np.float32]]:
        """Return the sums of weights by path and channel."""
        begin = slice_starts(self._described.paths.length)[self._number]
        entry = self._entries.starts(len(self._number))
        sums = [np.zeros(entry[-1]) for _ in weights]
        for paths in chunks(self._slices.kept):
            laid = PathTouches(self._touch_arrays, self._slices.take(paths))
            of_paths = laid.slices.kept, begin[paths], entry[paths], self._described.slot
            for weight, own in zip(weigh(laid, weights), sums, strict=True):
                kernels.sums_by_entry(weight, *of_paths, own)
        return [own.astype(np.float32) for own in sums]


def _in_order(places: NDArray[np.integer]) -> NDArray[np.int32]:
    """Return what sorts places, without comparing them where each is met once."""
    number = np.full(int(places.max(initial=-1)) + 1, -1, dtype=np.int32)
    number[places] = np.arange(len(places), dtype=np.int32)
    order = number[number >= 0]
    return order if len(order) == len(places) else np.argsort(places).astype(np.int32)
