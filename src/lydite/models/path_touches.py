"""Touches on paths, laid out as columns: told apart by their order, and weighed by expressions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from lydite.contract.path_rows import runs, starts
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.models.base import weight_columns
from lydite.models.landmarks import HISTORY, DistinctPaths, PathChannels, distinct
from lydite.models.rules import weights_explained

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import DTypeLike, NDArray

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


def describe_paths(
    touched: Touched, stretches: Stretches, models: Sequence[Model]
) -> DistinctPaths:
    """Return paths with the models' weights, which look at nothing but the order of channels."""
    history = np.full((len(stretches), HISTORY), -1, dtype=np.int16)
    for back in range(HISTORY):
        known = np.flatnonzero(stretches.kept > back)
        own = stretches.take(known)
        history[known, back] = touched.channel[own.touch(own.kept - 1 - back)]
    order = Touched(touched.channels, touched.channel)
    return DistinctPaths(history, stretches.kept, channels_met(order, stretches, models))


def channels_met(
    touched: Touched,
    stretches: Stretches,
    models: Sequence[Model],
    precision: DTypeLike = np.float64,
) -> PathChannels:
    """Return the channels on paths, with the sums of the models' weights, all in one pass.

    Parameters
    ----------
    touched, stretches
        The paths.
    models
        Their weights are summed up by path and channel.
    precision
        The type of the weights.

    Raises
    ------
    InputError
        When a weight is negative or endless, or cannot be computed.
    """
    columns, parts = weight_columns(models), []
    with DuckDBEngine() as engine:
        for paths in _chunks(stretches.kept):
            laid = _LaidOut.of(touched, stretches.take(paths))
            weights = _weigh(engine, touched, laid, models)
            parts.append(_summed(laid, paths.start, weights, len(touched.channels), precision))
    row, channel, touches, *sums = map(np.concatenate, zip(*parts, strict=True))
    return PathChannels(row, channel, touches, dict(zip(columns, sums, strict=True)))


def _chunks(size: NDArray[np.integer]) -> Iterator[slice]:
    """Cut paths into runs of about `_MAX_TOUCHES` touches; at least one, maybe empty."""
    chunk = starts(size) // _MAX_TOUCHES
    edges = np.flatnonzero(np.diff(chunk)) + 1
    for low, high in zip([0, *edges], [*edges, len(size)], strict=True):
        yield slice(int(low), int(high))


