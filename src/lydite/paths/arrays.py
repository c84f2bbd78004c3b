"""Small helpers on numpy arrays that several modules share."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_Number = TypeVar("_Number", bound=np.number)
_Key = TypeVar("_Key", bound=np.integer)

# The cells of a table of all keys: for each key, or of a small table. It is faster than hashing.
_CELLS, _SMALL = 4, 1 << 16


def factorize(keys: NDArray[np.integer]) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Return the numbers of distinct keys, in order of appearance.

    Parameters
    ----------
    keys : (n,) integers

    Returns
    -------
    codes : (n,) integers
        The number of each key.
    first : (k,) integers
        The first position of each distinct key.

    Examples
    --------
    >>> factorize(np.array([7, 3, 7]))
    (array([0, 1, 0], dtype=int32), array([0, 1]))
    """
    if _are_dense(keys):
        where = np.full(_size(keys), len(keys))
        where[keys[::-1]] = np.arange(len(keys) - 1, -1, -1)
        first = np.sort(where[where < len(keys)])
        number = np.empty(len(where), dtype=np.int32)
        number[keys[first]] = np.arange(len(first))
        return number[keys], first
    import pandas as pd  # noqa: PLC0415 - it takes long, and path tables do not need it

    codes, distinct = pd.factorize(keys)
    first = np.empty(len(distinct), dtype=np.intp)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    return codes.astype(np.int32), first


def ascending(keys: NDArray[_Key]) -> tuple[NDArray[_Key], NDArray[np.intp]]:
    """Return the distinct keys in ascending order, and the number of each key among them.

    Examples
    --------
    >>> ascending(np.array([7, 3, 7]))
    (array([3, 7]), array([1, 0, 1]))
    """
    if _are_dense(keys):
        there = np.zeros(_size(keys), dtype=bool)
        there[keys] = True
        return np.flatnonzero(there).astype(keys.dtype), (np.cumsum(there) - 1)[keys]
    import pandas as pd  # noqa: PLC0415 - as above

    number, distinct = pd.factorize(keys, sort=True)
    return distinct, number


def _are_dense(keys: NDArray[np.integer]) -> bool:
    """Return whether a table of all keys is small."""
    if not len(keys):
        return True
    return int(keys.min()) >= 0 and _size(keys) <= max(_CELLS * len(keys), _SMALL)


def _size(keys: NDArray[np.integer]) -> int:
    """Return the number of integers up to the largest key."""
    return int(keys.max()) + 1 if len(keys) else 0


def group_sums(
    group: NDArray[np.integer], values: NDArray[np.number] | NDArray[np.bool_], groups: int
) -> NDArray[np.float64]:
    """Return the (groups,) sums of the values of each group.

    Parameters
    ----------
    group : (n,) integers, below `groups`
    values : (n,) array
    groups
        The number of groups.

    Examples
    --------
    >>> group_sums(np.array([0, 2, 0]), np.array([1.0, 2.0, 3.0]), 3)
    array([4., 0., 2.])
    """
    return np.asarray(np.bincount(group, values, minlength=groups), dtype=np.float64)


def sums_of_slices(values: NDArray[np.uint64], edges: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Return the sums of slices of an array, modulo 2^64.

    Parameters
    ----------
    values : (n,) integers
    edges : (slices + 1,) integers
        Where each slice starts, and where the last one ends.
    """
    total = np.zeros(len(values) + 1, dtype=np.uint64)
    np.cumsum(values, out=total[1:])
    return np.asarray(total[edges[1:]] - total[edges[:-1]])


def scatter(values: NDArray[_Number], position: NDArray[np.integer]) -> NDArray[_Number]:
    """Return an array with each value at its position; positions are a permutation.

    Examples
    --------
    >>> scatter(np.array([10, 20, 30]), np.array([2, 0, 1]))
    array([20, 30, 10])
    """
    result = np.empty_like(values)
    result[position] = values
    return result


def as_slice(rows: NDArray[np.integer]) -> NDArray[np.integer] | slice:
    """Return consecutive rows as a slice, which numpy takes without a copy."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def parts(length: int, size: int = 65_536) -> Iterator[slice]:
    """Split rows into parts, so that intermediate results stay in the processor's cache."""
    for low in range(0, length, size):
        yield slice(low, min(low + size, length))


def divide_by_rows(
    matrix: sparse.csr_array[np.float64],
    values: NDArray[np.float64],
    amounts: Sequence[NDArray[np.floating]],
) -> list[NDArray[np.float64]]:
    """Divide the amount of each row over its columns, in proportion to values.

    As ``amount @ normalize_rows(...)``, without a matrix of shares. A row with sum 0 has equal
    parts.

    Parameters
    ----------
    matrix : (k, c) sparse matrix
        Each row has an entry.
    values : (entries,) array
        At least 0, in the order of the stored entries.
    amounts : (k,) arrays

    Returns
    -------
    A (c,) array for each amount.

    Examples
    --------
    >>> matrix = sparse.csr_array(np.array([[1.0, 1.0], [0.0, 1.0]]))
    >>> divide_by_rows(matrix, np.array([1.0, 3.0, 2.0]), [np.array([4.0, 5.0])])
    [array([1., 8.])]
    """
    lengths = np.diff(matrix.indptr)
    row = np.repeat(np.arange(len(lengths)), lengths)
    total = group_sums(row, values, len(lengths))
    empty = total <= 0
    if empty.any():  # equal parts
        values, total = np.where(empty[row], 1.0, values), np.where(empty, lengths, total)
    return [
        group_sums(matrix.indices, (own / total)[row] * values, matrix.shape[1]) for own in amounts
    ]


def normalize_rows(matrix: sparse.csr_array[np.float64]) -> sparse.csr_array[np.float64]:
    """Divide each row by its sum; a row with sum 0 gets equal shares."""
    lengths = np.diff(matrix.indptr)
    row = np.repeat(np.arange(len(lengths)), lengths)
    total = group_sums(row, matrix.data, len(lengths))
    empty = total[row] <= 0
    data = np.where(empty, 1 / lengths[row], matrix.data / np.where(empty, 1, total[row]))
    return sparse.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)
