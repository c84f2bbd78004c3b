"""Sentences about experiments."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from lydite.experiments.words import describe_reading, describe_row, shown_interval

ROW = {
    "outcome": "purchase", "metric": "rate", "arm": "treated", "control": "control",
    "verdict": "higher", "difference": 0.0123, "difference_low": 0.01, "difference_high": 0.0146,
    "always_low": 0.005, "always_high": 0.0196, "may_read": "fixed",
}  # fmt: skip


def test_rates_are_in_points():
    assert describe_row(ROW) == (
        "purchase rate of treated: higher than in control, +1.23 points (+1.00 points to"
        " +1.46 points)."
    )


def test_values_are_numbers():
    row = ROW | {"metric": "value", "difference": -3.5, "difference_low": None}
    assert describe_row(row | {"verdict": "undecided"}) == (
        "purchase value of treated: not shown to differ from control, -3.5."
    )


def test_the_interval_is_the_one_that_may_be_read():
    assert shown_interval(ROW) == (0.01, 0.0146)
    assert shown_interval(ROW | {"may_read": "always_valid"}) == (0.005, 0.0196)


def test_without_a_difference_there_is_only_the_verdict():
    row = ROW | {"difference": None, "verdict": "not_readable"}
    assert describe_row(row) == "purchase rate of treated: cannot be read."


@pytest.mark.parametrize(
    ("may_read", "says"),
    [("fixed", "is over"), ("always_valid", "at every look.*2026-03-04"), ("none", "2026-03-04")],
)
def test_what_may_be_read(may_read, says):
    assert re.search(says, describe_reading(may_read, datetime(2026, 3, 4)))


def test_an_unknown_date_is_left_out():
    assert describe_reading("none", None) == "Nothing may be read now: the checks say why."
