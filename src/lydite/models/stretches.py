"""Paths as stretches of touches in time order, told apart by the order of their channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lydite.models.landmarks import distinct, parts

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
) -> tuple[NDArray[np.integer], NDArray[np.intp]]:
    """Tell paths apart by the order of their channels.

    Each path has a digest of 64 bits: a polynomial in a random number over the random codes of its
    channels, modulo 2^64, which sums over all touches give at once [1]_.

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
        0, 2**64, size=len(touched.channels) + 1, dtype=np.uint64
    )
    digest = np.empty(len(stretches), dtype=np.uint64)
    for some in parts(len(stretches)):
        digest[some] = _digest(touched.channel, stretches.take(some), drawn[1:], int(drawn[0]) | 1)
    return distinct(digest)


def _digest(
    channel: NDArray[np.integer], stretches: Stretches, codes: NDArray[np.uint64], base: int
) -> NDArray[np.uint64]:
    """Return a digest of each path: its channels' codes times the powers of an odd number."""
    # The first touch that counts, and the stretch of the others, right before the end.
    end = stretches.first + stretches.length
    begin = end - (stretches.kept - 1)
    low, high = int(begin.min()), int(end.max())
    powers, inverses = (_powers(n, high - low + 1) for n in (base, pow(base, -1, 2**64)))
    sums = np.zeros(high - low + 1, dtype=np.uint64)
    np.cumsum(codes[channel[low:high]] * powers[:-1], out=sums[1:])
    others = (sums[end - low] - sums[begin - low]) * inverses[begin - low]
    return np.asarray(codes[channel[stretches.first]] + others * np.uint64(base))


def _powers(number: int, count: int) -> NDArray[np.uint64]:
    """Return the powers 0, 1, .. of a number, modulo 2^64."""
    powers = np.full(count, number, dtype=np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)
