"""Worlds with one true hypothesis: users walk over channels and convert exactly as it says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lydite.simulation._conversion_process import NEVER, SHORTEST_WAIT
from lydite.simulation._hypotheses import TRUTHS, Truth
from lydite.simulation._paths import CHANNELS, Paths
from lydite.simulation._random import Bools, Floats, Ints, KeyedRandom
from lydite.simulation._tables import (
    DAY,
    Names,
    conversions_table,
    spend_table,
    touchpoints_table,
    users_table,
)
from lydite.simulation.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

OUTCOME = "conversion"
LOOKBACK_DAYS = 30
CAMPAIGNS = tuple(f"{channel}_{half}" for channel in CHANNELS for half in ("a", "b"))
TOUCH_COST = {"search": 0.9, "social": 0.5, "affiliate": 1.2}
DAILY_COST = {"display": 30.0, "video": 55.0}  # per campaign, for every 10,000 users

_BLOCK = 50_000  # users at a time: memory stays small, and results do not depend on it
_MOST_TOUCHES = 40
_LONGEST_PATH = 16
_LONGEST_SPAN = 29 * DAY  # within the lookback, so that no landmark's path is ever cut
_ANOTHER_TOUCH = 0.87
_RETURN_AFTER_CONVERSION = 0.4
_RETURN_AFTER_SILENCE = 0.4


def simulate_single_truth(world: str, users: int, seed: int, weeks: int, start: date) -> World:
    """Simulate one of `TRUTHS`; see `lydite.simulation.simulate` for the arguments."""
    truth = TRUTHS[world]
    everyone = KeyedRandom(seed, np.arange(users))
    table = users_table(everyone, users)
    touches, conversions = [], []
    for begin in range(0, users, _BLOCK):
        block = np.arange(begin, min(begin + _BLOCK, users))
        for step in _walk(truth, everyone.take(block), block, weeks * 7 * DAY):
            touches.append(step.touches)
            conversions.append(step.conversions)
    touched, converted = pl.concat(touches), pl.concat(conversions)
    names = Names(CHANNELS, CAMPAIGNS, ("click",), (OUTCOME,))
    return World(
        touchpoints=touchpoints_table(touched.drop("probability"), names, table["user_id"], start),
        conversions=conversions_table(converted, names, table["user_id"], start),
        spend=_spend(users, weeks, start),
        users=table,
        truth={
            "world": world,
            "claim": truth.claim,
            "outcome": OUTCOME,
            "lookback_days": LOOKBACK_DAYS,
            "parameters": dict(truth.parameters),
            "seed": seed,
            "users": users,
            "weeks": weeks,
            "start": start.isoformat(),
            "touchpoints": touched.height,
            "conversions": converted.height,
            "expected_base_rate": touched["probability"].mean(),
        },
    )


@dataclass(frozen=True)
class _Step:
    """What one round of touches wrote down."""

    touches: pl.DataFrame
    conversions: pl.DataFrame


@dataclass(frozen=True)
class _Walkers:
    """Users about to make their next touch, with the path they carry."""

    user: Ints
    random: KeyedRandom
    next_second: Ints
    paths: Paths  # before the touch: may be empty

    def take(self, keep: Bools) -> _Walkers:
        """Keep some of the users."""
        paths = self.paths
        return _Walkers(
            self.user[keep],
            self.random.take(keep),
            self.next_second[keep],
            Paths(paths.channel[keep], paths.second[keep], paths.length[keep], paths.intent[keep]),
        )


def _walk(truth: Truth, random: KeyedRandom, users: Ints, end: int) -> Iterator[_Step]:
    """Walk a block of users to the end of the world, one touch of everybody at a time."""
    walkers = _arrive(truth, random, users, end)
    for step in range(_MOST_TOUCHES):
        if len(walkers.user) == 0:
            return
        paths = _touch(walkers, step)
        onward = _onward(walkers, paths, step)
        available = np.minimum(onward - walkers.next_second, LOOKBACK_DAYS * DAY)
        probability = truth.law.probability(paths, available)
        delay = truth.law.delay(paths, walkers.random, step)
        converted_at = np.where(delay < available, walkers.next_second + delay, NEVER)
        yield _Step(
            _touch_events(walkers, paths, probability, step),
            _conversion_events(walkers, converted_at < end, converted_at, step),
        )
        walkers = _go_on(walkers, paths, onward, converted_at, step)
        walkers = walkers.take(walkers.next_second < end)


def _arrive(truth: Truth, random: KeyedRandom, users: Ints, end: int) -> _Walkers:
    """Spread first touches over the whole time, each user with a latent intent of mean 1."""
    intent = np.exp(truth.spread * random.normal("intent") - truth.spread**2 / 2)
    shape = (len(users), _LONGEST_PATH)
    empty = Paths(
        np.zeros(shape, np.int8), np.zeros(shape, np.int64), np.zeros(len(users), np.int64), intent
    )
    return _Walkers(users, random, (random.uniform("arrive") * end).astype(np.int64), empty)


def _touch(walkers: _Walkers, step: int) -> Paths:
    """Draw everybody's next channel and lengthen their paths by it, in place."""
    paths, rows = walkers.paths, np.arange(len(walkers.user))
    before = np.where(paths.length > 0, paths.from_end(0), len(CHANNELS))
    channel = walkers.random.choice("channel", _CHAIN[before], step)
    paths.channel[rows, paths.length] = channel
    paths.second[rows, paths.length] = walkers.next_second
    return replace(paths, length=paths.length + 1)


