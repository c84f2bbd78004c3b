"""Backtests of the studies give what users get."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from lydite import compare
from studies.backtests import backtest
from studies.histories import simulate_history


@pytest.fixture(scope="module")
def tables():
    return simulate_history("plain", "linear", 1200, 1)


def test_verdicts_are_those_of_users(tables):
    found = backtest(tables).compare()["model_comparison"]
    expected = compare(tables["touchpoints"], tables["conversions"]).table
    columns = ["model", "rank", "explained", "verdict", "refuted_by"]
    for one, other in zip(
        *(
            table.filter(pl.col("model") != "ceiling").sort("model").select(columns).rows()
            for table in (found, expected)
        ),
        strict=True,
    ):
        assert one == pytest.approx(other, rel=1e-9, nan_ok=True)


def test_the_first_periods_do_not_depend_on_later_ones(tables):
    whole, first = backtest(tables), backtest(tables, periods=4)
    assert len(first.calendar) == 4
    for name in ("touch_volume", "linear", "time_decay"):
        now, then = whole.on_all_users(name).first(4), first.on_all_users(name)
        np.testing.assert_allclose(then.log_loss, now.log_loss)
