"""Touches by day and by week: counted again for the days on which touches have changed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from lydite.engine import DuckDBEngine
from lydite.journeys import activity, incremental
from lydite.journeys.activity import ACTIVITY, CHANGED_DAYS, build_activity
from tests.helpers.input_tables import make_inputs

LOOKBACKS = {"lead": timedelta(days=30)}
START = datetime(2025, 1, 1)
USERS = 30


@pytest.fixture
def engine(tmp_path):
    with DuckDBEngine(tmp_path / "w.duckdb") as engine:
        yield engine


def row(user, day, channel="mail", campaign=None, cost=None):
    return (f"u{user}", START + timedelta(day), channel, campaign, None, cost)


@pytest.fixture
def touches():
    """Touches of many users on twenty days, some at the ends of days and weeks."""
    return [
        row(user, day + part, "mail" if (user + day) % 3 else "ads", None if user % 2 else "c", 0.1)
        for user in range(USERS)
        for day in range(user % 4, 20, 4)
        for part in (0, 0.3, 1 - 1e-6)
    ]


def build(engine, touches, **options):
    """Build the journeys, and the counts; return the days that were changed."""
    make_inputs(engine, touches, [("u1", START + timedelta(30), "lead", None, None)])
    incremental.refresh(engine, LOOKBACKS, **options)
    build_activity(engine)
    return engine.rows(f"from {CHANGED_DAYS} order by 1") if engine.exists(CHANGED_DAYS) else None


def counts(engine):
    return {name: sorted(engine.rows(f"from {name}"), key=repr) for name in ACTIVITY.values()}


def counted_as_a_whole(touches, timezone="UTC"):
    with DuckDBEngine() as engine:
        engine.set_timezone(timezone)
        build(engine, touches, full=True)
        return counts(engine)


@pytest.fixture
def counted(monkeypatch):
    """The files whose counts were replaced in part."""
    files, plain = [], activity._count_again

    def noted(engine, file, days):
        files.append(file)
        plain(engine, file, days)

    monkeypatch.setattr(activity, "_count_again", noted)
    return files


@pytest.mark.parametrize("timezone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
def test_counts_after_changes_equal_those_of_all_touches(engine, touches, counted, timezone):
    engine.set_timezone(timezone)
    build(engine, touches)
    for changed in (
        [*touches, row(3, 20.5), row(4, 20.9, "new channel")],  # a new day
        [*touches, row(5, 2.99, cost=7.0)],  # a late row
        [one for one in touches if one[0] != "u7"],  # a user who is gone
        [*touches[1:], (*touches[0][:2], "ads", *touches[0][3:])],  # another channel
        touches,
    ):
        build(engine, changed)
        assert counts(engine) == counted_as_a_whole(changed, timezone)
    # A build of all users, as after channels were renumbered, counts as a whole.
    assert counted == [*ACTIVITY] * (len(counted) // 2) != []
    assert len(counted) >= 3 * len(ACTIVITY)


def test_only_days_with_other_touches_are_changed(engine, touches, counted):
    assert build(engine, touches) is None
    assert build(engine, [*touches, row(3, 20.5)]) == [((START + timedelta(20)).date(),)]
    counted.clear()
    assert build(engine, [*touches, row(3, 20.5)]) == []
    assert not counted


def test_counts_of_an_earlier_build_or_another_zone_are_counted_as_a_whole(
    engine, touches, counted
):
    build(engine, touches)
    make_inputs(engine, [*touches, row(1, 9.5)], [])
    incremental.refresh(engine, LOOKBACKS)  # a run that ended before the marts
    later = [*touches, row(1, 9.5), row(2, 10.5)]
    build(engine, later)
    assert counts(engine) == counted_as_a_whole(later)
    engine.set_timezone("Asia/Tokyo")
    build(engine, later)
    assert counts(engine) == counted_as_a_whole(later, "Asia/Tokyo")
    build(engine, touches, full=True)
    assert counts(engine) == counted_as_a_whole(touches, "Asia/Tokyo")
    assert not counted


def test_counts_stay_where_nothing_was_built(engine, touches):
    build(engine, touches)
    engine.run("update journeys.activity set touches = 7")
    build_activity(engine)
    assert engine.scalar("select min(touches) from journeys.activity") == 7
