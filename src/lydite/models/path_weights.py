"""The channels on paths with the weights of models: of distinct paths, and of every landmark's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lydite.contract.path_rows import runs, starts
from lydite.models.base import weight_columns
from lydite.models.landmarks import HISTORY, DistinctPaths, PathChannels, counted, distinct
from lydite.models.stretches import Touched
from lydite.models.touch_kinds import KindWeights
from lydite.models.weighing import LaidOutTouches, chunks, weigh

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from lydite.models.base import Model
    from lydite.models.stretches import Stretches


@dataclass(frozen=True)
class Described:
    """Paths with what models see of the order of their channels.

    Attributes
    ----------
    paths : DistinctPaths
    place : (touches,) integers
        For each touch of each path, path after path, the place of its channel among those met.
    """

    paths: DistinctPaths
    place: NDArray[np.integer]


def describe_paths(
    touched: Touched, stretches: Stretches, models: Sequence[Model], threads: int = 1
) -> Described:
    """Return paths with the models' weights, which look at nothing but the order of channels."""
    history = np.full((len(stretches), HISTORY), -1, dtype=np.int16)
    for back in range(HISTORY):
        known = np.flatnonzero(stretches.kept > back)
        own = stretches.take(known)
        history[known, back] = touched.channel[own.touch(own.kept - 1 - back)]
    order = Touched(touched.channels, touched.channel)
    met, place = _channels_met(order, stretches, models, threads)
    return Described(DistinctPaths(history, stretches.kept, met), place)


def channels_met(touched: Touched, stretches: Stretches, models: Sequence[Model]) -> PathChannels:
    """Return the channels on paths, with the sums of the models' weights.

    Parameters
    ----------
    touched, stretches
        The paths.
    models
        Their weights are summed up by path and channel.

    Raises
    ------
    InputError
        When a weight is negative or endless, or cannot be computed.
    """
    met, _ = _channels_met(touched, stretches, models)
    return replace(met, weights=dict(met.weights))


def _channels_met(
    touched: Touched, stretches: Stretches, models: Sequence[Model], threads: int = 1
) -> tuple[PathChannels, NDArray[np.integer]]:
    """Return the channels on paths, and the place of each touch's channel among them."""
    longest = int(stretches.kept.max(initial=0))

    def entries(paths: slice) -> _Entries:
        laid = LaidOutTouches(touched, stretches.take(paths))
        return _Entries.of(laid, paths.start, longest)

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(entries, chunks(stretches.kept)))
    row, channel, touches, kind, place = (
        np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(_Entries)
    )
    kinds = len(touched.channels) * (longest + 1) ** 3 if touched.order_only else None
    index, first = distinct(kind, kinds)
    path = row[np.searchsorted(starts(touches), first, side="right") - 1]
    weights = _weighed(touched, stretches, models, path, kind[first] % (longest + 1) - 1)
    return PathChannels(row, channel, touches, KindWeights(weights, index, touches)), place


def _weighed(
    touched: Touched,
    stretches: Stretches,
    models: Sequence[Model],
    path: NDArray[np.integer],
    position: NDArray[np.integer],
) -> dict[str, NDArray[np.float64]]:
    """Return the models' weights of single touches, by their path and position on it, from 0."""
    columns = weight_columns(models)
    expressions = list(dict.fromkeys(columns.values()))
    paths, place = np.unique(path, return_inverse=True)
    laid = LaidOutTouches(touched, stretches.take(paths))
    rows = starts(laid.kept)[place] + position
    by_expression = dict(zip(expressions, weigh(laid, expressions, models, rows), strict=True))
    return {name: by_expression[expression] for name, expression in columns.items()}


