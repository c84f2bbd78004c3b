"""Conversion probabilities of worlds without rules: by intent, or by order or set of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from lydite.simulation._paths import CHANNELS, Paths

if TYPE_CHECKING:
    from lydite.simulation._random import Floats, Ints

NULL_RATE = 0.06
RATE_PER_INTENT = 0.04

# Every channel has every level for some predecessor: the last channel alone says little.
_LEVELS = (0.01, 0.16, 0.02, 0.06, 0.01, 0.30, 0.03, 0.01)
PAIR_RATES = np.array(
    [[_LEVELS[(3 * before + last) % 8] for last in range(8)] for before in range(9)]
)

# The same for the channel before those two, and one rate at a first touch: two channels say
# little.
TRIPLE_RATES = np.array(
    [
        [[_LEVELS[(5 * first + 3 * before + last) % 8] for last in range(8)] for before in range(9)]
        for first in range(9)
    ]
)
TRIPLE_RATES[-1, -1] = np.mean(_LEVELS)

# Log-odds of pairs that help or hurt each other; a channel alone has no effect.
SET_LOG_ODDS = -3.2
PAIR_LOG_ODDS = {
    ("search", "email"): 2.4,
    ("social", "video"): 2.0,
    ("display", "referral"): 2.2,
    ("affiliate", "direct"): 1.8,
    ("search", "display"): -2.4,
    ("email", "video"): -1.8,
    ("social", "direct"): -2.0,
    ("referral", "affiliate"): -1.6,
}

# Log-odds of channels, independent of each other and of their position.
INTERCEPT = -3.1
LOG_ODDS = (0.9, -1.1, 0.3, 1.6, -0.7, 1.2, -1.4, -0.3)


def null(paths: Paths) -> Floats:
    """Return the same probability for every touch."""
    return np.full(len(paths.length), NULL_RATE)


def activity(paths: Paths) -> Floats:
    """Return a probability proportional to the user's intent, at most one half."""
    return np.minimum(RATE_PER_INTENT * paths.intent, 0.5)


def markov_2(paths: Paths) -> Floats:
    """Look up the rate of the last two channels."""
    return np.asarray(PAIR_RATES[paths.from_end(1), paths.from_end(0)])


def markov_3(paths: Paths) -> Floats:
    """Look up the rate of the last three channels."""
    return np.asarray(TRIPLE_RATES[paths.from_end(2), paths.from_end(1), paths.from_end(0)])


def channel_set(paths: Paths) -> Floats:
    """Look up the rate of the set of channels."""
    return np.asarray(_SET_RATES[_masks(paths)])


def logistic(paths: Paths) -> Floats:
    """Add up the log-odds of the channels on the path."""
    on_path = (_masks(paths)[:, None] >> np.arange(len(CHANNELS))) & 1
    return np.asarray(expit(INTERCEPT + on_path @ np.array(LOG_ODDS)))


def _masks(paths: Paths) -> Ints:
    """Return the set of channels on each path as a bitmask (channel number i is bit i)."""
    bits = np.where(paths.present, np.left_shift(1, paths.channel.astype(np.int64)), 0)
    return np.asarray(np.bitwise_or.reduce(bits, axis=1))


def _set_rates() -> Floats:
    """Return the conversion probability of every set of channels, by bitmask."""
    masks = np.arange(1 << len(CHANNELS))
    log_odds = np.full(len(masks), SET_LOG_ODDS)
    for pair, effect in PAIR_LOG_ODDS.items():
        first, second = (CHANNELS.index(channel) for channel in pair)
        log_odds += effect * ((masks >> first) & (masks >> second) & 1)
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))


_SET_RATES = _set_rates()
