"""Tests of parsing and formatting lookbacks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.durations import format_duration, parse_duration
from lydite.errors import InputError

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "lookback"),
    [
        ("30d", timedelta(days=30)),
        ("12h", timedelta(hours=12)),
        ("4w", timedelta(weeks=4)),
        ("1.5d", timedelta(hours=36)),
        (" 7 days ", timedelta(days=7)),
        ("1 hour", timedelta(hours=1)),
        ("1 week", timedelta(weeks=1)),
        ("3650d", timedelta(days=3650)),
        (timedelta(days=3), timedelta(days=3)),
    ],
)
def test_number_and_unit_are_parsed(text, lookback):
    assert parse_duration(text) == lookback


@pytest.mark.parametrize(
    "text", ["", "30", "d", "-3d", "3m", "3d 4h", "1e2d", "thirty days", "nan d"]
)
def test_unreadable_lookback_raises_an_error_with_examples(text):
    with pytest.raises(InputError, match=r"cannot be read: .* such as 12h, 30d or 4w"):
        parse_duration(text)


@pytest.mark.parametrize(
    "text",
    ["0d", "0.5h", "3651d", "9" * 400 + "d", "99999999999w", timedelta(0), timedelta(days=-1)],
)
def test_lookback_out_of_range_raises_an_error_with_the_range(text):
    with pytest.raises(InputError, match="out of range: between 1h and 3650d"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("lookback", "text"),
    [
        (timedelta(days=30), "30d"),
        (timedelta(weeks=2), "14d"),
        (timedelta(hours=12), "12h"),
        (timedelta(hours=36), "36h"),
        (timedelta(minutes=90), "1.5h"),
    ],
)
def test_formatted_text_is_short(lookback, text):
    assert format_duration(lookback) == text


@given(st.timedeltas(HOUR, timedelta(days=3650)))
def test_formatted_text_can_be_parsed_again(lookback):
    assert parse_duration(format_duration(lookback)) == lookback