@dataclass(frozen=True)
class _LaidOut:
    """Touches that count on paths, path after path, as columns of length m.

    Attributes
    ----------
    path, channel : integers
        The number of the path, from 0, and of the channel.
    touch : integers
        The number of the touch itself.
    columns
        By name what expressions may use of the order of channels, as integers.
    kept : (p,) integers
        How many touches each path has.
    """

    path: NDArray[np.intp]
    channel: NDArray[np.integer]
    touch: NDArray[np.intp]
    columns: dict[str, NDArray[np.integer]]
    kept: NDArray[np.intp]

    @classmethod
    def of(cls, touched: Touched, stretches: Stretches) -> _LaidOut:
        """Lay out paths."""
        kept = stretches.kept.astype(np.intp)
        begin = starts(kept)
        touch = runs(stretches.first + stretches.length - kept, kept)
        touch[begin] = stretches.first
        position = runs(np.ones_like(kept), kept)
        channel = touched.channel[touch]
        is_direct = np.array([name.lower() in _DIRECT for name in touched.channels])
        known = np.where(is_direct[channel], 0, position)
        last = np.maximum.reduceat(known, begin) if len(kept) else known
        return cls(
            np.repeat(np.arange(len(kept)), kept),
            channel,
            touch,
            {
                "position": position,
                "path_length": np.repeat(kept, kept),
                "last_non_direct": np.repeat(last, kept),
            },
            kept,
        )

    def hours(self, at_us: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """Return how long before the end and after the start of its path each touch was."""
        at, begin = at_us[self.touch], starts(self.kept)
        return {
            "hours_before_end": (np.repeat(at[begin + self.kept - 1], self.kept) - at)
            / _US_PER_HOUR,
            "hours_after_start": (at - np.repeat(at[begin], self.kept)) / _US_PER_HOUR,
        }


def _weigh(
    engine: DuckDBEngine, touched: Touched, laid: _LaidOut, models: Sequence[Model]
) -> list[NDArray[np.float64]]:
    """Return the weight of each touch in every column that the models look at."""
    columns = list(weight_columns(models).values())
    if not columns:
        return []
    once = list(dict.fromkeys(columns))
    weights = ", ".join(
        f"coalesce(cast(({expression}) as double), 0) as weight_{i}"
        for i, expression in enumerate(once)
    )

    def weighed(rows: NDArray[np.intp] | slice) -> list[NDArray[np.float64]]:
        with engine.registered(_table(touched, laid, rows)) as name:
            touches = _TOUCHES.format(name)
            try:
                with weights_explained(engine, models, touches, "path"):
                    return list(engine.arrays(f"select {weights} from {touches}").values())
            except engine.binder_error as error:
                raise InputError(
                    f"a model's weights do not fit the touches of a path: {error}"
                ) from error

    everything = slice(None)
    if touched.order_only:
        alike, rows = _alike(laid)
        try:
            found = [weight[alike] for weight in weighed(rows)]
        except InputError:
            found = weighed(everything)  # which fails as well, and can show the whole path
    else:
        found = weighed(everything)
    by_expression = dict(zip(once, found, strict=True))
    return [by_expression[expression] for expression in columns]


def _alike(laid: _LaidOut) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Tell touches apart by all that the order of channels says of them.

    Returns
    -------
    The (m,) number of each touch among the distinct ones, and where each of those stands first.
    """
    key = laid.channel.astype(np.int64)
    for column in laid.columns.values():
        key = key * (int(column.max(initial=0)) + 1) + column
    return distinct(key)


_TOUCHES = """(
    select
        * exclude (last_non_direct),
        path_length - position + 1 as position_from_end,
        nullif(last_non_direct, 0) as last_non_direct_position
    from {}
)"""


def _table(touched: Touched, laid: _LaidOut, rows: NDArray[np.intp] | slice) -> pa.Table:
    """Return the columns that expressions may use of some of the touches, and ``path``."""
    channel = laid.channel[rows].astype(np.int32)
    columns: dict[str, Any] = {name: column[rows] for name, column in laid.columns.items()}
    columns |= {
        "path": laid.path[rows],
        "channel": pa.DictionaryArray.from_arrays(channel, list(touched.channels)),
    }
    if touched.at_us is not None:
        columns |= {name: hours[rows] for name, hours in laid.hours(touched.at_us).items()}
    for name in ("campaign", "interaction"):
        text: pa.Array | None = getattr(touched, name)
        columns[name] = (
            pa.nulls(len(channel), pa.string()) if text is None else text.take(laid.touch[rows])
        )
    return pa.table(columns)


def _summed(
    laid: _LaidOut,
    number: int,
    weights: Sequence[NDArray[np.float64]],
    channels: int,
    precision: DTypeLike,
) -> list[NDArray[np.generic]]:
    """Sum up by path and channel: the path, from `number` on, channel, touches and weights."""
    key: NDArray[np.intp] = laid.path * channels + laid.channel
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    sums: dict[int, NDArray[np.generic]] = {}
    for weight in weights:  # columns of one expression share their sums
        if id(weight) not in sums:
            total = np.add.reduceat(weight[order], first) if len(first) else weight
            sums[id(weight)] = total.astype(precision)
    size = np.diff(first, append=len(key))
    summed = [sums[id(weight)] for weight in weights]
    return [number + key[first] // channels, key[first] % channels, size, *summed]
