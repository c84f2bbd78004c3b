"""Spend and credit by channel, against the rows of the table."""

from __future__ import annotations

import polars as pl
import pytest

from lydite.reporting.channel_money import channel_money, model_to_show, unattributed_share
from tests.helpers.made_comparisons import ALL_REFUTED, CONTENDERS, make_comparison, make_empty

STANDING = ["linear", "last_touch", "markov_1"]


@pytest.fixture(scope="module")
def comparison():
    return make_comparison(("purchase", CONTENDERS))


def test_the_first_model_that_stands_is_shown(comparison):
    assert model_to_show(comparison, "purchase") == "linear"
    refuted = make_comparison(("purchase", ALL_REFUTED))
    assert model_to_show(refuted, "purchase") == "linear"  # last touch was not compared
    assert model_to_show(make_empty(), "purchase") is None


def test_ranges_are_over_the_models_that_stand(comparison):
    credit = comparison.marts["channel_credit"].filter(pl.col("model").is_in(STANDING))
    for row in channel_money(comparison, "purchase", "linear"):
        own = credit.filter(pl.col("channel") == row.channel)
        assert row.standing == (own["conversions"].min(), own["conversions"].max())
        assert row.standing_share == (own["share"].min(), own["share"].max())
        if row.spend:
            roas = own["roas"]
            assert row.standing_return == pytest.approx((roas.min(), roas.max()))
            cpa = own["cpa"]
            assert row.standing_cost == pytest.approx((cpa.min(), cpa.max()))


def test_the_figures_of_the_model_lie_within_its_range_and_interval(comparison):
    for row in channel_money(comparison, "purchase", "linear"):
        assert row.standing[0] <= row.conversions <= row.standing[1]
        assert row.interval[0] <= row.share <= row.interval[1]


def test_channels_are_sorted_by_spend_and_shares_add_up(comparison):
    rows = channel_money(comparison, "purchase", "linear")
    assert [row.spend or 0 for row in rows] == sorted(
        (row.spend or 0 for row in rows), reverse=True
    )
    assert sum(row.spend_share or 0 for row in rows) == pytest.approx(1)
    assert sum(row.share for row in rows) == pytest.approx(1)
    assert rows[-1].channel == "direct"  # nothing is spent on it
    assert rows[-1].cost_each is rows[-1].value_per_spend is rows[-1].standing_return is None


def test_where_no_model_stands_there_is_no_range():
    refuted = make_comparison(("purchase", ALL_REFUTED))
    assert {row.standing for row in channel_money(refuted, "purchase", "linear")} == {None}


def test_the_share_without_a_touch(comparison):
    assert unattributed_share(comparison, "purchase") == pytest.approx(211 / 2311)
    assert unattributed_share(comparison, "unknown") is None
