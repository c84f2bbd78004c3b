"""Conversions with the same id are one, and refunds belong to their order."""

import datetime as dt
import math
from collections import Counter

import polars as pl
import pytest

from lydite.inputs import LoadOptions, load_table
from tests.helpers.input_rows import TIME


def orders(*rows):
    """Return conversions from user, hour, value and id."""
    return pl.DataFrame(
        [
            {"user_id": user, "converted_at": TIME + dt.timedelta(hours=hour), "value": value,
             "conversion_id": key}
            for user, hour, value, key in rows
        ],
        schema={
            "user_id": pl.String,
            "converted_at": pl.Datetime,
            "value": pl.Float64,
            "conversion_id": pl.String,
        },
    )  # fmt: skip


def kept(engine):
    """Return hour, value and id of the conversions that count."""
    rows = engine.rows(
        "select converted_at, value, conversion_id from inputs.conversions order by all"
    )
    return [((at - TIME) / dt.timedelta(hours=1), value, key) for at, value, key in rows]


NO_ORDER = ["refund_without_order"]


@pytest.mark.parametrize(
    ("rows", "expected", "bad", "refunds"),
    [
        # A page that was loaded again.
        ([("a", 0, 9, "x"), ("a", 1, 9, "x")], [(0, 9, "x")], 1, 0),
        ([("a", 5, 7, "x"), ("a", 1, 9, "x"), ("a", 3, 9, "x")], [(1, 9, "x")], 2, 0),
        # Refunds: all of it, parts of it, before the order in the file, more than the order.
        ([("a", 0, 100, "x"), ("a", 2, -100, "x")], [(0, 0, "x")], 0, 1),
        ([("a", 0, 100, "x"), ("a", 2, -30, "x"), ("a", 3, -20, "x")], [(0, 50, "x")], 0, 2),
        ([("a", 2, -30, "x"), ("a", 0, 100, "x")], [(0, 70, "x")], 0, 1),
        ([("a", 0, -30, "x"), ("a", 2, 100, "x")], [(2, 70, "x")], 0, 1),
        ([("a", 0, 100, "x"), ("a", 1, 100, "x"), ("a", 2, -100, "x")], [(0, 0, "x")], 1, 1),
        ([("a", 0, 100, "x"), ("a", 2, -130, "x")], [(0, -30, "x")], 0, 1),
        # The value of the order is unknown, or the order is not in the data.
        ([("a", 0, None, "x"), ("a", 2, -30, "x")], [(0, None, "x")], 0, 1),
        (
            [("a", 0, 9, "y"), ("a", 0, -30, "x"), ("a", 2, -20, "x")],
            [(0, 9, "y")],
            NO_ORDER * 2,
            0,
        ),
        ([("a", 0, 9, "y"), ("a", 0, -30, "x")], [(0, 9, "y")], NO_ORDER, 0),
        ([("a", 0, 9, "y"), ("a", 0, -30, None)], [(0, 9, "y")], NO_ORDER, 0),
        # Refunds that another user or no one of several users with the id has ordered.
        ([("a", 0, 100, "x"), ("shop", 2, -30, "x")], [(0, 70, "x")], 0, 1),
        ([("a", 0, 100, "x"), ("shop", 2, -30, "x"), ("a", 3, -20, "x")], [(0, 50, "x")], 0, 2),
        (
            [("a", 0, 100, "x"), ("b", 1, 90, "x"), ("shop", 2, -30, "x")],
            [(0, 100, "x"), (1, 90, "x")],
            NO_ORDER,
            0,
        ),
        ([("a", 0, 100, "x"), ("b", 1, 90, "x"), ("b", 2, -30, "x")],
         [(0, 100, "x"), (1, 60, "x")], 0, 1),
        # Other users, other ids and no ids are other conversions.
        (
            [("a", 0, 9, "x"), ("b", 1, 9, "x"), ("a", 2, 9, "y"), ("a", 3, 9, None),
             ("a", 4, 9, "")],
            [(0, 9, "x"), (1, 9, "x"), (2, 9, "y"), (3, 9, None), (4, 9, None)],
            0,
            0,
        ),
    ],
)  # fmt: skip
def test_one_id_is_one_conversion(engine, read, rows, expected, bad, refunds):
    report = read("conversions", orders(*rows))
    assert kept(engine) == expected
    reasons = Counter(bad if isinstance(bad, list) else ["repeated_id"] * bad)
    assert report.bad == reasons
    assert (report.rows, report.refunds, report.duplicates) == (len(expected), refunds, 0)
    assert report.read == len(rows)
    assert engine.scalar("select count(*) from quarantine.conversions") == reasons.total()


