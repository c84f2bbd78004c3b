"""Paths as slices of touches in time order, told apart by the order of their channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lydite.paths import kernels
from lydite.paths.grouping import distinct

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray


_DIRECT = frozenset({"direct", "(direct)", "(none)"})  # as in `sql/journeys/channels.sql`


@dataclass(frozen=True)
class TouchArrays:
    """Touches in time order, journey after journey, as columns of length t.

    Attributes
    ----------
    channels
        Channel names.
    channel : (t,) integers
    at_us : (t,) integers
        Instants in microseconds; None where there is no clock.
    campaign, interaction : (t,) Arrow arrays of text
        None where they are not known, or not asked for.
    """

    channels: Sequence[str]
    channel: NDArray[np.integer]
    at_us: NDArray[np.int64] | None = None
    campaign: pa.Array | None = None
    interaction: pa.Array | None = None

    @property
    def is_direct(self) -> NDArray[np.bool_]:
        """Whether each channel is none, that somebody came by themselves."""
        return np.array([name.lower() in _DIRECT for name in self.channels], dtype=bool)

    @property
    def order_only(self) -> bool:
        """Whether nothing is known of the touches but the order of their channels."""
        return self.at_us is None and self.campaign is None and self.interaction is None


@dataclass(frozen=True)
class PathSlices:
    """Paths as slices of touches, as columns of length p.

    Attributes
    ----------
    first, length : (p,) integers
        Where the path begins among the touches, and how many it has.
    kept : (p,) integers
        How many of them count: the first one, and the most recent.
    """

    first: NDArray[np.integer]
    length: NDArray[np.integer]
    kept: NDArray[np.integer]

    def __len__(self) -> int:
        """Return the number of paths."""
        return len(self.first)

    def take(self, rows: NDArray[np.integer] | slice) -> PathSlices:
        """Return some of the paths, in the given order."""
        return PathSlices(self.first[rows], self.length[rows], self.kept[rows])

    @property
    def columns(self) -> tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.integer]]:
        """All three, as loops over paths take them."""
        return self.first, self.length, self.kept


def distinct_paths(
    touch_arrays: TouchArrays, slices: PathSlices
) -> tuple[NDArray[np.integer], NDArray[np.intp]]:
    """Tell paths apart by the order of their channels.

    Each path has a digest of 64 bits: a polynomial in a random number over the random codes of its
    channels, modulo 2^64 [1]_.

    Returns
    -------
    path : (p,)
        The number of each path among the distinct ones, in order of appearance.
    first : (k,)
        Where each distinct path stands first.

    References
    ----------
    .. [1] Karp & Rabin (1987), "Efficient randomized pattern-matching algorithms", *IBM Journal of
       Research and Development* 31(2).
    """
    drawn = np.random.default_rng(0).integers(
        0, 2**64, size=len(touch_arrays.channels) + 1, dtype=np.uint64
    )
    digest = np.empty(len(slices), dtype=np.uint64)
    kernels.digests(*slices.columns, touch_arrays.channel, drawn[1:], drawn[0] | 1, digest)
    return distinct(digest)
