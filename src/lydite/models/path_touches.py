"""Touches on paths, laid out as columns: told apart by their order, and weighed by expressions."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from lydite.contract.path_rows import runs, starts
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.models.base import PATH_COLUMNS, weight_columns
from lydite.models.expression import columns_of
from lydite.models.landmarks import HISTORY, DistinctPaths, PathChannels, distinct
from lydite.models.rules import weights_explained

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from lydite.models.base import Model

_DIRECT = frozenset({"direct", "(direct)", "(none)"})  # as in `sql/journeys/channels.sql`
_MAX_TOUCHES = 4_000_000  # weighed at once
_US_PER_HOUR = 3.6e9


@dataclass(frozen=True)
class Touched:
    """Touches in time order, journey after journey, as columns of length t.

    Attributes
    ----------
    channels
        Channel names.
    channel : (t,) integers
    at_us : (t,) integers
        Instants in microseconds; None where there is no clock.
    campaign, interaction : (t,) Arrow arrays of text
        None where they are not known, or not asked for.
    """

    channels: Sequence[str]
    channel: NDArray[np.integer]
    at_us: NDArray[np.int64] | None = None
    campaign: pa.Array | None = None
    interaction: pa.Array | None = None

    @property
    def order_only(self) -> bool:
        """Whether nothing is known of the touches but the order of their channels."""
        return self.at_us is None and self.campaign is None and self.interaction is None


@dataclass(frozen=True)
class Stretches:
    """Paths as stretches of touches, as columns of length p.

    Attributes
    ----------
    first, length : (p,) integers
        Where the path begins among the touches, and how many it has.
    kept : (p,) integers
        How many of them count: the first one, and the most recent.
    """

    first: NDArray[np.integer]
    length: NDArray[np.integer]
    kept: NDArray[np.integer]

    def __len__(self) -> int:
        """Return the number of paths."""
        return len(self.first)

    def take(self, rows: NDArray[np.integer] | slice) -> Stretches:
        """Return some of the paths, in the given order."""
        return Stretches(self.first[rows], self.length[rows], self.kept[rows])

    def touch(self, position: NDArray[np.integer] | int) -> NDArray[np.integer]:
        """Return the number of the touch at a position of each path, 0 for the first."""
        skipped = np.where(np.equal(position, 0), 0, self.length - self.kept)
        touch: NDArray[np.integer] = self.first + skipped + position
        return touch


def distinct_paths(
    touched: Touched, stretches: Stretches
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Tell paths apart by the order of their channels.

    Paths that begin alike are told apart touch by touch, so that the work is one look at each
    touch of each path.

    Returns
    -------
    path : (p,)
        The number of each path among the distinct ones, in order of appearance.
    first : (k,)
        Where each distinct path stands first.
    """
    size, node = len(touched.channels), np.zeros(len(stretches), dtype=np.int64)
    nodes, longer = 1, np.arange(len(stretches))
    for position in range(int(stretches.kept.max(initial=0))):
        longer = longer[stretches.kept[longer] > position]
        channel = touched.channel[stretches.take(longer).touch(position)]
        number, first = distinct(node[longer] * size + channel)
        node[longer] = nodes + number
        nodes += len(first)
    return distinct(node)


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


def describe_paths(touched: Touched, stretches: Stretches, models: Sequence[Model]) -> Described:
    """Return paths with the models' weights, which look at nothing but the order of channels."""
    history = np.full((len(stretches), HISTORY), -1, dtype=np.int16)
    for back in range(HISTORY):
        known = np.flatnonzero(stretches.kept > back)
        own = stretches.take(known)
        history[known, back] = touched.channel[own.touch(own.kept - 1 - back)]
    order = Touched(touched.channels, touched.channel)
    met, place = _channels_met(order, stretches, models)
    return Described(DistinctPaths(history, stretches.kept, met), place)


