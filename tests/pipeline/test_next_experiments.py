"""The mart of the next experiments: what is read from the other marts."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from lydite.engine import DuckDBEngine
from lydite.pipeline.next_experiments import (
    CLUSTER_TOTALS,
    SCHEMA,
    build_next_experiments,
    find_candidates,
)
from tests.helpers.made_comparisons import BEST, CONTENDERS
from tests.helpers.made_decisions import DECISION
from tests.helpers.proposals import NAMES, WEEKS, journeys_with_accounts, marts_of, propose


def test_candidates_are_the_channels_that_cost_and_run():
    found = {own.channel: own for own in find_candidates(marts_of(without=["podcast"]), "purchase")}
    assert "direct" not in found  # it costs nothing
    assert "podcast" not in found  # it reaches no users
    own = found["email"]
    months = WEEKS * 7 / (365 / 12)
    assert own.spend == pytest.approx(900 / months)
    assert own.margin == pytest.approx(60)
    assert own.users == 1_000
    assert own.rate == pytest.approx(600 / (1_000 * WEEKS))
    assert own.regional_conversions == pytest.approx(2_311 / WEEKS)


def test_beliefs_are_those_of_models_that_stand_and_the_model_is_that_in_use():
    in_use = find_candidates(marts_of(CONTENDERS), "purchase")[0]
    assert in_use.model == "last_touch"
    assert set(in_use.beliefs) == {"linear", "last_touch", "markov_1"}
    refuted = find_candidates(marts_of(BEST), "purchase")[0]
    assert (refuted.model, set(refuted.beliefs)) == ("linear", {"linear"})
    decided = find_candidates(marts_of(CONTENDERS, DECISION), "purchase")[0]
    assert decided.model == "linear"


def test_the_margin_is_a_share_of_the_value():
    full = find_candidates(marts_of(), "purchase")[0]
    assert find_candidates(marts_of(), "purchase", 0.25)[0].margin == pytest.approx(full.margin / 4)


def test_regions_are_those_of_the_users():
    assert find_candidates(marts_of(regions=12), "purchase")[0].regions == 12
    assert find_candidates(marts_of(), "purchase")[0].regions == 0


def test_a_channel_that_stopped_is_no_candidate():
    marts = marts_of()
    stopped = (pl.col("channel") == "email") & (pl.col("week") > date(2026, 3, 1))
    marts["weekly_reach"] = marts["weekly_reach"].filter(~stopped)
    names = [own.channel for own in find_candidates(marts, "purchase")]
    assert "email" not in names
    assert "social" in names


def test_the_mart_has_a_row_per_channel_and_none_without_the_marts():
    with DuckDBEngine() as engine:
        build_next_experiments(engine, None)
        assert engine.frame("from mart.next_experiments").schema == SCHEMA
        for name, table in marts_of(regions=12).items():
            engine.store(f"mart.{name}", table)
        build_next_experiments(engine, {"purchase": 0.5})
        found = engine.frame("from mart.next_experiments")
    assert found["rank"].to_list() == list(range(1, len(found) + 1))
    assert found["value"].is_sorted(descending=True)
    assert found["users"].min() > 0
    assert set(found["keep_if_as_credited"]) == {True}


def test_users_and_conversions_are_summed_by_cluster():
    """The oracle counts the same in polars, a row per touch."""
    users, clusters, touches, credit = journeys_with_accounts()
    with DuckDBEngine() as engine:
        found, proposed = propose(engine)
    assert found["channel"].to_list() == ["email", "social"]
    who = users.join(clusters, on="user_id", how="left").select(
        "user_key", cluster=pl.coalesce("cluster", "user_id")
    )
    for number, row in enumerate(found.iter_rows(named=True)):
        reached = touches.filter(channel_key=number).join(who, on="user_key")
        weekly = reached.unique(["user_key", pl.col("touched_at").dt.truncate("1w")])
        n = dict(weekly.group_by("cluster").len().iter_rows())
        bought = credit.filter(channel_key=number).unique().join(who, on="user_key")
        y = dict(bought.group_by("cluster").len().iter_rows())
        assert row == {
            "outcome": "purchase", "channel": NAMES[number], "clusters": len(n),
            "people": reached["user_key"].n_unique(),
            "users": sum(n.values()), "squared_users": sum(i**2 for i in n.values()),
            "conversions": sum(y.values()), "squared_conversions": sum(i**2 for i in y.values()),
            "products": sum(n[name] * count for name, count in y.items()),
        }  # fmt: skip
    units = dict(proposed.select("channel", "unit").iter_rows())
    assert units.pop("email") == units.pop("social") == "cluster"
    assert set(units.values()) == {"user"}  # the tables have no touches of the others
    own = proposed.row(by_predicate=pl.col("channel") == "email", named=True)
    assert (own["cluster_column"], own["clusters"]) == ("account_id", found["clusters"][0])
    assert own["base_rate"] == pytest.approx(600 / (1_000 * WEEKS))


def test_without_clusters_nothing_is_summed():
    with DuckDBEngine() as engine:
        for name, table in marts_of().items():
            engine.store(f"mart.{name}", table)
        build_next_experiments(engine, None)
        assert not engine.exists(CLUSTER_TOTALS)
        assert set(engine.frame("from mart.next_experiments")["unit"]) == {"user"}


def test_regions_are_no_clusters():
    with DuckDBEngine() as engine:
        sums, proposed = propose(engine, "Region")
    assert sums is None
    assert set(proposed["unit"]) == {"user"}
