"""The realistic world: a shop where some channels work and others only appear to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lydite.simulation._calendar import Calendar
from lydite.simulation._counterfactual import true_effects
from lydite.simulation._experiments import assign, experiments_table
from lydite.simulation._market import INTERACTIONS, OUTCOMES, STOREFRONT, Market
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
    from collections.abc import Sequence
    from datetime import date

    import polars as pl

    from lydite.simulation._experiments import SimulatedExperiment

CLAIM = (
    "Video, social, generic search, email and affiliates make purchases; branded search, direct "
    "visits and retargeting follow interest and make (next to) none."
)
LOOKBACK_DAYS = 30


def simulate_storefront(
    users: int,
    seed: int,
    weeks: int,
    start: date,
    experiments: Sequence[SimulatedExperiment] = (),
    market: Market = STOREFRONT,
    *,
    with_effects: bool = True,
) -> World:
    """Simulate the shop; see `lydite.simulation.simulate` for the other arguments.

    Parameters
    ----------
    users, seed, weeks, start
        As in `lydite.simulation.simulate`.
    experiments
        Experiments that take place, each with all users, independently of each other.
    market
        The channels.
    with_effects
        Whether to compute the true effects, which takes a simulation per channel.
    """
    calendar = Calendar(start, weeks * 7)
    numbers = np.arange(users)
    random_of_users = KeyedRandom(seed, numbers)
    assignments = [assign(each, market, random_of_users, calendar) for each in experiments]
    events = simulate_users(
        random_of_users, numbers, calendar, market=market, assignments=assignments
    )
    table = users_table(random_of_users, users)
    names = Names(market.channel_names, market.campaign_names, INTERACTIONS, OUTCOMES)
    truth = {
        "world": "storefront",
        "claim": CLAIM,
        "lookback_days": LOOKBACK_DAYS,
        "seed": seed,
        "users": users,
        "weeks": weeks,
        "start": start.isoformat(),
        "touchpoints": events.touches.height,
        "parameters": market.parameters(),
    }
    if with_effects:
        truth |= true_effects(
            random_of_users, users, calendar, events.conversions, market, assignments
        )
    if experiments:
        truth["experiments"] = {each.name: each.parameters() for each in experiments}
    return World(
        touchpoints=touchpoints_table(events.touches, names, table["user_id"], start),
        conversions=conversions_table(events.conversions, names, table["user_id"], start),
        spend=_spend(users, seed, calendar, market),
        users=table,
        truth=truth,
        experiments=experiments_table(experiments, assignments, table["user_id"], start)
        if experiments
        else None,
    )


def _spend(users: int, seed: int, calendar: Calendar, market: Market) -> pl.DataFrame:
    """Return the daily cost of campaigns with a budget, which is larger on busy days."""
    days = range(calendar.days)
    random = KeyedRandom(seed, np.arange(calendar.days))
    season = np.array([calendar.season(day) for day in days]) * users / 10_000
    return spend_table(
        (calendar.date(day), channel.name, campaign.name, cost)
        for channel in market.channels
        for campaign in channel.campaigns
        if campaign.daily_budget is not None
        for day, cost in enumerate(
            campaign.daily_budget * season * (0.85 + 0.3 * random.uniform(campaign.name))
        )
    )
