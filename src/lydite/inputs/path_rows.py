"""Rows of paths in their canonical form: equal ones added up, whatever their order and names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lydite.errors import InputError
from lydite.inputs.path_order import alphabetic
from lydite.paths.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_COUNT = 2**53
"""Above it, floats cannot tell a count from the next."""

_MAX_TOUCHES = 2.0**62  # of all journeys together: below it, sums of integers are exact
_ROUNDS = 20  # of telling channels apart by where they stand


def starts(size: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return where each run begins, of runs of the given sizes one after the other."""
    begins: NDArray[np.intp] = np.cumsum(size, dtype=np.intp) - size
    return begins


def runs(start: NDArray[np.integer], size: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return the positions ``start, start + 1, ..`` of runs of given sizes, run after run."""
    position = np.empty(int(size.sum()), dtype=np.intp)
    _put_runs(start, size, position)
    return position


def run_numbers(size: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return the number of the run of each position, of runs one after the other."""
    number = np.empty(int(size.sum()), dtype=np.intp)
    _put_numbers(size, number)
    return number


@compiled
def _put_runs(
    start: NDArray[np.integer], size: NDArray[np.integer], position: NDArray[np.intp]
) -> None:
    place = 0
    for run in range(len(size)):
        for step in range(size[run]):
            position[place] = start[run] + step
            place += 1


@compiled
def _put_numbers(size: NDArray[np.integer], number: NDArray[np.intp]) -> None:
    place = 0
    for run in range(len(size)):
        for _ in range(size[run]):
            number[place] = run
            place += 1


@dataclass(frozen=True)
class PathRows:
    """Rows of paths; all as in `PathTable`, in any order and numbering."""

    channels: tuple[str, ...]
    channel: NDArray[np.intp]
    length: NDArray[np.intp]
    conversions: NDArray[np.int64]
    value: NDArray[np.float64]
    nulls: NDArray[np.int64]

    @property
    def journeys(self) -> NDArray[np.int64]:
        """How many journeys took each path."""
        total: NDArray[np.int64] = self.conversions + self.nulls
        return total

    def taken(self, rows: NDArray[np.intp]) -> PathRows:
        """Return some of the rows, in the given order."""
        if len(rows) == len(self.length) and (np.diff(rows) == 1).all():
            return self
        length = self.length[rows]
        return PathRows(
            self.channels,
            self.channel[runs(starts(self.length)[rows], length)],
            length,
            self.conversions[rows],
            self.value[rows],
            self.nulls[rows],
        )

    def renumbered(self, order: NDArray[np.intp]) -> PathRows:
        """Return the rows with the channels in the given order; those left out are not met."""
        if order.tolist() == list(range(len(self.channels))):
            return self
        number = np.full(len(self.channels), -1, dtype=np.intp)
        number[order] = np.arange(len(order))
        return PathRows(
            tuple(self.channels[i] for i in order),
            number[self.channel],
            self.length,
            self.conversions,
            self.value,
            self.nulls,
        )

    def written(self, row: int) -> str:
        """Return a path as text."""
        start = int(self.length[:row].sum())
        return " > ".join(self.channels[i] for i in self.channel[start:][: self.length[row]])


def canonical(place: str, rows: PathRows) -> PathRows:
    """Add up equal paths, number the channels and order the paths.

    Parameters
    ----------
    place
        Where the rows came from, for messages.
    rows
        At least one of them of a path that a journey took.

    Raises
    ------
    InputError
        When no journey took any path, or sums are too large or do not fit together.
    """
    if not rows.journeys.any():
        raise InputError(
            f"{place}: no journey took any of its {len(rows.length)} paths: conversions and nulls"
            " are all 0. Check the export that wrote it."
        )
    if float(rows.length @ rows.journeys.astype(float)) > _MAX_TOUCHES:
        raise InputError(f"{place}: its journeys hold more than 2^62 touches. Count in thousands.")
    # Numbered as they will be from the start, so that paths are sorted once.
    journeys, conversions = _met(rows)
    rank = _ranked(-journeys, -conversions)
    rows = _grouped(rows.renumbered(np.argsort(rank, kind="stable")))
    _refuse_totals(place, rows)
    rows = rows.taken(np.flatnonzero(rows.journeys))
    rows = rows.renumbered(np.flatnonzero(np.bincount(rows.channel)))
    if len(np.unique(rank[journeys > 0])) == len(rows.channels):
        return rows
    # The numbers of channels that were met alike are still a matter of names.
    rows = rows.renumbered(_by_frequency(rows))
    return rows.taken(_in_order(rows.channel, rows.length)[0])


def _met(rows: PathRows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how often journeys met each channel, and how often those that converted did."""
    journeys, conversions = (
        _summed(rows, np.repeat(counts, rows.length))
        for counts in (rows.journeys, rows.conversions)
    )
    return journeys, conversions


def _summed(rows: PathRows, touches: NDArray[Any]) -> NDArray[np.int64]:
    """Return the sums by channel of 64-bit integers, one for each touch, modulo 2^64."""
    total = np.zeros(len(rows.channels), dtype=touches.dtype)
    np.add.at(total, rows.channel, touches)
    return total.view(np.int64)


def _refuse_totals(place: str, rows: PathRows) -> None:
    """Refuse sums of equal paths that no single row could have."""
    for name, count in (("conversions", rows.conversions), ("nulls", rows.nulls)):
        if count.max() > MAX_COUNT:
            row = int(count.argmax())
            raise InputError(
                f"{place}: the rows of the path {rows.written(row)!r} have {count[row]} {name}"
                " together, above 2^53. Count in thousands."
            )
    unearned = np.flatnonzero((rows.conversions == 0) & (rows.value != 0))
    if len(unearned):
        row = int(unearned[0])
        raise InputError(
            f"{place}: the path {rows.written(row)!r} has a value of {rows.value[row]:g} and no"
            " conversion. Give it its conversions, or no value."
        )
    with np.errstate(over="ignore"):
        worth = np.abs(rows.value).sum()
    if not np.isfinite(worth):
        raise InputError(f"{place}: its values are too large to add up. Write them in millions.")


def _grouped(rows: PathRows) -> PathRows:
    """Add up rows of the same path."""
    order, is_first = _in_order(rows.channel, rows.length)
    if not is_first.all():
        # Sums of floats depend on the order of their terms, which must not be that of the rows.
        order = order[np.lexsort((rows.value[order], np.cumsum(is_first)))]
    first = np.flatnonzero(is_first)
    with np.errstate(over="ignore"):  # what overflows is refused later
        total = np.add.reduceat(rows.value[order], first)
    paths = rows.taken(order[first])
    return PathRows(
        rows.channels,
        paths.channel,
        paths.length,
        np.add.reduceat(rows.conversions[order], first),
        total + 0.0,  # without the sign of -0.0
        np.add.reduceat(rows.nulls[order], first),
    )


def _in_order(
    channel: NDArray[np.integer], length: NDArray[np.integer]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Sort paths by length, then by channels in order of time; equal paths stay as they stood.

    Returns
    -------
    order : (n,)
        The paths in that order.
    is_first : (n,) bool
        Whether each path, in that order, differs from the one before.
    """
    order, is_first = alphabetic(channel, length)
    by_length = np.argsort(length[order], kind="stable")
    return order[by_length], is_first[by_length]


# --- the numbers of the channels ----------------------------------------------------------------


def _by_frequency(rows: PathRows) -> NDArray[np.intp]:
    """Return the channels, the one met most often first.

    Those met alike are told apart by how often conversions met them, then by where they stand on
    which paths, then by the first path that holds them. Names decide only where these are alike,
    and then it hardly matters how: the channels could change places unseen.
    """
    colour = _refined(rows)
    if colour.max() + 1 == len(rows.channels):
        return np.argsort(colour)
    # Names come in as the order of the rows, which equal paths keep.
    rows = rows.taken(np.lexsort((rows.value, rows.nulls, rows.conversions)))
    rows = rows.taken(_in_order(colour[rows.channel], rows.length)[0])
    met, first = np.unique(rows.channel, return_index=True)
    return met[np.lexsort((first, colour))]


def _refined(rows: PathRows) -> NDArray[np.intp]:
    """Return a number for each channel, equal for those that nothing but the name tells apart."""
    row = np.repeat(np.arange(len(rows.length)), rows.length)
    position = np.arange(len(row)) - starts(rows.length)[row]
    journeys, conversions = _met(rows)
    colour = _ranked(-journeys, -conversions)
    for _ in range(_ROUNDS):
        if colour.max() + 1 == len(rows.channels):
            break
        touch = _mixed(colour[rows.channel], position)
        path = _mixed(
            np.add.reduceat(touch, starts(rows.length)), rows.conversions, rows.nulls, rows.value
        )
        finer = _ranked(colour, _summed(rows, _mixed(path[row], position)))
        if finer.max() == colour.max():
            break
        colour = finer
    return colour


def _ranked(*keys: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return the rank of each tuple of keys among the distinct ones."""
    rank: NDArray[np.intp] = np.unique(np.column_stack(keys), axis=0, return_inverse=True)[1]
    return rank


def _mixed(*columns: NDArray[np.generic]) -> NDArray[np.uint64]:
    """Return a 64-bit digest of each row of the columns (the finaliser of SplitMix64)."""
    digest = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        digest = digest * np.uint64(31) + column.view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        digest = (digest ^ (digest >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        digest = (digest ^ (digest >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        digest ^= digest >> np.uint64(31)
    return digest
