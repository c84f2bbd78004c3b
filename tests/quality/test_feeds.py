"""Feeds: where they end, stray rows, holes, and what was declared."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.engine import DuckDBEngine
from lydite.quality.feeds import (
    Extent,
    Feed,
    measure_feeds,
    read_feeds,
    read_holes,
    write_holes,
)
from lydite.settings import Completeness
from tests.helpers.examples import examples
from tests.helpers.input_tables import make_inputs

if TYPE_CHECKING:
    from lydite.quality.findings import Finding

FIRST, DAYS = date(2025, 1, 6), 182
NOTHING = {"lead": Completeness()}
BOTH = {"lead": Completeness(), "sale": Completeness()}


def on(day: int, hour: int = 12) -> datetime:
    return datetime(FIRST.year, FIRST.month, FIRST.day, hour) + timedelta(days=day)


def feed(counts, outcome: str | None = None, seconds: int = 0) -> Feed:
    """Return a feed with so many rows on each day from the first one on."""
    counts = (
        {day: int(n) for day, n in enumerate(counts) if n}
        if not isinstance(counts, dict)
        else counts
    )
    table = "touchpoints" if outcome is None else "conversions"
    days = tuple(FIRST + timedelta(days=day) for day in counts)
    return Feed(
        table, outcome, days, tuple(counts.values()),
        tuple(on(day) for day in counts),
    )  # fmt: skip


def daily(per_day: float, days: int = DAYS, seed: int = 0) -> dict[int, int]:
    counts = np.random.default_rng(seed).poisson(per_day, days)
    return {day: int(n) for day, n in enumerate(counts) if n}


def described(finding: Finding) -> tuple[str, str, str | None]:
    return finding.kind, finding.table_name, finding.outcome


TOUCHES, LEADS = daily(200), daily(20, seed=1)


def test_now_is_the_earlier_of_the_last_touchpoint_and_the_last_conversion_of_the_outcome():
    conversions = {"lead": feed(daily(20, DAYS - 2), "lead"), "sale": feed(LEADS, "sale")}
    extents, findings = measure_feeds(feed(TOUCHES), conversions, BOTH)
    assert extents == {"lead": Extent(on(DAYS - 3)), "sale": Extent(on(DAYS - 1))}
    assert findings == []


@pytest.mark.parametrize("days_ahead", [30, 100, 480, 3000])
@pytest.mark.parametrize("per_day", [2, 200])
def test_stray_rows_do_not_move_now(days_ahead, per_day):
    stray = {DAYS + days_ahead: 2}
    extents, findings = measure_feeds(
        feed({**daily(per_day), **stray}), {"lead": feed({**LEADS, **stray}, "lead")}, NOTHING
    )
    end = max(daily(per_day))
    assert extents["lead"] == Extent(on(min(end, DAYS - 1)))
    assert [(f.kind, f.table_name) for f in findings] == [
        ("stray_rows", "touchpoints"), ("stray_rows", "conversions")
    ]  # fmt: skip
    assert (
        findings[0].first_day == findings[0].last_day == FIRST + timedelta(days=DAYS + days_ahead)
    )
    assert "touchpoints: 2 rows from" in findings[0].text
    assert f"end on {FIRST + timedelta(days=end)}" in findings[0].text


def test_many_rows_with_one_wrong_date_are_stray_too():
    """A default date such as 2030-01-01: many rows on one day."""
    wrong = {DAYS + 400: 5000}
    extents, findings = measure_feeds(
        feed({**TOUCHES, **wrong}), {"lead": feed({**LEADS, DAYS + 400: 400}, "lead")}, NOTHING
    )
    assert extents["lead"] == Extent(on(DAYS - 1))
    assert {f.kind for f in findings} == {"stray_rows"}


def test_a_feed_that_resumes_is_not_stray():
    resumed = {day: n for day, n in TOUCHES.items() if not 100 <= day < 140}
    extents, findings = measure_feeds(feed(resumed), {"lead": feed(LEADS, "lead")}, NOTHING)
    assert extents["lead"].as_of == on(DAYS - 1)
    assert [f.kind for f in findings] == ["sudden_drop"]
    [(start, end)] = extents["lead"].holes
    assert abs((start - FIRST).days - 100) <= 1
    assert abs((end - FIRST).days - 140) <= 1


def test_rows_long_before_the_others_do_not_matter():
    early = {-20_000: 1}
    extents, findings = measure_feeds(
        feed({**early, **TOUCHES}), {"lead": feed({**early, **LEADS}, "lead")}, NOTHING
    )
    assert extents["lead"] == Extent(on(DAYS - 1))
    assert findings == []


def test_a_feed_that_stopped_ends_the_data_of_its_outcome_only():
    cut = {day: n for day, n in LEADS.items() if day < DAYS - 42}
    conversions = {"lead": feed(cut, "lead"), "sale": feed(LEADS, "sale")}
    extents, [finding] = measure_feeds(feed(TOUCHES), conversions, BOTH)
    assert extents["sale"] == Extent(on(DAYS - 1))
    assert extents["lead"].as_of == on(DAYS - 43)
    assert described(finding) == (
        "sudden_drop",
        "conversions",
        "lead",
    )
    assert finding.first_day == FIRST + timedelta(days=DAYS - 42)
    assert finding.last_day == FIRST + timedelta(days=DAYS - 2)  # the last day is not over
    assert "conversions of 'lead': 0 rows" in finding.text


@examples(40)
@given(st.integers(60, DAYS - 8), st.integers(0, 2), st.integers(0, 99))
def test_a_trickle_of_rows_ends_the_data_where_a_cut_would(cut, trickle, seed):
    """Where nine tenths of the rows stop, "now" is as if all of them did."""
    counts = daily(20, seed=seed)
    rows = {day: n for day, n in counts.items() if day < cut}
    rng = np.random.default_rng(seed)
    extra = {day: 1 for day in range(cut + 2, DAYS) if rng.random() < trickle / 7}
    with_extra, _ = measure_feeds(feed(TOUCHES), {"lead": feed({**rows, **extra}, "lead")}, NOTHING)
    without, _ = measure_feeds(feed(TOUCHES), {"lead": feed(rows, "lead")}, NOTHING)
    assert abs(with_extra["lead"].as_of - without["lead"].as_of) <= timedelta(days=1)


def test_touchpoints_that_stop_are_found():
    cut = {day: n for day, n in TOUCHES.items() if day < DAYS - 21}
    extents, [finding] = measure_feeds(feed(cut), {"lead": feed(LEADS, "lead")}, NOTHING)
    assert extents["lead"].as_of == on(DAYS - 22)
    assert described(finding) == (
        "sudden_drop",
        "touchpoints",
        None,
    )


def test_a_declared_delay_counts_from_the_last_row_of_all():
    conversions = {"lead": feed(daily(20, DAYS - 1), "lead")}
    declared = {"lead": Completeness(delivery_delay=timedelta(days=3))}
    extents, findings = measure_feeds(feed(TOUCHES), conversions, declared)
    assert extents["lead"] == Extent(on(DAYS - 1) - timedelta(days=3))
    assert findings == []


def test_a_declared_instant_is_taken_as_it_is():
    declared = {"lead": Completeness(as_of=datetime(2025, 5, 1))}
    before = {day: n for day, n in LEADS.items() if on(day) < datetime(2025, 5, 1)}
    extents, findings = measure_feeds(feed(TOUCHES), {"lead": feed(before, "lead")}, declared)
    assert extents["lead"] == Extent(datetime(2025, 5, 1))
    assert findings == []


def test_a_feed_that_ends_long_before_the_declared_instant_is_found():
    declared = {"lead": Completeness(as_of=on(DAYS + 30))}
    extents, findings = measure_feeds(feed(TOUCHES), {"lead": feed(LEADS, "lead")}, declared)
    assert extents["lead"].as_of == on(DAYS + 30)
    assert len(extents["lead"].holes) == 2
    assert [f.kind for f in findings] == ["sudden_drop"] * 2


def test_accepted_findings_have_no_effect():
    stray = {DAYS + 480: 2}
    feeds = feed({**TOUCHES, **stray}), {"lead": feed({**LEADS, **stray}, "lead")}
    extents, findings = measure_feeds(*feeds, NOTHING, ["stray_rows", "sudden_drop"])
    assert extents["lead"] == Extent(on(DAYS + 480))
    assert {f.kind for f in findings} == {"stray_rows", "sudden_drop"}


def test_feeds_are_read_from_the_input_tables():
    with DuckDBEngine() as engine:
        make_inputs(
            engine,
            [("ann", on(0), "tv"), ("ann", on(0, 18), "tv"), ("bob", on(2), "tv")],
            [("ann", on(1), "lead"), ("bob", on(3), "sale"), ("bob", on(3, 5), "sale")],
        )
        touchpoints, conversions = read_feeds(engine)
    assert touchpoints == Feed(
        "touchpoints", None, (FIRST, FIRST + timedelta(2)), (2, 1), (on(0, 18), on(2))
    )
    assert conversions["sale"] == Feed(
        "conversions", "sale", (FIRST + timedelta(3),), (2,), (on(3),)
    )
    assert list(conversions) == ["lead", "sale"]


def test_holes_are_stored():
    extents = {
        "lead": Extent(on(9), ((FIRST, FIRST + timedelta(7)),)), "sale": Extent(on(9)),
    }  # fmt: skip
    with DuckDBEngine() as engine:
        assert read_holes(engine, "lead").shape == (0, 2)
        write_holes(engine, extents)
        assert read_holes(engine, "sale").shape == (0, 2)
        np.testing.assert_array_equal(
            read_holes(engine, "lead"),
            np.array([[FIRST, FIRST + timedelta(7)]], dtype="datetime64[us]"),
        )
