"""Columns of weights that are stored by kind of touch, and summed when they are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lydite.inputs.slices import slice_positions
from lydite.paths.arrays import group_sums


@dataclass(frozen=True)
class KindWeights(Mapping[str, NDArray[np.float64]]):
    """Columns of weights by path and channel, summed when they are read.

    Touches of one kind have the same weight, and there are far fewer kinds than touches.

    Attributes
    ----------
    by_kind
        The weight of each kind of touch, by the name of a column.
    kind : (t,) integers
        The kind of each touch, entry after entry; an entry is a path and a channel.
    touches : (m,) integers, at least 1
        The number of touches of each entry.
    """

    by_kind: Mapping[str, NDArray[np.float64]]
    kind: NDArray[np.integer]
    touches: NDArray[np.integer]

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """Return the (m,) sums of a column's weights."""
        return group_sums(self._entry, self.by_kind[name][self.kind], len(self.touches))

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the columns."""
        return iter(self.by_kind)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self.by_kind)

    def take(self, entries: NDArray[np.integer] | slice) -> KindWeights:
        """Return the weights of some of the entries, in the given order."""
        touches = self.touches[entries]
        if isinstance(entries, slice):
            low, high, _ = entries.indices(len(self.touches))
            kind = self.kind[self._edges[low] : self._edges[max(low, high)]]
        else:
            kind = self.kind[slice_positions(self._edges[:-1][entries], touches)]
        return KindWeights(self.by_kind, kind, touches)

    @cached_property
    def _entry(self) -> NDArray[np.intp]:
        """The entry of each touch."""
        return np.repeat(np.arange(len(self.touches)), self.touches)

    @cached_property
    def _edges(self) -> NDArray[np.integer]:
        """The position of each entry's first touch, and the end of the last entry."""
        dtype = np.int32 if len(self.kind) < 2**31 else np.int64
        edges: NDArray[Any] = np.zeros(len(self.touches) + 1, dtype=dtype)
        np.cumsum(self.touches, out=edges[1:])
        return edges
