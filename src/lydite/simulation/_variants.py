"""Variants of the single-truth worlds, with features of real data that mislead an evaluation.

To add a variant, write what it changes and add it to `VARIANTS` with a sentence about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lydite.simulation import _time_effects as time_effects
from lydite.simulation._paths import CHANNELS
from lydite.simulation._random import KeyedRandom
from lydite.simulation._tables import identifiers

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from lydite.simulation._random import Bools, Ints
    from lydite.simulation._time_effects import TimeEffects

#: All members of an account have its touches, and most of them convert when it does.
JOINS = 0.8
BOT_CHANNEL = CHANNELS.index("display")
_BOT_CHANNEL_SHARE = 0.9
COUNTRIES = (
    "US", "DE", "FR", "GB", "IT", "ES", "PL", "NL", "BE", "SE", "AT", "CH", "CZ", "PT", "GR",
    "HU", "DK", "FI", "NO", "IE", "SK", "BG", "HR", "LT", "SI", "LV", "EE", "LU", "CY", "MT",
)  # fmt: skip


@dataclass(frozen=True)
class Variant:
    """What a variant changes; the defaults change nothing.

    Attributes
    ----------
    claim : str
        The variant in one sentence.
    time_effects : callable, optional
        Returns the effects of the calendar for a seed, a number of weeks and the first day.
    conversions_per_week : float, optional
        How many conversions all users make in a week, on average.
    account_size : int
        How many users belong to an account.
    bot_share : float
        Share of the users that are bots.
    countries : bool
        Whether users have a country.
    """

    claim: str
    time_effects: Callable[[int, int, date], TimeEffects] | None = None
    conversions_per_week: float | None = None
    account_size: int = 1
    bot_share: float = 0.0
    countries: bool = False


PLAIN = Variant("")
VARIANTS: dict[str, Variant] = {
    "season": Variant(
        "Conversion rates and the mix of channels follow a trend and waves of a year and a"
        " quarter.",
        time_effects.season,
    ),
    "random_walk": Variant(
        "Conversion rates and the mix of channels follow a random walk by week.",
        time_effects.random_walk,
    ),
    "shocks": Variant(
        "Conversion rates and the mix of channels change every week, independently.",
        time_effects.shocks,
    ),
    "weekday": Variant(
        "Conversion rates and the mix of channels depend on the weekday.", time_effects.weekday
    ),
    "hours": Variant(
        "Conversion rates and the mix of channels depend on the hour of the day.",
        time_effects.hours,
    ),
    "sale": Variant(
        "In sales of a few days, more users arrive, they convert more, and some channels are more"
        " frequent.",
        time_effects.sale,
    ),
    "accounts": Variant(
        "Five users of an account share all touches, and most of them convert when it does.",
        account_size=5,
    ),
    "bots": Variant(
        "Some users have hundreds of touches, most of them of one channel, and never convert.",
        bot_share=0.015,
    ),
    "sparse": Variant("All users together convert about once a week.", conversions_per_week=1.0),
    "countries": Variant("Users come from 30 countries of unequal size.", countries=True),
}


# --- accounts -------------------------------------------------------------------------------------


def share_touches(touches: pl.DataFrame, size: int, users: int) -> pl.DataFrame:
    """Give each touch of an account to all its members."""
    members = _of_members(touches, size, users)
    return members.with_columns(pl.col("probability") * JOINS)


def share_conversions(conversions: pl.DataFrame, size: int, users: int, seed: int) -> pl.DataFrame:
    """Give each conversion of an account to those of its members who join."""
    members = _of_members(conversions, size, users)
    random = KeyedRandom(seed, members["user"].to_numpy())
    joins = random.chance("join the conversion", JOINS, members["second"].to_numpy())
    return members.filter(pl.Series(joins))


def _of_members(events: pl.DataFrame, size: int, users: int) -> pl.DataFrame:
    """Return every event of an account once for each of its members, by number of the user."""
    members = [events.with_columns(pl.col("user") * size + member) for member in range(size)]
    return pl.concat(members).filter(pl.col("user") < users)


def account_ids(users: int, size: int) -> pl.Series:
    """Return the account of each user."""
    return identifiers("a", -(-users // size)).gather(np.arange(users) // size)


# --- bots -----------------------------------------------------------------------------------------


def draw_bots(random: KeyedRandom, share: float) -> Bools:
    """Draw which users are bots."""
    return random.chance("bot", share)


def bot_touches(random: KeyedRandom, bots: Ints, end: int) -> tuple[Ints, Ints, Ints]:
    """Return user, second and channel of bots: hundreds each, at any time, mostly one channel.

    Parameters
    ----------
    random : KeyedRandom
        Draws for the bots.
    bots : ndarray of int, shape (n,)
        Their numbers as users.
    end : int
        End of the history in seconds.
    """
    count = np.clip(300 * np.exp(0.4 * random.normal("bot touches")), 100, 1000).astype(np.int64)
    rows = np.repeat(np.arange(len(bots)), count)
    step = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
    draws = random.take(rows)
    usual = draws.chance("bot channel", _BOT_CHANNEL_SHARE, step)
    any_channel = (draws.uniform("bot other channel", step) * len(CHANNELS)).astype(np.int64)
    second = (draws.uniform("bot time", step) * end).astype(np.int64)
    return bots[rows], second, np.where(usual, BOT_CHANNEL, any_channel)


# --- countries ------------------------------------------------------------------------------------


def draw_countries(random: KeyedRandom) -> pl.Series:
    """Draw the country of each user; the largest has five times the users of the smallest."""
    size = 1 / (7 + np.arange(len(COUNTRIES)))
    cumulative = np.cumsum(size / size.sum())
    return pl.Series(COUNTRIES).gather(random.choice("country", cumulative))
