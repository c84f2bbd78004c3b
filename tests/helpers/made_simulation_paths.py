"""Paths small enough to check by hand."""

from __future__ import annotations

import numpy as np

from lydite.simulation._paths import CHANNELS, Paths

DAY = 86_400
LONGEST = 8


def path(*channels: str, days: tuple[float, ...] | None = None, copies: int = 1) -> Paths:
    """Return copies of one path, padded with invalid values beyond its length."""
    numbers = [CHANNELS.index(channel) for channel in channels]
    seconds = [int(day * DAY) for day in days or range(len(channels))]
    padding = LONGEST - len(channels)
    return Paths(
        channel=np.array([numbers + [7] * padding] * copies, np.int8),
        second=np.array([seconds + [10**9] * padding] * copies),
        length=np.full(copies, len(channels)),
        intent=np.ones(copies),
    )
