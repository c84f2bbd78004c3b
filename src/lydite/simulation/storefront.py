"""The realistic world: a shop where some channels work and others only appear to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lydite.simulation import _market as market
from lydite.simulation._calendar import Calendar
from lydite.simulation._counterfactual import true_effects
from lydite.simulation._random import KeyedRandom
from lydite.simulation._tables import (
    Names,
    conversions_table,
    spend_table,
    touchpoints_table,
    users_table,
)
from lydite.simulation._users import simulate_users
from lydite.simulation.world import World

if TYPE_CHECKING:
    from datetime import date

    import polars as pl

CLAIM = (
    "Video, social, generic search, email and affiliates make purchases; branded search, direct "
    "visits and retargeting follow interest and make (next to) none."
)
LOOKBACK_DAYS = 30


def simulate_storefront(users: int, seed: int, weeks: int, start: date) -> World:
    """Simulate the shop; see `lydite.simulation.simulate` for the arguments."""
    calendar = Calendar(start, weeks * 7)
    numbers = np.arange(users)
    random_of_users = KeyedRandom(seed, numbers)
    events = simulate_users(random_of_users, numbers, calendar)
    table = users_table(random_of_users, users)
    names = Names(market.CHANNEL_NAMES, market.CAMPAIGN_NAMES, market.INTERACTIONS, market.OUTCOMES)
    return World(
        touchpoints=touchpoints_table(events.touches, names, table["user_id"], start),
        conversions=conversions_table(events.conversions, names, table["user_id"], start),
        spend=_spend(users, seed, calendar),
        users=table,
        truth={
            "world": "storefront",
            "claim": CLAIM,
            "lookback_days": LOOKBACK_DAYS,
            "seed": seed,
            "users": users,
            "weeks": weeks,
            "start": start.isoformat(),
            "touchpoints": events.touches.height,
            "parameters": market.parameters(),
            **true_effects(random_of_users, users, calendar, events.conversions),
        },
    )


def _spend(users: int, seed: int, calendar: Calendar) -> pl.DataFrame:
    """Return the daily cost of campaigns with a budget, which is larger on busy days."""
    days = range(calendar.days)
    random = KeyedRandom(seed, np.arange(calendar.days))
    season = np.array([calendar.season(day) for day in days]) * users / 10_000
    return spend_table(
        (calendar.date(day), channel.name, campaign.name, cost)
        for channel in market.CHANNELS
        for campaign in channel.campaigns
        if campaign.daily_budget is not None
        for day, cost in enumerate(
            campaign.daily_budget * season * (0.85 + 0.3 * random.uniform(campaign.name))
        )
    )
