"""The hypotheses of the single-truth worlds: what the path so far makes of the chance to convert.

To add a world: write how its rule weighs the touches of a path (or its chance outright), and enter
it in `TRUTHS` with its claim.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lydite.simulation._random import Bools, Floats, Ints

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHANNELS = ("search", "social", "display", "email", "video", "affiliate", "referral", "direct")
START = "(start)"
RATES = (0.02, 0.12, 0.005, 0.28, 0.05, 0.01, 0.19, 0.03)
NULL_RATE = 0.06
HALF_LIFE_DAYS = 7.0
_RATE_PER_INTENT = 0.04
_INTENT_SPREAD = 0.9
_DAY = 86_400.0


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

    def from_end(self, back: int) -> NDArray[np.int8]:
        """Channel of the touch `back` places before the last; ``len(CHANNELS)`` if none is."""
        place = self.length - 1 - back
        found = self.channel[np.arange(len(place)), np.maximum(place, 0)]
        return np.where(place >= 0, found, np.int8(len(CHANNELS)))


Probability = Callable[[Paths], Floats]
Weights = Callable[[Paths], Floats]


@dataclass(frozen=True)
class Truth:
    """One hypothesis that is true by construction.

    Attributes
    ----------
    claim : str
        The hypothesis in one sentence.
    probability : callable
        Chance that the touch just made is followed by a conversion, given the paths.
    parameters : mapping
        What the chance is made of, for the truth file.
    spread : float
        Standard deviation of the logarithm of users' latent intent; 0 makes all users alike.
    """

    claim: str
    probability: Probability
    parameters: Mapping[str, Any] = field(default_factory=dict)
    spread: float = 0.0


def rule(claim: str, weights: Weights, **parameters: float) -> Truth:
    """Build a rule's truth: one touch, drawn with its weights, decides at its channel's rate."""
    rates = np.array(RATES)

    def probability(paths: Paths) -> Floats:
        return np.asarray((weights(paths) * rates[paths.channel]).sum(axis=1))

    return Truth(
        claim, probability, {"rates": dict(zip(CHANNELS, RATES, strict=True)), **parameters}
    )


def first_touch(paths: Paths) -> Floats:
    """Put all weight on the first touch."""
    weights = np.zeros(paths.channel.shape)
    weights[:, 0] = 1.0
    return weights


def last_touch(paths: Paths) -> Floats:
    """Put all weight on the last touch."""
    return _at_end(paths).astype(np.float64)


def linear(paths: Paths) -> Floats:
    """Put the same weight on every touch."""
    return paths.present / paths.length[:, None]


def position_based(paths: Paths) -> Floats:
    """Put 40 % on each end and 20 % on the middle touches; two touches share equally."""
    length = paths.length[:, None]
    weights = paths.present * 0.2 / np.maximum(length - 2, 1)
    weights[:, 0] = 0.4
    weights[_at_end(paths)] = 0.4
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def time_decay(paths: Paths) -> Floats:
    """Weigh each touch by half for every seven days before the last one."""
    last = paths.second[np.arange(len(paths.length)), paths.length - 1]
    age = np.where(paths.present, last[:, None] - paths.second, 0) / _DAY
    weights = paths.present * np.exp2(-age / HALF_LIFE_DAYS)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _at_end(paths: Paths) -> Bools:
    return np.asarray(np.arange(paths.channel.shape[1]) == paths.length[:, None] - 1)


def _null(paths: Paths) -> Floats:
    return np.full(len(paths.length), NULL_RATE)


def _activity(paths: Paths) -> Floats:
    return np.minimum(_RATE_PER_INTENT * paths.intent, 0.5)


# Every channel meets every level over its predecessors: the last channel alone tells little.
_LEVELS = (0.01, 0.16, 0.02, 0.06, 0.01, 0.30, 0.03, 0.01)
PAIR_RATES = np.array(
    [[_LEVELS[(3 * before + last) % 8] for last in range(8)] for before in range(9)]
)


def _markov_2(paths: Paths) -> Floats:
    return np.asarray(PAIR_RATES[paths.from_end(1), paths.from_end(0)])


# Pairs that help and pairs that spoil each other, in log-odds; alone no channel does anything.
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


def set_rates() -> Floats:
    """Chance to convert for every set of channels, by bitmask (channel number i is bit i)."""
    masks = np.arange(1 << len(CHANNELS))
    log_odds = np.full(len(masks), SET_LOG_ODDS)
    for pair, effect in PAIR_LOG_ODDS.items():
        first, second = (CHANNELS.index(channel) for channel in pair)
        log_odds += effect * ((masks >> first) & (masks >> second) & 1)
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))


_SET_RATES = set_rates()


def _channel_set(paths: Paths) -> Floats:
    bits = np.where(paths.present, np.left_shift(1, paths.channel.astype(np.int64)), 0)
    return np.asarray(_SET_RATES[np.bitwise_or.reduce(bits, axis=1)])


TRUTHS: dict[str, Truth] = {
    "null": Truth(
        "Nothing decides: every touch is as likely as any to be the last before a conversion.",
        _null,
        {"rate": NULL_RATE},
    ),
    "first_touch": rule("The first touch decides.", first_touch),
    "last_touch": rule("The last touch decides.", last_touch),
    "linear": rule("Every touch of the path decides alike.", linear),
    "position_based": rule(
        "The ends of the path decide: 40 % each, the middle 20 %.", position_based
    ),
    "time_decay": rule(
        "Recent touches decide: each counts half per seven days of age.",
        time_decay,
        half_life_days=HALF_LIFE_DAYS,
    ),
    "markov_2": Truth(
        "The last two channels in their order decide.",
        _markov_2,
        {
            "rates": {
                before: dict(zip(CHANNELS, row, strict=True))
                for before, row in zip((*CHANNELS, START), PAIR_RATES.tolist(), strict=True)
            }
        },
    ),
    "channel_set": Truth(
        "The set of channels met decides, in any order: pairs of them help or spoil each other.",
        _channel_set,
        {
            "log_odds": SET_LOG_ODDS,
            "pair_log_odds": {" + ".join(pair): effect for pair, effect in PAIR_LOG_ODDS.items()},
        },
    ),
    "activity": Truth(
        "How interested users are decides both how many touches they make and whether they "
        "convert; channels do nothing.",
        _activity,
        {"rate_per_intent": _RATE_PER_INTENT, "intent_log_spread": _INTENT_SPREAD},
        spread=_INTENT_SPREAD,
    ),
}
