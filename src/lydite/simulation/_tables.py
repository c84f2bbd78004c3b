"""Turns numbered events into input tables: sorts them, adds identifiers, names and times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lydite.simulation._random import Bools, KeyedRandom

DAY = 86_400
CUSTOMER_TYPES = ("new", "returning")
RETURNING_SHARE = 0.4
REGIONS = ("north", "south", "east", "west")
_REGION_CUMULATIVE = np.array([0.35, 0.6, 0.82, 1.0])


@dataclass(frozen=True)
class Names:
    """Names of channels, campaigns, interactions and outcomes, by number."""

    channels: Sequence[str]
    campaigns: Sequence[str]
    interactions: Sequence[str]
    outcomes: Sequence[str]


def touchpoints_table(
    events: pl.DataFrame, names: Names, users: pl.Series, start: date
) -> pl.DataFrame:
    """Return the table of touchpoints.

    Parameters
    ----------
    events : polars.DataFrame
        ``user, second, channel, campaign, interaction`` as whole numbers, and ``cost``; seconds
        since `start`.
    names : Names
        Names of the numbers.
    users : polars.Series
        Identifiers of the users.
    start : date
        First day of the world.
    """
    events = events.sort("second", "user", "channel")
    return pl.DataFrame(
        {
            "user_id": users.gather(events["user"]),
            "touched_at": _times(events["second"], start),
            "channel": _named(names.channels, events["channel"]),
            "campaign": _named(names.campaigns, events["campaign"]),
            "interaction": _named(names.interactions, events["interaction"]),
            "cost": _amounts(events["cost"], 4),
            "touchpoint_id": identifiers("t", events.height),
        }
    )


def conversions_table(
    events: pl.DataFrame, names: Names, users: pl.Series, start: date
) -> pl.DataFrame:
    """Return the table of conversions from events ``user, second, outcome, value``."""
    events = events.sort("second", "user", "outcome")
    return pl.DataFrame(
        {
            "user_id": users.gather(events["user"]),
            "converted_at": _times(events["second"], start),
            "outcome": _named(names.outcomes, events["outcome"]),
            "value": _amounts(events["value"], 2),
            "conversion_id": identifiers("c", events.height),
        }
    )


def spend_table(rows: Iterable[tuple[date, str, str, float]]) -> pl.DataFrame:
    """Return the table of daily cost from rows of date, channel, campaign and cost."""
    schema = {"date": pl.Date, "channel": pl.String, "campaign": pl.String, "cost": pl.Float64}
    table = pl.DataFrame(list(rows), schema=schema, orient="row")
    return table.with_columns(pl.col("cost").round(2)).sort("date", "channel", "campaign")


def users_table(random: KeyedRandom, count: int) -> pl.DataFrame:
    """Return the table of users with their segments."""
    return pl.DataFrame(
        {
            "user_id": identifiers("u", count),
            "customer_type": _named(
                CUSTOMER_TYPES, pl.Series(is_returning(random).astype(np.int8))
            ),
            "region": _named(REGIONS, pl.Series(random.choice("region", _REGION_CUMULATIVE))),
        }
    )


def is_returning(random: KeyedRandom) -> Bools:
    """Draw which users were customers before the first day."""
    return random.chance("customer type", RETURNING_SHARE)


def identifiers(prefix: str, count: int) -> pl.Series:
    """Return identifiers that sort like their numbers: ``u00000001``."""
    numbers = pl.int_range(1, count + 1, eager=True).cast(pl.String).str.zfill(8)
    return prefix + numbers


def _named(names: Sequence[str], codes: pl.Series) -> pl.Series:
    return pl.Series(names, dtype=pl.String).gather(codes)


def _amounts(amounts: pl.Series, digits: int) -> pl.Series:
    return amounts.fill_nan(None).round(digits)


def _times(seconds: pl.Series, start: date) -> pl.Series:
    """Return seconds since the first day as UTC times without a time zone."""
    return datetime.combine(start, time()) + (seconds * 1_000_000).cast(pl.Duration("us"))