@pytest.mark.parametrize(
    ("rows", "expected", "bad", "refunds"),
    [
        # A refund next to the value of its order, in either sign, and more than the order.
        ([(0, 100, "x", 30)], [(0, 70, "x")], {}, 0),
        ([(0, 100, None, -30)], [(0, 70, None)], {}, 0),
        ([(0, 100, "x", 130)], [(0, 0, "x")], {}, 0),
        ([(0, 100, "x", 0), (1, None, None, None)], [(0, 100, "x"), (1, None, None)], {}, 0),
        # A refund in a row of its own.
        ([(0, 100, "x", None), (1, None, "x", 30)], [(0, 70, "x")], {}, 1),
        ([(0, 100, "x", 10), (1, None, "x", 30)], [(0, 60, "x")], {}, 1),
        ([(0, 100, "x", None), (1, None, "y", 30)], [(0, 100, "x")],
         {"refund_without_order": 1}, 0),
        ([(0, 100, "x", None), (1, None, None, 30)], [(0, 100, "x")],
         {"refund_without_order": 1}, 0),
    ],
)  # fmt: skip
def test_refunds_may_have_a_column(engine, read, rows, expected, bad, refunds):
    table = orders(*(("a", *row[:3]) for row in rows)).with_columns(
        refund=pl.Series([row[3] for row in rows], dtype=pl.Float64)
    )
    report = read("conversions", table)
    assert kept(engine) == expected
    assert (report.bad, report.refunds, report.read) == (bad, refunds, len(rows))
    assert "refund" not in engine.columns("inputs.conversions")


def test_refunds_that_are_no_numbers_are_set_aside(read):
    table = orders(("a", 0, 9, "x"), ("a", 1, 9, "y"), ("a", 2, 9, "z"))
    report = read("conversions", table.with_columns(refund=pl.Series(["1", "one", "inf"])))
    assert report.bad == {"invalid_refund": 1, "not_finite_refund": 1}


def test_only_the_first_conversion_counts_where_it_is_set(engine):
    rows = orders(
        ("a", 2, 9, None), ("a", 1, 8, "x"), ("b", 3, 7, None), ("a", 3, -2, "x"), ("a", 4, 8, "x"),
    )  # fmt: skip
    leads = rows.with_columns(outcome=pl.lit("lead"))
    both = pl.concat([rows.with_columns(outcome=pl.lit("purchase")), leads])
    report = load_table(engine, "conversions", both, LoadOptions(first_only=["lead"]))
    assert report.bad == {"not_first": 1, "repeated_id": 2}
    assert (report.rows, report.refunds, report.read) == (5, 2, 10)
    assert report.bad_share == 0.2
    found = "select user_id, value from inputs.conversions where outcome = '{}' order by all"
    assert engine.rows(found.format("lead")) == [("a", 6), ("b", 7)]
    assert engine.rows(found.format("purchase")) == [("a", 6), ("a", 9), ("b", 7)]


def test_of_conversions_at_one_time_one_is_the_first(engine):
    rows = orders(("a", 1, 9, None), ("a", 1, 9, None), ("a", 1, 7, None)).drop("conversion_id")
    for keep_duplicates in (False, True):
        report = load_table(
            engine,
            "conversions",
            rows,
            LoadOptions(first_only=["conversion"], keep_duplicates=keep_duplicates),
        )
        assert (report.rows, report.duplicates, report.bad) == (1, 0, {"not_first": 2})
        assert engine.scalar("select value from inputs.conversions") == 7


def test_copies_of_repeats_and_refunds_do_not_count_twice(engine, read):
    rows = [("a", 0, 100, "x"), ("a", 1, 100, "x"), ("a", 2, -30, "x")]
    report = read("conversions", orders(*rows * 2))
    assert kept(engine) == [(0, 70, "x")]
    assert (report.rows, report.bad, report.refunds, report.duplicates) == (
        1, {"repeated_id": 2}, 1, 2,
    )  # fmt: skip
    assert report.read == 6


def test_one_id_in_two_outcomes_is_two_conversions(engine, read):
    both = orders(("a", 0, 9, "x"), ("a", 1, 9, "x")).with_columns(
        outcome=pl.Series(["lead", "purchase"])
    )
    assert read("conversions", both).rows == 2


def test_a_repeat_that_cannot_be_used_does_not_count(engine, read):
    rows = orders(("a", 0, math.inf, "x"), ("a", 1, 9, "x"), (None, 2, 9, "x"))
    assert read("conversions", rows).bad == {"missing_user_id": 1, "not_finite_value": 1}
    assert kept(engine) == [(1, 9, "x")]


def test_equal_conversions_without_an_id_can_be_kept(engine):
    rows = orders(*[("a", 0, 9, None)] * 3, *[("a", 0, 9, "x")] * 2, ("b", 0, 9, None))
    once = load_table(engine, "conversions", rows)
    assert (once.rows, once.duplicates) == (3, 3)
    all_of_them = load_table(engine, "conversions", rows, LoadOptions(keep_duplicates=True))
    assert (all_of_them.rows, all_of_them.duplicates) == (5, 1)
    assert engine.columns("inputs.conversions").keys() == {
        "user_id", "converted_at", "outcome", "value", "conversion_id",
    }  # fmt: skip
