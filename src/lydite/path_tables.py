"""Path tables as models see them: each prefix of a path a landmark, each converted path a path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from lydite.contract.path_rows import runs, starts
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.journeys import LONGEST_PATH
from lydite.models.base import weight_columns
from lydite.models.landmarks import Landmarks, PathChannels, Paths, lay_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import DTypeLike, NDArray

    from lydite.contract.path_table import PathTable
    from lydite.models import Model

_DIRECT = frozenset({"direct", "(direct)", "(none)"})  # as in `sql/journeys/channels.sql`
_MAX_TOUCHES = 4_000_000  # weighed at once
_MAX_ROWS = 50_000  # whose journeys are drawn at once


def landmarks_of(
    table: PathTable, models: Sequence[Model], unit: NDArray[np.integer] | None = None
) -> Landmarks:
    """Return every touch of every journey as a landmark.

    A touch stands for the journeys of its path that ended with a conversion, and again for those
    that ended without; where there are none, it is left out. There is no clock: all happened at
    once, and the hours are unknown.

    Parameters
    ----------
    table
        n paths.
    models
        The landmarks hold the weights that these look at.
    unit : (2n,) integers
        The unit of the converting journeys of each path, then of those that end without a
        conversion; it is the landmarks' bucket. By default each has its own: 0 to 2n - 1.

    Raises
    ------
    InputError
        When a model looks at times.
    """
    n = len(table)
    return _landmarks(
        table,
        models,
        row=np.tile(np.arange(n), 2),
        unit=np.arange(2 * n) if unit is None else np.asarray(unit),
        conversions=np.concatenate([table.conversions, np.zeros(n, dtype=np.int64)]),
        nulls=np.concatenate([np.zeros(n, dtype=np.int64), table.nulls]),
    )


def journey_landmarks(
    table: PathTable, models: Sequence[Model], buckets: int = 32, seed: int = 0
) -> Landmarks:
    """Return every touch as a landmark, with each journey in a bucket drawn at random.

    All touches of a journey share its bucket, so that buckets are independent of each other. They
    depend on the seed alone, not on the order of the source's rows.

    Parameters
    ----------
    table, models
        As in `landmarks_of`.
    buckets
        How many buckets there are, all alike.
    seed
        Seeds the draws.

    Raises
    ------
    InputError
        When a model looks at times.
    """
    row, bucket, conversions, nulls = _drawn(table, buckets, np.random.default_rng(seed))
    return _landmarks(table, models, row, bucket, conversions, nulls)


def paths_of(table: PathTable, models: Sequence[Model]) -> Paths:
    """Return the paths that end in conversions; the unit of each is its number in the table.

    All touches count, also those of paths of more than 50.

    Parameters
    ----------
    table, models
        As in `landmarks_of`.

    Raises
    ------
    InputError
        When a model looks at times.
    """
    _refuse_clocks(models)
    row = np.flatnonzero(table.conversions)
    first, length = table.start[row], table.length[row]
    return Paths(
        table.channels,
        row,
        table.conversions[row].astype(float),
        table.value[row],
        _path_channels(table, models, first, length, length, np.float64),
    )


# --- journeys -----------------------------------------------------------------------------------


def _drawn(
    table: PathTable, buckets: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64], NDArray[np.int64]]:
    """Draw a bucket for each journey.

    Returns
    -------
    row, bucket, conversions, nulls : (k,)
        How many journeys of each path fell to each bucket, where any did.
    """
    parts = []
    for low in range(0, len(table), _MAX_ROWS):
        rows = slice(low, low + _MAX_ROWS)
        alike = np.full(buckets, 1 / buckets)
        hits = rng.multinomial(table.conversions[rows], alike)
        misses = rng.multinomial(table.nulls[rows], alike)
        row, bucket = np.nonzero(hits + misses)
        parts.append((low + row, bucket, hits[row, bucket], misses[row, bucket]))
    row, bucket, conversions, nulls = map(np.concatenate, zip(*parts, strict=True))
    return row, bucket, conversions, nulls


def _landmarks(
    table: PathTable,
    models: Sequence[Model],
    row: NDArray[np.intp],
    unit: NDArray[np.integer],
    conversions: NDArray[np.int64],
    nulls: NDArray[np.int64],
) -> Landmarks:
    """Return the touches of groups of journeys as landmarks.

    Parameters
    ----------
    row, unit, conversions, nulls : (k,) arrays
        The path and the unit of each group, and how many journeys in it end in which way.
    """
    _refuse_clocks(models)
    length = table.length[row]
    touch = runs(table.start[row], length)
    laid = lay_out(table.channel[touch], length, conversions, nulls)
    met = laid.count > 0
    group, position = laid.row[met], laid.position[met]
    size = len(group)
    return Landmarks(
        channels=table.channels,
        happened_at=np.zeros(size, dtype="datetime64[us]"),
        bucket=unit[group],
        converted=laid.converted[met],
        history=laid.history[met],
        next_channel=laid.next_channel[met],
        path_length=np.minimum(position + 1, LONGEST_PATH),
        hours_since_previous=np.full(size, np.nan),
        hours_since_first=np.zeros(size),
        hours_to_next=np.full(size, np.nan),
        count=laid.count[met],
        path=_copied(_prefixes(table, models), table.start[row][group] + position),
    )


def _refuse_clocks(models: Sequence[Model]) -> None:
    names = ", ".join(repr(model.name) for model in models if model.needs_clock)
    if names:
        raise InputError(
            f"a path table does not say when touches happened, which {names} must know."
            " Give touchpoints and conversions, or leave out what needs a clock."
        )


# --- channels on paths --------------------------------------------------------------------------


def _prefixes(table: PathTable, models: Sequence[Model]) -> PathChannels:
    """Return the channels on the path that ends at each touch of the table.

    As at every landmark, of more than 50 touches the first and the 49 most recent count: that keeps
    the work on a path linear in its length.
    """
    first = np.repeat(table.start, table.length)
    length = np.arange(len(table.channel)) - first + 1
    kept = np.minimum(length, LONGEST_PATH)
    return _path_channels(table, models, first, length, kept, np.float32)


def _copied(path: PathChannels, source: NDArray[np.intp]) -> PathChannels:
    """Return the channels on copies of paths, of which each names its source."""
    edges = np.searchsorted(path.row, np.arange(source.max(initial=-1) + 2))
    size = edges[source + 1] - edges[source]
    entry = runs(edges[source], size)
    return PathChannels(
        np.repeat(np.arange(len(source)), size),
        path.channel[entry],
        path.touches[entry],
        {name: weights[entry] for name, weights in path.weights.items()},
    )


def _path_channels(
    table: PathTable,
    models: Sequence[Model],
    first: NDArray[np.intp],
    length: NDArray[np.intp],
    kept: NDArray[np.intp],
    precision: DTypeLike,
) -> PathChannels:
    """Return the channels on paths, with the sums of the models' weights, all in one pass.

    Parameters
    ----------
    table, models
        As in `landmarks_of`.
    first, length : (p,) integers
        Where each path begins among the touches of the table, and how many it has.
    kept : (p,) integers
        How many of them count: the first one, and the most recent.
    precision
        The type of the weights.
    """
    columns = weight_columns(models)
    parts = []
    with DuckDBEngine() as engine:
        for paths in _chunks(kept):
            touches = _Touches(table, first[paths], length[paths], kept[paths])
            weights = _weigh(engine, table, touches, list(columns.values()))
            parts.append(_summed(touches, paths.start, weights, len(table.channels), precision))
    row, channel, touches_of, *sums = map(np.concatenate, zip(*parts, strict=True))
    return PathChannels(row, channel, touches_of, dict(zip(columns, sums, strict=True)))


def _chunks(size: NDArray[np.intp]) -> Iterator[slice]:
    """Cut paths into runs of about `_MAX_TOUCHES` touches; at least one, maybe empty."""
    chunk = starts(size) // _MAX_TOUCHES
    edges = np.flatnonzero(np.diff(chunk)) + 1
    for low, high in zip([0, *edges], [*edges, len(size)], strict=True):
        yield slice(int(low), int(high))


class _Touches:
    """Touches that count on paths, path after path, as columns of length m.

    Attributes
    ----------
    path : (m,) integers
        The number of the path, from 0.
    position : (m,) integers
        1 for the path's first touch.
    path_length : (m,) integers
        How many touches count on the path.
    channel : (m,) integers
    last_non_direct : (m,) integers
        Position of the path's last touch that is not direct, 0 where all are.
    """

    def __init__(
        self,
        table: PathTable,
        first: NDArray[np.intp],
        length: NDArray[np.intp],
        kept: NDArray[np.intp],
    ) -> None:
        self.path = np.repeat(np.arange(len(kept)), kept)
        self.path_length = kept[self.path]
        self.position = np.arange(1, len(self.path) + 1) - starts(kept)[self.path]
        skipped = np.where(self.position == 1, 0, (length - kept)[self.path])
        self.channel = table.channel[first[self.path] + skipped + self.position - 1]
        is_direct = np.array([name.lower() in _DIRECT for name in table.channels])
        known = np.where(is_direct[self.channel], 0, self.position)
        last = np.maximum.reduceat(known, starts(kept)) if len(kept) else known
        self.last_non_direct = last[self.path]


def _weigh(
    engine: DuckDBEngine, table: PathTable, touches: _Touches, expressions: Sequence[str]
) -> list[NDArray[np.float64]]:
    """Return the weight of each touch by every expression over `PATH_COLUMNS` without a clock."""
    if not expressions:
        return []
    channel = pa.DictionaryArray.from_arrays(touches.channel.astype(np.int32), table.channels)
    frame = pa.table(
        {
            "position": touches.position,
            "path_length": touches.path_length,
            "last_non_direct": touches.last_non_direct,
            "channel": channel,
        }
    )
    weights = ", ".join(
        f"coalesce(cast(({expression}) as double), 0) as weight_{i}"
        for i, expression in enumerate(expressions)
    )
    with engine.registered(frame) as name:
        try:
            columns = engine.arrays(f"""
                select {weights}
                from (
                    select
                        position,
                        path_length,
                        path_length - position + 1 as position_from_end,
                        nullif(last_non_direct, 0) as last_non_direct_position,
                        channel,
                        cast(null as varchar) as campaign,
                        cast(null as varchar) as interaction
                    from {name}
                )
            """)
        except engine.error as error:
            raise InputError(_why_not_weighed(table, touches, str(error))) from error
    return list(columns.values())


_BAD_TOUCH = re.compile(r"(the rule '.*) to touch (\d+) of (\d+) on a path, of channel (.*)")


def _why_not_weighed(table: PathTable, touches: _Touches, error: str) -> str:
    """Say what is wrong with a weight, and on which path."""
    found = _BAD_TOUCH.search(error)
    if found is None:
        return f"a model's weights do not fit the touches of a path: {error}"
    position, length = int(found[2]), int(found[3])
    at = (touches.position == position) & (touches.path_length == length)
    at &= np.array(table.channels, dtype=object)[touches.channel] == found[4]
    path = touches.channel[touches.path == touches.path[np.argmax(at)]]
    return (
        f"{found[1]} to touch {position} of the path"
        f" {' > '.join(table.channels[c] for c in path)}: weights are numbers of 0 or more."
        " Mend the expression, such as with greatest(0, ...)."
    )


def _summed(
    touches: _Touches,
    number: int,
    weights: Sequence[NDArray[np.float64]],
    channels: int,
    precision: DTypeLike,
) -> list[NDArray[np.generic]]:
    """Sum up by path and channel: the path, from `number` on, channel, touches and weights."""
    key = touches.path * channels + touches.channel
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    sums = [
        (np.add.reduceat(weight[order], first) if len(first) else weight).astype(precision)
        for weight in weights
    ]
    size = np.diff(first, append=len(key))
    return [number + key[first] // channels, key[first] % channels, size, *sums]
