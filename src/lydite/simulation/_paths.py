"""The channels of the single-truth worlds, and the paths that users make over them."""

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
    """The paths of some users, all ending in the touch that just happened.

    Attributes
    ----------
    channel : ndarray of int8, shape (n, longest)
        Channel numbers in time order; beyond a path's length, anything.
    second : ndarray of int64, shape (n, longest)
        When each touch happened.
    length : ndarray of int64, shape (n,)
        Touches on each path, at least 1.
    intent : ndarray of float, shape (n,)
        The user's latent intent, of mean 1.
    """

    channel: NDArray[np.int8]
    second: Ints
    length: Ints
    intent: Floats

    @property
    def present(self) -> Bools:
        """Where the path has a touch, shape (n, longest)."""
        return np.asarray(np.arange(self.channel.shape[1]) < self.length[:, None])

    @property
    def age(self) -> Ints:
        """Seconds from each touch to the last one, shape (n, longest); 0 where there is none."""
        last = self.second[np.arange(len(self.length)), self.length - 1]
        return np.where(self.present, last[:, None] - self.second, 0)

    def at(self, position: Ints) -> Bools:
        """Where the touch at a position is, counted from 1, shape (n, longest)."""
        return np.asarray(np.arange(self.channel.shape[1]) == position[:, None] - 1)

    def from_end(self, back: int) -> NDArray[np.int8]:
        """Channel of the touch `back` places before the last; ``len(CHANNELS)`` if none is."""
        place = self.length - 1 - back
        found = self.channel[np.arange(len(place)), np.maximum(place, 0)]
        return np.where(place >= 0, found, np.int8(len(CHANNELS)))


def by_channel(numbers: Iterable[float]) -> dict[str, float]:
    """Name one number per channel."""
    return dict(zip(CHANNELS, numbers, strict=True))
