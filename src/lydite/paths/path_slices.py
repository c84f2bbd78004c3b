"""Paths as slices of one array of touches, and the distinct paths among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lydite.journeys.direct import is_direct
from lydite.paths.arrays import factorize

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray


@dataclass(frozen=True)
class TouchArrays:
    """Touches in time order, journey after journey, as columns of length t.

    Attributes
    ----------
    channels
        Channel names.
    channel : (t,) integers
    at_us : (t,) integers
        Times in microseconds; None in a path table.
    campaign, interaction : (t,) Arrow arrays of text
        None where they are not known, or not needed.
    direct : (channels,) booleans
        Which channels are direct traffic; None to decide by their names.
    milestone : (t,) booleans
        Whether a milestone follows before the next touch; None where there are none.

    Raises
    ------
    ValueError
        When a channel has no name.
    """

    channels: Sequence[str]
    channel: NDArray[np.integer]
    at_us: NDArray[np.int64] | None = None
    campaign: pa.Array | None = None
    interaction: pa.Array | None = None
    direct: NDArray[np.bool_] | None = None
    milestone: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        """Check the bounds: numpy would count negative positions from the end."""
        if len(self) and not 0 <= self.channel.min() <= self.channel.max() < len(self.channels):
            raise ValueError(f"channel numbers are from 0 to {len(self.channels) - 1}")
        if self.at_us is not None and len(self.at_us) != len(self):
            raise ValueError(f"there are {len(self)} touches and {len(self.at_us)} times")

    def __len__(self) -> int:
        """Return the number of touches."""
        return len(self.channel)

    @property
    def is_direct(self) -> NDArray[np.bool_]:
        """Whether each channel is direct traffic."""
        if self.direct is not None:
            return self.direct
        return np.array([is_direct(name) for name in self.channels], dtype=bool)

    @property
    def order_only(self) -> bool:
        """Whether nothing is known of the touches but the order of their channels."""
        return self.at_us is None and self.campaign is None and self.interaction is None

    def without_times(self) -> TouchArrays:
        """Return the same touches with nothing but the order of their channels."""
        return TouchArrays(self.channels, self.channel, direct=self.direct)


@dataclass(frozen=True)
class PathSlices:
    """Paths as slices of an array of touches, as columns of length p.

    Attributes
    ----------
    touches : TouchArrays
    first, length : (p,) integers
        The position of the path's first touch, and the number of its touches.
    kept : (p,) integers
        The number of touches that count: the first one and the most recent.

    Raises
    ------
    ValueError
        When a path has touches outside the array, or more that count than it has.
    """

    touches: TouchArrays
    first: NDArray[np.integer]
    length: NDArray[np.integer]
    kept: NDArray[np.integer]

    def __post_init__(self) -> None:
        """Check the bounds: numpy would count negative positions from the end."""
        if not len(self.first) == len(self.length) == len(self.kept):
            raise ValueError("first, length and kept have one row per path")
        if len(self) and (
            self.first.min() < 0
            or (self.first + self.length).max() > len(self.touches)
            or self.kept.min() < 1
            or (self.kept > self.length).any()
        ):
            raise ValueError(
                f"paths are slices of {len(self.touches)} touches, of which between 1 and all count"
            )

    def __len__(self) -> int:
        """Return the number of paths."""
        return len(self.first)

    def take(self, rows: NDArray[np.integer] | slice) -> PathSlices:
        """Return some of the paths, in the given order."""
        return PathSlices(self.touches, self.first[rows], self.length[rows], self.kept[rows])


def distinct_paths(paths: PathSlices) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Return the numbers of paths that differ in the order of their channels.

    Returns
    -------
    path : (p,) integers
        The number of each path among the distinct ones, in order of appearance.
    first : (k,) integers
        The first position of each distinct path.
    """
    drawn = np.random.default_rng(0).integers(
        0, 2**64, size=len(paths.touches.channels) + 1, dtype=np.uint64
    )
    return factorize(path_hashes(paths, drawn[1:], int(drawn[0] | 1)))


def path_hashes(paths: PathSlices, codes: NDArray[np.uint64], base: int) -> NDArray[np.uint64]:
    """Return a 64-bit hash of the channels on each path, which depends on their order.

    The hash of a path with channels ``c_1 .. c_n`` is the polynomial ``sum codes[c_i] b^(n - i)``
    modulo 2^64 [1]_. With the cumulative sums of ``codes[c_i] b^-i`` over all touches it takes one
    subtraction and one product per path.

    Parameters
    ----------
    paths
        p paths.
    codes : (channels,) integers
        A random number for each channel.
    base
        ``b``, an odd number: it has an inverse modulo 2^64.

    References
    ----------
    .. [1] Karp & Rabin (1987), "Efficient randomized pattern-matching algorithms", *IBM Journal of
       Research and Development* 31(2).
    """
    touches = paths.touches
    code = codes[touches.channel]
    power = _powers(base, len(touches))
    total = np.zeros(len(touches) + 1, dtype=np.uint64)
    np.cumsum(code * _powers(pow(base, -1, 2**64), len(touches)), out=total[1:])
    end, is_cut = paths.first + paths.length, paths.kept < paths.length
    recent = np.where(is_cut, end - paths.kept + 1, paths.first)  # where the most recent begin
    hashes: NDArray[np.uint64] = (total[end] - total[recent]) * power[end - 1]
    cut = np.flatnonzero(is_cut)
    hashes[cut] += code[paths.first[cut]] * power[paths.kept[cut] - 1]
    return hashes


def _powers(base: int, n: int) -> NDArray[np.uint64]:
    """Return 1, b, b^2 .. b^(n - 1) modulo 2^64."""
    powers = np.full(n, base % 2**64, dtype=np.uint64)
    powers[:1] = 1
    return np.multiply.accumulate(powers)
