"""What each channel truly causes: the same users and the same random numbers, with the channel switched off."""

from __future__ import annotations

from typing import Any

import polars as pl

from lydite.simulation import _market as market
from lydite.simulation._crowd import record
from lydite.simulation._random import Ints, KeyedRandom

MOST_USERS = 100_000


def true_effects(
    random: KeyedRandom, users: Ints, calendar: market.Calendar, conversions: pl.DataFrame
) -> dict[str, Any]:
    """Count what every channel's absence would have cost.

    Beyond `MOST_USERS` users the first of them are re-run (users are alike, so they are a random sample),
    and the differences are scaled up to all.

    Parameters
    ----------
    random, users, calendar
        As the world was made.
    conversions : polars.DataFrame
        What happened with everything on: ``user, outcome, value``.

    Returns
    -------
    dict
        ``outcomes``, by outcome and channel, and ``counterfactual_users``.
    """
    rerun = users[:MOST_USERS]
    scale = len(users) / len(rerun)
    world = _sums(conversions)
    on = _sums(conversions.filter(pl.col("user") < len(rerun)))
    outcomes: dict[str, Any] = {
        outcome: {"conversions": count, "value": value, "channels": {}}
        for outcome, (count, value) in zip(market.OUTCOMES, world, strict=True)
    }
    for number, channel in enumerate(market.CHANNEL_NAMES):
        off = _sums(record(random, rerun, calendar, off=number).conversions)
        for outcome, everything, with_it, without in zip(market.OUTCOMES, world, on, off, strict=True):
            count, value = ((a - b) * scale for a, b in zip(with_it, without, strict=True))
            outcomes[outcome]["channels"][channel] = {
                "conversions_on": everything[0],
                "conversions_off": everything[0] - count,
                "incremental_conversions": count,
                "incremental_value": value,
            }
    return {"outcomes": outcomes, "counterfactual_users": len(rerun)}


def _sums(conversions: pl.DataFrame) -> list[tuple[int, float]]:
    """Conversions and their value, by outcome."""
    value = pl.col("value").round(2).fill_nan(None)
    sums = [
        conversions.filter(pl.col("outcome") == number).select(pl.len(), value.sum()).row(0)
        for number in range(len(market.OUTCOMES))
    ]
    return [(int(count), float(value)) for count, value in sums]
