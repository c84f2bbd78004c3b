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
    code = drawn[1:][touched.channel]
    base = drawn[0] | np.uint64(1)
    inverse = np.uint64(pow(int(base), -1, 2**64))
    powers, inverses = (_powers(number, len(code) + 1) for number in (base, inverse))
    sums = np.zeros(len(code) + 1, dtype=np.uint64)
    np.cumsum(code * powers[:-1], out=sums[1:])
    # The first touch that counts, and the stretch of the others, right before the end.
    end = stretches.first + stretches.length
    begin = end - (stretches.kept - 1)
    digest = code[stretches.first] + (sums[end] - sums[begin]) * inverses[begin] * base
    return distinct(digest)


def _powers(number: np.uint64, count: int) -> NDArray[np.uint64]:
    """Return the powers 0, 1, .. of a number, modulo 2^64."""
    powers = np.full(count, number, dtype=np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)
