"""Small tables of journeys, with times in any form."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl


def few_journeys(days: int, per_day: int = 1) -> dict[str, pl.DataFrame]:
    """Return touches and conversions: ad, two hours later mail, an hour later the conversion."""
    start = datetime(2024, 1, 1)
    rows = [
        (f"{day} {n}", start + timedelta(days=day, minutes=n))
        for day in range(days)
        for n in range(per_day)
    ]
    touches = [
        (user, at + timedelta(hours=hours), channel)
        for user, at in rows
        for hours, channel in [(0, "ad"), (2, "mail")]
    ]
    conversions = [(user, at + timedelta(hours=3)) for user, at in rows]
    names = ["user_id", "touched_at", "channel"]
    return {
        "touchpoints": pl.DataFrame(touches, schema=names, orient="row"),
        "conversions": pl.DataFrame(conversions, schema=["user_id", "converted_at"], orient="row"),
    }


def in_form(frame: pl.DataFrame, column: str, form: str) -> pl.DataFrame:
    """Return times as text or another type, with a zone or without."""
    time = pl.col(column)
    forms = {
        "text": time.dt.strftime("%Y-%m-%d %H:%M:%S"),
        "text with Z": time.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "text with an offset": time.dt.strftime("%Y-%m-%dT%H:%M:%S+09:00"),
        "timestamp": time,
        "timestamp with zone": time.dt.replace_time_zone("Asia/Tokyo"),
        "day": time.dt.strftime("%Y-%m-%d"),
        "date": time.dt.date(),
        "epoch": time.dt.epoch("ms"),
        "epoch as text": time.dt.epoch("s").cast(pl.String),
    }
    return frame.with_columns(forms[form].alias(column))
