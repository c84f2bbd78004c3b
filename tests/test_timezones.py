"""Tests of local times: days and weeks over both changes of the clocks, from input to results."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite import compare, credit, inputs, pipeline, simulate
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.evaluation import voids
from lydite.evaluation.calendar import History, make_calendar
from lydite.models import choose
from lydite.settings import make_settings, parse_settings
from lydite.timezones import check_timezone, to_local, to_utc

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland",
         "America/Santiago", "Australia/Lord_Howe"]  # fmt: skip
HOUR = np.timedelta64(1, "h")
BERLIN = "Europe/Berlin"


@given(
    st.lists(st.datetimes(datetime(2000, 1, 1), datetime(2035, 1, 1)), min_size=1, max_size=9),
    st.sampled_from(ZONES),
)
def test_local_times_agree_with_the_standard_library(times, zone):
    given_times = np.array(times, dtype="datetime64[us]")
    expected = [
        time.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) for time in times
    ]
    assert to_local(given_times, zone).tolist() == expected


@given(st.dates(date(2000, 1, 1), date(2035, 1, 1)), st.sampled_from(ZONES))
def test_a_local_day_starts_at_its_first_instant(day, zone):
    start = to_utc(np.array([day], dtype="datetime64[D]"), zone)
    local = to_local(np.concatenate([start, start - np.timedelta64(1, "us")]), zone)
    days = local.astype("datetime64[D]").tolist()
    assert days[0] == day
    assert days[1] < day


@pytest.mark.parametrize("name", ["Europe/Berlni", "", "CEST+1", "../etc/passwd"])
def test_unknown_zones_are_refused(name):
    with pytest.raises(InputError, match="Europe/Berlin"):
        check_timezone(name)
    values = {"sources": {"touchpoints": "t.csv", "conversions": "c.csv"}, "timezone": name}
    with pytest.raises(InputError, match="timezone"):
        parse_settings(values, "here")


# --- periods --------------------------------------------------------------------------------------


def calendar(first: str, days: int, period: str, zone: str):
    """Return the calendar of an outcome with a conversion in every hour."""
    start = np.datetime64(first, "us")
    when = start + np.arange(days * 24) * HOUR
    history = History(
        "sale", start, start + np.timedelta64(days, "D"), when, np.full(len(when), 0.5), len(when),
        timezone=zone,
    )  # fmt: skip
    return make_calendar(history, timedelta(days=1), period)


@pytest.mark.parametrize(
    ("first", "change", "hours"),
    [("2026-02-25", "2026-03-23", 7 * 24 - 1), ("2026-09-25", "2026-10-19", 7 * 24 + 1)],
)
def test_a_week_with_a_change_of_the_clocks_is_a_local_week(first, change, hours):
    found = calendar(first, 70, "week", BERLIN)
    edges = np.append(found.starts, found.end)
    local = to_local(edges, BERLIN)
    assert (local == local.astype("datetime64[D]")).all()
    assert {day.weekday() for day in local.astype("datetime64[D]").tolist()} == {0}
    lengths = dict(zip(local[:-1].astype("datetime64[D]").tolist(), np.diff(edges) / HOUR,
                       strict=True))  # fmt: skip
    assert lengths.pop(date.fromisoformat(change)) == hours
    assert set(lengths.values()) == {7 * 24}
    assert found.first_day(0) == local[0].astype("datetime64[D]").item()
    middle = found.starts + 3 * HOUR
    assert found.period_of(middle).tolist() == list(range(len(found)))
    assert found.period_of(found.starts - np.timedelta64(1, "us")).tolist() == [
        -1, *range(len(found) - 1)
    ]  # fmt: skip


@pytest.mark.parametrize("period", ["day", "week", "month"])
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("first", ["2026-02-25", "2026-09-25"])
def test_periods_follow_each_other_without_gaps(first, zone, period):
    found = calendar(first, 160, period, zone)
    every_hour = np.arange(found.starts[0], found.end, HOUR)
    number = found.period_of(every_hour)
    assert number.min() == 0
    assert set(np.diff(number).tolist()) == {0, 1}


# --- input and results ----------------------------------------------------------------------------

NAIVE = [
    pl.Series(["2026-03-29 01:30:00", "2026-10-25T02:30"]),
    pl.Series([datetime(2026, 3, 29, 1, 30), datetime(2026, 10, 25, 2, 30)]),
    pl.Series([20260329013000, 20261025023000]),
    pl.Series(["20260329013000", "20261025023000"]),
]
KNOWN = [
    pl.Series(["2026-03-29T00:30Z", "2026-10-25T01:30Z"]),
    pl.Series([1774744200, 1792891800]),
    pl.Series([1774744200000, 1792891800000]),
    pl.Series([datetime(2026, 3, 29, 0, 30), datetime(2026, 10, 25, 1, 30)]).dt.replace_time_zone(
        "UTC"
    ),
]


@pytest.mark.parametrize("times", [*NAIVE, *KNOWN])
def test_times_without_a_zone_are_local(times):
    """As clocks go back, a time occurs twice: the second one is meant."""
    touchpoints = pl.DataFrame({"user_id": ["a", "b"], "touched_at": times, "channel": "tv"})
    with DuckDBEngine(threads=1) as engine:
        report = inputs.load_table(
            engine,
            "touchpoints",
            touchpoints,
            inputs.LoadOptions(now=datetime(2027, 1, 1), timezone=BERLIN),
        )
        found = engine.rows("select touched_at from inputs.touchpoints order by user_id")
    assert found == [(datetime(2026, 3, 29, 0, 30),), (datetime(2026, 10, 25, 1, 30),)]
    assert report.zone in {"given", "epoch", None}  # None: digits may be days


@pytest.mark.parametrize(
    ("given_date", "day"),
    [
        ("2026-03-01", date(2026, 3, 1)),
        ("2026-03-01T23:30Z", date(2026, 3, 2)),
        ("20260301", date(2026, 3, 1)),
        ("2026-03-01 23:30", date(2026, 3, 1)),
        (date(2026, 3, 1), date(2026, 3, 1)),
        (datetime(2026, 3, 1, 23, 30, tzinfo=UTC), date(2026, 3, 2)),
    ],
)
def test_days_of_spend_are_local(given_date, day):
    spend = pl.DataFrame({"date": [given_date], "channel": "tv", "cost": 1.0})
    with DuckDBEngine(threads=1) as engine:
        now = datetime(2026, 7, 1)
        inputs.load_table(engine, "spend", spend, inputs.LoadOptions(now=now, timezone=BERLIN))
        assert engine.rows("select date from inputs.spend") == [(day,)]


def test_spend_of_the_local_day_is_not_in_the_future():
    spend = pl.DataFrame({"date": [date(2026, 7, 2)], "channel": "tv", "cost": 1.0})
    now = datetime(2026, 7, 1, 22, 30)
    with DuckDBEngine(threads=1) as engine:
        report = inputs.load_table(
            engine, "spend", spend, inputs.LoadOptions(now=now, timezone=BERLIN)
        )
        assert report.rows == 1
        assert inputs.load_table(engine, "spend", spend, inputs.LoadOptions(now=now)).bad == {
            "future_date": 1
        }


def sources(zone_of_conversions: str = "Z") -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return a touch in the evening of each day, and a conversion half an hour later."""
    touches = [datetime(2026, 2, 1, 22, 10) + timedelta(days=n) for n in range(60)]
    users = [f"u{n}" for n in range(60)]
    return (
        pl.DataFrame({"user_id": users, "touched_at": touches, "channel": "tv"}),
        pl.DataFrame(
            {
                "user_id": users,
                "converted_at": [
                    (time + timedelta(minutes=70)).isoformat() + zone_of_conversions
                    for time in touches
                ],
            }
        ),
    )


