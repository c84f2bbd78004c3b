"""Tests of bot-like users: who is set aside by touches alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from lydite.engine import DuckDBEngine
from lydite.inputs.rules import (
    MEDIANS,
    MOST_ON_ONE_CHANNEL,
    MOST_TOUCHES,
    RULES,
    WINDOW_DAYS,
)
from lydite.journeys import build_touches
from lydite.journeys.bots import find_bot_like_users
from lydite.journeys.incremental import build_journeys
from tests.helpers.input_tables import make_inputs

if TYPE_CHECKING:
    from pathlib import Path

    Row = tuple[object, ...]

MOST_IN_A_DAY = int(RULES["bot_like_users"].threshold)
START = datetime(2025, 1, 1)
LOOKBACKS = {"conversion": timedelta(days=30)}


def touches(user: str, number: int, days: float) -> list[Row]:
    """Return touches of a user, the last one `days` after the first."""
    step = timedelta(days=days) / (number - 1)
    return [(user, START + n * step, "tv") for n in range(number)]


def people(number: int = 3) -> list[Row]:
    """Return five users with so many touches."""
    return [row for user in "abcde" for row in touches(user, number, 10)]


def bot_like(rows: list[Row]) -> list[str]:
    with DuckDBEngine() as engine:
        make_inputs(engine, [*people(), *rows], [("a", START + timedelta(days=300))])
        build_touches(engine)
        return found(engine)


def found(engine: DuckDBEngine) -> list[str]:
    rows = engine.rows(
        "select user_id from journeys.users"
        " where user_key in (select user_key from journeys.bot_like_users) order by user_id"
    )
    return [user for (user,) in rows]


def test_people_are_not_bot_like():
    assert bot_like([]) == []


@pytest.mark.parametrize(
    ("number", "days", "expected"),
    [
        (MOST_TOUCHES, 10, False),
        (MOST_TOUCHES + 1, 10, True),
        (MOST_TOUCHES + 1, WINDOW_DAYS, True),
        (MOST_TOUCHES + 1, WINDOW_DAYS + 1, False),
        (3 * MOST_TOUCHES, 4 * WINDOW_DAYS, False),
    ],
)
def test_more_than_a_hundred_touches_in_half_a_year(number, days, expected):
    assert bot_like(touches("bot", number, days)) == ["bot"] * expected


def test_a_user_with_a_normal_past_is_bot_like_once_the_touches_are_many():
    past = [("bot", START - timedelta(days=400), "tv")]
    assert bot_like([*past, *touches("bot", MOST_TOUCHES + 1, 20)]) == ["bot"]


def test_where_the_median_user_has_many_touches_the_limit_is_higher():
    with DuckDBEngine() as engine:
        for number, expected in [(MEDIANS * 10, []), (MEDIANS * 10 + 1, ["bot"])]:
            rows = [*people(10), *touches("bot", number, 100)]
            make_inputs(engine, rows, [("a", START + timedelta(days=300))])
            build_touches(engine)
            assert found(engine) == expected


def on_channels(number: int, others: int) -> list[Row]:
    """Return so many touches of a user in 100 days, some of them on another channel."""
    rows = touches("bot", number, 100)
    return [(user, at, "mail" if n < others else "tv") for n, (user, at, _) in enumerate(rows)]


@pytest.mark.parametrize(
    ("number", "others", "channels", "expected"),
    [
        (MOST_ON_ONE_CHANNEL, 0, 3, False),
        (MOST_ON_ONE_CHANNEL + 1, 0, 3, True),
        (60, 12, 3, True),
        (60, 13, 3, False),
        (MOST_TOUCHES, 13, 3, True),
        (MOST_TOUCHES, 21, 3, False),
        (60, 0, 2, False),
    ],
)
def test_the_limit_is_lower_for_users_of_one_channel(number, others, channels, expected):
    more = [("a", START, name) for name in ("mail", "ads")[: channels - 1]]
    assert bot_like([*more, *on_channels(number, others)]) == ["bot"] * expected


@pytest.mark.parametrize(("number", "expected"), [(MOST_IN_A_DAY, []), (201, ["bot"])])
def test_more_than_two_hundred_touches_within_a_day(number, expected):
    with DuckDBEngine() as engine:
        rows = [*people(40), *touches("bot", number, 1)]
        make_inputs(engine, rows, [("a", START + timedelta(days=300))])
        build_touches(engine)
        assert found(engine) == expected


def test_equal_rows_count_once():
    assert bot_like([("bot", START, "tv")] * 300) == []


def test_conversions_do_not_matter():
    rows = touches("bot", 150, 90)
    with DuckDBEngine() as engine:
        conversions = [(user, at + timedelta(minutes=1)) for user, at, _ in rows]
        make_inputs(engine, [*people(), *rows], conversions)
        build_touches(engine)
        assert found(engine) == ["bot"]


def test_incremental_builds_find_new_bot_like_users(tmp_path: Path):
    rows = [*people(), *people_named("x", 40), *touches("bot", 90, 60)]
    conversions = [("a", START + timedelta(days=300))]
    with DuckDBEngine(tmp_path / "warehouse.duckdb") as engine:
        make_inputs(engine, rows, conversions)
        build_journeys(engine, LOOKBACKS)
        assert found(engine) == []
        more = [("bot", START + timedelta(days=61, hours=n), "tv") for n in range(11)]
        make_inputs(engine, [*rows, *more], conversions)
        build = build_journeys(engine, LOOKBACKS)
        assert (build.rebuilt, build.full_reason) == (1, None)
        assert found(engine) == ["bot"]


def people_named(prefix: str, number: int) -> list[Row]:
    return [row for n in range(number) for row in touches(f"{prefix}{n}", 3, 10)]


@pytest.mark.parametrize(
    ("severity", "threshold", "expected"),
    [("warn", 200, []), ("warn", 20, ["bot"]), ("warn", 30, []), ("ignore", 20, [])],
)
def test_severity_and_threshold_can_be_changed(severity, threshold, expected):
    rule = replace(RULES["bot_like_users"], severity=severity, threshold=threshold)
    with DuckDBEngine() as engine:
        make_inputs(engine, [*people(), *touches("bot", 25, 0.5)], [("a", START)])
        build_touches(engine)
        find_bot_like_users(engine, rule)
        assert found(engine) == expected
