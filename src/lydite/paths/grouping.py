"""Telling numbers apart and adding up by them, compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lydite.paths.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Times the golden ratio, which spreads neighbours over the whole range [1]_.
# [1] Knuth (1973), "The Art of Computer Programming", volume 3, section 6.4.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def distinct(
    keys: NDArray[np.integer], size: int | None = None
) -> tuple[NDArray[np.integer], NDArray[np.intp]]:
    """Give the distinct keys numbers, in order of appearance.

    Parameters
    ----------
    keys : (n,) integers
    size
        Where all keys are known to be from 0 to below it: if it is not large, that takes less time.

    Returns
    -------
    index : (n,)
        The number of each key.
    first : (k,)
        Where each distinct key stands first.
    """
    index = np.empty(len(keys), dtype=np.int32)
    if size is not None and size <= len(keys):
        first = np.empty(size, dtype=np.intp)
        return index, first[: _number_by_place(keys, np.full(size, -1, np.int32), index, first)]
    keys_met, first = np.empty_like(keys), np.empty(len(keys), dtype=np.intp)
    row, met, bits = 0, 0, max(1, (len(keys) // 2).bit_length())
    while row < len(keys):  # when a table is half full, the next has twice the size
        table = np.full(1 << bits, -1, dtype=np.int32)
        row, met = _number_by_hash(keys, row, met, table, 64 - bits, keys_met, index, first)
        bits += 1
    return index, first[:met].copy()


@compiled
def _number_by_place(
    keys: NDArray[np.integer],
    table: NDArray[np.int32],
    index: NDArray[np.int32],
    first: NDArray[np.intp],
) -> int:
    """Put down numbers by a table of all keys there may be, and return how many there are."""
    met = 0
    for row in range(len(keys)):
        key = keys[row]
        if table[key] < 0:
            table[key], first[met] = met, row
            met += 1
        index[row] = table[key]
    return met


@compiled
def _number_by_hash(
    keys: NDArray[np.integer],
    row: int,
    met: int,
    table: NDArray[np.int32],
    shift: int,
    keys_met: NDArray[np.integer],
    index: NDArray[np.int32],
    first: NDArray[np.intp],
) -> tuple[int, int]:
    """Go on numbering keys, from a row on, until a table with open addresses is half full.

    Returns
    -------
    The row to go on from, and how many keys are met by then.
    """
    for number in range(met):
        table[_slot(keys_met[number], keys_met, table, shift)] = number
    while row < len(keys) and 2 * met <= len(table):
        slot = _slot(keys[row], keys_met, table, shift)
        if table[slot] < 0:
            table[slot], keys_met[met], first[met] = met, keys[row], row
            met += 1
        index[row] = table[slot]
        row += 1
    return row, met


@compiled
def _slot(
    key: np.integer, keys_met: NDArray[np.integer], table: NDArray[np.int32], shift: int
) -> np.int64:
    """Return where a key stands in a table, or would."""
    slot = np.int64((np.uint64(key) * _GOLDEN) >> np.uint64(shift))
    while table[slot] >= 0 and keys_met[table[slot]] != key:
        slot = (slot + 1) & (len(table) - 1)
    return slot


def counted(index: NDArray[np.integer], weights: NDArray[Any], size: int) -> NDArray[np.float64]:
    """Return the sums of `weights` by `index`, which is below `size`, as a (size,) array."""
    sums = np.zeros(size)
    _add_up(index, weights, sums)
    return sums


@compiled
def _add_up(index: NDArray[np.integer], weights: NDArray[Any], sums: NDArray[np.float64]) -> None:
    for row in range(len(index)):
        sums[index[row]] += weights[row]


def taken(values: NDArray[Any], index: NDArray[np.integer]) -> NDArray[Any]:
    """Return ``values[index]``; numpy would make the index wider first."""
    result = np.empty(len(index), dtype=values.dtype)
    _take(values, index, result)
    return result


@compiled
def _take(values: NDArray[Any], index: NDArray[np.integer], result: NDArray[Any]) -> None:
    for row in range(len(index)):
        result[row] = values[index[row]]


def placed(place: NDArray[np.integer], values: NDArray[Any]) -> NDArray[Any]:
    """Put each value at its place, of as many; the counterpart of `taken`."""
    result = np.empty(len(place), dtype=values.dtype)
    _put(place, values, result)
    return result


@compiled
def _put(place: NDArray[np.integer], values: NDArray[Any], result: NDArray[Any]) -> None:
    for row in range(len(place)):
        result[place[row]] = values[row]
