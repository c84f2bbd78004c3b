"""True effects of channels: the same users and random numbers, with one channel switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lydite.simulation import _market as market
from lydite.simulation._users import simulate_users

if TYPE_CHECKING:
    from lydite.simulation._calendar import Calendar
    from lydite.simulation._random import Floats, KeyedRandom

MAX_USERS = 100_000
_CHANNELS = len(market.CHANNELS)


def true_effects(
    random: KeyedRandom, users: int, calendar: Calendar, conversions: pl.DataFrame
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

    Returns
    -------
    dict
        ``outcomes``, by outcome and channel, and ``counterfactual_users``.
    """
    simulated = min(users, MAX_USERS)
    happened = _sums(conversions, users, 1)[0]
    on = _sums(conversions.filter(pl.col("user") < simulated), simulated, 1)[0]
    off = _sums(
        _conversions_without_each_channel(random, simulated, calendar), simulated, _CHANNELS
    )
    lost = (on - off) * (users / simulated)
    return {
        "counterfactual_users": simulated,
        "outcomes": {
            outcome: {
                "conversions": int(happened[number, 0]),
                "value": float(happened[number, 1]),
                "channels": {
                    channel: _effect(happened[number], lost[place, number])
                    for place, channel in enumerate(market.CHANNEL_NAMES)
                },
            }
            for number, outcome in enumerate(market.OUTCOMES)
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
    random: KeyedRandom, users: int, calendar: Calendar
) -> pl.DataFrame:
    """Simulate one copy of the users per channel; those of copy c are numbered from c * users."""
    copies = np.arange(users * _CHANNELS)
    return simulate_users(
        random.take(copies % users), copies, calendar, off=copies // users
    ).conversions


def _sums(conversions: pl.DataFrame, users: int, copies: int) -> Floats:
    """Return conversions and their value, shape (copies, outcomes, 2)."""
    outcomes = len(market.OUTCOMES)
    place = conversions["user"].to_numpy() // users * outcomes + conversions["outcome"].to_numpy()
    value = np.nan_to_num(conversions["value"].round(2).to_numpy())
    size = copies * outcomes
    sums = (np.bincount(place, minlength=size), np.bincount(place, value, minlength=size))
    return np.stack(sums, axis=1).reshape(copies, outcomes, 2).astype(np.float64)
