"""Columns of weights that are known by kind of touch, and summed up when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lydite.contract.path_rows import runs


@dataclass(frozen=True)
class KindWeights(Mapping[str, NDArray[np.float64]]):
    """Columns of weights by path and channel, summed up only when they are asked for.

    There are far fewer kinds of touches than touches, and each is weighed once.

    Attributes
    ----------
    by_kind
        The weight of each kind of touch, by the name of a column.
    kind : (t,) integers
        The kind of each touch, entry after entry, which are a path and channel each.
    starts : (m + 1,) integers
        Where the touches of each entry start, and after it where all end.
    """

    by_kind: Mapping[str, NDArray[np.float64]]
    kind: NDArray[np.integer]
    starts: NDArray[np.intp]

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """Return the (m,) sums of a column's weights."""
        weights = self.by_kind[name][self.kind]
        return np.add.reduceat(weights, self.starts[:-1]) if len(weights) else weights

    def __iter__(self) -> Iterator[str]:
        """Go over the names of the columns."""
        return iter(self.by_kind)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self.by_kind)

    def take(self, entries: NDArray[np.integer] | slice) -> KindWeights:
        """Return the weights of some of the entries, in the given order."""
        first, last = self.starts[:-1][entries], self.starts[1:][entries]
        lengths = last - first
        starts = np.concatenate([[0], np.cumsum(lengths)])
        return KindWeights(self.by_kind, self.kind[runs(first, lengths)], starts)
