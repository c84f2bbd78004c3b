"""Advice about rows that were set aside: patterns of times are found in their values."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest

from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.inputs import REASONS, LoadOptions, load_table
from lydite.inputs.advice import advise

TIMES = [datetime(2026, 1, 20) + timedelta(hours=7 * n, seconds=n) for n in range(60)]


def frame(values: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"user_id": "u", "touched_at": values, "channel": "ads"})


@pytest.mark.parametrize(
    "pattern",
    [
        "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%m/%d/%y %I:%M %p",
        "%d %b %Y %H:%M", "%b %d, %Y, %I:%M:%S %p", "%d/%b/%Y:%H:%M:%S", "%Y.%m.%d",
        "%Y.%m.%d %H:%M:%S",
    ],
)  # fmt: skip
def test_the_pattern_that_reads_the_times_is_named(pattern):
    values = [time.strftime(pattern) for time in TIMES]
    with DuckDBEngine() as engine:
        with pytest.raises(InputError) as error:
            load_table(engine, "touchpoints", frame(values), LoadOptions(now=datetime(2026, 7, 1)))
        assert f"strptime(touched_at, '{pattern}')." in str(error.value)
        # What the message says works.
        [(found,)] = engine.rows(f"select strptime('{values[0]}', '{pattern}')")
        assert found.strftime(pattern) == values[0]


def test_both_patterns_are_named_where_days_may_be_months():
    values = [f"{1 + n % 12:02}/{1 + n % 9:02}/2026 10:30" for n in range(20)]
    with DuckDBEngine() as engine, pytest.raises(InputError) as error:
        load_table(engine, "touchpoints", frame(values), LoadOptions(now=datetime(2027, 7, 1)))
    message = str(error.value)
    assert "'%m/%d/%Y %H:%M') or strptime(touched_at, '%d/%m/%Y %H:%M'): the values fit" in message


def test_without_a_pattern_the_advice_is_general():
    with DuckDBEngine() as engine:
        with pytest.raises(InputError, match="where the month comes first"):
            load_table(
                engine,
                "touchpoints",
                frame(["soon", "later"]),
                LoadOptions(now=datetime(2026, 7, 1)),
            )
        assert advise(engine, "touchpoints", "missing_channel") == REASONS["missing_channel"]
        assert "quality.rules" in advise(engine, "touchpoints", "own_rule")
