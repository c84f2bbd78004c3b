"""A shop with campaigns, spend and regions, and the journeys of its users by a plain loop."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pandas as pd

MODELS = ["first_touch", "last_touch", "linear"]
LOOKBACK = pd.Timedelta(days=7)
START = pd.Timestamp("2026-01-05")


def shop() -> dict[str, pd.DataFrame]:
    """Return touches over 20 weeks, of which about a third of the users convert, with spend."""
    rng = np.random.default_rng(1)
    n = 4000
    users = rng.integers(0, 1200, n)
    channel = rng.choice(["Search", "Mail", "Social"], n, p=[0.5, 0.3, 0.2])
    touches = pd.DataFrame(
        {
            "user_id": [f"u{user}" for user in users],
            "touched_at": START + pd.to_timedelta(rng.integers(0, 20 * 7 * 1440, n), unit="min"),
            "channel": channel,
            "campaign": [
                {"Search": ["Brand", "Generic", None], "Mail": ["News", "News", "News"]}.get(
                    name, [None] * 3
                )[pick]
                for name, pick in zip(channel, rng.integers(0, 3, n), strict=True)
            ],
        }
    ).drop_duplicates(["user_id", "touched_at"])
    converting = touches.sample(500, random_state=2)
    conversions = pd.DataFrame(
        {
            "user_id": converting["user_id"],
            "converted_at": converting["touched_at"] + pd.Timedelta(minutes=90),
            "value": rng.integers(10, 90, 500).astype(float),
        }
    )
    days = [START.date() + timedelta(days=day) for day in range(-3, 140)]
    spend = pd.DataFrame(
        [(day, "search ", "brand", 10.0) for day in days]
        + [(day, "Search", "Generic", 5.0) for day in days]
        + [(day, "Radio", None, 2.0) for day in days]
        + [(day, "Mail", None, 1.0) for day in days],
        columns=["date", "channel", "campaign", "cost"],
    )
    people = pd.DataFrame(
        {"user_id": [f"u{user}" for user in range(1200)], "region": ["north", "south", None] * 400}
    )
    return {"touchpoints": touches, "conversions": conversions, "spend": spend, "users": people}


def journeys_of(
    sources: dict[str, pd.DataFrame], as_of: pd.Timestamp, lookback: pd.Timedelta = LOOKBACK
) -> pd.DataFrame:
    """Return every journey that ended, with its path: a loop over the events of each user."""
    touches = sources["touchpoints"].assign(kind="touch").rename(columns={"touched_at": "at"})
    orders = sources["conversions"].assign(kind="order").rename(columns={"converted_at": "at"})
    events = pd.concat([touches, orders]).sort_values("at", kind="stable")
    found = []
    for _, own in events.groupby("user_id"):
        path: list[tuple[pd.Timestamp, str]] = []
        rows = [*own[["at", "kind", "channel", "value"]].itertuples(index=False), None]
        for event, following in pairwise(rows):
            path = [step for step in path if event.at - step[0] < lookback]
            if event.kind == "touch":
                path.append((event.at, event.channel))
                until = following.at if following is not None else pd.Timestamp.max
                if until - event.at >= lookback and event.at <= as_of - lookback:
                    found.append((" > ".join(name for _, name in path), 0, np.nan, None, None))
            else:
                if path:
                    ages = event.at - path[0][0], event.at - path[-1][0]
                    found.append((" > ".join(name for _, name in path), 1, event.value, *ages))
    return pd.DataFrame(found, columns=["path", "converted", "value", "since_first", "since_last"])
