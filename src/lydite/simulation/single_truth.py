"""Worlds with one true hypothesis: users convert exactly as it says, in all variants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lydite.simulation._conversion_process import NEVER, SHORTEST_WAIT
from lydite.simulation._experiments import (
    Assignment,
    SimulatedExperiment,
    draw_arms,
    experiments_table,
)
from lydite.simulation._hypotheses import HYPOTHESES, Hypothesis
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
from lydite.simulation._time_effects import TimeEffects, constant
from lydite.simulation._variants import (
    JOINS,
    PLAIN,
    VARIANTS,
    Variant,
    account_ids,
    bot_touches,
    draw_bots,
    draw_countries,
    share_conversions,
    share_touches,
)
from lydite.simulation.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

OUTCOME = "conversion"
LOOKBACK_DAYS = 30
CAMPAIGNS = tuple(f"{channel}_{half}" for channel in CHANNELS for half in ("a", "b"))
TOUCH_COST = {"search": 0.9, "social": 0.5, "affiliate": 1.2}
DAILY_COST = {"display": 30.0, "video": 55.0}  # per campaign, for every 10,000 users

_BLOCK = 50_000  # users simulated at a time: limits memory, and does not change results
_PILOT_USERS = 2_000  # enough to estimate the number of conversions
_RARE = 1e-9  # a factor on conversion probabilities with which no user converts
_MAX_TOUCHES = 40
_MAX_PATH_LENGTH = 16
_MAX_DURATION = 29 * DAY  # below the lookback, so that no path is ever cut
_ANOTHER_TOUCH = 0.87
_RETURN_AFTER_CONVERSION = 0.4
_RETURN_AFTER_PAUSE = 0.4


def simulate_single_truth(
    world: str,
    users: int,
    seed: int,
    weeks: int,
    start: date,
    variant: str | None = None,
    experiments: Sequence[SimulatedExperiment] = (),
) -> World:
    """Simulate one of `HYPOTHESES`; see `lydite.simulation.simulate` for the other arguments.

    Parameters
    ----------
    world, users, seed, weeks, start, variant
        As in `lydite.simulation.simulate`.
    experiments
        Experiments with all users, independent of each other. A touch that is held out leaves no
        trace; the next one comes when it would have come with it.
    """
    hypothesis = HYPOTHESES[world]
    chosen = PLAIN if variant is None else VARIANTS[variant]
    random = KeyedRandom(seed, np.arange(users))
    table = users_table(random, users)
    conditions = _conditions(hypothesis, chosen, users, seed, weeks, start)
    assignments = [draw_arms(each, CHANNELS, random, weeks * 7) for each in experiments]
    conditions = replace(conditions, assignments=tuple(assignments))
    accounts = -(-users // chosen.account_size)
    events = _simulate_users(hypothesis, conditions, random, accounts, weeks * 7 * DAY)
    of_variant: dict[str, object] = {}
    if chosen.account_size > 1:
        events = _Events(
            share_touches(events.touches, chosen.account_size, users),
            share_conversions(events.conversions, chosen.account_size, users, seed),
        )
        table = table.with_columns(account_id=account_ids(users, chosen.account_size))
    if chosen.bot_share:
        bots = np.flatnonzero(draw_bots(random, chosen.bot_share))
        events = _with_bots(events, random, bots, weeks * 7 * DAY)
        of_variant["bots"] = table["user_id"].gather(bots).to_list()
    if chosen.countries:
        table = table.with_columns(country=draw_countries(random))
    if variant is not None:
        of_variant |= {"variant": variant, "variant_claim": chosen.claim}
    touched, converted = events.touches, events.conversions
    names = Names(CHANNELS, CAMPAIGNS, ("click",), (OUTCOME,))
    return World(
        touchpoints=touchpoints_table(touched.drop("probability"), names, table["user_id"], start),
        conversions=conversions_table(converted, names, table["user_id"], start),
        spend=_spend(users, weeks, start),
        users=table,
        truth={
            "world": world,
            "claim": hypothesis.claim,
            "outcome": OUTCOME,
            "lookback_days": LOOKBACK_DAYS,
            "parameters": dict(hypothesis.parameters),
            "seed": seed,
            "users": users,
            "weeks": weeks,
            "start": start.isoformat(),
            "touchpoints": touched.height,
            "conversions": converted.height,
            "expected_base_rate": touched["probability"].mean(),
            **of_variant,
        },
        experiments=experiments_table(experiments, assignments, table["user_id"], start)
        if experiments
        else None,
    )


@dataclass(frozen=True)
class _Conditions:
    """What a variant changes while users are simulated.

    Attributes
    ----------
    time : TimeEffects, optional
        Effects of the calendar.
    rest : int
        Seconds after a conversion without a touch, at least.
    assignments : tuple of Assignment
        The experiments.
    """

    time: TimeEffects | None = None
    rest: int = DAY
    assignments: tuple[Assignment, ...] = ()


def _conditions(
    hypothesis: Hypothesis, variant: Variant, users: int, seed: int, weeks: int, start: date
) -> _Conditions:
    if variant.time_effects is not None:
        return _Conditions(variant.time_effects(seed, weeks, start))
    if variant.conversions_per_week is not None:
        rate = _rate_for(hypothesis, variant.conversions_per_week, users, seed, weeks)
        return _Conditions(constant(rate, weeks))
    if variant.account_size > 1:
        # An account decides more often than a member, who does not always join. Paths end when the
        # account has decided, also those of members who did not join.
        return _Conditions(constant(1 / JOINS, weeks), (LOOKBACK_DAYS + 1) * DAY)
    return _Conditions()


def _rate_for(
    hypothesis: Hypothesis, conversions_per_week: float, users: int, seed: int, weeks: int
) -> float:
    """Return the factor on conversion probabilities, at most 1, for a number of conversions."""
    some = min(users, _PILOT_USERS)
    random = KeyedRandom(seed, np.arange(some))
    rare = _Conditions(constant(_RARE, weeks))
    pilot = _simulate_users(hypothesis, rare, random, some, weeks * 7 * DAY)
    at_rate_1 = float(pilot.touches["probability"].sum()) / _RARE * users / some
    return float(min(1.0, conversions_per_week * weeks / at_rate_1)) if at_rate_1 else 1.0


@dataclass(frozen=True)
class _Events:
    """All touches and conversions, as numbers."""

    touches: pl.DataFrame
    conversions: pl.DataFrame


def _simulate_users(
    hypothesis: Hypothesis, conditions: _Conditions, random: KeyedRandom, users: int, end: int
) -> _Events:
    """Simulate the first users to the end of the history."""
    touches, conversions = [], []
    for begin in range(0, users, _BLOCK):
        block = np.arange(begin, min(begin + _BLOCK, users))
        for step in _simulate_block(hypothesis, conditions, random.take(block), block, end):
            touches.append(step.touches)
            conversions.append(step.conversions)
    return _Events(pl.concat(touches), pl.concat(conversions))


def _with_bots(events: _Events, random: KeyedRandom, bots: Ints, end: int) -> _Events:
    """Replace everything that some users do by the touches of bots."""
    user, second, channel = bot_touches(random.take(bots), bots, end)
    touches = _touches_table(user, second, channel, 2 * channel, np.zeros(len(user)))
    human = ~pl.col("user").is_in(bots.tolist())
    return _Events(
        pl.concat([events.touches.filter(human), touches]), events.conversions.filter(human)
    )


@dataclass(frozen=True)
class _ActiveUsers:
    """Users before their next touch, with their present paths."""

    user: Ints
    random: KeyedRandom
    next_second: Ints
    paths: Paths  # without the next touch: may be empty
    before: (
        Ints  # channel of the touch before, also one that was held out; the last number for none
    )

    def take(self, keep: Bools) -> _ActiveUsers:
        """Return some of the users."""
        return _ActiveUsers(
            self.user[keep],
            self.random.take(keep),
            self.next_second[keep],
            _take(self.paths, keep),
            self.before[keep],
        )


def _take(paths: Paths, keep: Bools) -> Paths:
    rate = paths.rate if isinstance(paths.rate, float) else paths.rate[keep]
    return Paths(
        paths.channel[keep], paths.second[keep], paths.length[keep], paths.intent[keep], rate
    )


def _simulate_block(
    hypothesis: Hypothesis, conditions: _Conditions, random: KeyedRandom, users: Ints, end: int
) -> Iterator[_Events]:
    """Simulate a block of users to the end of the history, one touch of each user per step."""
    active = _first_visits(hypothesis, conditions.time, random, users, end)
    for step in range(_MAX_TOUCHES):
        if len(active.user) == 0:
            return
        paths = _add_touches(active, conditions.time, step)
        channel = paths.from_end(0).astype(np.int64)
        is_seen = ~_held_out(active, channel, conditions.assignments, step)
        if not is_seen.all():
            paths = replace(paths, length=np.where(is_seen, paths.length, paths.length - 1))
        active = replace(active, paths=paths, before=channel)
        next_second = _next_touch(active, step)
        seen = active if is_seen.all() else active.take(is_seen)
        converted_at = np.full(len(active.user), NEVER)
        events, converted_at[is_seen] = _decide(hypothesis, seen, next_second[is_seen], end, step)
        yield events
        active = _next_state(active, next_second, converted_at, conditions.rest, step)
        active = active.take(active.next_second < end)


def _decide(
    hypothesis: Hypothesis, active: _ActiveUsers, next_second: Ints, end: int, step: int
) -> tuple[_Events, Ints]:
    """Decide whether users convert after a touch; return touches, conversions and their times."""
    available = np.minimum(next_second - active.next_second, LOOKBACK_DAYS * DAY)
    probability = hypothesis.process.probability(active.paths, available)
    delay = hypothesis.process.delay(active.paths, active.random, step)
    converted_at = np.where(delay < available, active.next_second + delay, NEVER)
    events = _Events(
        _touch_events(active, probability, step),
        _conversion_events(active, converted_at < end, converted_at, step),
    )
    return events, converted_at


def _held_out(
    active: _ActiveUsers, channel: Ints, assignments: Sequence[Assignment], step: int
) -> Bools:
    """Draw whether the next touch of each user is held out by an experiment."""
    held_out = np.zeros(len(active.user), dtype=bool)
    for number, assignment in enumerate(assignments):
        kept = assignment.factor_on(active.next_second // DAY, active.user)
        lucky = active.random.chance(f"kept {number}", np.minimum(kept, 1.0), step)
        held_out |= (channel == assignment.channel) & ~lucky
    return held_out


def _first_visits(
    hypothesis: Hypothesis, time: TimeEffects | None, random: KeyedRandom, users: Ints, end: int
) -> _ActiveUsers:
    """Draw first touches over the whole history, and each user's latent intent of mean 1."""
    spread = hypothesis.intent_log_spread
    intent = np.exp(spread * random.normal("intent") - spread**2 / 2)
    shape = (len(users), _MAX_PATH_LENGTH)
    empty = Paths(
        np.zeros(shape, np.int8), np.zeros(shape, np.int64), np.zeros(len(users), np.int64), intent
    )
    arrive = random.uniform("arrive")
    second = (arrive * end).astype(np.int64) if time is None else time.arrival(arrive)
    return _ActiveUsers(users, random, second, empty, np.full(len(users), len(CHANNELS)))


