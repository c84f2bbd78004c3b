"""Columns of weights that are known by kind of touch, and summed up when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lydite.contract.path_rows import run_numbers, runs, starts


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
    touches : (m,) integers
        How many touches each entry has.
    """

    by_kind: Mapping[str, NDArray[np.float64]]
    kind: NDArray[np.integer]
    touches: NDArray[np.integer]

    @cached_property
    def _entry(self) -> NDArray[np.intp]:
        return run_numbers(self.touches)

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """Return the (m,) sums of a column's weights."""
        weights = self.by_kind[name][self.kind]
        return np.asarray(np.bincount(self._entry, weights, len(self.touches)), dtype=np.float64)

    def __iter__(self) -> Iterator[str]:
        """Go over the names of the columns."""
        return iter(self.by_kind)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self.by_kind)

    def take(self, entries: NDArray[np.integer] | slice) -> KindWeights:
        """Return the weights of some of the entries, in the given order."""
        touches, first = self.touches[entries], self._starts[entries]
        if isinstance(entries, slice) and len(first):
            stretch = slice(int(first[0]), int(first[-1] + touches[-1]))
            return KindWeights(self.by_kind, self.kind[stretch], touches)
        return KindWeights(self.by_kind, self.kind[runs(first, touches)], touches)

    @cached_property
    def _starts(self) -> NDArray[np.intp]:
        return starts(self.touches)
