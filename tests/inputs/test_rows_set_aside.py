"""Rows that cannot be used are set aside, with the reason."""

import datetime as dt
import math

import polars as pl
import pytest

from lydite.errors import InputError
from tests.helpers.input_rows import LATER, TIME, booked, bought, row


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"user_id": None}, "missing_user_id"),
        ({"user_id": ""}, "missing_user_id"),
        ({"user_id": " \t\u00a0"}, "missing_user_id"),
        ({"touched_at": None}, "invalid_touched_at"),
        ({"touched_at": LATER}, "future_touched_at"),
        ({"channel": None}, "missing_channel"),
        ({"channel": " \t"}, "missing_channel"),
        ({"cost": -0.01}, "negative_cost"),
        ({"cost": math.nan}, "not_finite_cost"),
        ({"cost": math.inf}, "not_finite_cost"),
        ({"cost": -math.inf}, "not_finite_cost"),
        # One reason per row: the first that applies.
        ({"user_id": None, "touched_at": None, "channel": None}, "missing_user_id"),
        ({"touched_at": LATER, "channel": None, "cost": -1.0}, "future_touched_at"),
    ],
)
def test_bad_touchpoint(engine, read, cells, reason):
    report = read("touchpoints", pl.DataFrame([row(), row(**cells)], infer_schema_length=None))
    assert (report.rows, report.bad, report.duplicates) == (1, {reason: 1}, 0)
    assert engine.rows("select reason from quarantine.touchpoints") == [(reason,)]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"touched_at": "yesterday"}, "invalid_touched_at"),
        ({"touched_at": ""}, "invalid_touched_at"),
        ({"touched_at": "2026-02-30"}, "invalid_touched_at"),
        ({"touched_at": "01/02/2026"}, "invalid_touched_at"),
        ({"touched_at": "infinity"}, "invalid_touched_at"),
        ({"touched_at": "-infinity"}, "invalid_touched_at"),
        ({"touched_at": "2026-07-01T12:00:01"}, "future_touched_at"),
        ({"cost": "about 1.50"}, "invalid_cost"),
        ({"cost": "nan"}, "not_finite_cost"),
        ({"cost": "-inf"}, "not_finite_cost"),
        ({"cost": "-1"}, "negative_cost"),
    ],
)
def test_bad_touchpoint_in_text(read, cells, reason):
    good = row(touched_at="2026-03-01T09:30:00", cost="1.5")
    report = read("touchpoints", pl.DataFrame([good, good | cells]))
    assert (report.rows, report.bad) == (1, {reason: 1})


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"user_id": " "}, "missing_user_id"),
        ({"converted_at": None}, "invalid_converted_at"),
        ({"converted_at": LATER}, "future_converted_at"),
        ({"value": math.nan}, "not_finite_value"),
        ({"value": -math.inf}, "not_finite_value"),
    ],
)
def test_bad_conversion(read, cells, reason):
    report = read("conversions", pl.DataFrame([bought(), bought(**cells)]))
    assert (report.rows, report.bad) == (1, {reason: 1})


def test_bad_value_in_text(read):
    report = read("conversions", pl.DataFrame([bought(value="7"), bought(value="seven")]))
    assert report.bad == {"invalid_value": 1}


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"date": None}, "invalid_date"),
        ({"date": LATER.date()}, "future_date"),
        ({"channel": ""}, "missing_channel"),
        ({"cost": None}, "missing_cost"),
        ({"cost": math.nan}, "not_finite_cost"),
        ({"cost": -1.0}, "negative_cost"),
    ],
)
def test_bad_spend(read, cells, reason):
    report = read("spend", pl.DataFrame([booked(), booked(**cells)]))
    assert (report.rows, report.bad) == (1, {reason: 1})