def _add_touches(active: _ActiveUsers, time: TimeEffects | None, step: int) -> Paths:
    """Draw every user's next channel and append it to the paths, in place."""
    paths, rows = active.paths, np.arange(len(active.user))
    cumulative, rate = _NEXT_CHANNEL[active.before], paths.rate
    if time is not None:
        cumulative = time.tilt(cumulative, active.next_second)
        rate = time.rate_at(active.next_second)
    channel = active.random.choice("channel", cumulative, step)
    paths.channel[rows, paths.length] = channel
    paths.second[rows, paths.length] = active.next_second
    return replace(paths, length=paths.length + 1, rate=rate)


def _next_touch(active: _ActiveUsers, step: int) -> Ints:
    """Draw when the next touch comes if no conversion does; `NEVER` where the path ends."""
    paths = active.paths
    second = active.next_second + _time_to_next_touch(active.random, step)
    continues = active.random.chance("another touch", _continue_probability(paths.intent), step)
    is_short = (second - paths.second[:, 0] < _MAX_DURATION) | (paths.length == 0)
    fits = is_short & (paths.length < _MAX_PATH_LENGTH)
    return np.where(continues & fits, second, NEVER)


def _next_state(
    active: _ActiveUsers, next_second: Ints, converted_at: Ints, rest: int, step: int
) -> _ActiveUsers:
    """Continue the path, start a new one after a conversion or a pause, or never return."""
    random = active.random
    converted = converted_at < NEVER
    stays = ~converted & (next_second < NEVER)
    pause = (random.exponential("pause", step) * 12 * DAY).astype(np.int64)
    after_conversion = converted_at + rest + pause
    after_path = active.next_second + (LOOKBACK_DAYS + 1) * DAY + pause
    returns = random.chance(
        "return", np.where(converted, _RETURN_AFTER_CONVERSION, _RETURN_AFTER_PAUSE), step
    )
    new_path = np.where(returns, np.where(converted, after_conversion, after_path), NEVER)
    return replace(
        active,
        next_second=np.where(stays, next_second, new_path),
        paths=replace(active.paths, length=np.where(stays, active.paths.length, 0)),
        before=np.where(stays, active.before, len(CHANNELS)),
    )


