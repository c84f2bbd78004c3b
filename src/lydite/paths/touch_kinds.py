"""Columns of weights that are known by kind of touch, and summed up when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lydite.inputs.slices import slice_positions
from lydite.paths.compiled import compiled


@dataclass(frozen=True)
class TouchKindWeights(Mapping[str, NDArray[np.float64]]):
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

    def summands(
        self, names: Sequence[str]
    ) -> tuple[NDArray[np.float64], NDArray[np.integer], NDArray[np.integer]]:
        """Return the weights of kinds by column, and which of them entries sum up.

        Returns
        -------
        weights : (kinds, columns)
        kind : (t,) integers
        begin : (m + 1,) integers
            Where the touches of each entry begin, and after it where all end.
        """
        weights = np.column_stack([self.by_kind[name] for name in names])
        return weights, self.kind, self._edges

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """Return the (m,) sums of a column's weights."""
        return _sums(self.by_kind[name], self.kind, self.touches)

    def __iter__(self) -> Iterator[str]:
        """Go over the names of the columns."""
        return iter(self.by_kind)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self.by_kind)

    def take(self, entries: NDArray[np.integer] | slice) -> TouchKindWeights:
        """Return the weights of some of the entries, in the given order."""
        touches, first = self.touches[entries], self._edges[:-1][entries]
        if isinstance(entries, slice) and len(first):
            stretch = slice(int(first[0]), int(first[-1] + touches[-1]))
            return TouchKindWeights(self.by_kind, self.kind[stretch], touches)
        return TouchKindWeights(self.by_kind, self.kind[slice_positions(first, touches)], touches)

    @cached_property
    def _edges(self) -> NDArray[np.integer]:
        kind = np.int32 if len(self.kind) < 2**31 else np.int64
        edges: NDArray[Any] = np.zeros(len(self.touches) + 1, dtype=kind)
        np.cumsum(self.touches, out=edges[1:])
        return edges


@compiled
def _sums(
    weight: NDArray[np.float64], kind: NDArray[np.integer], touches: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Return the sums of the weights of the touches of each entry."""
    sums = np.zeros(len(touches))
    touch = 0
    for entry in range(len(touches)):
        for _ in range(touches[entry]):
            sums[entry] += weight[kind[touch]]
            touch += 1
    return sums
