"""Backtests of the studies give the tables that users get."""

from __future__ import annotations

import polars as pl
import polars.testing
import pytest

import lydite
from studies.backtests import Backtests, backtest
from studies.histories import simulate_history

OTHER = {"share_of_ceiling", "warning"}  # the studies have no ceiling


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return simulate_history("plain", "last_touch", 2500, 3)


@pytest.fixture(scope="module")
def found(tables) -> Backtests:
    return backtest(tables)


def test_the_comparison_is_that_of_users(tables, found):
    made = lydite.compare(**tables, after_conversion="restart")
    expected = made.marts["model_comparison"].filter(pl.col("model") != "ceiling")
    own = found.compare()["model_comparison"].filter(pl.col("model") != "ceiling")
    names = [name for name in own.columns if name not in OTHER and name in expected.columns]
    assert {"verdict", "refuted_by", "explained_low", "primary"} <= set(names)
    key = ["segment", "model"]
    polars.testing.assert_frame_equal(
        own.select(names).sort(key), expected.select(names).sort(key), rel_tol=1e-6
    )


def test_the_first_periods_are_those_of_the_whole_history(tables, found):
    few = backtest(tables, 6)
    assert len(few.calendar) == 6
    for name in ("last_touch", "markov_2", "touch_volume"):
        one, other = few.on_all_users(name), found.on_all_users(name).first(6)
        assert one.log_loss.sum() == pytest.approx(other.log_loss.sum(), rel=1e-6)
    verdicts = [
        own.compare(5)["model_comparison"].sort("model")["verdict"].to_list()
        for own in (few, found)
    ]
    assert verdicts[0] == verdicts[1]
