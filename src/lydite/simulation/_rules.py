"""Rules: one touch of the path, drawn with the weights of the rule, decides."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lydite.simulation._conversion_process import ImmediateConversion
from lydite.simulation._paths import Paths
from lydite.simulation._random import Floats

RATES = (0.02, 0.12, 0.005, 0.28, 0.05, 0.01, 0.19, 0.03)
HALF_LIFE_DAYS = 7.0
_DAY = 86_400.0

Weights = Callable[[Paths], Floats]


def rule(weights: Weights) -> ImmediateConversion:
    """Return a process in which one touch, drawn by weight, converts at its channel's rate."""
    rates = np.array(RATES)

    def rate(paths: Paths) -> Floats:
        return np.asarray((weights(paths) * rates[paths.channel]).sum(axis=1))

    return ImmediateConversion(rate)


def first_touch(paths: Paths) -> Floats:
    """Put all weight on the first touch."""
    weights = np.zeros(paths.channel.shape)
    weights[:, 0] = 1.0
    return weights


def last_touch(paths: Paths) -> Floats:
    """Put all weight on the last touch."""
    return paths.at(paths.length).astype(np.float64)


def linear(paths: Paths) -> Floats:
    """Put the same weight on every touch."""
    return paths.present / paths.length[:, None]


def position_based(paths: Paths) -> Floats:
    """Put 40 % on each end and 20 % on the touches between; two touches share equally."""
    length = paths.length[:, None]
    weights = paths.present * 0.2 / np.maximum(length - 2, 1)
    weights[:, 0] = 0.4
    weights[paths.at(paths.length)] = 0.4
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def w_shaped(paths: Paths) -> Floats:
    """Put 30 % on the first, middle and last touch, 10 % on others; up to three share equally."""
    length = paths.length[:, None]
    weights = paths.present * 0.1 / np.maximum(length - 3, 1)
    weights[:, 0] = 0.3
    weights[paths.at((paths.length + 1) // 2) | paths.at(paths.length)] = 0.3
    return np.where(length > 3, weights, linear(paths))


def time_decay(paths: Paths) -> Floats:
    """Weight touches by exponential decay, with a half-life of seven days before the last one."""
    weights = paths.present * np.exp2(-paths.age / _DAY / HALF_LIFE_DAYS)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
