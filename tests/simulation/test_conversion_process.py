"""Conversion processes: an immediate one, and a hazard whose conversions have its distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from lydite.simulation._conversion_process import HOUR, NEVER, Hazard, ImmediateConversion
from lydite.simulation._paths import CHANNELS
from lydite.simulation._random import KeyedRandom
from tests.helpers.made_simulation_paths import DAY, path

MANY = 40_000
RANDOM = KeyedRandom(1914, np.arange(MANY))
ADDED = (0.001, 0.02, 0.0005, 0.004, 0.003, 0.0001, 0.01, 0.002)
HAZARD = Hazard(baseline_per_hour=0.0004, hazard_per_hour=ADDED, half_life_hours=30.0)
TOUCHES = {"email": 0.0, "social": 1.5, "display": 4.25}  # days


def hazard_at(hours):
    """Return the hazard so many hours after the last touch, touch by touch."""
    hazard = HAZARD.baseline_per_hour
    for channel, day in TOUCHES.items():
        age = hours + 24 * (TOUCHES["display"] - day)
        hazard += ADDED[CHANNELS.index(channel)] * 0.5 ** (age / 30.0)
    return hazard


def integrated(hours):
    return integrate.quad(hazard_at, 0, hours, epsabs=1e-12, epsrel=1e-10)[0]


def touched(copies=1):
    return path(*TOUCHES, days=tuple(TOUCHES.values()), copies=copies)


def test_immediate_conversions_come_within_four_hours():
    process = ImmediateConversion(lambda paths: np.full(len(paths.length), 0.3))
    delay = process.delay(path("email", copies=MANY), RANDOM, 0)
    converted = delay < NEVER
    assert stats.binomtest(int(converted.sum()), MANY, 0.3).pvalue > 1e-3
    assert delay[converted].min() >= 120
    assert delay[converted].max() < 4 * HOUR
    for available in (4 * HOUR, 30 * DAY):
        assert process.probability(path("email"), np.array([available])) == 0.3


@pytest.mark.parametrize("hours", [4, 30, 100, 720])
def test_conversion_probability_follows_from_the_integrated_hazard(hours):
    probability = HAZARD.probability(touched(), np.array([hours * HOUR]))[0]
    assert probability == pytest.approx(1 - np.exp(-integrated(hours)), rel=1e-9)


def test_the_integrated_hazard_at_conversion_is_unit_exponential():
    delay = HAZARD.delay(touched(MANY), RANDOM, 2)
    assert delay.dtype == np.int64
    assert delay.min() >= 1
    hours = np.arange(int(delay.max() / HOUR) + 2)
    by_hour = integrate.cumulative_simpson(hazard_at(hours), x=hours, initial=0)
    reached = np.interp(delay / HOUR, hours, by_hour)
    assert stats.kstest(reached, "expon").pvalue > 1e-3


def test_a_delay_is_the_root_of_the_integrated_hazard():
    few = KeyedRandom(5, np.arange(12))
    drawn = few.exponential("hazard", 3)
    delay = HAZARD.delay(touched(12), few, 3)
    for reached, seconds in zip(drawn, delay, strict=True):
        assert integrated(seconds / HOUR) <= reached < integrated((seconds + 1) / HOUR)


def test_share_of_delays_within_the_available_time_equals_the_probability():
    delay = HAZARD.delay(touched(MANY), RANDOM, 4)
    for available in (6 * HOUR, DAY, 9 * DAY):
        probability = HAZARD.probability(touched(), np.array([available]))[0]
        earlier = int((delay < available).sum())
        assert stats.binomtest(earlier, MANY, probability).pvalue > 1e-3


def test_another_touch_makes_conversions_earlier():
    alone = HAZARD.delay(path("email", days=(2,), copies=MANY), RANDOM, 0)
    both = HAZARD.delay(path("social", "email", days=(0, 2), copies=MANY), RANDOM, 0)
    assert (both <= alone).all()
    assert (both < alone).mean() > 0.99


@pytest.mark.parametrize("baseline", [1e-12, 1e-5, 10.0])
def test_delays_of_small_and_large_hazards_stay_within_bounds(baseline):
    for added in (1e-9, 1.0, 1e4):
        process = Hazard(baseline, (added,) * len(CHANNELS), 1.0)
        delay = process.delay(path("email", copies=1_000), RANDOM.take(np.arange(1_000)), 0)
        assert (delay >= 1).all()
        assert (delay <= NEVER).all()
