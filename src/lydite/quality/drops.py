"""Finds the days on which the rows of a table suddenly and almost entirely stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

#: A window of days has a sudden drop if at least so many rows were expected ...
MIN_EXPECTED = 30
#: ... and fewer than this share of them came.
MAX_SHARE = 0.1
# Whole weeks, so that weekdays do not matter. Long windows are for tables with few rows.
_WINDOWS = (7, 28, 112)
# How many windows before must be known, at the least, by the length of the window.
_LEAST_BEFORE = {7: 4, 28: 2, 112: 2}
_MOST_BEFORE, _RECENT = 12, 4


class Drop(NamedTuple):
    """A sudden drop.

    Attributes
    ----------
    start, end
        The first day, and the day after the last, counted from the first day of the table.
    rows, expected
        The rows on these days, and about how many are usual on as many days.
    """

    start: int
    end: int
    rows: int
    expected: int


def find_drops(rows: NDArray[np.integer]) -> list[Drop]:
    """Return the sudden drops in a daily count, in order of time.

    A window of 7 days has a sudden drop when fewer than a tenth of the expected rows came, and at
    least 30 were expected. If the rows were independent, that would happen by chance less than
    once in a hundred million windows; the large margin is for rows that come in groups.

    The expectation is low on purpose: the smaller of the lower quartile of the last twelve windows
    and of the lower median of the last four weeks. So neither a sale, nor a mailing every other
    week, nor a season that ends slowly makes a usual week look like a drop. Windows within an
    earlier drop do not count. For tables with fewer rows, windows of 28 and 112 days are tried as
    well.

    Parameters
    ----------
    rows : (d,) integers
        The number of rows on each day.

    Examples
    --------
    >>> find_drops(np.repeat([10, 0, 10], [56, 14, 21]))
    [Drop(start=56, end=70, rows=0, expected=140)]
    """
    dropped = np.zeros(len(rows), dtype=bool)
    usual = np.zeros(len(rows))  # rows that are usual on a day within a drop
    total = np.concatenate([[0], np.cumsum(rows)])
    for length in _WINDOWS:
        known = dropped.copy()
        for last in _suspicious(total, length):
            start = last + 1 - length
            if known[start : last + 1].any():
                continue  # found with a shorter window
            expected = _expected(total, dropped, start, length)
            if dropped[start : last + 1].any():  # the drop goes on: no fewer rows are expected
                expected = max(expected, length * usual[start : last + 1].max())
            if expected >= MIN_EXPECTED and total[last + 1] - total[start] < MAX_SHARE * expected:
                fresh = start + np.flatnonzero(~dropped[start : last + 1])
                usual[fresh] = expected / length
                dropped[fresh] = True
    edges = np.flatnonzero(np.diff(dropped.astype(np.int8), prepend=0, append=0))
    return [
        Drop(int(a), int(b), int(total[b] - total[a]), round(float(usual[a:b].sum())))
        for a, b in edges.reshape(-1, 2)
    ]


def _suspicious(total: NDArray[np.integer], length: int) -> Iterator[int]:
    """Yield the last days of windows that are far below any earlier window."""
    if len(total) <= length:
        return
    sums = total[length:] - total[:-length]
    highest = np.maximum.accumulate(sums)
    low = (highest >= MIN_EXPECTED) & (sums < MAX_SHARE * highest)
    yield from (np.flatnonzero(low) + length - 1).tolist()


def _expected(
    total: NDArray[np.integer], dropped: NDArray[np.bool_], start: int, length: int
) -> float:
    """Return how many rows are expected in the window that starts on a day; 0 where unknown."""
    before = _sums_before(total, dropped, start, length, _MOST_BEFORE)
    block = max(length // 4, 7)
    recent = _sums_before(total, dropped, start, block, _RECENT)
    if len(before) < _LEAST_BEFORE[length] or len(recent) < _RECENT:
        return 0.0
    quartile = sorted(before)[(len(before) - 1) // 4]
    return min(quartile, sorted(recent)[(_RECENT - 1) // 2] * length / block)


def _sums_before(
    total: NDArray[np.integer], dropped: NDArray[np.bool_], start: int, length: int, most: int
) -> list[int]:
    """Return the rows of the last windows before a day, the latest first, without drops."""
    sums: list[int] = []
    for end in range(start, length - 1, -length):
        if not dropped[end - length : end].any():
            sums.append(int(total[end] - total[end - length]))
            if len(sums) == most:
                break
    return sums
