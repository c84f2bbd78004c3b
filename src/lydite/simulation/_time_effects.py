"""Effects of the calendar: conversion rates and the mix of channels change together over time.

Rates and channels depend on the time only. If the time is ignored, the channels in `FOLLOWING` seem
to convert better than others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lydite.simulation._paths import CHANNELS
from lydite.simulation._random import KeyedRandom

if TYPE_CHECKING:
    from datetime import date

    from lydite.simulation._random import Floats, Ints

HOUR = 3_600
_HOURS_OF_WEEK = 7 * 24
#: Channels that are more frequent when conversion rates are high.
FOLLOWING = ("social", "display")
_FOLLOWS = np.isin(CHANNELS, FOLLOWING)
#: The highest conversion rate divided by the lowest.
RATIO = 3.0
#: The weight of the channels in `FOLLOWING` is the conversion rate to this power.
_EXPONENT = 1.8
_WEEKDAYS = np.array([0.2, 0.0, 0.1, 0.3, 0.6, 1.0, 0.9])
_PEAK_HOUR = 20
_WEEKS_PER_SALE = 8
_SALE_VOLUME = 1.8


@dataclass(frozen=True)
class TimeEffects:
    """What changes over time, for each hour of the history.

    Attributes
    ----------
    rate : ndarray of float, shape (hours,)
        Factor on the conversion probability of a touch at this time.
    following : ndarray of float, shape (hours,)
        Factor on the weight of the channels in `FOLLOWING`.
    volume : ndarray of float, shape (hours,)
        How many users arrive, relative to other hours.
    """

    rate: Floats
    following: Floats
    volume: Floats

    def rate_at(self, seconds: Ints) -> Floats:
        """Return the factor on the conversion probability at the given times."""
        return self.rate[seconds // HOUR]

    def tilt(self, cumulative: Floats, seconds: Ints) -> Floats:
        """Return the cumulative probabilities of the channels at the given times.

        Parameters
        ----------
        cumulative : ndarray, shape (n, channels)
            Without effects of time.
        seconds : ndarray of int, shape (n,)
            The times.
        """
        factor = np.where(_FOLLOWS, self.following[seconds // HOUR][:, None], 1.0)
        tilted = np.cumsum(np.diff(cumulative, axis=1, prepend=0.0) * factor, axis=1)
        return np.asarray(tilted / tilted[:, -1:])

    def arrival(self, uniform: Floats) -> Ints:
        """Turn uniform numbers into seconds, more of them when more users arrive."""
        edges = np.concatenate([[0.0], np.cumsum(self.volume)]) / self.volume.sum()
        hours = np.interp(uniform, edges, np.arange(len(edges), dtype=float))
        seconds = np.minimum(hours * HOUR, len(self.volume) * HOUR - 1)
        return np.asarray(seconds.astype(np.int64))


def constant(rate: float, weeks: int) -> TimeEffects:
    """Return a factor on the conversion probability that is the same at all times."""
    ones = np.ones(weeks * _HOURS_OF_WEEK)
    return TimeEffects(rate * ones, ones, ones)


def season(seed: int, weeks: int, start: date) -> TimeEffects:  # noqa: ARG001 - one signature for all
    """Return a trend with a yearly and a quarterly wave."""
    day = np.arange(weeks * _HOURS_OF_WEEK) / 24
    random = KeyedRandom(seed, np.arange(3))
    phase, sign = random.uniform("season phase"), np.sign(random.normal("season trend")[0])
    yearly = np.sin(2 * np.pi * (day / 365.25 + phase[0]))
    quarterly = np.sin(2 * np.pi * (day / 91.3 + phase[1]))
    return _together(sign * day / day[-1] + yearly + 0.6 * quarterly)


def random_walk(seed: int, weeks: int, start: date) -> TimeEffects:  # noqa: ARG001
    """Return a random walk by week."""
    return _by_week(np.cumsum(KeyedRandom(seed, np.arange(weeks)).normal("random walk")))


def shocks(seed: int, weeks: int, start: date) -> TimeEffects:  # noqa: ARG001
    """Return independent shocks by week."""
    return _by_week(KeyedRandom(seed, np.arange(weeks)).uniform("shocks"))


def weekday(seed: int, weeks: int, start: date) -> TimeEffects:  # noqa: ARG001
    """Return a pattern by weekday: high at the weekend."""
    week = np.roll(_WEEKDAYS, -start.weekday())
    return _together(np.tile(np.repeat(week, 24), weeks))


def hours(seed: int, weeks: int, start: date) -> TimeEffects:  # noqa: ARG001
    """Return a pattern by hour of the day: high in the evening."""
    wave = np.cos(2 * np.pi * (np.arange(24) - _PEAK_HOUR) / 24)
    return _together(np.tile(wave, weeks * 7))


def sale(seed: int, weeks: int, start: date) -> TimeEffects:  # noqa: ARG001
    """Return a few sales of three to six days, which also have more visitors."""
    days = weeks * 7
    random = KeyedRandom(seed, np.arange(max(1, weeks // _WEEKS_PER_SALE)))
    first = (random.uniform("sale start") * days)[:, None]
    length = (3 + 4 * random.uniform("sale length"))[:, None].astype(int)
    day = np.arange(days)
    on_sale = np.repeat(((day >= first - 0.5) & (day < first - 0.5 + length)).any(axis=0), 24)
    return _together(on_sale.astype(float), np.where(on_sale, _SALE_VOLUME, 1.0))


def _by_week(level: Floats) -> TimeEffects:
    return _together(np.repeat(level, _HOURS_OF_WEEK))


def _together(level: Floats, volume: Floats | None = None) -> TimeEffects:
    """Scale a level to rates between 1 / sqrt(RATIO) and sqrt(RATIO); the channels follow it."""
    spread = np.ptp(level)
    unit = (level - level.min()) / spread - 0.5 if spread > 0 else np.zeros(len(level))
    rate = RATIO**unit
    return TimeEffects(rate, rate**_EXPONENT, np.ones(len(level)) if volume is None else volume)
