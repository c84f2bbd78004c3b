"""Landmarks as columns: the sample on which models are fitted and judged."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

N_BUCKETS = 256


@dataclass(frozen=True)
class PathChannels:
    """The channels on each landmark's path: one entry per (landmark, channel), landmarks in order.

    Attributes
    ----------
    landmark, channel : (m,) integer arrays
        The landmark's number and the channel's number.
    touches : (m,) integer array
        How many touches of the channel are on the path.
    weights : mapping of rule name to (m,) float array
        The weight that the rule puts on those touches, not normalised.
    """

    landmark: NDArray[np.integer]
    channel: NDArray[np.integer]
    touches: NDArray[np.integer]
    weights: Mapping[str, NDArray[np.floating]] = field(default_factory=dict)


@dataclass(frozen=True)
class Landmarks:
    """Moments of forecasting of one outcome, as columns of length n.

    Attributes
    ----------
    channels
        Channel names; numbers below index into them.
    happened_at : (n,) datetime64[us], UTC
    bucket : (n,) integers, 0..255
    converted : (n,) bool
        Whether the next event is a conversion, within the lookback.
    history : (n, 4) integers
        Channel of the touch itself, and of the 1, 2 and 3 touches before it on the path; -1 where
        there is none.
    next_channel : (n,) integers
        Channel of the next touch where that is the next event, else -1.
    path_length : (n,) integers, 1..50
    hours_since_previous : (n,) float
        NaN where the path has no touch before.
    hours_since_first : (n,) float
    path : PathChannels
    """

    channels: tuple[str, ...]
    happened_at: NDArray[np.datetime64]
    bucket: NDArray[np.integer]
    converted: NDArray[np.bool_]
    history: NDArray[np.integer]
    next_channel: NDArray[np.integer]
    path_length: NDArray[np.integer]
    hours_since_previous: NDArray[np.floating]
    hours_since_first: NDArray[np.floating]
    path: PathChannels

    def __len__(self) -> int:
        """Return the number of landmarks."""
        return len(self.converted)

    def without_outcome(self, converted: NDArray[np.bool_]) -> Landmarks:
        """Return the same landmarks with other outcomes, as permutation tests need them."""
        return replace(self, converted=converted)


@dataclass(frozen=True)
class Profiles:
    """What one model sees of the landmarks, each distinct sight once.

    A model that sees only profiles needs no landmark to be fitted: how often each profile was
    forecast and how often a conversion followed is all that its likelihood depends on.

    Attributes
    ----------
    index : (n,) integers
        The profile of each landmark.
    features
        One row for each profile, in the form that the model chose.
    """

    index: NDArray[np.integer]
    features: Any

    def __len__(self) -> int:
        """Return the number of distinct profiles."""
        return int(self.features.shape[0])


def distinct(keys: NDArray[np.integer]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give the distinct keys numbers, in order of appearance.

    Returns
    -------
    index : (n,)
        The number of each key.
    first : (k,)
        Where each distinct key stands first.
    """
    index, uniques = pd.factorize(keys)
    first = np.empty(len(uniques), dtype=np.intp)
    first[index[::-1]] = np.arange(len(keys) - 1, -1, -1)
    return index, first


def counted(index: NDArray[np.integer], weights: NDArray[Any], size: int) -> NDArray[np.float64]:
    """Return the sums of `weights` by `index`, as a (size,) array."""
    return np.asarray(np.bincount(index, weights, minlength=size), dtype=np.float64)