def test_zoned_and_local_times_fit_together_where_the_zone_is_declared():
    touchpoints, conversions = sources("+01:00")
    found = credit(
        touchpoints=touchpoints,
        conversions=conversions.head(50),
        models=["linear"],
        intervals=False,
        timezone="Africa/Lagos",
        lookback="2h",
    )
    assert dict(found.table.select("channel", "conversions").rows()) == {
        "tv": 50, "(unattributed)": 0,
    }  # fmt: skip
    assert "mixed_zones" not in str(found.to_dict())


def test_the_time_zone_stays_with_the_database(tmp_path):
    path = tmp_path / "warehouse.duckdb"
    with DuckDBEngine(path) as engine:
        engine.set_timezone(BERLIN)
    with DuckDBEngine(path) as engine:
        assert engine.timezone == BERLIN
        day = engine.scalar("select cast(local_time(timestamp '2026-03-01 23:30') as date)")
        assert day == date(2026, 3, 2)
        engine.set_timezone("UTC")
        assert engine.scalar("select local_time(timestamp '2026-03-01')") == datetime(2026, 3, 1)
    with DuckDBEngine(path) as engine:
        assert engine.timezone == "UTC"


# --- whole runs -----------------------------------------------------------------------------------


def test_days_of_results_are_local():
    world = simulate("linear", users=1500, seed=1, weeks=12)
    frames = {
        "touchpoints": world.touchpoints.with_columns(
            pl.col("touched_at").dt.replace_time_zone("UTC")
        ),
        "conversions": world.conversions.with_columns(
            pl.col("converted_at").dt.replace_time_zone("UTC")
        ),
    }
    options = {"lookback": "3d", "period": "day", "models": ["linear", "last_touch"]}
    by_utc = compare(**frames, **options)
    local = compare(**frames, **options, timezone="Pacific/Auckland")
    daily = local.marts["credit_daily"].filter(pl.col("model") == "linear")
    expected = world.conversions.with_columns(
        pl.col("converted_at").dt.replace_time_zone("UTC")
        .dt.convert_time_zone("Pacific/Auckland").dt.date().alias("date")
    )  # fmt: skip
    counted = daily.group_by("date").agg(pl.col("conversions").sum()).sort("date")
    wanted = expected.group_by("date").len().sort("date")
    assert counted["date"].to_list() == wanted["date"].to_list()
    assert counted["conversions"].to_list() == pytest.approx(wanted["len"].to_list())
    total = [found.marts["channel_credit"]["conversions"].sum() for found in (by_utc, local)]
    assert total[0] == pytest.approx(total[1])
    starts = local.marts["evidence"]["period_start"].unique().sort()
    assert (starts.diff().drop_nulls() == timedelta(days=1)).all()


def test_evidence_in_a_time_zone_is_read_again_and_voided_by_its_days(tmp_path):
    world = simulate("linear", users=1500, seed=1, weeks=12)
    frames = {"touchpoints": world.touchpoints, "conversions": world.conversions}
    settings = make_settings(lookback="3d", timezone=BERLIN)
    path = tmp_path / "warehouse.duckdb"
    tables = []
    for _ in range(2):
        with DuckDBEngine(path, threads=1) as engine:
            pipeline.run(engine, frames, settings, rivals=choose(["linear", "last_touch"]))
            tables.append(engine.frame("select * from mart.evidence order by all").rows())
            days = voids.list_periods(engine)["first_day"].unique().to_list()
    assert tables[0] == tables[1]
    assert {day.weekday() for day in days} == {0}
