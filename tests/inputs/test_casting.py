"""Casting: columns are matched by name, and values of every form get the type of the column."""

import datetime as dt
import decimal
import uuid
import zoneinfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

TIME = dt.datetime(2026, 3, 1, 9, 30)
ROWS = [("u1", TIME, "search"), ("u2", TIME, 'e-mail, "new"\nÉté')]
FRAME = pl.DataFrame(ROWS, schema=["user_id", "touched_at", "channel"], orient="row")


def frame_of(times):
    return pd.DataFrame({"user_id": "u", "Touched_At": times, "channel": "a"})


def test_missing_column(refused, write):
    path = write("t.csv", "userid,touched_at,source\nu1,2026-03-01,a\n")
    refused(
        path,
        path,
        "lacks the required columns 'user_id', 'channel'",
        "it has 'userid', 'touched_at', 'source'",
        "did you mean 'user_id' for 'userid'?",
        "Rename the columns",
    )


def test_missing_column_of_a_frame(refused):
    frame = pl.DataFrame({"user_id": [1], "Time": [TIME], "channel": ["a"]})
    refused(frame, "polars DataFrame", "lacks the required column 'touched_at'", "it has 'user_id'")


def test_other_types_as_times(refused):
    refused(frame_of([True]), "'Touched_At' has the type BOOLEAN", "such as True", "Cast it")


def test_order_and_case_of_columns_do_not_matter(read, touches):
    frame = FRAME.select("channel", "touched_at", pl.lit(1).alias("extra"), "user_id")
    read("touchpoints", frame.rename(str.upper).rename({"CHANNEL": " Channel "}))
    assert touches() == ROWS


UUID = uuid.UUID("12345678-1234-5678-1234-567812345678")


def users_of(read, touches, ids):
    """Return the texts of the ids that were accepted."""
    rows = {"user_id": ids, "touched_at": [TIME] * len(ids), "channel": ["a"] * len(ids)}
    frame = pa.table(rows) if isinstance(ids, pa.Array) else pd.DataFrame(rows)
    read("touchpoints", frame)
    return [user for (user,) in touches("user_id")]


@pytest.mark.parametrize(
    ("ids", "texts"),
    [
        ([5, 6], ["5", "6"]),
        ([5.0, np.nan], ["5"]),
        ([5.5, 1e15, -3.0], ["-3", "1000000000000000", "5.5"]),
        (["5", "5.0"], ["5", "5.0"]),
        ([5, "5", 5.0, decimal.Decimal(5), "a"], ["5", "5", "5", "5", "a"]),
        ([UUID, None], [str(UUID)]),
        ([True, "x"], ["True", "x"]),
        ([b"a", None], ["a"]),
        (pd.array([5, None], dtype="Int64"), ["5"]),
        (pd.Categorical([5, 6, None]), ["5", "6"]),
        (pd.Categorical(["x", None, "y"]), ["x", "y"]),
        (pd.Categorical([1.0, 2.0]), ["1", "2"]),
        (np.array([2**64 - 1, 1], dtype=np.uint64), ["1", "18446744073709551615"]),
        (pa.array([decimal.Decimal("5.00")]), ["5"]),
        (pa.array([decimal.Decimal("5.25")]), ["5.25"]),
        (pa.array([float("nan"), 7.0], pa.float32()), ["7"]),
        (pa.array([b"\xc3\xa9", b"z"]), ["z", "é"]),
        (pa.array(["x", "y", "x"]).dictionary_encode(), ["x", "x", "y"]),
    ],
)
def test_user_ids_become_text(read, touches, ids, texts):
    assert users_of(read, touches, ids) == texts


def test_user_ids_of_uuid_type_in_parquet(engine, read, touches, tmp_path):
    engine.run(
        f"copy (select uuid '{UUID}' as user_id, date '2026-03-01' as touched_at, 'a' as channel)"
        f" to '{tmp_path}/t.parquet'"
    )
    read("touchpoints", tmp_path / "t.parquet")
    assert touches() == [(str(UUID), dt.datetime(2026, 3, 1), "a")]


def times_of(read, touches, times):
    """Return the times that were accepted, in the order given."""
    count = len(times)
    frame = pd.DataFrame(
        {"user_id": range(100, 100 + count), "touched_at": times, "channel": ["a"] * count}
    )
    read("touchpoints", frame)
    return [time for (time,) in touches("touched_at")]


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T09:30:00Z",
        "2026-03-01 09:30:00Z",
        "2026-03-01T09:30:00z",
        "2026-03-01T09:30Z",
        "2026-03-01T09:30:00.000000000Z",
        "2026-03-01T09:30:00,000Z",
        " 2026-03-01T09:30:00Z\t",
        "2026-03-01 09:30:00 UTC",
        "2026-03-01T09:30:00",
        "2026-03-01 09:30",
        "2026-03-01T10:30:00+01:00",
        "2026-03-01T10:30:00+0100",
        "2026-03-01 10:30:00+01",
        "2026-03-01 10:30 +01:00",
        "2026-03-01T10:30:00.000 +01:00",
        "2026-03-01T04:00:00-05:30",
        "2026-03-01 10:30:00 Europe/Berlin",
    ],
)
def test_text_is_read_as_a_time_in_utc(read, touches, text):
    assert times_of(read, touches, [text]) == [TIME]