def _continue_probability(intent: Floats) -> Floats:
    """Return the probability of another touch: users of high intent have longer paths."""
    odds = _ANOTHER_TOUCH / (1 - _ANOTHER_TOUCH) * intent
    return np.asarray(odds / (1 + odds))


def _time_to_next_touch(random: KeyedRandom, step: int) -> Ints:
    """Draw the seconds to the next touch on a path: some hours for a few, days for most."""
    mean = np.where(random.chance("soon", 0.4, step), 0.15 * DAY, 4.5 * DAY)
    return SHORTEST_WAIT + (random.exponential("wait", step) * mean).astype(np.int64)


def _touch_events(active: _ActiveUsers, probability: Floats, step: int) -> pl.DataFrame:
    channel = active.paths.from_end(0).astype(np.int64)
    second_campaign = active.random.chance("campaign", 0.4, step)
    return _touches_table(
        active.user, active.next_second, channel, 2 * channel + second_campaign, probability
    )


def _touches_table(
    user: Ints, second: Ints, channel: Ints, campaign: Ints, probability: Floats
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "user": user,
            "second": second,
            "channel": channel.astype(np.int8),
            "campaign": campaign.astype(np.int8),
            "interaction": np.zeros(len(channel), np.int8),
            "cost": _TOUCH_COSTS[channel],
            "probability": probability,
        }
    )


