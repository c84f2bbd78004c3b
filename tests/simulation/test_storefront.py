"""Storefront world: realistic numbers, and channels that appear to work but do not."""

from __future__ import annotations

import polars as pl
import pytest

from lydite.simulation import World, simulate
from lydite.simulation import _market as market

IDLE = ["paid_search_brand", "organic_search", "direct", "retargeting"]


@pytest.fixture(scope="module")
def world() -> World:
    return simulate("storefront", users=5_000, seed=515)


def purchases(world: World) -> pl.DataFrame:
    """Purchases with the last touch in the thirty days before."""
    return world.conversions.filter(pl.col("outcome") == "purchase").join_asof(
        world.touchpoints.select("user_id", "touched_at", "channel").sort("touched_at"),
        left_on="converted_at",
        right_on="touched_at",
        by="user_id",
        tolerance="30d",
        check_sortedness=False,
    )


def test_numbers_of_rows_and_names(world):
    assert 35_000 < world.touchpoints.height < 65_000
    counts = dict(world.conversions["outcome"].value_counts().rows())
    assert 400 < counts["purchase"] < counts["signup"] < counts["lead"] < 2_000
    assert set(world.touchpoints["channel"]) == set(market.CHANNEL_NAMES)
    assert set(world.touchpoints["campaign"]) == set(market.CAMPAIGN_NAMES)
    assert set(world.touchpoints["interaction"]) == set(market.INTERACTIONS)


def test_some_purchases_have_no_touch_before_them(world):
    unattributed = purchases(world)["channel"].is_null().mean()
    assert 0.02 < unattributed < 0.2


def test_only_purchases_have_a_value(world):
    has_value = pl.col("value").is_not_null()
    assert (world.conversions.select(has_value == (pl.col("outcome") == "purchase"))["value"]).all()
    assert (world.conversions["value"].drop_nulls() > 0).all()


def test_a_channel_has_cost_by_touch_or_by_day_not_both(world):
    by_touch = set(world.touchpoints.filter(pl.col("cost").is_not_null())["channel"])
    by_day = set(world.spend["channel"])
    assert by_touch == {
        "paid_search_brand",
        "paid_search_generic",
        "display",
        "retargeting",
        "affiliate",
    }
    assert by_day == {"paid_social", "email", "video"}
    days = world.spend["date"].n_unique()
    assert days == 26 * 7
    assert world.spend.height == days * world.spend["campaign"].n_unique()


def test_channels_without_effect_are_last_before_many_purchases(world):
    truth = world.truth["outcomes"]["purchase"]
    for channel in ("paid_search_brand", "organic_search", "direct"):
        assert truth["channels"][channel]["incremental_conversions"] == 0
        assert truth["channels"][channel]["incremental_value"] == 0
    assert truth["channels"]["retargeting"]["incremental_conversions"] < 0.02 * truth["conversions"]
    assert purchases(world)["channel"].is_in(IDLE).mean() > 0.4


def test_channels_with_effect_cause_purchases(world):
    truth = world.truth["outcomes"]["purchase"]
    caused = {
        channel: effect["incremental_conversions"] / truth["conversions"]
        for channel, effect in truth["channels"].items()
    }
    for channel in ("paid_search_generic", "paid_social", "email", "affiliate", "video"):
        assert 0.02 < caused[channel] < 0.2
    assert 0.25 < sum(caused.values()) < 0.65


def test_touches_follow_the_hours_of_the_day_and_the_days_of_the_week(world):
    hours = world.touchpoints["touched_at"].dt.hour().value_counts().sort("touched_at")["count"]
    assert hours[18:22].mean() > 5 * hours[1:5].mean()
    weekdays = world.touchpoints["touched_at"].dt.weekday().value_counts().sort("touched_at")
    assert weekdays["count"][6] > 1.1 * weekdays["count"][5]
