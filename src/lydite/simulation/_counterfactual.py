"""True effects of channels: the same users and random numbers, with one channel switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lydite.simulation._market import OUTCOMES, STOREFRONT, Market
from lydite.simulation._users import simulate_users

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lydite.simulation._calendar import Calendar
    from lydite.simulation._experiments import Assignment
    from lydite.simulation._random import Floats, KeyedRandom

MAX_USERS = 100_000


def true_effects(
    random: KeyedRandom,
    users: int,
    calendar: Calendar,
    conversions: pl.DataFrame,
    market: Market = STOREFRONT,
    assignments: Sequence[Assignment] = (),
) -> dict[str, Any]:
    """Return the conversions that would not have happened without each channel.

    In larger worlds only the first `MAX_USERS` users are simulated again (users do not depend on
    their number, so these are a random sample), and the differences are scaled up to all.

    Parameters
    ----------
    random : KeyedRandom
        Draws of all users.
    users : int
        Number of users.
    calendar : Calendar
        The simulated days.
    conversions : polars.DataFrame
        Conversions with all channels on: ``user, outcome, value``.
    market : Market
        The channels.
    assignments : sequence of Assignment
        Experiments, which go on while a channel is off.

    Returns
    -------
    dict
        ``outcomes``, by outcome and channel, and ``counterfactual_users``.
    """
    simulated = min(users, MAX_USERS)
    happened = _sums(conversions, users, 1)[0]
    on = _sums(conversions.filter(pl.col("user") < simulated), simulated, 1)[0]
    without = _conversions_without_each_channel(random, simulated, calendar, market, assignments)
    off = _sums(without, simulated, len(market.channels))
    lost = (on - off) * (users / simulated)
    return {
        "counterfactual_users": simulated,
        "outcomes": {
            outcome: {
                "conversions": int(happened[number, 0]),
                "value": float(happened[number, 1]),
                "channels": {
                    channel: _effect(happened[number], lost[place, number])
                    for place, channel in enumerate(market.channel_names)
                },
            }
            for number, outcome in enumerate(OUTCOMES)
        },
    }


def _effect(happened: Floats, lost: Floats) -> dict[str, float]:
    return {
        "conversions_on": float(happened[0]),
        "conversions_off": float(happened[0] - lost[0]),
        "incremental_conversions": float(lost[0]),
        "incremental_value": float(lost[1]),
    }


def _conversions_without_each_channel(
    random: KeyedRandom,
    users: int,
    calendar: Calendar,
    market: Market,
    assignments: Sequence[Assignment],
) -> pl.DataFrame:
    """Simulate one copy of the users per channel; those of copy c are numbered from c * users."""
    copies = np.arange(users * len(market.channels))
    original = copies % users
    of_copies = [assignment.take(original) for assignment in assignments]
    return simulate_users(
        random.take(original), copies, calendar, copies // users, market, of_copies
    ).conversions


def _sums(conversions: pl.DataFrame, users: int, copies: int) -> Floats:
    """Return conversions and their value, shape (copies, outcomes, 2)."""
    outcomes = len(OUTCOMES)
    place = conversions["user"].to_numpy() // users * outcomes + conversions["outcome"].to_numpy()
    value = np.nan_to_num(conversions["value"].round(2).to_numpy())
    size = copies * outcomes
    sums = (np.bincount(place, minlength=size), np.bincount(place, value, minlength=size))
    return np.stack(sums, axis=1).reshape(copies, outcomes, 2).astype(np.float64)
