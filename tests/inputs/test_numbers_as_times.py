"""Numbers in a column of times: days and epochs are read, and mixed units are refused."""

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

from lydite.engine.dialect import translate
from lydite.inputs.numbers_as_times import _UNITS

SECONDS = 1_740_820_500
TIME = dt.datetime(2025, 3, 1, 9, 15)
DAY = dt.datetime(2025, 3, 1)


def frame_of(times):
    return pd.DataFrame({"user_id": "u", "Touched_At": times, "channel": "a"})


def times_of(read, touches, times):
    read("touchpoints", frame_of(times))
    return sorted(time for (time,) in touches("touched_at"))


@pytest.mark.parametrize(
    ("number", "time"),
    [
        (20250301, DAY),
        (SECONDS, TIME),
        (SECONDS * 1_000 + 123, TIME.replace(microsecond=123_000)),
        (20250301091500, TIME),
        (SECONDS * 1_000_000 + 123_456, TIME.replace(microsecond=123_456)),
        (SECONDS * 1_000_000_000 + 123_456_789, TIME.replace(microsecond=123_456)),
    ],
)
def test_the_magnitude_of_a_number_shows_its_unit(read, touches, number, time):
    for times in (
        [number], [str(number)], [f" {number}.0"], [decimal.Decimal(number)], ["n/a", str(number)],
    ):  # fmt: skip
        assert times_of(read, touches, times) == [time]


def test_fractions_of_seconds_are_read(read, touches):
    times = [SECONDS + 0.25, np.nan]
    assert times_of(read, touches, times) == [TIME.replace(microsecond=250_000)]
    assert times_of(read, touches, [f"{SECONDS}.25"]) == [TIME.replace(microsecond=250_000)]


@pytest.mark.parametrize(
    "date", [20250301, "20250301", "2025-3-1", "2025/3/1", SECONDS, SECONDS * 1_000_000, DAY]
)
def test_days_of_spend(engine, read, date):
    read("spend", pl.DataFrame({"date": [date], "channel": ["a"], "cost": [1]}))
    assert engine.rows("select date from inputs.spend") == [(DAY.date(),)]


@pytest.mark.parametrize(
    "text",
    ["2025-3-1 9:15", "2025-03-01 9:15:00", "2025-3-01T9:15Z", "2025-3-1 10:15+01:00",
     "2025/3/1 9:15"],
)  # fmt: skip
def test_leading_zeros_may_be_missing(read, touches, text):
    assert times_of(read, touches, [text]) == [TIME]


@pytest.mark.parametrize(
    ("times", "units"),
    [
        ([SECONDS, SECONDS * 1_000], ("1 in milliseconds", "1 in seconds")),
        ([str(SECONDS), "20250301", "20250302"], ("2 in days such as 20260301", "1 in seconds")),
        ([SECONDS * 1_000_000, SECONDS * 1_000_000_000], ("microseconds", "nanoseconds")),
        ([str(SECONDS), "", "17720000"], ("1 in an unknown unit (such as 17720000)",)),
    ],
)
def test_mixed_units_are_refused(refused, times, units):
    refused(frame_of(times), "'Touched_At' has numbers in several units", *units, ".sql source")


def test_numbers_that_stand_for_unknown_times_are_set_aside(read):
    report = read("touchpoints", frame_of([SECONDS, 0, -1]))
    assert (report.rows, report.bad) == (1, {"invalid_touched_at": 2})


def test_days_that_do_not_exist_are_set_aside(read):
    report = read("touchpoints", frame_of([20250230, 20250301]))
    assert (report.rows, report.bad) == (1, {"invalid_touched_at": 1})


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("01/20/2024 23:44", "%m/%d/%Y %H:%M"),
        ("1/20/2024", "%m/%d/%Y"),
        ("20.01.2024", "%d.%m.%Y"),
    ],
)
def test_other_orders_of_day_and_month_get_advice(refused, text, pattern):
    refused(frame_of([text]), "invalid_touched_at", text, f"strptime(Touched_At, '{pattern}')")


@pytest.mark.parametrize("unit", _UNITS, ids=lambda unit: unit.name)
def test_every_unit_is_read_on_spark(unit):
    assert "try_cast" in translate(f"select {unit.time.format(text='t')} from x").lower()