def test_spellings_of_one_zone_may_mix(read, touches):
    spellings = ["Z", "z", "+00:00", "+0000", "+00", "-00:00", " UTC"]
    times = [f"2026-03-01T09:30:00{zone}" for zone in spellings]
    assert times_of(read, touches, times) == [TIME] * len(spellings)
    times = [f"2026-03-01T11:30:00{zone}" for zone in ("+02", "+0200", "+02:00")]
    assert times_of(read, touches, times) == [TIME] * 3


def test_invalid_times_are_not_counted_as_a_zone(read, touches):
    odd = ["n/a", "", None, "2026-02-30", "2026-02-30T25:00+05:00", "20260301", "2026-03-01T9:3X"]
    assert times_of(read, touches, ["2026-03-01T09:30:00Z", *odd]) == [TIME]


def test_dates_are_midnight(read, touches):
    midnight = dt.datetime(2026, 3, 1)
    assert times_of(read, touches, ["2026-03-01"]) == [midnight]
    assert times_of(read, touches, [midnight.date()]) == [midnight]
    assert times_of(read, touches, pa.array([midnight.date()]).to_pandas()) == [midnight]


def test_zones_of_typed_columns_are_converted(read, touches):
    berlin = pd.to_datetime(["2026-03-01T10:30", "2026-06-01T11:30", None]).tz_localize(
        "Europe/Berlin"
    )
    assert times_of(read, touches, berlin) == [TIME, dt.datetime(2026, 6, 1, 9, 30)]


def test_objects_of_one_offset_are_converted(read, touches):
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    times = [dt.datetime(2026, 3, day, 10, 30, tzinfo=zone) for day in (1, 2)]
    assert times_of(read, touches, pd.Series(times, dtype=object)) == [
        TIME,
        TIME + dt.timedelta(days=1),
    ]


def test_the_precision_of_parquet_does_not_matter(read, touches, tmp_path):
    for unit in ("s", "ms", "us", "ns"):
        table = FRAME.to_arrow().set_column(
            1, "touched_at", pa.array([TIME] * 2, pa.timestamp(unit))
        )
        pq.write_table(table, tmp_path / "t.parquet")
        read("touchpoints", tmp_path / "t.parquet")
        assert touches() == ROWS


def test_days_of_spend_come_from_dates_times_and_text(engine, read):
    day = dt.date(2026, 3, 1)
    for value in (day, dt.datetime(2026, 3, 1, 23), "2026-03-01", "2026-03-01T23:00:00Z"):
        read("spend", pl.DataFrame({"date": [value], "channel": ["a"], "cost": [1]}))
        assert engine.rows("select date, cost from inputs.spend") == [(day, 1.0)]


@pytest.mark.parametrize(
    "costs",
    [
        ["2", "0.5", "", " 1e0 "],
        [2, 0.5, None, 1],
        [decimal.Decimal(2), decimal.Decimal("0.5"), None, decimal.Decimal(1)],
        np.array([2, 0.5, np.nan, 1], dtype=np.float32),
        [2, "0.5", np.nan, 1.0],
    ],
)
def test_numbers_of_every_form(read, touches, costs):
    frame = pd.DataFrame({"user_id": list("abcd"), "touched_at": TIME, "channel": "x"})
    assert read("touchpoints", frame.assign(cost=costs)).bad == {}
    assert touches("cost") == [(2.0,), (0.5,), (None,), (1.0,)]


def test_one_odd_object_late_in_a_frame_is_one_bad_row(read):
    frame = pd.DataFrame({"user_id": "u", "touched_at": TIME, "channel": "x"}, index=range(5000))
    costs = pd.Series([1.0] * 4999 + ["odd"], dtype=object)
    report = read("touchpoints", frame.assign(cost=costs))
    assert (report.rows, report.bad) == (4999, {"invalid_cost": 1})


def test_infinite_objects_are_not_finite(read):
    frame = pd.DataFrame({"user_id": list("abc"), "touched_at": TIME, "channel": "x"})
    costs = pd.Series([decimal.Decimal("inf"), float("-inf"), "1"], dtype=object)
    assert read("touchpoints", frame.assign(cost=costs)).bad == {"not_finite_cost": 2}