@dataclass(frozen=True)
class _Entries:
    """Channels on some paths, an entry for each path and channel.

    Attributes
    ----------
    row, channel, touches : (m,) integers
        As in `PathChannels`.
    kind : (t,) integers
        The kind of each touch, entry after entry.
    place : (t,) integers
        For each touch, path after path, the place of its channel among the path's.
    """

    row: NDArray[np.intp]
    channel: NDArray[np.int32]
    touches: NDArray[np.int32]
    kind: NDArray[np.integer]
    place: NDArray[np.int16]

    @classmethod
    def of(cls, laid: LaidOutTouches, number: int, longest: int) -> _Entries:
        """Lay out by channel; the paths are numbered from `number` on."""
        channels = len(laid.touched.channels)
        key: NDArray[np.intp] = laid.path * channels + laid.channel
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        is_first = np.diff(ordered, prepend=-1) != 0
        first = np.flatnonzero(is_first)
        entry = np.empty(len(key), dtype=np.intp)
        entry[order] = np.cumsum(is_first) - 1
        row, channel = np.divmod(ordered[first], channels)
        place = entry - np.searchsorted(row, np.arange(len(laid.kept)))[laid.path]
        touches = np.diff(first, append=len(key))
        return cls(
            number + row,
            channel.astype(np.int32),
            touches.astype(np.int32),
            laid.kind(number, longest)[order],
            place.astype(np.int16),
        )


class OwnPaths:
    """The path of every landmark, weighed by what looks at more than the order of channels.

    What models do not ask for is not worked out: of the many weights of a fitted model one is
    forecast with.

    Parameters
    ----------
    touched, stretches
        The paths.
    number : (n,) integers
        Which of the distinct paths each is.
    described
        The distinct paths.
    models
        Whose weights may be asked for.
    """

    def __init__(
        self,
        touched: Touched,
        stretches: Stretches,
        number: NDArray[np.integer],
        described: Described,
        models: Sequence[Model],
    ) -> None:
        self._touched, self._stretches, self._number = touched, stretches, number
        self._described, self._models = described, models
        self._columns = weight_columns(models)
        self._known: dict[str, NDArray[np.float32]] = {}

    def __contains__(self, column: str) -> bool:
        """Tell whether there is such a column of weights."""
        return column in self._columns

    def take(self, rows: NDArray[np.integer] | slice) -> OwnPaths:
        """Return some of the paths, in the given order."""
        stretches, number = self._stretches.take(rows), self._number[rows]
        return OwnPaths(self._touched, stretches, number, self._described, self._models)

    def met(self, columns: Iterable[str]) -> PathChannels:
        """Return the channels on the paths, with some columns of weights.

        Raises
        ------
        InputError
            When a weight is negative or endless, or cannot be computed.
        """
        expressions = {name: self._columns[name] for name in columns}
        missing = [own for own in dict.fromkeys(expressions.values()) if own not in self._known]
        if missing:
            self._known.update(zip(missing, self._weighed(missing), strict=True))
        weights = {name: self._known[expression] for name, expression in expressions.items()}
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
            When a weight is negative or endless, or cannot be computed.
        """
        order, stretches = self._as_they_lie
        weights, products = np.empty(len(order)), np.empty(len(order))
        for paths in chunks(stretches.kept):
            laid = LaidOutTouches(self._touched, stretches.take(paths))
            [weight] = weigh(laid, [self._columns[column]], self._models)
            weights[order[paths]] = laid.summed(weight)
            products[order[paths]] = laid.summed(weight * values[laid.channel])
        return weights, products

    @cached_property
    def _as_they_lie(self) -> tuple[NDArray[np.intp], Stretches]:
        """The numbers of the paths, and the paths, as their touches lie in memory."""
        order = np.argsort(self._stretches.first)
        return order, self._stretches.take(order)

    @cached_property
    def _entries(self) -> PathChannels:
        met = replace(self._described.paths.met, weights={})
        return met.take(self._number, len(self._described.paths))

    def _weighed(self, expressions: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return the sums of weights by path and channel."""
        begin = starts(self._described.paths.length)
        first = self._entries.starts(len(self._number))
        parts = []
        for paths in chunks(self._stretches.kept):
            laid = LaidOutTouches(self._touched, self._stretches.take(paths))
            place = self._described.place[runs(begin[self._number[paths]], laid.kept)]
            entry = (first[paths] - first[paths.start])[laid.path] + place
            size = int(first[paths.stop] - first[paths.start])
            weights = weigh(laid, expressions, self._models)
            parts.append([counted(entry, own, size).astype(np.float32) for own in weights])
        return [np.concatenate(own) for own in zip(*parts, strict=True)]
