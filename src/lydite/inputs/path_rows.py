"""Canonical rows of a path table: equal paths summed, channels and paths in a fixed order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lydite.errors import InputError
from lydite.inputs.path_order import sort_paths
from lydite.inputs.slices import slice_positions, slice_starts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAX_COUNT = 2**53
"""The largest count: above it, floats are no longer exact."""

_MAX_TOUCHES = 2.0**62  # of all journeys together: below it, sums of integers are exact


@dataclass(frozen=True)
class PathRows:
    """Rows of paths, with the fields of `PathTable`, in any order and numbering."""

    channels: tuple[str, ...]
    channel: NDArray[np.intp]
    length: NDArray[np.intp]
    conversions: NDArray[np.int64]
    value: NDArray[np.float64]
    nulls: NDArray[np.int64]

    @property
    def journeys(self) -> NDArray[np.int64]:
        """The (n,) numbers of journeys that took each path."""
        total: NDArray[np.int64] = self.conversions + self.nulls
        return total

    def take(self, rows: NDArray[np.intp]) -> PathRows:
        """Return some of the rows, in the given order."""
        if len(rows) == len(self.length) and (np.diff(rows) == 1).all():
            return self
        length = self.length[rows]
        return PathRows(
            self.channels,
            self.channel[slice_positions(slice_starts(self.length)[rows], length)],
            length,
            self.conversions[rows],
            self.value[rows],
            self.nulls[rows],
        )

    def number_channels(self, order: NDArray[np.intp]) -> PathRows:
        """Return the rows with the channels in the given order; the others are on no path."""
        if order.tolist() == list(range(len(self.channels))):
            return self
        number = np.full(len(self.channels), -1, dtype=np.intp)
        number[order] = np.arange(len(order))
        channels = tuple(self.channels[i] for i in order)
        return replace(self, channels=channels, channel=number[self.channel])

    def text(self, row: int) -> str:
        """Return a path as text."""
        start = int(self.length[:row].sum())
        return " > ".join(self.channels[i] for i in self.channel[start:][: self.length[row]])


def canonical_rows(place: str, rows: PathRows) -> PathRows:
    """Sum equal paths, number the channels by frequency and sort the paths.

    Channels are numbered by their touches on all journeys, then on converting ones, then by how
    early these touches are. Channels that still tie are numbered by their first appearance on paths
    that are sorted without names. So the order of the rows never matters, and names do only where
    channels tie in all of this.

    Parameters
    ----------
    place
        Where the rows came from, for messages.
    rows
        The rows; at least one path must have a journey.

    Raises
    ------
    InputError
        When no path has a journey, or the sums are too large or contradict each other.
    """
    if not rows.journeys.any():
        raise InputError(
            f"{place}: no journey took any of its {len(rows.length)} paths: conversions and nulls"
            " are all 0. Check the export that wrote it."
        )
    if float(rows.length @ rows.journeys.astype(float)) > _MAX_TOUCHES:
        raise InputError(f"{place}: its journeys hold more than 2^62 touches. Count in thousands.")
    # Numbered by frequency first: unless channels tie, the paths are sorted only once.
    rank = _frequency_rank(rows)
    rows = _sum_equal_paths(rows.number_channels(np.argsort(rank, kind="stable")))
    _refuse_totals(place, rows)
    rows = rows.take(np.flatnonzero(rows.journeys))
    rows = rows.number_channels(np.flatnonzero(np.bincount(rows.channel)))
    if rank.max() + 1 == len(rank):
        return rows
    rank = _frequency_rank(rows)
    if rank[-1] + 1 == len(rows.channels):
        return rows
    rows = rows.number_channels(_by_first_appearance(rows, rank))
    return rows.take(_sort(rows.channel, rows.length)[0])


def _frequency_rank(rows: PathRows) -> NDArray[np.intp]:
    """Return the rank of each channel by journeys, conversions and positions; equal ones tie."""
    counts = [np.repeat(-n, rows.length) for n in (rows.journeys, rows.conversions)]
    rank = _rank_of_sums(rows, counts)
    if rank.max() + 1 == len(rank):
        return rank
    position = slice_positions(np.zeros_like(rows.length), rows.length)
    return _rank_of_sums(rows, [*counts, *(-n * position for n in counts)])


def _rank_of_sums(rows: PathRows, counts: Sequence[NDArray[np.int64]]) -> NDArray[np.intp]:
    """Return the rank of each channel by the sums of the counts of its touches."""
    keys = np.zeros((len(counts), len(rows.channels)), dtype=np.int64)
    for key, count in zip(keys, counts, strict=True):
        np.add.at(key, rows.channel, count)  # where it overflows, still the same for any order
    rank: NDArray[np.intp] = np.unique(keys, axis=1, return_inverse=True)[1]
    return rank


def _by_first_appearance(rows: PathRows, rank: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the channels by rank, tied ones in the order in which they first appear."""
    rows = rows.take(np.lexsort((rows.value, rows.nulls, rows.conversions)))
    rows = rows.take(_sort(rank[rows.channel], rows.length)[0])
    channel, first = np.unique(rows.channel, return_index=True)
    return channel[np.lexsort((first, rank))]


def _sum_equal_paths(rows: PathRows) -> PathRows:
    """Return one row per path, sorted."""
    order, is_first = _sort(rows.channel, rows.length)
    if not is_first.all():
        # A sum of floats depends on the order of its terms, which must not be that of the rows.
        order = order[np.lexsort((rows.value[order], np.cumsum(is_first)))]
    first = np.flatnonzero(is_first)
    with np.errstate(over="ignore"):  # an overflow is refused later
        value = np.add.reduceat(rows.value[order], first)
    return replace(
        rows.take(order[first]),
        conversions=np.add.reduceat(rows.conversions[order], first),
        value=value + 0.0,  # turns -0.0 into 0.0
        nulls=np.add.reduceat(rows.nulls[order], first),
    )


def _sort(
    channel: NDArray[np.integer], length: NDArray[np.integer]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Sort paths by length, then by their channels; the sort is stable.

    Returns
    -------
    order : (n,)
        The paths in that order.
    is_first : (n,) bool
        Whether each path, in that order, differs from the one before.
    """
    order, is_first = sort_paths(channel, length)
    by_length = np.argsort(length[order], kind="stable")
    return order[by_length], is_first[by_length]


def _refuse_totals(place: str, rows: PathRows) -> None:
    """Refuse sums of equal paths that no single row could have."""
    for name, count in (("conversions", rows.conversions), ("nulls", rows.nulls)):
        if count.max() > MAX_COUNT:
            row = int(count.argmax())
            raise InputError(
                f"{place}: the rows of the path {rows.text(row)!r} have {count[row]} {name}"
                " together, above 2^53. Count in thousands."
            )
    unearned = np.flatnonzero((rows.conversions == 0) & (rows.value != 0))
    if len(unearned):
        row = int(unearned[0])
        raise InputError(
            f"{place}: the path {rows.text(row)!r} has a value of {rows.value[row]:g} and no"
            " conversion. Give it its conversions, or no value."
        )
    with np.errstate(over="ignore"):
        total = np.abs(rows.value).sum()
    if not np.isfinite(total):
        raise InputError(f"{place}: its values are too large to add up. Write them in millions.")
