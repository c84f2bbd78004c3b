"""Tests of conversions that follow another without a touch in between."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

import lydite
from lydite.engine import DuckDBEngine
from lydite.journeys import build_path_events_and_conversions, build_touches, count_repeats
from lydite.settings import PathOptions
from tests.helpers.input_tables import make_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOKBACK = timedelta(days=10)


def day(number: float) -> datetime:
    return datetime(2026, 1, 1) + timedelta(days=number)


@pytest.fixture
def engine() -> Iterator[DuckDBEngine]:
    with DuckDBEngine() as engine:
        yield engine


@pytest.mark.parametrize("after_conversion", ["continue", "restart"])
@pytest.mark.parametrize(
    ("touches", "conversions", "repeats"),
    [
        pytest.param([1], [2], 0, id="one conversion"),
        pytest.param([1], [2, 3], 1, id="two conversions of one touch"),
        pytest.param([1], [2, 3, 4], 2, id="three conversions of one touch"),
        pytest.param([1], [1, 2], 1, id="the touch at the time of the first conversion"),
        pytest.param([1, 3], [2, 3], 0, id="a touch at the time of the second conversion"),
        pytest.param([1, 2.5], [2, 3], 0, id="a touch in between"),
        pytest.param([1], [2, 11], 0, id="the touch is as old as the lookback"),
        pytest.param([1], [2, 10.9], 1, id="the touch is not as old"),
        pytest.param([1], [2, 3, 3], 2, id="two conversions at one time"),
        pytest.param([1], [2, 2], 0, id="both at the time of the first"),
        pytest.param([], [2, 3], 0, id="no touch"),
        pytest.param([5], [2, 3], 0, id="a later touch only"),
    ],
)
def test_repeats_are_the_same_with_either_setting(
    engine, touches, conversions, repeats, after_conversion
):
    others = [("bob", day(n), "purchase") for n in (2, 3)]
    leads = [("ann", day(2.7), "lead")]
    rows = [("ann", day(n), "purchase", None, str(i)) for i, n in enumerate(conversions)]
    make_inputs(engine, [("ann", day(n), "tv") for n in touches], [*rows, *others, *leads])
    build_touches(engine)
    build_path_events_and_conversions(
        engine,
        dict.fromkeys(("purchase", "lead"), LOOKBACK),
        {"purchase": PathOptions(after_conversion=after_conversion)},
    )
    assert count_repeats(engine, "purchase", LOOKBACK) == repeats


ONE_CLICK = pl.DataFrame({"user_id": ["ann"], "touched_at": [day(1)], "channel": ["ad"]})
TWO_PURCHASES = pl.DataFrame({"user_id": ["ann", "ann"], "converted_at": [day(2), day(3)]})


@pytest.mark.parametrize(
    ("after_conversion", "credited", "note"),
    [
        ("continue", {"ad": 2, "(unattributed)": 0}, "touches before the previous conversion earn"),
        ("restart", {"ad": 1, "(unattributed)": 1}, "they are unattributed"),
    ],
)
def test_one_click_earns_the_second_purchase_or_nothing_does(after_conversion, credited, note):
    result = lydite.credit(
        touchpoints=ONE_CLICK,
        conversions=TWO_PURCHASES,
        models=["last_touch"],
        after_conversion=after_conversion,
        intervals=False,
    )
    assert dict(result.table.select("channel", "conversions").rows()) == credited
    [text] = result.warnings.filter(pl.col("kind") == "after_conversion")["text"]
    assert text.startswith("conversion: 1 of 2 conversions")
    assert note in text


def test_by_default_touches_earn_conversions_whatever_was_before():
    result = lydite.credit(
        touchpoints=ONE_CLICK, conversions=TWO_PURCHASES, models=["linear"], intervals=False
    )
    assert result.table["conversions"].to_list() == [2, 0]
