"""Drift: the last week against the four before, by kind, and the limits."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest

from lydite.engine import DuckDBEngine
from lydite.quality.drift import Drift, exceeded, find_drift
from lydite.settings import DriftLimits

END = datetime(2026, 3, 1)
WEEK = timedelta(days=7)


def week_of(number: int, rows: int) -> list[datetime]:
    """Return times in a week before the end; 0 is the last."""
    return [END - WEEK * number - WEEK * (i + 0.5) / rows for i in range(rows)]


def rows_of(counts: dict[str, list[int]], name: str, time: str) -> pl.DataFrame:
    """Return rows by name and week, the last week first."""
    rows = [
        (label, at)
        for label, weeks in counts.items()
        for number, n in enumerate(weeks)
        for at in week_of(number, max(n, 1))[:n]
    ]
    return pl.DataFrame(rows, schema=[name, time], orient="row")


@pytest.fixture
def make_engine():
    """Return a function that makes an engine with touches and conversions by week."""
    with DuckDBEngine() as engine:

        def make(touches: dict[str, list[int]], conversions: dict[str, list[int]]) -> DuckDBEngine:
            channels = pl.DataFrame({"channel": list(touches)}).with_row_index("channel_key")
            engine.store("journeys.channels", channels)
            engine.store("raw.touches", rows_of(touches, "channel", "touched_at"))
            engine.create(
                "journeys.touches",
                "select row_number() over () as user_key, channel_key, touched_at from raw.touches"
                " inner join journeys.channels using (channel)"
                " union all select 0, 0, timestamp '2026-03-01' union all"
                " select 0, 0, timestamp '2026-03-01' - interval 36 day",
            )
            engine.store("raw.conversions", rows_of(conversions, "outcome", "converted_at"))
            engine.create(
                "journeys.conversions",
                "select outcome, converted_at, case when converted_at > timestamp '2026-02-22'"
                " then 0 else 1 end as path_length from raw.conversions union all"
                " select 'end', timestamp '2026-03-01', 1 union all"
                " select 'end', timestamp '2026-03-01' - interval 36 day, 1",
            )
            return engine

        yield make


STEADY = {"order": [100] * 6}


def test_a_channel_that_doubles_or_halves_has_changed(make_engine):
    engine = make_engine(
        {"email": [200, *[100] * 5], "search": [51, *[100] * 5], "rare": [9, *[1] * 5]}, STEADY
    )
    email, search = find_drift(engine, "channel_volume")
    assert (email.name, email.before) == ("email", 100)
    assert email.change == pytest.approx(1, abs=0.02)
    assert search.change == pytest.approx(0.49, abs=0.02)
    assert email.text.startswith("email: 20")


def test_channels_are_new_or_vanished(make_engine):
    engine = make_engine(
        {"email": [100] * 6, "tiktok": [80, *[0] * 5], "fax": [0, *[60] * 5]}, STEADY
    )
    assert {drift.name: drift.text for drift in find_drift(engine, "channels")} == {
        "tiktok": "tiktok is new: 80 touches after 0 a week",
        "fax": "fax is vanished: 0 touches after 60 a week",
    }


def test_the_rate_of_conversions_is_by_active_user(make_engine):
    engine = make_engine({"email": [1000, *[500] * 5]}, STEADY)
    [drift] = find_drift(engine, "conversion_rate")
    assert drift.name == "order"
    assert drift.change == pytest.approx(0.5, abs=0.01)


def test_the_share_of_conversions_without_a_touch_is_compared(make_engine):
    [drift] = find_drift(make_engine({"email": [100] * 6}, STEADY), "unattributed")
    assert (drift.before, drift.now, drift.change) == (0, 1, 1)
    assert drift.text == "order: 100.00% after 0.00%"


def test_the_share_of_nulls_is_compared_by_column(make_engine):
    engine = make_engine({"email": [100] * 6}, STEADY)
    engine.create(
        "inputs.touchpoints",
        "select touched_at, case when touched_at < timestamp '2026-02-22' then 'a' end as campaign,"
        " 'click' as interaction, null as cost, null as touchpoint_id from raw.touches",
    )
    engine.create(
        "inputs.conversions",
        "select converted_at, outcome, 1.0 as value, null as conversion_id from raw.conversions",
    )
    found = {drift.name: drift.change for drift in find_drift(engine, "nulls")}
    assert found["touchpoints.campaign"] == 1
    assert {name for name, change in found.items() if change} == {"touchpoints.campaign"}


def test_a_short_history_is_not_compared(make_engine):
    engine = make_engine({"email": [100] * 6}, STEADY)
    engine.run("delete from journeys.touches where touched_at < timestamp '2026-02-10'")
    for kind in ("channel_volume", "channels", "conversion_rate", "unattributed"):
        assert find_drift(engine, kind) == []


def test_limits_are_of_warnings_and_errors():
    small, large = (Drift("nulls", "a", 0, change, change) for change in (0.1, 0.5))
    assert exceeded([large, small], DriftLimits(warn=0.2)) == ([large], False)
    assert exceeded([large, small], DriftLimits(warn=0.1, error=0.5)) == ([large, small], True)
    assert exceeded([small], DriftLimits(warn=0.2, error=0.5)) == ([], False)
