"""Calendar: whole mature periods, and the message for a history that is too short."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.durations import parse_duration
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.evaluation.calendar import (
    MIN_PERIODS,
    MIN_TRAINING_CONVERSIONS,
    PERIODS,
    History,
    build_history,
    first_forecast,
    make_calendar,
)
from tests.helpers.examples import examples

DAY = np.timedelta64(1, "D")
SECOND, US = np.timedelta64(1, "s"), np.timedelta64(1, "us")


def at(text: str) -> np.datetime64:
    return np.datetime64(text, "us")


def history(first: str, as_of: str, converting=None, hours=1.0) -> History:
    when = np.full(500, at(first)) if converting is None else converting
    return History("purchase", at(first), at(as_of), when, np.full(len(when), hours), len(when))


def test_weeks_start_on_monday_and_only_whole_mature_weeks_are_scored():
    # 2025-01-08 is a Wednesday; its outcome is known on the 15th. On 2025-02-20 outcomes are known
    # up to Thursday 13 February, so the last whole mature week is that of 3 February.
    calendar = make_calendar(history("2025-01-08", "2025-02-20"), timedelta(days=7), "week")
    assert [str(day) for day in calendar.starts.astype("datetime64[D]")] == [
        "2025-01-20", "2025-01-27", "2025-02-03"
    ]  # fmt: skip
    assert calendar.end == at("2025-02-10")
    assert len(calendar) == 3


def test_a_period_is_scored_once_its_end_is_mature():
    enough = history("2025-01-06", "2025-02-10")
    short = history("2025-01-06", "2025-02-09T23:59:59.999999")
    assert make_calendar(enough, timedelta(days=7), "week").end == at("2025-02-03")
    assert make_calendar(short, timedelta(days=7), "week").end == at("2025-01-27")


def test_the_first_scored_week_starts_with_one_hundred_known_conversions():
    known = at("2025-01-13") - 7 * DAY
    calendar = make_calendar(
        history("2025-01-01", "2025-03-01", np.full(100, known)), timedelta(days=7), "week"
    )
    assert calendar.starts[0] == at("2025-01-13")
    later = make_calendar(
        history("2025-01-01", "2025-03-01", np.append(np.full(99, known), known + US)),
        timedelta(days=7),
        "week",
    )
    assert later.starts[0] == at("2025-01-20")


def test_months_are_calendar_months():
    calendar = make_calendar(history("2024-01-15", "2024-06-10"), timedelta(days=10), "month")
    assert [str(m) for m in calendar.starts.astype("datetime64[M]")] == [
        "2024-02", "2024-03", "2024-04"
    ]  # fmt: skip
    assert calendar.end == at("2024-05-01")
    happened = [at("2024-01-31T23:59"), at("2024-02-01"), at("2024-02-29"), at("2024-05-01")]
    assert calendar.period_of(np.array(happened)).tolist() == [-1, 0, 0, -1]


def test_days_are_days():
    calendar = make_calendar(history("2025-01-01T15:00", "2025-01-09T01:00"), timedelta(2), "day")
    assert str(calendar.starts[0].astype("datetime64[D]")) == "2025-01-04"
    assert calendar.end == at("2025-01-07")


def test_training_is_cut_exactly_one_lookback_before_the_period():
    calendar = make_calendar(history("2025-01-08", "2025-02-20"), timedelta(days=7), "week")
    for period, start in enumerate(calendar.starts):
        cut = start - 7 * DAY
        assert calendar.first_training_period(np.array([cut, cut + US])).tolist() == [
            period,
            period + 1,
        ]


def test_a_conversion_after_the_lookback_is_no_training_data():
    late = history("2025-01-06", "2025-06-01", hours=24.0 * 8)
    with pytest.raises(InputError, match="too short a history"):
        make_calendar(late, timedelta(days=7), "week")


histories = st.builds(
    lambda days, k, seed: History(
        "purchase",
        at("2025-01-01"),
        at("2025-01-01") + days * DAY,
        at("2025-01-01") + np.random.default_rng(seed).integers(0, days * 86_400, k)
        * np.timedelta64(1, "s"),
        np.random.default_rng(seed).exponential(60, k),
        k,
    ),
    st.integers(3, 150), st.integers(0, 900), st.integers(0, 9),
)  # fmt: skip


@examples(150)
@given(histories, st.integers(12, 24 * 100), st.sampled_from(PERIODS))
def test_a_calendar_is_valid_or_the_message_states_a_lookback_that_works(history, hours, period):
    lookback = timedelta(hours=hours)
    try:
        calendar = make_calendar(history, lookback, period)
    except InputError as error:
        _check_message(str(error), history, lookback, period)
        return
    span = np.timedelta64(lookback)
    assert len(calendar) >= MIN_PERIODS
    assert calendar.end + span <= history.as_of
    within = history.hours_to_conversion < hours
    known = history.converting_at[within] + span
    for start in calendar.starts:
        assert (known <= start).sum() >= MIN_TRAINING_CONVERSIONS
    inside = calendar.period_of(history.converting_at)
    trained = calendar.first_training_period(history.converting_at)
    assert (trained[inside >= 0] > inside[inside >= 0]).all()


@examples(100)
@given(
    histories, st.integers(12, 24 * 20), st.sampled_from(PERIODS), st.integers(0, 150),
    st.integers(1, 40),
)  # fmt: skip
def test_periods_that_depend_on_a_hole_are_left_out(history, hours, period, start, days):
    """The others stay, and no landmark with an unknown outcome trains a model."""
    lookback, hole = timedelta(hours=hours), at("2025-01-01") + start * DAY
    with_hole = replace(history, holes=np.array([[hole, hole + days * DAY]]))
    try:
        calendar, whole = (make_calendar(each, lookback, period) for each in (with_hole, history))
    except InputError:
        return
    assert set(calendar.starts) <= set(whole.starts)
    first, last = hole - np.timedelta64(lookback), hole + days * DAY
    happened_at = at("2025-01-01") + np.arange(-20, 24 * 180) * np.timedelta64(1, "h")
    unknown = (happened_at > first) & (happened_at < last)
    assert (calendar.period_of(happened_at)[unknown] == -1).all()
    assert (calendar.first_training_period(happened_at)[unknown] == len(calendar)).all()
    # Each landmark is in the same period as without the hole, or in none.
    number = calendar.period_of(happened_at)
    forecast = number >= 0
    same = whole.starts[whole.period_of(happened_at)[forecast]]
    np.testing.assert_array_equal(calendar.starts[number[forecast]], same)
    # Periods right before and after the hole stay.
    ends = np.append(whole.starts[1:], whole.end)
    clear = (ends <= first) | (whole.starts >= last)
    known = with_hole.converting_at[with_hole.hours_to_conversion < hours]
    if not ((known > first) & (known < last)).any():
        assert set(calendar.starts) == set(whole.starts[clear])


def _check_message(message: str, history: History, lookback: timedelta, period: str) -> None:
    assert "'purchase'" in message
    named = re.search(r"longest lookback that would work is (\S+)\.$", message)
    longest = parse_duration(named[1]) if named else timedelta(0)
    if named:
        assert longest < lookback
        assert len(make_calendar(history, longest, period)) >= MIN_PERIODS
    else:
        assert message.endswith("No shorter lookback would work: more history is needed.")
    step = timedelta(days=1) if lookback > timedelta(days=1) else timedelta(hours=1)
    longer = longest + step
    while longer < lookback:
        with pytest.raises(InputError):
            make_calendar(history, longer, period)
        longer += step


@pytest.mark.parametrize("lookback", ["1h", "2h", "7h", "12h", "24h", "30h"])
def test_the_earliest_landmarks_of_each_hour_give_the_same_calendar(lookback):
    rng, n = np.random.default_rng(1), 9000
    hours = 30 * rng.random(n)
    path_events = pl.DataFrame(
        {
            "outcome": "lead",
            "happened_at": at("2025-01-01") + rng.integers(0, 40 * 86_400, n) * SECOND,
            "hours_to_next": hours,
            "converted": rng.random(n) < 0.8,
        }
    )
    known = path_events.filter("converted")
    whole = History(
        "lead",
        at("2025-01-01"),
        at("2025-02-20"),
        known["happened_at"].to_numpy(),
        known["hours_to_next"].to_numpy(),
        known.height,
    )
    with DuckDBEngine(threads=1) as engine:
        engine.store("journeys.path_events", path_events.with_columns(user_key=1))
        engine.store("journeys.bot_like_users", pl.DataFrame(schema={"user_key": pl.Int64}))
        build_history(engine)
        some = History.load(engine, "lead", datetime(2025, 1, 1), datetime(2025, 2, 20))
    assert len(some.converting_at) == 30 * MIN_TRAINING_CONVERSIONS
    assert some.conversions == known.height
    for period in PERIODS[:2]:
        one, other = (make_calendar(own, parse_duration(lookback), period) for own in (whole, some))
        assert one.starts.tolist() == other.starts.tolist()


def test_a_lookback_below_a_day_is_stated_in_hours():
    # Every conversion is known after 12 h; a day-long lookback leaves one whole day only.
    when = np.full(200, at("2025-01-01T01:00"))
    short = History("lead", at("2025-01-01"), at("2025-01-04T06:00"), when, np.full(200, 0.5), 200)
    with pytest.raises(InputError, match=r"longest lookback that would work is 6h\.$"):
        make_calendar(short, timedelta(days=1), "day")
    assert len(make_calendar(short, timedelta(hours=6), "day")) == 2


def test_the_first_forecast_is_possible_when_the_second_week_is_mature():
    # 100 conversions on Monday the 6th are known on the 13th: the weeks of the 13th and the 20th
    # are forecast, and the outcomes of the second are known on 3 February.
    short = history("2025-01-06", "2025-01-20")
    found = first_forecast(short, timedelta(days=7), "week")
    assert (str(found.day), found.is_estimate) == ("2025-02-03", False)
    with pytest.raises(InputError, match=r"The first forecast will be possible on 2025-02-03\. "):
        make_calendar(short, timedelta(days=7), "week")


def test_with_few_conversions_the_present_rate_decides():
    ten = at("2025-01-06") + np.arange(10) * DAY
    short = history("2025-01-06", "2025-01-16", ten)
    found = first_forecast(short, timedelta(days=7), "week")
    # One a day: the 100th is known 90 + 7 days after the 16th of January, on Wednesday 23 April.
    # The weeks of 28 April and 5 May are forecast, and known on 19 May.
    assert (str(found.day), found.is_estimate) == ("2025-05-19", True)
    assert str(found).endswith("about on 2025-05-19, at the present rate of conversions.")


def test_without_conversions_or_within_ten_years_there_is_no_date():
    none = history("2025-01-06", "2025-03-06", np.empty(0, dtype="datetime64[us]"))
    rare = history("2025-01-06", "2026-01-06", np.array([at("2025-02-01")]))
    assert first_forecast(none, timedelta(days=7), "week") is None
    assert first_forecast(rare, timedelta(days=7), "week") is None


@examples(60)
@given(
    st.integers(1, 60),
    st.integers(1, 40),
    st.sampled_from(PERIODS),
    st.lists(st.integers(0, 59), max_size=2),
)
def test_the_date_is_the_first_end_of_data_at_which_two_periods_are_scored(
    days, lookback, period, holes
):
    """Brute force: the end of the data moves day by day."""
    first = at("2025-01-08T15:00")
    start = np.array([[first + n * DAY, first + (n + 2) * DAY] for n in holes])
    given = replace(
        history("2025-01-08T15:00", str(first + days * DAY), first + np.arange(120) * DAY / 24),
        holes=start.reshape(-1, 2).astype("datetime64[us]"),
    )
    span = timedelta(days=lookback)
    found = first_forecast(given, span, period)
    if found is None or found.is_estimate:
        return
    day = np.datetime64(found.day, "us")
    assert len(make_calendar(replace(given, as_of=day), span, period)) >= MIN_PERIODS
    with pytest.raises(InputError):
        make_calendar(replace(given, as_of=day - DAY), span, period)
