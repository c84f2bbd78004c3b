"""The samples: each shape holds the same simulated visits and orders."""

import contextlib

import polars as pl
import pytest

from lydite.engine import DuckDBEngine
from lydite.inputs import load
from lydite.scaffold import SHAPES, create_project
from lydite.settings import load_settings
from lydite.simulation import simulate

#: Channels of the world, and their names in the default groups of Google Analytics 4.
GROUPS = {
    "search": "Paid Search",
    "social": "Paid Social",
    "display": "Display",
    "video": "Paid Video",
    "email": "Email",
    "affiliate": "Affiliates",
    "referral": "Referral",
    "direct": "Direct",
}


@pytest.fixture(scope="module")
def world():
    return simulate("time_decay", users=2_500, seed=1)


@pytest.mark.parametrize("shape", ["ga4", "snowplow", "segment", "sessions", "plain"])
def test_visits_orders_and_spend_are_those_of_the_world(shape, world, tmp_path):
    create_project(tmp_path / "shop", shape)
    sources = load_settings(tmp_path / "shop/lydite.toml").sources.present()
    with DuckDBEngine() as engine, contextlib.chdir(tmp_path / "shop"):
        report = load(engine, sources)
        touches = engine.frame("select touched_at, channel from inputs.touchpoints order by all")
        orders = engine.frame("select converted_at, value from inputs.conversions order by all")
        cost = engine.scalar("select sum(cost) from inputs.spend")
        users = engine.scalar("select count(distinct user_id) from inputs.touchpoints")
    assert report.counts == {}
    names = {name: name for name in GROUPS} if shape == "plain" else GROUPS
    expected = world.touchpoints.select("touched_at", pl.col("channel").replace_strict(names)).sort(
        "touched_at", "channel"
    )
    assert touches.rows() == expected.rows()
    assert orders.rows() == world.conversions.select("converted_at", "value").sort(pl.all()).rows()
    assert users == world.touchpoints["user_id"].n_unique()
    booked = world.spend["cost"].sum()
    of_touches = 0 if shape == "plain" else world.touchpoints["cost"].sum()
    assert cost == pytest.approx(booked + of_touches, abs=0.01 * world.spend.height)


def test_hubspot_has_two_sources_a_contact_and_stages_as_outcomes(world, tmp_path):
    create_project(tmp_path / "shop", "hubspot")
    sources = load_settings(tmp_path / "shop/lydite.toml").sources.present()
    with DuckDBEngine() as engine, contextlib.chdir(tmp_path / "shop"):
        report = load(engine, sources)
        outcomes = dict(
            engine.rows("select outcome, count(*) from inputs.conversions group by outcome")
        )
        most = engine.scalar(
            "select max(n) from (select count(*) as n from inputs.touchpoints group by user_id)"
        )
    assert report.counts == {}
    assert outcomes["qualifiedtobuy"] == world.conversions["user_id"].n_unique()
    assert 0 < outcomes["closedwon"] < outcomes["qualifiedtobuy"]
    assert most == 2


def test_the_path_table_has_every_touch_and_conversion_once(world):
    table = SHAPES["paths"].make(world)["data/paths.csv"]
    journeys = table["conversions"] + table["nulls"]
    steps = table["path"].str.split(" > ").list.len()
    assert (steps * journeys).sum() == world.touchpoints.height
    assert table["conversions"].sum() == world.conversions.height
    assert table["value"].sum() == pytest.approx(world.conversions["value"].sum(), abs=10)
