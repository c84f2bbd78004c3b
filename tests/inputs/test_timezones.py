"""Times: mixed zones and plain numbers are refused, with examples."""

import datetime as dt
import zoneinfo

import numpy as np
import pandas as pd
import polars as pl
import pytest

from lydite.engine import DuckDBEngine
from lydite.inputs import load_table

HEADER = "user_id,touched_at,channel\n"
TIME = dt.datetime(2026, 3, 1, 9, 30)


def frame_of(times):
    return pd.DataFrame({"user_id": "u", "Touched_At": times, "channel": "a"})


def test_mixed_zones_in_text(refused, write):
    rows = ["2026-03-01T09:30:00Z", "2026-03-01T09:30:00+00:00", "2026-03-01 09:30:00"]
    rows += ["2026-03-01T09:30:00+0200", "bad"]
    path = write("t.csv", HEADER + "".join(f"u,{row},a\n" for row in rows))
    refused(
        path,
        path,
        "'touched_at' mixes time zones",
        "1 with no zone (such as '2026-03-01 09:30:00')",
        "1 with Z (such as '2026-03-01T09:30:00Z')",
        "1 with +00:00",
        "1 with +0200",
        "Convert it to UTC",
        ".sql source",
    )


def test_mixed_zones_in_a_frame_of_objects(refused):
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    summer = dt.datetime(2026, 6, 1, tzinfo=zone)
    for other in (TIME, TIME.replace(tzinfo=dt.UTC), TIME.replace(tzinfo=zone)):
        frame = frame_of(pd.Series([summer, summer, other], dtype=object))
        refused(frame, "pandas DataFrame", "'Touched_At'", "2 with +02:00", "1 with ", "Convert it")


def test_mixed_named_zones(refused):
    times = ["2026-03-01 09:30:00 Europe/Berlin", "2026-03-01 09:30:00 UTC"]
    refused(frame_of(times), "1 with Europe/Berlin", "1 with UTC")


def test_mixed_zones_of_spend(refused):
    frame = pl.DataFrame({"date": ["2026-03-01", "2026-03-01T00:00Z"], "channel": "a", "cost": 1})
    refused(frame, "'date' mixes time zones", table="spend")


@pytest.mark.parametrize("times", [[1], [1.5], np.array([1], dtype=np.uint8), ["1", "", "12"]])
def test_numbers_of_an_unknown_unit(refused, times):
    refused(
        frame_of(times), "'Touched_At' has numbers", "such as 1", "to_timestamp(", ".sql source"
    )


def test_numbers_as_times_in_json(refused, write):
    path = write("t.json", '[{"user_id": 1, "touched_at": 1772000, "channel": "a"}]')
    refused(path, path, "such as 1772000", "unit is unknown")


@pytest.mark.parametrize(
    ("values", "zone"),
    [
        (["2026-03-01T09:30:00Z", None], "given"),
        (["2026-03-01 09:30+02:00", "not a time"], "given"),
        (["2026-03-01 09:30", "2026-03-01 09:31:05.25"], "none"),
        (["2026-03-01", "2026-03-02"], None),
        (["1772357400", "1772357401"], "epoch"),
        (["20260301", "20260302"], None),
        (["20260301093000"], None),
        ([TIME], "none"),
        ([TIME.replace(tzinfo=dt.UTC)], "given"),
        ([TIME.date()], None),
        ([1772357400123], "epoch"),
    ],
)
def test_what_the_times_say_about_their_zone(values, zone):
    touchpoints = pl.DataFrame({"touched_at": values}, strict=False).with_columns(
        user_id=pl.lit("ann"), channel=pl.lit("tv")
    )
    with DuckDBEngine() as engine:
        assert load_table(engine, "touchpoints", touchpoints).zone == zone
