"""Paths: which touches and conversions are on them, and what follows a landmark."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lydite.journeys import build_path_events_and_conversions, build_touches
from lydite.settings import PathOptions
from tests.helpers.input_tables import make_inputs
from tests.helpers.small_journeys import (
    HOUR,
    MICROSECOND,
    build,
    column,
    conversion_paths,
    day,
    landmark_paths,
    next_events,
)

if TYPE_CHECKING:
    from tests.helpers.small_journeys import Row


def test_a_touch_at_the_time_of_the_conversion_is_on_its_path(engine):
    build(engine, [("ann", day(1), "tv")], [("ann", day(1))])
    assert conversion_paths(engine) == ["tv"]
    assert next_events(engine) == ["converts"]


def test_only_the_last_touch_at_the_time_of_the_conversion_converts(engine):
    build(
        engine,
        [("ann", day(1), "tv", "a"), ("ann", day(1), "email", "b")],
        [("ann", day(1))],
    )
    assert conversion_paths(engine) == ["tv > email"]
    assert next_events(engine) == ["email", "converts"]


def test_a_touch_right_after_the_conversion_is_not_on_its_path(engine):
    build(engine, [("ann", day(1) + MICROSECOND, "tv")], [("ann", day(1))])
    assert conversion_paths(engine) == [""]


TWO_PURCHASES = (
    [("ann", day(1), "tv"), ("ann", day(3), "email"), ("ann", day(5), "search")],
    [("ann", day(2)), ("ann", day(6))],
)


HOURS = "select hours_since_previous from journeys.path_events where touch = 2"


def test_touches_before_the_previous_conversion_stay_on_the_path(engine):
    build(engine, *TWO_PURCHASES)
    assert conversion_paths(engine) == ["tv", "tv > email > search"]
    assert landmark_paths(engine) == ["tv", "tv > email", "tv > email > search"]
    assert column(engine, HOURS) == [48]
    assert next_events(engine) == ["converts", "search", "converts"]


def test_touches_older_than_the_lookback_earn_no_later_conversion(engine):
    touchpoints = [("ann", day(1), "tv"), ("ann", day(3), "email")]
    build(engine, touchpoints, [("ann", day(2)), ("ann", day(6)), ("ann", day(60))], "4d")
    assert conversion_paths(engine) == ["tv", "email", ""]


def test_with_restart_a_conversion_resets_the_path(engine):
    build(engine, *TWO_PURCHASES, after_conversion="restart")
    assert conversion_paths(engine) == ["tv", "email > search"]
    assert landmark_paths(engine) == ["tv", "email", "email > search"]
    assert column(engine, HOURS) == [None]
    assert next_events(engine) == ["converts", "search", "converts"]


@pytest.mark.parametrize(
    ("after_conversion", "path"), [("continue", "tv > email"), ("restart", "email")]
)
def test_touches_at_the_time_of_the_previous_conversion_are_on_its_path(
    engine, after_conversion, path
):
    build(
        engine,
        [("ann", day(1), "tv"), ("ann", day(1) + MICROSECOND, "email")],
        [("ann", day(1)), ("ann", day(2))],
        after_conversion=after_conversion,
    )
    assert conversion_paths(engine) == ["tv", path]


@pytest.mark.parametrize(("after_conversion", "path"), [("continue", "tv"), ("restart", "")])
def test_a_conversion_right_after_another_has_its_path_or_none(engine, after_conversion, path):
    conversions = [("ann", day(2)), ("ann", day(3))]
    build(engine, [("ann", day(1), "tv")], conversions, after_conversion=after_conversion)
    assert conversion_paths(engine) == ["tv", path]


def test_where_only_the_first_conversion_counts_later_touches_are_no_landmarks(engine):
    touchpoints = [("ann", day(n), "tv") for n in (1, 3)] + [("bob", day(3), "tv")]
    make_inputs(engine, touchpoints, [("ann", day(2))])
    build_touches(engine)
    for first_only, landmarks in ((True, 2), (False, 3)):
        build_path_events_and_conversions(
            engine,
            {"conversion": timedelta(days=9)},
            {"conversion": PathOptions(first_only=first_only)},
        )
        assert len(landmark_paths(engine)) == landmarks
        assert conversion_paths(engine) == ["tv"]


def test_events_after_a_conversion_are_those_of_returning_users(engine):
    conversions = [("ann", day(2), "sale"), ("ann", day(4), "sale"), ("bob", day(4), "sale")]
    touchpoints = [(user, day(n), "tv") for user in ("ann", "bob") for n in (1, 2, 3)]
    build(engine, touchpoints, [*conversions, ("bob", day(0), "lead")])
    found = engine.rows(
        "select user_id, happened_at, is_conversion from journeys.path_events"
        " inner join journeys.users using (user_key) where outcome = 'sale' and has_converted"
    )
    assert sorted(found) == [("ann", day(3), False), ("ann", day(4), True)]


def test_each_outcome_continues_or_restarts(engine):
    outcomes = ("lead", "purchase")
    rows = [("ann", day(n), outcome) for n in (2, 4) for outcome in outcomes]
    make_inputs(engine, [("ann", day(1), "tv"), ("ann", day(3), "email")], rows)
    build_touches(engine)
    build_path_events_and_conversions(
        engine, dict.fromkeys(outcomes, timedelta(days=9)), {"lead": PathOptions("restart")}
    )
    assert conversion_paths(engine, "lead") == ["tv", "email"]
    assert conversion_paths(engine, "purchase") == ["tv", "tv > email"]


def test_simultaneous_conversions_share_one_path(engine):
    build(
        engine,
        [("ann", day(1), "tv")],
        [("ann", day(2), "purchase", 5.0, "x"), ("ann", day(2), "purchase", 7.0, "y")],
    )
    assert conversion_paths(engine, "purchase") == ["tv"]
    rows = engine.rows(
        "select conversion_id, value, path_length from journeys.conversions order by conversion_key"
    )
    assert rows == [("x", 5.0, 1), ("y", 7.0, 1)]


def test_simultaneous_conversions_are_numbered_by_id_then_value_nulls_last(engine):
    touchpoints = [("ann", day(1), "tv")]
    conversions = [(None, None), (None, 7.0), (None, 5.0), ("y", 5.0), ("x", 7.0)]
    rows = [("ann", day(2), "purchase", value, name) for name, value in conversions]
    build(engine, touchpoints, rows)
    numbered = engine.rows(
        "select conversion_id, value from journeys.conversions order by conversion_key"
    )
    assert numbered == [("x", 7.0), ("y", 5.0), (None, 5.0), (None, 7.0), (None, None)]


def test_two_outcomes_at_one_time_have_separate_rows(engine):
    build(engine, [("ann", day(1), "tv")], [("ann", day(2), "lead"), ("ann", day(2), "purchase")])
    outcomes = engine.rows("select outcome, path_length from journeys.conversions order by 1")
    assert outcomes == [("lead", 1), ("purchase", 1)]


def test_other_outcomes_do_not_reset_the_path(engine):
    build(
        engine,
        [("ann", day(1), "tv"), ("ann", day(3), "email")],
        [("ann", day(2), "lead"), ("ann", day(4), "purchase")],
    )
    assert conversion_paths(engine, "lead") == ["tv"]
    assert conversion_paths(engine, "purchase") == ["tv > email"]
    assert next_events(engine, "lead") == ["converts", None]
    assert next_events(engine, "purchase") == ["email", "converts"]


@pytest.mark.parametrize(
    ("age", "path"),
    [
        (timedelta(days=30) - MICROSECOND, "tv"),
        (timedelta(days=30), ""),
    ],
)
def test_a_touch_as_old_as_the_lookback_does_not_count(engine, age, path):
    build(engine, [("ann", day(50) - age, "tv")], [("ann", day(50))], "30d")
    assert conversion_paths(engine) == [path]
    assert next_events(engine) == ["converts" if path else None]


@pytest.mark.parametrize(
    ("age", "path", "before"),
    [
        (timedelta(days=30) - MICROSECOND, "tv > email", "tv"),
        (timedelta(days=30), "email", None),
    ],
)
def test_the_path_of_a_landmark_is_shorter_than_the_lookback(engine, age, path, before):
    touchpoints = [("ann", day(50) - age, "tv"), ("ann", day(50), "email")]
    build(engine, touchpoints, [("zoe", day(50))], "30d")
    assert landmark_paths(engine) == ["tv", path]
    assert next_events(engine) == ["email" if before else None, None]
    known = column(engine, "select hours_since_previous from journeys.path_events where touch = 2")
    assert (known != [None]) == (before is not None)


def test_a_touch_before_a_near_conversion_is_the_next_event(engine):
    build(engine, [("ann", day(1), "tv"), ("ann", day(2), "email")], [("ann", day(3))])
    assert next_events(engine) == ["email", "converts"]


def test_each_outcome_has_its_own_lookback(engine):
    make_inputs(
        engine,
        [("ann", day(1), "tv"), ("ann", day(5), "email")],
        [("ann", day(6), "lead"), ("ann", day(6), "purchase")],
    )
    build_touches(engine)
    build_path_events_and_conversions(
        engine, {"lead": timedelta(days=2), "purchase": timedelta(days=9)}
    )
    assert conversion_paths(engine, "lead") == ["email"]
    assert conversion_paths(engine, "purchase") == ["tv > email"]


def test_a_landmark_has_the_hours_since_the_previous_and_the_first_touch(engine):
    build(engine, [("ann", day(n), "tv") for n in (1, 2, 4)], [("ann", day(5))])
    known = engine.rows(
        "select hours_since_previous, hours_since_first, case when converted then hours_to_next end"
        " from journeys.path_events order by happened_at"
    )
    assert known == [(None, 0, None), (24, 24, None), (48, 72, 24), (None, 96, None)]


def test_a_conversion_without_touches_is_kept_with_an_empty_path(engine):
    build(engine, [("ann", day(1), "tv")], [("zoe", day(2))])
    assert conversion_paths(engine) == [""]
    assert column(engine, "select path_length from journeys.conversions") == [0]


def test_a_conversion_with_only_old_touches_has_an_empty_path(engine):
    build(engine, [("ann", day(1), "tv")], [("ann", day(50))])
    row = engine.frame("select * from journeys.path_events where is_conversion").row(0, named=True)
    assert row["path_length"] == 0
    of_a_path = [name for name in row if name.startswith(("first", "last", "hours", "previous"))]
    assert {row[name] for name in of_a_path} == {None}


def hourly(count: int, channels: dict[int, str], rest: str = "tv") -> list[Row]:
    """Return touches of Ann, one an hour; `channels` names those (from 1) that are not `rest`."""
    return [("ann", day(1) + n * HOUR, channels.get(n, rest)) for n in range(1, count + 1)]


def test_a_path_of_50_touches_is_complete(engine):
    build(engine, hourly(50, {1: "a", 2: "b", 50: "z"}), [("ann", day(9))])
    (path,) = conversion_paths(engine)
    assert path.split(" > ") == ["a", "b"] + 47 * ["tv"] + ["z"]


def test_of_more_than_50_the_first_and_the_49_most_recent_count(engine):
    build(engine, hourly(60, {1: "a", 2: "b", 11: "c", 12: "d", 60: "z"}), [("ann", day(9))])
    (path,) = conversion_paths(engine)
    assert path.split(" > ") == ["a", "d"] + 47 * ["tv"] + ["z"]


def test_a_truncated_path_keeps_its_first_touch(engine):
    build(engine, hourly(60, {}), [("ann", day(9))])
    (hours,) = column(
        engine,
        "select hours_after_start from journeys.path_touches"
        " where is_conversion and position_from_end = 1",
    )
    assert hours == 59


@pytest.mark.parametrize(
    ("others", "position"),
    [
        pytest.param({60: "tv"}, 50, id="the last touch"),
        pytest.param({12: "tv"}, 2, id="the oldest of the 49"),
        pytest.param({1: "tv"}, 1, id="the first touch"),
        pytest.param({5: "tv"}, None, id="left out by the truncation"),
        pytest.param({1: "tv", 11: "tv"}, 1, id="the first touch, with a later one left out"),
        pytest.param({}, None, id="all are direct"),
    ],
)
def test_the_last_non_direct_touch_is_one_of_the_touches_that_count(engine, others, position):
    build(engine, hourly(60, others, rest="direct"), [("ann", day(9))])
    found = column(
        engine,
        "select distinct last_non_direct_position from journeys.path_touches where is_conversion",
    )
    assert found == [position]


@pytest.mark.parametrize("name", ["direct", "Direct", "(direct)", "(none)", "(None)"])
def test_direct_traffic_has_several_names(engine, name):
    build(engine, [("ann", day(1), "tv"), ("ann", day(2), name)], [("ann", day(3))])
    found = column(engine, "select last_non_direct_position from journeys.path_touches")
    assert set(found) == {1}
