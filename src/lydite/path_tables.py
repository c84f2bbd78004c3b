"""Path tables as models see them: each prefix of a path a landmark, each converted path a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lydite.contract.path_rows import runs
from lydite.errors import InputError
from lydite.journeys import LONGEST_PATH
from lydite.models.landmarks import Landmarks, Paths, lay_out
from lydite.models.path_touches import (
    Stretches,
    Touched,
    channels_met,
    describe_paths,
    distinct_paths,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lydite.contract.path_table import PathTable
    from lydite.models import Model

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
    length = table.length[row]
    return Paths(
        table.channels,
        row,
        table.conversions[row].astype(float),
        table.value[row],
        channels_met(_touched(table), Stretches(table.start[row], length, length), models),
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
    group = laid.row[met]
    size = len(group)
    prefixes = _prefixes(table)
    number, first = distinct_paths(_touched(table), prefixes)
    return Landmarks(
        channels=table.channels,
        happened_at=np.zeros(size, dtype="datetime64[us]"),
        bucket=unit[group],
        converted=laid.converted[met],
        next_channel=laid.next_channel[met],
        hours_since_previous=np.full(size, np.nan),
        hours_since_first=np.zeros(size),
        hours_to_next=np.full(size, np.nan),
        count=laid.count[met],
        path=number[table.start[row][group] + laid.position[met]],
        paths=describe_paths(_touched(table), prefixes.take(first), models),
    )


def _touched(table: PathTable) -> Touched:
    return Touched(table.channels, table.channel)


def _prefixes(table: PathTable) -> Stretches:
    """Return the path that ends at each touch of the table.

    As at every landmark, of more than 50 touches the first and the 49 most recent count: that keeps
    the work on a path linear in its length.
    """
    first = np.repeat(table.start, table.length)
    length = np.arange(len(table.channel)) - first + 1
    return Stretches(first, length, np.minimum(length, LONGEST_PATH))


def _refuse_clocks(models: Sequence[Model]) -> None:
    names = ", ".join(repr(model.name) for model in models if model.needs_clock)
    if names:
        raise InputError(
            f"a path table does not say when touches happened, which {names} must know."
            " Give touchpoints and conversions, or leave out what needs a clock."
        )
