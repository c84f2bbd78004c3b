"""Sorts paths by their channels, touch by touch, and marks equal ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WORD_BITS = 64  # as many channels as fit in a word are compared at once


def sort_paths(
    channel: NDArray[np.integer], length: NDArray[np.integer]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Sort paths lexicographically; the sort is stable.

    Parameters
    ----------
    channel : (touches,) integers from 0
        Channels of the touches, path after path.
    length : (n,) integers
        Touches of each path.

    Returns
    -------
    order : (n,)
        The paths in that order.
    is_first : (n,) bool
        Whether each path, in that order, differs from the one before.
    """
    start = np.cumsum(length) - length
    bits = max(1, (int(channel.max(initial=0)) + 1).bit_length())
    width = _WORD_BITS // bits

    def pack(rows: NDArray[np.intp], skipped: int) -> NDArray[np.uint64]:
        """Return the next channels of each path as one number, which sorts as they do."""
        word = np.zeros(len(rows), dtype=np.uint64)
        first, left = start[rows] + skipped, length[rows] - skipped
        longer = np.flatnonzero(left > 0)
        for position in range(width):
            letter = (channel[first[longer] + position] + 1).astype(np.uint64)
            word[longer] |= letter << np.uint64(bits * (width - 1 - position))
            longer = longer[left[longer] > position + 1]
            if not len(longer):
                break
        return word

    word = pack(np.arange(len(length)), 0)
    order = np.argsort(word, kind="stable")
    is_first = _differs(word[order])
    place, skipped = _tied(is_first), width
    while len(place):
        # Only ties of which a path is longer can still be broken.
        rows, begins = order[place], np.flatnonzero(is_first[place])
        size = np.diff(begins, append=len(place))
        longer = np.repeat(np.maximum.reduceat(length[rows], begins) > skipped, size)
        tie = np.repeat(np.arange(len(begins)), size)[longer]
        place, rows = place[longer], rows[longer]
        word = pack(rows, skipped)
        rank = np.lexsort((word, tie))
        order[place] = rows[rank]
        is_first[place] = _differs(word[rank]) | _differs(tie)
        place, skipped = place[_tied(is_first[place])], skipped + width
    return order, is_first


def _differs(keys: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Return whether each key differs from the one before."""
    differs = np.ones(len(keys), dtype=bool)
    differs[1:] = keys[1:] != keys[:-1]
    return differs


def _tied(is_first: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the positions of paths that equal the one before or the one after."""
    return np.flatnonzero(~is_first | ~np.append(is_first[1:], True))