def _onward(walkers: _Walkers, paths: Paths, step: int) -> Ints:
    """Draw when everybody's path goes on if no conversion comes first; `NEVER` where it ends."""
    onward = walkers.next_second + _wait(walkers.random, step)
    more = walkers.random.chance("another touch", _keenness(paths.intent), step)
    fits = (onward - paths.second[:, 0] < _LONGEST_SPAN) & (paths.length < _LONGEST_PATH)
    return np.where(more & fits, onward, NEVER)


def _go_on(
    walkers: _Walkers, paths: Paths, onward: Ints, converted_at: Ints, step: int
) -> _Walkers:
    """Stay on the path, or start a new one after a conversion or a silence, or never return."""
    random = walkers.random
    converted = converted_at < NEVER
    stays = ~converted & (onward < NEVER)
    pause = (random.exponential("pause", step) * 12 * DAY).astype(np.int64)
    after_conversion = converted_at + DAY + pause
    after_silence = walkers.next_second + (LOOKBACK_DAYS + 1) * DAY + pause
    again = random.chance(
        "return", np.where(converted, _RETURN_AFTER_CONVERSION, _RETURN_AFTER_SILENCE), step
    )
    anew = np.where(again, np.where(converted, after_conversion, after_silence), NEVER)
    return replace(
        walkers,
        next_second=np.where(stays, onward, anew),
        paths=replace(paths, length=np.where(stays, paths.length, 0)),
    )


def _keenness(intent: Floats) -> Floats:
    """Chance of another touch: the higher the intent, the longer the journey."""
    odds = _ANOTHER_TOUCH / (1 - _ANOTHER_TOUCH) * intent
    return np.asarray(odds / (1 + odds))


def _wait(random: KeyedRandom, step: int) -> Ints:
    """Time to the next touch on a path: some come within hours, most after days."""
    mean = np.where(random.chance("soon", 0.4, step), 0.15 * DAY, 4.5 * DAY)
    return SHORTEST_WAIT + (random.exponential("wait", step) * mean).astype(np.int64)


def _touch_events(walkers: _Walkers, paths: Paths, probability: Floats, step: int) -> pl.DataFrame:
    channel = paths.from_end(0).astype(np.int64)
    second_campaign = walkers.random.chance("campaign", 0.4, step)
    return pl.DataFrame(
        {
            "user": walkers.user,
            "second": walkers.next_second,
            "channel": channel.astype(np.int8),
            "campaign": (2 * channel + second_campaign).astype(np.int8),
            "interaction": np.zeros(len(channel), np.int8),
            "cost": _TOUCH_COSTS[channel],
            "probability": probability,
        }
    )


def _conversion_events(walkers: _Walkers, rows: Bools, seconds: Ints, step: int) -> pl.DataFrame:
    value = np.exp(3.6 + 0.7 * walkers.random.take(rows).normal("value", step))
    return pl.DataFrame(
        {
            "user": walkers.user[rows],
            "second": seconds[rows],
            "outcome": np.zeros(len(value), np.int8),
            "value": value,
        }
    )


def _spend(users: int, weeks: int, start: date) -> pl.DataFrame:
    """Daily cost of the channels that are not paid per touch."""
    return spend_table(
        (start + timedelta(days=day), channel, f"{channel}_{half}", cost * users / 10_000)
        for day in range(weeks * 7)
        for channel, cost in DAILY_COST.items()
        for half in ("a", "b")
    )


def _chain() -> Floats:
    """Cumulative chances of the next channel by the one before; the last row is for first touches.

    Some channels follow others more often, yet all follow all, so that rules which look at
    different touches of a path see different channels.
    """
    popularity = np.array([0.18, 0.15, 0.16, 0.10, 0.12, 0.10, 0.08, 0.11])
    chances = np.tile(popularity, (len(CHANNELS) + 1, 1))
    for before in range(len(CHANNELS)):
        chances[before, (before + 3) % len(CHANNELS)] += 0.10
        chances[before, before] *= 0.6
    cumulative = np.cumsum(chances / chances.sum(axis=1, keepdims=True), axis=1)
    cumulative[:, -1] = 1.0
    return np.asarray(cumulative)


_CHAIN = _chain()
_TOUCH_COSTS: NDArray[np.float64] = np.array([TOUCH_COST.get(c, np.nan) for c in CHANNELS])
