"""The choice among ordered candidates of a parameter, by likelihood."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def best_candidate(value: Callable[[int], float], size: int, start: int | None) -> int:
    """Return the number of the candidate with the highest value.

    Parameters
    ----------
    value
        Value of a candidate by number; dear, so that no candidate is asked for twice.
    size
        How many candidates there are, in the order of the parameter.
    start
        Where to look first: from there the search climbs to the higher neighbour until none is
        higher, which finds the best wherever the values have one peak. None looks at all.
    """
    known: dict[int, float] = {}

    def look(number: int) -> float:
        if number not in known:
            known[number] = value(number)
        return known[number]

    if start is None:
        return max(range(size), key=look)
    best = start
    while True:
        near = [n for n in (best - 1, best, best + 1) if 0 <= n < size]
        higher = max(near, key=lambda number: (look(number), number == best))
        if higher == best:
            return best
        best = higher
