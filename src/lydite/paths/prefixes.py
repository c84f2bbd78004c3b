"""The distinct prefixes of the paths of a table, as a tree."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lydite.inputs.path_order import sort_paths
from lydite.journeys import LONGEST_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lydite.inputs.path_table import PathTable

_MAX_INT32 = 2**31 - 1


@dataclass(frozen=True)
class PathPrefixes:
    """The distinct prefixes of paths, ordered by length, as columns of length k.

    Attributes
    ----------
    of_touch : (touches,) integers
        The prefix that ends at each touch of the table.
    touch : (k,) integers
        A touch of the table at which each prefix ends.
    length : (k,) integers
        The number of touches of each prefix.
    parent : (k,) integers, ascending
        The prefix without its last touch; -1 for prefixes of one touch.
    levels : (longest + 1,) integers
        The first prefix of each length, and the end of the last.
    """

    of_touch: NDArray[np.integer]
    touch: NDArray[np.integer]
    length: NDArray[np.integer]
    parent: NDArray[np.integer]
    levels: NDArray[np.intp]

    @classmethod
    def of(cls, table: PathTable) -> PathPrefixes:
        """Return the distinct prefixes of the paths of a table."""
        # In lexicographic order, paths with the same prefix are adjacent.
        rows, _ = sort_paths(table.channel, table.length)
        kind = np.dtype(np.int32 if len(table.channel) <= _MAX_INT32 else np.int64)
        start, length = table.start[rows].astype(kind), table.length[rows]
        prefix = np.full(len(rows), -1, dtype=kind)
        of_touch = np.empty(len(table.channel), dtype=kind)
        touches: list[NDArray[np.integer]] = []
        parents: list[NDArray[np.integer]] = []
        levels = [0]
        for position in itertools.count():
            longer = np.flatnonzero(length > position)
            if not len(longer):
                break
            start, length, prefix = start[longer], length[longer], prefix[longer]
            touch = start + position
            channel = table.channel[touch]
            is_new = np.ones(len(touch), dtype=bool)
            is_new[1:] = (channel[1:] != channel[:-1]) | (prefix[1:] != prefix[:-1])
            touches.append(touch[is_new])
            parents.append(prefix[is_new])
            prefix = np.cumsum(is_new, dtype=kind) + (levels[-1] - 1)
            of_touch[touch] = prefix
            levels.append(levels[-1] + len(touches[-1]))
        return cls(
            of_touch,
            np.concatenate(touches),
            np.repeat(np.arange(1, len(levels), dtype=kind), np.diff(levels)),
            np.concatenate(parents),
            np.array(levels),
        )

    def __len__(self) -> int:
        """Return the number of distinct prefixes."""
        return len(self.touch)

    def summed(self, ends: NDArray[np.integer], counts: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the number of journeys through each prefix.

        Parameters
        ----------
        ends : (n,) integers
            The prefixes that are whole paths, each once.
        counts : (n,) integers
            The number of journeys that ended there.
        """
        total = np.zeros(len(self), dtype=np.int64)
        total[ends] = counts
        for level in self._levels(longest_first=True):
            parent = self.parent[level]
            first = np.flatnonzero(np.diff(parent, prepend=-1))
            total[parent[first]] += np.add.reduceat(total[level], first)
        return total

    def channel_counts(self, channel: NDArray[np.integer], channels: int) -> NDArray[np.uint8]:
        """Return the (k, channels) numbers of touches of each channel that count on each prefix.

        As at every landmark, the first touch and the 49 most recent ones count.

        Parameters
        ----------
        channel
            The channel of each touch of the table.
        channels
            The number of channels.
        """
        counts = np.zeros((len(self), channels), dtype=np.uint8)
        first = slice(0, self.levels[1])
        counts[np.arange(self.levels[1]), channel[self.touch[first]]] = 1
        for level in self._levels():
            touch, longer = self.touch[level], counts[self.parent[level]]
            row = np.arange(len(longer))
            longer[row, channel[touch]] += 1
            if self.length[level.start] > LONGEST_PATH:
                longer[row, channel[touch - LONGEST_PATH + 1]] -= 1
            counts[level] = longer
        return counts

    def _levels(self, *, longest_first: bool = False) -> Iterator[slice]:
        """Yield the positions of the prefixes of 2, 3, .. touches."""
        levels = list(itertools.pairwise(self.levels.tolist()))[1:]
        yield from itertools.starmap(slice, reversed(levels) if longest_first else levels)
