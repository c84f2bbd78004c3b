"""How touches lead to conversions: at once with some probability, or by a hazard over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.special import wrightomega

if TYPE_CHECKING:
    from collections.abc import Callable

    from lydite.simulation._paths import Paths
    from lydite.simulation._random import Floats, Ints, KeyedRandom

HOUR = 3_600
SHORTEST_WAIT = 4 * HOUR  # between two touches
NEVER = 1 << 62  # seconds; what is added to it does not overflow


class ConversionProcess(Protocol):
    """Decides whether and when the last touch of a path leads to a conversion."""

    def delay(self, paths: Paths, random: KeyedRandom, step: int) -> Ints:
        """Draw the seconds until the conversion, at least 1; `NEVER` where there is none."""

    def probability(self, paths: Paths, available: Ints) -> Floats:
        """Return the probability that the delay is below the `available` seconds."""


@dataclass(frozen=True)
class ImmediateConversion:
    """Each touch converts with some probability, before another touch could come, or not at all.

    Attributes
    ----------
    rate : callable
        The probability of each of the paths, without effects of time.
    """

    rate: Callable[[Paths], Floats]

    def delay(self, paths: Paths, random: KeyedRandom, step: int) -> Ints:
        """Draw a delay of two minutes to four hours, or `NEVER`."""
        converts = random.chance("convert", self._probability(paths), step)
        delay = 120 + (random.uniform("delay", step) ** 2 * (SHORTEST_WAIT - 180)).astype(np.int64)
        return np.where(converts, delay, NEVER)

    def probability(self, paths: Paths, available: Ints) -> Floats:  # noqa: ARG002 - the protocol's signature
        """Return the probability to convert, whatever time is available."""
        return self._probability(paths)

    def _probability(self, paths: Paths) -> Floats:
        return np.minimum(self.rate(paths) * paths.rate, 1.0)


@dataclass(frozen=True)
class Hazard:
    """A hazard of conversion to which every touch adds [1]_.

    Attributes
    ----------
    baseline_per_hour : float
        The hazard without touches; above 0.
    hazard_per_hour : tuple of float
        What a touch adds at its time, by channel; above 0.
    half_life_hours : float
        Half-life of what a touch adds.

    References
    ----------
    .. [1] Zhang, Wei & Ren (2014), "Multi-touch attribution in online advertising with survival
       theory", *IEEE International Conference on Data Mining*.
    """

    baseline_per_hour: float
    hazard_per_hour: tuple[float, ...]
    half_life_hours: float

    def delay(self, paths: Paths, random: KeyedRandom, step: int) -> Ints:
        """Return when the integrated hazard reaches a unit exponential draw.

        Solves ``baseline * t + remaining * (1 - exp(-decay * t)) = drawn`` in closed form with
        Wright's omega function. The rate at the last touch scales the hazard, until the next touch.
        """
        remaining, decay = self._remaining(paths), self._decay
        drawn = random.exponential("hazard", step) / paths.rate
        beyond = (drawn - remaining) / self.baseline_per_hour
        omega = wrightomega(np.log(decay * remaining / self.baseline_per_hour) - decay * beyond)
        return np.clip((beyond + omega / decay) * HOUR, 1, NEVER).astype(np.int64)

    def probability(self, paths: Paths, available: Ints) -> Floats:
        """Return the probability of a conversion within the available time."""
        hours = available / HOUR
        of_touches = self._remaining(paths) * -np.expm1(-self._decay * hours)
        integrated = paths.rate * (self.baseline_per_hour * hours + of_touches)
        return np.asarray(-np.expm1(-integrated))

    @property
    def _decay(self) -> float:
        """Decay rate per hour."""
        return float(np.log(2)) / self.half_life_hours

    def _remaining(self, paths: Paths) -> Floats:
        """Return the hazard that the touches still add, integrated from now to infinity."""
        added = paths.present * np.array(self.hazard_per_hour)[paths.channel]
        decayed = added * np.exp2(-paths.age / (HOUR * self.half_life_hours))
        return np.asarray(decayed.sum(axis=1) / self._decay)