def _conversion_events(active: _ActiveUsers, rows: Bools, seconds: Ints, step: int) -> pl.DataFrame:
    value = np.exp(3.6 + 0.7 * active.random.take(rows).normal("value", step))
    return pl.DataFrame(
        {
            "user": active.user[rows],
            "second": seconds[rows],
            "outcome": np.zeros(len(value), np.int8),
            "value": value,
        }
    )


def _spend(users: int, weeks: int, start: date) -> pl.DataFrame:
    """Return the daily cost of the channels that are not paid by touch."""
    return spend_table(
        (start + timedelta(days=day), channel, f"{channel}_{half}", cost * users / 10_000)
        for day in range(weeks * 7)
        for channel, cost in DAILY_COST.items()
        for half in ("a", "b")
    )


def _next_channel() -> Floats:
    """Return cumulative probabilities of the next channel, by the one before.

    The last row is for first touches. Any channel can follow any other, some more often: so rules
    that weight different touches of a path give credit to different channels.
    """
    popularity = np.array([0.18, 0.15, 0.16, 0.10, 0.12, 0.10, 0.08, 0.11])
    probabilities = np.tile(popularity, (len(CHANNELS) + 1, 1))
    for before in range(len(CHANNELS)):
        probabilities[before, (before + 3) % len(CHANNELS)] += 0.10
        probabilities[before, before] *= 0.6
    cumulative = np.cumsum(probabilities / probabilities.sum(axis=1, keepdims=True), axis=1)
    cumulative[:, -1] = 1.0
    return np.asarray(cumulative)


_NEXT_CHANNEL = _next_channel()
_TOUCH_COSTS: NDArray[np.float64] = np.array([TOUCH_COST.get(c, np.nan) for c in CHANNELS])
