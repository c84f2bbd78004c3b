"""The time of a load, and declared ends of the data."""

import datetime as dt

import pandas as pd
import polars as pl
import pytest

from lydite.errors import InputError
from lydite.inputs import LoadOptions, load, load_table
from lydite.settings import DeclaredEnds
from tests.helpers.input_rows import TIME, row


def test_now_is_the_current_time_in_utc_by_default(engine):
    recent = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=5)
    soon = recent + dt.timedelta(minutes=10)
    frame = pl.DataFrame([row(touched_at=recent), row(touched_at=soon)])
    assert load_table(engine, "touchpoints", frame).bad == {"future_touched_at": 1}


def test_now_with_a_zone_is_converted(engine):
    now = dt.datetime(2026, 3, 1, 10, 30, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    late = TIME + dt.timedelta(seconds=1)
    frame = pl.DataFrame([row(touched_at=TIME), row(touched_at=late)])
    assert load_table(engine, "touchpoints", frame, LoadOptions(now=now)).bad == {
        "future_touched_at": 1
    }


NOW = dt.datetime(2026, 7, 1)


def test_rows_after_a_declared_end_are_set_aside(engine):
    first, second = dt.datetime(2026, 3, 1), dt.datetime(2026, 4, 1)
    touchpoints = pd.DataFrame(
        {"user_id": "u", "touched_at": [first, second, second + dt.timedelta(1)], "channel": "tv"}
    )
    conversions = pd.DataFrame(
        {
            "user_id": "u",
            "converted_at": [first, second, second + dt.timedelta(1)] * 3,
            "outcome": ["lead", "lead", "lead", "it's", "it's", "it's", None, None, None],
        }
    )
    ends = DeclaredEnds(second, first, {"it's": second})
    found = load(
        engine,
        {"touchpoints": touchpoints, "conversions": conversions},
        LoadOptions(now=NOW, ends=ends),
    )
    assert found.counts == {
        "touchpoints": {"after_as_of": 1}, "conversions": {"after_as_of": 5},
    }  # fmt: skip
    assert found.tables["conversions"].bad_share == 0
    assert sorted(engine.rows("select outcome, count(*) from inputs.conversions group by 1")) == [
        ("conversion", 1), ("it's", 2), ("lead", 1)
    ]  # fmt: skip
    assert engine.scalar("select max(touched_at) from inputs.touchpoints") == second


def test_a_declared_end_in_the_future_is_refused(read, touchpoints):
    with pytest.raises(InputError, match="as_of = 2026-07-02 00:00:00 is in the future"):
        read("touchpoints", touchpoints, ends=DeclaredEnds(None, dt.datetime(2026, 7, 2)))


def test_nothing_before_a_declared_end_is_an_error(read, touchpoints):
    with pytest.raises(InputError, match="later than the declared as_of; raise as_of"):
        read("touchpoints", touchpoints, ends=DeclaredEnds(dt.datetime(2020, 1, 1)))
