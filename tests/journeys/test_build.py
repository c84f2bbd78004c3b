"""Tests of journeys: each rule by hand, all rules against a reference, and invariances."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lydite.durations import parse_duration
from lydite.engine import DuckDBEngine, load_sql
from lydite.journeys import build_path_events_and_conversions, build_touches
from lydite.settings import PathOptions
from tests.helpers.input_tables import make_inputs
from tests.helpers.reference_journeys import ReferenceJourneys, key_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lydite.settings import AfterConversion

    Row = tuple[Any, ...]
    Table = list[dict[str, Any]]

MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


def day(number: float) -> datetime:
    """Return the time `number` days into the year."""
    return datetime(2026, 1, 1) + timedelta(days=number)


@pytest.fixture
def engine() -> Iterator[DuckDBEngine]:
    with DuckDBEngine() as engine:
        yield engine


def build(
    engine: DuckDBEngine,
    touchpoints: list[Row],
    conversions: list[Row],
    lookback: str | timedelta = "30d",
    after_conversion: AfterConversion = "continue",
) -> None:
    """Build the journeys of all outcomes, each with the same lookback."""
    make_inputs(engine, touchpoints, conversions)
    outcomes = build_touches(engine).outcomes
    build_path_events_and_conversions(
        engine,
        dict.fromkeys(outcomes, parse_duration(lookback)),
        dict.fromkeys(outcomes, PathOptions(after_conversion=after_conversion)),
    )


def paths(engine: DuckDBEngine, which: str) -> list[str]:
    """Return the paths (``a > b``) of the path_events that `which` selects, in order of time."""
    rows = engine.rows(
        "select string_agg(path_touches.channel, ' > ' order by position)"
        " from journeys.path_events as events"
        " left join journeys.path_touches as path_touches"
        " on events.user_key = path_touches.user_key"
        " and events.outcome = path_touches.outcome"
        " and events.happened_at = path_touches.happened_at"
        " and events.touch is not distinct from path_touches.event_touch"
        f" where events.{which}"
        " group by events.outcome, events.user_key, events.happened_at, events.touch"
        " order by events.outcome, events.user_key, events.happened_at, events.touch"
    )
    return [path or "" for (path,) in rows]


def conversion_paths(engine: DuckDBEngine, outcome: str = "conversion") -> list[str]:
    return paths(engine, f"is_conversion and events.outcome = '{outcome}'")


def landmark_paths(engine: DuckDBEngine, outcome: str = "conversion") -> list[str]:
    return paths(engine, f"is_conversion is false and events.outcome = '{outcome}'")


def next_events(engine: DuckDBEngine, outcome: str = "conversion") -> list[str | None]:
    """Return, for each landmark in order, ``converts``, the next channel or None."""
    rows = engine.rows(
        "select case when converted then 'converts' else channel end"
        " from journeys.path_events left join journeys.channels"
        " on next_channel_key = channels.channel_key"
        " where not is_conversion and outcome = $outcome order by user_key, touch",
        {"outcome": outcome},
    )
    return [label for (label,) in rows]


def column(engine: DuckDBEngine, sql: str) -> list[Any]:
    return [value for (value,) in engine.rows(sql)]


# --- order ----------------------------------------------------------------------------------------


def test_touches_are_ordered_by_time_for_any_row_order(engine):
    build(
        engine,
        [("ann", day(3), "tv"), ("ann", day(1), "search"), ("ann", day(2), "email")],
        [("ann", day(4))],
    )
    assert conversion_paths(engine) == ["search > email > tv"]
    assert landmark_paths(engine) == ["search", "search > email", "search > email > tv"]


def test_simultaneous_touches_are_ordered_by_id(engine):
    build(
        engine,
        [
            ("ann", day(1), "third", "a", "a", 1.0, "id 3"),
            ("ann", day(1), "first", "c", "c", 3.0, "id 1"),
            ("ann", day(1), "second", "b", "b", 2.0, "id 2"),
        ],
        [("ann", day(2))],
    )
    assert conversion_paths(engine) == ["first > second > third"]


@pytest.mark.parametrize(
    ("ids", "path"),
    [
        (["10", "9", "100"], "b > a > c"),
        (["9", "010", None], "a > b > c"),
        (["2", "10", "x"], "b > a > c"),
        (["1e1", "9", "10"], "c > a > b"),
        (["9000000000000000000", "10000000000000000000", "9"], "b > c > a"),
    ],
)
def test_ids_are_ordered_as_numbers_if_all_of_a_user_are_numbers(engine, ids, path):
    touches = [
        ("ann", day(1), channel, None, None, None, name)
        for channel, name in zip("abc", ids, strict=True)
    ]
    build(engine, touches, [("ann", day(2))])
    assert conversion_paths(engine) == [path]


def test_simultaneous_touches_without_ids_are_ordered_by_campaign_interaction_and_cost(engine):
    build(
        engine,
        [
            ("ann", day(1), "fourth", "b", "view", 2.0),
            ("ann", day(1), "third", "b", "view", 1.0),
            ("ann", day(1), "second", "b", "click", 9.0),
            ("ann", day(1), "first", "a", "view", 9.0),
        ],
        [("ann", day(2))],
    )
    assert conversion_paths(engine) == ["first > second > third > fourth"]


def test_nulls_are_ordered_last(engine):
    build(
        engine,
        [("ann", day(1), "second"), ("ann", day(1), "first", "z", "z", 9.0, "z")],
        [("ann", day(2))],
    )
    assert conversion_paths(engine) == ["first > second"]


def test_touches_that_differ_only_in_channel_are_ordered_by_channel_frequency(engine):
    build(
        engine,
        [("ann", day(1), "rare"), ("ann", day(1), "usual"), ("bob", day(1), "usual")],
        [("ann", day(2))],
    )
    assert conversion_paths(engine) == ["usual > rare"]


def test_channels_are_numbered_by_first_touch_then_frequency_then_name(engine):
    build(
        engine,
        [
            ("ann", day(1), "z common"),
            ("ann", day(3), "z common"),
            ("ann", day(1), "y early"),
            ("ann", day(2), "a late"),
            ("ann", day(2), "b late"),
            ("ann", day(3), "a last"),
            ("ann", day(4), "a last"),
        ],
        [("ann", day(5))],
    )
    numbered = column(engine, "select channel from journeys.channels order by channel_key")
    assert numbered == ["z common", "y early", "a late", "b late", "a last"]


def test_a_later_channel_does_not_renumber_others(engine):
    before = [("ann", day(1), "tv"), ("ann", day(2), "search")]
    build(engine, before, [("ann", day(5))])
    first = engine.rows("select channel_key, channel from journeys.channels order by channel_key")
    build(engine, [*before, *(("bob", day(3 + n), "new") for n in range(5))], [("ann", day(5))])
    then = engine.rows("select channel_key, channel from journeys.channels order by channel_key")
    assert then == [*first, (2, "new")]


def test_users_have_separate_paths(engine):
    build(
        engine,
        [("ann", day(1), "tv"), ("bob", day(1), "search")],
        [("ann", day(2)), ("bob", day(2))],
    )
    assert sorted(conversion_paths(engine)) == ["search", "tv"]


def test_the_key_of_a_user_is_independent_of_other_users(engine):
    build(engine, [("bob", day(1), "tv")], [("bob", day(2))])
    alone = engine.rows("from journeys.users")
    build(engine, [("bob", day(1), "tv"), ("ann", day(1), "tv")], [("cid", day(2))])
    assert engine.rows("from journeys.users where user_id = 'bob'") == alone


def test_users_with_equal_digests_have_distinct_keys(engine):
    users = [f"user {n}" for n in range(20)]
    build(engine, [(user, day(1), "tv") for user in users], [("ann", day(2))])
    coarse = load_sql("journeys/users").replace("1, 15", "1, 1")  # of sixteen digests
    rows = engine.rows(f"select user_key, user_id from ({coarse})")
    assert len({key for key, _ in rows}) == len(rows) == 21
    assert all(key // 8 == key_of(user) // 8 >> 56 for key, user in rows)


# --- duplicates -----------------------------------------------------------------------------------


def test_exact_duplicates_count_once(engine):
    touch = ("ann", day(1), "tv", "spring", "view", 0.5, "id 1")
    build(engine, [touch, touch, touch], [("ann", day(2))])
    assert conversion_paths(engine) == ["tv"]
    assert build_touches(engine).touches == 1
    assert build_touches(engine).duplicates == 2


def test_exact_duplicates_with_nulls_count_once(engine):
    build(engine, [("ann", day(1), "tv"), ("ann", day(1), "tv")], [("ann", day(2))])
    assert conversion_paths(engine) == ["tv"]


def test_touches_that_differ_in_any_column_are_both_kept(engine):
    build(
        engine,
        [("ann", day(1), "tv", "spring"), ("ann", day(1), "tv", "summer")],
        [("ann", day(2))],
    )
    assert conversion_paths(engine) == ["tv > tv"]
    assert build_touches(engine).duplicates == 0


def test_exact_duplicates_without_an_id_can_be_kept(engine):
    rows = [("ann", day(1), "tv"), ("ann", day(1), "tv"), ("ann", day(1), "tv")]
    with_id = ("ann", day(2), "tv", None, None, None, "7")
    make_inputs(engine, [*rows, with_id, with_id, ("bob", day(1), "tv")])
    built = build_touches(engine, keep_duplicates=True)
    assert (built.touches, built.duplicates) == (5, 1)
    touches = engine.rows(
        "select touch from journeys.touches inner join journeys.users using (user_key)"
        " where user_id = 'ann' order by touch"
    )
    assert touches == [(1,), (2,), (3,), (4,)]


def test_duplicates_do_not_raise_the_frequency_of_a_channel(engine):
    build(
        engine,
        [("ann", day(1), "twice"), ("bob", day(1), "twice")] + 3 * [("ann", day(1), "thrice sent")],
        [("ann", day(2))],
    )
    numbered = column(engine, "select channel from journeys.channels order by channel_key")
    assert numbered == ["twice", "thrice sent"]


# --- touch and conversion at the same time --------------------------------------------------------


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


# --- after a conversion ---------------------------------------------------------------------------

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


# --- lookback -------------------------------------------------------------------------------------


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


# --- hours at a landmark --------------------------------------------------------------------------


def test_a_landmark_has_the_hours_since_the_previous_and_the_first_touch(engine):
    build(engine, [("ann", day(n), "tv") for n in (1, 2, 4)], [("ann", day(5))])
    known = engine.rows(
        "select hours_since_previous, hours_since_first, case when converted then hours_to_next end"
        " from journeys.path_events order by happened_at"
    )
    assert known == [(None, 0, None), (24, 24, None), (48, 72, 24), (None, 96, None)]


# --- empty paths ----------------------------------------------------------------------------------


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


# --- long paths -----------------------------------------------------------------------------------


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


# --- totals ---------------------------------------------------------------------------------------


def test_outcomes_are_sorted_by_name(engine):
    make_inputs(
        engine,
        [("ann", day(1), "tv")],
        [("ann", day(2), "signup"), ("ann", day(3), "lead"), ("ann", day(4), "signup")],
    )
    assert build_touches(engine).outcomes == ("lead", "signup")


def test_building_again_replaces_the_tables(engine):
    for _ in range(2):
        build(engine, [("ann", day(1), "tv")], [("ann", day(2))])
    assert column(engine, "select count(*) from journeys.path_events") == [2]


# --- hostile data ---------------------------------------------------------------------------------

USERS = ["1", "10", "é 二", "o'neil", "\N{SHARK}"]
CHANNELS = ["tv", "TV", "Straße", "検索", "a > b", "o'clock; --", "direct", "(None)"]
# Few instants, many of them exactly one lookback apart or a microsecond off.
INSTANTS = [day(0) + h * HOUR + us * MICROSECOND for h in (0, 1, 2, 3, 6, 24) for us in (-1, 0, 1)]
LOOKBACKS = [HOUR, 2 * HOUR, 3 * HOUR - MICROSECOND, 24 * HOUR]

touchpoint_rows = st.tuples(
    st.sampled_from(USERS),
    st.sampled_from(INSTANTS),
    st.sampled_from(CHANNELS),
    st.sampled_from([None, None, "", "é", "z"]),
    st.sampled_from([None, "click"]),
    st.sampled_from([None, 0.0, 1.5]),
    st.sampled_from([None, None, "10", "9"]),
)
conversion_rows = st.tuples(
    st.sampled_from(USERS),
    st.sampled_from(INSTANTS),
    st.sampled_from(["purchase", "lead", "it's 購入"]),
    st.sampled_from([None, 0.0, 9.5]),
    st.sampled_from([None, "10", "9"]),
)


@st.composite
def bursts(draw: st.DrawFn) -> list[Row]:
    """Draw more touches of one user than a path may hold, most of them direct."""
    count = draw(st.integers(48, 56))
    start = draw(st.sampled_from(INSTANTS))
    at_the_edges = [0, 1, count // 2, *range(count - 52, count - 46), count - 1]
    others = draw(st.sets(st.sampled_from(at_the_edges), max_size=2))
    return [
        (USERS[0], start + n * MICROSECOND, "tv" if n in others else "direct", *4 * [None])
        for n in range(count)
    ]


touchpoint_tables = st.builds(
    lambda rows, repeated, burst: rows + rows[:repeated] + burst,
    st.lists(touchpoint_rows, max_size=25),
    st.integers(0, 5),
    st.one_of(st.just([]), bursts()),
)
conversion_tables = st.lists(conversion_rows, max_size=10)


def table(engine: DuckDBEngine, name: str) -> Table:
    return engine.frame(f"from journeys.{name}").to_dicts()


def in_order(rows: Table) -> list[list[tuple[str, Any]]]:
    """Return rows in one order, as sorted pairs of column and value."""
    return sorted((sorted(row.items()) for row in rows), key=repr)


def first_conversions(conversions: list[Row], first_only: set[str]) -> list[Row]:
    """Return conversions without those after the first one of a user, of some outcomes."""
    first: dict[tuple[str, str], Row] = {}
    for row in sorted(conversions, key=lambda row: row[1]):
        first.setdefault((row[0], row[2]), row)
    return [row for row in conversions if row[2] not in first_only or row in first.values()]


@settings(max_examples=60, deadline=None)
@given(
    touchpoints=touchpoint_tables,
    conversions=conversion_tables,
    lookbacks=st.fixed_dictionaries(
        {"purchase": st.sampled_from(LOOKBACKS), "lead": st.sampled_from(LOOKBACKS)},
        optional={"it's 購入": st.sampled_from(LOOKBACKS)},
    ),
    options=st.dictionaries(
        st.sampled_from(["purchase", "lead"]),
        st.builds(
            PathOptions,
            after_conversion=st.sampled_from(["continue", "restart"]),
            first_only=st.booleans(),
        ),
    ),
)
def test_journeys_agree_with_the_reference(touchpoints, conversions, lookbacks, options):
    restarts = {name for name, own in options.items() if own.after_conversion == "restart"}
    first_only = {name for name, own in options.items() if own.first_only}
    conversions = first_conversions(conversions, first_only)
    expected = ReferenceJourneys(touchpoints, conversions, lookbacks, restarts, first_only)
    with DuckDBEngine(threads=1) as engine:
        make_inputs(engine, touchpoints, conversions)
        build_touches(engine)
        build_path_events_and_conversions(engine, lookbacks, options)
        assert in_order(table(engine, "path_events")) == in_order(expected.path_events)
        assert in_order(table(engine, "path_touches")) == in_order(expected.path_touches)
        assert in_order(table(engine, "conversions")) == in_order(expected.conversions)


# --- invariances ----------------------------------------------------------------------------------

NAMES = ["affiliate", "display", "email", "podcast", "search", "tv"]


def users_batch() -> tuple[list[Row], list[Row]]:
    """Return rows of some 30 users, with ties, with repeats, and no two channels as common."""
    draw = random.Random(11)
    touchpoints = [
        (str(draw.randrange(30)), day(draw.randrange(90) / 2), name, *3 * [None], None)
        for name in draw.choices(NAMES, weights=[6, 5, 4, 3, 2, 1], k=600)
    ]
    conversions = [
        (str(draw.randrange(35)), day(draw.randrange(90) / 2), outcome, None, str(n))
        for n, outcome in enumerate(draw.choices(["lead", "purchase"], k=80))
    ]
    counts = Counter(name for _, _, name, *_ in set(touchpoints)).values()
    assert len(counts) == len(set(counts)) == len(NAMES)
    return touchpoints + touchpoints[:20], conversions


def built_from(engine: DuckDBEngine, touchpoints: list[Row], conversions: list[Row]) -> list[Any]:
    build(engine, touchpoints, conversions, "10d")
    return [
        in_order(table(engine, name)) for name in ("path_events", "path_touches", "conversions")
    ]


def test_the_order_of_rows_does_not_matter(engine):
    touchpoints, conversions = users_batch()
    expected = built_from(engine, touchpoints, conversions)
    for seed in range(3):
        random.Random(seed).shuffle(touchpoints)
        random.Random(seed).shuffle(conversions)
        assert built_from(engine, touchpoints, conversions) == expected


def test_duplicated_touches_do_not_matter(engine):
    touchpoints, conversions = users_batch()
    expected = built_from(engine, touchpoints, conversions)
    rarest = [row for row in touchpoints if row[2] == NAMES[-1]]
    assert built_from(engine, touchpoints + 20 * rarest, conversions) == expected


def test_renaming_channels_changes_only_their_names(engine):
    touchpoints, conversions = users_batch()
    expected = built_from(engine, touchpoints, conversions)
    renamed = dict(zip(NAMES, reversed([f"{name} renamed" for name in NAMES]), strict=True))
    touchpoints = [(user, at, renamed[name], *rest) for user, at, name, *rest in touchpoints]
    build(engine, touchpoints, conversions, "10d")
    engine.create(
        "main.names", "from (values " + ", ".join(map(str, renamed.items())) + ") t(a, b)"
    )
    path_touches = engine.frame(
        "select path_touches.* replace (names.a as channel)"
        " from journeys.path_touches inner join names on path_touches.channel = names.b"
    )
    assert in_order(table(engine, "path_events")) == expected[0]
    assert in_order(path_touches.to_dicts()) == expected[1]
    assert in_order(table(engine, "conversions")) == expected[2]


def test_user_ids_as_numbers_or_as_text_give_the_same_journeys(engine):
    touchpoints, conversions = users_batch()
    expected = built_from(engine, touchpoints, conversions)
    for name in ("touchpoints", "conversions"):
        engine.run(f"alter table inputs.{name} alter user_id type bigint")
    journeys = build_touches(engine)
    build_path_events_and_conversions(
        engine, dict.fromkeys(journeys.outcomes, parse_duration("10d"))
    )
    actual = [in_order(table(engine, n)) for n in ("path_events", "path_touches", "conversions")]
    assert actual == expected
