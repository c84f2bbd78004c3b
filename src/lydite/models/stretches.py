"""Paths as stretches of touches in time order, told apart by the order of their channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lydite.models.landmarks import distinct

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Touched:
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
    def order_only(self) -> bool:
        """Whether nothing is known of the touches but the order of their channels."""
        return self.at_us is None and self.campaign is None and self.interaction is None


@dataclass(frozen=True)
class Stretches:
    """Paths as stretches of touches, as columns of length p.

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

    def take(self, rows: NDArray[np.integer] | slice) -> Stretches:
        """Return some of the paths, in the given order."""
        return Stretches(self.first[rows], self.length[rows], self.kept[rows])

    def touch(self, position: NDArray[np.integer] | int) -> NDArray[np.integer]:
        """Return the number of the touch at a position of each path, 0 for the first."""
        skipped = np.where(np.equal(position, 0), 0, self.length - self.kept)
        touch: NDArray[np.integer] = self.first + skipped + position
        return touch


def distinct_paths(
    touched: Touched, stretches: Stretches
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Tell paths apart by the order of their channels.

    Each path has a digest of 64 bits, so that the work is one look at each touch of each path.

    Returns
    -------
    path : (p,)
        The number of each path among the distinct ones, in order of appearance.
    first : (k,)
        Where each distinct path stands first.
    """
    drawn = np.random.default_rng(0).integers(
        0, 2**64, size=len(touched.channels) + 1, dtype=np.uint64
    )
    code, multiplier = drawn[1:], drawn[0] | np.uint64(1)
    digest = np.zeros(len(stretches), dtype=np.uint64)
    longer = np.arange(len(stretches))
    begin, recent = stretches.first, stretches.first + stretches.length - stretches.kept
    for position in range(int(stretches.kept.max(initial=0))):
        longer = longer[stretches.kept[longer] > position]
        channel = touched.channel[begin[longer] + position]
        digest[longer] = digest[longer] * multiplier + code[channel]
        begin = recent
    return distinct(digest)
