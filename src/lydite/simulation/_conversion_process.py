"""How touches make conversions: by a chance at the touch, or by a hazard that goes on after it."""

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
SHORTEST_WAIT = 4 * HOUR  # from one touch to the next
NEVER = 1 << 62  # seconds; what is added to it does not overflow


class Law(Protocol):
    """What touches that just happened lead to, if no other touch comes first."""

    def delay(self, paths: Paths, random: KeyedRandom, step: int) -> Ints:
        """Draw the whole seconds until the conversion, at least 1; `NEVER` if there is none."""

    def probability(self, paths: Paths, available: Ints) -> Floats:
        """Chance that the delay is below the seconds that are `available`."""


@dataclass(frozen=True)
class Chance:
    """A chance at the touch: it converts before another touch could come, or not at all.

    Attributes
    ----------
    given : callable
        The chance, given the paths.
    """

    given: Callable[[Paths], Floats]

    def delay(self, paths: Paths, random: KeyedRandom, step: int) -> Ints:
        """Draw two minutes to four hours, or never."""
        converts = random.chance("convert", self.given(paths), step)
        delay = 120 + (random.uniform("delay", step) ** 2 * (SHORTEST_WAIT - 180)).astype(np.int64)
        return np.where(converts, delay, NEVER)

    def probability(self, paths: Paths, available: Ints) -> Floats:  # noqa: ARG002 - a law's shape
        """Chance to convert, the same whatever time there is."""
        return self.given(paths)


@dataclass(frozen=True)
class Hazard:
    """A hazard of converting to which every touch adds (Zhang, Wei & Ren 2014).

    Attributes
    ----------
    baseline_per_hour : float
        The hazard without any touch; above 0.
    hazard_per_hour : tuple of float
        What a touch adds at its instant, by channel; above 0.
    half_life_hours : float
        In which time what a touch adds falls to half.
    """

    baseline_per_hour: float
    hazard_per_hour: tuple[float, ...]
    half_life_hours: float

    def delay(self, paths: Paths, random: KeyedRandom, step: int) -> Ints:
        """Find when the integrated hazard reaches a unit exponential number.

        The root of ``baseline * t + left * (1 - exp(-fade * t)) = drawn`` in closed form, by
        Wright's omega function.
        """
        left, fade = self._left(paths), self._fade
        beyond = (random.exponential("hazard", step) - left) / self.baseline_per_hour
        omega = wrightomega(np.log(fade * left / self.baseline_per_hour) - fade * beyond)
        return np.clip((beyond + omega / fade) * HOUR, 1, NEVER).astype(np.int64)

    def probability(self, paths: Paths, available: Ints) -> Floats:
        """Chance that the hazard strikes in the time that is available."""
        hours = available / HOUR
        of_touches = self._left(paths) * -np.expm1(-self._fade * hours)
        return np.asarray(-np.expm1(-self.baseline_per_hour * hours - of_touches))

    @property
    def _fade(self) -> float:
        return float(np.log(2)) / self.half_life_hours

    def _left(self, paths: Paths) -> Floats:
        """All the hazard, integrated over time without end, that the touches have yet to give."""
        added = paths.present * np.array(self.hazard_per_hour)[paths.channel]
        faded = added * np.exp2(-paths.age / (HOUR * self.half_life_hours))
        return np.asarray(faded.sum(axis=1) / self._fade)