def test_bad_spend_in_text(read):
    rows = [booked(cost="1", date="2026-03-01"), booked(cost="one", date="2026-03-01")]
    rows.append(booked(cost="1", date="1 March"))
    assert read("spend", pl.DataFrame(rows)).bad == {"invalid_cost": 1, "invalid_date": 1}


def test_spend_of_today_counts(read):
    assert read("spend", pl.DataFrame([booked(date=dt.date(2026, 7, 1))])).rows == 1


def test_unknown_values_are_accepted_and_refunds_without_an_id_set_aside(engine, read):
    report = read("conversions", pl.DataFrame([bought(value=-9.0), bought(value=None)]))
    assert (report.rows, report.bad) == (1, {"refund_without_order": 1})
    assert report.bad_share == 0
    assert engine.rows("select value from inputs.conversions order by value") == [(None,)]


def test_outcome_has_a_default(engine, read):
    frame = pl.DataFrame([bought(outcome=name) for name in ("lead", None, " ", " lead  ")])
    read("conversions", frame.with_columns(conversion_id=pl.Series(["a", "b", "c", "d"])))
    assert engine.rows("select outcome from inputs.conversions order by conversion_id") == [
        ("lead",),
        ("conversion",),
        ("conversion",),
        ("lead",),
    ]


def test_labels_are_trimmed_and_user_ids_kept(read, touches):
    odd = row(user_id=" u ", channel="\t e mail\u00a0", campaign=" ", touchpoint_id=" t ")
    read("touchpoints", pl.DataFrame([odd]))
    assert touches("user_id, channel, campaign, touchpoint_id") == [(" u ", "e mail", None, " t ")]


@pytest.mark.parametrize(
    "channel", ["Été", "搜索", "🚀 launch", "o'brien", 'say "hi"', "a > b", "$now"]
)
def test_unusual_channel_names_are_accepted(read, touches, channel):
    read("touchpoints", pl.DataFrame([row(channel=channel)]))
    assert touches("channel") == [(channel,)]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"anonymous_id": None}, "missing_anonymous_id"),
        ({"user_id": " "}, "missing_user_id"),
        ({"anonymous_id": "u1"}, "same_id"),
        ({"seen_at": None}, "invalid_seen_at"),
        ({"seen_at": LATER}, "future_seen_at"),
    ],
)
def test_bad_identity(engine, read, cells, reason):
    good = {"anonymous_id": "a1", "user_id": "u1", "seen_at": TIME}
    rows = pl.DataFrame([good, good, good | cells], infer_schema_length=None)
    report = read("identities", rows)
    assert (report.rows, report.bad, report.duplicates) == (1, {reason: 1}, 1)
    assert engine.rows("select reason from quarantine.identities") == [(reason,)]


def test_identities_need_a_user(read):
    with pytest.raises(InputError, match="lacks the required column 'user_id'"):
        read("identities", pl.DataFrame({"anonymous_id": ["a"], "seen_at": [TIME]}))


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"experiment": " "}, "missing_experiment"),
        ({"user_id": None}, "missing_user_id"),
        ({"arm": ""}, "missing_arm"),
        ({"assigned_at": None}, "invalid_assigned_at"),
        ({"assigned_at": LATER}, "future_assigned_at"),
    ],
)
def test_bad_assignment(engine, read, cells, reason):
    good = {"experiment": "test", "user_id": "u1", "arm": "control", "assigned_at": TIME}
    rows = pl.DataFrame([good, good, good | cells], infer_schema_length=None)
    report = read("experiments", rows)
    assert (report.rows, report.bad, report.duplicates) == (1, {reason: 1}, 1)
    assert engine.rows("select reason from quarantine.experiments") == [(reason,)]


def test_of_erasures_only_digests_are_stored(engine, read):
    report = read("erasures", pl.DataFrame({"user_id": ["u1", "u1", None]}))
    assert (report.rows, report.bad, report.duplicates) == (1, {"missing_user_id": 1}, 1)
    assert engine.rows("from inputs.erasures") == engine.rows("select md5('u1')")
