"""Slices of one array: where they start, and the positions that they cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def slice_starts(size: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return the start of each slice of an array that is cut into slices of the given sizes.

    Examples
    --------
    >>> slice_starts(np.array([2, 0, 3]))
    array([0, 2, 2])
    """
    begins: NDArray[np.intp] = np.cumsum(size, dtype=np.intp) - size
    return begins


def slice_positions(start: NDArray[np.integer], size: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return the positions that slices of an array cover, slice after slice.

    Parameters
    ----------
    start, size : (n,) integers
        Start and size of each slice.

    Examples
    --------
    >>> slice_positions(np.array([7, 0]), np.array([2, 3]))
    array([7, 8, 0, 1, 2])
    """
    offset = np.repeat(start - slice_starts(size), size)
    return offset + np.arange(len(offset))
