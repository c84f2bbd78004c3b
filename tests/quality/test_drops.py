"""Sudden drops: what is found, and what is normal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.quality.drops import MAX_SHARE, MIN_EXPECTED, find_drops
from tests.helpers.examples import examples

WEEKDAYS = np.array([1.2, 1.2, 1.2, 1.2, 1.2, 0.6, 0.4])


def poisson(mean, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(mean)


def week(per_week: float, weeks: int) -> np.ndarray:
    """Return the mean of each day, with fewer rows at weekends."""
    return np.tile(per_week / 7 * WEEKDAYS, weeks)


@pytest.mark.parametrize("per_week", [40, 300, 100_000])
@pytest.mark.parametrize("days", [8, 14, 42])
def test_days_without_rows_are_found(per_week, days):
    rows = poisson(week(per_week, 30))
    rows[100 : 100 + days] = 0
    [drop] = find_drops(rows)
    assert abs(drop.start - 100) <= 1
    assert abs(drop.end - 100 - days) <= 1
    assert drop.rows < MAX_SHARE * drop.expected
    assert drop.expected == pytest.approx(per_week / 7 * (drop.end - drop.start), rel=0.4)


def test_a_drop_is_also_found_at_the_end_and_for_as_long_as_it_lasts():
    rows = poisson(week(200, 60))
    rows[150:] = rows[150:] // 40
    [drop] = find_drops(rows)
    assert abs(drop.start - 150) <= 1
    assert drop.end == len(rows)


def test_a_few_rows_a_week_need_a_longer_window():
    rows = poisson(week(12, 52), seed=3)
    rows[300:] = 0
    [drop] = find_drops(rows)
    assert 290 <= drop.start <= 302
    assert drop.end == len(rows)


@pytest.mark.parametrize(
    ("name", "mean"),
    [
        ("a steady week", week(300, 52)),
        ("a small table", week(6, 52)),
        ("a holiday", np.concatenate([week(300, 20), week(60, 2), week(300, 20)])),
        ("a few closed days", np.concatenate([week(300, 20), np.zeros(5), week(300, 20)])),
        ("a sale", np.concatenate([week(100, 20), week(3000, 4), week(100, 20)])),
        ("a mailing every other week", np.tile(np.repeat([5000.0, 20.0], 7), 20)),
        ("a mailing each month", np.tile(np.append(20_000.0, np.full(29, 30.0)), 12)),
        ("a season that ends", np.repeat(np.geomspace(100, 0.5, 20), 7)),
        ("growth", np.repeat(np.geomspace(1, 5000, 40), 7)),
        ("a slow decline", np.repeat(np.geomspace(5000, 1, 60), 7)),
        ("rows on one weekday", np.tile([200.0, 0, 0, 0, 0, 0, 0], 40)),
        ("a first burst of imported rows", np.concatenate([[50_000.0], week(40, 30)])),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_what_is_normal_is_no_drop(name, mean, seed):
    assert find_drops(poisson(mean, seed)) == [], name


def test_too_few_rows_are_never_a_drop():
    rows = np.zeros(100, dtype=int)
    assert find_drops(rows) == []
    rows[:35:7] = MIN_EXPECTED - 1
    assert find_drops(rows) == []
    assert find_drops(np.array([], dtype=int)) == []


@examples(60)
@given(
    st.integers(0, 10_000), st.integers(50, 2000), st.floats(0.2, 3),
    st.floats(0.3, 1.5),
)  # fmt: skip
def test_overdispersed_counts_are_no_drop(seed, per_week, growth, noise):
    """Weeks that vary by a factor of four and a trend: still no collapse to a tenth."""
    rng = np.random.default_rng(seed)
    weeks = np.exp(np.clip(rng.normal(0, noise, 40), -0.7, 0.7)) * np.geomspace(1, growth, 40)
    assert find_drops(rng.poisson(np.repeat(weeks, 7) * per_week / 7)) == []


@examples(60)
@given(st.integers(0, 10_000), st.integers(40, 1000), st.integers(40, 150), st.integers(8, 60))
def test_a_drop_does_not_depend_on_what_comes_after_it(seed, per_week, start, days):
    """Each week, the same drops are found again: a period that is left out stays left out."""
    rows = poisson(week(per_week, 40), seed)
    rows[start : start + days] = 0
    found = find_drops(rows)
    for until in range(start + days, len(rows), 17):
        for drop, again in zip(find_drops(rows[:until]), found, strict=False):
            assert drop.start == again.start
            assert drop.end == min(again.end, until) or again.end - drop.end <= 2
