"""Journeys simulated from an additive hazard, and their landmarks."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from lydite.models import PathChannels
from lydite.models.fitted_rules import HALF_LIVES_HOURS
from tests.helpers.random_landmarks import draw_landmarks

LOOKBACK = 240.0
BASELINE = 0.0008
HAZARDS = (0.012, 0.004, 0.001)


@dataclass(frozen=True)
class Journey:
    """Touches as (hour, channel), and the hour at which it converts or ends."""

    touches: list[tuple[float, int]]
    end: float
    converted: bool


def expected_by(time, past, now, law):
    """Return the integral of the hazard over `time` hours from `now`, touch by touch."""
    baseline, hazards, half_life = law
    total = baseline * time
    for hour, channel in past:
        left = 0.5 ** ((now - hour) / half_life)
        total += hazards[channel] * left * half_life / math.log(2) * (1 - 0.5 ** (time / half_life))
    return total


def simulate(rng, size, law, mean_wait=40.0):
    """Draw journeys: the next touch comes by chance, the conversion by inverting the hazard."""
    journeys = []
    for _ in range(size):
        touches, now = [], 0.0
        while True:
            touches.append((now, int(rng.integers(len(law[1])))))
            wait, needed = float(rng.exponential(mean_wait)), float(rng.exponential())
            span = min(wait, LOOKBACK)
            if expected_by(span, touches, now, law) >= needed:
                low, high = 0.0, span
                for _ in range(50):
                    middle = (low + high) / 2
                    enough = expected_by(middle, touches, now, law) >= needed
                    low, high = (low, middle) if enough else (middle, high)
                journeys.append(Journey(touches, now + high, converted=True))
                break
            if wait >= LOOKBACK or len(touches) == 12:
                journeys.append(Journey(touches, now + span, converted=False))
                break
            now += wait
    return journeys


def landmarks_of(journeys, channels=3, buckets=None):
    """Return landmarks, one for each touch."""
    half_lives = np.array(HALF_LIVES_HOURS, dtype=float)
    strengths, touches, hours, converted, bucket, last = [], [], [], [], [], []
    for number, journey in enumerate(journeys):
        strength = np.zeros((len(half_lives), channels))
        touched, before = np.zeros(channels), 0.0
        ends = [hour for hour, _ in journey.touches[1:]] + [journey.end]
        for (hour, channel), end in zip(journey.touches, ends, strict=True):
            strength = strength * 0.5 ** ((hour - before) / half_lives)[:, None]
            strength[:, channel] += 1
            touched[channel] += 1
            before = hour
            strengths.append(strength.copy())
            touches.append(touched.copy())
            hours.append(end - hour)
            converted.append(journey.converted and end == journey.end)
            bucket.append(number % 256 if buckets is None else buckets[number])
            last.append(channel)
    n = len(hours)
    touched = np.array(touches).reshape(n, channels)
    row, channel = np.nonzero(touched)
    every = np.array(strengths).reshape(n, len(half_lives), channels)
    drawn = draw_landmarks(np.random.default_rng(0), n, channels)
    return replace(
        drawn,
        bucket=np.array(bucket, dtype=int),
        converted=np.array(converted, dtype=bool),
        hours_to_next=np.array(hours, dtype=float),
        paths=replace(
            drawn.paths,
            path_channels=PathChannels(
                row,
                channel,
                touched[row, channel].astype(int),
                {
                    f"strength after {hours} h": every[row, number, channel]
                    for number, hours in enumerate(HALF_LIVES_HOURS)
                },
            ),
        ),
    )
