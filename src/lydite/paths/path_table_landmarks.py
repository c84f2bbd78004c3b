"""Landmarks and paths of a path table: each prefix of a path is a landmark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lydite.errors import InputError
from lydite.inputs.slices import slice_positions
from lydite.journeys import LONGEST_PATH
from lydite.paths.columns import columns_used
from lydite.paths.landmarks import HISTORY, DistinctPaths, Landmarks, PathChannels, Paths
from lydite.paths.path_slices import PathSlices, TouchArrays
from lydite.paths.prefixes import PathPrefixes
from lydite.paths.rule_weights import channels_on, describe_paths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lydite.inputs.path_table import PathTable
    from lydite.paths.columns import WeightColumns

_MAX_ROWS = 50_000  # of the table, per call of the random generator
_MAX_CELLS = 100_000_000  # of the full table of prefixes and channels: 100 MB


def landmarks_of(
    table: PathTable, weights: WeightColumns, unit: NDArray[np.integer] | None = None
) -> Landmarks:
    """Return every touch of every journey as a landmark.

    A touch has one row for the journeys of its path that ended with a conversion, and one for those
    that ended without; a row without journeys is left out. A path table has no clock: all landmarks
    have the same time, and hours are unknown.

    Parameters
    ----------
    table
        n paths.
    weights
        The weights of touches that the landmarks hold.
    unit : (2n,) integers
        The unit of the converting journeys of each path, then of those that end without a
        conversion; it is the landmarks' bucket. By default all differ: 0 to 2n - 1.

    Raises
    ------
    InputError
        When a weight depends on times.
    """
    n = len(table)
    nothing = np.zeros(n, dtype=np.int64)
    return _landmarks(
        table,
        weights,
        row=np.tile(np.arange(n), 2),
        unit=np.arange(2 * n) if unit is None else np.asarray(unit),
        conversions=np.concatenate([table.conversions, nothing]),
        nulls=np.concatenate([nothing, table.nulls]),
    )


def summed_landmarks(table: PathTable, weights: WeightColumns) -> Landmarks:
    """Return every touch of every journey as a landmark, in one unit.

    Landmarks with the same path and outcome are summed. They are far fewer, since paths have common
    prefixes.

    Parameters
    ----------
    table, weights
        As in `landmarks_of`.

    Raises
    ------
    InputError
        When a weight depends on times.
    """
    _refuse_clocks(weights)
    prefixes = PathPrefixes.of(table)
    ends = prefixes.of_touch[table.start + table.length - 1]
    going = prefixes.summed(ends, table.conversions + table.nulls)
    on = np.flatnonzero(prefixes.parent >= 0)
    hits, misses = np.flatnonzero(table.conversions), np.flatnonzero(table.nulls)
    parts = (
        (prefixes.parent[on], going[on], table.channel[prefixes.touch[on]]),
        (ends[misses], table.nulls[misses], np.full(len(misses), -1)),
        (ends[hits], table.conversions[hits], np.full(len(hits), -1)),
    )
    path, count, next_channel = map(np.concatenate, zip(*parts, strict=True))
    return _without_clock(
        table.channels,
        bucket=np.zeros(len(path), dtype=np.intp),
        converted=np.arange(len(path)) >= len(path) - len(hits),
        next_channel=next_channel,
        count=count.astype(float),
        path=path,
        paths=_described(table, prefixes, weights),
    )


def journey_landmarks(
    table: PathTable, weights: WeightColumns, buckets: int = 32, seed: int = 0
) -> Landmarks:
    """Return every touch as a landmark, with each journey in a bucket drawn at random.

    All touches of a journey share its bucket, so that buckets are independent of each other. They
    depend on the seed alone, not on the order of the source's rows.

    Parameters
    ----------
    table, weights
        As in `landmarks_of`.
    buckets
        The number of buckets, of equal probability.
    seed
        Seeds the draws.

    Raises
    ------
    InputError
        When a weight depends on times.
    """
    row, bucket, conversions, nulls = _drawn(table, buckets, np.random.default_rng(seed))
    return _landmarks(table, weights, row, bucket, conversions, nulls)


def paths_of(table: PathTable, weights: WeightColumns) -> Paths:
    """Return the paths that end in conversions; the unit of each is its number in the table.

    All touches count, also those of paths of more than 50.

    Parameters
    ----------
    table, weights
        As in `landmarks_of`.

    Raises
    ------
    InputError
        When a weight depends on times.
    """
    _refuse_clocks(weights)
    row = np.flatnonzero(table.conversions)
    length = table.length[row]
    return Paths(
        table.channels,
        row,
        table.conversions[row].astype(float),
        table.value[row],
        channels_on(PathSlices(_touches(table), table.start[row], length, length), weights),
    )


# --- journeys -----------------------------------------------------------------------------------


def _drawn(
    table: PathTable, buckets: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64], NDArray[np.int64]]:
    """Draw a bucket for each journey.

    Returns
    -------
    row, bucket, conversions, nulls : (k,) arrays
        The numbers of journeys by path and bucket, where there are any.
    """
    parts = []
    for low in range(0, len(table), _MAX_ROWS):
        rows = slice(low, low + _MAX_ROWS)
        equal = np.full(buckets, 1 / buckets)
        hits = rng.multinomial(table.conversions[rows], equal)
        misses = rng.multinomial(table.nulls[rows], equal)
        row, bucket = np.nonzero(hits + misses)
        parts.append((low + row, bucket, hits[row, bucket], misses[row, bucket]))
    row, bucket, conversions, nulls = map(np.concatenate, zip(*parts, strict=True))
    return row, bucket, conversions, nulls


def _landmarks(
    table: PathTable,
    weights: WeightColumns,
    row: NDArray[np.intp],
    unit: NDArray[np.integer],
    conversions: NDArray[np.int64],
    nulls: NDArray[np.int64],
) -> Landmarks:
    """Return the touches of groups of journeys as landmarks.

    Parameters
    ----------
    row, unit, conversions, nulls : (k,) arrays
        The path and the unit of each group, and its journeys with and without a conversion.
    """
    _refuse_clocks(weights)
    some = np.flatnonzero(conversions + nulls)
    row, unit, conversions, nulls = row[some], unit[some], conversions[some], nulls[some]
    prefixes, length = PathPrefixes.of(table), table.length[row]
    touch, group = slice_positions(table.start[row], length), np.repeat(np.arange(len(row)), length)
    last = np.cumsum(length) - 1
    next_channel = np.roll(table.channel[touch], -1)
    next_channel[last] = -1
    count = (conversions + nulls)[group].astype(float)
    count[last] = nulls
    # The last touch has a row for journeys that end there, and one for those that convert there.
    twice = np.concatenate([np.flatnonzero(count), last[conversions > 0]])
    converted = np.arange(len(twice)) >= len(twice) - np.count_nonzero(conversions)
    return _without_clock(
        table.channels,
        bucket=unit[group[twice]],
        converted=converted,
        next_channel=next_channel[twice],
        count=np.where(converted, conversions[group[twice]], count[twice]),
        path=prefixes.of_touch[touch[twice]],
        paths=_described(table, prefixes, weights),
    )


def _without_clock(channels: Sequence[str], **columns: Any) -> Landmarks:  # noqa: ANN401
    """Return landmarks without times."""
    size = len(columns["path"])
    return Landmarks(
        channels=tuple(channels),
        # The same for all: views of one number.
        happened_at=np.broadcast_to(np.zeros(1, dtype="datetime64[us]"), size),
        hours_since_previous=np.broadcast_to(np.nan, size),
        hours_since_first=np.broadcast_to(0.0, size),
        hours_to_next=np.broadcast_to(np.nan, size),
        **columns,
    )


def _described(table: PathTable, prefixes: PathPrefixes, weights: WeightColumns) -> DistinctPaths:
    """Return the prefixes as distinct paths."""
    kept = np.minimum(prefixes.length, LONGEST_PATH)
    if weights or len(prefixes) * len(table.channels) > _MAX_CELLS:
        first = prefixes.touch - prefixes.length + 1
        return describe_paths(
            PathSlices(_touches(table), first, prefixes.length, kept), weights
        ).paths
    history = np.full((len(prefixes), HISTORY), -1, dtype=np.int16)
    for back in range(HISTORY):
        known = slice(prefixes.levels[min(back, len(prefixes.levels) - 1)], None)
        history[known, back] = table.channel[prefixes.touch[known] - back]
    counts = prefixes.channel_counts(table.channel, len(table.channels))
    cell = np.flatnonzero(counts > 0).astype(np.int32)
    row = cell // np.int32(len(table.channels))
    channel = cell - row * np.int32(len(table.channels))
    touches = counts.ravel()[cell].astype(np.int32)
    return DistinctPaths(history, kept, PathChannels(row, channel, touches))


def _touches(table: PathTable) -> TouchArrays:
    return TouchArrays(table.channels, table.channel)


def _refuse_clocks(weights: WeightColumns) -> None:
    names = ", ".join(
        repr(name)
        for name, weight in weights.items()
        if any(column.startswith("hours_") for column in columns_used(weight))
    )
    if names:
        raise InputError(
            f"a path table does not say when touches happened, and these weights need it: {names}."
            " Give touchpoints and conversions, or leave out models that need a clock."
        )