def channels_met(touched: Touched, stretches: Stretches, models: Sequence[Model]) -> PathChannels:
    """Return the channels on paths, with the sums of the models' weights, all in one pass.

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
    return _channels_met(touched, stretches, models)[0]


def _channels_met(
    touched: Touched, stretches: Stretches, models: Sequence[Model]
) -> tuple[PathChannels, NDArray[np.integer]]:
    """Return the channels on paths, and the place of each touch's channel among them."""
    columns, parts = weight_columns(models), []
    expressions = list(dict.fromkeys(columns.values()))
    for paths in _chunks(stretches.kept):
        laid = _LaidOut(touched, stretches.take(paths))
        parts.append(_summed(laid, paths.start, _weigh(laid, expressions, models)))
    row, channel, touches, place, *sums = map(np.concatenate, zip(*parts, strict=True))
    by_expression = dict(zip(expressions, sums, strict=True))
    weights = {name: by_expression[expression] for name, expression in columns.items()}
    return PathChannels(row, channel, touches, weights), place


def _summed(
    laid: _LaidOut, number: int, weights: Sequence[NDArray[np.float64]]
) -> list[NDArray[np.generic]]:
    """Sum up by path and channel: the path, from `number` on, channel, touches, place, weights."""
    channels = len(laid.touched.channels)
    key: NDArray[np.intp] = laid.path * channels + laid.channel
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    is_first = np.diff(ordered, prepend=-1) != 0
    first = np.flatnonzero(is_first)
    entry = np.empty(len(key), dtype=np.intp)
    entry[order] = np.cumsum(is_first) - 1
    row, channel = ordered[first] // channels, ordered[first] % channels
    place = entry - np.searchsorted(row, np.arange(len(laid.kept)))[laid.path]
    sums = [np.bincount(entry, weight, minlength=len(first)) for weight in weights]
    return [number + row, channel, np.diff(first, append=len(key)), place, *sums]


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

    def take(self, rows: NDArray[np.integer]) -> OwnPaths:
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

    @cached_property
    def _entries(self) -> PathChannels:
        met = replace(self._described.paths.met, weights={})
        return met.take(self._number, len(self._described.paths))

    def _weighed(self, expressions: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return the sums of weights by path and channel."""
        begin = starts(self._described.paths.length)
        first = self._entries.starts(len(self._number))
        parts = []
        for paths in _chunks(self._stretches.kept):
            laid = _LaidOut(self._touched, self._stretches.take(paths))
            place = self._described.place[runs(begin[self._number[paths]], laid.kept)]
            entry = np.repeat(first[paths] - first[paths.start], laid.kept) + place
            size = int(first[paths.stop] - first[paths.start])
            weights = _weigh(laid, expressions, self._models)
            parts.append(
                [np.bincount(entry, own, minlength=size).astype(np.float32) for own in weights]
            )
        return [np.concatenate(own) for own in zip(*parts, strict=True)]


def _chunks(size: NDArray[np.integer]) -> Iterator[slice]:
    """Cut paths into runs of about `_MAX_TOUCHES` touches; at least one, maybe empty."""
    chunk = starts(size) // _MAX_TOUCHES
    edges = np.flatnonzero(np.diff(chunk)) + 1
    for low, high in zip([0, *edges], [*edges, len(size)], strict=True):
        yield slice(int(low), int(high))


class _LaidOut:
    """Touches that count on paths, path after path, as columns of length m.

    Attributes
    ----------
    touch : (m,) integers
        The number of the touch itself.
    kept : (p,) integers
        How many touches each path has.
    """

    def __init__(self, touched: Touched, stretches: Stretches) -> None:
        self.touched = touched
        self.kept = stretches.kept.astype(np.intp)
        self._begin = starts(self.kept)
        self.touch = runs(stretches.first + stretches.length - self.kept, self.kept)
        self.touch[self._begin] = stretches.first

    @cached_property
    def path(self) -> NDArray[np.intp]:
        """The number of the path, from 0."""
        return np.repeat(np.arange(len(self.kept)), self.kept)

    @cached_property
    def channel(self) -> NDArray[np.integer]:
        """The number of the channel."""
        return self.touched.channel[self.touch]

    @cached_property
    def order(self) -> dict[str, NDArray[np.integer]]:
        """What the order of channels says of each touch; 0 stands for none."""
        position = runs(np.ones_like(self.kept), self.kept)
        is_direct = np.array([name.lower() in _DIRECT for name in self.touched.channels])
        known = np.where(is_direct[self.channel], 0, position)
        last = np.maximum.reduceat(known, self._begin) if len(self.kept) else known
        path_length = np.repeat(self.kept, self.kept)
        return {
            "position": position,
            "path_length": path_length,
            "position_from_end": path_length - position + 1,
            "last_non_direct_position": np.repeat(last, self.kept),
        }

    def hours(self, used: Container[str]) -> Iterator[tuple[str, NDArray[np.float64]]]:
        """Yield how long before the end and after the start of its path each touch was."""
        if self.touched.at_us is None:
            return
        at, begin = self.touched.at_us[self.touch], self._begin
        if "hours_before_end" in used:
            end = np.repeat(at[begin + self.kept - 1], self.kept)
            yield "hours_before_end", (end - at) / _US_PER_HOUR
        if "hours_after_start" in used:
            yield "hours_after_start", (at - np.repeat(at[begin], self.kept)) / _US_PER_HOUR

    def alike(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Tell touches apart by all that the order of channels says of them.

        Returns
        -------
        The (m,) number of each touch among the distinct ones, and where those stand first.
        """
        key = self.channel.astype(np.int64)
        for name in ("position", "path_length", "last_non_direct_position"):
            column = self.order[name]
            key = key * (int(column.max(initial=0)) + 1) + column
        return distinct(key)

    def table(self, rows: NDArray[np.intp] | slice, used: Container[str]) -> pa.Table:
        """Return the columns of `PATH_COLUMNS` that are used, and ``path``, for some touches."""
        columns: dict[str, Any] = {"path": self.path[rows]}
        for name, values in (*self._numbers(used), *self._texts(rows, used)):
            columns[name] = values if isinstance(values, pa.Array) else values[rows]
        last = columns.get("last_non_direct_position")
        if last is not None:
            columns["last_non_direct_position"] = pa.array(last, mask=last == 0)
        return pa.table(columns)

    def _numbers(self, used: Container[str]) -> Iterator[tuple[str, NDArray[Any]]]:
        if any(name in used for name in _ORDER):
            yield from ((name, values) for name, values in self.order.items() if name in used)
        if any(name in used for name in _HOURS):
            yield from self.hours(used)

    def _texts(
        self, rows: NDArray[np.intp] | slice, used: Container[str]
    ) -> Iterator[tuple[str, pa.Array]]:
        if "channel" in used:
            channel = self.channel[rows].astype(np.int32)
            names = list(self.touched.channels)
            yield "channel", pa.DictionaryArray.from_arrays(channel, names)
        for name in ("campaign", "interaction"):
            if name in used:
                text: pa.Array | None = getattr(self.touched, name)
                touch = self.touch[rows]
                nothing = pa.nulls(len(touch), pa.string())
                yield name, nothing if text is None else text.take(touch)


_ORDER = ("position", "path_length", "position_from_end", "last_non_direct_position")
_HOURS = ("hours_before_end", "hours_after_start")


def _weigh(
    laid: _LaidOut, expressions: Sequence[str], models: Sequence[Model]
) -> list[NDArray[np.float64]]:
    """Return the weight of each touch by every expression; `models` are whose they are."""
    if not expressions:
        return []
    everything: slice | NDArray[np.intp] = slice(None)
    alike, rows = laid.alike() if laid.touched.order_only else (everything, everything)
    engine = _engine()
    weights = ", ".join(
        f"coalesce(cast(({expression}) as double), 0) as weight_{i}"
        for i, expression in enumerate(expressions)
    )
    used = frozenset().union(*map(columns_of, expressions))
    try:
        with engine.registered(laid.table(rows, used)) as name:
            found = engine.arrays(f"select {weights} from {name}")
    except engine.error as error:
        _explain(engine, laid, models, weights)
        raise InputError(f"a model's weights do not fit the touches of a path: {error}") from error
    return [own[alike] for own in found.values()]


def _explain(engine: DuckDBEngine, laid: _LaidOut, models: Sequence[Model], weights: str) -> None:
    """Weigh whole paths, with all that there is to show of them, for an error that says more."""
    with (
        engine.registered(laid.table(slice(None), PATH_COLUMNS)) as name,
        contextlib.suppress(engine.binder_error),
        weights_explained(engine, models, name, "path"),
    ):
        engine.arrays(f"select {weights} from {name}")


_engines = threading.local()


def _engine() -> DuckDBEngine:
    """Return the calling thread's own engine, which is kept: to open one takes longer than to ask.

    Threads share models, not cores: each engine has one.
    """
    if not hasattr(_engines, "own"):
        _engines.own = DuckDBEngine(threads=1)
    own: DuckDBEngine = _engines.own
    return own
