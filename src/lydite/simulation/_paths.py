"""The channels of the single-truth worlds, and the paths of their users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from lydite.simulation._random import Bools, Floats, Ints

CHANNELS = ("search", "social", "display", "email", "video", "affiliate", "referral", "direct")
START = "(start)"


@dataclass(frozen=True)
class Paths:
    """The paths of n users, each ending in the latest touch.

    Attributes
    ----------
    channel : ndarray of int8, shape (n, longest)
        Channel numbers in order of time; undefined beyond a path's length.
    second : ndarray of int64, shape (n, longest)
        Time of each touch, in seconds.
    length : ndarray of int64, shape (n,)
        Number of touches on each path, at least 1.
    intent : ndarray of float, shape (n,)
        The user's latent intent; its mean is 1.
    rate : float or ndarray of float, shape (n,)
        Factor on the rate of conversion at the time of the last touch.
    """

    channel: NDArray[np.int8]
    second: Ints
    length: Ints
    intent: Floats
    rate: Floats | float = 1.0

    @property
    def present(self) -> Bools:
        """Whether the path has a touch at each position, shape (n, longest)."""
        return np.asarray(np.arange(self.channel.shape[1]) < self.length[:, None])

    @property
    def age(self) -> Ints:
        """Seconds from each touch to the last one, shape (n, longest); 0 beyond the path."""
        last = self.second[np.arange(len(self.length)), self.length - 1]
        return np.where(self.present, last[:, None] - self.second, 0)

    def at(self, position: Ints) -> Bools:
        """Return a mask of the touch at a position, counted from 1, shape (n, longest)."""
        return np.asarray(np.arange(self.channel.shape[1]) == position[:, None] - 1)

    def from_end(self, back: int) -> NDArray[np.int8]:
        """Return the channel `back` touches before the last; ``len(CHANNELS)`` for none."""
        place = self.length - 1 - back
        found = self.channel[np.arange(len(place)), np.maximum(place, 0)]
        return np.where(place >= 0, found, np.int8(len(CHANNELS)))


def by_channel(numbers: Iterable[float]) -> dict[str, float]:
    """Return one number per channel, by name."""
    return dict(zip(CHANNELS, numbers, strict=True))
