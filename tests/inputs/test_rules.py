"""Tests of rules about rows: what they find, and that no row is lost when it is set aside."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from lydite import inputs, simulate
from lydite.engine import DuckDBEngine, load_sql
from lydite.errors import InputError
from lydite.inputs.rules import COLUMNS, RULES, TOUCHES, active_rules
from lydite.settings import RuleSettings, parse_settings

NOON = datetime(2026, 3, 1, 12)
CONVERSIONS = pl.DataFrame({"user_id": ["a"], "converted_at": [NOON]})


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def touchpoints(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    """Return touchpoints of (user, time, channel, campaign, id); what is left out is null."""
    schema = {
        "user_id": pl.String, "touched_at": pl.Datetime("us"), "channel": pl.String,
        "campaign": pl.String, "touchpoint_id": pl.String,
    }  # fmt: skip
    full = [(*row, *[None] * (5 - len(row))) for row in rows]
    return pl.DataFrame(full, schema=schema, orient="row")


def load(rows: list[tuple[Any, ...]] | pl.DataFrame, rule: str, **own: Any) -> tuple[Any, Any]:
    """Return the report, and the user and id of the touchpoints that were kept."""
    frame = rows if isinstance(rows, pl.DataFrame) else touchpoints(rows)
    settings = {rule: RuleSettings(severity="set_aside", **own)}
    with DuckDBEngine(threads=1) as engine:
        loaded = inputs.load(
            engine,
            {"touchpoints": frame, "conversions": CONVERSIONS},
            inputs.LoadOptions(rules=settings),
        )
        kept = engine.rows("select user_id, touchpoint_id from inputs.touchpoints order by all")
        report = loaded.tables["touchpoints"]
        aside = engine.rows("select touchpoint_id, reason from quarantine.touchpoints")
        assert report.read == len(frame) == len(kept) + len(aside)
        assert {reason for _, reason in aside} <= {rule}
        assert not engine.exists(TOUCHES)
    return report, kept


# --- near-duplicates ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("second", "kept"),
    [
        (("a", at(1), "tv", "x", "2"), ["1"]),
        (("a", at(2), "tv", "x", "2"), ["1"]),
        (("a", at(2.1), "tv", "x", "2"), ["1", "2"]),
        (("a", at(0), "tv", "x", "2"), ["1"]),
        (("b", at(1), "tv", "x", "2"), ["1", "2"]),
        (("a", at(1), "mail", "x", "2"), ["1", "2"]),
        (("a", at(1), "tv", "y", "2"), ["1", "2"]),
        (("a", at(1), "tv", None, "2"), ["1", "2"]),
    ],
)
def test_near_duplicates_are_touches_within_seconds_of_the_same_kind(second, kept):
    _, found = load([("a", at(0), "tv", "x", "1"), second], "near_duplicates")
    assert sorted(name for _, name in found) == kept


def test_the_first_of_a_series_stays():
    rows = [("a", at(n), "tv", "x", str(n)) for n in range(6)]
    assert load(rows, "near_duplicates")[1] == [("a", "0")]


def test_equal_rows_are_no_near_duplicates():
    rows = [("a", at(0), "tv")] * 3
    report, kept = load(rows, "near_duplicates")
    assert (report.rows, report.bad, len(kept)) == (3, {}, 3)


def test_the_threshold_is_in_seconds():
    rows = [("a", at(0), "tv"), ("a", at(50), "tv")]
    assert load(rows, "near_duplicates")[0].bad == {}
    assert load(rows, "near_duplicates", threshold=60)[0].bad == {"near_duplicates": 1}


# --- bursts ---------------------------------------------------------------------------------------


def test_bursts_are_many_touches_within_a_second():
    links = [("a", at(n / 20), "mail", f"link {n}", f"a{n}") for n in range(12)]
    slow = [("b", at(n / 5), "mail", f"link {n}", f"b{n}") for n in range(12)]
    before = [("a", at(-3), "mail", "", "first")]
    report, kept = load([*links, *slow, *before], "bursts")
    assert report.bad == {"bursts": 12}
    assert ("a", "first") in kept
    assert len(kept) == 13


def test_ten_touches_within_a_second_are_no_burst():
    links = [("a", at(n / 20), "mail", f"link {n}", str(n)) for n in range(10)]
    rows = [*links, ("b", at(0), "tv", None, "b")]
    assert load(rows, "bursts")[0].bad == {}
    assert load(rows, "bursts", threshold=9)[0].bad == {"bursts": 10}


# --- users ----------------------------------------------------------------------------------------


def test_bot_like_users_can_be_set_aside():
    people = [(f"p{n}", at(60 * n), "tv", None, f"p{n}") for n in range(30)]
    bot = [("bot", at(n), "tv", None, f"b{n}") for n in range(201)]
    report, kept = load([*people, *bot], "bot_like_users")
    assert report.bad == {"bot_like_users": 201}
    assert {user for user, _ in kept} == {user for user, *_ in people}
    assert report.bad_share == 0


def test_users_with_one_touch_on_one_channel():
    people = [(f"p{n % 50}", at(60 * n), "mail", None, f"p{n}") for n in range(500)]
    once = [(f"once {n}", at(n), "direct", None, f"o{n}") for n in range(300)]
    rows = [*people, *once, ("p0", at(5), "direct", None, "p")]
    assert load(rows, "one_touch_users")[0].bad == {}
    report, kept = load(rows, "one_touch_users", threshold=200)
    assert report.bad == {"one_touch_users": 300}
    assert ("p0", "p") in kept


def test_where_most_users_have_one_touch_on_all_channels_that_is_normal():
    rows = [(f"u{n}", at(n), ("tv", "mail")[n % 2], None, str(n)) for n in range(600)]
    assert load(rows, "one_touch_users", threshold=100)[0].bad == {}


# --- all rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RULES)
def test_rules_are_documented(name):
    rule = RULES[name]
    text = load_sql(rule.sql)
    assert text.startswith("-- Finds ")
    assert rule.advice[0].isupper()
    assert rule.finds.format(threshold=rule.threshold)
    columns = ["user_id"] if rule.of_users else list(COLUMNS)
    assert [line.split()[1][1:] for line in text.splitlines() if line.startswith("-- @")] == columns
    if name != "vanished_users":
        assert name in inputs.REASONS
        assert name in inputs.CHOSEN_REASONS


def test_by_default_no_row_is_set_aside():
    world = simulate("linear", users=500, seed=1)
    with DuckDBEngine(threads=1) as engine:
        sources = {"touchpoints": world.touchpoints, "conversions": world.conversions}
        assert inputs.load(engine, sources).counts == {}


def test_rules_are_applied_one_after_the_other():
    settings = {
        name: RuleSettings(severity="set_aside", threshold=1)
        for name in ("near_duplicates", "bursts", "bot_like_users")
    }
    rows = [
        *(("a", at(0), "mail", f"link {n % 3}", str(n)) for n in range(9)),
        *(("b", at(3600 * n), "tv", None, f"b{n}") for n in range(9)),
        ("c", at(0), "tv", None, "c"),
    ]
    with DuckDBEngine(threads=1) as engine:
        frame = touchpoints(rows)
        sources = {"touchpoints": frame, "conversions": CONVERSIONS}
        report = inputs.load(engine, sources, inputs.LoadOptions(rules=settings)).tables[
            "touchpoints"
        ]
    assert report.bad == {"near_duplicates": 6, "bursts": 3, "bot_like_users": 9}
    assert report.rows == 1


def test_settings_change_severity_and_threshold():
    rules = active_rules({"bursts": RuleSettings(threshold=5)})
    assert (rules["bursts"].severity, rules["bursts"].threshold) == ("warn", 5)
    assert rules["near_duplicates"] == RULES["near_duplicates"]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"busrts": {}}, "quality.rules.busrts"),
        ({"bursts": {"severity": "delete"}}, "quality.rules.bursts.severity"),
        ({"bursts": {"threshold": 0}}, "quality.rules.bursts.threshold"),
        ({"vanished_users": {"severity": "set_aside"}}, 'vanished_users cannot be "set_aside"'),
    ],
)
def test_wrong_rules_are_refused(rules, message):
    values = {
        "sources": {"touchpoints": "t.csv", "conversions": "c.csv"},
        "quality": {"rules": rules},
    }
    with pytest.raises(InputError, match=message):
        parse_settings(values, "here")
